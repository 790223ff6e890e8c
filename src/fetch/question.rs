//! What an endpoint asks, compiled once: templates resolved against the input's columns, secrets looked up.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};

use super::asked::{Answer, Redacted};
use super::charset::{self, Reading};
use super::content_type::ContentType;
use super::headers::Headers;
use super::mask::Mask;
use super::network::{self, Network, Networks};
use super::origin::Origin;
use super::payload::Payload;
use super::piece::{Names, Records};
use super::reach::Reach;
use super::request::Request;
use super::retry::Policy;
use super::secret::{Credential, Secret};
use super::target::{self, UrlSource};
use super::token::known::{self, TokenUse};
use super::{Values, classify, sniff};
use crate::job::{Auth, Bounds, Endpoint, NextPage, Part, Redirects, Template};
use crate::record::{Failure, Kind};
use crate::secrets::Secrets;
use crate::value::Field;

/// One endpoint's question, ready to be filled in for each record.
pub struct Question {
    method: Method,
    pub(super) target: UrlSource,
    pub(super) headers: Headers,
    payload: Option<Payload>,
    /// What stands between the values of a batch; `None` where one record is asked for at a time.
    join: Option<String>,
    /// The query parameter that the first page needs.
    first_page: Option<(String, u64)>,
    /// Whether the next page is announced in the answer's headers.
    pub(super) wants_link: bool,
    /// Whether an answer may be one page of several.
    pub(super) has_pages: bool,
    /// Whether the request may be sent again although the server may have acted on it.
    pub(super) is_idempotent: bool,
    pub(super) reach: Reach,
    /// The way to the hosts; `None` is the usual one.
    pub(super) network: Option<Arc<Network>>,
    pub(super) redirects: Redirects,
    pub(super) reading: Reading,
    /// Takes this question's secrets out of text from the server.
    pub(super) mask: Mask,
    /// Their names, as people write them.
    pub(super) credential: Credential,
    /// The access tokens that it is asked with.
    pub(super) token: Option<Arc<TokenUse>>,
    /// Statuses that say that the id does not exist there.
    pub(super) missing: Vec<u16>,
    pub(super) bounds: Bounds,
    pub(super) policy: Policy,
}

/// Why a job's questions cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// Secrets without a usable value, all of the job's at once.
    #[error("{}\nhint: export {them} in the environment, or put {them} into a file for --env-file", list(.0), them = them(.0))]
    Secrets(
        /// Name and what is wrong with it.
        Vec<(String, String)>,
    ),
    /// Access tokens cannot be asked for.
    #[error("[auth.{name}]: {why}\nhint: correct it in the job file")]
    Token {
        /// NAME.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A template does not make a request.
    #[error("endpoint {endpoint}: {why}\nhint: correct it in the job file")]
    Endpoint {
        /// The endpoint's name.
        endpoint: String,
        /// What is wrong.
        why: String,
    },
}

fn them(secrets: &[(String, String)]) -> &'static str {
    if secrets.len() == 1 { "it" } else { "them" }
}

fn list(secrets: &[(String, String)]) -> String {
    let lines: Vec<String> = secrets.iter().map(|(name, why)| format!("secret ${{{name}}} {why}")).collect();
    lines.join("\n")
}

impl Question {
    /// The questions of a job's endpoints, in their order. `columns` are those of the input, in the order
    /// that [`Values::input`] counts them.
    pub fn compile_all(
        endpoints: &[Endpoint],
        columns: &[Field],
        secrets: &Secrets,
    ) -> Result<Vec<Question>, QuestionError> {
        let found = look_up(endpoints, secrets)?;
        let tokens = token_uses(endpoints)?;
        let names = Names { endpoints, columns, secrets: &found };
        let mut networks = Networks::default();
        let compile = |endpoint: &Endpoint| {
            let in_endpoint = |why| QuestionError::Endpoint { endpoint: endpoint.name.clone(), why };
            let hidden = network::secrets_of(endpoint, secrets);
            let question = Question::compile(endpoint, &names, &tokens, hidden).map_err(in_endpoint)?;
            let network = networks.of(endpoint, question.target.origin(), secrets).map_err(in_endpoint)?;
            Ok(Question { network, ..question })
        };
        endpoints.iter().map(compile).collect()
    }

