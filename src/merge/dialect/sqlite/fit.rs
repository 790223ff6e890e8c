//! Whether values of one of our types go into a column that stands, unchanged.
//!
//! A column changes values by its affinity, without a word ("Datatypes In SQLite", 3): a text `007` becomes the number 7 where
//! the declared type is NUMERIC, DATE or JSON, the number 7 becomes a text where it is VARCHAR. What would is refused.
//!
//! | ours | sent as | TEXT | none, BLOB, ANY | INTEGER | NUMERIC | REAL |
//! |---|---|---|---|---|---|---|
//! | text | text | yes | yes | | | |
//! | date, timestamp | text that is no number | yes | yes | yes | yes | yes |
//! | decimal(p,s) | text | yes | yes | of up to 18 digits, `s` = 0 | the same | |
//! | json | text | yes | yes | unless it is a number | the same | the same |
//! | boolean | 0, 1 | | yes | yes | yes | |
//! | integer | a number | | yes | yes | yes | yes |
//! | bigint | a number | | yes | yes | yes | |
//! | blob | a BLOB | | yes | | | |
//! | double | a number | | yes | | yes | yes |
//!
//! An `INTEGER PRIMARY KEY` takes what INTEGER does, but no null: SQLite would make up a number.
//!
//! A STRICT table takes into each column what is of its type, or becomes of it without loss; ours go in where the table above
//! says so, but no date into a column for numbers, and into BLOB nothing but bytes.

use crate::database::sqlite::{GIVEN, UNCHANGED};
use crate::merge::dialect::{Fit, StandingType};
use crate::value::Type;

/// How values of a type go into a column; `None` where they do not, or not unchanged.
pub(super) fn fit(ty: Type, standing: &StandingType) -> Option<Fit> {
    let direct = Some(Fit { direct: true, ..Fit::default() });
    let strict = standing.name.starts_with("strict ");
    match (ty, standing.name.trim_start_matches("strict ")) {
        (Type::Blob, "blob" | "any") => direct,
        (Type::Blob, _) => None,
        (
            Type::Decimal { precision: ..=18, scale: 0 } | Type::Boolean | Type::Integer | Type::Bigint,
            "rowid",
        ) => Some(Fit { cast: Some(format!("{GIVEN}({{new}})")), ..Fit::default() }),
        (_, "rowid") => None,
        // Keys are compared as the column compares them.
        (_, "blob") if strict => None,
        (Type::Text, "text" | "blob" | "any") => {
            let collated = standing.collation.as_ref().map(|name| format!("{{new}} COLLATE {name}"));
            Some(Fit { direct: true, coarse: collated.is_some(), cast: collated, ..Fit::default() })
        }
        (_, "blob" | "any") => direct,
        (Type::Date | Type::Timestamp | Type::Decimal { .. } | Type::Json, "text") => direct,
        (Type::Date | Type::Timestamp, _) if !strict => direct,
        (Type::Json, _) if !strict => {
            Some(Fit { cast: Some(format!("{UNCHANGED}({{new}})")), coarse: true, ..Fit::default() })
        }
        (Type::Decimal { precision: ..=18, scale: 0 }, "integer" | "numeric") => direct,
        (Type::Boolean | Type::Integer | Type::Bigint, "integer" | "numeric") => direct,
        (Type::Integer, "real") | (Type::Double, "real" | "numeric") => direct,
        _ => None,
    }
}

/// The type of a column that holds what is sent.
pub(super) fn staged_type(ty: Type) -> &'static str {
    match ty {
        Type::Boolean | Type::Integer | Type::Bigint => "INTEGER",
        Type::Double => "REAL",
        Type::Blob => "BLOB",
        Type::Text | Type::Decimal { .. } | Type::Date | Type::Timestamp | Type::Json => "TEXT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(name: &str) -> StandingType {
        StandingType { name: name.into(), ..StandingType::default() }
    }

    #[test]
    fn what_affinity_would_change_does_not_fit() {
        let money = Type::Decimal { precision: 9, scale: 2 };
        for (ty, name) in [
            (Type::Text, "integer"),
            (Type::Text, "numeric"),
            (Type::Boolean, "text"),
            (Type::Bigint, "text"),
            (Type::Bigint, "real"),
            (Type::Double, "integer"),
            (money, "numeric"),
            (money, "real"),
            (Type::Date, "strict integer"),
            (Type::Text, "strict blob"),
            (Type::Blob, "text"),
            (Type::Json, "strict integer"),
        ] {
            assert_eq!(fit(ty, &standing(name)), None, "{ty} into {name}");
        }
        for (ty, name) in [
            (Type::Blob, "strict blob"),
            (money, "text"),
            (Type::Date, "numeric"),
            (Type::Text, "strict any"),
        ] {
            assert!(fit(ty, &standing(name)).is_some_and(|fit| fit.direct), "{ty} into {name}");
        }
        for (ty, fits) in
            [(Type::Bigint, true), (Type::Text, false), (Type::Double, false), (Type::Json, false)]
        {
            assert_eq!(
                fit(ty, &standing("strict rowid")).map(|fit| fit.direct),
                fits.then_some(false),
                "{ty}"
            );
        }
        assert!(fit(Type::Json, &standing("numeric")).is_some_and(|fit| !fit.direct));
    }

    #[test]
    fn keys_are_compared_as_the_column_compares() {
        let coarse = StandingType { collation: Some("NOCASE".into()), ..standing("text") };
        assert_eq!(fit(Type::Text, &coarse).unwrap().cast.as_deref(), Some("{new} COLLATE NOCASE"));
    }
}
