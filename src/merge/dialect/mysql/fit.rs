//! Whether values of one of our types go into a column of the server's, unchanged.
//!
//! | ours | columns |
//! |---|---|
//! | text | `char`, `varchar`, `text` of any size, an enum or a set; all of `utf8mb4` |
//! | boolean | `tinyint`, `bit(1)` |
//! | integer | `int`, `bigint`, `decimal` and `double` that have room |
//! | bigint | `bigint`, `decimal` that has room |
//! | double | `double` |
//! | decimal(p,s) | `decimal` that has room for all its digits; of up to 20 digits without a point, which `bigint unsigned` is in a list, `bigint unsigned` |
//! | date | `date`, `datetime` |
//! | timestamp | `datetime(6)`, `timestamp(6)` |
//! | json | `json`, `longtext` and other texts |
//! | blob | `blob` of any size, `varbinary`, `binary` of that length |
//!
//! A text that is too long, a negative number in an unsigned column, a day before 1970 in a `timestamp` are the server's to
//! refuse: in strict mode it does.
//!
//! Staged rows are in columns that compare as those of the table do: the usual collations take `a`, `A`, `ä` and
//! `a ` for one key.

use crate::database::TOLD;
use crate::merge::dialect::{Fit, StandingType, TAKE_BLOB};
use crate::value::Type;

/// Characters of a key that an index can have.
pub(super) const LONGEST_KEY: usize = 768;

/// Characters for which an index has room where it has a number, or a moment.
const LENGTH_OF_NUMBER: usize = 8;

/// Collations that tell all texts apart.
const FINE: [&str; 2] = ["utf8mb4_nopad_bin", "utf8mb4_0900_bin"];

/// How values of a type go into a column; `None` where they do not, or not unchanged.
pub(super) fn fit(ty: Type, standing: &StandingType) -> Option<Fit> {
    let numbered = standing.name.strip_suffix(" auto_increment");
    let dated = standing.name.strip_suffix(" or now");
    let name = numbered.or(dated).unwrap_or(&standing.name).trim_end_matches(" unsigned");
    let has_room = |digits, scale| has_room(standing.modifier, digits, scale);
    let fits = match ty {
        Type::Text => standing.is_enum || is_text(name),
        Type::Json => name == "json" || is_text(name),
        Type::Boolean => name == "tinyint" || (name == "bit" && standing.modifier == 1),
        Type::Integer => matches!(name, "int" | "bigint" | "double") || name == "decimal" && has_room(10, 0),
        Type::Bigint => name == "bigint" || name == "decimal" && has_room(19, 0),
        Type::Double => name == "double",
        Type::Decimal { precision, scale } => {
            let is_unsigned = standing.name.contains("bigint unsigned");
            name == "decimal" && has_room(i32::from(precision) - i32::from(scale), scale.into())
                || is_unsigned && scale == 0 && precision <= 20
        }
        Type::Date => matches!(name, "date" | "datetime"),
        Type::Timestamp => matches!(name, "datetime" | "timestamp") && standing.modifier == 6,
        Type::Blob => is_binary(name),
    };
    let is_utf8 = standing.cast.is_empty() || standing.cast.contains("utf8mb4");
    let cast = (name == "binary").then(|| of_that_length(standing.modifier));
    let cast = cast.or_else(|| numbered.map(|_| given("a number (AUTO_INCREMENT)", "SIGNED")));
    let now = "a moment, now (explicit_defaults_for_timestamp is off)";
    let cast = cast.or_else(|| dated.map(|_| given(now, "DATETIME(6)")));
    // Loaded, `1` is a character to a `bit`; bytes come as digits.
    let direct = cast.is_none() && name != "bit" && ty != Type::Blob;
    (fits && is_utf8).then(|| Fit { coarse: standing.collation.is_some(), cast, direct, ..Fit::default() })
}

/// What to do where values of a type do not go into a column.
pub(super) fn unfit_hint(standing: &StandingType) -> &'static str {
    if is_binary(&standing.name) { TAKE_BLOB } else { "" }
}

pub(super) fn is_binary(name: &str) -> bool {
    matches!(name, "tinyblob" | "blob" | "mediumblob" | "longblob" | "varbinary" | "binary")
}

/// Bytes for a column that makes zeros of those that are missing: fewer are refused, by a text that is no number.
fn of_that_length(bytes: i32) -> String {
    format!(
        "IF(LENGTH({{new}}) < {bytes}, CAST(CONCAT('{TOLD}it has ', LENGTH({{new}}), ' bytes, to which a column of \
         binary({bytes}) adds zeros') AS SIGNED), {{new}})"
    )
}

/// A value for a column that makes one up where there is none, of that type.
fn given(made_up: &str, ty: &str) -> String {
    format!(
        "IF({{new}} IS NULL, CAST('{TOLD}it is null, and the server would make up {made_up}' AS {ty}), {{new}})"
    )
}

fn is_text(name: &str) -> bool {
    matches!(name, "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext")
}

