//! `[[endpoint]]`: what is asked, what is taken from the answers, and within which bounds.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::answer::{AnswerFormat, Expression, TakenFrom};
use super::auth::Auth;
use super::by_name::by_name;
use super::limit::Cost;
use super::network::Network;
use super::request::{Batch, Pages, Payload};
use super::template::{Part, Template};
use super::when::When;
use crate::record::Kind;
use crate::value::Type;

/// One HTTP question asked for every record. What its serialization has is a question: changed, it starts a new run
/// ([`Job::questions`](super::Job::questions)).
#[derive(Debug, Clone, Serialize)]
pub struct Endpoint {
    /// Letters, digits and `_`; names its view and its chunk files. Never `requests`, `rows` or `input`.
    pub name: String,
    /// In capitals. `GET`, or `POST` where there is a payload, unless the job says otherwise.
    pub method: String,
    /// Starts with `http://` or `https://`, scheme, host and port literal text; or is one [`Part::Url`] alone.
    ///
    /// [`Part::Url`]: super::Part::Url
    pub url: Template,
    /// Hosts that may be asked besides that of the URL, by a whole URL from the input, redirects and next pages; `*.`
    /// before one stands for all names below it. As [`url::Url::host_str`] gives them: in lower case, Punycode, an IPv6
    /// address in brackets. Empty: any host with a public address.
    pub hosts: Vec<String>,
    /// What a redirect makes of a request that is no GET.
    #[serde(skip)]
    pub redirects: Redirects,
    /// The way to the hosts.
    #[serde(skip)]
    pub network: Network,
    /// Query parameters in order, appended to the URL's own.
    #[serde(serialize_with = "by_name")]
    pub params: Vec<(String, Template)>,
    /// Request headers in order, names in lower case.
    #[serde(serialize_with = "by_name")]
    pub headers: Vec<(String, Template)>,
    /// Who asks.
    pub auth: Option<Auth>,
    /// The request's body.
    #[serde(flatten)]
    pub payload: Option<Payload>,
    /// Whether repeating a request does no harm: by its method, or because the job says so. A request that is not
    /// so is sent again only when the server cannot have acted on it.
    #[serde(skip)]
    pub idempotent: bool,
    /// A record for which it does not hold is `not_asked`, its columns null.
    pub when: Option<When>,
    /// Several records in one request.
    pub batch: Option<Batch>,
    /// How answers are read. With a `pipe` it is [`AnswerFormat::Json`], which is what the program makes of an answer;
    /// the answer itself is any text.
    pub format: AnswerFormat,
    /// A program that makes JSON of each answer; its arguments, the program first.
    pub pipe: Option<Vec<String>>,
    /// A jq condition on the answer, without which it is a failure of kind `not_ok`.
    pub ok: Option<String>,
    /// What explodes an answer into rows: jq, or a CSS selector for HTML. At most one endpoint of a job has it.
    pub rows: Option<String>,
    /// How an answer leads to the next page; only where there are `rows`.
    pub pages: Option<Pages>,
    /// What is taken from the answer, or from each of its rows, in the order of the file.
    pub columns: Vec<Column>,
    /// When an answer says that the id does not exist there.
    pub missing: Missing,
    /// What a failure of this endpoint does to the record's row.
    #[serde(skip)]
    pub on_failure: OnFailure,
    /// Indices of the endpoints whose columns its templates or its `when` use; they come first. No cycles.
    #[serde(skip)]
    pub after: Vec<usize>,
    /// Time and size limits.
    #[serde(skip)]
    pub bounds: Bounds,
    /// When a failed request is repeated.
    #[serde(skip)]
    pub retry: Retry,
    /// Indices of the job's limits that every request of this endpoint is taken from: those that it names, and those
    /// of its literal host. (The host of a whole URL from the list is looked up when it is asked.)
    #[serde(skip)]
    pub limits: Vec<usize>,
    /// What a request costs where a limit counts units. `None`: 1.
    #[serde(skip)]
    pub cost: Option<Cost>,
    /// Share of the records, 0 to 1, that must be `ok` or `missing` here for the run to be published. Default 0.
    #[serde(skip)]
    pub min_success: f64,
}

/// One column made from an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// Unique among all endpoints of the job and the kept input columns.
    pub name: String,
    /// Where its value stands.
    pub expression: Expression,
    /// What the expression is applied to.
    pub from: TakenFrom,
    /// Its type.
    pub ty: Type,
    /// Texts that mean null (compared after `regex`, before `remove`); the column's own or else the endpoint's.
    pub nulls: Vec<String>,
    /// Characters to remove from text before it is converted: `","` for `1,234`.
    pub remove: Option<String>,
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
    /// What becomes of characters that a database cannot hold, in a text or in JSON.
    pub on_bad_character: OnBadCharacter,
}

/// What becomes of the character U+0000, which PostgreSQL cannot hold, and of half a surrogate pair, which no text can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadCharacter {
    /// U+0000 stays, half a pair fails (the default, except where the table is in PostgreSQL).
    Keep,
    /// A text that has one does not fit its type (the default where the table is in PostgreSQL).
    Fail,
    /// U+FFFD stands in its place.
    Replace,
}

/// What a value that does not fit becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The pair fails (the default).
    Fail,
    /// The value becomes null.
    Null,
}

/// When an answer means that the id does not exist there.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Missing {
    /// HTTP statuses, such as 404.
    pub statuses: Vec<u16>,
    /// A jq condition on the body.
    pub when: Option<String>,
}

