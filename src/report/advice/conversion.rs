//! What a column of the job could say for a value that did not fit it to fit.
//!
//! A guess by the value's looks, from the detail of a failure: `column votes: "1,071" is not a bigint`.

use jiff::fmt::strtime;

use crate::job::{Column, Endpoint, toml_basic_string};
use crate::value::Type;

/// What APIs write where they have no value.
const NO_VALUE: [&str; 16] = [
    "N/A", "n/a", "NA", "#N/A", "-", "--", "—", "–", "?", "None", "none", "NULL", "null", "NaN", "nan",
    "unknown",
];

/// What stands between and around the digits of numbers written for people.
const AROUND_DIGITS: &str = ",' _$€£¥%\u{a0}\u{202f}\u{2019}";

/// How dates are written for people and by other programs; those that begin with day or month in figures come in twos, as
/// nothing tells which is meant.
const DATES: [&[&str]; 10] = [
    &["%d %b %Y"],
    &["%d %B %Y"],
    &["%b %d, %Y"],
    &["%B %d, %Y"],
    &["%d-%b-%Y"],
    &["%m/%d/%Y", "%d/%m/%Y"],
    &["%d.%m.%Y"],
    &["%Y/%m/%d"],
    &["%Y%m%d"],
    &["%Y"],
];

/// The same of moments.
const MOMENTS: [&[&str]; 6] = [
    &["%s"],
    &["%a, %d %b %Y %H:%M:%S %z"],
    &["%Y/%m/%d %H:%M:%S"],
    &["%d.%m.%Y %H:%M:%S"],
    &["%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"],
    &["%a %b %d %H:%M:%S %z %Y"],
];

/// What to change in a column.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mending {
    /// The column's name.
    pub(super) column: String,
    /// Keys of the column, each as it is to be written, all of them.
    pub(super) keys: Vec<String>,
    /// What may be meant in the place of the last of them.
    pub(super) instead: Vec<String>,
    /// Whether what succeeded may be the same with it, so that `extract` can make what failed anew. (Where it is not,
    /// `extract` refuses.)
    pub(super) only_adds: bool,
    /// Whether all values that are known fit then.
    pub(super) is_enough: bool,
}

