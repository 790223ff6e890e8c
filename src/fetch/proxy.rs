//! HTTP proxies: whom requests go through, and what a proxy answers itself.
//!
//! What is asked of an https host goes through a tunnel (CONNECT, RFC 9110, section 9.3.6): the proxy learns host and port.
//! What is asked of an http host is handed to the proxy as it is, with the whole URL (RFC 9112, section 3.2.2). The proxy's
//! user and password go to it alone, in `Proxy-Authorization`.
//!
//! | a proxy's own answer | becomes |
//! |---|---|
//! | 407, and 401 to CONNECT | `connect`, lasting: all that goes through it fares so, so the run stops as it does over a refused secret |
//! | another 4xx or 3xx to CONNECT, bytes that are no HTTP | `connect`, lasting |
//! | 408, 429, 5xx to CONNECT; it is down, or closes | `connect`, which may pass |
//! | an answer that says that it is the proxy's (`X-Squid-Error`, `Proxy-Status` with an error) | `connect`, by the same rule |
//! | any other answer | the host's, as far as anybody can tell |

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::{Method, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use sfv::Parser;
use tokio::net::TcpStream;
use url::Url;

use super::asked::SecretsSeen;
use super::headers::OUR_USER_AGENT;
use super::origin::Origin;
use super::request::Body;
use crate::job::proxy_url;
use crate::record::{Failure, Kind};

/// Longest head of a proxy's answer to CONNECT; a page of its own stands behind it and is not read.
const MAX_HEAD: usize = 16 * 1024;

/// Squid's name of an error of its own.
const SQUID_ERROR: &str = "x-squid-error";

/// What the proxies on the way did to an answer (RFC 9209).
const PROXY_STATUS: &str = "proxy-status";

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    origin: Origin,
    /// `http://host:port`.
    shown: String,
    authorization: Option<HeaderValue>,
    /// Who is asking, for people: `, asked with ${PROXY_PASSWORD}`.
    asked_with: String,
}

/// A proxy's answer that is not the host's.
pub(super) struct OwnAnswer {
    pub(super) failure: Failure,
    /// Whether the host may have seen the request.
    pub(super) was_sent: bool,
}

impl Proxy {
    /// From its URL, secrets in their places; `asked_with` names them. Or what is wrong, without repeating it.
    pub(super) fn parse(url: &str, asked_with: &str) -> Result<Proxy, String> {
        let url = proxy_url(url).map_err(|mistake| format!("{}; {}", mistake.message, mistake.hint))?;
        let mut bare = url.clone();
        // Neither can fail for a URL that has a host.
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
        let origin = Origin::of(&bare)?;
        let shown = format!("http://{}:{}", origin.host_name(), origin.port());
        let asked_with =
            if asked_with.is_empty() { String::new() } else { format!(", asked with {asked_with}") };
        Ok(Proxy { origin, shown, authorization: authorization(&url), asked_with })
    }

    /// Where it listens.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What it is told of who is asking.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// For people, without secrets.
    pub(super) fn shown_with_secrets(&self) -> String {
        format!("the proxy {}{}", self.shown, self.asked_with)
    }

    /// Whether it takes who is asking; the same key in every process.
    pub(super) fn secrets_seen(&self, refused: bool) -> SecretsSeen {
        let mut hasher = DefaultHasher::new();
        ("proxy", &self.origin, &self.asked_with).hash(&mut hasher);
        SecretsSeen { key: hasher.finish(), refused, is_of_proxy: true }
    }

