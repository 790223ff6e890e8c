//! Whether values of one of our types go into a column of the server's, unchanged, and how.
//!
//! | ours | as it is | converted on the way in |
//! |---|---|---|
//! | text | `text`, `varchar`, `char`, `citext`, an enum | `uuid` |
//! | boolean | `boolean` | |
//! | integer | `integer` | `bigint`, `numeric`, `double precision` |
//! | bigint | `bigint` | `numeric` |
//! | double | `double precision` | |
//! | decimal(p,s) | `numeric` that has room for all its digits | |
//! | date | `date` | `timestamp`, `timestamptz` |
//! | timestamp | `timestamp`, `timestamptz`, with microseconds | |
//! | json | `json`, `jsonb`, `text` | an [array](super::array) |
//! | blob | `bytea` | |
//!
//! A text that is too long for its `varchar`, or no word of its enum, is the server's to refuse. Blanks at its end it would
//! cut off in silence, as SQL says, even in COPY: such a text is refused here. In `char` they count for nothing.
//!
//! Keys are compared as the column compares them: `citext` without regard to case, `uuid` in any of its spellings.

use super::{array, varchar};
use crate::merge::dialect::{Fit, Sent, StandingType, TAKE_BLOB};
use crate::value::Type;

/// A text that PostgreSQL reads as a UUID, as a regular expression (manual, "UUID Type"); another one equals none.
const SAME_UUID: &str = "{old} = CASE WHEN {new} ~* '^([0-9a-f]{4}(-?[0-9a-f]{4}){7}|[{][0-9a-f]{4}(-?[0-9a-f]{4}){7}[}])$' \
                         THEN {new}::uuid END";

/// Both as texts: the value need not be one of the column's type.
const SAME_TEXT: &str = "{old}::text = {new}";

/// What `atttypmod` counts from, for numbers.
const MODIFIER: i32 = 4;

/// How values of a type go into a column; `None` where they do not, or not unchanged.
pub(super) fn fit(ty: Type, standing: &StandingType) -> Option<Fit> {
    let direct = Some(Fit { direct: true, ..Fit::default() });
    let converted = Some(Fit::default());
    let to = |ty: &str| Some(format!("{{new}}::{ty}"));
    // What is converted may meet what differed before.
    let cast = Fit { direct: true, cast: to(&standing.cast), coarse: true, ..Fit::default() };
    let alike = |template: &str| Some(template.to_owned());
    match (ty, standing.name.as_str()) {
        (Type::Json, name) if name.ends_with("[]") => array::fit(standing, scale(standing.modifier)),
        (Type::Text, name) if standing.is_enum && !name.ends_with("[]") => {
            Some(Fit { alike: alike(SAME_TEXT), ..cast })
        }
        (Type::Text, "text" | "varchar") => {
            let collated = standing.collation.as_ref().and_then(|name| to(&format!("text COLLATE {name}")));
            let (sent, guard) = varchar::length(standing.modifier)
                .map(|most| (Sent::UpTo(most), varchar::cut_is_refused(most, "{new}")))
                .unzip();
            let sent = sent.unwrap_or_default();
            Some(Fit {
                direct: true,
                sent,
                guard,
                coarse: collated.is_some(),
                cast: collated,
                ..Fit::default()
            })
        }
        (Type::Text, "bpchar" | "citext") => Some(cast),
        (Type::Text, "uuid") => Some(Fit { direct: false, alike: alike(SAME_UUID), ..cast }),
        (Type::Json, "json") => direct,
        (Type::Json, "text") => Some(cast),
        (Type::Json, "jsonb") => Some(Fit { sent: Sent::Jsonb, ..cast }),
        (Type::Boolean, "bool") | (Type::Integer, "int4") | (Type::Bigint, "int8") => direct,
        (Type::Double, "float8") | (Type::Date, "date") | (Type::Blob, "bytea") => direct,
        (Type::Integer, "int8" | "float8") => converted,
        (Type::Integer, "numeric") => converted.filter(|_| has_room(standing.modifier, 10, 0)),
        (Type::Bigint, "numeric") => converted.filter(|_| has_room(standing.modifier, 19, 0)),
        (Type::Decimal { precision, scale }, "numeric") => {
            direct.filter(|_| has_room(standing.modifier, precision.into(), scale.into()))
        }
        (Type::Date, "timestamp" | "timestamptz") => converted,
        (Type::Timestamp, "timestamp" | "timestamptz") => {
            direct.filter(|_| !(0..6).contains(&standing.modifier))
        }
        _ => None,
    }
}

