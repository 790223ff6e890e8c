//! Why a command could not be read.
//!
//! Promises: a message that fits on a line, the word it is about, and what to do.

use std::fmt;

/// Characters of a place that are shown.
const LONGEST_PLACE: usize = 60;

/// Why a curl command could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurlError {
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// The word that it is about, as written, or its beginning; empty where it is about the whole text.
    pub place: String,
    /// What to do.
    pub hint: String,
}

impl CurlError {
    pub(super) fn new(message: impl Into<String>, place: &str, hint: impl Into<String>) -> CurlError {
        CurlError {
            message: on_a_line(&message.into()),
            place: shortened(place),
            hint: on_a_line(&hint.into()),
        }
    }
}

/// The beginning of a text, with what no terminal shows as a blank.
fn shortened(text: &str) -> String {
    let plain = on_a_line(text.trim());
    match plain.char_indices().nth(LONGEST_PLACE) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

fn on_a_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl fmt::Display for CurlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        if !self.place.is_empty() {
            write!(out, " at `{}`", self.place)?;
        }
        write!(out, "\nhint: {}", self.hint)
    }
}

impl std::error::Error for CurlError {}
