//! The options of curl: what each takes, and what is made of it.
//!
//! Promises: every option of `curl --help all` is here (7.88, and those that came since), so that no option's value is ever
//! taken for a URL. A test compares them with the curl that is installed.

use super::data::Data;

/// What is made of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A URL.
    Url,
    /// A part of the URL's query.
    UrlQuery,
    /// The method.
    Method,
    /// The method is HEAD.
    Head,
    /// Data goes into the URL.
    Get,
    /// A header, or a file of them.
    Header,
    /// The header of that name.
    UserAgent,
    /// The header of that name.
    Referer,
    /// Cookies, or a file of them.
    Cookie,
    /// What is sent.
    Data(Data),
    /// Who asks.
    User,
    /// A token that says who asks.
    Bearer,
    /// The part of an answer that is asked for.
    Range,
    /// Redirects are followed.
    Location,
    /// How many redirects are followed.
    MaxRedirects,
    /// Certificates are not verified.
    Insecure,
    /// Answers may be compressed.
    Compressed,
    /// The proxy.
    Proxy,
    /// Who asks the proxy.
    ProxyUser,
    /// Hosts that are asked without a proxy.
    NoProxy,
    /// Certificates to trust.
    CaFile,
    /// The certificate that shows who asks.
    Certificate,
    /// The key of that certificate.
    Key,
    /// How long all may take.
    Timeout,
    /// How long connecting may take.
    ConnectTimeout,
    /// Braces and brackets in a URL are text.
    GlobOff,
    /// Dots in a URL's path stay.
    PathAsIs,
    /// The scheme of URLs that name none.
    DefaultScheme,
    /// How often a request is repeated.
    Retries,
    /// Most bytes of an answer.
    MaxAnswer,
    /// Another request begins.
    Next,
    /// Nothing of what is asked changes.
    PassedOver,
    /// What is asked may change in a way that windrow has no key for.
    NotUnderstood,
}

/// An option of curl.
#[derive(Debug, PartialEq, Eq)]
pub struct CurlOption {
    /// Its name, without dashes, and without the `no-` that those without a value may have.
    pub long: &'static str,
    /// Its letter; NUL where it has none.
    pub short: char,
    /// Whether a value follows.
    pub takes_value: bool,
    /// What is made of it.
    pub meaning: Meaning,
}

/// Why a name is no option.
#[derive(Debug, PartialEq, Eq)]
pub enum NoOption {
    /// No option begins so.
    Unknown,
    /// Several do.
    Ambiguous(Vec<&'static str>),
}

/// The option of a letter.
pub fn short(letter: char) -> Option<&'static CurlOption> {
    // The letter stands for its negation there, whose positive form is what the table has.
    let letter =
        if letter == 'N' { return OPTIONS.iter().find(|option| option.long == "buffer") } else { letter };
    OPTIONS.iter().find(|option| option.short == letter && letter != '\0')
}

/// The option of a name, or of the beginning of one that no other has, and whether `no-` stands before it.
///
/// # Errors
/// None or several begin so.
pub fn long(name: &str) -> Result<(&'static CurlOption, bool), NoOption> {
    if let Ok(option) = named(name) {
        return Ok((option, false));
    }
    match name.strip_prefix("no-").map(named) {
        Some(Ok(option)) if !option.takes_value => Ok((option, true)),
        _ => named(name).map(|option| (option, false)),
    }
}

fn named(name: &str) -> Result<&'static CurlOption, NoOption> {
    if let Some(exact) = OPTIONS.iter().find(|option| option.long == name) {
        return Ok(exact);
    }
    let found: Vec<&CurlOption> =
        OPTIONS.iter().filter(|option| !name.is_empty() && option.long.starts_with(name)).collect();
    match found[..] {
        [] => Err(NoOption::Unknown),
        [option] => Ok(option),
        _ => Err(NoOption::Ambiguous(found.iter().map(|option| option.long).collect())),
    }
}

/// The name that is most like another.
pub fn nearest(name: &str) -> Option<&'static str> {
    let likeness = |option: &CurlOption| (strsim::jaro_winkler(option.long, name) * 1000.0) as u32;
    OPTIONS
        .iter()
        .max_by_key(|option| likeness(option))
        .filter(|option| likeness(option) > 850)
        .map(|option| option.long)
}

const ALONE: bool = false;
const VALUE: bool = true;

const fn row(long: &'static str, short: char, takes_value: bool, meaning: Meaning) -> CurlOption {
    CurlOption { long, short, takes_value, meaning }
}

use Meaning::*;

