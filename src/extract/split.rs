//! The answer to a batch, taken apart: what it holds for each of the records that were asked for together.
//!
//! Promises:
//!
//! - A part goes to the record whose key it names, never to a neighbour: nothing goes by position.
//! - A part that says of itself that it is no success (`batch.status`) gives no row.
//! - Two parts with one key that do not say the same fail their record: which of them is right is not known.
//! - What belongs to nobody is counted, so that a record without a part is not taken for one that does not exist
//!   while its part stands there under another name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::record::{Failure, Kind};
use crate::value;

use super::expression::{Expression, ParsedAnswer, failed};
use super::gather::{MAX_BYTES, MAX_ROWS, size, too_much};
use super::{Extracted, body, text};

/// How failures name the items of a batch.
pub(super) const SPLIT: &str = "batch.split";

/// How failures name the key of an item.
pub(super) const KEY: &str = "batch.key";

/// How failures name an item's own status.
pub(super) const STATUS: &str = "batch.status";

/// How failures name what an item says of waiting.
pub(super) const RETRY_AFTER: &str = "batch.retry_after";

/// How failures name what the server did not work on.
pub(super) const UNPROCESSED: &str = "batch.unprocessed";

/// Characters of an item that a failure shows.
const SHOWN: usize = 100;

/// What an answer holds for one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its own HTTP status, where the job says where that stands.
    pub status: Option<u16>,
    /// How long it asks to wait, as `Retry-After` says it.
    pub retry_after: Option<String>,
    /// Its row, or why there is none: a failure of kind `status` where its own status is no success.
    pub holds: Result<Extracted, Failure>,
}

/// What an answer holds for each key.
#[derive(Debug, Default)]
pub struct Split {
    items: HashMap<String, Item>,
    /// The first item without a key, if it is no success by its own status: it may be anybody's.
    pub keyless_failure: Option<Item>,
    /// Items without a key.
    keyless: usize,
    bytes: usize,
}

impl Split {
    /// What the answer holds for the record whose value is `key`, as text; none where it has no such item.
    pub fn get(&self, key: &str) -> Option<&Item> {
        self.items.get(key)
    }

    /// The keys of the answer.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.items.keys().map(String::as_str)
    }

    /// How many different keys the answer has.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the answer has nothing for anybody.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.keyless == 0
    }

    /// A key of the answer that is the same as `key` but for case, blanks, signs and leading zeros: what an API makes of
    /// an id that it writes in its own way.
    pub fn like(&self, key: &str) -> Option<&str> {
        let bare = bare(key);
        self.keys().filter(|other| !bare.is_empty() && self::bare(other) == bare).min()
    }

    /// Takes an item. A second one for a key must say what the first one says.
    pub(super) fn put(&mut self, key: Option<String>, make: impl FnOnce() -> Item) -> Result<(), Failure> {
        if self.items.len() + self.keyless == MAX_ROWS as usize {
            return Err(failed(SPLIT, format!("more than the {MAX_ROWS} items that one answer may have")));
        }
        let item = make();
        let Some(key) = key else {
            self.keyless += 1;
            if self.keyless_failure.is_none() && item.is_refused() {
                self.keyless_failure = Some(item);
            }
            return Ok(());
        };
        if let Ok(Extracted::Rows(rows)) = &item.holds {
            self.bytes += rows.values.iter().map(size).sum::<usize>();
        }
        match self.items.entry(key) {
            Entry::Vacant(place) => drop(place.insert(item)),
            Entry::Occupied(mut first) if *first.get() != item => {
                let why = format!("two different parts for {}", body::quoted(first.key(), SHOWN));
                first.insert(Item::failed(failed(SPLIT, why)));
            }
            Entry::Occupied(_) => {}
        }
        if self.bytes > MAX_BYTES { Err(too_much(SPLIT)) } else { Ok(()) }
    }

    /// Notes a key that the server says it did not work on, whatever else it says of it.
    pub(super) fn unprocessed(&mut self, key: Option<String>) {
        let why = "the answer names it as not processed";
        let item = Item::failed(Failure::passing(Kind::NotOk, format!("{UNPROCESSED}: {why}")));
        match key {
            Some(key) => drop(self.items.insert(key, item)),
            None => self.keyless += 1,
        }
    }
}

impl Item {
    /// One without a row.
    pub(super) fn failed(failure: Failure) -> Item {
        Item { status: None, retry_after: None, holds: Err(failure) }
    }

    /// One that is no success by its own status.
    pub(super) fn refused(status: u16, retry_after: Option<String>, item: &str) -> Item {
        let why = format!("a part of the batch's answer says {status}: {}", value::cut(item, SHOWN));
        let failure = Failure::passing(Kind::Status, why).with_status(status);
        Item { status: Some(status), retry_after, holds: Err(failure) }
    }

    /// Whether its own status is no success.
    fn is_refused(&self) -> bool {
        self.status.is_some_and(|status| !is_success(status))
    }
}

/// Whether a status says that all is well (RFC 9110, section 15.3).
pub(super) fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Letters and digits alone, in small letters, without the zeros that a number may begin with.
fn bare(key: &str) -> String {
    let bare: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    bare.trim_start_matches('0').to_owned()
}

/// The key of an item: a text as it is, other values as their JSON. Null, or none, belongs to nobody.
pub(super) fn key(
    expression: &Expression,
    item: &ParsedAnswer<'_>,
    at: &str,
) -> Result<Option<String>, Failure> {
    let Some(json) = expression.value(item, at)? else { return Ok(None) };
    match json.as_bytes().first() {
        Some(b'n') => Ok(None),
        // Half a surrogate pair is no record's text.
        Some(b'"') => Ok(text::unescaped(&json).ok().map(std::borrow::Cow::into_owned)),
        Some(b'{' | b'[') => Ok(Some(text::compact(&json))),
        _ => Ok(Some(json.into_owned())),
    }
}

/// The status that an item says of itself: a number of three digits, also as a text.
pub(super) fn status(expression: &Expression, item: &ParsedAnswer<'_>) -> Result<u16, Failure> {
    let said = key(expression, item, STATUS)?;
    let status = said.as_deref().and_then(|said| said.trim().parse().ok());
    status.filter(|status| (100..600).contains(status)).ok_or_else(|| {
        let said = said.map_or_else(|| "nothing".to_owned(), |said| body::quoted(&said, SHOWN));
        failed(
            STATUS,
            format!("{said} is no HTTP status (`.status // 200` where a part without one is a success)"),
        )
    })
}