    /// An endpoint's, but for its network; `tokens` are those of all, `hidden` is what no answer may show besides its
    /// secrets.
    pub(super) fn compile(
        endpoint: &Endpoint,
        names: &Names,
        tokens: &[Arc<TokenUse>],
        hidden: Vec<Secret>,
    ) -> Result<Question, String> {
        let target = UrlSource::compile(endpoint, names)?;
        let payload =
            endpoint.payload.as_ref().map(|payload| Payload::compile(payload, names)).transpose()?;
        let mut headers = Headers::compile(endpoint, names)?;
        if let Some(origin) = target.origin() {
            headers.constant.insert(HOST, origin.host());
        }
        if let Some(payload) = &payload {
            headers.constant.entry(CONTENT_TYPE).or_insert(payload.content_type.clone());
        }
        let values = |name: &str| names.secrets.get(name).cloned();
        let sent: Vec<Secret> = endpoint.templates().flat_map(Template::secrets).filter_map(values).collect();
        let derived = headers.derived.take();
        let used: Vec<Secret> = endpoint.secrets().filter_map(values).chain(hidden).chain(derived).collect();
        let token = match &endpoint.auth {
            Some(Auth::Token(source)) => known::find(tokens, &source.name).cloned(),
            Some(Auth::Bearer(_) | Auth::Basic(_)) | None => None,
        };
        Ok(Question {
            method: method(&endpoint.method)?,
            headers,
            payload,
            join: join(endpoint)?,
            first_page: first_page(endpoint),
            wants_link: endpoint.pages.as_ref().is_some_and(|pages| pages.next == NextPage::Link),
            has_pages: endpoint.pages.is_some(),
            is_idempotent: endpoint.idempotent,
            reach: Reach::of(endpoint, target.origin())?,
            network: None,
            target,
            redirects: endpoint.redirects,
            reading: Reading::of(endpoint),
            mask: Mask::new(&used).with_tokens(token.clone()),
            credential: Credential::new(&sent, token.as_deref().map(TokenUse::shown)),
            token,
            missing: endpoint.missing.statuses.clone(),
            bounds: endpoint.bounds.clone(),
            policy: Policy::new(&endpoint.retry),
        })
    }

    /// The request for one record, of an endpoint with pages for the first one. Fails with kind `template` where
    /// a value does not fit its slot, with kind `dependency` where another endpoint's column has no value.
    pub fn build(&self, values: &impl Values) -> Result<Request, Failure> {
        self.build_batch(std::slice::from_ref(values))
    }

