//! Walks the tables of a job file key by key, so that one mistake never hides another: a value of the wrong
//! shape is noted and left out, and keys that nobody asked for are noted at the end.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::super::mistake::{Mistakes, Span};
use super::at::At;
use super::refusal;
use crate::job::suggest;

/// A value that can be read from TOML.
pub(in crate::job) trait FromToml: Sized {
    /// How a list of such values is written.
    fn list_hint() -> String {
        "put it in brackets: [ … ]".to_owned()
    }

    /// The value, or none after its mistakes are noted.
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Self>;
}

/// A table with fixed keys.
pub(in crate::job) trait Section: Sized {
    /// As messages name it: `[job]`.
    const TITLE: &'static str;

    /// Takes its keys.
    fn read(fields: &mut Fields<'_>) -> Self;

    /// Takes each key that it has not from another table of the kind.
    fn inherit(&mut self, other: &Self);
}

impl<S: Section> FromToml for S {
    fn list_hint() -> String {
        format!("write it as {}, with two brackets, once for each", S::TITLE)
    }

    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<S> {
        let Some(table) = value.get_ref().as_table() else {
            let hint = format!("write it as a table: {}", S::TITLE);
            mistakes.add(&value.span(), wrong_shape("a table", value), hint);
            return None;
        };
        let mut fields = Fields::of(S::TITLE, table, value.span(), mistakes);
        let section = S::read(&mut fields);
        fields.refuse_others();
        Some(section)
    }
}

/// The keys of one table, as they are taken.
pub(in crate::job) struct Fields<'a> {
    title: &'static str,
    table: &'a DeTable<'a>,
    span: Span,
    known: Vec<&'static str>,
    /// Mistakes that were noted before.
    before: usize,
    mistakes: &'a mut Mistakes,
}

impl<'a> Fields<'a> {
    /// The table that `span` is the header of.
    pub(super) fn of(
        title: &'static str,
        table: &'a DeTable<'a>,
        span: Span,
        mistakes: &'a mut Mistakes,
    ) -> Fields<'a> {
        Fields { title, table, span, known: Vec::new(), before: mistakes.len(), mistakes }
    }

    /// How many mistakes are noted so far.
    pub(super) fn noted(&self) -> usize {
        self.mistakes.len()
    }

    /// The table's header.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Whether the key is there, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The keys that are there.
    pub(super) fn present(&self) -> Present {
        Present(self.table.keys().map(|key| key.get_ref().to_string()).collect())
    }

    /// The value of a key that may be absent.
    pub(super) fn optional<T: FromToml>(&mut self, key: &'static str) -> Option<At<T>> {
        self.known.push(key);
        let value = self.table.get(key)?;
        T::from_toml(value, self.mistakes).map(|read| At { value: read, span: value.span() })
    }

    /// The value of a key that must be there; `hint` says what to write.
    pub(super) fn required<T: FromToml>(&mut self, key: &'static str, hint: &str) -> Option<At<T>> {
        if !self.has(key) {
            self.mistakes.add(&self.span, format!("{} lacks `{key}`", self.title), hint);
        }
        self.optional(key)
    }

    /// Notes where none or several of the keys are there, of which one must be; `hint` says what to write.
    pub(super) fn exactly_one(&mut self, keys: &[&'static str], hint: &str) {
        let mut there = keys.iter().filter_map(|key| self.table.get_key_value(*key));
        match (there.next(), there.next()) {
            (None, _) => {
                let message = format!("{} lacks {}", self.title, suggest::one_of(keys));
                self.mistakes.add(&self.span, message, hint);
            }
            (Some((first, _)), Some((second, _))) => {
                let (one, other) = (first.get_ref(), second.get_ref());
                let message = format!("both `{one}` and `{other}` in {}", self.title);
                self.mistakes.add(&second.span(), message, "leave one of them out");
            }
            (Some(_), None) => {}
        }
    }

    /// Notes all keys that lack and must be there as one mistake; `hint` says what to write.
    pub(super) fn all_of(&mut self, keys: &[&'static str], hint: &str) {
        let lacking: Vec<&str> = keys.iter().copied().filter(|key| !self.has(key)).collect();
        if let Some(lacking) = suggest::all_of(&lacking) {
            self.mistakes.add(&self.span, format!("{} lacks {lacking}", self.title), hint);
        }
    }

    /// Notes where `key` is there without `other`, which it needs; `hint` says what to write.
    pub(super) fn needs(&mut self, key: &'static str, other: &'static str, hint: &str) {
        if let Some((written, _)) = self.table.get_key_value(key).filter(|_| !self.has(other)) {
            self.mistakes.add(&written.span(), format!("`{key}` without `{other}`"), hint);
        }
    }

    /// Whether all keys that are there were taken, and none was wrong.
    pub(super) fn are_right(&self) -> bool {
        self.noted() == self.before && self.others().is_empty()
    }

    fn others(&self) -> Vec<&'a Spanned<DeString<'a>>> {
        let keys = self.table.iter().map(|(key, _)| key);
        keys.filter(|key| !self.known.contains(&key.get_ref().as_ref())).collect()
    }

    /// Notes every key that was not taken.
    pub(super) fn refuse_others(self) {
        for key in self.others() {
            let refusal = refusal::refusal(key.get_ref(), self.title, &self.known);
            self.mistakes.add(&key.span(), refusal.message, refusal.hint);
        }
    }
}

/// The keys that stand in a table, right or wrong: a key whose value is wrong is not one that lacks.
#[derive(Debug, Clone, Default)]
pub(in crate::job) struct Present(Vec<String>);

impl Present {
    /// Whether the key is there.
    pub(in crate::job) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|known| known == key)
    }

    /// Whether there is none.
    pub(in crate::job) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With those of another table, but for some.
    pub(super) fn extend(&mut self, other: &Present, but: &[&str]) {
        self.0.extend(other.0.iter().filter(|key| !but.contains(&key.as_str())).cloned());
    }
}

/// The keys that a section takes.
pub(in crate::job) fn keys_of<S: Section>() -> Vec<&'static str> {
    let (table, mut mistakes) = (DeTable::new(), Mistakes::default());
    let mut fields = Fields::of(S::TITLE, &table, 0..0, &mut mistakes);
    S::read(&mut fields);
    fields.known
}

/// "expected text, found an integer".
pub(super) fn wrong_shape(expected: &str, found: &Spanned<DeValue<'_>>) -> String {
    let found = match found.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    format!("expected {expected}, found {found}")
}
