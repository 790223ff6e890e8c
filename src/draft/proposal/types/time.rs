//! Dates and moments in texts.
//!
//! Promise: what could be read in two ways is read in none.

use crate::value::Type;

use super::reading::Reading;

/// How dates are written for people and by other programs. Where day or month comes first by habit alone, both ways stand
/// together, and values have to tell which is meant.
const DATES: [&[&str]; 12] = [
    &["%d %b %Y"],
    &["%d %B %Y"],
    &["%b %d, %Y"],
    &["%B %d, %Y"],
    &["%b %d %Y"],
    &["%B %d %Y"],
    &["%d-%b-%Y"],
    &["%a, %d %b %Y"],
    &["%d.%m.%Y"],
    &["%Y/%m/%d"],
    &["%d/%m/%Y", "%m/%d/%Y"],
    &["%d-%m-%Y", "%m-%d-%Y"],
];

/// The same of moments.
const MOMENTS: [&[&str]; 15] = [
    &["%a, %d %b %Y %H:%M:%S %z"],
    &["%a, %d %b %Y %H:%M:%S GMT"],
    &["%d %b %Y %H:%M:%S %z"],
    &["%a %b %d %H:%M:%S %z %Y"],
    &["%a %b %d %H:%M:%S %Y"],
    &["%Y-%m-%d %H:%M:%S %z"],
    &["%Y-%m-%d %H:%M:%S UTC"],
    &["%Y/%m/%d %H:%M:%S"],
    &["%Y/%m/%d %H:%M"],
    &["%d.%m.%Y %H:%M:%S"],
    &["%d.%m.%Y %H:%M"],
    &["%d %b %Y %H:%M:%S"],
    &["%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"],
    &["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"],
    &["%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p"],
];

/// Digits alone, which only a column's name makes a day.
const DIGITS: &str = "%Y%m%d";

/// Words in a column's name that make a day of eight digits.
const DAYS: [&str; 3] = ["date", "day", "dates"];

/// ISO 8601, which needs no format.
pub(super) fn iso(texts: &[&str]) -> Option<Reading> {
    let are = |ty| {
        let reading = Reading::plain(ty);
        texts.iter().all(|text| reading.value(text).is_ok()).then_some(reading)
    };
    if let Some(dates) = are(Type::Date) {
        return Some(dates);
    }
    let moments = are(Type::Timestamp)?;
    let because = (!texts.iter().any(|text| has_offset(text))).then(|| ZONELESS.to_owned());
    Some(Reading { because, ..moments })
}

const ZONELESS: &str = "without a time zone, so read as UTC: if it is another, add `zone`";

/// Whether a moment of ISO 8601 says how far from UTC it is.
fn has_offset(text: &str) -> bool {
    let time = text.get(11..).unwrap_or_default();
    time.contains(['Z', 'z', '+', '-', '['])
}

/// Dates and moments as people write them. Text for a reason, where it is open what comes first.
pub(super) fn written(texts: &[&str], words: &[&str]) -> Option<Reading> {
    if !texts.iter().all(|text| has_year(text)) {
        return None;
    }
    let is_day = words.iter().any(|word| DAYS.contains(word)) && texts.iter().all(|text| text.len() == 8);
    let digits = is_day.then(|| first_of(Type::Date, &[&[DIGITS]], texts)).flatten();
    digits
        .or_else(|| first_of(Type::Date, &DATES, texts))
        .or_else(|| first_of(Type::Timestamp, &MOMENTS, texts))
}

/// Whether a year is written with all of its digits: `%Y` takes two for one of the first century.
fn has_year(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() == 4 || digits.len() == 8)
}

fn first_of(ty: Type, known: &[&[&'static str]], texts: &[&str]) -> Option<Reading> {
    let reads = |format: &&'static str| {
        let reading = Reading { format: Some(format), ..Reading::plain(ty) };
        texts.iter().all(|text| reading.value(text).is_ok())
    };
    let mut found = known.iter().map(|formats| formats.iter().copied().filter(reads).collect::<Vec<_>>());
    match found.find(|formats| !formats.is_empty())?.as_slice() {
        [format] => {
            let is_zoned = ty == Type::Date || ["%z", "GMT", "UTC"].iter().any(|zone| format.contains(zone));
            let because = (!is_zoned).then(|| ZONELESS.to_owned());
            Some(Reading { format: Some(format), because, ..Reading::plain(ty) })
        }
        formats => Some(Reading::because(Type::Text, undecided(ty, formats))),
    }
}

fn undecided(ty: Type, formats: &[&str]) -> String {
    let spelled: Vec<String> = formats.iter().map(|format| format!("format = \"{format}\"")).collect();
    format!("day or month first? add type = \"{ty}\" and {}", spelled.join(" or "))
}
