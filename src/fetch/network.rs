//! An endpoint's way to its hosts, compiled: which proxy for which host, the files of certificates, and the secrets in them.
//!
//! The variables are read as curl reads them: `http_proxy` (not `HTTP_PROXY`, which a web server may set from a request's
//! header), `https_proxy`, `all_proxy` and `no_proxy`, these three in capitals, too; one that is empty is not set.

use std::path::PathBuf;
use std::sync::Arc;

use hyper::Uri;
use hyper::http::uri::PathAndQuery;
use hyper_util::client::proxy::matcher::Matcher;

use super::origin::Origin;
use super::proxy::{self, Proxy};
use super::secret::Secret;
use super::tls::Files;
use crate::job::{self, ClientCertificate, Endpoint, ProxyUrl, proxy_url};
use crate::secrets::Secrets;

const HTTP: [&str; 1] = ["http_proxy"];
const HTTPS: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
const EXCEPT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The way to the hosts of some endpoints, which share its connections.
pub(super) struct Network {
    /// What the job says of it, by which endpoints are told apart.
    declared: Declared,
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    /// Hosts that are asked straight.
    except: Option<Matcher>,
    pub(super) files: Arc<Files>,
}

#[derive(Clone, PartialEq, Eq)]
struct Declared {
    proxy: job::Proxy,
    ca_file: Option<PathBuf>,
    identity: Option<(ClientCertificate, Origin)>,
}

/// Those of a job's endpoints, each once.
#[derive(Default)]
pub(super) struct Networks(Vec<Arc<Network>>);

impl Networks {
    /// That of an endpoint, whose template has this origin; `None` where it is the usual one: no proxy, no files.
    pub(super) fn of(
        &mut self,
        endpoint: &Endpoint,
        own: Option<&Origin>,
        secrets: &Secrets,
    ) -> Result<Option<Arc<Network>>, String> {
        let network = &endpoint.network;
        let identity = network.client_certificate.clone().zip(own.cloned());
        let proxy = if network.has_proxy() { network.proxy.clone() } else { job::Proxy::None };
        let declared = Declared { proxy, ca_file: network.ca_file.clone(), identity };
        if declared == (Declared { proxy: job::Proxy::None, ca_file: None, identity: None }) {
            return Ok(None);
        }
        if let Some(known) = self.0.iter().find(|known| known.declared == declared) {
            return Ok(Some(known.clone()));
        }
        let made = Arc::new(Network::compile(declared, secrets)?);
        self.0.push(made.clone());
        Ok(Some(made))
    }
}

impl Network {
    fn compile(declared: Declared, secrets: &Secrets) -> Result<Network, String> {
        let client = declared.identity.as_ref().map(|(files, origin)| (files, origin));
        let files = Files::read(declared.ca_file.as_deref(), client)?;
        let (http, https, except) = match &declared.proxy {
            job::Proxy::Unsaid | job::Proxy::None => (None, None, None),
            job::Proxy::Environment => {
                let all = from_environment(secrets, &ALL)?;
                let http = from_environment(secrets, &HTTP)?.or_else(|| all.clone());
                let https = from_environment(secrets, &HTTPS)?.or(all);
                (http, https, exceptions(secrets))
            }
            job::Proxy::Url(url) => {
                let proxy = Arc::new(named(url, secrets).map_err(|why| format!("proxy: {why}"))?);
                (Some(proxy.clone()), Some(proxy), None)
            }
        };
        Ok(Network { declared, http, https, except, files: Arc::new(files) })
    }

    /// Whether there is one for any host.
    pub(super) fn has_proxy(&self) -> bool {
        self.http.is_some() || self.https.is_some()
    }

    /// Whom requests to an origin go through.
    pub(super) fn proxy_of(&self, origin: &Origin) -> Option<&Proxy> {
        let proxy = if origin.is_https() { self.https.as_deref() } else { self.http.as_deref() };
        proxy.filter(|_| !self.except.as_ref().is_some_and(|except| is_excepted(except, origin)))
    }
}

/// The proxy that the job names.
fn named(url: &ProxyUrl, secrets: &Secrets) -> Result<Proxy, String> {
    let names: Vec<String> = url.secrets().map(|name| format!("${{{name}}}")).collect();
    let whole = url.with_values(|name| secrets.get(name)).map_err(|why| why.to_string())?;
    Proxy::parse(&whole, &names.join(" and "))
}

