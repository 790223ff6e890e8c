//! Whether a column that makes values of texts in another way than before gives what succeeded the same values.
//!
//! Promise: what is [`Amended::Same`] gives the same value for every text that had one, null included;
//! [`Amended::SameBut`] does for every text that had none of these values, [`Amended::SameWhereNull`] for every text that was
//! null. Where that cannot be told, it is [`Amended::Other`]: rows of
//! one run are not made in two ways.
//!
//! | key | the same |
//! |---|---|
//! | `on_error` | `"null"` in place of `"fail"`: what did not fit has not succeeded |
//! | `not_null` | taken away: what was null has not succeeded |
//! | `on_bad_character` | another word in place of `"fail"` |
//! | `nulls` | a word more that was no value of the column: `N/A` in a bigint; or that no record has there |
//! | `remove` | a character more that no value of the type is written with: `,` in a number |
//! | these, `regex` where there was none, `format`, `zone` | where no record has a value in the column |
//!
//! All but the first two only where what does not fit fails: else it was null, and may have become a value.

use super::Conversion;
use crate::extract::ExtractorError;
use crate::job::{Column, OnBadCharacter, OnError};
use crate::value::{Type, Value};

/// What becomes of the values of records that had succeeded.
#[derive(Debug, Clone, PartialEq)]
pub enum Amended {
    /// They stay what they were.
    Same,
    /// So do all but these, which the words have that are null by now.
    SameBut(Vec<Value>),
    /// So do those that are null; of others that cannot be told, since this key of the column says something else.
    SameWhereNull(&'static str),
    /// Some may become others: the key, and how.
    Other(&'static str, String),
}

/// What becomes of the values of a column, `then` and `now` the same but for how a text becomes a value.
///
/// # Errors
/// A column that cannot be compiled.
pub fn amended(then: &Column, now: &Column) -> Result<Amended, ExtractorError> {
    if let Some((key, why)) = narrowed(then, now) {
        return Ok(Amended::Other(key, why.to_owned()));
    }
    let keys = undecided(then, now)?;
    let Some(key) = keys.first() else { return Ok(Amended::Same) };
    if keys == ["nulls"] && then.ty != Type::Json && then.nulls.iter().all(|word| now.nulls.contains(word)) {
        return Ok(Amended::SameBut(values_of_new_words(then, now)?));
    }
    Ok(match word_with_a_value(then, now)? {
        Some(word) => Amended::Other("nulls", format!("{word:?} was null, and is a value now")),
        None => Amended::SameWhereNull(key),
    })
}

/// What makes another thing of values, or may, whatever these are.
fn narrowed(then: &Column, now: &Column) -> Option<(&'static str, &'static str)> {
    let misfits_became_null = then.on_error == OnError::Null && !then.not_null;
    if misfits_became_null && now.on_error == OnError::Fail {
        return Some(("on_error", "what did not fit became null, and fails now"));
    }
    if now.not_null && !then.not_null {
        return Some(("not_null", "what became null fails now"));
    }
    if then.regex.is_some() && then.regex != now.regex {
        return Some(("regex", "what it did not match became null, and may be a value now"));
    }
    let why = "on_error = \"null\" made nulls of what did not fit, and that may be a value now";
    differing(then, now).into_iter().find(|key| misfits_became_null && *key != "nulls").map(|key| (key, why))
}

/// The keys that decide what a text is, and say something else now.
fn differing(then: &Column, now: &Column) -> Vec<&'static str> {
    let keys = [
        ("nulls", then.nulls != now.nulls),
        ("remove", then.remove != now.remove),
        ("regex", then.regex != now.regex),
        ("format", then.format != now.format),
        ("zone", then.zone != now.zone),
        ("on_bad_character", then.on_bad_character != now.on_bad_character),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

/// The keys of which it cannot be told without the values that they leave them the same.
fn undecided(then: &Column, now: &Column) -> Result<Vec<&'static str>, ExtractorError> {
    let mut keys = Vec::new();
    for key in differing(then, now) {
        let is_same = match key {
            "nulls" => words_were_no_values(then, now)?,
            "remove" => removes_nothing_of_a_value(then, now),
            "on_bad_character" => then.on_bad_character == OnBadCharacter::Fail,
            _ => false,
        };
        if !is_same {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// What the words were that are null only now.
fn values_of_new_words(then: &Column, now: &Column) -> Result<Vec<Value>, ExtractorError> {
    let before = unpicked(then)?;
    let words = now.nulls.iter().filter(|word| !then.nulls.contains(word));
    let values = words.filter_map(|word| before.value_of_text(Some(word)).ok());
    Ok(values.filter(|value| *value != Value::Null).collect())
}

/// Whether each word that is in one of both `nulls` comes to the same, or came to nothing.
fn words_were_no_values(then: &Column, now: &Column) -> Result<bool, ExtractorError> {
    if then.ty == Type::Json {
        // A JSON string that is such a word was kept as it is.
        return Ok(false);
    }
    // Words are compared after `regex`.
    let (before, after) = (unpicked(then)?, unpicked(now)?);
    let (then, now) = (&then.nulls, &now.nulls);
    let mut other =
        then.iter().filter(|word| !now.contains(word)).chain(now.iter().filter(|word| !then.contains(word)));
    Ok(other.all(|word| match before.value_of_text(Some(word)) {
        Ok(value) => after.value_of_text(Some(word)).is_ok_and(|now| now == value),
        Err(_) => true,
    }))
}

fn unpicked(column: &Column) -> Result<Conversion, ExtractorError> {
    Conversion::new(&Column { regex: None, ..column.clone() })
}

/// Whether only such characters are removed besides that no value of the type is written with.
fn removes_nothing_of_a_value(then: &Column, now: &Column) -> bool {
    let characters = |column: &Column| column.remove.clone().unwrap_or_default();
    let (before, after) = (characters(then), characters(now));
    before.chars().all(|kept| after.contains(kept))
        && after.chars().filter(|added| !before.contains(*added)).all(|added| !may_be_in_a_value(then, added))
}

/// Whether a value of the column may be written with this character. Of texts, JSON, bytes, and what a `format` of the
/// user's reads nobody knows.
fn may_be_in_a_value(column: &Column, character: char) -> bool {
    match column.ty {
        Type::Integer | Type::Bigint | Type::Double | Type::Decimal { .. } => {
            character.is_ascii_digit() || "+-.eE".contains(character)
        }
        Type::Boolean => character.is_alphanumeric(),
        Type::Date if column.format.is_none() => character.is_ascii_digit() || character == '-',
        Type::Date | Type::Timestamp | Type::Text | Type::Json | Type::Blob => true,
    }
}

/// A word that was null and is a value by now, if there is one.
fn word_with_a_value(then: &Column, now: &Column) -> Result<Option<String>, ExtractorError> {
    let after = if then.regex == now.regex { unpicked(now)? } else { Conversion::new(now)? };
    let is_null = |word: &String| match now.ty {
        Type::Json => now.nulls.contains(word) && then.regex == now.regex,
        _ => after.value_of_text(Some(word)) == Ok(Value::Null),
    };
    Ok(then.nulls.iter().find(|word| !is_null(word)).cloned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::Expression;

    fn column(ty: Type) -> Column {
        Column::plain("x", Expression::Jq(".x".into()), ty)
    }

    fn nulls(words: &[&str], column: Column) -> Column {
        Column { nulls: words.iter().map(|word| (*word).to_owned()).collect(), ..column }
    }

    fn remove(characters: &str, column: Column) -> Column {
        Column { remove: Some(characters.to_owned()), ..column }
    }

    #[test]
    fn what_only_mends_is_the_same() {
        let bigint = column(Type::Bigint);
        for now in [
            nulls(&["N/A", "-", ""], bigint.clone()),
            remove(", $%", bigint.clone()),
            Column { on_error: OnError::Null, ..nulls(&["N/A"], bigint.clone()) },
        ] {
            assert_eq!(amended(&bigint, &now).unwrap(), Amended::Same, "{now:?}");
        }
        let strict = Column { not_null: true, on_bad_character: OnBadCharacter::Fail, ..column(Type::Text) };
        let loose = Column { on_bad_character: OnBadCharacter::Replace, ..column(Type::Text) };
        assert_eq!(amended(&strict, &loose).unwrap(), Amended::Same);
        // What did not fit was null before.
        let lenient = Column { on_error: OnError::Null, ..bigint.clone() };
        assert_eq!(amended(&lenient, &nulls(&["N/A"], lenient.clone())).unwrap(), Amended::Same);
    }

    #[test]
    fn what_a_value_may_be_is_the_same_only_where_there_is_none() {
        let same_where_null = |then: &Column, now: &Column, key| {
            assert_eq!(amended(then, now).unwrap(), Amended::SameWhereNull(key), "{now:?}");
        };
        let (bigint, text, date) = (column(Type::Bigint), column(Type::Text), column(Type::Date));
        same_where_null(
            &nulls(&["-"], bigint.clone()),
            &remove("-", nulls(&["-", "0"], bigint.clone())),
            "nulls",
        );
        let same_but = |then: &Column, now: &Column, values: &[Value]| {
            assert_eq!(amended(then, now).unwrap(), Amended::SameBut(values.to_vec()), "{now:?}");
        };
        same_but(
            &bigint,
            &nulls(&["N/A", "0", "1e3"], bigint.clone()),
            &[Value::Bigint(0), Value::Bigint(1000)],
        );
        // Words are compared after `regex`.
        let minutes = Column { regex: Some(r"^(\d+) min$".into()), ..bigint.clone() };
        same_but(&minutes, &nulls(&["7"], minutes.clone()), &[Value::Bigint(7)]);
        same_but(&text, &nulls(&["N/A"], text.clone()), &[Value::Text("N/A".into())]);
        same_where_null(&column(Type::Json), &nulls(&["N/A"], column(Type::Json)), "nulls");
        same_where_null(&bigint, &remove("0,", bigint.clone()), "remove");
        same_where_null(&bigint, &remove("e", bigint.clone()), "remove");
        same_where_null(&remove(",", bigint.clone()), &remove(".", bigint.clone()), "remove");
        same_where_null(&text, &remove(",", text.clone()), "remove");
        same_where_null(&date, &Column { format: Some("%d %b %Y".into()), ..date.clone() }, "format");
        same_where_null(&bigint, &Column { regex: Some(r"^(\d+) min$".into()), ..bigint.clone() }, "regex");
        let moment = column(Type::Timestamp);
        same_where_null(&moment, &Column { zone: Some("Europe/Berlin".into()), ..moment.clone() }, "zone");
    }

    #[test]
    fn what_may_make_other_values_is_named() {
        let other = |then: &Column, now: &Column, named| match amended(then, now).unwrap() {
            Amended::Other(key, _) => assert_eq!(key, named, "{now:?}"),
            same => panic!("{same:?}: {now:?}"),
        };
        let bigint = column(Type::Bigint);
        let lenient = Column { on_error: OnError::Null, ..bigint.clone() };
        other(&lenient, &bigint, "on_error");
        other(&lenient, &remove(",", lenient.clone()), "remove");
        other(&bigint, &Column { not_null: true, ..bigint.clone() }, "not_null");
        let picked = Column { regex: Some("[0-9]".into()), ..bigint.clone() };
        other(&picked, &Column { regex: Some("[0-9]+".into()), ..bigint.clone() }, "regex");
        other(&picked, &bigint, "regex");
        other(&nulls(&["0"], bigint.clone()), &bigint, "nulls");
        other(
            &nulls(&["7 min"], bigint.clone()),
            &Column { regex: Some(r"\d+".into()), ..bigint.clone() },
            "nulls",
        );
        let moment = column(Type::Timestamp);
        let lenient = Column { on_error: OnError::Null, ..moment };
        other(&lenient, &Column { format: Some("%s".into()), ..lenient.clone() }, "format");
    }

    fn ty() -> impl Strategy<Value = Type> {
        let decimal = Type::Decimal { precision: 6, scale: 2 };
        proptest::sample::select(vec![
            Type::Text,
            Type::Boolean,
            Type::Integer,
            Type::Bigint,
            Type::Double,
            decimal,
            Type::Date,
            Type::Timestamp,
            Type::Json,
            Type::Blob,
        ])
    }

    fn word() -> impl Strategy<Value = String> {
        let known = [
            "N/A",
            "-",
            "0",
            "7",
            "1",
            "7 min",
            "1,071",
            "1e3",
            " 5 ",
            "true",
            "T",
            "2024-05-31",
            "31.05.2024",
            "null",
            "00",
            "0x00",
            "-1.50",
            "{}",
            "1704067200",
            "\u{a0}3",
            "\0",
            "2024-05-31T10:00:00,5Z",
        ];
        prop_oneof![proptest::sample::select(known.map(str::to_owned).to_vec()), "[0-9,.eEtTf/ -]{0,6}"]
    }

    fn conversion() -> impl Strategy<Value = Column> {
        let bad = proptest::sample::select(vec![
            OnBadCharacter::Keep,
            OnBadCharacter::Fail,
            OnBadCharacter::Replace,
        ]);
        let regex = proptest::option::weighted(
            0.2,
            proptest::sample::select(vec![r"(\d+)", r"^(\S+) min$", "[0-9,]+"]),
        );
        let format = proptest::option::weighted(
            0.2,
            proptest::sample::select(vec!["%d.%m.%Y", "%Y-%m-%d", "%s", "base64"]),
        );
        let zone = proptest::option::weighted(0.2, Just("Europe/Berlin".to_owned()));
        (
            proptest::collection::vec(word(), 0..3),
            proptest::option::weighted(0.3, "[,. eE0-]{1,2}"),
            (regex, format, zone),
            (any::<bool>(), proptest::bool::weighted(0.2), bad),
        )
            .prop_map(
                |(nulls, remove, (regex, format, zone), (is_lenient, not_null, on_bad_character))| Column {
                    nulls,
                    remove,
                    regex: regex.map(str::to_owned),
                    format: format.map(str::to_owned),
                    zone,
                    on_error: if is_lenient { OnError::Null } else { OnError::Fail },
                    not_null,
                    on_bad_character,
                    ..column(Type::Text)
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// Whatever is said to leave values as they were does so, for texts and for JSON.
        #[test]
        fn what_succeeded_keeps_its_value(
            (ty, then, now) in (ty(), conversion(), conversion()),
            half in any::<u16>(),
            texts in proptest::collection::vec(word(), 1..8),
        ) {
            // Mostly alike, so that not every change is refused.
            let pick = |bit: u32, then: &Column, now: &Column| if half >> bit & 1 == 0 { then.clone() } else { now.clone() };
            let then = Column { ty, ..then };
            let now = Column {
                ty,
                nulls: pick(0, &then, &now).nulls.into_iter().chain(pick(8, &now, &then).nulls).collect(),
                remove: pick(1, &then, &now).remove,
                regex: pick(2, &then, &now).regex,
                format: pick(3, &then, &now).format,
                zone: pick(4, &then, &now).zone,
                on_error: pick(5, &then, &now).on_error,
                not_null: pick(6, &then, &now).not_null,
                on_bad_character: pick(7, &then, &now).on_bad_character,
                ..then.clone()
            };
            let (before, after) = (Conversion::new(&then).unwrap(), Conversion::new(&now).unwrap());
            let what = amended(&then, &now).unwrap();
            let words = then.nulls.iter().chain(&now.nulls).chain(&texts);
            for word in words {
                let json = serde_json::to_string(word).unwrap();
                let bare = serde_json::from_str::<serde_json::Value>(word).is_ok().then_some(word.trim());
                let read = |of: &Conversion| {
                    let texts = [of.value_of_text(Some(word)), of.value(&json)];
                    texts.into_iter().chain(bare.map(|json| of.value(json))).collect::<Vec<_>>()
                };
                for (old, new) in read(&before).into_iter().zip(read(&after)) {
                    match (&what, &old) {
                        (_, Err(_)) | (Amended::Other(..), _) => {}
                        (Amended::SameWhereNull(_), Ok(value)) if *value != Value::Null => {}
                        (Amended::SameBut(values), Ok(value)) if values.contains(value) => {}
                        _ => prop_assert_eq!(&new, &old, "{:?} {:?}", what, word),
                    }
                }
            }
        }
    }
}