/// Whether a decimal has this many digits before the point, and behind it.
fn has_room(modifier: i32, before: i32, behind: i32) -> bool {
    let (precision, scale) = (modifier >> 8, modifier & 0xff);
    scale >= behind && precision - scale >= before
}

/// The type that a column gets where the table is made.
pub(super) fn column_type(ty: Type) -> String {
    match ty {
        Type::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        other => staged_type(other, None, false),
    }
}

/// The same of a column of a key of so many.
pub(super) fn key_column_type(ty: Type, columns: usize) -> String {
    match ty {
        Type::Text | Type::Json => format!("varchar({})", LONGEST_KEY / columns.max(1)),
        other => column_type(other),
    }
}

/// The type of a temporary table's column: texts are compared there as in the table, and as long as they come, but for those
/// that rows are looked for by. Decimals have room for what a statement of the job's own makes of them.
pub(super) fn staged_type(ty: Type, standing: Option<&StandingType>, sought: bool) -> String {
    match ty {
        Type::Text | Type::Json => {
            let collation = standing.map_or("", |standing| &standing.cast);
            let length =
                standing.map_or(0, |standing| usize::try_from(standing.modifier).unwrap_or_default());
            let is_short =
                standing.is_some_and(|standing| matches!(standing.name.as_str(), "char" | "varchar"));
            match sought && is_short {
                true => format!("varchar({}) {collation}", length.max(LONGEST_KEY)),
                false => format!("longtext {collation}").trim_end().to_owned(),
            }
        }
        Type::Boolean => "tinyint(1)".to_owned(),
        Type::Integer => "int".to_owned(),
        Type::Bigint => "bigint".to_owned(),
        Type::Double => "double".to_owned(),
        Type::Decimal { scale, .. } => format!("decimal(65,{scale})"),
        Type::Date => "date".to_owned(),
        Type::Timestamp => "datetime(6)".to_owned(),
        Type::Blob => "longblob".to_owned(),
    }
}

/// The types of a key's columns where rows are staged by their key: those of the table. `None` where an index cannot have them
/// whole, or where a value may become another one of the same column (`'1'` is the first of an enum).
pub(super) fn staged_key_types(key: &[&StandingType]) -> Option<Vec<String>> {
    let length = |standing: &&StandingType| match standing.name.as_str() {
        "char" | "varchar" => usize::try_from(standing.modifier).ok(),
        name if is_text(name) || name == "json" || standing.is_enum => None,
        _ => Some(LENGTH_OF_NUMBER),
    };
    let length: usize = key.iter().map(length).sum::<Option<usize>>()?;
    let ty = |standing: &&StandingType| format!("{} {}", standing.shown, standing.cast).trim_end().to_owned();
    (length <= LONGEST_KEY).then(|| key.iter().map(ty).collect())
}

/// Whether a collation takes different texts for one.
pub(super) fn fine_collations() -> String {
    FINE.map(|name| format!("'{name}'")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(name: &str, modifier: i32) -> StandingType {
        StandingType { name: name.into(), modifier, ..StandingType::default() }
    }

    fn decimal(precision: i32, scale: i32) -> StandingType {
        standing("decimal", precision << 8 | scale)
    }

    #[test]
    fn a_decimal_must_have_room_for_all_digits() {
        let money = Type::Decimal { precision: 9, scale: 2 };
        for fits in [decimal(9, 2), decimal(12, 4), decimal(65, 30)] {
            assert!(fit(money, &fits).is_some(), "{fits:?}");
        }
        for narrow in [decimal(8, 2), decimal(9, 1), decimal(9, 4), standing("double", -1)] {
            assert!(fit(money, &narrow).is_none(), "{narrow:?}");
        }
        let unsigned = standing("bigint unsigned", -1);
        let of = |precision, scale| fit(Type::Decimal { precision, scale }, &unsigned).is_some();
        assert_eq!([of(20, 0), of(21, 0), of(19, 1)], [true, false, false]);
        assert!(fit(Type::Bigint, &decimal(19, 0)).is_some() && fit(Type::Bigint, &decimal(18, 0)).is_none());
    }

    #[test]
    fn what_would_lose_something_does_not_fit() {
        for (ty, name, modifier) in [
            (Type::Bigint, "int", -1),
            (Type::Bigint, "double", -1),
            (Type::Double, "float", -1),
            (Type::Timestamp, "datetime", 0),
            (Type::Timestamp, "date", -1),
            (Type::Text, "int", -1),
            (Type::Text, "varbinary", 20),
            (Type::Text, "json", -1),
            (Type::Boolean, "bit", 8),
            (Type::Blob, "longtext", 0),
        ] {
            assert!(fit(ty, &standing(name, modifier)).is_none(), "{ty} into {name}");
        }
        let latin = StandingType {
            cast: "CHARACTER SET latin1 COLLATE latin1_swedish_ci".into(),
            ..standing("varchar", 9)
        };
        assert!(fit(Type::Text, &latin).is_none());
        assert!(fit(Type::Timestamp, &standing("datetime", 6)).is_some());
        assert!(fit(Type::Integer, &standing("int unsigned", -1)).is_some());
    }
}
