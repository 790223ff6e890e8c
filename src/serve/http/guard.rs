//! Who may ask.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sha2::{Digest as _, Sha256};

use super::problem::Problem;

/// Fewest characters of a token: shorter ones are found by trying.
const SHORTEST: usize = 16;

/// A file that has no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("cannot read the token file {0}: {1}")]
    Unread(String, std::io::Error),
    /// It has none.
    #[error(
        "the token file {0} has no token: one line of {SHORTEST} characters or more, letters, digits and -._~+/=\n\
         hint: openssl rand -hex 32 > {0}; chmod 600 {0}"
    )]
    None(String),
}

/// Who may ask: on this machine alone whoever calls it by a name of its own, elsewhere whoever has the token.
#[derive(Debug, Clone)]
pub struct Guard {
    is_loopback: bool,
    /// Its digest: two of them are compared in a time that tells nothing of the token.
    token: Option<[u8; 32]>,
}

impl Guard {
    /// That of an address which is listened at.
    pub fn new(address: SocketAddr, token: Option<&str>) -> Guard {
        Guard { is_loopback: address.ip().is_loopback(), token: token.map(digest) }
    }

    /// Reads a token.
    ///
    /// # Errors
    /// There is none in the file.
    pub fn read_token(file: &Path) -> Result<String, TokenError> {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| TokenError::Unread(shown.clone(), error))?;
        let token = text.trim();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if token.len() < SHORTEST || !token.bytes().all(is_token) {
            return Err(TokenError::None(shown));
        }
        Ok(token.to_owned())
    }

    /// Whether a token is wanted.
    pub fn wants_token(&self) -> bool {
        self.token.is_some()
    }

    /// Why this question is not answered.
    pub(super) fn refuse(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        if self.is_loopback && !is_ours(uri, headers) {
            let detail = "this is no name of this machine, and it serves itself alone";
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail)
                .hint("ask for localhost or 127.0.0.1; a proxy before it sends one of them as Host"));
        }
        match &self.token {
            // Whoever watches it need not be trusted with what it has.
            Some(_) if uri.path() == "/healthz" => Ok(()),
            // A browser asks whether it may send one, and gets no row.
            Some(_) if *method == Method::OPTIONS => Ok(()),
            Some(token) if !has(headers, token) => {
                Err(Problem::new(StatusCode::UNAUTHORIZED, "a token is wanted")
                    .hint("send it: curl -H \"Authorization: Bearer $TOKEN\" …"))
            }
            _ => Ok(()),
        }
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn has(headers: &HeaderMap, token: &[u8; 32]) -> bool {
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, sent) = sent.and_then(|sent| sent.split_once(' ')).unwrap_or_default();
    scheme.eq_ignore_ascii_case("Bearer") && digest(sent.trim()) == *token
}

/// Whether the host that was asked for is this machine, by a name that nobody else can have lead here.
fn is_ours(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        // HTTP/1.0 needs none; a browser sends one.
        (None, _) => return uri.host().is_none_or(is_loopback_name),
        _ => return false,
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    is_loopback_name(name) && uri.host().is_none_or(is_loopback_name)
}

fn is_loopback_name(name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(host: Option<&str>, authorization: Option<&str>) -> HeaderMap {
        let named = [(HOST, host), (AUTHORIZATION, authorization)].into_iter();
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        named.filter_map(|(name, text)| Some((name, value(text?)))).collect()
    }

    #[test]
    fn on_this_machine_alone_its_own_names_are_answered() {
        let guard = Guard::new("127.0.0.1:8480".parse().unwrap(), None);
        let uri = Uri::from_static("/films.json");
        for host in ["localhost", "LOCALHOST:8480", "127.0.0.1:8480", "127.9.9.9", "[::1]:8480", "[::1]"] {
            assert_eq!(guard.refuse(&Method::GET, &uri, &asked(Some(host), None)), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.nip.io:8480", "", "localhost:x"]
        {
            let refused = guard.refuse(&Method::GET, &uri, &asked(Some(host), None)).unwrap_err();
            assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        }
        let mut two = asked(Some("localhost"), None);
        two.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(guard.refuse(&Method::GET, &uri, &two).is_err());
        let absolute = Uri::from_static("http://evil.example/films.json");
        assert!(guard.refuse(&Method::GET, &absolute, &asked(Some("localhost"), None)).is_err());
    }

    #[test]
    fn elsewhere_the_token_opens() {
        let token = "0123456789abcdef";
        let guard = Guard::new("0.0.0.0:8480".parse().unwrap(), Some(token));
        let uri = Uri::from_static("/films.json");
        let answered =
            |authorization| guard.refuse(&Method::GET, &uri, &asked(Some("any.example"), authorization));
        assert_eq!(answered(Some("Bearer 0123456789abcdef")), Ok(()));
        assert_eq!(answered(Some("bearer  0123456789abcdef ")), Ok(()));
        for wrong in [
            None,
            Some("0123456789abcdef"),
            Some("Bearer 0123456789abcdeF"),
            Some("Basic 0123456789abcdef"),
            Some("Bearer"),
        ] {
            assert_eq!(answered(wrong).unwrap_err().status, StatusCode::UNAUTHORIZED, "{wrong:?}");
        }
        assert_eq!(guard.refuse(&Method::GET, &Uri::from_static("/healthz"), &asked(None, None)), Ok(()));
        assert!(guard.refuse(&Method::GET, &Uri::from_static("/metrics"), &asked(None, None)).is_err());
        assert_eq!(guard.refuse(&Method::OPTIONS, &uri, &asked(None, None)), Ok(()), "a browser's question");
    }

    #[test]
    fn a_token_is_one_long_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert!(matches!(Guard::read_token(&file), Err(TokenError::Unread(..))));
        for (text, expected) in [
            ("0123456789abcdef\n", true),
            ("0123456789abcde\n", false),
            ("0123456789abcdef\n0123456789abcdef", false),
            ("", false),
            ("0123456789abcd\u{e4}f", false),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(Guard::read_token(&file).is_ok(), expected, "{text:?}");
        }
    }
}
