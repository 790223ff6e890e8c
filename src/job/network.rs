//! How an endpoint's requests come to their hosts: straight or through a proxy, and by which certificates.

use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::template::{Part, Template};

/// The way to the hosts of an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Who passes requests on.
    pub proxy: Proxy,
    /// PEM: certificates that are trusted besides the system's. An absolute path.
    pub ca_file: Option<PathBuf>,
    /// What shows the endpoint's own host who is asking.
    pub client_certificate: Option<ClientCertificate>,
}

/// Who passes requests on to their hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Nobody, as the job does not say (the default).
    #[default]
    Unsaid,
    /// Nobody, as the job says.
    None,
    /// Whom `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` name.
    Environment,
    /// That one.
    Url(ProxyUrl),
}

/// A client's certificate, both absolute paths of PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its key; it may be the same file.
    pub key: PathBuf,
}

/// The URL of a proxy. It holds `${NAME}` where a password belongs, or is one `${NAME}` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    template: Template,
}

/// What is wrong with the URL of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyMistake {
    /// One lowercase line; it does not repeat the URL.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

/// How the URL of a proxy looks.
pub const PROXY_SHAPE: &str = "it has the shape http://user:${PROXY_PASSWORD}@proxy.example.com:3128";

impl Network {
    /// The secrets that it names.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let url = match &self.proxy {
            Proxy::Url(url) => Some(url),
            Proxy::Unsaid | Proxy::None | Proxy::Environment => None,
        };
        url.into_iter().flat_map(ProxyUrl::secrets)
    }

    /// Whether requests may go through a proxy.
    pub fn has_proxy(&self) -> bool {
        matches!(self.proxy, Proxy::Environment | Proxy::Url(_))
    }
}

impl ProxyUrl {
    /// Reads a URL as a job file has it.
    ///
    /// # Errors
    /// Where it is no URL of a proxy, or has a password in plain text: runs keep a copy of the job file.
    pub fn parse(text: &str) -> Result<ProxyUrl, ProxyMistake> {
        let mistake = |message: String, hint| ProxyMistake { message, hint };
        let template = Template::parse(text, &[]).map_err(|mistakes| {
            let message = mistakes.into_iter().next().map_or_else(String::new, |first| first.message);
            mistake(message, PROXY_SHAPE)
        })?;
        let url = ProxyUrl { template };
        match url.template.parts.as_slice() {
            [Part::Secret(_)] => return Ok(url),
            parts if parts.iter().all(|part| matches!(part, Part::Literal(_) | Part::Secret(_))) => {}
            _ => {
                return Err(mistake("a column of the list in the URL of a proxy".to_owned(), PROXY_SHAPE));
            }
        }
        let is_plain = |secret: &str| {
            let parsed = Url::parse(&with_scheme(&url.spelled(|_| secret.to_owned())));
            parsed.is_ok_and(|url| url.password().is_some_and(|password| password != secret))
        };
        if is_plain("one") || is_plain("other") {
            let hint = "write ${NAME} in its place and set NAME in the environment";
            return Err(mistake("a password in plain text".to_owned(), hint));
        }
        proxy_url(&url.spelled(|_| "secret".to_owned()))?;
        Ok(url)
    }

    /// The URL as the job has it.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The secrets that it names, in order.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.template.secrets()
    }

    /// The URL to connect with, each secret percent-encoded in its place; one that is the whole URL stays as it is.
    ///
    /// # Errors
    /// Where `value` has none.
    pub fn with_values<E>(&self, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        if let [Part::Secret(name)] = self.template.parts.as_slice() {
            return value(name);
        }
        let pieces = self.template.parts.iter().map(|part| match part {
            Part::Secret(name) => Ok(utf8_percent_encode(&value(name)?, NON_ALPHANUMERIC).to_string()),
            Part::Literal(text) => Ok(text.clone()),
            Part::Input(_) | Part::Answer { .. } | Part::Url(_) => Ok(String::new()),
        });
        pieces.collect()
    }

    fn spelled(&self, secret: impl Fn(&str) -> String) -> String {
        let spelled = self.with_values(|name| Ok::<_, std::convert::Infallible>(secret(name)));
        spelled.unwrap_or_else(|never| match never {})
    }
}

