//! Rows of a query as a table for people, or as CSV, JSON or Markdown for what comes after.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};

use crate::merge::QueryResult;

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Lines and columns for a person.
    Table,
    /// RFC 4180 with a header; null is an empty field.
    Csv,
    /// One JSON array of objects; numbers and booleans unquoted.
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
        Shape::Table => table(out, result, presets::UTF8_FULL_CONDENSED),
        Shape::Markdown => table(out, result, presets::ASCII_MARKDOWN),
        Shape::Csv => csv(out, result),
        Shape::Json => json(out, result),
    }
}

fn table(out: &mut dyn Write, result: &QueryResult, preset: &str) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(preset);
    if preset != presets::ASCII_MARKDOWN {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(result.columns.iter().map(|column| &column.name));
    for row in &result.rows {
        table.add_row(row.iter().map(|value| cell(value.as_deref(), preset)));
    }
    writeln!(out, "{table}")
}

/// A cell's text. A line break or a bar would break a Markdown table, and control characters are spelled out: a server
/// must not steer the terminal.
fn cell(value: Option<&str>, preset: &str) -> String {
    let Some(text) = value else { return "NULL".to_owned() };
    let text = text.replace("\r\n", "\n");
    let text = match preset == presets::ASCII_MARKDOWN {
        true => text.replace('|', "\\|").replace(['\n', '\r'], " "),
        false => text,
    };
    let spelled = |letter: char| match letter.is_control() && letter != '\n' {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    match text.contains(char::is_control) {
        true => text.chars().map(spelled).collect(),
        false => text,
    }
}

fn csv(out: &mut dyn Write, result: &QueryResult) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(result.columns.iter().map(|column| &column.name)).map_err(as_io)?;
    for row in &result.rows {
        writer.write_record(row.iter().map(|value| value.as_deref().unwrap_or_default())).map_err(as_io)?;
    }
    writer.flush()
}

/// The error beneath, so that a closed pipe is recognised.
fn as_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn json(out: &mut dyn Write, result: &QueryResult) -> io::Result<()> {
    let object = |row: &Vec<Option<String>>| -> serde_json::Map<String, serde_json::Value> {
        let named = result.columns.iter().zip(row);
        named.map(|(column, value)| (column.name.clone(), json_value(&column.ty, value.as_deref()))).collect()
    };
    let rows: Vec<_> = result.rows.iter().map(object).collect();
    serde_json::to_writer_pretty(&mut *out, &rows)?;
    writeln!(out)
}

/// Numbers that JSON readers keep exactly stay numbers; decimals and what else has no JSON type are text.
fn json_value(ty: &str, text: Option<&str>) -> serde_json::Value {
    let Some(text) = text else { return serde_json::Value::Null };
    let parsed = match ty {
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
        | "UBIGINT" | "FLOAT" | "DOUBLE" | "JSON" => serde_json::from_str(text).ok(),
        _ => None,
    };
    parsed.unwrap_or_else(|| text.into())
}
