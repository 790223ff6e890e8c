//! A row of a run that a database refuses: which record, which value, which rule.
//!
//! Whether a run is published without some of them, the job says (`max_rejected`). `merged.json` and `windrow_runs` then
//! have them, so that they can be looked up wherever the rows are.

use serde::{Deserialize, Serialize};

/// Characters of a value that people are shown.
const SHOWN: usize = 80;
/// Characters of a value that are written down.
const KEPT: usize = 1_000;

/// A row that a database refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// The record's place in the list, from 0.
    pub record: u64,
    /// Its id; of several columns as `a=1 b=2`.
    pub id: String,
    /// The columns that the rule is about, as far as that is known, with their values.
    pub values: Vec<(String, Option<String>)>,
    /// The rule, or the database's words.
    pub why: String,
}

impl RefusedRow {
    /// A line for people.
    pub fn line(&self) -> String {
        let values = self.shown_values();
        let values = if values.is_empty() { values } else { format!(", {values}") };
        format!("record {}, id {:?}{values}: {}", self.record, self.id, self.why)
    }

    /// The values that the rule is about, for people; the beginning of long ones.
    pub fn shown_values(&self) -> String {
        let value = |value: &Option<String>| match value {
            None => "null".to_owned(),
            Some(text) => match text.char_indices().nth(SHOWN) {
                None => format!("{text:?}"),
                Some((end, _)) => format!("{:?}… ({} characters)", &text[..end], text.chars().count()),
            },
        };
        let values = self.values.iter().map(|(name, is)| format!("{name} = {}", value(is)));
        values.collect::<Vec<_>>().join(", ")
    }

    /// The same with no more of its values than is written down.
    pub fn kept(mut self) -> RefusedRow {
        for text in self.values.iter_mut().filter_map(|(_, value)| value.as_mut()) {
            if let Some((end, _)) = text.char_indices().nth(KEPT) {
                text.truncate(end);
                text.push('…');
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_and_a_missing_one_is_null() {
        let values = vec![("code".to_owned(), Some("ä".repeat(1_001))), ("year".to_owned(), None)];
        let row = RefusedRow { record: 7, id: "tt7".into(), values, why: "too long".into() };
        let line = row.line();
        assert!(line.starts_with("record 7, id \"tt7\", code = \"ää"), "{line}");
        assert!(line.ends_with("ä\"… (1001 characters), year = null: too long"), "{line}");
        let kept = row.kept().values[0].1.clone().unwrap();
        assert_eq!(kept, format!("{}…", "ä".repeat(1_000)));
    }
}