    /// A connection to an https host over one to the proxy.
    pub(super) async fn tunnel(
        &self,
        stream: TokioIo<TcpStream>,
        origin: &Origin,
    ) -> Result<TokioIo<TcpStream>, Failure> {
        let broken = |error: &hyper::Error| self.broke_off(origin, error);
        let mut builder = http1::Builder::new();
        builder.title_case_headers(true).max_buf_size(MAX_HEAD);
        let (mut sender, connection) =
            builder.handshake::<_, Body>(stream).await.map_err(|error| broken(&error))?;
        // What breaks it is told to the request that is on it.
        tokio::spawn(connection.with_upgrades());
        let request = self.connect(origin)?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        if !response.status().is_success() {
            return Err(self.refusal(&format!("to connect to {}", authority(origin)), response.status()));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| broken(&error))?;
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io),
            // No server speaks before it is asked to, over TLS.
            _ => {
                let why = format!("{self} answers CONNECT with a page, as no proxy for https does");
                Err(Failure::lasting(Kind::Connect, why))
            }
        }
    }

    fn connect(&self, origin: &Origin) -> Result<hyper::Request<Body>, Failure> {
        let authority = authority(origin);
        let not_valid =
            |why: String| Failure::lasting(Kind::Template, format!("{origin} is not valid: {why}"));
        let uri = Uri::builder().authority(authority.as_str()).build();
        let mut request = hyper::Request::new(Body::new(Bytes::new()));
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = uri.map_err(|error| not_valid(error.to_string()))?;
        let host = HeaderValue::from_str(&authority).map_err(|error| not_valid(error.to_string()))?;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(USER_AGENT, OUR_USER_AGENT);
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }

    /// An error while it was asked for a tunnel.
    fn broke_off(&self, origin: &Origin, error: &hyper::Error) -> Failure {
        if error.is_parse() {
            let why = format!("what answers at {self} is no HTTP proxy: {error}");
            return Failure::lasting(Kind::Connect, why);
        }
        let why =
            format!("{self} closed the connection instead of connecting to {}: {error}", authority(origin));
        Failure::passing(Kind::Connect, why)
    }

    /// What a status of its own means.
    fn refusal(&self, what: &str, status: StatusCode) -> Failure {
        if asks_who(status) {
            let why = match self.authorization {
                Some(_) => "does not accept user and password",
                None => "wants a user and a password",
            };
            let hint = "proxy = \"http://user:${PROXY_PASSWORD}@host:port\" has them; only the Basic scheme is spoken";
            let detail = format!("{self} {why} ({status}{}); hint: {hint}", self.asked_with);
            return Failure::lasting(Kind::Connect, detail).with_status(status.as_u16());
        }
        let detail = format!("{self} fails {what}: {status}");
        let passes = status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::REQUEST_TIMEOUT;
        if passes { Failure::passing(Kind::Connect, detail) } else { Failure::lasting(Kind::Connect, detail) }
    }

    /// What it says instead of the host that it was to ask.
    pub(super) fn own_answer(&self, status: StatusCode, headers: &HeaderMap) -> Option<OwnAnswer> {
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Some(OwnAnswer { failure: self.refusal("", status), was_sent: false });
        }
        if status.is_success() {
            return None;
        }
        let (error, was_sent) = squid_error(headers).or_else(|| status_error(headers))?;
        let failure = self.refusal(&format!("to ask the host ({error})"), status);
        Some(OwnAnswer { failure, was_sent })
    }
}

/// For people, without its secrets.
impl fmt::Display for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the proxy {}", self.shown)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

/// Whether a failure says that a proxy does not take who is asking.
pub(super) fn is_refusal(failure: &Failure) -> bool {
    failure.kind == Kind::Connect && failure.status.is_some()
}

/// Whether a proxy's answer says that it does not know who is asking. Some say so to CONNECT by 401.
fn asks_who(status: StatusCode) -> bool {
    matches!(status, StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED)
}

/// Host and port, as CONNECT has them.
fn authority(origin: &Origin) -> String {
    format!("{}:{}", origin.host_name(), origin.port())
}

/// User and password of a proxy's URL as they are; `None` where there are none.
pub(super) fn user_and_password(url: &Url) -> Option<(Vec<u8>, Vec<u8>)> {
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    Some((decoded(url.username()), decoded(url.password().unwrap_or_default())))
}

/// User and password as the Basic scheme has them (RFC 7617).
pub(super) fn basic(user: &[u8], password: &[u8]) -> String {
    STANDARD.encode([user, b":", password].concat())
}