/// What a redirect makes of a request that is no GET.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Redirects {
    /// The same request elsewhere; a redirect that would make a GET of it is a failure (the default).
    #[default]
    Same,
    /// What browsers make of it: a GET after 303, and of a POST after 301 and 302.
    Browser,
}

/// What a pair without success does to the record's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The record is left out (the default).
    Skip,
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
    pub max_answer: u64,
    /// Nesting of the JSON. Default 128.
    pub max_depth: u32,
    /// Redirects followed per request. Default 5.
    pub max_redirects: u32,
}

/// When and how often a failed request is repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// Attempts altogether, the first included. Default 5.
    pub attempts: u32,
    /// Upper bound of the first pause; doubles each time; the pause is drawn uniformly from 0 to it
    /// (full jitter). Default 500 ms.
    pub backoff: Duration,
    /// Upper bound of any pause. Default 30 s.
    pub max_backoff: Duration,
    /// The longest `Retry-After` that is waited for; above it the pair waits, or fails. Default 5 min.
    pub max_retry_after: Duration,
    /// From the first attempt on, after which no further one is made. Default 10 min.
    pub deadline: Duration,
    /// Which failures are repeated.
    pub on: RetryOn,
}

/// Which failures are worth another attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryOn {
    /// HTTP statuses, 200 to 599. Default 408, 429 and 500 to 599; and then a 202 without anything in it is repeated.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// Kinds of errors. Default dns, connect, tls (a handshake that breaks off), timeout and reset; others never are.
    pub kinds: Vec<Kind>,
}

impl Column {
    /// A column of that type; everything else as it is by default.
    pub fn plain(name: &str, expression: Expression, ty: Type) -> Column {
        Column {
            name: name.to_owned(),
            expression,
            from: TakenFrom::Row,
            ty,
            nulls: Vec::new(),
            remove: None,
            regex: None,
            format: None,
            zone: None,
            on_error: OnError::Fail,
            not_null: false,
            on_bad_character: OnBadCharacter::Keep,
        }
    }
}

impl Endpoint {
    /// One that asks a URL with GET and takes columns from JSON; everything else as it is by default.
    pub fn get(name: &str, url: Template, columns: Vec<Column>) -> Endpoint {
        Endpoint {
            name: name.to_owned(),
            method: "GET".to_owned(),
            url,
            hosts: Vec::new(),
            redirects: Redirects::default(),
            network: Network::default(),
            params: Vec::new(),
            headers: Vec::new(),
            auth: None,
            payload: None,
            idempotent: true,
            when: None,
            batch: None,
            format: AnswerFormat::Json,
            pipe: None,
            ok: None,
            missing: Missing::default(),
            rows: None,
            pages: None,
            columns,
            on_failure: OnFailure::Skip,
            after: Vec::new(),
            bounds: Bounds::default(),
            retry: Retry::default(),
            limits: Vec::new(),
            cost: None,
            min_success: 0.0,
        }
    }

    /// Its templates: the URL, then query, headers, payload and credentials.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let named = self.params.iter().chain(&self.headers).map(|(_, template)| template);
        let payload = self.payload.iter().flat_map(Payload::templates);
        let auth = self.auth.iter().flat_map(Auth::templates);
        std::iter::once(&self.url).chain(named).chain(payload).chain(auth)
    }

    /// The secrets that it names, in order: those of its templates, then its proxy's. One may come twice.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.templates().flat_map(Template::secrets).chain(self.network.secrets())
    }

    /// The input columns that its templates and its `when` use, in order; one may come twice.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        let named = self.when.iter().flat_map(|when| &when.inputs).map(String::as_str);
        self.templates().flat_map(Template::input_columns).chain(named)
    }

    /// The columns of other endpoints, (endpoint, column), that its templates and its `when` use, in order; one may
    /// come twice.
    pub fn answers(&self) -> impl Iterator<Item = (usize, usize)> {
        let parts = self.templates().flat_map(|template| &template.parts);
        let named = self.when.iter().flat_map(|when| &when.answers).copied();
        let in_templates = parts.filter_map(|part| match part {
            Part::Answer { endpoint, column, .. } => Some((*endpoint, *column)),
            Part::Literal(_) | Part::Input(_) | Part::Url(_) | Part::Secret(_) => None,
        });
        in_templates.chain(named)
    }

    /// Host and port as the URL has them; `None` where the list names them.
    pub fn literal_host(&self) -> Option<&str> {
        let Some(Part::Literal(text)) = self.url.parts.first() else { return None };
        text.split('/')
            .nth(2)
            .map(|host| host.split(['?', '#']).next().unwrap_or(host))
            .filter(|host| !host.is_empty())
    }

    /// Whether an answer may give several rows, or none.
    pub fn explodes(&self) -> bool {
        self.rows.is_some()
    }

    /// Whether the job file names its host; else each record has its own.
    pub fn names_host(&self) -> bool {
        matches!(self.url.parts.first(), Some(Part::Literal(_)))
    }
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(60),
            max_answer: 16 << 20,
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
            deadline: Duration::from_secs(10 * 60),
            on: RetryOn::default(),
        }
    }
}

impl Default for RetryOn {
    fn default() -> RetryOn {
        RetryOn {
            statuses: vec![408..=408, 429..=429, 500..=599],
            kinds: vec![Kind::Dns, Kind::Connect, Kind::Tls, Kind::Timeout, Kind::Reset],
        }
    }
}
