//! What an endpoint asks, compiled once: templates resolved against the input's columns, secrets looked up.

use std::collections::BTreeMap;
use std::fmt;

use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName,
    HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};

use super::Values;
use super::piece::{Names, Piece};
use super::request::Request;
use super::retry::Policy;
use super::secrets::{Mask, Secret, Secrets};
use super::target::Target;
use crate::job::{Bounds, Endpoint, Part, Template};
use crate::record::{Failure, Field, Kind};

/// Sent unless the job says otherwise.
const OUR_ACCEPT: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.5");
const OUR_ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip");
const OUR_USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("windrow/", env!("CARGO_PKG_VERSION")));

/// Headers that frame the message or steer the connection: ours to write, not the job's.
const RESERVED: [HeaderName; 7] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, TE, TRAILER, UPGRADE];

/// Headers that are credentials even where the job spells them out.
const CREDENTIALS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

/// One endpoint's question, ready to be filled in for each record.
pub struct Question {
    pub(super) target: Target,
    /// Headers that are the same for every record, `host` among them.
    pub(super) constant: HeaderMap,
    /// Headers with slots.
    filled: Vec<(HeaderName, Vec<Piece>)>,
    /// Names of the headers that belong to the origin of the template only.
    pub(super) credentials: Vec<HeaderName>,
    /// Takes this question's secrets out of text from the server.
    pub(super) mask: Mask,
    /// Statuses that say that the id does not exist there.
    pub(super) missing: Vec<u16>,
    pub(super) bounds: Bounds,
    pub(super) policy: Policy,
}

/// Why a job's questions cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// Secrets without a usable value, all of the job's at once.
    #[error("{}\nhint: export them in the environment, or put them into a file for --env-file", list(.0))]
    Secrets(
        /// Name and what is wrong with it.
        Vec<(String, String)>,
    ),
    /// A template does not make a request.
    #[error("endpoint {endpoint}: {why}\nhint: correct it in the job file")]
    Endpoint {
        /// The endpoint's name.
        endpoint: String,
        /// What is wrong.
        why: String,
    },
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
        let secrets = look_up(endpoints, secrets)?;
        let names = Names { endpoints, columns, secrets: &secrets };
        endpoints.iter().map(|endpoint| compile(endpoint, &names)).collect()
    }

    /// The request for one record. Fails with kind `template` where a value does not fit its slot, with kind
    /// `dependency` where another endpoint's column has no value.
    pub fn build(&self, values: &impl Values) -> Result<Request, Failure> {
        let built = self.target.build(values)?;
        let mut headers = self.constant.clone();
        for (name, pieces) in &self.filled {
            headers.insert(name, header_value(pieces, values)?);
        }
        Request::new(self.target.origin.clone(), built, headers)
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Question").field("target", &self.target).field("headers", &self.constant).finish()
    }
}

fn compile(endpoint: &Endpoint, names: &Names) -> Result<Question, QuestionError> {
    let in_endpoint = |why: String| QuestionError::Endpoint { endpoint: endpoint.name.clone(), why };
    let target = Target::compile(&endpoint.url, &endpoint.query, names).map_err(in_endpoint)?;
    let headers = Headers::compile(&endpoint.headers, names).map_err(in_endpoint)?;
    let mut constant = HeaderMap::from_iter([
        (HOST, target.origin.host()),
        (USER_AGENT, OUR_USER_AGENT),
        (ACCEPT, OUR_ACCEPT),
        (ACCEPT_ENCODING, OUR_ACCEPT_ENCODING),
    ]);
    constant.extend(headers.constant);
    let used: Vec<Secret> =
        secret_names(endpoint).filter_map(|name| names.secrets.get(name)).cloned().collect();
    Ok(Question {
        target,
        constant,
        filled: headers.filled,
        credentials: headers.credentials,
        mask: Mask::new(&used),
        missing: endpoint.missing.statuses.clone(),
        bounds: endpoint.bounds.clone(),
        policy: Policy::new(&endpoint.retry),
    })
}

/// The headers that a job gives an endpoint.
#[derive(Default)]
struct Headers {
    constant: HeaderMap,
    filled: Vec<(HeaderName, Vec<Piece>)>,
    credentials: Vec<HeaderName>,
}

impl Headers {
    fn compile(templates: &[(String, Template)], names: &Names) -> Result<Headers, String> {
        let mut headers = Headers { credentials: CREDENTIALS.into(), ..Headers::default() };
        for (name, template) in templates {
            let pieces = names.header(template)?;
            headers.add(header_name(name)?, pieces)?;
        }
        Ok(headers)
    }

    fn add(&mut self, name: HeaderName, pieces: Vec<Piece>) -> Result<(), String> {
        if pieces.iter().any(|piece| matches!(piece, Piece::Secret(_))) {
            self.credentials.push(name.clone());
        }
        if pieces.iter().any(|piece| matches!(piece, Piece::Slot(_))) {
            self.filled.push((name, pieces));
            return Ok(());
        }
        let value = header_value(&pieces, &NoValues)
            .map_err(|failure| format!("header {name}: {}", failure.detail))?;
        self.constant.insert(name, value);
        Ok(())
    }
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    let parsed: HeaderName = name.parse().map_err(|_| format!("{name:?} is not the name of a header"))?;
    if RESERVED.contains(&parsed) {
        return Err(format!("header {name} follows from the url and the connection and cannot be set"));
    }
    Ok(parsed)
}

/// A header's value for a record. One that holds a secret is marked, so that its `Debug` output is hidden
/// and HTTP/2 keeps it out of its compression tables.
fn header_value(pieces: &[Piece], values: &impl Values) -> Result<HeaderValue, Failure> {
    let mut text = String::new();
    let mut sensitive = false;
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Slot(slot) => slot.append(&mut text, values)?,
            Piece::Secret(secret) => {
                sensitive = true;
                text.push_str(secret.reveal());
            }
        }
    }
    let refused = |_| Failure::lasting(Kind::Template, "holds characters that a header cannot carry");
    let mut value = HeaderValue::from_str(&text).map_err(refused)?;
    value.set_sensitive(sensitive);
    Ok(value)
}

/// Stands for the record where a template has no slots.
struct NoValues;

impl Values for NoValues {
    fn input(&self, _: usize) -> &crate::record::Value {
        &crate::record::Value::Null
    }

    fn answer(&self, _: usize, _: usize) -> Option<&crate::record::Value> {
        None
    }
}

/// The values of all secrets that a job's templates name, or all that are wrong with them.
fn look_up(endpoints: &[Endpoint], secrets: &Secrets) -> Result<BTreeMap<String, Secret>, QuestionError> {
    let mut found = BTreeMap::new();
    let mut unusable = BTreeMap::new();
    for name in endpoints.iter().flat_map(secret_names) {
        match secrets.get(name) {
            Ok(secret) => drop(found.insert(name.to_owned(), secret)),
            Err(why) => drop(unusable.insert(name.to_owned(), why.to_string())),
        }
    }
    if unusable.is_empty() { Ok(found) } else { Err(QuestionError::Secrets(unusable.into_iter().collect())) }
}

fn secret_names(endpoint: &Endpoint) -> impl Iterator<Item = &str> {
    let named = endpoint.query.iter().chain(&endpoint.headers).map(|(_, template)| template);
    std::iter::once(&endpoint.url).chain(named).flat_map(|template| &template.parts).filter_map(|part| {
        match part {
            Part::Secret(name) => Some(name.as_str()),
            Part::Literal(_) | Part::Input(_) | Part::Url(_) | Part::Answer { .. } => None,
        }
    })
}