/// What one value wants.
#[derive(Debug, PartialEq, Eq)]
enum Fix {
    /// It means null.
    Null,
    /// These characters are removed.
    Remove(String),
    /// One of these formats reads it.
    Format(Vec<&'static str>),
    /// It is a number, and this unit behind it.
    Unit(String),
    /// A key that changes other values, too.
    Key(&'static str),
    /// What only a person can say.
    Unknown,
}

/// What mends values of one column that did not fit, by the details of their failures.
pub(super) fn mending(details: &[String], endpoint: Option<&Endpoint>) -> Option<Mending> {
    let (name, _) = details.first()?.strip_prefix("column ")?.split_once(": ")?;
    let column = endpoint.and_then(|endpoint| endpoint.columns.iter().find(|column| column.name == name));
    let Some(column) = column else {
        return Some(Mending { column: name.to_owned(), only_adds: true, ..Mending::default() });
    };
    let own = |detail: &String| {
        detail.strip_prefix("column ")?.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned)
    };
    let values: Vec<String> = details.iter().filter_map(own).collect();
    Some(together(column, &values))
}

/// What all values want together.
fn together(column: &Column, misfits: &[String]) -> Mending {
    let mut nulls = column.nulls.clone();
    let mut remove = column.remove.clone().unwrap_or_default();
    let (mut formats, mut keys): (Option<Vec<&str>>, Vec<String>) = (None, Vec::new());
    let mut units: Vec<String> = Vec::new();
    let mut mending =
        Mending { column: column.name.clone(), only_adds: true, is_enough: true, ..Mending::default() };
    for misfit in misfits {
        let value = quoted(misfit);
        match value.as_deref().map_or(Fix::Unknown, |value| fix(value, misfit, column)) {
            Fix::Null => nulls.extend(value.filter(|value| !nulls.contains(value))),
            Fix::Remove(more) => remove = each_once(remove.chars().chain(more.chars())),
            Fix::Format(more) => match &mut formats {
                Some(known) => known.retain(|format| more.contains(format)),
                None => formats = Some(more),
            },
            Fix::Unit(unit) if units.contains(&unit) => {}
            Fix::Unit(unit) => units.push(unit),
            Fix::Key(key) if keys.iter().any(|known| known == key) => {}
            Fix::Key(key) => {
                keys.push(key.to_owned());
                mending.only_adds &= !key.starts_with("type");
            }
            Fix::Unknown => mending.is_enough = false,
        }
    }
    if nulls.len() > column.nulls.len() {
        let all: Vec<String> = nulls.iter().map(|text| toml_basic_string(text)).collect();
        mending.keys.push(format!("nulls = [{}]", all.join(", ")));
    }
    if Some(&remove) != column.remove.as_ref() && !remove.is_empty() {
        mending.keys.push(format!("remove = {}", toml_basic_string(&remove)));
    }
    mending.keys.extend(keys);
    match units.as_slice() {
        [] => {}
        [unit] if mending.is_enough => mending.keys.push(format!("regex = '^([0-9.]+)(?: {unit})?$'")),
        // Numbers of several units are not one column's, and of a text that begins with a number nobody wants the number.
        _ => mending.is_enough = false,
    }
    let spelled = |format: &&str| format!("format = {}", toml_basic_string(format));
    let mut formats = formats.unwrap_or_default().into_iter();
    mending.keys.extend(formats.next().as_ref().map(spelled));
    mending.instead.extend(formats.as_slice().iter().map(spelled));
    mending
}

/// What a value wants, by its looks.
fn fix(value: &str, misfit: &str, column: &Column) -> Fix {
    if value.trim().is_empty() || NO_VALUE.contains(&value) {
        return Fix::Null;
    }
    let days_and_moments = [&MOMENTS[..], &DATES[..]].concat();
    match column.ty {
        Type::Integer | Type::Bigint | Type::Double | Type::Decimal { .. } => {
            number(value, column.ty, misfit)
        }
        Type::Date | Type::Timestamp if column.format.is_some() => Fix::Unknown,
        Type::Date => formats(value, &DATES),
        Type::Timestamp => formats(value, &days_and_moments),
        Type::Blob => Fix::Key("format = \"base64\""),
        Type::Text | Type::Boolean | Type::Json => Fix::Unknown,
    }
}

/// The text that a detail shows, where it shows all of it.
fn quoted(rest: &str) -> Option<String> {
    let mut letters = rest.strip_prefix('"')?.chars();
    let mut value = String::new();
    loop {
        match letters.next()? {
            '"' => break,
            // As `Debug` has it.
            '\\' => match letters.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                plain @ ('"' | '\\' | '\'') => value.push(plain),
                _ => return None,
            },
            letter => value.push(letter),
        }
    }
    (!value.ends_with('…')).then_some(value)
}

/// What makes a number of a text.
fn number(value: &str, ty: Type, misfit: &str) -> Fix {
    if misfit.contains("beyond the range") {
        return if ty == Type::Integer { Fix::Key("type = \"bigint\"") } else { Fix::Unknown };
    }
    if misfit.contains("it has a fraction") {
        return Fix::Key("type = \"double\"");
    }
    let around = each_once(value.chars().filter(|letter| AROUND_DIGITS.contains(*letter)));
    let bare: String = value.chars().filter(|letter| !around.contains(*letter)).collect();
    let is_number = bare.parse::<f64>().is_ok_and(f64::is_finite);
    if !around.is_empty() && is_number && is_in_threes(value) {
        return Fix::Remove(around);
    }
    match value.split_once(' ') {
        Some((number, unit))
            if number.starts_with(|first: char| first.is_ascii_digit())
                && number.parse::<f64>().is_ok_and(f64::is_finite)
                && unit.chars().all(char::is_alphabetic) =>
        {
            Fix::Unit(unit.to_owned())
        }
        _ => Fix::Unknown,
    }
}

/// Whether a comma in a number parts thousands: `1,071`, and not `1,5`, which some read as one and a half.
fn is_in_threes(value: &str) -> bool {
    let whole = value.split('.').next().unwrap_or_default();
    let digits = |group: &str| group.chars().filter(char::is_ascii_digit).count();
    whole.split(',').skip(1).all(|group| digits(group) == 3)
}

