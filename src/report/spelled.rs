//! Rows as programs read them: lines of CSV, objects of JSON.
//!
//! Times are UTC and say so, as RFC 3339 has it: `2026-11-23 14:05:00.25Z` in CSV, with a `T` in JSON, where readers know no
//! other form. Numbers that JSON readers keep exactly are numbers, in the digits that they have; decimals, and what else JSON has
//! no type for (not a number, infinities), are text. JSON stands as it is, letter by letter, but in one line.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::merge::{AnswerColumn, is_nested};

/// Writes the header of CSV.
pub fn csv_header(out: &mut dyn Write, columns: &[AnswerColumn]) -> io::Result<()> {
    csv_line(out, columns.iter().map(|column| Some(Cow::Borrowed(column.name.as_str()))))
}

/// Writes a row as a record of CSV.
pub fn csv_row(out: &mut dyn Write, columns: &[AnswerColumn], row: &[Option<String>]) -> io::Result<()> {
    let values = columns.iter().zip(row);
    csv_line(out, values.map(|(column, value)| value.as_deref().map(|text| in_utc(&column.ty, text, ' '))))
}

/// A record of RFC 4180. Readers skip a line with nothing in it: of one column null is `""` as well.
fn csv_line<'a>(
    out: &mut dyn Write,
    values: impl ExactSizeIterator<Item = Option<Cow<'a, str>>>,
) -> io::Result<()> {
    let is_alone = values.len() == 1;
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        match value.as_deref() {
            None if !is_alone => {}
            None | Some("") => out.write_all(b"\"\"")?,
            Some(text) if text.contains(['"', ',', '\n', '\r']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Some(text) => out.write_all(text.as_bytes())?,
        }
    }
    out.write_all(b"\n")
}

/// A row as an object of JSON, with its columns in their order.
#[derive(Debug)]
pub struct JsonRow<'a> {
    /// The columns.
    pub columns: &'a [AnswerColumn],
    /// As many values.
    pub values: &'a [Option<String>],
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = self.columns.iter().zip(self.values);
        serializer.collect_map(
            named.map(|(column, value)| (&column.name, JsonValue { ty: &column.ty, text: value.as_deref() })),
        )
    }
}

struct JsonValue<'a> {
    ty: &'a str,
    text: Option<&'a str>,
}

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(text) = self.text else { return serializer.serialize_none() };
        let is_json = match self.ty {
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT"
            | "UINTEGER" | "UBIGINT" | "FLOAT" | "DOUBLE" | "JSON" => true,
            ty => is_nested(ty),
        };
        // What is no JSON all the same (not a number) is text.
        // Between its tokens a line break is a blank; within them there is none.
        let line = if text.contains(['\n', '\r']) { &text.replace(['\n', '\r'], " ") } else { text };
        match is_json.then(|| serde_json::from_str::<&RawValue>(line)) {
            Some(Ok(raw)) => raw.serialize(serializer),
            _ => serializer.serialize_str(&in_utc(self.ty, text, 'T')),
        }
    }
}

/// A time of a type without a zone, or in UTC, as RFC 3339 has it, with this between date and time; what else there is (text,
/// dates, the infinities) as it is.
fn in_utc<'a>(ty: &str, text: &'a str, between: char) -> Cow<'a, str> {
    if !ty.starts_with("TIMESTAMP") {
        return Cow::Borrowed(text);
    }
    let plain = text.strip_suffix("+00").unwrap_or(text);
    match plain.split_once(' ') {
        Some((date, time)) if time.ends_with(|last: char| last.is_ascii_digit()) => {
            Cow::Owned(format!("{date}{between}{time}Z"))
        }
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(of: &[(&str, &str)]) -> Vec<AnswerColumn> {
        of.iter().map(|(name, ty)| AnswerColumn { name: (*name).into(), ty: (*ty).into() }).collect()
    }

    fn values(of: &[Option<&str>]) -> Vec<Option<String>> {
        of.iter().map(|value| value.map(str::to_owned)).collect()
    }

    fn csv(of: &[(&str, &str)], row: &[Option<&str>]) -> String {
        let mut out = Vec::new();
        csv_header(&mut out, &columns(of)).unwrap();
        csv_row(&mut out, &columns(of), &values(row)).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn json(of: &[(&str, &str)], row: &[Option<&str>]) -> String {
        serde_json::to_string(&JsonRow { columns: &columns(of), values: &values(row) }).unwrap()
    }

    #[test]
    fn times_are_marked_as_utc() {
        let at = Some("2026-01-01 00:00:00.5");
        let of =
            [("t", "TIMESTAMP"), ("z", "TIMESTAMP WITH TIME ZONE"), ("s", "VARCHAR"), ("i", "TIMESTAMP")];
        let row = [at, Some("2026-01-01 00:00:00+00"), at, Some("infinity")];
        let expected = "2026-01-01 00:00:00.5Z,2026-01-01 00:00:00Z,2026-01-01 00:00:00.5,infinity\n";
        assert_eq!(csv(&of, &row), format!("t,z,s,i\n{expected}"));
        let expected = r#"{"t":"2026-01-01T00:00:00.5Z","z":"2026-01-01T00:00:00Z","s":"2026-01-01 00:00:00.5","i":"infinity"}"#;
        assert_eq!(json(&of, &row), expected);
    }

    #[test]
    fn csv_tells_null_from_an_empty_text_and_has_no_empty_line() {
        let of = [("a", "VARCHAR"), ("b,c", "VARCHAR")];
        assert_eq!(csv(&of, &[None, Some("")]), "a,\"b,c\"\n,\"\"\n");
        assert_eq!(csv(&of, &[Some("x\"y"), Some("1\n2")]), "a,\"b,c\"\n\"x\"\"y\",\"1\n2\"\n");
        assert_eq!(csv(&of[..1], &[None]), "a\n\"\"\n");
    }

    #[test]
    fn json_nests_what_is_nested_and_changes_no_digit() {
        let of = [
            ("z", "INTEGER[]"),
            ("a", "STRUCT(x VARCHAR)"),
            ("n", "DOUBLE"),
            ("m", "JSON"),
            ("i", "BIGINT"),
            ("d", "DECIMAL(9,2)"),
            ("nan", "DOUBLE"),
            ("none", "BIGINT"),
        ];
        let row = [
            Some("[1,null]"),
            Some("{\"x\":\"y\"}"),
            Some("1e+300"),
            Some("{\"b\":2.50,\n\"a\":1}"),
            Some("9223372036854775807"),
            Some("1.10"),
            Some("nan"),
            None,
        ];
        let expected = r#"{"z":[1,null],"a":{"x":"y"},"n":1e+300,"m":{"b":2.50, "a":1},"i":9223372036854775807,"d":"1.10","nan":"nan","none":null}"#;
        assert_eq!(json(&of, &row), expected);
    }
}
