//! One token request, and what its answer says (RFC 6749, sections 4.4, 5 and 6).
//!
//! | the answer | means |
//! |---|---|
//! | 2xx with an `access_token` | a token, for `expires_in` seconds; where it does not say how long, until it is refused |
//! | an `error`, but for those that pass (`temporarily_unavailable`, `server_error`, `slow_down`) | there will be none |
//! | any other 4xx but 408 and 429 | there will be none |
//! | 408, 429, 5xx, no answer, a page of HTML, JSON without a token | none now |
//!
//! It is asked by the process's own client, the way of the endpoint that it is for: with its proxy, its certificates, within
//! bounds. No redirect is followed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use super::assertion::Key;
use super::known::TokenUse;
use crate::fetch::asked::Asked;
use crate::fetch::encode;
use crate::fetch::headers::NoValues;
use crate::fetch::network::Network;
use crate::fetch::piece::Names;
use crate::fetch::question::Question;
use crate::fetch::request::Request;
use crate::fetch::secret::Secret;
use crate::handoff::digest;
use crate::job::{
    Auth, Bounds, ClientAuth, Endpoint, Grant, Missing, Part, Payload, Retry, Template, TokenSource,
};

/// How long a token request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much longer another process that asks is waited for.
const ADDITION: Duration = Duration::from_secs(30);

/// Most bytes of an answer.
const LARGEST: u64 = 1 << 20;

/// What an error passes by.
const PASSING: [&str; 4] = ["temporarily_unavailable", "server_error", "slow_down", "internal_failure"];

/// The names by which a request's own secrets stand in its templates: none of the environment's.
const ROTATED: &str = " rotated";
const ASSERTION: &str = " assertion";
const CLIENT: &str = " client";

/// The grant of a signed assertion (RFC 7523, section 2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What a token request is made from.
pub(super) struct TokenRequest {
    source: TokenSource,
    url: String,
    secrets: BTreeMap<String, Secret>,
    key: String,
    signer: Option<Key>,
    uses: Arc<TokenUse>,
    /// The way of the endpoint that it is for.
    network: Option<Arc<Network>>,
}

/// What a token server gives.
pub(super) struct Given {
    pub(super) access_token: String,
    pub(super) lasts: Option<Duration>,
    pub(super) refresh_token: Option<String>,
}

/// Why it gives none.
pub(super) enum NoGrant {
    /// It may later.
    Later(String),
    /// It will not.
    Never(String),
}

impl TokenRequest {
    pub(super) fn compile(
        source: &TokenSource,
        secrets: &BTreeMap<String, Secret>,
        uses: &Arc<TokenUse>,
        network: &Option<Arc<Network>>,
    ) -> Result<TokenRequest, String> {
        let signer = match &source.grant {
            Grant::ServiceAccount(file) => Some(Key::read(file)?),
            Grant::RefreshToken(_) | Grant::ClientCredentials => None,
        };
        let url = source.token_url.clone().or_else(|| signer.as_ref()?.token_url().map(str::to_owned));
        let no_url = || "there is no token_url, and no token_uri in its key file".to_owned();
        let mut request = TokenRequest {
            url: url.ok_or_else(no_url)?,
            source: source.clone(),
            secrets: secrets.clone(),
            key: String::new(),
            signer,
            uses: uses.clone(),
            network: network.clone(),
        };
        request.key = request.name()?;
        // What is wrong with it is found now.
        request.build(None)?;
        Ok(request)
    }

    /// Names what is shared: the address, who asks, with what, and for what.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// How long another process may take that asks.
    pub(super) fn longest(&self) -> Duration {
        TIMEOUT + ADDITION
    }

    fn name(&self) -> Result<String, String> {
        let TokenSource { grant, client_id, client_secret, scope, audience, params, .. } = &self.source;
        let own = match grant {
            Grant::RefreshToken(token) => self.revealed(token)?,
            Grant::ClientCredentials => String::new(),
            Grant::ServiceAccount(_) => self.signer.as_ref().map(Key::name).unwrap_or_default(),
        };
        let revealed = |template: &Option<Template>| {
            template.as_ref().map(|template| self.revealed(template)).transpose()
        };
        let further: Vec<(&String, String)> = params
            .iter()
            .map(|(name, value)| Ok((name, self.revealed(value)?)))
            .collect::<Result<_, String>>()?;
        let parts =
            (&self.url, own, revealed(client_id)?, revealed(client_secret)?, scope, audience, further);
        Ok(digest::sha256(format!("{parts:?}").as_bytes()))
    }

