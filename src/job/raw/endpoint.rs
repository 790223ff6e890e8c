//! `[[endpoint]]`, and what `[defaults]` may say for all, as written.

use schemars::JsonSchema;

use super::DAY;
use super::at::At;
use super::column::Columns;
use super::fields::{Fields, Present, Section};
use super::forms::{CostRule, Mentions, MissingRule, Named};
use super::json::Json;
use super::leaf::{Count, Share, Size, Time};
use super::repeat::RepeatOn;
use super::request::{Batch, Pages};
use super::word::{Choice, Word};
use crate::job::answer::AnswerFormat;
use crate::job::endpoint::{OnFailure, Redirects};

/// `[[endpoint]]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Endpoint {
    /// Names it, its view in `windrow query`, and its files: letters, digits and `_`, at most 48.
    #[schemars(required, regex(pattern = "^[A-Za-z_][A-Za-z0-9_]{0,47}$"))]
    pub name: Option<At<String>>,
    /// The URL. `{column}` is a column of the list, `{endpoint.column}` one that another endpoint's answer gave, both
    /// encoded; `${NAME}` is a secret from the environment; `{{` and `}}` are braces. Scheme, host and port are literal;
    /// or it is `{column:url}` alone, a column that holds the whole URL.
    #[schemars(required, regex(pattern = "^(https?://|\\{[^{}]+:url\\}$)"))]
    pub url: Option<At<String>>,
    /// Hosts that may be asked besides the one written into `url`, by a whole URL from the list, a redirect or a next
    /// page: `example.com`, or `*.example.com` for all names below it. Without it any host with a public address.
    pub hosts: Option<At<Vec<At<String>>>>,
    /// What becomes of a POST that is redirected by 301, 302 or 303: a failure, or with `browser` a GET without its
    /// payload, as browsers make of it. After 307 and 308 it stays what it is.
    pub redirects: Option<At<Word<Redirects>>>,
    /// The method. Default `GET`, or `POST` where there is `json`, `form` or `body`.
    #[schemars(regex(pattern = "^[A-Z0-9!#$%&'*+.^_`|~-]+$"))]
    pub method: Option<At<String>>,
    /// Query parameters, appended to the URL's own; values are templates like the URL.
    pub query: Option<At<Named<String>>>,
    /// JSON to send. Its texts are templates; one that is a `{column}` alone keeps the column's type.
    pub json: Option<At<Json>>,
    /// A form to send, as browsers do (`application/x-www-form-urlencoded`); values are templates.
    pub form: Option<At<Named<String>>>,
    /// A text to send: a template whose values are put in as they are.
    pub body: Option<At<String>>,
    /// Whether repeating a request does no harm. Default true for GET, HEAD, OPTIONS, PUT and DELETE. Any other is sent
    /// again only when the server cannot have acted on it.
    pub idempotent: Option<At<bool>>,
    /// A jq condition on the line of the list and what other endpoints answered, without which the line is not asked:
    /// `.country == "US"`, `.omdb.type == "movie"`. The columns are then null, and it is no failure.
    pub when: Option<At<String>>,
    /// Asks for several lines of the list in one request.
    pub batch: Option<At<Batch>>,
    /// How answers are read: `json` (default), `jsonl` (a list of its lines), `jsonp`, `html` (expressions are CSS
    /// selectors) or `text` (expressions are regular expressions). An answer of another kind is a failure.
    pub answer: Option<At<Word<AnswerFormat>>>,
    /// A program and its arguments that makes JSON of each answer: a line of JSON in, a line of JSON out.
    pub pipe: Option<At<Vec<At<String>>>>,
    /// A jq condition on the answer, without which it is a failure.
    pub ok: Option<At<String>>,
    /// What makes several rows of an answer, or none: jq such as `.items[]`, for HTML a CSS selector such as `table tr`.
    /// Columns are taken from each row. One endpoint of a job may have it.
    pub rows: Option<At<String>>,
    /// How an answer leads to the next page of rows.
    pub pages: Option<At<Pages>>,
    /// What is taken from the answer: a column's name and its expression (jq; for HTML a CSS selector; for text a
    /// regular expression), or a table that says more.
    #[schemars(required)]
    pub columns: Option<At<Columns>>,
    /// When an answer says that the id does not exist there, which is a success without values: a jq condition, a list
    /// of HTTP statuses, or a list of both.
    pub missing: Option<At<MissingRule>>,
    /// What a failure of this endpoint does to the row: `drop` it (default), make its columns `null`, or `keep` what
    /// the table has.
    pub on_failure: Option<At<Word<OnFailure>>>,
    /// What a request costs where a limit counts units: jq on the answer, such as `.usage.total_tokens`, or a whole
    /// number. Default 1.
    pub cost: Option<At<CostRule>>,
    /// Share of the ids, 0 to 1, that must have been answered here for the run to be published; an id that is missing
    /// counts as answered. Default 0: no condition.
    pub min_success: Option<At<Share>>,
    #[schemars(flatten)]
    pub common: Common,
    #[schemars(skip)]
    pub present: Present,
}

