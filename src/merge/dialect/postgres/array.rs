//! JSON arrays into arrays of the server's, element by element, in its own SQL: on the way from the staging table, so that a
//! value that does not fit is refused as any other, with its record.
//!
//! | elements | what of JSON |
//! |---|---|
//! | `text`, `varchar`, `char`, `citext`, an enum, `uuid` | a text; a number or boolean as the answer wrote it |
//! | `smallint`, `integer`, `bigint`, `numeric`, `double precision` | a number, or a text that is one: never rounded |
//! | `boolean`, `date`, `timestamp`, `timestamptz` | what a column of that type takes |
//! | `json`, `jsonb` | anything |
//!
//! Promises: an element means what it means in a column of its type ([`value`](crate::value)), or is refused; null elements
//! stay null, an empty array stays empty; what is no array, and an array or object within one, is refused, never null.
//! Of the spellings of a moment only those of RFC 3339 are read here, with or without offset and time.

use super::varchar::{is_cut, length};
use crate::database::TOLD;
use crate::merge::dialect::{Fit, StandingType};
use crate::merge::sql;

/// Numbers as [`value`](crate::value) reads them: the server's own also have words and hexadecimal digits.
const NUMBER: &str = r"^\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?\s*$";
const DAY: &str = r"^\s*\d{4}-\d\d-\d\d\s*$";
/// No 24:00 and no second 60, which the server takes for another minute's.
const MOMENT: &str =
    r"^\s*\d{4}-\d\d-\d\d([t ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d+)?)?(z|[+-]\d\d(:?\d\d)?)?)?\s*$";

/// An element: its JSON, and its text.
const JSON: &str = "item.value";
const TEXT: &str = "item.text";

/// What is finer than a microsecond is cut off; the server would round it.
const READ_MOMENT: &str = r"regexp_replace(item.text, '([.]\d{6})\d+', '\1')::timestamptz";

/// How values of type json go into a column of arrays; `None` where they do not, or not unchanged. `scale` are the digits after
/// the point that its numbers may have, if they are numerics of so many.
pub(super) fn fit(standing: &StandingType, scale: i32) -> Option<Fit> {
    let array = &standing.cast;
    let named = array.strip_suffix("[]")?;
    // No array of any type is read from that: it is told to the person instead.
    let told = |what: &str, shown: &str| {
        format!("({} || left({shown}, 80))::{array}", sql::text(&format!("{TOLD}{what}: ")))
    };
    let refused = format!("({})[1]", told(&format!("an element is not {named}"), "item.value::text"));
    let (element, takes_all) = element(standing, named, scale, &refused)?;
    let nested = if takes_all { "false" } else { "json_typeof(item.value) IN ('array', 'object')" };
    let cast = format!(
        "CASE coalesce(json_typeof({{new}}), 'null') WHEN 'null' THEN NULL WHEN 'array' THEN \
         ARRAY(SELECT CASE WHEN json_typeof(item.value) = 'null' THEN NULL WHEN {nested} THEN {refused} \
         ELSE {element} END FROM (SELECT value, value #>> '{{}}' AS text, place FROM \
         json_array_elements({{new}}) WITH ORDINALITY AS each(value, place)) AS item ORDER BY item.place)::{array} \
         ELSE {} END",
        told("it is not an array", "{new}::text")
    );
    Some(Fit { cast: Some(cast), ..Fit::default() })
}

/// An element of the array, `named` that in SQL, and whether arrays and objects are such, too.
fn element(standing: &StandingType, named: &str, scale: i32, refused: &str) -> Option<(String, bool)> {
    let if_like = |pattern: &str, value: &str| if_like(pattern, value, refused);
    let number = |is_exact: &str, value: &str| {
        if_like(NUMBER, &format!("CASE WHEN {is_exact} THEN {value} ELSE {refused} END"))
    };
    let whole = format!("{TEXT}::numeric = trunc({TEXT}::numeric)");
    let has_modifier = standing.modifier >= 0;
    let of_text = format!("{TEXT}::{named}");
    let element = match standing.name.strip_suffix("[]")? {
        "json" | "jsonb" => return Some((format!("{JSON}::{named}"), true)),
        _ if standing.is_enum => of_text,
        "varchar" if let Some(most) = length(standing.modifier) => {
            format!("CASE WHEN {} THEN {refused} ELSE {of_text} END", is_cut(most, TEXT))
        }
        "text" | "varchar" | "bpchar" | "citext" | "uuid" => of_text,
        "int2" | "int4" | "int8" => number(&whole, &format!("{TEXT}::numeric::{named}")),
        "numeric" if has_modifier => {
            number(&format!("{TEXT}::numeric = round({TEXT}::numeric, {scale})"), &of_text)
        }
        "numeric" | "float8" => if_like(NUMBER, &of_text),
        "bool" => if_like("^\\s*(true|t|1|false|f|0)\\s*$", &of_text),
        "date" => if_like(DAY, &of_text),
        "timestamptz" if !has_modifier || standing.modifier == 6 => if_like(MOMENT, READ_MOMENT),
        "timestamp" if !has_modifier || standing.modifier == 6 => {
            if_like(MOMENT, &format!("{READ_MOMENT} AT TIME ZONE 'UTC'"))
        }
        _ => return None,
    };
    Some((element, false))
}

/// A value where the element's text is like that, in any case.
fn if_like(pattern: &str, value: &str, refused: &str) -> String {
    format!("CASE WHEN {TEXT} !~* {} THEN {refused} ELSE {value} END", sql::text(pattern))
}
