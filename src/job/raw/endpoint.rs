//! `[[endpoint]]`, and what `[defaults]` may say for all, as written.

use super::DAY;
use super::at::At;
use super::auth::AnyAuth;
use super::column::Columns;
use super::fields::{Fields, Present, Section};
use super::forms::{CostRule, Entry, Mentions, MissingRule, Named};
use super::json::Json;
use super::leaf::{Count, Share, Size, Time};
use super::repeat::RepeatOn;
use super::request::{Batch, Pages};
use super::section::section;
use super::word::{Choice, Word};
use crate::job::answer::AnswerFormat;
use crate::job::endpoint::{OnFailure, Redirects};

section! {
    /// `[[endpoint]]`
    "[[endpoint]]";
    Endpoint {
        /// Names it, its view in `windrow query`, and its files: letters, digits and `_`, at most 48. Default for a single
        /// endpoint the job's name.
        #[schemars(regex(pattern = "^[A-Za-z_][A-Za-z0-9_]{0,47}$"))]
        name: String,
        /// The URL. `{column}` is a column of the list, `{endpoint.column}` one that another endpoint's answer gave, both
        /// encoded; `${NAME}` is a secret from the environment; `{{` and `}}` are braces. Scheme, host and port are literal;
        /// or it is `{column:url}` alone, a column that holds the whole URL.
        #[schemars(required, regex(pattern = "^(https?://|\\{[^{}]+:url\\}$)"))]
        url: String = "add url = \"https://…\"",
        /// A jq condition on the record and what other endpoints answered, without which this one is not asked:
        /// `.country == "US"`, `.omdb.type == "movie"`. The columns are then null, and it is no failure.
        when: String,
        /// Asks for several records in one request.
        batch: Batch,
        /// What makes several rows of an answer, or none: jq such as `.items[]`, for HTML a CSS selector such as `table tr`.
        /// Columns are taken from each row. One endpoint of a job may have it.
        rows: String,
        /// How an answer leads to the next page of rows.
        pages: Pages,
        /// What is taken from the answer: a column's name and its expression (jq; for HTML a CSS selector; for text a
        /// regular expression), or a table that says more.
        #[schemars(required)]
        columns: Columns = "add [endpoint.columns] with lines such as title = \".Title\"",
        ..
        #[schemars(flatten)]
        common: Common = Common::read,
    }
}

impl Endpoint {
    /// Its own templates: the URL, then params, payload and headers.
    pub(in crate::job) fn templates(&self) -> impl Iterator<Item = &At<String>> {
        self.url.iter().chain(self.common.templates())
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

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["ndjson", "json_lines", "jsonlines"], "write \"jsonl\""),
        (&["css", "htm", "web"], "write \"html\""),
        (&["txt", "plain", "string", "raw", "regex"], "write \"text\""),
        (
            &["xml", "csv", "yaml", "tsv", "xlsx"],
            "write pipe = [\"python3\", \"parse.py\"], a program that makes JSON of it",
        ),
    ];
}

impl Choice for Redirects {
    const WORDS: &'static [(&'static str, Redirects)] = &[("browser", Redirects::Browser)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] =
        &[(&["browsers", "follow", "get", "curl", "requests"], "write \"browser\"")];
}

impl Choice for OnFailure {
    const WORDS: &'static [(&'static str, OnFailure)] =
        &[("skip", OnFailure::Skip), ("null", OnFailure::Null), ("keep", OnFailure::Keep)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["drop", "ignore", "omit", "exclude", "leave_out", "continue"], "write \"skip\""),
        (&["none", "nan", "na", "empty", "coerce"], "write \"null\""),
        (
            &["fail", "raise", "error", "stop", "abort"],
            "a failure stops no run: max_failed = 0 in [publish] keeps a run with one from being published",
        ),
    ];
}