    /// The request for several records at once, of an endpoint with a `batch`. One value that does not fit fails
    /// the whole, with kind `template`: which it is, [`Question::build`] tells of each record alone. So does a
    /// request that grows beyond its limits.
    pub fn build_batch(&self, records: &[impl Values]) -> Result<Request, Failure> {
        if records.is_empty() || records.len() > 1 && self.join.is_none() {
            let why = format!("a request for {} records, where one is asked for at a time", records.len());
            return Err(Failure::lasting(Kind::Template, why));
        }
        let records = Records { all: records, join: self.join.as_deref() };
        let (origin, mut target) = self.target.build(&records)?;
        if let Some((name, first)) = &self.first_page {
            target = target::with_parameter(&target.text, &target.marks, name, &first.to_string())?;
        }
        let mut headers = self.headers.build(&records)?;
        if self.target.origin().is_none() {
            headers.insert(HOST, origin.host());
        }
        if self.token_at(&origin).is_some() {
            // A token takes its place when it is sent.
            let mut place = HeaderValue::from_static("Bearer");
            place.set_sensitive(true);
            headers.insert(AUTHORIZATION, place);
        }
        let payload = match &self.payload {
            Some(payload) => payload.build(&records)?,
            None => Default::default(),
        };
        if payload.text.is_empty() && expects_payload(&self.method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(Request {
            method: self.method.clone(),
            origin,
            target: target::path_and_query(target.text)?,
            headers,
            payload: Bytes::from(payload.text),
            marks: target.marks,
            payload_marks: payload.marks,
            led_by: None,
        })
    }

    /// The access tokens that a request is sent with.
    pub(super) fn token_for(&self, request: &Request) -> Option<&Arc<TokenUse>> {
        self.token_at(&request.origin)
    }

    fn token_at(&self, origin: &Origin) -> Option<&Arc<TokenUse>> {
        self.token.as_ref().filter(|token| token.go_to(origin, self.target.origin()))
    }

    /// What becomes of a failure that was found after an answer to this question: in the answer itself, or on a later
    /// page. Where the request may not be sent twice, nobody asks it again.
    pub fn once_answered(&self, failure: Failure) -> Failure {
        if self.is_idempotent { failure } else { classify::may_have_been_taken(failure) }
    }

    /// Whether an answer of this status is read: a success, or one that says that the id does not exist there.
    pub fn reads(&self, status: u16) -> bool {
        (200..300).contains(&status) || self.means_missing(status)
    }

    /// Whether the request may be sent again although the server may have acted on it.
    pub fn is_idempotent(&self) -> bool {
        self.is_idempotent
    }

    /// Whether a status says that the id does not exist there.
    pub fn means_missing(&self, status: u16) -> bool {
        self.missing.contains(&status)
    }

    /// `text` that came from the server, `${NAME}` in place of this question's secrets: what is kept of an answer
    /// for people to read.
    pub fn masked(&self, text: &str) -> String {
        self.mask.apply(text)
    }

    /// Whether there is anything to mask.
    pub fn has_secrets(&self) -> bool {
        !self.mask.is_empty()
    }

    /// Whether it may go through a proxy.
    pub fn goes_by_proxy(&self) -> bool {
        self.network.as_ref().is_some_and(|network| network.has_proxy())
    }

    /// What an answer says, in UTF-8. JSON in UTF-8 is as it came: whether it is valid is seen when it is parsed.
    ///
    /// # Errors
    ///
    /// It is another thing than the endpoint reads (a PDF, a page where JSON was to come), its charset cannot be read,
    /// or its text is too large.
    pub fn text<'a>(&self, answer: &'a Answer) -> Result<Cow<'a, [u8]>, Failure> {
        let content_type = answer.content_type.as_ref();
        sniff::check_bytes(self.reading, content_type, &answer.body)
            .and_then(|()| charset::to_utf8(self.reading, content_type, &answer.body, self.bounds.max_answer))
            .and_then(|text| sniff::check_text(self.reading, content_type, &text).map(|()| text))
            .map_err(|failure| Failure { detail: self.masked(&failure.detail), ..failure })
            .map_err(|failure| failure.with_status(answer.status))
    }

    /// What may be kept of an answer.
    pub fn to_keep(&self, answer: &Answer) -> Redacted {
        let replaced = |text: &str| self.mask.replaced(text);
        self.redacted(self.reading, &answer.body, answer.content_type.as_ref(), replaced)
    }

    /// The same of the beginning of what was no answer.
    pub(super) fn beginning_to_keep(&self, body: &Bytes, content_type: Option<&ContentType>) -> Redacted {
        self.redacted(Reading::Any, body, content_type, |text| self.mask.apply(text))
    }

    fn redacted(
        &self,
        reading: Reading,
        body: &Bytes,
        content_type: Option<&ContentType>,
        without_secrets: impl Fn(&str) -> String,
    ) -> Redacted {
        let read = sniff::check_bytes(reading, content_type, body)
            .and_then(|()| charset::to_utf8(reading, content_type, body, u64::MAX));
        if !self.mask.is_empty() {
            let text = String::from_utf8_lossy(read.as_deref().unwrap_or(body));
            let masked = without_secrets(&text);
            if masked != text {
                return Redacted::of_text(masked, content_type);
            }
        }
        let text = match read {
            Ok(Cow::Owned(text)) => String::from_utf8(text).ok(),
            // Without its byte order mark.
            Ok(Cow::Borrowed(text)) if text.len() < body.len() => String::from_utf8(text.into()).ok(),
            _ => None,
        };
        let content_type = content_type.map(|content_type| self.masked(&content_type.text()));
        Redacted { body: body.clone(), content_type, text, is_masked: false }
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Question")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &self.headers.constant)
            .field("payload", &self.payload)
            .finish()
    }
}