    fn revealed(&self, template: &Template) -> Result<String, String> {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Secret(name) => {
                    let secret = self.secrets.get(name).ok_or_else(|| format!("${{{name}}} is not set"))?;
                    text.push_str(secret.reveal());
                }
                Part::Input(_) | Part::Answer { .. } | Part::Url(_) => {
                    return Err("a template has a column".to_owned());
                }
            }
        }
        Ok(text)
    }

    /// The question and its request; with what the server gave in place of the refresh token, where it did.
    pub(super) fn build(&self, rotated: Option<String>) -> Result<(Question, Request), String> {
        let mut secrets = self.secrets.clone();
        let mut own = |name: &str, value: &str| {
            secrets.insert(name.to_owned(), self.uses.secret(value));
            Template { parts: vec![Part::Secret(name.to_owned())] }
        };
        let mut form = match (&self.source.grant, rotated) {
            (Grant::RefreshToken(_), Some(token)) => {
                vec![field("grant_type", "refresh_token"), ("refresh_token".to_owned(), own(ROTATED, &token))]
            }
            (Grant::RefreshToken(token), None) => {
                vec![field("grant_type", "refresh_token"), ("refresh_token".to_owned(), token.clone())]
            }
            (Grant::ClientCredentials, _) => vec![field("grant_type", "client_credentials")],
            (Grant::ServiceAccount(_), _) => {
                let signer = self.signer.as_ref().ok_or("no key to sign with")?;
                let audience = self.source.audience.as_deref().unwrap_or(&self.url);
                let assertion = signer.assertion(audience, self.source.scope.as_deref())?;
                vec![field("grant_type", JWT_BEARER), ("assertion".to_owned(), own(ASSERTION, &assertion))]
            }
        };
        form.extend(self.further());
        let auth = match self.source.client_auth {
            ClientAuth::ClientSecretPost => None,
            ClientAuth::ClientSecretBasic => Some(Auth::Basic(own(CLIENT, &self.client()?))),
        };
        let endpoint = self.endpoint(form, auth);
        let names = Names { endpoints: &[], columns: &[], secrets: &secrets };
        // What proves the client may be spelled otherwise in a server's words than it is sent.
        let hidden = self.secrets.values().cloned().collect();
        let mut question = Question::compile(&endpoint, &names, &[], hidden)?;
        question.mask = question.mask.with_tokens(Some(self.uses.clone()));
        question.network.clone_from(&self.network);
        let request = question.build(&NoValues).map_err(|failure| failure.detail.to_string())?;
        Ok((question, request))
    }

    /// The client's id and secret as a header has them, each as forms encode it (RFC 6749, section 2.3.1).
    fn client(&self) -> Result<String, String> {
        let encoded = |template: &Option<Template>| {
            let text = template.as_ref().map(|template| self.revealed(template)).transpose()?;
            Ok::<_, String>(encode::form(&text.unwrap_or_default()))
        };
        Ok(format!("{}:{}", encoded(&self.source.client_id)?, encoded(&self.source.client_secret)?))
    }

    /// The fields that all grants have.
    fn further(&self) -> Vec<(String, Template)> {
        let TokenSource { grant, client_id, client_secret, client_auth, scope, audience, params, .. } =
            &self.source;
        let mut form = Vec::new();
        if !matches!(grant, Grant::ServiceAccount(_)) {
            form.extend(scope.iter().map(|scope| field("scope", scope)));
            form.extend(audience.iter().map(|audience| field("audience", audience)));
        }
        if *client_auth == ClientAuth::ClientSecretPost {
            form.extend(client_id.iter().map(|id| ("client_id".to_owned(), id.clone())));
            form.extend(client_secret.iter().map(|secret| ("client_secret".to_owned(), secret.clone())));
        }
        form.extend(params.iter().cloned());
        form
    }

    fn endpoint(&self, form: Vec<(String, Template)>, auth: Option<Auth>) -> Endpoint {
        Endpoint {
            method: "POST".to_owned(),
            headers: vec![("accept".to_owned(), literal("application/json"))],
            auth,
            payload: Some(Payload::Form(form)),
            // It is asked once, whatever comes of it.
            idempotent: true,
            // So that their bodies are read: they say what is wrong.
            missing: Missing {
                statuses: (400..500).filter(|status| ![408, 429].contains(status)).collect(),
                when: None,
            },
            bounds: Bounds { timeout: TIMEOUT, max_answer: LARGEST, max_redirects: 0, ..Bounds::default() },
            retry: Retry { attempts: 1, ..Retry::default() },
            ..Endpoint::get(&format!("auth.{}", self.source.name), literal(&self.url), Vec::new())
        }
    }
}

fn field(name: &str, value: &str) -> (String, Template) {
    (name.to_owned(), literal(value))
}

fn literal(text: &str) -> Template {
    Template { parts: vec![Part::Literal(text.to_owned())] }
}

#[derive(Deserialize)]
struct Body {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<Json>,
    refresh_token: Option<String>,
    error: Option<Json>,
    error_description: Option<String>,
}

/// What came of a token request.
pub(super) fn read(question: &Question, asked: Asked) -> Result<Given, NoGrant> {
    let answer = asked
        .answer
        .map_err(|failure| NoGrant::Later(format!("had no answer: {}: {}", failure.kind, failure.detail)))?;
    let body: Option<Body> = serde_json::from_slice(&answer.body).ok();
    let status = answer.status;
    let Some(body) = body else {
        let why = format!("answered {status} without JSON");
        return Err(if answer.missing { NoGrant::Never(why) } else { NoGrant::Later(why) });
    };
    if let Some(error) = &body.error {
        let word = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        // Each by itself, so that a secret in the one does not take the other with it.
        let more = body.error_description.iter().map(|text| format!(": {}", question.masked(text)));
        let said = format!("answered {status}: {}{}", question.masked(&word), more.collect::<String>());
        return Err(if PASSING.contains(&word.as_str()) {
            NoGrant::Later(said)
        } else {
            NoGrant::Never(said)
        });
    }
    if answer.missing {
        return Err(NoGrant::Never(format!("answered {status}")));
    }
    if let Some(kind) = body.token_type.filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        let kind = question.masked(&kind);
        return Err(NoGrant::Never(format!("gave a token of type {kind:?}, where \"Bearer\" is known")));
    }
    match body.access_token.filter(|token| !token.is_empty()) {
        Some(access_token) => Ok(Given {
            access_token,
            lasts: body.expires_in.as_ref().and_then(seconds),
            refresh_token: body.refresh_token.filter(|token| !token.is_empty()),
        }),
        None => Err(NoGrant::Later(format!("answered {status} without an access_token"))),
    }
}

/// Some servers write the number as a text.
fn seconds(number: &Json) -> Option<Duration> {
    let seconds = match number {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }?;
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}
