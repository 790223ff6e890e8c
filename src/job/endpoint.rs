//! `[[endpoint]]`: what is asked, what is taken from the answers, and within which bounds.

use std::time::Duration;

use super::template::Template;
use crate::record::Type;

/// One HTTP question asked for every record.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Letters, digits and `_`; names its view and its chunk files. Never `requests`, `rows` or `input`.
    pub name: String,
    /// Starts with `http://` or `https://`; scheme, host and port are literal text.
    pub url: Template,
    /// Query parameters in order, appended to the URL's own.
    pub query: Vec<(String, Template)>,
    /// Request headers in order, names in lower case.
    pub headers: Vec<(String, Template)>,
    /// What is taken from the answer, in the order of the file.
    pub columns: Vec<Column>,
    /// When an answer says that the id does not exist there.
    pub missing: Missing,
    /// What a failure of this endpoint does to the record's row.
    pub on_failure: OnFailure,
    /// Indices of the endpoints whose columns its templates use; they come first. No cycles.
    pub after: Vec<usize>,
    /// Time and size limits.
    pub bounds: Bounds,
    /// When a failed request is repeated.
    pub retry: Retry,
}

/// One column made from an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Unique among all endpoints of the job and the kept input columns.
    pub name: String,
    /// jq. Compiles (checked).
    pub jq: String,
    /// Its type.
    pub ty: Type,
    /// Texts that mean null (compared after `regex`, before `strip`); the column's own or else the endpoint's.
    pub nulls: Vec<String>,
    /// Characters to remove from text before it is converted: `","` for `1,234`.
    pub strip: Option<String>,
    /// The first capture group (or else the whole match) is the value; no match is null.
    pub regex: Option<String>,
    /// strptime format of a date or timestamp.
    pub format: Option<String>,
    /// IANA time zone of timestamps without an offset; UTC by default.
    pub zone: Option<String>,
    /// What a value that does not fit its type becomes.
    pub on_error: OnError,
    /// Whether null is a failure of kind `null`.
    pub not_null: bool,
}

/// What a value that does not fit becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The pair fails (the default).
    Fail,
    /// The value becomes null.
    Null,
}

/// When an answer means that the id does not exist there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Missing {
    /// HTTP statuses, such as 404.
    pub statuses: Vec<u16>,
    /// A jq condition on the body.
    pub when: Option<String>,
}

/// What a pair without success does to the record's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The record is left out (the default).
    Drop,
    /// This endpoint's columns are null.
    Null,
    /// This endpoint's columns stay as the table has them for that key; null where it has none.
    Keep,
}

/// Limits of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// To connect, TLS handshake included. Default 10 s.
    pub connect_timeout: Duration,
    /// Between two pieces of an answer. Default 30 s.
    pub idle_timeout: Duration,
    /// From the start of an attempt to the answer's end. Default 60 s.
    pub timeout: Duration,
    /// Decoded body, in bytes. Default 16 MiB.
    pub max_body: u64,
    /// Nesting of the JSON. Default 128.
    pub max_depth: u32,
    /// Redirects followed per request. Default 5.
    pub max_redirects: u32,
}

/// When and how often a failed request is repeated (connection errors, timeouts, 408, 429 and 5xx).
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// Attempts altogether, the first included. Default 5.
    pub attempts: u32,
    /// Upper bound of the first pause; doubles each time; the pause is drawn uniformly from 0 to it
    /// (full jitter). Default 500 ms.
    pub backoff: Duration,
    /// Upper bound of any pause. Default 30 s.
    pub max_backoff: Duration,
    /// The longest `Retry-After` that is waited for; above it the pair fails at once. Default 5 min.
    pub max_retry_after: Duration,
}

impl Endpoint {
    /// Its templates: the URL, then query, then headers.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let named = self.query.iter().chain(&self.headers).map(|(_, template)| template);
        std::iter::once(&self.url).chain(named)
    }
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(60),
            max_body: 16 << 20,
            max_depth: 128,
            max_redirects: 5,
        }
    }
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            attempts: 5,
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(5 * 60),
        }
    }
}
