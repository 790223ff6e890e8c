//! Numbers in texts: `8.1`, `1,071`, `$28,341,469`, `142 min`.
//!
//! Promise: digits that name a thing stay text: those with a leading zero, a `+` or many digits, those that all are of one
//! length, versions, and what the column's name calls a code.

use crate::value::Type;

use super::reading::Reading;

/// Signs of currencies, and that of a hundredth.
const SIGNS: &str = "$€£¥₹₽₩₺%";

/// What stands between thousands.
const SEPARATORS: &str = ",'’ \u{a0}\u{202f}";

/// Words in a column's name by which its digits count nothing.
const CODES: [&str; 52] = [
    "id",
    "ids",
    "uid",
    "uuid",
    "guid",
    "code",
    "codes",
    "zip",
    "zipcode",
    "postal",
    "postcode",
    "plz",
    "phone",
    "tel",
    "telephone",
    "mobile",
    "fax",
    "isbn",
    "issn",
    "ean",
    "upc",
    "gtin",
    "sku",
    "asin",
    "ref",
    "reference",
    "account",
    "iban",
    "bic",
    "vat",
    "ssn",
    "tin",
    "version",
    "release",
    "build",
    "revision",
    "hash",
    "token",
    "key",
    "pin",
    "cas",
    "cusip",
    "fips",
    "siren",
    "siret",
    "barcode",
    "imei",
    "serial",
    "pmid",
    "doi",
    "cik",
    "href",
];

/// Digits of a text from which on it rather names something.
const MANY_DIGITS: usize = 12;

/// Digits that codes of one length have at least; years have four.
const CODE_DIGITS: usize = 5;

/// Texts that have the same number of digits by intent, and not by chance.
const BY_INTENT: usize = 4;

/// Digits after the point that a part of a version has at the most.
const VERSION_DIGITS: usize = 3;

/// A number as it is written.
#[derive(Debug, PartialEq)]
struct Written<'a> {
    /// Digits before the point, without separators.
    whole: String,
    fraction: &'a str,
    separator: Option<char>,
    sign: Option<char>,
    /// What else has to go: the space between the number and its sign.
    space: Option<char>,
}

/// How texts that all are numbers are read.
pub(super) fn of_texts(texts: &[&str], words: &[&str]) -> Option<Reading> {
    match unit(texts) {
        Some((numbers, unit)) => {
            let reading = bare(&numbers, &[])?;
            (reading.ty != Type::Text).then_some(Reading { unit: Some(unit), ..reading })
        }
        None => bare(texts, words),
    }
}

fn bare(texts: &[&str], words: &[&str]) -> Option<Reading> {
    let numbers: Vec<Written<'_>> = texts.iter().map(|text| written(text)).collect::<Option<_>>()?;
    let mut signs: Vec<char> = numbers.iter().filter_map(|number| number.sign).collect();
    let mut separators: Vec<char> = numbers.iter().filter_map(|number| number.separator).collect();
    signs.dedup();
    separators.dedup();
    // Of several currencies none may be lost.
    if signs.len() > 1 || separators.len() > 1 {
        return None;
    }
    if let Some(why) = names_something(&numbers, words) {
        return Some(Reading::because(Type::Text, why));
    }
    let spaces = numbers.iter().filter_map(|number| number.space).take(1);
    let mut removed: Vec<char> = signs.iter().copied().chain(separators).collect();
    removed.extend(spaces.filter(|space| !removed.contains(space)).collect::<Vec<_>>());
    let remove: String = removed.into_iter().collect();
    let is_whole = numbers.iter().all(|number| number.fraction.is_empty());
    let ty = if is_whole && signs.is_empty() { Type::Bigint } else { Type::Double };
    let because = signs.first().map(|sign| format!("all in {sign}"));
    Some(Reading { remove: (!remove.is_empty()).then_some(remove), because, ..Reading::plain(ty) })
}