/// What to do where values of a type do not go into a column.
pub(super) fn unfit_hint(ty: Type, standing: &StandingType) -> &'static str {
    if standing.name == "bytea" {
        return TAKE_BLOB;
    }
    match (ty, standing.name.ends_with("[]")) {
        (Type::Json, true) => {
            ": arrays of texts, whole numbers, numeric, double precision, boolean, date and moments are filled"
        }
        (_, true) => ": an array is filled by a column of type = \"json\"",
        (_, false) => "",
    }
}

/// Whether a numeric of this modifier holds every number of `precision` digits, `scale` of them after the point.
fn has_room(modifier: i32, precision: i32, scale: i32) -> bool {
    if modifier < MODIFIER {
        return true;
    }
    let (most, after) = ((modifier - MODIFIER) >> 16 & 0xffff, self::scale(modifier));
    after >= scale && most - after >= precision - scale
}

/// The digits after the point of a numeric of this modifier: a signed number of eleven bits.
fn scale(modifier: i32) -> i32 {
    (((modifier - MODIFIER) & 0x7ff) ^ 1024) - 1024
}

/// The type that a column gets where the table is made.
pub(super) fn column_type(ty: Type) -> String {
    match ty {
        Type::Timestamp => "timestamptz".to_owned(),
        Type::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
        other => staged_type(other),
    }
}

/// The type of a temporary table's column, what the encoding writes: decimals of any size, since a statement of the job's
/// own may change them.
pub(super) fn staged_type(ty: Type) -> String {
    match ty {
        Type::Text => "text".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Integer => "integer".to_owned(),
        Type::Bigint => "bigint".to_owned(),
        Type::Double => "double precision".to_owned(),
        Type::Decimal { .. } => "numeric".to_owned(),
        Type::Date => "date".to_owned(),
        Type::Timestamp => "timestamp".to_owned(),
        Type::Json => "json".to_owned(),
        Type::Blob => "bytea".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(name: &str, modifier: i32) -> StandingType {
        StandingType { name: name.into(), cast: name.into(), modifier, ..StandingType::default() }
    }

    fn numeric(precision: i32, scale: i32) -> StandingType {
        standing("numeric", ((precision << 16) | (scale & 0x7ff)) + MODIFIER)
    }

    #[test]
    fn a_numeric_must_have_room_for_all_digits() {
        let money = Type::Decimal { precision: 9, scale: 2 };
        for fits in [standing("numeric", -1), numeric(9, 2), numeric(12, 4), numeric(38, 31)] {
            assert!(fit(money, &fits).is_some_and(|fit| fit.direct), "{fits:?}");
        }
        for narrow in [numeric(8, 2), numeric(9, 1), numeric(9, 4), numeric(20, -2), standing("float8", -1)] {
            assert_eq!(fit(money, &narrow), None, "{narrow:?}");
        }
        assert!(fit(Type::Bigint, &numeric(19, 0)).is_some() && fit(Type::Bigint, &numeric(18, 0)).is_none());
    }

    #[test]
    fn what_would_lose_something_does_not_fit() {
        for (ty, name, modifier) in [
            (Type::Bigint, "int4", -1),
            (Type::Bigint, "float8", -1),
            (Type::Double, "float4", -1),
            (Type::Timestamp, "timestamptz", 0),
            (Type::Timestamp, "timestamp", 3),
            (Type::Timestamp, "date", -1),
            (Type::Text, "int4", -1),
            (Type::Text, "json", -1),
        ] {
            assert_eq!(fit(ty, &standing(name, modifier)), None, "{ty} into {name}");
        }
        assert!(fit(Type::Timestamp, &standing("timestamptz", 6)).is_some());
    }
}
