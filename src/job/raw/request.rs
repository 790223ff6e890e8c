//! `batch` and `pages` of an endpoint as written.

use schemars::JsonSchema;

use super::at::At;
use super::fields::{Fields, Present, Section};
use super::leaf::Count;
use super::word::{Choice, Word};
use crate::job::request::Absent;

/// Several lines of the list in one request.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Batch {
    /// Most lines of one request.
    #[schemars(required)]
    pub size: Option<At<Count<2, 1000>>>,
    /// The column of the list whose values are sent; it may be left out where the request uses only one.
    pub column: Option<At<String>>,
    /// What stands between the values in a text, as it is sent. Default `,`; `&id=` repeats a parameter. Where a text
    /// of `json` is one `{column}` alone, the values are a list there.
    pub join: Option<At<String>>,
    /// The jq expression that takes the answer apart: `.data[]`, or `to_entries[]`. Columns are taken from each of its
    /// outputs.
    #[schemars(required)]
    pub split: Option<At<String>>,
    /// The jq expression that says which value of the column an output belongs to: `.id`.
    #[schemars(required)]
    pub key: Option<At<String>>,
    /// What becomes of a line that no output belongs to: it is asked for by itself (`single`, the default), or it does
    /// not exist there (`missing`).
    pub absent: Option<At<Word<Absent>>>,
    /// The jq expression on an output that gives its own HTTP status: `.status`. Each output is then judged like an
    /// answer of its own, by `missing` and `retry.on`.
    pub status: Option<At<String>>,
    /// The jq expression on an output that says how long to wait before it is asked again, in seconds or as a date, as
    /// `Retry-After` does: `.headers["Retry-After"]`. Goes with `status`.
    pub retry_after: Option<At<String>>,
    /// The jq expression on the answer that gives the values of the column that the server did not work on, and that
    /// are asked again: `.UnprocessedKeys[]?`.
    pub unprocessed: Option<At<String>>,
    #[schemars(skip)]
    pub present: Present,
}

impl Section for Batch {
    const TITLE: &'static str = "batch";

    fn read(fields: &mut Fields<'_>) -> Batch {
        Batch {
            size: fields.required("size", "add size = 50, the most lines of one request"),
            column: fields.optional("column"),
            join: fields.optional("join"),
            split: fields.required("split", "add split = \".data[]\", which takes the answer apart"),
            key: fields.required("key", "add key = \".id\", the value that a part of the answer belongs to"),
            absent: fields.optional("absent"),
            status: fields.optional("status"),
            retry_after: fields.optional("retry_after"),
            unprocessed: fields.optional("unprocessed"),
            present: fields.present(),
        }
    }
}

impl Choice for Absent {
    const WORDS: &'static [(&'static str, Absent)] =
        &[("missing", Absent::Missing), ("single", Absent::Single)];
}

/// How an answer with rows leads to the next page: by one of `link`, `next`, `cursor`, `offset` and `number`.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Pages {
    /// `true`: the next page is the one of the `Link` header with `rel="next"`.
    pub link: Option<At<bool>>,
    /// The jq expression that gives the next page's URL, null on the last page; for HTML the CSS selector of the
    /// element whose `href` it is.
    pub next: Option<At<String>>,
    /// The jq expression that gives the text that stands for the next page, null or empty on the last page.
    pub cursor: Option<At<String>>,
    /// The query parameter that the cursor goes into.
    pub parameter: Option<At<String>>,
    /// The query parameter that grows by the items of each page: `start`.
    pub offset: Option<At<String>>,
    /// The query parameter that grows by one: `page`.
    pub number: Option<At<String>>,
    /// The first page's offset (default 0) or number (default 1).
    pub first: Option<At<Count<0, 1_000_000_000_000>>>,
    /// A jq condition that holds unless this is the last page; without it the first page without items is.
    pub more: Option<At<String>>,
    /// The jq expression that gives the items of a page, `.items`, or their number: what `offset` grows by, and what
    /// ends a list. It is read off `rows` where that walks one array (`.items[] | select(.active)`).
    pub items: Option<At<String>>,
    /// Most pages of one line of the list; more are a failure. Default 1000.
    pub most: Option<At<Count<1, 1_000_000>>>,
    #[schemars(skip)]
    pub present: Present,
}

impl Section for Pages {
    const TITLE: &'static str = "pages";

    fn read(fields: &mut Fields<'_>) -> Pages {
        Pages {
            link: fields.optional("link"),
            next: fields.optional("next"),
            cursor: fields.optional("cursor"),
            parameter: fields.optional("parameter"),
            offset: fields.optional("offset"),
            number: fields.optional("number"),
            first: fields.optional("first"),
            more: fields.optional("more"),
            items: fields.optional("items"),
            most: fields.optional("most"),
            present: fields.present(),
        }
    }
}