impl Endpoint {
    /// Its own templates: the URL, then query, payload and headers.
    pub(in crate::job) fn templates(&self) -> impl Iterator<Item = &At<String>> {
        let query = self.query.iter().flat_map(|query| query.value.entries()).map(|(_, template)| template);
        let json = self.json.iter().flat_map(|json| json.value.texts());
        let form = self.form.iter().flat_map(|form| form.value.entries()).map(|(_, template)| template);
        let payload = json.chain(form).chain(&self.body);
        self.url.iter().chain(query).chain(payload).chain(self.common.header_templates())
    }
}

impl Section for Endpoint {
    const TITLE: &'static str = "[[endpoint]]";

    fn read(fields: &mut Fields<'_>) -> Endpoint {
        Endpoint {
            name: fields.required("name", "add name = \"…\": letters, digits and `_`"),
            url: fields.required("url", "add url = \"https://…\""),
            hosts: fields.optional("hosts"),
            redirects: fields.optional("redirects"),
            method: fields.optional("method"),
            query: fields.optional("query"),
            json: fields.optional("json"),
            form: fields.optional("form"),
            body: fields.optional("body"),
            idempotent: fields.optional("idempotent"),
            when: fields.optional("when"),
            batch: fields.optional("batch"),
            answer: fields.optional("answer"),
            pipe: fields.optional("pipe"),
            ok: fields.optional("ok"),
            rows: fields.optional("rows"),
            pages: fields.optional("pages"),
            columns: fields
                .required("columns", "add [endpoint.columns] with lines such as title = \".Title\""),
            missing: fields.optional("missing"),
            on_failure: fields.optional("on_failure"),
            cost: fields.optional("cost"),
            min_success: fields.optional("min_success"),
            common: Common::read(fields),
            present: fields.present(),
        }
    }
}

impl Choice for AnswerFormat {
    const WORDS: &'static [(&'static str, AnswerFormat)] = &[
        ("json", AnswerFormat::Json),
        ("jsonl", AnswerFormat::JsonLines),
        ("jsonp", AnswerFormat::Jsonp),
        ("html", AnswerFormat::Html),
        ("text", AnswerFormat::Text),
    ];
}

impl Choice for Redirects {
    const WORDS: &'static [(&'static str, Redirects)] = &[("browser", Redirects::Browser)];
}

impl Choice for OnFailure {
    const WORDS: &'static [(&'static str, OnFailure)] =
        &[("drop", OnFailure::Drop), ("null", OnFailure::Null), ("keep", OnFailure::Keep)];
}

