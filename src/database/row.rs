//! Rows of an answer as texts: what is asked of a catalogue is little, and every database can spell it.

use std::borrow::Cow;

/// A value of an answer as text; `None` where it is null.
pub type Cell<'a> = Option<Cow<'a, str>>;

/// A row of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row(Vec<Option<String>>);

impl Row {
    /// A row of these values.
    pub fn of(values: impl Iterator<Item = Option<String>>) -> Row {
        Row(values.collect())
    }

    /// Its values.
    pub fn values(&self) -> &[Option<String>] {
        &self.0
    }

    /// A value; `None` where it is null.
    pub fn get(&self, at: usize) -> Option<&str> {
        self.0.get(at)?.as_deref()
    }

    /// A text; empty where it is null.
    pub fn text(&self, at: usize) -> String {
        self.get(at).unwrap_or_default().to_owned()
    }

    /// Whether a condition holds.
    pub fn flag(&self, at: usize) -> bool {
        matches!(self.get(at), Some("t" | "true" | "1"))
    }

    /// A number; `None` where it is null, or none of the type.
    pub fn number<T: std::str::FromStr>(&self, at: usize) -> Option<T> {
        self.get(at)?.parse().ok()
    }

    /// The texts of a JSON array; none where it is null.
    pub fn list(&self, at: usize) -> Vec<String> {
        self.get(at).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
