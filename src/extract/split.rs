//! The answer to a batch, taken apart: what it holds for each of the records that were asked for together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::record::Failure;

use super::expression::{Answer, Expression, failed};
use super::gather::{MAX_BYTES, MAX_ROWS, size, too_much};
use super::{Extracted, text};

/// How failures name the items of a batch.
pub(super) const SPLIT: &str = "batch.split";

/// How failures name the key of an item.
pub(super) const KEY: &str = "batch.key";

/// What an answer holds for each key.
#[derive(Debug, Default)]
pub struct Split {
    items: HashMap<String, Result<Extracted, Failure>>,
    bytes: usize,
}

impl Split {
    /// What the answer holds for the record whose value is `key`, as text; none where it has no such item.
    pub fn get(&self, key: &str) -> Option<&Result<Extracted, Failure>> {
        self.items.get(key)
    }

    /// How many different keys the answer has.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the answer has no item with a key.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Takes an item. The first of equal keys counts; the others are not even made.
    pub(super) fn put(
        &mut self,
        key: String,
        make: impl FnOnce() -> Result<Extracted, Failure>,
    ) -> Result<(), Failure> {
        if self.items.len() == MAX_ROWS as usize {
            return Err(failed(SPLIT, format!("more than the {MAX_ROWS} items that one answer may have")));
        }
        let Entry::Vacant(place) = self.items.entry(key) else { return Ok(()) };
        let item = make();
        if let Ok(Extracted::Rows(rows)) = &item {
            self.bytes += rows.values.iter().map(size).sum::<usize>();
        }
        place.insert(item);
        if self.bytes > MAX_BYTES { Err(too_much(SPLIT)) } else { Ok(()) }
    }
}

/// The key of an item: a text as it is, other values as their JSON. Null, or none, belongs to nobody.
pub(super) fn key(expression: &Expression, item: &Answer<'_>) -> Result<Option<String>, Failure> {
    let Some(json) = expression.value(item, KEY)? else { return Ok(None) };
    match json.as_bytes().first() {
        Some(b'n') => Ok(None),
        // Half a surrogate pair is no record's text.
        Some(b'"') => Ok(text::unescaped(&json).ok().map(std::borrow::Cow::into_owned)),
        Some(b'{' | b'[') => Ok(Some(text::compact(&json))),
        _ => Ok(Some(json.into_owned())),
    }
}
