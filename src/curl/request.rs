//! What the arguments of a curl command ask, put together.
//!
//! Promises: of options that bear on one thing the last counts, or all do, as with curl (src/tool_operate.c); each argument is
//! in the request, or passed over, or not understood, and none is lost.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::arguments::{Argument, Given};
use super::options::Meaning;
use super::words::{Input, Word};
use super::{CurlCommand, CurlError, address, data, headers};

/// The port of a proxy where none is written (curl(1), --proxy).
const PROXY_PORT: u16 = 1080;

/// What the options have said so far.
#[derive(Default)]
struct Asked {
    command: CurlCommand,
    urls: Vec<Word>,
    manner: address::Manner,
    method: Option<String>,
    is_head: bool,
    is_get: bool,
    data: Option<String>,
    query: Vec<String>,
    headers: headers::Headers,
    proxy_user: Option<String>,
}

/// The request that arguments ask.
///
/// # Errors
/// There is no URL, or a value is none that its option takes.
pub fn read(arguments: Vec<Argument>, input: Option<&Input>) -> Result<CurlCommand, CurlError> {
    let mut asked = Asked::default();
    for argument in arguments {
        match argument {
            Argument::Url(word) => asked.urls.push(word),
            Argument::Next(written) => asked.command.not_understood.push(written),
            Argument::Given(given) => asked.take(given, input)?,
        }
    }
    asked.finish()
}

impl Asked {
    fn take(&mut self, given: Given, input: Option<&Input>) -> Result<(), CurlError> {
        let is_on = !given.is_negated;
        let Given { option, value, written, .. } = given;
        let command = &mut self.command;
        match option.meaning {
            Meaning::Url => self.urls.push(Word { text: value, written }),
            Meaning::UrlQuery => self.query.push(match value.strip_prefix('+') {
                Some(plain) => plain.to_owned(),
                None => data::encoded(&value, &written, input)?,
            }),
            Meaning::Method => {
                self.method = Some(method(value, &written)?).filter(|method| !method.is_empty())
            }
            Meaning::Head => self.is_head = is_on,
            Meaning::Get => self.is_get = is_on,
            Meaning::Header => self.header(value, &written, input)?,
            Meaning::UserAgent => self.headers.user_agent = Some(value),
            Meaning::Referer => self.headers.referer = Some(value.trim_end_matches(";auto").to_owned()),
            Meaning::Cookie if value.contains('=') && !value.starts_with('@') => {
                self.headers.cookies.push(value)
            }
            Meaning::Cookie if value.is_empty() => command.passed_over.push(written),
            Meaning::Data(kind) => {
                self.headers.is_json |= kind == data::Data::Json;
                self.data = Some(data::add(kind, &value, &written, input, self.data.take())?);
            }
            Meaning::User => command.user = Some(user(&value, &written)?),
            Meaning::Bearer => self.headers.bearer = Some(value),
            Meaning::Range => self.headers.range = Some(range(value)),
            Meaning::Location => command.follows_redirects = is_on,
            Meaning::MaxRedirects if value.trim() == "-1" => command.max_redirects = None,
            Meaning::MaxRedirects => command.max_redirects = Some(number(&value, &written)?),
            Meaning::Insecure => command.insecure = is_on,
            Meaning::Compressed => command.compressed = is_on,
            Meaning::Proxy => self.proxy(value, written)?,
            Meaning::ProxyUser => self.proxy_user = Some(value),
            Meaning::NoProxy if value == "*" => command.proxy = None,
            Meaning::CaFile => command.ca_file = Some(PathBuf::from(value)),
            Meaning::Certificate => self.certificate(&value, written),
            Meaning::Key => command.client_key_file = Some(PathBuf::from(value)),
            Meaning::Timeout => command.timeout = seconds(&value, &written)?,
            Meaning::ConnectTimeout => command.connect_timeout = seconds(&value, &written)?,
            Meaning::GlobOff => self.manner.is_literal = is_on,
            Meaning::PathAsIs => self.manner.keeps_dots = is_on,
            Meaning::DefaultScheme => self.manner.scheme = Some(value),
            Meaning::Retries => command.retries = Some(number(&value, &written)?),
            Meaning::MaxAnswer => command.max_answer = Some(size(&value, &written)?),
            Meaning::PassedOver => command.passed_over.push(written),
            Meaning::NotUnderstood if !is_on => command.passed_over.push(written),
            Meaning::Cookie | Meaning::NoProxy | Meaning::NotUnderstood | Meaning::Next => {
                command.follows_redirects |= option.long == "location-trusted";
                command.not_understood.push(written);
            }
        }
        Ok(())
    }

    /// A header, or a file with one in each line.
    fn header(&mut self, value: String, written: &str, input: Option<&Input>) -> Result<(), CurlError> {
        match value.strip_prefix('@') {
            Some(path) => {
                let text = data::file(path, written, input)?;
                self.headers.lines.extend(text.lines().map(str::to_owned));
            }
            None => {
                self.command.passed_over.extend((!headers::is_sent(&value)).then(|| written.to_owned()));
                self.headers.lines.push(value);
            }
        }
        Ok(())
    }

