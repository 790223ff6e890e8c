//! What commands write to standard output.

use std::io::{self, Write};

use serde::Serialize;

pub use super::columns::{columns, columns_within};
pub use super::table::stdout_width as width;
use super::table::{Shape, print_rows};
use crate::merge::QueryResult;
use crate::os::{printable, printable_json, wait_until_read};

/// How facts are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON document, with a version.
    Json,
}

impl std::str::FromStr for Form {
    type Err = String;

    fn from_str(word: &str) -> Result<Form, String> {
        match word {
            "table" => Ok(Form::Text),
            "json" => Ok(Form::Json),
            _ => Err("choose table or json".to_owned()),
        }
    }
}

/// Writes one JSON document.
pub fn write_json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    write_exactly(|out| writeln!(out, "{}", printable_json(&text)))
}

/// Writes for people, [without steering the terminal](printable).
pub fn write(written: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut text = Vec::new();
    written(&mut text)?;
    write_exactly(|out| out.write_all(printable(&String::from_utf8_lossy(&text)).as_bytes()))
}

/// Writes rows: tables for people, the rest byte by byte for programs.
pub fn write_rows(result: &QueryResult, shape: Shape) -> io::Result<()> {
    write_exactly(|out| write_rows_to(out, result, shape))
}

/// The same to somewhere else.
pub fn write_rows_to(out: &mut dyn Write, result: &QueryResult, shape: Shape) -> io::Result<()> {
    match shape {
        Shape::Table | Shape::Markdown => {
            let mut text = Vec::new();
            print_rows(&mut text, result, shape)?;
            out.write_all(printable(&String::from_utf8_lossy(&text)).as_bytes())
        }
        Shape::Csv | Shape::Json => print_rows(out, result, shape),
    }
}

/// Writes to standard output, after what was told before; a reader that has seen enough (`| head`) is no error.
pub fn write_exactly(written: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    wait_until_read();
    let mut out = io::BufWriter::new(io::stdout().lock());
    unless_unread(written(&mut out).and_then(|()| out.flush()))
}

/// What became of a write to standard output: none where nobody reads any more.
pub fn unless_unread(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Cuts a long text short, so that a table stays a table.
pub fn shorten(text: &mut String, width: usize) {
    if let Some((end, _)) = text.char_indices().nth(width) {
        text.truncate(end);
        text.push('…');
    }
}
