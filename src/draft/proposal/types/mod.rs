//! Which type a column should have, by the values that were seen.
//!
//! Promises: every value that was seen is read, by the very code that a run reads it with. What some twenty values
//! support should not refuse the next: where in doubt the wider type is taken, and in the end text. No digit that was
//! written is lost without need, so that codes, telephone numbers and versions stay text.
//!
//! | values | type |
//! |---|---|
//! | JSON numbers, booleans | `bigint`, `double`, `boolean`; beyond 64 bits `text` |
//! | arrays, objects, or some of them | `json` |
//! | texts that all are the same kind of number, date, moment or boolean (`number`, `time`) | that type |
//! | the same beside words for "no value" (`nulls`) | that type, and these words are null |
//! | all others | `text` |

pub(super) mod nulls;
mod number;
mod reading;
mod time;

use std::collections::BTreeSet;

use crate::value::{self, Clock, Type};

use super::json::{Json, Kind};

pub(super) use self::reading::Reading;

/// Values, null ones apart, that a number or a date written for people is believed on where others are null.
const ENOUGH: usize = 3;

/// The longest text, in bytes, that is looked at for what else it may be.
const LONGEST: usize = 400;

/// What is known of a column.
pub(super) struct Seen<'a> {
    /// Words of the column's name.
    pub(super) words: Vec<&'a str>,
    /// Its values, without those that are null.
    pub(super) values: &'a [Json<'a>],
    /// How many there are with those.
    pub(super) of: usize,
}

/// How a column is read, and which texts mean null there.
pub(super) struct Guess {
    pub(super) reading: Reading,
    pub(super) nulls: Vec<String>,
}

impl Guess {
    fn of(reading: Reading) -> Guess {
        Guess { reading, nulls: Vec::new() }
    }
}

/// How a column should be read.
pub(super) fn guess(seen: &Seen<'_>) -> Guess {
    let is_all = |kind| seen.values.iter().all(|value| value.kind() == kind);
    if seen.values.is_empty() {
        return Guess::of(Reading::because(Type::Text, format!("null in all {}", seen.of)));
    }
    if seen.values.iter().any(|value| value.is_container()) {
        let replaces = seen.values.iter().any(|value| value.has_half_pair());
        return Guess::of(Reading { replaces, ..container(seen.values) });
    }
    if is_all(Kind::Boolean) {
        return Guess::of(Reading::plain(Type::Boolean));
    }
    if is_all(Kind::Number) {
        return Guess::of(json_numbers(seen.values));
    }
    if seen.values.iter().any(|value| value.text().len() > LONGEST) {
        let replaces = seen.values.iter().any(|value| value.has_half_pair());
        return Guess::of(Reading { replaces, ..Reading::plain(Type::Text) });
    }
    let Some(texts) = seen.values.iter().map(|value| value.scalar()).collect::<Option<BTreeSet<String>>>()
    else {
        let reading = Reading::because(Type::Text, "a character that no text can hold".to_owned());
        return Guess::of(Reading { replaces: true, ..reading });
    };
    of_texts(seen, &texts)
}

/// Arrays and objects, alone or among others.
fn container(values: &[Json<'_>]) -> Reading {
    let lists = values.iter().all(|value| value.kind() == Kind::Array);
    let is_of_scalars = || values.iter().flat_map(|value| value.elements()).all(|item| !item.is_container());
    if lists && is_of_scalars() {
        return Reading::because(Type::Json, "a list".to_owned());
    }
    if values.iter().all(|value| value.kind() == values[0].kind()) {
        return Reading::plain(Type::Json);
    }
    Reading::because(Type::Json, "values of several kinds".to_owned())
}

fn json_numbers(values: &[Json<'_>]) -> Reading {
    let is_read = |value: &Json<'_>, ty| value::read(value.text(), ty, &Clock::default()).is_ok();
    let is_whole = |value: &&Json<'_>| !value.text().contains(['.', 'e', 'E']);
    if values.iter().all(|value| is_whole(&value) && is_read(value, Type::Bigint)) {
        return Reading::plain(Type::Bigint);
    }
    // A double has 53 bits: of a greater whole number it would lose digits.
    let is_exact =
        |value: &Json<'_>| value.text().parse::<i64>().is_ok_and(|whole| whole.unsigned_abs() <= 1 << 53);
    if values.iter().filter(is_whole).all(is_exact) && values.iter().all(|value| is_read(value, Type::Double))
    {
        return Reading::plain(Type::Double);
    }
    Reading::because(Type::Text, "numbers with more digits than `bigint` and `double` keep".to_owned())
}

/// Texts, among them perhaps numbers and booleans, as they are written.
fn of_texts(seen: &Seen<'_>, texts: &BTreeSet<String>) -> Guess {
    let (nulls, rest): (Vec<&str>, Vec<&str>) =
        texts.iter().map(String::as_str).partition(|text| nulls::is_word(text));
    if rest.is_empty() {
        return Guess::of(Reading::because(Type::Text, format!("only {}", quoted(&nulls))));
    }
    let is_null = |value: &&Json<'_>| value.scalar().is_some_and(|text| nulls::is_word(&text));
    let values = seen.values.len() - seen.values.iter().filter(is_null).count();
    let is_enough = values >= ENOUGH || values == seen.of;
    let reading = boolean(&rest)
        .or_else(|| time::iso(&rest))
        .or_else(|| time::written(&rest, &seen.words).filter(|_| is_enough))
        .or_else(|| number::of_texts(&rest, &seen.words).filter(|_| is_enough))
        .filter(|reading| reading.ty == Type::Text || rest.iter().all(|text| reading.value(text).is_ok()))
        .unwrap_or_else(|| Reading::plain(Type::Text));
    let nulls =
        if reading.ty == Type::Text { vec![] } else { nulls.into_iter().map(str::to_owned).collect() };
    Guess { reading, nulls }
}

fn boolean(texts: &[&str]) -> Option<Reading> {
    let is_word = |text: &&str| ["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word));
    texts.iter().all(is_word).then(|| Reading::plain(Type::Boolean))
}

fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
