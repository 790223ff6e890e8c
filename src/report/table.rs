//! Rows of a query as a table for people, or as CSV, JSON or Markdown for what comes after.

use std::borrow::Cow;
use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use console::measure_text_width;
use serde::{Serialize, Serializer};

use super::columns::columns;
use super::vertical;
use crate::merge::{AnswerColumn, QueryResult, is_nested};
use crate::os::{printable, printable_json};

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Columns for a person; on a terminal with lines around them, or, where it is too narrow for that, a line for each value.
    Table,
    /// RFC 4180 with a header; null is an empty field, an empty text `""`. Timestamps are UTC, and end in `Z`.
    Csv,
    /// One JSON array of objects, their members in the columns' order; numbers, booleans, lists and structs as such,
    /// timestamps as in CSV.
    Json,
    /// A Markdown table.
    Markdown,
}

impl Shape {
    /// The words that name them.
    pub const WORDS: [(&str, Shape); 4] =
        [("table", Shape::Table), ("csv", Shape::Csv), ("json", Shape::Json), ("markdown", Shape::Markdown)];
}

impl std::str::FromStr for Shape {
    type Err = String;

    fn from_str(word: &str) -> Result<Shape, String> {
        let found = Shape::WORDS.into_iter().find(|(name, _)| *name == word);
        found.map(|(_, shape)| shape).ok_or_else(|| "choose table, csv, json or markdown".to_owned())
    }
}

/// Prints rows.
pub fn print_rows(out: &mut dyn Write, result: &QueryResult, shape: Shape) -> io::Result<()> {
    match shape {
        Shape::Table if !console::Term::stdout().is_term() => plain(out, result),
        Shape::Table => table(out, result, presets::UTF8_FULL_CONDENSED),
        Shape::Markdown => table(out, result, presets::ASCII_MARKDOWN),
        Shape::Csv => csv(out, result),
        Shape::Json => json(out, result),
    }
}

/// Columns and nothing else, each row in a line: for a file, a pipe, and what looks for words in it.
fn plain(out: &mut dyn Write, result: &QueryResult) -> io::Result<()> {
    let one_line = |value: Option<&str>| cell(value, "").replace('\n', "\\n");
    let names = result.columns.iter().map(|column| one_line(Some(&column.name))).collect();
    let cells = |row: &Vec<Option<String>>| row.iter().map(|value| one_line(value.as_deref())).collect();
    let lines: Vec<Vec<String>> = std::iter::once(names).chain(result.rows.iter().map(cells)).collect();
    columns(out, &lines)
}

/// A table with lines around it; records where it is wider than the terminal.
fn table(out: &mut dyn Write, result: &QueryResult, preset: &str) -> io::Result<()> {
    let names: Vec<String> = result.columns.iter().map(|column| cell(Some(&column.name), preset)).collect();
    let cells = |row: &Vec<Option<String>>| row.iter().map(|value| cell(value.as_deref(), preset)).collect();
    let rows: Vec<Vec<String>> = result.rows.iter().map(cells).collect();
    let width = stdout_width().filter(|_| preset != presets::ASCII_MARKDOWN);
    let plain = is_plain_terminal();
    let preset = if plain && width.is_some() { presets::ASCII_FULL_CONDENSED } else { preset };
    let drawn = drawn(&names, &rows, preset);
    match width {
        Some(width) if widest_line(&drawn) > width => {
            vertical::records(out, &names, &rows, width, if plain { '-' } else { '─' })
        }
        _ => writeln!(out, "{drawn}"),
    }
}

fn drawn(names: &[String], rows: &[Vec<String>], preset: &str) -> String {
    let mut table = Table::new();
    table.load_preset(preset).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(names);
    table.add_rows(rows);
    table.to_string()
}

fn widest_line(text: &str) -> usize {
    text.lines().map(measure_text_width).max().unwrap_or(0)
}

/// How many columns of a table fit on the terminal side by side: all where there is none, and one at least.
pub fn columns_that_fit(result: &QueryResult) -> usize {
    let Some(width) = stdout_width() else { return result.columns.len() };
    let widest = |at: usize| {
        let values = result.rows.iter().map(|row| cell(row[at].as_deref(), ""));
        let all = std::iter::once(result.columns[at].name.clone()).chain(values);
        all.map(|text| widest_line(&text)).max().unwrap_or(0)
    };
    let mut used = 1;
    let fits = (0..result.columns.len()).take_while(|at| {
        used += widest(*at) + 3;
        used <= width
    });
    fits.count().max(1)
}

/// The columns of the terminal at standard output; `None` where it is none, and nothing need fit.
pub fn stdout_width() -> Option<usize> {
    let terminal = console::Term::stdout();
    let (_, columns) = terminal.is_term().then(|| terminal.size_checked()).flatten()?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}

/// Whether the terminal says that it can do nothing but print letters.
fn is_plain_terminal() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// A cell's text. A line break or a bar would break a Markdown table, and control characters are spelled out: a server
/// must not steer the terminal.
fn cell(value: Option<&str>, preset: &str) -> String {
    let Some(text) = value else { return "NULL".to_owned() };
    let text = text.replace("\r\n", "\n");
    let text = if preset == presets::ASCII_MARKDOWN {
        text.replace('|', "\\|").replace(['\n', '\r'], " ")
    } else {
        text
    };
    printable(&text.replace('\t', "\\t")).into_owned()
}