/// Formats in which a text is a date or a moment.
fn formats(value: &str, known: &[&[&'static str]]) -> Fix {
    let reads = |format: &&str| {
        let parsed = strtime::parse(format, value.trim());
        parsed.is_ok_and(|parts| parts.timestamp().is_some() || parts.to_date().is_ok())
    };
    let mut found = known.iter().map(|formats| formats.iter().copied().filter(reads).collect::<Vec<_>>());
    found.find(|formats| !formats.is_empty()).map_or(Fix::Unknown, Fix::Format)
}

fn each_once(letters: impl Iterator<Item = char>) -> String {
    let mut once = String::new();
    letters.for_each(|letter| {
        if !once.contains(letter) {
            once.push(letter);
        }
    });
    once
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Expression, Template};

    fn mended(ty: Type, details: &[&str]) -> Mending {
        let mut column = Column::plain("c", Expression::Jq(".c".to_owned()), ty);
        column.nulls = vec![String::new()];
        let endpoint = Endpoint::get("e", Template { parts: Vec::new() }, vec![column]);
        let details: Vec<String> = details.iter().map(|detail| format!("column c: {detail}")).collect();
        mending(&details, Some(&endpoint)).unwrap()
    }

    #[test]
    fn what_a_value_looks_like_says_which_key_mends_it() {
        let of = |ty, detail: &str| {
            let mended = mended(ty, &[detail]);
            [mended.keys, mended.instead].concat().join(" | ")
        };
        assert_eq!(of(Type::Bigint, r#""1,071" is not a bigint"#), r#"remove = ",""#);
        assert_eq!(of(Type::Double, r#""$1,071.50" is not a double"#), r#"remove = "$,""#);
        assert_eq!(of(Type::Bigint, r#""1 071" is not a bigint"#), r#"remove = " ""#);
        assert_eq!(of(Type::Double, r#""12 %" is not a double"#), r#"remove = " %""#);
        assert_eq!(of(Type::Bigint, r#""N/A" is not a bigint"#), r#"nulls = ["", "N/A"]"#);
        assert_eq!(of(Type::Integer, r#""142 min" is not an integer"#), "regex = '^([0-9.]+)(?: min)?$'");
        assert_eq!(of(Type::Integer, r#""3000000000" is beyond the range of integer"#), r#"type = "bigint""#);
        assert_eq!(of(Type::Bigint, r#""3.5" is not a bigint: it has a fraction"#), r#"type = "double""#);
        assert_eq!(of(Type::Date, r#""24 Mar 1972" is not a date (YYYY…)"#), r#"format = "%d %b %Y""#);
        let either = r#"format = "%m/%d/%Y" | format = "%d/%m/%Y""#;
        assert_eq!(of(Type::Date, r#""03/02/2024" is not a date"#), either);
        assert_eq!(of(Type::Timestamp, r#""1700000000" is not a timestamp"#), r#"format = "%s""#);
    }

    #[test]
    fn all_values_of_a_column_are_mended_together() {
        let details = [r#""N/A" is not a bigint"#, r#""1,071" is not a bigint"#, r#""-" is not a bigint"#];
        let both = mended(Type::Bigint, &details);
        assert_eq!(both.keys, [r#"nulls = ["", "N/A", "-"]"#, r#"remove = ",""#]);
        assert!(both.is_enough && both.only_adds);
        let days = mended(Type::Date, &[r#""03/02/2024" is not a date"#, r#""13/02/2024" is not a date"#]);
        assert_eq!((days.keys, days.instead), (vec![r#"format = "%d/%m/%Y""#.to_owned()], vec![]));
        let some = mended(Type::Bigint, &[r#""N/A" is not a bigint"#, r#""many" is not a bigint"#]);
        assert_eq!((some.keys.len(), some.is_enough), (1, false));
        for others in [
            r#""2 h" is not an integer"#,
            r#""The Land Girls" is not an integer"#,
            r#""101 Dalmatians in Paris" is not an integer"#,
        ] {
            let several = mended(Type::Integer, &[r#""142 min" is not an integer"#, others]);
            assert_eq!((several.keys.len(), several.is_enough), (0, false), "{others}");
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_not_guessed() {
        let none = |ty, detail: &str| {
            let mended = mended(ty, &[detail]);
            assert!(mended.keys.is_empty() && !mended.is_enough, "{detail}: {mended:?}");
        };
        none(Type::Double, r#""1,5" is not a double"#);
        none(Type::Double, r#""abc" is not a double"#);
        none(Type::Double, r#""1,071… is not a double"#);
        none(Type::Bigint, "an object is not a bigint");
        none(Type::Boolean, r#""yes" is not a boolean"#);
        assert_eq!(mending(&["rows: more than the rest".to_owned()], None), None);
    }
}
