//! How a column's texts are read: its type, and the keys that make a value of the type of them.
//!
//! Promise: a text that is not of the form that was seen is refused by a run, and becomes neither another value nor null.

use regex::Regex;

use crate::value::{self, Clock, Type, Value, Wrong};

use crate::job::toml_text;

/// How a column's texts are read.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::draft::proposal) struct Reading {
    pub(in crate::draft::proposal) ty: Type,
    /// Characters that are removed.
    pub(super) remove: Option<String>,
    /// What stands behind each number, with the space before it.
    pub(super) unit: Option<String>,
    /// Of a date or moment.
    pub(super) format: Option<&'static str>,
    /// Whether characters that no text can hold are replaced.
    pub(super) replaces: bool,
    /// Why, where that is not plain.
    pub(in crate::draft::proposal) because: Option<String>,
}

impl Reading {
    /// Of a type alone.
    pub(in crate::draft::proposal) fn plain(ty: Type) -> Reading {
        Reading { ty, remove: None, unit: None, format: None, replaces: false, because: None }
    }

    /// Of a type alone, for a reason.
    pub(in crate::draft::proposal) fn because(ty: Type, why: String) -> Reading {
        Reading { because: Some(why), ..Reading::plain(ty) }
    }

    /// The value that a text becomes, read as a run reads it.
    pub(in crate::draft::proposal) fn value(&self, text: &str) -> Result<Value, Wrong> {
        let pattern = self.regex().and_then(|pattern| Regex::new(&pattern).ok());
        let captures = pattern.as_ref().and_then(|pattern| pattern.captures(text));
        let picked = captures.and_then(|captures| captures.get(1)).map_or(text, |group| group.as_str());
        let removed = |letter: &char| self.remove.as_ref().is_some_and(|remove| remove.contains(*letter));
        let bare: String = picked.chars().filter(|letter| !removed(letter)).collect();
        let clock = Clock { format: self.format.map(str::to_owned), ..Clock::default() };
        if self.ty == Type::Text { Ok(Value::Text(bare)) } else { value::read(bare.trim(), self.ty, &clock) }
    }

    /// The unit is optional: a text without it goes on whole, so that `1 h 30 min` is refused. One that demanded it would
    /// make null of what has another form.
    fn regex(&self) -> Option<String> {
        self.unit.as_ref().map(|unit| format!("^(.+?)(?:{})?$", regex::escape(unit)))
    }

    /// The keys besides the expression and `nulls`, as TOML has them, `type` the last.
    pub(in crate::draft::proposal) fn keys(&self) -> Vec<String> {
        let spelled = |key: &str, text: &str| format!("{key} = {}", toml_text(text));
        let mut keys = Vec::new();
        keys.extend(self.regex().map(|regex| spelled("regex", &regex)));
        keys.extend(self.remove.as_ref().map(|remove| spelled("remove", remove)));
        keys.extend(self.format.map(|format| spelled("format", format)));
        keys.extend(self.replaces.then(|| spelled("on_bad_character", "replace")));
        if self.ty != Type::Text {
            keys.push(spelled("type", &self.ty.to_string()));
        }
        keys
    }
}