/// The proxy that a variable names, the first of these that is set.
fn from_environment(secrets: &Secrets, names: &[&str]) -> Result<Option<Arc<Proxy>>, String> {
    let Some((name, value)) = first_set(secrets, names) else { return Ok(None) };
    let asked_with = match proxy_url(&value).ok().and_then(|url| proxy::user_and_password(&url)) {
        Some(_) => format!("${{{name}}}"),
        None => String::new(),
    };
    let proxy = Proxy::parse(&value, &asked_with).map_err(|why| format!("the variable {name}: {why}"))?;
    Ok(Some(Arc::new(proxy)))
}

fn first_set(secrets: &Secrets, names: &[&str]) -> Option<(String, String)> {
    names.iter().find_map(|name| Some(((*name).to_owned(), secrets.find(name)?)))
}

/// Who matches it is asked straight. The library takes the list as curl does; blanks between names, brackets around an
/// address and `*.` before a name, which other programs take, are made what it takes.
fn exceptions(secrets: &Secrets) -> Option<Matcher> {
    let (_, list) = first_set(secrets, &EXCEPT)?;
    let names = list.split([',', ' ', '\t']).map(|name| {
        let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        name.strip_suffix('.').unwrap_or(name)
    });
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    // The proxy stands for any: what it does not take is asked straight.
    Some(Matcher::builder().all("http://any").no(names.join(",")).build())
}

fn is_excepted(except: &Matcher, origin: &Origin) -> bool {
    let host = origin.host_name();
    let host = host.strip_suffix('.').unwrap_or(host);
    let uri =
        Uri::builder().scheme("http").authority(host).path_and_query(PathAndQuery::from_static("/")).build();
    uri.is_ok_and(|uri| except.intercept(&uri).is_none())
}

/// What a server or a proxy must not repeat to people: user and password of a job's proxies as the wire has them, and the
/// passwords of those that the environment names.
pub(super) fn secrets_of(endpoint: &Endpoint, secrets: &Secrets) -> Vec<Secret> {
    let of_url = |url: &str, shown: &str| {
        let (user, password) = proxy_url(url).ok().and_then(|url| proxy::user_and_password(&url))?;
        let plain = String::from_utf8_lossy(&password).into_owned();
        let spellings = [plain, proxy::basic(&user, &password)];
        Some(
            spellings
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| Secret::named(shown.into(), &text))
                .collect(),
        )
    };
    let found: Option<Vec<Secret>> = match &endpoint.network.proxy {
        job::Proxy::Unsaid | job::Proxy::None => None,
        job::Proxy::Environment => Some(
            [&ALL[..], &HTTP, &HTTPS]
                .iter()
                .filter_map(|names| first_set(secrets, names))
                .filter_map(|(name, value)| of_url(&value, &format!("${{{name}}}")))
                .flat_map(|found: Vec<Secret>| found)
                .collect(),
        ),
        job::Proxy::Url(url) => {
            let shown = url.secrets().last().map(|name| format!("${{{name}}}"));
            shown.and_then(|shown| of_url(&url.with_values(|name| secrets.get(name)).ok()?, &shown))
        }
    };
    found.unwrap_or_default()
}

/// What to say of variables that name a proxy for endpoints whose job says nothing of one; `None` where there are none.
pub fn unused_proxy(endpoints: &[Endpoint], secrets: &Secrets) -> Option<String> {
    let set = |is_https: bool, names: &[&str]| {
        let found = || first_set(secrets, names).or_else(|| first_set(secrets, &ALL));
        goes_straight(endpoints, secrets, is_https).then(found).flatten()
    };
    let found = set(false, &HTTP).into_iter().chain(set(true, &HTTPS));
    let mut names: Vec<String> = found.map(|(name, _)| name).collect();
    names.dedup();
    if names.is_empty() {
        return in_capitals(endpoints, secrets);
    }
    let verb = if names.len() == 1 { "is" } else { "are" };
    Some(format!(
        "{} {verb} set and not used: requests go straight to their hosts\nhint: proxy = \"environment\" in [defaults] \
         goes through it, proxy = \"none\" says that it is meant so",
        names.join(" and ")
    ))
}

