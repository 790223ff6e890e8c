//! So much in a time, as rates and quotas are written: `"200/s"`, `"90000 tokens/min"`, `"100000/day"`.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::super::mistake::Mistakes;
use super::fields::{FromToml, wrong_shape};
use crate::job::limit::Period;
use crate::job::suggest;

/// An amount, the word for what it counts if there is one, and the time that it is for.
#[derive(Debug, Clone)]
pub(in crate::job) struct Amount<T> {
    pub number: u64,
    pub unit: Option<String>,
    pub per: T,
}

/// Most characters of a unit.
const LONGEST_UNIT: usize = 32;

/// A mistake and its hint.
type Refusal = (String, String);

/// The time of an amount.
pub(in crate::job) trait Per: Copy + 'static {
    /// What such an amount is: "a rate".
    const NAME: &'static str;
    /// How it is written.
    const HINT: &'static str;
    /// The largest number.
    const MOST: u64;
    /// Times that have names.
    const WORDS: &'static [(&'static str, Self)];

    /// A time that is written as a duration, such as 10s; otherwise what its bounds are.
    fn of(time: Duration) -> Result<Self, &'static str>;

    /// What is wrong with so much in that time, each alone being right.
    fn check(self, number: u64) -> Option<&'static str>;
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Of a rate.
impl Per for Duration {
    const NAME: &'static str = "a rate";
    const HINT: &'static str =
        "write it like \"200/s\", \"100/min\", \"5000/h\", \"20/10s\" or \"90000 tokens/min\"";
    const MOST: u64 = 1_000_000_000;
    const WORDS: &'static [(&'static str, Duration)] = &[
        ("s", SECOND),
        ("sec", SECOND),
        ("second", SECOND),
        ("min", MINUTE),
        ("minute", MINUTE),
        ("h", HOUR),
        ("hour", HOUR),
        ("d", DAY),
        ("day", DAY),
    ];

    fn of(time: Duration) -> Result<Duration, &'static str> {
        // So much in more than a day is no pace that anybody can see: it is a quota.
        let fits = (Duration::from_millis(1)..=DAY).contains(&time);
        fits.then_some(time).ok_or("from 1ms to 1d; what is for a longer time is a `quota`")
    }

    /// Steps of less than a nanosecond are none that a clock can tell.
    fn check(self, number: u64) -> Option<&'static str> {
        (u128::from(number) > self.as_nanos()).then_some("more than a billion a second")
    }
}

/// Of a quota.
impl Per for Period {
    const NAME: &'static str = "a quota";
    const HINT: &'static str =
        "write it like \"100000/day\", \"5000/month\", \"1000/30s\" or \"2000000 tokens/day\"";
    const MOST: u64 = 1_000_000_000_000;
    const WORDS: &'static [(&'static str, Period)] = &[
        ("s", Period::Span(SECOND)),
        ("sec", Period::Span(SECOND)),
        ("second", Period::Span(SECOND)),
        ("min", Period::Span(MINUTE)),
        ("minute", Period::Span(MINUTE)),
        ("h", Period::Span(HOUR)),
        ("hour", Period::Span(HOUR)),
        ("d", Period::Day),
        ("day", Period::Day),
        ("week", Period::Week),
        ("month", Period::Month),
    ];

    fn of(time: Duration) -> Result<Period, &'static str> {
        let fits = time.subsec_nanos() == 0 && (SECOND..=30 * DAY).contains(&time);
        fits.then_some(Period::Span(time)).ok_or("whole seconds, from 1s to 30d; or hour, day, week or month")
    }

    fn check(self, _: u64) -> Option<&'static str> {
        None
    }
}

impl<T: Per> FromToml for Amount<T> {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Self> {
        let amount = match value.get_ref().as_str() {
            Some(text) => parsed(text),
            None => Err((wrong_shape(&format!("{} in quotes", T::NAME), value), T::HINT.to_owned())),
        };
        amount.map_err(|(message, hint)| mistakes.add(&value.span(), message, hint)).ok()
    }
}

