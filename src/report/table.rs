//! Rows of a query as a table for people, or as CSV, JSON or Markdown for what comes after.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use console::measure_text_width;
use serde::{Serialize, Serializer};

use super::columns::columns;
use super::spelled::{JsonRow, csv_header, csv_row};
use super::vertical;
use crate::merge::QueryResult;
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
    csv_header(out, &result.columns)?;
    result.rows.iter().try_for_each(|row| csv_row(out, &result.columns, row))
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
        serializer.collect_seq(result.rows.iter().map(|values| JsonRow { columns: &result.columns, values }))
    }
}