/// Keys of both `[[endpoint]]` and `[defaults]`.
#[derive(Debug, Clone, Default, JsonSchema)]
pub(in crate::job) struct Common {
    /// Request headers; values are templates like the URL. An endpoint's own come besides those of the defaults.
    pub headers: Option<At<Named<String>>>,
    /// Texts that mean null, such as `"N/A"`.
    pub nulls: Option<At<Vec<At<String>>>>,
    /// From the start of an attempt to the answer's end. Default `60s`.
    pub timeout: Option<At<Time<1, DAY>>>,
    /// To connect, TLS included. Default `10s`.
    pub connect_timeout: Option<At<Time<1, DAY>>>,
    /// Between two pieces of an answer. Default `30s`.
    pub idle_timeout: Option<At<Time<1, DAY>>>,
    /// Most bytes of an answer, decoded. Default `16MiB`.
    pub max_body: Option<At<Size<{ 1 << 30 }>>>,
    /// Deepest nesting of an answer's JSON. Default 128.
    pub max_depth: Option<At<Count<1, 512>>>,
    /// Redirects followed for one request. Default 5.
    pub max_redirects: Option<At<Count<0, 50>>>,
    /// When and how often a failed request is repeated.
    pub retry: Option<At<Retry>>,
    /// The limit, or limits, that requests are taken from, besides those of their host.
    pub limit: Option<At<Mentions>>,
}

impl Common {
    /// The names of its headers.
    pub(in crate::job) fn header_names(&self) -> Vec<&At<String>> {
        self.headers.as_ref().map_or_else(Vec::new, |headers| headers.value.names())
    }

    /// The values of its headers.
    pub(in crate::job) fn header_templates(&self) -> impl Iterator<Item = &At<String>> {
        self.headers.iter().flat_map(|headers| headers.value.entries()).map(|(_, template)| template)
    }

    /// Takes its keys from the table of an endpoint or of the defaults.
    pub(super) fn read(fields: &mut Fields<'_>) -> Common {
        Common {
            headers: fields.optional("headers"),
            nulls: fields.optional("nulls"),
            timeout: fields.optional("timeout"),
            connect_timeout: fields.optional("connect_timeout"),
            idle_timeout: fields.optional("idle_timeout"),
            max_body: fields.optional("max_body"),
            max_depth: fields.optional("max_depth"),
            max_redirects: fields.optional("max_redirects"),
            retry: fields.optional("retry"),
            limit: fields.optional("limit"),
        }
    }
}

/// When and how often a failed request is repeated.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Retry {
    /// Attempts altogether, the first included. Default 5.
    pub attempts: Option<At<Count<1, 100>>>,
    /// Longest first pause; it doubles each time, and the pause is drawn from 0 to it. Default `500ms`.
    pub backoff: Option<At<Time<0, DAY>>>,
    /// Longest pause. Default `30s`.
    pub max_backoff: Option<At<Time<0, DAY>>>,
    /// The longest `Retry-After` that is waited for; above it the run pauses, as it does when a quota is used up. Default `5m`.
    pub max_retry_after: Option<At<Time<0, { 7 * DAY }>>>,
    /// From the first attempt on, after which no further one is made. Default `10m`.
    pub deadline: Option<At<Time<1000, { 7 * DAY }>>>,
    /// Which failures are repeated: HTTP statuses, `4xx`, `5xx`, and `dns`, `connect`, `tls`, `timeout`, `reset`. Default
    /// 408, 429, `5xx` and those five; an empty list is none. A success that is listed (`202`) is no answer yet, unless
    /// `ok` holds; so is a 202 without anything in it, which is repeated by default, too.
    pub on: Option<At<RepeatOn>>,
}

impl Section for Retry {
    const TITLE: &'static str = "retry";

    fn read(fields: &mut Fields<'_>) -> Retry {
        Retry {
            attempts: fields.optional("attempts"),
            backoff: fields.optional("backoff"),
            max_backoff: fields.optional("max_backoff"),
            max_retry_after: fields.optional("max_retry_after"),
            deadline: fields.optional("deadline"),
            on: fields.optional("on"),
        }
    }
}
