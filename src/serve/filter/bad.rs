//! Why a question is not answered, in words for who asked it.

use std::fmt;

/// Characters of what came that a message repeats.
const SHOWN: usize = 80;

/// A question that has no answer: what is wrong with it, and what to ask instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadQuestion {
    /// Of HTTP: 400, or 410 for the next page of a table that is not served any more.
    pub status: u16,
    /// What is wrong; it names the parameter.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl BadQuestion {
    /// One that nobody could answer.
    pub(super) fn new(message: impl Into<String>) -> BadQuestion {
        BadQuestion { status: 400, message: message.into(), hint: None }
    }

    /// One that was right before the table was published anew.
    pub(super) fn gone(message: impl Into<String>) -> BadQuestion {
        BadQuestion { status: 410, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> BadQuestion {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for BadQuestion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(out, "\nhint: {hint}"))
    }
}

impl std::error::Error for BadQuestion {}

/// The beginning of a text that came, on one line.
pub(super) fn shown(text: &str) -> String {
    let escaped = |letter: char| match letter {
        '"' | '\'' | '\\' => letter.to_string(),
        _ => letter.escape_debug().to_string(),
    };
    let mut printable = text.chars().map(escaped);
    let beginning: String = printable.by_ref().take(SHOWN).collect();
    let rest = if printable.next().is_some() { "…" } else { "" };
    format!("`{beginning}{rest}`")
}