/// Why numbers are rather names, if they are.
fn names_something(numbers: &[Written<'_>], words: &[&str]) -> Option<String> {
    if numbers.iter().any(|number| number.sign.is_some()) {
        return None;
    }
    if let Some(word) = words.iter().find(|word| CODES.contains(word)) {
        return Some(format!("digits that by `{word}` name something"));
    }
    let lengths: Vec<usize> = numbers.iter().map(|number| number.whole.len()).collect();
    if lengths.iter().any(|length| *length >= MANY_DIGITS) {
        return Some("so many digits that they rather name something".to_owned());
    }
    let is_alike = lengths.iter().all(|length| *length == lengths[0] && *length >= CODE_DIGITS);
    let is_plain = numbers.iter().all(|number| number.fraction.is_empty() && number.separator != Some(','));
    if is_alike && is_plain && numbers.len() >= BY_INTENT {
        return Some(format!("all have {} digits: a code?", lengths[0]));
    }
    let fractions = || numbers.iter().map(|number| number.fraction).filter(|fraction| !fraction.is_empty());
    let differ = fractions().any(|fraction| Some(fraction.len()) != fractions().next().map(str::len));
    let is_short = fractions().all(|fraction| fraction.len() <= VERSION_DIGITS);
    let has_zero = fractions().any(|fraction| fraction.len() > 1 && fraction.ends_with('0'));
    (differ && is_short && has_zero).then(|| "1.10 is not 1.1 in a version".to_owned())
}

/// A number, if a text is one: no exponent, no leading zero, thousands in threes.
fn written(text: &str) -> Option<Written<'_>> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_sign = |letter: char| SIGNS.contains(letter);
    let is_space = |letter: char| matches!(letter, ' ' | '\u{a0}' | '\u{202f}');
    let before = unsigned.chars().next().filter(|letter| is_sign(*letter));
    let after = unsigned.chars().next_back().filter(|letter| is_sign(*letter));
    if before.is_some() && after.is_some() {
        return None;
    }
    let spaced = unsigned.trim_start_matches(is_sign).trim_end_matches(is_sign);
    let space =
        spaced.chars().next().into_iter().chain(spaced.chars().next_back()).find(|letter| is_space(*letter));
    let sign = before.or(after);
    if space.is_some() && sign.is_none() {
        return None;
    }
    let number = spaced.trim_matches(is_space);
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (number, ""),
    };
    let separator = whole.chars().find(|letter| SEPARATORS.contains(*letter));
    let whole = digits(whole, separator)?;
    fraction.bytes().all(|byte| byte.is_ascii_digit()).then_some(Written {
        whole,
        fraction,
        separator,
        sign,
        space,
    })
}

/// The digits of a whole number, if its thousands are in threes.
fn digits(text: &str, separator: Option<char>) -> Option<String> {
    let groups: Vec<&str> = separator.map_or_else(|| vec![text], |separator| text.split(separator).collect());
    let (first, others) = groups.split_first()?;
    let is_digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let has_leading_zero = first.starts_with('0') && (first.len() > 1 || !others.is_empty());
    let is_in_threes = others.is_empty() || first.len() <= 3 && others.iter().all(|group| group.len() == 3);
    (groups.iter().all(|group| is_digits(group)) && !has_leading_zero && is_in_threes)
        .then(|| groups.concat())
}

/// The numbers before a unit that all have, and the unit with the space before it: a word, which without a space has two
/// small letters at least (`12A` is a number of a house, `5M` five million).
fn unit<'a>(texts: &[&'a str]) -> Option<(Vec<&'a str>, String)> {
    let parted = |text: &&'a str| {
        let end = text.rfind(|letter: char| letter.is_ascii_digit())? + 1;
        let (number, unit) = text.split_at(end);
        Some((number, unit))
    };
    let parts: Vec<(&str, &str)> = texts.iter().map(parted).collect::<Option<_>>()?;
    let unit = parts.first()?.1;
    let word = unit.strip_prefix([' ', '\u{a0}']).unwrap_or(unit);
    let is_word =
        !word.is_empty() && word.chars().all(|letter| letter.is_alphabetic() || "/²³µ°".contains(letter));
    let stands_alone = word.len() < unit.len() || word.len() > 1 && word.chars().all(char::is_lowercase);
    let is_one = parts.iter().all(|(_, other)| *other == unit);
    (is_word && stands_alone && is_one)
        .then(|| (parts.iter().map(|(number, _)| *number).collect(), unit.to_owned()))
}
