//! The places of a request that text goes to, and how it is written there.

use super::encode;

/// Longest payload. Servers take 1 to 100 MiB; a request is held in memory whole, as many as are in flight.
pub(super) const PAYLOAD_LIMIT: usize = 16 << 20;

/// Longest value that goes into a URL. Most servers refuse a request line of 8 KiB (nginx, Apache) anyway.
const VALUE_LIMIT: usize = 8 * 1024;

/// Which part of a request a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestPart {
    /// The path's segment of that number, from 0.
    Path {
        /// Slashes before it, less one.
        segment: usize,
    },
    /// The query.
    Query,
    /// A header's value.
    Header,
    /// A JSON string, between its quotes.
    JsonText,
    /// Where a JSON value may stand.
    JsonValue,
    /// A form's value.
    Form,
    /// A text payload.
    Text,
}

impl RequestPart {
    /// Appends text that must read back unchanged: a record's value, a secret, or what the job's author wrote
    /// as a value.
    pub(super) fn push(self, out: &mut String, text: &str) {
        match self {
            RequestPart::Path { .. } | RequestPart::Query => encode::push_component(out, text),
            RequestPart::JsonText => encode::push_json(out, text),
            RequestPart::JsonValue => {
                out.push('"');
                encode::push_json(out, text);
                out.push('"');
            }
            RequestPart::Form => encode::push_form(out, text),
            RequestPart::Header | RequestPart::Text => out.push_str(text),
        }
    }

    /// Appends what stands between two values of a batch: its delimiters count.
    pub(super) fn push_join(self, out: &mut String, join: &str) {
        match self {
            RequestPart::Path { .. } | RequestPart::Query | RequestPart::Form => {
                encode::push_literal(out, join)
            }
            RequestPart::JsonText | RequestPart::Header | RequestPart::Text => self.push(out, join),
            RequestPart::JsonValue => out.push(','),
        }
    }

    /// Whether a value can stand there, or why not.
    pub(super) fn check(self, value: &str) -> Result<(), String> {
        match self {
            RequestPart::Path { .. } | RequestPart::Query => check_url_value(self, value),
            RequestPart::Header => check_header_value(value),
            RequestPart::JsonText | RequestPart::JsonValue | RequestPart::Form | RequestPart::Text => {
                match value.len() {
                    length if length > PAYLOAD_LIMIT => Err(format!("is {length} bytes long")),
                    _ => Ok(()),
                }
            }
        }
    }
}

fn check_url_value(place: RequestPart, value: &str) -> Result<(), String> {
    if has_line_break(value) {
        return Err("holds a line break or NUL".to_owned());
    }
    if value.is_empty() && place != RequestPart::Query {
        return Err("is empty, which would change the URL's path".to_owned());
    }
    if value.len() > VALUE_LIMIT {
        let length = value.len();
        return Err(format!(
            "is {length} bytes long: at most {VALUE_LIMIT} go into a URL, few servers take more"
        ));
    }
    Ok(())
}

fn check_header_value(value: &str) -> Result<(), String> {
    if has_line_break(value) {
        return Err("holds a line break or NUL".to_owned());
    }
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(())
    } else {
        Err("holds characters that a header cannot carry (only visible ASCII can)".to_owned())
    }
}

fn has_line_break(value: &str) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, value.as_bytes()).is_some()
}