    fn proxy(&mut self, value: String, written: String) -> Result<(), CurlError> {
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", &value));
        if rest.is_empty() {
            self.command.proxy = None;
        } else if scheme.eq_ignore_ascii_case("http") {
            let rest = rest.trim_end_matches('/');
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
            let port = if has_port { String::new() } else { format!(":{PROXY_PORT}") };
            self.command.proxy = Some(format!("http://{rest}{port}"));
        } else {
            self.command.not_understood.push(written);
        }
        Ok(())
    }

    /// `FILE`, or `FILE:PASSWORD`, a password being nothing that windrow takes.
    fn certificate(&mut self, value: &str, written: String) {
        let (path, password) =
            value.split_once(':').map_or((value, None), |(path, password)| (path, Some(password)));
        self.command.client_certificate_file = Some(PathBuf::from(path));
        self.command.not_understood.extend(password.map(|_| written));
    }

    fn finish(mut self) -> Result<CurlCommand, CurlError> {
        let mut urls = self.urls.into_iter();
        let no_url =
            || CurlError::new("the command has no URL", "", "copy the whole command, to its last line");
        let word = urls.next().ok_or_else(no_url)?;
        let mut command = self.command;
        command.not_understood.extend(urls.map(|word| word.written));
        let body = if self.is_get { None } else { self.data.clone() };
        if self.is_head && body.is_some() {
            let hint = "leave out -I, or the data, or add -G for data in the URL";
            return Err(CurlError::new("-I together with data, which curl refuses", "-I", hint));
        }
        let in_url = self.data.filter(|_| self.is_get);
        self.manner.query = in_url.or_else(|| Some(self.query.join("&")).filter(|query| !query.is_empty()));
        let address = address::read(&word.text, &self.manner)?;
        command.url = address.url;
        command.user = command
            .user
            .or(address.user)
            .filter(|_| self.headers.bearer.is_none() && !self.headers.has_line("Authorization"));
        command.method = self.method.unwrap_or_else(|| {
            let usual = if self.is_head {
                "HEAD"
            } else if body.is_some() {
                "POST"
            } else {
                "GET"
            };
            usual.to_owned()
        });
        if body.is_some() {
            command.not_understood.extend(self.headers.range.take().map(|range| format!("-r {range}")));
        }
        command.headers = self.headers.sent(body.is_some())?;
        command.body = body;
        command.proxy = command.proxy.map(|proxy| with_user(&proxy, self.proxy_user.as_deref()));
        Ok(command)
    }
}

/// A method, whose characters are those of a token (RFC 9110 section 5.6.2).
fn method(value: String, written: &str) -> Result<String, CurlError> {
    if !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
    {
        return Ok(value);
    }
    Err(CurlError::new("no method", written, "write it as POST, without blanks"))
}

/// A single number is the first byte.
fn range(value: String) -> String {
    let is_first = value.starts_with(|c: char| c.is_ascii_digit()) && !value.contains('-');
    if is_first { value + "-" } else { value }
}

fn user(value: &str, written: &str) -> Result<(String, String), CurlError> {
    let parts = value.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()));
    parts.ok_or_else(|| {
        let hint = format!("write -u '{value}:PASSWORD', or -u '{value}:' where there is none");
        CurlError::new("a user without a password, which curl would ask for", written, hint)
    })
}

/// A proxy's URL with who asks it.
fn with_user(proxy: &str, user: Option<&str>) -> String {
    let Some((user, (scheme, host))) = user.zip(proxy.split_once("://")) else { return proxy.to_owned() };
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{}:{}@{host}", encoded(name), encoded(password))
}

fn number(value: &str, written: &str) -> Result<u32, CurlError> {
    value.trim().parse().map_err(|_| CurlError::new("no whole number", written, "write it as 5"))
}

/// A time; none where it is 0.
fn seconds(value: &str, written: &str) -> Result<Option<Duration>, CurlError> {
    let parsed = value.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time =
        parsed.ok_or_else(|| CurlError::new("no number of seconds", written, "write it as 30 or 1.5"))?;
    Ok(Some(time).filter(|time| !time.is_zero()))
}

/// Bytes, with a letter for 1024, 1024² and so on.
fn size(value: &str, written: &str) -> Result<u64, CurlError> {
    let value = value.trim();
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = match value[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" => Some(1),
        "m" => Some(2),
        "g" => Some(3),
        _ => None,
    };
    let bytes = power
        .zip(digits.parse::<u64>().ok())
        .and_then(|(power, number)| number.checked_mul(1024_u64.pow(power)));
    bytes.ok_or_else(|| CurlError::new("no size", written, "write it as 500000 or 10M"))
}
