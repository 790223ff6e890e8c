//! What an endpoint sends besides URL, query and headers, how many records share a request, and how an answer
//! leads to the next page.

use std::fmt;

use serde::{Serialize, Serializer};

use super::by_name::by_name;
use super::template::Template;

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// `json`: sent as `application/json`.
    Json(JsonTemplate),
    /// `form`: sent as `application/x-www-form-urlencoded`; names and values in order, values encoded.
    Form(#[serde(serialize_with = "fields")] Vec<(String, Template)>),
    /// `body`: text as it stands; values are put in as they are.
    #[serde(rename = "body")]
    Text(Template),
}

/// A form without fields is one, too.
fn fields<S: Serializer>(fields: &[(String, Template)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Form<'a> {
        #[serde(serialize_with = "by_name")]
        fields: &'a [(String, Template)],
    }
    Form { fields }.serialize(serializer)
}

/// JSON whose texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonTemplate {
    /// A number or a boolean, as the job file has it.
    Fixed(serde_json::Value),
    /// A text. Of one slot alone, the value keeps its type: a number, a boolean, text or null; in a batch the
    /// list of values.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// An object, its members in the order of the file.
    Object(Vec<(String, JsonTemplate)>),
}

/// Several records in one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch {
    /// Most records of one request, 2 to 1000.
    pub size: u32,
    /// The input column whose values are sent: the only one that the endpoint's templates use.
    pub column: String,
    /// What stands between the values in a text, as it goes over the wire: `,` by default, or `&id=`. Not empty; in a
    /// URL it holds only what may stand in a query (RFC 3986, section 3.4).
    pub join: String,
    /// jq: the items of an answer, `.data[]` or `to_entries[]`. Columns are taken from an item.
    pub split: String,
    /// jq: the value of `column` that an item belongs to.
    #[serde(rename = "match")]
    pub matches: String,
    /// What becomes of a record that no item belongs to.
    pub on_absent: OnAbsent,
    /// jq on an item: its own status, as an HTTP status; an item is then judged like an answer of its own.
    pub status: Option<String>,
    /// jq on an item: how long it asks to wait, as `Retry-After` would say it (RFC 9110, section 10.2.3). Only
    /// beside `status`.
    #[serde(skip)]
    pub retry_after: Option<String>,
    /// jq on the whole answer: the values of `column` that were not worked, and are asked again.
    pub unprocessed: Option<String>,
}

/// What becomes of a record that is absent from its batch's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAbsent {
    /// It does not exist there.
    Missing,
    /// It is asked for alone, and does not exist there if that answer is empty too (the default); so are all records of
    /// a batch that failed for good.
    Alone,
}

/// How an answer leads to the next page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pages {
    /// What the next request is made of.
    pub next: NextPage,
    /// Most pages of one record; more are a failure of kind `pages`. Default 1000.
    #[serde(skip)]
    pub max: u32,
    /// jq: the array or object whose elements a page holds, or their number, before `rows` filters them. As the job has
    /// it, or else read off `rows`; none where it can neither be read off nor is needed.
    pub items: Option<String>,
}

/// What the request for the next page is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextPage {
    /// The `Link` header with `rel="next"` (RFC 8288); none on the last page.
    Link,
    /// jq: its URL, absolute or relative; null on the last page. For HTML a CSS selector: the `href` of the first
    /// element that it finds; none on the last page.
    Url(String),
    /// jq: a text for the query parameter; null or empty on the last page.
    Cursor {
        /// jq.
        value: String,
        /// The query parameter that it goes into.
        parameter: String,
    },
    /// The query parameter grows by the items of each page.
    Offset {
        /// The query parameter.
        parameter: String,
        /// Its first value, 0 by default.
        first: u64,
        /// jq: a condition that holds unless this is the last page; without it the first page without items is.
        more: Option<String>,
    },
    /// The query parameter grows by one.
    Number {
        /// The query parameter.
        parameter: String,
        /// Its first value, 1 by default.
        first: u64,
        /// As for an offset.
        more: Option<String>,
    },
}

impl NextPage {
    /// Whether we count to the next page, rather than that an answer names it.
    pub fn counts(&self) -> bool {
        matches!(self, NextPage::Offset { .. } | NextPage::Number { .. })
    }
}

/// Whether repeating a request of this method changes nothing (RFC 9110, section 9.2.2).
pub fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE")
}

impl Payload {
    /// Its templates, in order.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Payload::Json(json) => json.templates(),
            Payload::Form(fields) => fields.iter().map(|(_, template)| template).collect(),
            Payload::Text(template) => vec![template],
        }
    }
}

/// The JSON as it is written, its members in the order of the file.
impl fmt::Display for JsonTemplate {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            JsonTemplate::Fixed(value) => write!(text, "{value}"),
            JsonTemplate::Text(template) => text.write_str(&quoted(&template.to_string())),
            JsonTemplate::List(items) => {
                let items: Vec<String> = items.iter().map(JsonTemplate::to_string).collect();
                write!(text, "[{}]", items.join(","))
            }
            JsonTemplate::Object(members) => {
                let member = |(name, member): &(String, JsonTemplate)| format!("{}:{member}", quoted(name));
                let members: Vec<String> = members.iter().map(member).collect();
                write!(text, "{{{}}}", members.join(","))
            }
        }
    }
}

/// JSON that is sent is compared as it is written: no member of it may be taken for a key that says nothing.
impl Serialize for JsonTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonTemplate {
    /// Its templates, in order.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            JsonTemplate::Fixed(_) => Vec::new(),
            JsonTemplate::Text(template) => vec![template],
            JsonTemplate::List(items) => items.iter().flat_map(JsonTemplate::templates).collect(),
            JsonTemplate::Object(members) => {
                members.iter().flat_map(|(_, member)| member.templates()).collect()
            }
        }
    }
}
