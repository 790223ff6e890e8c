//! The URL of a request.
//!
//! Promises: it is what curl would ask (lib/urlapi.c, src/tool_urlglob.c): absolute, over HTTP or HTTPS, its path without
//! dots, its query with what `-G` and `--url-query` add, without fragment and user. What curl would read as several URLs is
//! an error.

use percent_encoding::{AsciiSet, percent_decode_str, utf8_percent_encode};

use super::CurlError;
use super::words::without_invisible;

/// Non-ASCII characters are encoded whatever the set is.
const NONE: &AsciiSet = &AsciiSet::EMPTY;

/// A URL, and who asks.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    /// Absolute, without user and fragment.
    pub url: String,
    /// User and password of the URL.
    pub user: Option<(String, String)>,
}

/// How curl reads a URL.
#[derive(Default)]
pub struct Manner {
    /// Braces and brackets are text (`-g`).
    pub is_literal: bool,
    /// Dots in the path stay (`--path-as-is`).
    pub keeps_dots: bool,
    /// The scheme where none is written.
    pub scheme: Option<String>,
    /// What is added to the query.
    pub query: Option<String>,
}

/// Reads a URL.
///
/// # Errors
/// It is none that HTTP asks, or several.
pub fn read(written: &str, manner: &Manner) -> Result<Address, CurlError> {
    let text = without_invisible(written).trim().to_owned();
    if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        let hint = "encode it (a blank is %20), or put the whole URL between quotes";
        return Err(CurlError::new(format!("the character U+{:04X} in the URL", bad as u32), written, hint));
    }
    let text = if manner.is_literal { text } else { without_globs(&text, written)? };
    let (scheme, rest) = scheme(&text, manner, written)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(credentials(user, written)?), host),
        None => (None, authority),
    };
    let host = host_and_port(host);
    let host = host.ok_or_else(|| {
        CurlError::new("no URL: there is no host in it, or none that can be", written, SHAPE)
    })?;
    let behind = without_fragment(behind);
    let (path, query) = behind.split_once('?').map_or((behind, None), |(path, query)| (path, Some(query)));
    let path = if manner.keeps_dots { path.to_owned() } else { without_dots(path) };
    let query = with_added(query, manner.query.as_deref());
    let target = format!(
        "{}{}{}",
        if path.is_empty() { "/" } else { &path },
        if query.is_some() { "?" } else { "" },
        query.unwrap_or_default()
    );
    if let Some(bad) = target.chars().find(|c| c.is_whitespace() || c.is_control()) {
        let hint = "write --data-urlencode instead of -d: what -G puts into the URL has to be encoded";
        return Err(CurlError::new(
            format!("the character U+{:04X} in the query", bad as u32),
            &target,
            hint,
        ));
    }
    let target = utf8_percent_encode(without_fragment(&target), NONE);
    Ok(Address { url: format!("{scheme}://{host}{target}"), user })
}

const SHAPE: &str = "write it as https://www.example.com/path?name=value, in quotes";

/// The scheme, and what comes behind it.
fn scheme<'a>(text: &'a str, manner: &Manner, written: &str) -> Result<(String, &'a str), CurlError> {
    let (scheme, rest) = match text.split_once(":/") {
        Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains(['/', '?', '#', '@', '.', ':']) => {
            (scheme.to_ascii_lowercase(), rest.trim_start_matches('/'))
        }
        _ => (manner.scheme.clone().unwrap_or_else(|| "http".to_owned()).to_ascii_lowercase(), text),
    };
    if !["http", "https"].contains(&scheme.as_str()) {
        return Err(CurlError::new(
            format!("a URL of {scheme}, which is not asked over HTTP"),
            written,
            SHAPE,
        ));
    }
    Ok((scheme, rest))
}

/// Host and port, if they can be some; a colon without a port is no part of them.
fn host_and_port(text: &str) -> Option<&str> {
    let text = text.strip_suffix(':').unwrap_or(text);
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_address = literal_bracket(host) == Some(host) && host.len() > 2;
    let is_name = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || "-._".contains(c));
    let is_port = port.is_none_or(|port| !port.starts_with('+') && port.parse::<u16>().is_ok());
    ((is_address || is_name) && is_port).then_some(text)
}

/// User and password before the host of a URL.
fn credentials(text: &str, written: &str) -> Result<(String, String), CurlError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let decoded = |text: &str| {
        let bytes = percent_decode_str(text).decode_utf8();
        let hint = "give them by -u user:password instead";
        bytes.map(Into::into).map_err(|_| CurlError::new("user or password is not UTF-8", written, hint))
    };
    Ok((decoded(user)?, decoded(password)?))
}

/// The text without the backslashes that keep braces and brackets from being curl's; where these are not kept, curl asks
/// several URLs. The address of an IPv6 host and `[]` are text to it.
fn without_globs(text: &str, written: &str) -> Result<String, CurlError> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        let passed = match c {
            '\\' if behind.starts_with(['{', '}', '[', ']']) => {
                plain.push_str(&behind[..1]);
                2
            }
            '[' => literal_bracket(rest)
                .inspect(|literal| plain.push_str(literal))
                .map(str::len)
                .ok_or_else(|| several(written))?,
            '{' | '}' | ']' => return Err(several(written)),
            _ => {
                plain.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[passed..];
    }
    Ok(plain)
}

fn several(written: &str) -> CurlError {
    let hint = "write one URL, with an id of your list where a placeholder stands; braces or brackets that are a part of it \
                want -g";
    CurlError::new("braces or brackets in the URL, which curl reads as several URLs", written, hint)
}

/// What stands in brackets that are text.
fn literal_bracket(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?.split_once(']')?.0;
    let is_address = inside.matches(':').count() > 1
        && inside.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.%".contains(&byte));
    (inside.is_empty() || is_address).then(|| &text[..inside.len() + 2])
}

fn without_fragment(text: &str) -> &str {
    text.split_once('#').map_or(text, |(before, _)| before)
}

/// The query with what is added to it.
fn with_added(query: Option<&str>, added: Option<&str>) -> Option<String> {
    match (query, added) {
        (query, None) => query.map(str::to_owned),
        (None | Some(""), Some(added)) => Some(added.to_owned()),
        (Some(query), Some(added)) => {
            let between = if query.ends_with('&') { "" } else { "&" };
            Some(format!("{query}{between}{added}"))
        }
    }
}

/// A path without `.` and `..` (RFC 3986 section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').collect();
    for (at, segment) in segments.iter().enumerate() {
        let is_last = at + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." && kept.len() > 1 {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    kept.join("/")
}
