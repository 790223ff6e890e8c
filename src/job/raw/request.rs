//! `batch` and `pages` of an endpoint as written.

use super::fields::{Fields, Present};
use super::leaf::Count;
use super::section::section;
use super::word::{Choice, Word};
use crate::job::request::OnAbsent;

section! {
    /// Several records in one request.
    "batch";
    Batch {
        /// Most records of one request.
        #[schemars(required)]
        size: Count<2, 1000> = "add size = 50, the most lines of one request",
        /// The column of the list whose values are sent; it may be left out where the request uses only one.
        column: String,
        /// What stands between the values in a text, as it is sent. Default `,`; `&id=` repeats a parameter. Where a text
        /// of `json` is one `{column}` alone, the values are a list there.
        join: String,
        /// The jq expression that takes the answer apart: `.data[]`, or `to_entries[]`. Columns are taken from each of its
        /// outputs.
        #[schemars(required)]
        split: String = "add split = \".data[]\", which takes the answer apart",
        /// The jq expression that says which value of the column an output belongs to: `.id`.
        #[schemars(required, rename = "match")]
        matches as "match": String = "add match = \".id\", the value that a part of the answer belongs to",
        /// What becomes of a record that no output belongs to: it is asked for by itself (`alone`, the default), or it does
        /// not exist there (`missing`).
        on_absent: Word<OnAbsent>,
        /// The jq expression on an output that gives its own HTTP status: `.status`. Each output is then judged like an
        /// answer of its own, by `missing` and `retry.on`.
        status: String,
        /// The jq expression on an output that says how long to wait before it is asked again, in seconds or as a date, as
        /// `Retry-After` does: `.headers["Retry-After"]`. Goes with `status`.
        retry_after: String,
        /// The jq expression on the answer that gives the values of the column that the server did not work on, and that
        /// are asked again: `.UnprocessedKeys[]?`.
        unprocessed: String,
        ..
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

impl Choice for OnAbsent {
    const WORDS: &'static [(&'static str, OnAbsent)] =
        &[("missing", OnAbsent::Missing), ("alone", OnAbsent::Alone)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["single", "retry", "ask", "one"], "write \"alone\""),
        (&["skip", "null", "ignore", "not_found"], "write \"missing\""),
    ];
}

section! {
    /// How an answer with rows leads to the next page: by one of `link`, `next`, `cursor`, `offset_param` and `page_param`.
    "pages";
    Pages {
        /// `true`: the next page is the one of the `Link` header with `rel="next"`.
        link: bool,
        /// The jq expression that gives the next page's URL, null on the last page; for HTML the CSS selector of the
        /// element whose `href` it is.
        next: String,
        /// The jq expression that gives the text that stands for the next page, null or empty on the last page.
        cursor: String,
        /// The query parameter that the cursor goes into.
        cursor_param: String,
        /// The query parameter that grows by the items of each page: `start`.
        offset_param: String,
        /// The query parameter that grows by one: `page`.
        page_param: String,
        /// The first page's offset (default 0) or number (default 1).
        first: Count<0, 1_000_000_000_000>,
        /// A jq condition that holds unless this is the last page; without it the first page without items is.
        more: String,
        /// The jq expression that gives the items of a page, `.items`, or their number: what `offset_param` grows by, and what
        /// ends a list. It is read off `rows` where that walks one array (`.items[] | select(.active)`).
        items: String,
        /// Most pages of one record; more are a failure. Default 1000.
        max: Count<1, 1_000_000>,
        ..
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}