/// The same of `HTTP_PROXY` where the job would take the environment's.
fn in_capitals(endpoints: &[Endpoint], secrets: &Secrets) -> Option<String> {
    let asks_http = |endpoint: &Endpoint| match endpoint.url.parts.first() {
        Some(job::Part::Literal(text)) => text.parse().is_ok_and(|origin: Origin| !origin.is_https()),
        _ => true,
    };
    let is_lost = first_set(secrets, &HTTP).or_else(|| first_set(secrets, &ALL)).is_none()
        && secrets.find("HTTP_PROXY").is_some();
    let mut by_environment =
        endpoints.iter().filter(|endpoint| endpoint.network.proxy == job::Proxy::Environment);
    (is_lost && by_environment.any(asks_http)).then(|| {
        "HTTP_PROXY is not read, as a web server may set it from a request's header: http hosts are asked straight\n\
         hint: set http_proxy"
            .to_owned()
    })
}

/// Whether one of the endpoints may ask such a host straight, though neither the job nor `no_proxy` says so.
fn goes_straight(endpoints: &[Endpoint], secrets: &Secrets, is_https: bool) -> bool {
    let except = exceptions(secrets);
    let asks = |endpoint: &Endpoint| match endpoint.url.parts.first() {
        Some(job::Part::Literal(text)) => text.parse().is_ok_and(|origin: Origin| {
            let is_excepted = except.as_ref().is_some_and(|except| is_excepted(except, &origin));
            origin.is_https() == is_https && !is_excepted
        }),
        _ => true,
    };
    endpoints.iter().any(|endpoint| endpoint.network.proxy == job::Proxy::Unsaid && asks(endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> Secrets {
        Secrets::default()
            .with_file(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    fn endpoint(url: &str, proxy: job::Proxy) -> Endpoint {
        let template = job::Template::parse(url, &[]).unwrap();
        let mut endpoint = Endpoint::get("one", template, Vec::new());
        endpoint.network.proxy = proxy;
        endpoint
    }

    fn of_environment(pairs: &[(&str, &str)]) -> Result<Arc<Network>, String> {
        let endpoint = endpoint("http://h/", job::Proxy::Environment);
        Networks::default().of(&endpoint, None, &secrets(pairs)).map(Option::unwrap)
    }

    fn through(pairs: &[(&str, &str)], url: &str) -> Option<String> {
        let network = of_environment(pairs).unwrap();
        network.proxy_of(&url.parse().unwrap()).map(ToString::to_string)
    }

    #[test]
    fn the_variables_are_read_as_curl_reads_them() {
        let plain = [("http_proxy", "http://a:1"), ("HTTPS_PROXY", "b:2"), ("all_proxy", "http://c:3")];
        assert_eq!(through(&plain, "http://h/").unwrap(), "the proxy http://a:1");
        assert_eq!(through(&plain, "https://h/").unwrap(), "the proxy http://b:2");
        assert_eq!(through(&plain[2..], "https://h/").unwrap(), "the proxy http://c:3");
        let both = [("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:2")];
        assert_eq!(through(&both, "https://h/").unwrap(), "the proxy http://a:1");
        assert_eq!(through(&both, "http://h/"), None);
        assert_eq!(
            through(&[("HTTP_PROXY", "http://a:1")], "http://h/"),
            None,
            "a request's header may set it"
        );
        assert_eq!(
            through(&[("http_proxy", ""), ("ALL_PROXY", "http://c:3")], "http://h/").unwrap(),
            "the proxy http://c:3"
        );
        assert_eq!(through(&[], "http://h/"), None);
    }

    #[test]
    fn a_proxy_that_cannot_be_spoken_with_is_no_reason_to_go_straight() {
        for (value, said) in [
            ("socks5h://me:geheim@p:1080", "the variable all_proxy: not supported: a SOCKS proxy"),
            ("https://me:geheim@p:3128", "spoken to by TLS"),
            ("http://me:ge#heim@p:3128", "the variable all_proxy: no URL of a proxy"),
            ("http://me:12#heim@p:3128", "has a path"),
        ] {
            let why = of_environment(&[("all_proxy", value)]).err().unwrap();
            assert!(why.contains(said) && !why.contains("heim"), "{why}");
        }
    }

    #[test]
    fn hosts_are_excepted_as_curl_has_it() {
        let is_straight = |list: &str, url: &str| {
            through(&[("all_proxy", "http://p:1"), ("no_proxy", list)], url).is_none()
        };
        for (list, url) in [
            ("example.com", "https://example.com/"),
            ("example.com", "https://API.example.com:8443/"),
            (".example.com", "https://example.com/"),
            ("*.example.com", "https://api.example.com/"),
            ("localhost, example.com", "http://example.com./"),
            ("localhost example.com.", "http://example.com/"),
            ("EXAMPLE.com", "http://example.com/"),
            ("*", "http://anything.test/"),
            ("127.0.0.1", "http://127.0.0.1:8080/"),
            ("10.0.0.0/8", "http://10.1.2.3/"),
            ("::1", "http://[::1]:80/"),
            ("[::1]", "http://[::1]:80/"),
            ("fd00::/8", "http://[fd00::5]/"),
        ] {
            assert!(is_straight(list, url), "{list} {url}");
        }
        for (list, url) in [
            ("example.com", "https://notexample.com/"),
            ("example.com", "https://example.com.evil.test/"),
            ("api.example.com", "https://example.com/"),
            ("", "https://example.com/"),
            (",", "https://example.com/"),
            ("10.0.0.0/8", "http://11.1.2.3/"),
            ("10", "http://10.1.2.3/"),
        ] {
            assert!(!is_straight(list, url), "{list} {url}");
        }
        assert!(through(&[("all_proxy", "http://p:1"), ("NO_PROXY", "h")], "http://h/").is_none());
    }

    #[test]
    fn endpoints_of_the_same_way_share_it() {
        let mut networks = Networks::default();
        let secrets = secrets(&[("all_proxy", "http://p:1")]);
        let mut of = |proxy: job::Proxy| networks.of(&endpoint("http://h/", proxy), None, &secrets).unwrap();
        let one = of(job::Proxy::Environment).unwrap();
        assert!(Arc::ptr_eq(&one, &of(job::Proxy::Environment).unwrap()));
        let url = job::ProxyUrl::parse("http://p:1").unwrap();
        assert!(!Arc::ptr_eq(&one, &of(job::Proxy::Url(url)).unwrap()));
        assert!(of(job::Proxy::None).is_none() && of(job::Proxy::Unsaid).is_none());
    }

    #[test]
    fn variables_that_nobody_uses_are_told() {
        let told = |url: &str, proxy: job::Proxy, pairs: &[(&str, &str)]| {
            unused_proxy(&[endpoint(url, proxy)], &secrets(pairs))
        };
        let all = [("https_proxy", "http://me:geheim@p:1"), ("all_proxy", "http://p:2")];
        let said = told("https://h/", job::Proxy::Unsaid, &all).unwrap();
        assert!(said.starts_with("https_proxy is set and not used") && !said.contains("geheim"), "{said}");
        assert!(told("http://h/", job::Proxy::Unsaid, &all).unwrap().starts_with("all_proxy is set"));
        assert!(
            told("{id:url}", job::Proxy::Unsaid, &all).unwrap().starts_with("all_proxy and https_proxy are")
        );
        for proxy in [job::Proxy::None, job::Proxy::Environment] {
            assert_eq!(told("https://h/", proxy, &all), None);
        }
        let capitals = [("HTTP_PROXY", "http://p:1")];
        let said = told("http://h/", job::Proxy::Environment, &capitals).unwrap();
        assert!(said.contains("HTTP_PROXY is not read") && said.contains("set http_proxy"), "{said}");
        assert_eq!(told("https://h/", job::Proxy::Environment, &capitals), None);
        assert_eq!(told("http://h/", job::Proxy::Environment, &[capitals[0], ("all_proxy", "p")]), None);
        let except = [all[0], ("no_proxy", "h")];
        assert_eq!(told("https://h/{id}", job::Proxy::Unsaid, &except), None);
        assert!(told("https://other/{id}", job::Proxy::Unsaid, &except).is_some());
        assert_eq!(
            told("http://h/", job::Proxy::Unsaid, &[("HTTP_PROXY", "http://p:1"), ("https_proxy", "p")]),
            None
        );
    }
}