fn method(name: &str) -> Result<Method, String> {
    match Method::from_bytes(name.as_bytes()) {
        Ok(Method::CONNECT) | Err(_) => Err(format!("{name:?} is no method that can be asked with")),
        Ok(method) => Ok(method),
    }
}

/// Whether servers wait for a payload, or ask for its length, unless they are told that it is empty (RFC 9110,
/// section 8.6).
fn expects_payload(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// What stands between the values of a batch. All slots are its column's: a value of one record has no place in
/// a request for many.
fn join(endpoint: &Endpoint) -> Result<Option<String>, String> {
    let Some(batch) = &endpoint.batch else { return Ok(None) };
    let mut parts = endpoint.templates().flat_map(|template| &template.parts);
    let is_other = |part: &Part| match part {
        Part::Input(name) => *name != batch.column,
        Part::Answer { .. } | Part::Url(_) => true,
        Part::Literal(_) | Part::Secret(_) => false,
    };
    if parts.any(is_other) {
        Err(format!("a batch of {{{}}} has no place for other columns", batch.column))
    } else {
        Ok(Some(batch.join.clone()))
    }
}

fn first_page(endpoint: &Endpoint) -> Option<(String, u64)> {
    match &endpoint.pages.as_ref()?.next {
        NextPage::Offset { parameter, first, .. } | NextPage::Number { parameter, first, .. } => {
            Some((parameter.clone(), *first))
        }
        NextPage::Link | NextPage::Url(_) | NextPage::Cursor { .. } => None,
    }
}

/// The values of all secrets that a job's templates name, or all that are wrong with them.
pub(super) fn look_up(
    endpoints: &[Endpoint],
    secrets: &Secrets,
) -> Result<BTreeMap<String, Secret>, QuestionError> {
    let mut found = BTreeMap::new();
    let mut unusable = BTreeMap::new();
    for name in endpoints.iter().flat_map(Endpoint::secrets) {
        match Secret::of(secrets, name) {
            Ok(secret) => drop(found.insert(name.to_owned(), secret)),
            Err(why) => drop(unusable.insert(name.to_owned(), why.to_string())),
        }
    }
    if unusable.is_empty() { Ok(found) } else { Err(QuestionError::Secrets(unusable.into_iter().collect())) }
}

/// The tokens of a job's endpoints, each source's once.
fn token_uses(endpoints: &[Endpoint]) -> Result<Vec<Arc<TokenUse>>, QuestionError> {
    let mut uses: Vec<Arc<TokenUse>> = Vec::new();
    for endpoint in endpoints {
        let Some(Auth::Token(source)) = &endpoint.auth else { continue };
        if known::find(&uses, &source.name).is_none() {
            let wrong = |why| QuestionError::Token { name: source.name.clone(), why };
            uses.push(Arc::new(TokenUse::of(source).map_err(wrong)?));
        }
    }
    Ok(uses)
}