fn parsed<T: Per>(text: &str) -> Result<Amount<T>, Refusal> {
    let hint = || T::HINT.to_owned();
    let Some((counted, per)) = text.split_once('/') else {
        let hint = match text.split_once(" per ") {
            Some((counted, per)) => format!("write \"{}/{}\"", counted.trim(), short(per.trim())),
            None => hint(),
        };
        return Err((format!("{} without its time", T::NAME), hint));
    };
    let per = per.trim();
    let is_word = |text: &str| T::WORDS.iter().any(|(word, _)| *word == text);
    if !is_word(per) && is_word(short(per)) {
        let hint = format!("write \"{}/{}\"", counted.trim(), short(per));
        return Err((format!("unknown time \"{per}\""), hint));
    }
    let mut words = counted.split_whitespace();
    let (number, unit) = (words.next().unwrap_or_default(), words.next());
    if words.next().is_some() {
        return Err((format!("\"{}\" is more than a number and a word", counted.trim()), hint()));
    }
    let amount = Amount { number: number_of::<T>(number)?, unit: unit_of::<T>(unit)?, per: per_of(per)? };
    match T::check(amount.per, amount.number) {
        Some(wrong) => Err((format!("\"{text}\" is {wrong}"), hint())),
        None => Ok(amount),
    }
}

/// Digits, which may have `_` between them as TOML's have.
fn number_of<T: Per>(text: &str) -> Result<u64, Refusal> {
    let is_number =
        text.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_number {
        return Err((format!("\"{text}\" is no whole number"), T::HINT.to_owned()));
    }
    let number = text.replace('_', "").parse().ok().filter(|number| (1..=T::MOST).contains(number));
    number
        .ok_or_else(|| (format!("{text} is out of bounds"), format!("write a number from 1 to {}", T::MOST)))
}

/// A word of the user's own.
fn unit_of<T: Per>(word: Option<&str>) -> Result<Option<String>, Refusal> {
    let fits = |one: char| one.is_alphanumeric() || one == '_' || one == '-';
    let Some(word) = word else { return Ok(None) };
    if word.starts_with(char::is_alphabetic) && word.chars().all(fits) && word.chars().count() <= LONGEST_UNIT
    {
        return Ok(Some(word.to_owned()));
    }
    let hint = format!("one word of at most {LONGEST_UNIT} letters: {}", T::HINT);
    Err((format!("\"{word}\" is no word for what is counted"), hint))
}

/// A time as others write it, as we do.
fn short(time: &str) -> &str {
    match time.to_lowercase().trim_end_matches('.') {
        "second" | "seconds" | "sec" | "secs" | "s" => "s",
        "minute" | "minutes" | "min" | "mins" | "m" => "min",
        "hour" | "hours" | "hr" | "hrs" | "h" => "h",
        "days" | "day" | "d" => "day",
        "weeks" | "week" | "wk" | "w" => "week",
        "months" | "month" | "mo" => "month",
        _ => time,
    }
}

fn per_of<T: Per>(text: &str) -> Result<T, Refusal> {
    if let Some((_, per)) = T::WORDS.iter().find(|(word, _)| *word == text) {
        return Ok(*per);
    }
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
        let listed = || format!("write {}, or a duration such as 10s", suggest::quoted(&words));
        let hint = suggest::did_you_mean(text, &words).unwrap_or_else(listed);
        return Err((format!("unknown time \"{text}\""), hint));
    }
    let time = humantime::parse_duration(text).map_err(|error| {
        (format!("\"{text}\" is no duration: {}", error.to_string().to_lowercase()), T::HINT.to_owned())
    })?;
    T::of(time).map_err(|bounds| (format!("{text} is out of bounds"), format!("write {bounds}")))
}

impl<T: Per> JsonSchema for Amount<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Amount_{}", T::MOST).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
        let pattern = format!(r"^\s*[0-9][0-9_]*(\s+[^\s/]+)?\s*/\s*({}|[0-9].*)\s*$", words.join("|"));
        json_schema!({ "type": "string", "pattern": pattern })
    }
}