fn authorization(url: &Url) -> Option<HeaderValue> {
    let (user, password) = user_and_password(url)?;
    let mut value = HeaderValue::from_str(&format!("Basic {}", basic(&user, &password))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The error that Squid names, and whether the host may have seen the request.
fn squid_error(headers: &HeaderMap) -> Option<(String, bool)> {
    const UNSEEN: [&str; 6] = [
        "ERR_ACCESS_DENIED",
        "ERR_CACHE_ACCESS_DENIED",
        "ERR_CANNOT_FORWARD",
        "ERR_CONNECT_FAIL",
        "ERR_DNS_FAIL",
        "ERR_UNSUP_REQ",
    ];
    let text = headers.get(SQUID_ERROR)?.to_str().ok()?;
    let name = text.split_whitespace().next().unwrap_or("no name").to_owned();
    let is_unseen = UNSEEN.contains(&name.as_str());
    Some((name, !is_unseen))
}

/// The error of the last proxy on the way, which is ours, where it made the answer itself.
fn status_error(headers: &HeaderMap) -> Option<(String, bool)> {
    let text = headers.get_all(PROXY_STATUS).iter().map(|value| value.to_str().unwrap_or_default());
    let text = text.collect::<Vec<_>>().join(", ");
    let list = Parser::new(&text).parse::<sfv::List>().ok()?;
    let sfv::ListEntry::Item(last) = list.last()? else { return None };
    let parameter =
        |name: &str| last.params.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value);
    if parameter("received-status").is_some() {
        return None;
    }
    let name = parameter("error")?.as_token()?.as_str().to_owned();
    const UNSEEN: [&str; 4] = ["dns_error", "dns_timeout", "connection_refused", "destination_unavailable"];
    let is_unseen = UNSEEN.contains(&name.as_str());
    Some((name, !is_unseen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_read_and_not_shown() {
        let proxy = Proxy::parse("http://me:p%40ss%2Fw%C3%A9@Proxy.Example:3128", "${PW}").unwrap();
        assert_eq!(proxy.authorization.as_ref().unwrap(), "Basic bWU6cEBzcy93w6k=");
        assert_eq!(proxy.to_string(), "the proxy http://proxy.example:3128");
        assert_eq!(proxy.shown_with_secrets(), "the proxy http://proxy.example:3128, asked with ${PW}");
        assert!(!format!("{proxy:?} {:?}", proxy.authorization).contains("bWU6"));
        let bare = Proxy::parse("[::1]", "").unwrap();
        assert_eq!((bare.to_string().as_str(), bare.authorization), ("the proxy http://[::1]:80", None));
        assert!(Proxy::parse("http://me@h", "").unwrap().authorization.unwrap() == "Basic bWU6");
    }

    #[test]
    fn a_proxys_own_error_is_told_from_the_hosts() {
        let proxy = Proxy::parse("http://p:3128", "").unwrap();
        let own = |status: u16, name: &'static str, value: &str| {
            let headers = HeaderMap::from_iter([(
                hyper::header::HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )]);
            let own = proxy.own_answer(StatusCode::from_u16(status).unwrap(), &headers)?;
            assert_eq!(own.failure.kind, Kind::Connect);
            Some((own.failure.worth_repeating, own.was_sent))
        };
        assert_eq!(own(403, "x-squid-error", "ERR_ACCESS_DENIED 0"), Some((false, false)));
        assert_eq!(own(503, "x-squid-error", "ERR_CONNECT_FAIL 111"), Some((true, false)));
        assert_eq!(own(504, "x-squid-error", "ERR_READ_TIMEOUT 0"), Some((true, true)));
        assert_eq!(own(502, "proxy-status", "cdn, p; error=connection_refused"), Some((true, false)));
        assert_eq!(own(504, "proxy-status", "p; error=http_response_timeout"), Some((true, true)));
        assert_eq!(own(407, "x-any", ""), Some((false, false)));
        for (status, name, value) in [
            (502, "x-any", ""),
            (404, "via", "1.1 p"),
            (502, "proxy-status", "cdn; error=connection_refused, p"),
            (502, "proxy-status", "p; received-status=502; error=http_protocol_error"),
            (502, "proxy-status", "\u{1}garbage;;"),
            (200, "x-squid-error", "ERR_ACCESS_DENIED 0"),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                let headers = HeaderMap::from_iter([(hyper::header::HeaderName::from_static(name), value)]);
                let own = proxy.own_answer(StatusCode::from_u16(status).unwrap(), &headers);
                assert!(own.is_none(), "{status} {name}");
            }
        }
    }
}
