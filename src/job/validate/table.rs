//! `[table]`: a destination, a name, and a key that the rows have.

use std::path::{Path, PathBuf};

use super::names::{Known, is_table_word};
use super::path;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Destination, Gone, Mode, OnFailure, Stamp, Table};
use crate::record::Type;

/// Destinations of later versions.
const LATER: [&str; 6] = ["postgres", "postgresql", "mysql", "sqlite", "parquet", "csv"];

/// The table in which the runs themselves are kept.
const RUNS_TABLE: &str = "windrow_runs";

/// Where the rows go.
pub(super) fn validated(
    file: &raw::JobFile,
    known: &Known<'_>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Table> {
    let written = file.table.as_ref()?;
    let table = &written.value;
    let to = table.to.as_ref().and_then(|to| destination(to, folder, mistakes));
    let name = table.name.as_ref().and_then(|name| table_name(name, mistakes));
    check_key_is_there(file, written, mistakes);
    let key = key(file, table, known, mistakes);
    Some(Table {
        to: Destination::DuckDb(to?),
        name: name?,
        mode: table.mode.as_ref()?.value.0,
        gone: Gone::Keep,
        key,
        stamp: stamps(table),
    })
}

fn destination(to: &At<String>, folder: &Path, mistakes: &mut Mistakes) -> Option<PathBuf> {
    let hint = "write duckdb: and the path of a file, as in \"duckdb:films.duckdb\"";
    let (scheme, rest) = to.value.split_once(':').unwrap_or(("", to.text()));
    if LATER.contains(&scheme) {
        mistakes.add(&to.span, format!("not yet supported: the destination {scheme}:"), hint);
        return None;
    }
    if scheme != "duckdb" || rest.starts_with(':') {
        mistakes.add(&to.span, format!("unknown destination \"{}\"", to.value), hint);
        return None;
    }
    let path = path::absolute(to, rest, folder, mistakes)?;
    if path.is_dir() || rest.ends_with('/') {
        mistakes.add(&to.span, "the destination is a directory", hint);
        return None;
    }
    Some(path)
}

fn table_name(name: &At<String>, mistakes: &mut Mistakes) -> Option<String> {
    let (schema, table) = name.value.split_once('.').unwrap_or(("main", name.text()));
    if !is_table_word(schema) || !is_table_word(table) {
        let hint = "name or schema.name, each of letters (A to Z), digits and `_`, the first no digit";
        mistakes.add(&name.span, format!("\"{}\" is no name for a table", name.value), hint);
        return None;
    }
    if table.eq_ignore_ascii_case(RUNS_TABLE) {
        mistakes.add(
            &name.span,
            format!("\"{table}\" is the table of the runs themselves"),
            "take another name",
        );
        return None;
    }
    Some(name.value.clone())
}

/// Upserts and kept values find their row by the key.
fn check_key_is_there(file: &raw::JobFile, written: &At<raw::Table>, mistakes: &mut Mistakes) {
    let table = &written.value;
    if table.has_key {
        return;
    }
    let hint = "add key = \"…\" to [table], the columns that identify a row";
    if let Some(mode) = table.mode.as_ref().filter(|mode| mode.value.0 == Mode::Upsert) {
        mistakes.add(&mode.span, "upsert without a key", hint);
    }
    for on_failure in file.endpoints().filter_map(|endpoint| endpoint.on_failure.as_ref()) {
        if on_failure.value.0 == OnFailure::Keep {
            mistakes.add(
                &on_failure.span,
                "what the table has is found by a key, and [table] names none",
                hint,
            );
        }
    }
}

fn key(file: &raw::JobFile, table: &raw::Table, known: &Known<'_>, mistakes: &mut Mistakes) -> Vec<String> {
    let written = table.key.as_ref().map_or(&[][..], |key| &key.value.0);
    let columns = key_columns(file, known);
    for (position, name) in written.iter().enumerate() {
        if written[..position].iter().any(|other| other.value == name.value) {
            mistakes.add(&name.span, format!("`{}` stands twice in the key", name.value), "leave one out");
        }
        match columns.iter().find(|column| column.name == name.value) {
            Some(column) => check_key_column(name, column, mistakes),
            None if file.names_are_known => note_unknown_key_column(name, &columns, mistakes),
            None => {}
        }
    }
    written.iter().map(|name| name.value.clone()).collect()
}

/// A column that might be in the key.
struct KeyColumn<'a> {
    name: &'a str,
    ty: Option<Type>,
    /// What its endpoint's failure does.
    on_failure: OnFailure,
}

fn key_columns<'a>(file: &'a raw::JobFile, known: &Known<'a>) -> Vec<KeyColumn<'a>> {
    let types = file.input.as_ref().and_then(|input| input.value.types.as_ref());
    let carried = known.id.iter().chain(known.keep).map(|name| {
        let ty = types.and_then(|types| types.value.entries().find(|(typed, _)| typed.value == name.value));
        KeyColumn { name: name.text(), ty: ty.map(|(_, ty)| ty.value.0), on_failure: OnFailure::Drop }
    });
    let answered = file.endpoints().flat_map(|endpoint| {
        let on_failure = endpoint.on_failure.as_ref().map_or(OnFailure::Drop, |word| word.value.0);
        let entries = endpoint.columns.iter().flat_map(|columns| &columns.value.0);
        entries.map(move |entry| {
            let ty = entry.value.as_ref().and_then(|column| column.value.0.ty.as_ref());
            KeyColumn { name: entry.name.text(), ty: ty.map(|ty| ty.value.0), on_failure }
        })
    });
    carried.chain(answered).collect()
}

fn note_unknown_key_column(name: &At<String>, columns: &[KeyColumn<'_>], mistakes: &mut Mistakes) {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let hint = raw::did_you_mean(name.text(), &names)
        .unwrap_or_else(|| "a key consists of the id, kept columns and columns of endpoints".to_owned());
    mistakes.add(&name.span, format!("the key column `{}` is no column of the table", name.value), hint);
}

fn check_key_column(name: &At<String>, column: &KeyColumn<'_>, mistakes: &mut Mistakes) {
    if let Some(ty @ (Type::Json | Type::Double)) = column.ty {
        let hint = "rows are found by text, whole numbers, decimals, dates, timestamps or booleans";
        mistakes.add(&name.span, format!("`{}` is {ty}, and no key", name.value), hint);
    }
    if column.on_failure != OnFailure::Drop {
        let hint = "take another key, or on_failure = \"drop\" there";
        mistakes.add(&name.span, format!("`{}` has no value when its endpoint fails", name.value), hint);
    }
}

fn stamps(table: &raw::Table) -> Vec<(String, Stamp)> {
    let entries = table.stamp.iter().flat_map(|stamp| stamp.value.entries());
    entries.map(|(name, stamp)| (name.value.clone(), stamp.value.0)).collect()
}
