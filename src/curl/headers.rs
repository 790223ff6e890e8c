//! The headers of a request: those that options give.
//!
//! Promises: names, values and order are those that curl would send (lib/http.c); a header given by `-H` stands in for the one
//! that another option makes.

use super::CurlError;
use super::words::without_invisible;

/// What the options say of headers.
#[derive(Debug, Default)]
pub struct Headers {
    /// The lines of `-H`.
    pub lines: Vec<String>,
    /// Of `--oauth2-bearer`.
    pub bearer: Option<String>,
    /// Of `-r`.
    pub range: Option<String>,
    /// Of `-A`.
    pub user_agent: Option<String>,
    /// Of `-e`.
    pub referer: Option<String>,
    /// Of `-b`, in order.
    pub cookies: Vec<String>,
    /// Whether `--json` was given.
    pub is_json: bool,
}

/// A line of `-H`.
enum Line<'a> {
    /// `Name: value`.
    Sent(&'a str, &'a str),
    /// `Name;`: sent without a value.
    Empty(&'a str),
    /// `Name:`, or `Name;value`: curl's own is left out.
    Removed(&'a str),
    /// No header: curl passes it over.
    None,
}

impl Headers {
    /// Whether a line of `-H` is about a header.
    pub fn has_line(&self, name: &str) -> bool {
        self.lines.iter().any(|line| match read(line) {
            Line::Sent(known, _) | Line::Empty(known) | Line::Removed(known) => {
                known.eq_ignore_ascii_case(name)
            }
            Line::None => false,
        })
    }

    /// The headers that are sent.
    ///
    /// # Errors
    /// A line break in one of them.
    pub fn sent(self, has_body: bool) -> Result<Vec<(String, String)>, CurlError> {
        let mut sent = Vec::new();
        let mut own = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty() && !self.has_line(name)) {
                sent.push((name.to_owned(), value));
            }
        };
        own("Authorization", self.bearer.as_ref().map(|token| format!("Bearer {token}")));
        own("Range", self.range.as_ref().map(|range| format!("bytes={range}")));
        own("User-Agent", self.user_agent.clone());
        own("Referer", self.referer.clone());
        own("Cookie", Some(self.cookies.join(";")));
        sent.extend(self.lines.iter().filter_map(|line| match read(line) {
            Line::Sent(name, value) => Some((without_invisible(name), without_invisible(value))),
            Line::Empty(name) => Some((without_invisible(name), String::new())),
            Line::Removed(_) | Line::None => None,
        }));
        let mut implied = |name: &str, value: &str, is_implied: bool| {
            if is_implied && !self.has_line(name) {
                sent.push((name.to_owned(), value.to_owned()));
            }
        };
        implied("Content-Type", "application/json", self.is_json);
        implied("Accept", "application/json", self.is_json);
        implied("Content-Type", "application/x-www-form-urlencoded", has_body && !self.is_json);
        sent.iter().try_for_each(refuse_breaks)?;
        Ok(sent)
    }
}

fn refuse_breaks((name, value): &(String, String)) -> Result<(), CurlError> {
    if name.chars().chain(value.chars()).any(|c| c.is_control() && c != '\t') {
        let hint = "a header is one line: give each one its own -H, and close every quote";
        return Err(CurlError::new("a line break or another control character in a header", name, hint));
    }
    Ok(())
}

/// Whether curl sends a line of `-H`; one without a value only keeps a header of curl's own from being sent.
pub fn is_sent(line: &str) -> bool {
    matches!(read(line), Line::Sent(..) | Line::Empty(_))
}

fn read(line: &str) -> Line<'_> {
    let (name, value) = match (line.split_once(':'), line.split_once(';')) {
        (Some((name, value)), _) => (name, value),
        (None, Some((name, value))) if value.trim().is_empty() => return Line::Empty(name),
        (None, Some((name, _))) => return Line::Removed(name),
        (None, None) => return Line::None,
    };
    match (name, value.trim()) {
        ("", _) => Line::None,
        (name, "") => Line::Removed(name),
        (name, value) => Line::Sent(name, value),
    }
}