section! {
    /// Keys of both `[[endpoint]]` and `[defaults]`.
    #[schemars(rename = "Defaults")]
    "[defaults]";
    Common {
        /// Hosts that may be asked besides the one written into `url`, by a whole URL from the list, a redirect or a next
        /// page: `example.com`, or `*.example.com` for all names below it. Without it any host with a public address.
        hosts: Vec<At<String>>,
        /// What becomes of a POST that is redirected by 301, 302 or 303: a failure, or with `browser` a GET without its
        /// payload, as browsers make of it. After 307 and 308 it stays what it is.
        redirects: Word<Redirects>,
        /// The HTTP method. Default `GET`, or `POST` where there is `json`, `form` or `body`.
        #[schemars(regex(pattern = "^[A-Z0-9!#$%&'*+.^_`|~-]+$"))]
        method: String,
        /// Query parameters, appended to the URL's own; values are templates like the URL.
        params: Named<String>,
        /// Request headers; values are templates like the URL. An endpoint's own come besides those of the defaults.
        headers: Named<String>,
        /// Who asks, in the `authorization` header: the name of an `[auth.NAME]` whose access tokens are sent, or
        /// `{ bearer = "${API_TOKEN}" }`, or `{ basic = "user:${PASSWORD}" }`.
        auth: AnyAuth,
        /// JSON to send. Its texts are templates; one that is a `{column}` alone keeps the column's type.
        json: Json,
        /// A form to send, as browsers do (`application/x-www-form-urlencoded`); values are templates.
        form: Named<String>,
        /// A text to send: a template whose values are put in as they are.
        body: String,
        /// Whether repeating a request does no harm. Default true for GET, HEAD, OPTIONS, PUT and DELETE. Any other is sent
        /// again only when the server cannot have acted on it.
        idempotent: bool,
        /// How answers are read: `json` (default), `jsonl` (a list of its lines), `jsonp`, `html` (expressions are CSS
        /// selectors) or `text` (expressions are regular expressions). An answer of another kind is a failure.
        format: Word<AnswerFormat>,
        /// A program and its arguments that makes JSON of each answer: a line of JSON in, a line of JSON out.
        pipe: Vec<At<String>>,
        /// A jq condition on the answer, without which it is a failure.
        ok: String,
        /// When an answer says that the id does not exist there, which is a success without values: a jq condition, a list
        /// of HTTP statuses, or a list of both.
        missing: MissingRule,
        /// Texts that mean null, such as `"N/A"`.
        nulls: Vec<At<String>>,
        /// What a failure of this endpoint does to the row: `skip` it (default), make its columns `null`, or `keep` what
        /// the table has.
        on_failure: Word<OnFailure>,
        /// How long an attempt may take, from its start to the answer's end. Default `60s`.
        timeout: Time<1, DAY>,
        /// How long connecting may take, TLS included. Default `10s`.
        connect_timeout: Time<1, DAY>,
        /// The longest silence between two pieces of an answer. Default `30s`.
        idle_timeout: Time<1, DAY>,
        /// Most bytes of an answer, decoded. Default `16MiB`.
        max_answer: Size<{ 1 << 30 }>,
        /// Deepest nesting of an answer's JSON. Default 128.
        max_depth: Count<1, 512>,
        /// Redirects followed for one request. Default 5.
        max_redirects: Count<0, 50>,
        /// When and how often a failed request is repeated.
        retry: Retry,
        /// The limit, or limits, that requests are taken from, besides those of their host.
        limit: Mentions,
        /// What a request costs where a limit counts units: jq on the answer, such as `.usage.total_tokens`, or a whole
        /// number. Default 1.
        cost: CostRule,
        /// Share of the ids, 0 to 1, that must have been answered here for the run to be published; an id that is missing
        /// counts as answered. Default 0: no condition.
        min_success: Share,
        ..
        /// The keys that are there, right or wrong.
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

impl Common {
    /// Its templates: params, then payload, headers and credentials.
    fn templates(&self) -> impl Iterator<Item = &At<String>> {
        let json = self.json.iter().flat_map(|json| json.value.texts());
        let payload = json.chain(values(&self.form)).chain(&self.body);
        let auth = self.auth.iter().filter_map(|auth| match &auth.value {
            AnyAuth::Own(own) => Some(own.templates()),
            AnyAuth::Named(_) => None,
        });
        values(&self.params).chain(payload).chain(values(&self.headers)).chain(auth.flatten())
    }

    /// Takes from the defaults what it does not say itself. A request has one body, and an answer is read in one way: who
    /// says one of either has none of the defaults'.
    pub(super) fn inherit_defaults(&mut self, defaults: &Common) {
        let mut general = defaults.clone();
        let mut own: Vec<&str> = Vec::new();
        if PAYLOADS.iter().any(|key| self.present.has(key)) {
            (general.json, general.form, general.body) = (None, None, None);
            own.extend(PAYLOADS);
        }
        if READING.iter().any(|key| self.present.has(key)) {
            (general.format, general.pipe) = (None, None);
            own.extend(READING);
        }
        if let (Some(retry), Some(general)) = (&mut self.retry, &general.retry) {
            retry.value.inherit(&general.value);
        }
        let is_same = |one: &str, other: &str| one == other;
        inherit_named(&mut self.params, &general.params, is_same);
        inherit_named(&mut self.headers, &general.headers, str::eq_ignore_ascii_case);
        self.inherit(&general);
        self.present.extend(&defaults.present, &own);
    }
}

/// Of which a request has one.
const PAYLOADS: [&str; 3] = ["json", "form", "body"];

/// Of which one says how an answer is read.
const READING: [&str; 2] = ["format", "pipe"];

fn values(named: &Option<At<Named<String>>>) -> impl Iterator<Item = &At<String>> {
    named.iter().flat_map(|named| named.value.entries()).map(|(_, value)| value)
}

/// Puts the things of the defaults that are not named here before those that are.
fn inherit_named<T: Clone>(
    own: &mut Option<At<Named<T>>>,
    general: &Option<At<Named<T>>>,
    is_same: fn(&str, &str) -> bool,
) {
    let (Some(own), Some(general)) = (own, general) else { return };
    let is_own =
        |entry: &Entry<T>| own.value.0.iter().any(|other| is_same(other.name.text(), entry.name.text()));
    let mut all: Vec<Entry<T>> = general.value.0.iter().filter(|entry| !is_own(entry)).cloned().collect();
    all.append(&mut own.value.0);
    own.value.0 = all;
}

section! {
    /// When and how often a failed request is repeated.
    "retry";
    Retry {
        /// Attempts altogether, the first included. Default 5.
        attempts: Count<1, 100>,
        /// The longest pause before the second attempt; it doubles each time, and the pause is drawn from 0 to it. Default `500ms`.
        backoff: Time<0, DAY>,
        /// The longest pause between two attempts. Default `30s`.
        max_backoff: Time<0, DAY>,
        /// The longest `Retry-After` that is waited for; above it the run pauses, as it does when a quota is used up. Default `5m`.
        max_retry_after: Time<0, { 7 * DAY }>,
        /// How long after the first attempt a further one may be made. Default `10m`.
        deadline: Time<1000, { 7 * DAY }>,
        /// Which failures are repeated: HTTP statuses, `4xx`, `5xx`, and `dns`, `connect`, `tls`, `timeout`, `reset`. Default
        /// 408, 429, `5xx` and those five; an empty list is none. A success that is listed (`202`) is no answer yet, unless
        /// `ok` holds; so is a 202 without anything in it, which is repeated by default, too.
        on: RepeatOn,
    }
}