fn csv(out: &mut dyn Write, result: &QueryResult) -> io::Result<()> {
    let names: Vec<Option<&str>> = result.columns.iter().map(|column| Some(column.name.as_str())).collect();
    csv_line(out, &names)?;
    for row in &result.rows {
        let values: Vec<Option<Cow<'_, str>>> = result
            .columns
            .iter()
            .zip(row)
            .map(|(column, value)| value.as_deref().map(|text| marked(&column.ty, text)))
            .collect();
        csv_line(out, &values.iter().map(Option::as_deref).collect::<Vec<_>>())?;
    }
    Ok(())
}

/// A text of a value, marked as UTC where it is a time that would be read as a local one.
fn marked<'a>(ty: &str, text: &'a str) -> Cow<'a, str> {
    let is_plain = ty.starts_with("TIMESTAMP") && !ty.ends_with("TIME ZONE");
    // Not the infinities.
    if is_plain && text.ends_with(|last: char| last.is_ascii_digit()) {
        Cow::Owned(format!("{text}Z"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A record of RFC 4180. Readers skip a line with nothing in it: of one column null is `""` as well.
fn csv_line(out: &mut dyn Write, values: &[Option<&str>]) -> io::Result<()> {
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        match value {
            None if values.len() > 1 => {}
            None | Some("") => out.write_all(b"\"\"")?,
            Some(text) if text.contains(['"', ',', '\n', '\r']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Some(text) => out.write_all(text.as_bytes())?,
        }
    }
    writeln!(out)
}

fn json(out: &mut dyn Write, result: &QueryResult) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&Objects(result))?;
    writeln!(out, "{}", printable_json(&text))
}

/// Rows as a list of objects.
#[derive(Debug)]
pub struct Objects<'a>(pub &'a QueryResult);

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Objects(result) = self;
        serializer.collect_seq(result.rows.iter().map(|values| Object { columns: &result.columns, values }))
    }
}

/// A row with its columns in their order.
struct Object<'a> {
    columns: &'a [AnswerColumn],
    values: &'a [Option<String>],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = self.columns.iter().zip(self.values);
        serializer.collect_map(
            named.map(|(column, value)| (&column.name, json_value(&column.ty, value.as_deref()))),
        )
    }
}

/// Numbers that JSON readers keep exactly stay numbers, lists and structs are such; decimals and what else has no JSON
/// type are text.
fn json_value(ty: &str, text: Option<&str>) -> serde_json::Value {
    let Some(text) = text else { return serde_json::Value::Null };
    let parsed = match ty {
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
        | "UBIGINT" | "FLOAT" | "DOUBLE" | "JSON" => serde_json::from_str(text).ok(),
        _ if is_nested(ty) => serde_json::from_str(text).ok(),
        _ => None,
    };
    parsed.unwrap_or_else(|| marked(ty, text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_marked_as_utc_for_programs() {
        let at = Some("2026-01-01 00:00:00.5");
        let columns =
            [("t", "TIMESTAMP"), ("z", "TIMESTAMP WITH TIME ZONE"), ("s", "VARCHAR"), ("i", "TIMESTAMP")];
        let rows: &[&[Option<&str>]] = &[&[at, Some("2026-01-01 00:00:00+00"), at, Some("infinity")]];
        let csv = printed(&columns, rows, Shape::Csv);
        let expected = "2026-01-01 00:00:00.5Z,2026-01-01 00:00:00+00,2026-01-01 00:00:00.5,infinity\n";
        assert_eq!(csv, format!("t,z,s,i\n{expected}"));
        assert!(printed(&columns, rows, Shape::Json).contains(r#""t": "2026-01-01 00:00:00.5Z""#));
    }

    fn printed(columns: &[(&str, &str)], rows: &[&[Option<&str>]], shape: Shape) -> String {
        let column = |(name, ty): &(&str, &str)| AnswerColumn { name: (*name).into(), ty: (*ty).into() };
        let values = |row: &&[Option<&str>]| row.iter().map(|value| value.map(str::to_owned)).collect();
        let result = QueryResult {
            columns: columns.iter().map(column).collect(),
            rows: rows.iter().map(values).collect(),
            truncated: false,
        };
        let mut out = Vec::new();
        print_rows(&mut out, &result, shape).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_tells_null_from_an_empty_text_and_has_no_empty_line() {
        let columns = [("a", "VARCHAR"), ("b,c", "VARCHAR")];
        let rows: [&[Option<&str>]; 2] = [&[None, Some("")], &[Some("x\"y"), Some("1\n2")]];
        assert_eq!(printed(&columns, &rows, Shape::Csv), "a,\"b,c\"\n,\"\"\n\"x\"\"y\",\"1\n2\"\n");
        assert_eq!(printed(&columns[..1], &[&[None]], Shape::Csv), "a\n\"\"\n");
    }

    #[test]
    fn json_keeps_the_columns_order_and_nests_what_is_nested() {
        let columns = [("z", "INTEGER[]"), ("a", "STRUCT(x VARCHAR)"), ("n", "DOUBLE"), ("m", "JSON")];
        let row: &[Option<&str>] = &[Some("[1,null]"), Some("{\"x\":\"y\"}"), Some("0.5"), Some("{\"b\":1}")];
        let json: String = printed(&columns, &[row], Shape::Json).split_whitespace().collect();
        assert_eq!(json, r#"[{"z":[1,null],"a":{"x":"y"},"n":0.5,"m":{"b":1}}]"#);
    }
}