/// A proxy's URL, its secrets in their places; one without a scheme is `http://`, as curl has it.
///
/// # Errors
/// Where it is none, or of a proxy that cannot be spoken with.
pub fn proxy_url(text: &str) -> Result<Url, ProxyMistake> {
    let mistake = |message: &str, hint| Err(ProxyMistake { message: message.to_owned(), hint });
    let Ok(url) = Url::parse(&with_scheme(text)) else {
        let hint = "it has the shape http://user:password@proxy.example.com:3128; in user and password, what is no \
                    letter or digit is percent-encoded";
        return mistake("no URL of a proxy", hint);
    };
    if url.scheme().starts_with("socks") {
        let hint = "name a proxy that speaks HTTP: most programs that offer SOCKS have one on another port";
        return mistake("not supported: a SOCKS proxy", hint);
    }
    if url.scheme() == "https" {
        let hint = "write http://: what is asked of https hosts is encrypted all the way through it";
        return mistake("not supported: a proxy that is spoken to by TLS", hint);
    }
    if url.scheme() != "http" || url.host_str().is_none_or(str::is_empty) {
        return mistake("no URL of a proxy", PROXY_SHAPE);
    }
    if url.query().is_some() || url.fragment().is_some() || url.path() != "/" {
        let hint = "it ends with the port; in user and password `/`, `?` and `#` are %2F, %3F and %23";
        return mistake("the URL of a proxy has a path", hint);
    }
    Ok(url)
}

fn with_scheme(text: &str) -> String {
    if text.contains("://") { text.to_owned() } else { format!("http://{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_a_secret_and_reaches_the_proxy_encoded() {
        let url = ProxyUrl::parse("http://me:${PW}@proxy:3128").unwrap();
        assert_eq!(url.template.secrets().collect::<Vec<_>>(), ["PW"]);
        assert_eq!(url.spelled(|_| "p@ss/w".into()), "http://me:p%40ss%2Fw@proxy:3128");
        let whole = ProxyUrl::parse("${PROXY}").unwrap();
        assert_eq!(whole.spelled(|_| "http://me:pw@proxy:3128".into()), "http://me:pw@proxy:3128");
    }

    #[test]
    fn what_is_no_proxy_is_refused_in_words_that_do_not_repeat_it() {
        for (url, said) in [
            ("http://me:geheim@proxy:3128", "a password in plain text"),
            ("http://me:geheim${PW}@proxy:3128", "a password in plain text"),
            ("me:geheim@proxy:3128", "a password in plain text"),
            ("http://{id}@proxy", "a column of the list"),
            ("socks5h://proxy:1080", "a SOCKS proxy"),
            ("https://proxy:3128", "spoken to by TLS"),
            ("ftp://proxy", "no URL of a proxy"),
            ("http://", "no URL of a proxy"),
            ("", "no URL of a proxy"),
            ("http://proxy:99999", "no URL of a proxy"),
            ("http://proxy:3128/path", "has a path"),
            ("http://me:12#${PW}@proxy:3128", "has a path"),
            ("http://me#x:3128", "has a path"),
        ] {
            let mistake = ProxyUrl::parse(url).unwrap_err();
            assert!(mistake.message.contains(said), "{url}: {mistake:?}");
            assert!(!mistake.message.contains("geheim"), "{mistake:?}");
        }
        for url in ["http://proxy", "proxy:3128", "http://[::1]:3128/", "http://me@proxy:3128"] {
            assert!(ProxyUrl::parse(url).is_ok(), "{url}");
        }
    }
}
