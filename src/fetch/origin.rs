//! Scheme, host and port: what a connection leads to, and what a credential belongs to.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use url::{Position, Url};

/// The origin of a URL (RFC 6454). Cheap to clone.
#[derive(Clone)]
pub struct Origin(Arc<Parts>);

struct Parts {
    /// `https://host:port`, the port only where it is not the scheme's own.
    text: String,
    /// `host:port`.
    named: Arc<str>,
    scheme: Scheme,
    authority: Authority,
    host: HeaderValue,
}

impl Origin {
    /// The origin of a URL, or why it cannot be asked.
    pub fn of(url: &Url) -> Result<Origin, &'static str> {
        let scheme = match url.scheme() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            _ => return Err("only http and https can be asked"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL may not hold a user name or a password");
        }
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        let (host, port) =
            (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        Ok(Origin(Arc::new(Parts {
            text: format!("{}://{authority}", url.scheme()),
            named: format!("{host}:{port}").into(),
            scheme,
            host: HeaderValue::from_str(authority).map_err(|_| "the host is not valid")?,
            authority: authority.parse().map_err(|_| "the host is not valid")?,
        })))
    }

    /// Whether connections to it are encrypted.
    pub(super) fn is_https(&self) -> bool {
        self.0.scheme == Scheme::HTTPS
    }

    /// The `host` header.
    pub(super) fn host(&self) -> HeaderValue {
        self.0.host.clone()
    }

    /// The host's name or address, as URLs have it: lower case, punycode, IPv6 in brackets.
    pub fn host_name(&self) -> &str {
        self.0.authority.host()
    }

    /// The port, also if it is the scheme's own.
    pub fn port(&self) -> u16 {
        self.0.authority.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// `host:port`, as people know it.
    pub fn named(&self) -> Arc<str> {
        self.0.named.clone()
    }

    /// Its address, where the host is one and no name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let host = self.host_name();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
    }

    /// The whole URI of a target at this origin.
    pub(super) fn uri(&self, target: PathAndQuery) -> Result<Uri, hyper::http::Error> {
        Uri::builder()
            .scheme(self.0.scheme.clone())
            .authority(self.0.authority.clone())
            .path_and_query(target)
            .build()
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Origin, &'static str> {
        Origin::of(&text.parse().map_err(|_| "it is no URL")?)
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Origin) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<Origin, &'static str> {
        Origin::of(&url.parse().unwrap())
    }

    #[test]
    fn the_port_of_the_scheme_makes_no_difference_and_any_other_does() {
        assert_eq!(
            origin("https://API.example.com:443/a").unwrap(),
            origin("https://api.example.com/b").unwrap()
        );
        for other in ["http://api.example.com", "https://api.example.com:8443", "https://example.com"] {
            assert_ne!(origin("https://api.example.com").unwrap(), origin(other).unwrap());
        }
    }

    #[test]
    fn hosts_are_written_the_way_the_wire_wants_them() {
        assert_eq!(origin("https://bücher.example:8443").unwrap().host(), "xn--bcher-kva.example:8443");
        assert_eq!(origin("http://[::1]:80/").unwrap().host(), "[::1]");
        for (url, named) in
            [("http://[::1]/", "[::1]:80"), ("https://A.example/", "a.example:443"), ("http://a:81", "a:81")]
        {
            let origin = origin(url).unwrap();
            assert_eq!(&*origin.named(), named);
            assert_eq!(format!("{}:{}", origin.host_name(), origin.port()), named);
        }
    }

    #[test]
    fn an_address_is_told_from_a_name() {
        let address = |url| origin(url).unwrap().address().map(|address| address.to_string());
        assert_eq!(address("http://[::1]:80/").as_deref(), Some("::1"));
        assert_eq!(address("http://0x7f.1:80/").as_deref(), Some("127.0.0.1"));
        assert_eq!(address("http://1.example/"), None);
    }

    #[test]
    fn other_schemes_and_credentials_are_refused() {
        for url in
            ["ftp://example.com", "file:///etc/passwd", "http://user@example.com", "http://:pw@example.com"]
        {
            assert!(origin(url).is_err(), "{url}");
        }
    }
}