/// All of them, by name.
#[rustfmt::skip]
pub static OPTIONS: &[CurlOption] = &[
    row("abstract-unix-socket", '\0', VALUE, NotUnderstood),
    row("alpn", '\0', ALONE, PassedOver),
    row("alt-svc", '\0', VALUE, PassedOver),
    row("anyauth", '\0', ALONE, NotUnderstood),
    row("append", 'a', ALONE, PassedOver),
    row("aws-sigv4", '\0', VALUE, NotUnderstood),
    row("basic", '\0', ALONE, PassedOver),
    row("buffer", '\0', ALONE, PassedOver),
    row("ca-native", '\0', ALONE, PassedOver),
    row("cacert", '\0', VALUE, CaFile),
    row("capath", '\0', VALUE, NotUnderstood),
    row("cert", 'E', VALUE, Certificate),
    row("cert-status", '\0', ALONE, PassedOver),
    row("cert-type", '\0', VALUE, NotUnderstood),
    row("ciphers", '\0', VALUE, PassedOver),
    row("clobber", '\0', ALONE, PassedOver),
    row("compressed", '\0', ALONE, Compressed),
    row("compressed-ssh", '\0', ALONE, PassedOver),
    row("config", 'K', VALUE, NotUnderstood),
    row("connect-timeout", '\0', VALUE, ConnectTimeout),
    row("connect-to", '\0', VALUE, NotUnderstood),
    row("continue-at", 'C', VALUE, NotUnderstood),
    row("cookie", 'b', VALUE, Cookie),
    row("cookie-jar", 'c', VALUE, PassedOver),
    row("create-dirs", '\0', ALONE, PassedOver),
    row("create-file-mode", '\0', VALUE, PassedOver),
    row("crlf", '\0', ALONE, PassedOver),
    row("crlfile", '\0', VALUE, NotUnderstood),
    row("curves", '\0', VALUE, PassedOver),
    row("data", 'd', VALUE, Data(Data::Form)),
    row("data-ascii", '\0', VALUE, Data(Data::Form)),
    row("data-binary", '\0', VALUE, Data(Data::Binary)),
    row("data-raw", '\0', VALUE, Data(Data::Raw)),
    row("data-urlencode", '\0', VALUE, Data(Data::Encoded)),
    row("delegation", '\0', VALUE, NotUnderstood),
    row("digest", '\0', ALONE, NotUnderstood),
    row("disable", 'q', ALONE, PassedOver),
    row("disable-eprt", '\0', ALONE, PassedOver),
    row("disable-epsv", '\0', ALONE, PassedOver),
    row("disallow-username-in-url", '\0', ALONE, PassedOver),
    row("dns-interface", '\0', VALUE, PassedOver),
    row("dns-ipv4-addr", '\0', VALUE, PassedOver),
    row("dns-ipv6-addr", '\0', VALUE, PassedOver),
    row("dns-servers", '\0', VALUE, PassedOver),
    row("doh-cert-status", '\0', ALONE, PassedOver),
    row("doh-insecure", '\0', ALONE, PassedOver),
    row("doh-url", '\0', VALUE, NotUnderstood),
    row("dump-ca-embed", '\0', ALONE, PassedOver),
    row("dump-header", 'D', VALUE, PassedOver),
    row("ech", '\0', VALUE, NotUnderstood),
    row("egd-file", '\0', VALUE, PassedOver),
    row("engine", '\0', VALUE, NotUnderstood),
    row("eprt", '\0', ALONE, PassedOver),
    row("epsv", '\0', ALONE, PassedOver),
    row("etag-compare", '\0', VALUE, NotUnderstood),
    row("etag-save", '\0', VALUE, PassedOver),
    row("expect100-timeout", '\0', VALUE, PassedOver),
    row("fail", 'f', ALONE, PassedOver),
    row("fail-early", '\0', ALONE, PassedOver),
    row("fail-with-body", '\0', ALONE, PassedOver),
    row("false-start", '\0', ALONE, PassedOver),
    row("follow", '\0', ALONE, Location),
    row("form", 'F', VALUE, NotUnderstood),
    row("form-escape", '\0', ALONE, PassedOver),
    row("form-string", '\0', VALUE, NotUnderstood),
    row("ftp-account", '\0', VALUE, NotUnderstood),
    row("ftp-alternative-to-user", '\0', VALUE, NotUnderstood),
    row("ftp-create-dirs", '\0', ALONE, NotUnderstood),
    row("ftp-method", '\0', VALUE, NotUnderstood),
    row("ftp-pasv", '\0', ALONE, NotUnderstood),
    row("ftp-port", 'P', VALUE, NotUnderstood),
    row("ftp-pret", '\0', ALONE, NotUnderstood),
    row("ftp-skip-pasv-ip", '\0', ALONE, NotUnderstood),
    row("ftp-ssl", '\0', ALONE, PassedOver),
    row("ftp-ssl-ccc", '\0', ALONE, NotUnderstood),
    row("ftp-ssl-ccc-mode", '\0', VALUE, NotUnderstood),
    row("ftp-ssl-control", '\0', ALONE, NotUnderstood),
    row("ftp-ssl-reqd", '\0', ALONE, PassedOver),
    row("get", 'G', ALONE, Get),
    row("globoff", 'g', ALONE, GlobOff),
    row("happy-eyeballs-timeout-ms", '\0', VALUE, PassedOver),
    row("haproxy-clientip", '\0', VALUE, NotUnderstood),
    row("haproxy-protocol", '\0', ALONE, NotUnderstood),
    row("head", 'I', ALONE, Head),
    row("header", 'H', VALUE, Header),
    row("help", 'h', VALUE, NotUnderstood),
    row("hostpubmd5", '\0', VALUE, NotUnderstood),
    row("hostpubsha256", '\0', VALUE, NotUnderstood),
    row("hsts", '\0', VALUE, PassedOver),
    row("http0.9", '\0', ALONE, PassedOver),
    row("http1.0", '0', ALONE, PassedOver),
    row("http1.1", '\0', ALONE, PassedOver),
    row("http2", '\0', ALONE, PassedOver),
    row("http2-prior-knowledge", '\0', ALONE, PassedOver),
    row("http3", '\0', ALONE, PassedOver),
    row("http3-only", '\0', ALONE, PassedOver),
    row("ignore-content-length", '\0', ALONE, PassedOver),
    row("include", 'i', ALONE, PassedOver),
    row("insecure", 'k', ALONE, Insecure),
    row("interface", '\0', VALUE, NotUnderstood),
    row("ip-tos", '\0', VALUE, PassedOver),
    row("ipv4", '4', ALONE, PassedOver),
    row("ipv6", '6', ALONE, PassedOver),
    row("json", '\0', VALUE, Data(Data::Json)),
    row("junk-session-cookies", 'j', ALONE, PassedOver),
    row("keepalive", '\0', ALONE, PassedOver),
    row("keepalive-cnt", '\0', VALUE, PassedOver),
    row("keepalive-time", '\0', VALUE, PassedOver),
    row("key", '\0', VALUE, Key),
    row("key-type", '\0', VALUE, NotUnderstood),
    row("knownhosts", '\0', VALUE, NotUnderstood),
    row("krb", '\0', VALUE, NotUnderstood),
    row("krb4", '\0', VALUE, NotUnderstood),
    row("libcurl", '\0', VALUE, PassedOver),
    row("limit-rate", '\0', VALUE, PassedOver),
    row("list-only", 'l', ALONE, PassedOver),
    row("local-port", '\0', VALUE, PassedOver),
    row("location", 'L', ALONE, Location),
    row("location-trusted", '\0', ALONE, NotUnderstood),
    row("login-options", '\0', VALUE, NotUnderstood),
    row("mail-auth", '\0', VALUE, NotUnderstood),
    row("mail-from", '\0', VALUE, NotUnderstood),
    row("mail-rcpt", '\0', VALUE, NotUnderstood),
    row("mail-rcpt-allowfails", '\0', ALONE, NotUnderstood),
    row("manual", 'M', ALONE, NotUnderstood),
    row("max-filesize", '\0', VALUE, MaxAnswer),
    row("max-redirs", '\0', VALUE, MaxRedirects),
    row("max-time", 'm', VALUE, Timeout),
    row("metalink", '\0', ALONE, NotUnderstood),
    row("mptcp", '\0', ALONE, PassedOver),
    row("negotiate", '\0', ALONE, NotUnderstood),
    row("netrc", 'n', ALONE, NotUnderstood),
    row("netrc-file", '\0', VALUE, NotUnderstood),
    row("netrc-optional", '\0', ALONE, NotUnderstood),
    row("next", ':', ALONE, Next),
    row("noproxy", '\0', VALUE, NoProxy),
    row("npn", '\0', ALONE, PassedOver),
    row("ntlm", '\0', ALONE, NotUnderstood),
    row("ntlm-wb", '\0', ALONE, NotUnderstood),
    row("oauth2-bearer", '\0', VALUE, Bearer),
    row("out-null", '\0', ALONE, PassedOver),
    row("output", 'o', VALUE, PassedOver),
    row("output-dir", '\0', VALUE, PassedOver),
    row("parallel", 'Z', ALONE, PassedOver),
    row("parallel-immediate", '\0', ALONE, PassedOver),
    row("parallel-max", '\0', VALUE, PassedOver),
    row("parallel-max-host", '\0', VALUE, PassedOver),
    row("pass", '\0', VALUE, NotUnderstood),
    row("path-as-is", '\0', ALONE, PathAsIs),
    row("pinnedpubkey", '\0', VALUE, NotUnderstood),
    row("post301", '\0', ALONE, NotUnderstood),
    row("post302", '\0', ALONE, NotUnderstood),
    row("post303", '\0', ALONE, NotUnderstood),
    row("preproxy", '\0', VALUE, NotUnderstood),
    row("progress-bar", '#', ALONE, PassedOver),
    row("progress-meter", '\0', ALONE, PassedOver),
    row("proto", '\0', VALUE, PassedOver),
    row("proto-default", '\0', VALUE, DefaultScheme),
    row("proto-redir", '\0', VALUE, PassedOver),
    row("proxy", 'x', VALUE, Proxy),
    row("proxy-anyauth", '\0', ALONE, NotUnderstood),
    row("proxy-basic", '\0', ALONE, PassedOver),
    row("proxy-ca-native", '\0', ALONE, NotUnderstood),
    row("proxy-cacert", '\0', VALUE, NotUnderstood),
    row("proxy-capath", '\0', VALUE, NotUnderstood),
    row("proxy-cert", '\0', VALUE, NotUnderstood),
    row("proxy-cert-type", '\0', VALUE, NotUnderstood),
    row("proxy-ciphers", '\0', VALUE, NotUnderstood),
    row("proxy-crlfile", '\0', VALUE, NotUnderstood),
    row("proxy-digest", '\0', ALONE, NotUnderstood),
    row("proxy-header", '\0', VALUE, NotUnderstood),
    row("proxy-http2", '\0', ALONE, NotUnderstood),
    row("proxy-insecure", '\0', ALONE, NotUnderstood),
    row("proxy-key", '\0', VALUE, NotUnderstood),
    row("proxy-key-type", '\0', VALUE, NotUnderstood),
    row("proxy-negotiate", '\0', ALONE, NotUnderstood),
    row("proxy-ntlm", '\0', ALONE, NotUnderstood),
    row("proxy-pass", '\0', VALUE, NotUnderstood),
    row("proxy-pinnedpubkey", '\0', VALUE, NotUnderstood),
    row("proxy-service-name", '\0', VALUE, NotUnderstood),
    row("proxy-ssl-allow-beast", '\0', ALONE, NotUnderstood),
    row("proxy-ssl-auto-client-cert", '\0', ALONE, NotUnderstood),
    row("proxy-tls13-ciphers", '\0', VALUE, NotUnderstood),
    row("proxy-tlsauthtype", '\0', VALUE, NotUnderstood),
    row("proxy-tlspassword", '\0', VALUE, NotUnderstood),
    row("proxy-tlsuser", '\0', VALUE, NotUnderstood),
    row("proxy-tlsv1", '\0', ALONE, NotUnderstood),
    row("proxy-user", 'U', VALUE, ProxyUser),
    row("proxy1.0", '\0', VALUE, NotUnderstood),
    row("proxytunnel", 'p', ALONE, PassedOver),
    row("pubkey", '\0', VALUE, NotUnderstood),
    row("quote", 'Q', VALUE, NotUnderstood),
    row("random-file", '\0', VALUE, PassedOver),
    row("range", 'r', VALUE, Range),
    row("rate", '\0', VALUE, PassedOver),
    row("raw", '\0', ALONE, PassedOver),
    row("referer", 'e', VALUE, Referer),
    row("remote-header-name", 'J', ALONE, PassedOver),
    row("remote-name", 'O', ALONE, PassedOver),
    row("remote-name-all", '\0', ALONE, PassedOver),
    row("remote-time", 'R', ALONE, PassedOver),
    row("remove-on-error", '\0', ALONE, PassedOver),
    row("request", 'X', VALUE, Method),
    row("request-target", '\0', VALUE, NotUnderstood),
    row("resolve", '\0', VALUE, NotUnderstood),
    row("retry", '\0', VALUE, Retries),
    row("retry-all-errors", '\0', ALONE, PassedOver),
    row("retry-connrefused", '\0', ALONE, PassedOver),
    row("retry-delay", '\0', VALUE, PassedOver),
    row("retry-max-time", '\0', VALUE, PassedOver),
    row("sasl-authzid", '\0', VALUE, NotUnderstood),
    row("sasl-ir", '\0', ALONE, NotUnderstood),
    row("service-name", '\0', VALUE, NotUnderstood),
    row("sessionid", '\0', ALONE, PassedOver),
    row("show-error", 'S', ALONE, PassedOver),
    row("sigalgs", '\0', VALUE, PassedOver),
    row("silent", 's', ALONE, PassedOver),
    row("skip-existing", '\0', ALONE, PassedOver),
    row("socks4", '\0', VALUE, NotUnderstood),
    row("socks4a", '\0', VALUE, NotUnderstood),
    row("socks5", '\0', VALUE, NotUnderstood),
    row("socks5-basic", '\0', ALONE, NotUnderstood),
    row("socks5-gssapi", '\0', ALONE, NotUnderstood),
    row("socks5-gssapi-nec", '\0', ALONE, NotUnderstood),
    row("socks5-gssapi-service", '\0', VALUE, NotUnderstood),
    row("socks5-hostname", '\0', VALUE, NotUnderstood),
    row("speed-limit", 'Y', VALUE, PassedOver),
    row("speed-time", 'y', VALUE, PassedOver),
    row("ssl", '\0', ALONE, PassedOver),
    row("ssl-allow-beast", '\0', ALONE, PassedOver),
    row("ssl-auto-client-cert", '\0', ALONE, PassedOver),
    row("ssl-no-revoke", '\0', ALONE, PassedOver),
    row("ssl-reqd", '\0', ALONE, PassedOver),
    row("ssl-revoke-best-effort", '\0', ALONE, PassedOver),
    row("ssl-sessions", '\0', VALUE, PassedOver),
    row("sslv2", '2', ALONE, PassedOver),
    row("sslv3", '3', ALONE, PassedOver),
    row("stderr", '\0', VALUE, PassedOver),
    row("styled-output", '\0', ALONE, PassedOver),
    row("suppress-connect-headers", '\0', ALONE, PassedOver),
    row("tcp-fastopen", '\0', ALONE, PassedOver),
    row("tcp-nodelay", '\0', ALONE, PassedOver),
    row("telnet-option", 't', VALUE, NotUnderstood),
    row("tftp-blksize", '\0', VALUE, NotUnderstood),
    row("tftp-no-options", '\0', ALONE, NotUnderstood),
    row("time-cond", 'z', VALUE, NotUnderstood),
    row("tls-earlydata", '\0', ALONE, PassedOver),
    row("tls-max", '\0', VALUE, PassedOver),
    row("tls13-ciphers", '\0', VALUE, PassedOver),
    row("tlsauthtype", '\0', VALUE, NotUnderstood),
    row("tlspassword", '\0', VALUE, NotUnderstood),
    row("tlsuser", '\0', VALUE, NotUnderstood),
    row("tlsv1", '1', ALONE, PassedOver),
    row("tlsv1.0", '\0', ALONE, PassedOver),
    row("tlsv1.1", '\0', ALONE, PassedOver),
    row("tlsv1.2", '\0', ALONE, PassedOver),
    row("tlsv1.3", '\0', ALONE, PassedOver),
    row("tr-encoding", '\0', ALONE, NotUnderstood),
    row("trace", '\0', VALUE, PassedOver),
    row("trace-ascii", '\0', VALUE, PassedOver),
    row("trace-config", '\0', VALUE, PassedOver),
    row("trace-ids", '\0', ALONE, PassedOver),
    row("trace-time", '\0', ALONE, PassedOver),
    row("unix-socket", '\0', VALUE, NotUnderstood),
    row("upload-file", 'T', VALUE, NotUnderstood),
    row("upload-flags", '\0', VALUE, NotUnderstood),
    row("url", '\0', VALUE, Url),
    row("url-query", '\0', VALUE, UrlQuery),
    row("use-ascii", 'B', ALONE, PassedOver),
    row("user", 'u', VALUE, User),
    row("user-agent", 'A', VALUE, UserAgent),
    row("variable", '\0', VALUE, NotUnderstood),
    row("verbose", 'v', ALONE, PassedOver),
    row("version", 'V', ALONE, NotUnderstood),
    row("vlan-priority", '\0', VALUE, PassedOver),
    row("write-out", 'w', VALUE, PassedOver),
    row("xattr", '\0', ALONE, PassedOver),
];
