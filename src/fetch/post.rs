//! One text that is posted, outside of any run: what happened, told to an address of the job's.
//!
//! It goes by the rules of every other request: TLS is verified, a redirect is no success, everything is bounded, and nothing
//! that comes back shows a secret. The address may be one itself, as that of a webhook is: it is never shown whole.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use url::Url;

use super::headers::NoValues;
use super::network::{self, Networks};
use super::piece::Names;
use super::secret::Secret;
use super::{Answer, Asker, Client, ClientSettings, Origin, Pacer, Question, Refused, encode};
use crate::job::{Bounds, Endpoint, Network, Part, Payload, Retry, Template};
use crate::secrets::Secrets;

/// Attempts altogether.
const ATTEMPTS: u32 = 3;

/// The longest pause before the second.
const BACKOFF: Duration = Duration::from_millis(500);

/// Most bytes of an answer, of which only the status counts.
const LARGEST: u64 = 1 << 20;

/// A shorter path of an address is no secret: it is found everywhere.
const SHORTEST_PATH: usize = 8;

/// Where something is posted.
#[derive(Debug, Clone, Copy)]
pub struct PostTo<'a> {
    /// Its address: where a secret comes first it is taken as it is, all other values are encoded.
    pub url: &'a Template,
    /// The way to it.
    pub network: &'a Network,
    /// How long all attempts may take.
    pub within: Duration,
}

/// Posts a JSON text, up to three times: it may come twice. `value` gives what the address has as `{name}`.
///
/// # Errors
/// Why nobody took it, in words that show no secret.
pub async fn post_json(
    to: PostTo<'_>,
    value: impl Fn(&str) -> String,
    json: String,
    secrets: &Secrets,
) -> Result<(), String> {
    let address = Address::of(to.url, value, secrets)?;
    let masked = |why: String| address.mask.apply(&why);
    let (question, client) = address.question(to, json, secrets).map_err(masked)?;
    let request = question.build(&NoValues).map_err(|failure| masked(failure.detail))?;
    let (_running, stop) = watch::channel(false);
    let draw = |most: Duration| most.mul_f64(fastrand::f64());
    let asked = client.ask_for(&TakenIsEnough, &question, &request, &AtOnce, &stop, draw).await;
    let why = match (asked.http_status, asked.answer) {
        // What stands in the answer is of no interest.
        (Some(200..=299), _) | (_, Ok(_)) => return Ok(()),
        (_, Err(failure)) => format!("{}: {}", failure.kind, failure.detail),
    };
    Err(masked(format!("{} {why}", address.shown())))
}

/// Whom no answer is too little.
struct TakenIsEnough;

impl Asker for TakenIsEnough {
    fn is_answer(&self, _: &Answer) -> bool {
        true
    }
}

/// An address with its secrets.
struct Address {
    url: Url,
    /// All that must not be shown.
    hidden: Vec<Secret>,
    mask: super::Mask,
}

impl Address {
    fn of(url: &Template, value: impl Fn(&str) -> String, secrets: &Secrets) -> Result<Address, String> {
        let (text, mut hidden) = with_values(url, value, secrets)?;
        let names: Vec<&str> = hidden.iter().map(|secret| &**secret.shown()).collect();
        let of = if names.is_empty() { "its address".to_owned() } else { names.join(" and ") };
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| format!("{of} is no URL that starts with http:// or https://"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("{of} has a user name in it, which is not sent"));
        }
        // A server may repeat the part of a secret URL that is one.
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        if !names.is_empty() && path.len() >= SHORTEST_PATH {
            hidden.push(Secret::named(of.as_str().into(), path));
        }
        Ok(Address { mask: super::Mask::new(&hidden), url, hidden })
    }

    /// Scheme, host and port.
    fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn question(
        &self,
        to: PostTo<'_>,
        json: String,
        secrets: &Secrets,
    ) -> Result<(Question, Client), String> {
        let endpoint = endpoint(&self.url, to, &json);
        let names = Names { endpoints: &[], columns: &[], secrets: &BTreeMap::new() };
        let hidden = self.hidden.iter().cloned().chain(network::secrets_of(&endpoint, secrets)).collect();
        let mut question = Question::compile(&endpoint, &names, &[], hidden)?;
        question.network = Networks::default().of(&endpoint, question.target.origin(), secrets)?;
        Ok((question, Client::new(&ClientSettings { max_idle: 1 })))
    }
}

/// An address as it is asked, and its secrets.
fn with_values(
    url: &Template,
    value: impl Fn(&str) -> String,
    secrets: &Secrets,
) -> Result<(String, Vec<Secret>), String> {
    let (mut text, mut hidden) = (String::new(), Vec::new());
    for part in &url.parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Input(name) => encode::push_component(&mut text, &value(name)),
            Part::Secret(name) => {
                let secret =
                    Secret::of(secrets, name).map_err(|why| format!("the secret ${{{name}}} {why}"))?;
                if text.is_empty() {
                    text.push_str(secret.reveal().trim());
                } else {
                    encode::push_component(&mut text, secret.reveal());
                }
                hidden.push(secret);
            }
            Part::Answer { .. } | Part::Url(_) => return Err("its address has a column".to_owned()),
        }
    }
    Ok((text, hidden))
}

/// What is posted, asked as an endpoint is.
fn endpoint(url: &Url, to: PostTo<'_>, json: &str) -> Endpoint {
    let literal = |text: &str| Template { parts: vec![Part::Literal(text.to_owned())] };
    let bounds = Bounds {
        connect_timeout: to.within,
        timeout: to.within,
        idle_timeout: to.within,
        max_answer: LARGEST,
        max_redirects: 0,
        ..Bounds::default()
    };
    let retry = Retry {
        attempts: ATTEMPTS,
        backoff: BACKOFF,
        deadline: to.within,
        max_retry_after: to.within,
        ..Retry::default()
    };
    Endpoint {
        method: "POST".to_owned(),
        headers: vec![("content-type".to_owned(), literal("application/json"))],
        payload: Some(Payload::Text(literal(json))),
        network: to.network.clone(),
        // Who is told twice knows no more than once.
        idempotent: true,
        bounds,
        retry,
        ..Endpoint::get("notify", literal(url.as_str()), Vec::new())
    }
}

/// Nobody else's budget is taken for it.
struct AtOnce;

impl Pacer for AtOnce {
    type Permit = ();

    async fn start(&self, _: &Origin) -> Result<(), Refused> {
        Ok(())
    }
}
