//! `[table]`: a destination, a name, and a key that the rows have.

use std::path::{Path, PathBuf};

use super::names::{Known, is_table_word};
use super::path;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Destination, Gone, Mode, Of, OnFailure, Stamp, Table};
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
    check_gone(table, mistakes);
    let key = key(file, table, known, mistakes);
    check_exploding_key(file, table, mistakes);
    check_id_is_key(file, table, known, mistakes);
    Some(Table {
        to: Destination::DuckDb(to?),
        name: name?,
        mode: table.mode.as_ref()?.value.0,
        gone: table.gone.as_ref().map_or(Gone::Keep, |word| word.value.0),
        key,
        stamp: stamps(table),
        runs_table: None,
        swap: false,
        partition_by: Vec::new(),
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
    if mode(table) == Some(Mode::ReplaceIds) {
        if let Some(key) = &table.key {
            let hint = "leave it out: all rows of an id are replaced together, so the id is the key";
            mistakes.add(&key.span, "a key beside mode = \"replace_ids\"", hint);
        }
        return;
    }
    if table.has_key {
        return;
    }
    let hint = "add key = \"…\" to [table], the columns that identify a row";
    if let Some(mode) = table.mode.as_ref().filter(|mode| mode.value.0 == Mode::Upsert) {
        mistakes.add(&mode.span, "upsert without a key", hint);
    }
    // What an endpoint with rows keeps are the rows of the id, not values of one row.
    let of_one_row = file.endpoints().filter(|endpoint| endpoint.rows.is_none());
    for on_failure in of_one_row.filter_map(|endpoint| endpoint.on_failure.as_ref()) {
        if on_failure.value.0 == OnFailure::Keep {
            mistakes.add(
                &on_failure.span,
                "what the table has is found by a key, and [table] names none",
                hint,
            );
        }
    }
}

fn mode(table: &raw::Table) -> Option<Mode> {
    table.mode.as_ref().map(|mode| mode.value.0)
}

/// Notes a wish about the rows of other ids that the mode does not fulfil.
fn check_gone(table: &raw::Table, mistakes: &mut Mistakes) {
    let (Some(gone), Some(mode)) = (&table.gone, mode(table)) else { return };
    let (message, hint) = match (gone.value.0, mode) {
        (Gone::Delete, Mode::Append) => (
            "gone = \"delete\" in a table that is only appended to",
            "leave it out, or take mode = \"upsert\" or \"replace_ids\"",
        ),
        (Gone::Delete, Mode::Replace) => (
            "gone = \"delete\" in a table that is replaced as a whole",
            "leave it out: no row stays that this run did not make",
        ),
        (Gone::Keep, Mode::Replace) => (
            "gone = \"keep\" in a table that is replaced as a whole",
            "no row stays there: take mode = \"upsert\" or \"replace_ids\"",
        ),
        _ => return,
    };
    mistakes.add(&gone.span, message, hint);
}

/// An upsert of several rows per record needs a key that tells them apart: of equal keys one row stays.
fn check_exploding_key(file: &raw::JobFile, table: &raw::Table, mistakes: &mut Mistakes) {
    let Some(key) = table.key.as_ref().filter(|_| mode(table) == Some(Mode::Upsert)) else { return };
    let Some(exploding) = file.endpoints().find(|endpoint| endpoint.rows.is_some()) else { return };
    let of_the_row = |name: &At<String>| {
        let mut entries = exploding.columns.iter().flat_map(|columns| columns.value.entries());
        entries.any(|(column, written)| column.value == name.value && !is_of_the_answer(&written.value))
    };
    if let Some(name) = exploding.name.as_ref().filter(|_| !key.value.0.iter().any(of_the_row)) {
        let message = format!("the key does not tell the rows of `{}` apart", name.value);
        let hint =
            "add a column of its rows, or take mode = \"replace_ids\", which replaces all rows of an id";
        mistakes.add(&key.span, message, hint);
    }
}

fn is_of_the_answer(column: &raw::AnyColumn) -> bool {
    column.table().and_then(|column| column.of.as_ref()).is_some_and(|of| of.value.0 == Of::Answer)
}

/// Where rows are found by their id, it is of a type that can be compared.
fn check_id_is_key(file: &raw::JobFile, table: &raw::Table, known: &Known<'_>, mistakes: &mut Mistakes) {
    let deletes = table.gone.as_ref().is_some_and(|gone| gone.value.0 == Gone::Delete);
    if mode(table) != Some(Mode::ReplaceIds) && !deletes {
        return;
    }
    let columns = key_columns(file, known);
    for name in known.id {
        if let Some(column) = columns.iter().find(|column| column.name == name.value) {
            check_key_column(name, column, mistakes);
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
    /// Whether its endpoint is asked only under a condition.
    conditional: bool,
}

fn key_columns<'a>(file: &'a raw::JobFile, known: &Known<'a>) -> Vec<KeyColumn<'a>> {
    let types = file.input.as_ref().and_then(|input| input.value.types.as_ref());
    let carried = known.id.iter().chain(known.keep).map(|name| {
        let ty = types.and_then(|types| types.value.entries().find(|(typed, _)| typed.value == name.value));
        let ty = ty.map(|(_, ty)| ty.value.0);
        KeyColumn { name: name.text(), ty, on_failure: OnFailure::Drop, conditional: false }
    });
    let answered = file.endpoints().flat_map(|endpoint| {
        let on_failure = match endpoint.on_failure.as_ref().map(|word| word.value.0) {
            // It adds no row then.
            Some(OnFailure::Keep) if endpoint.rows.is_some() => OnFailure::Drop,
            written => written.unwrap_or(OnFailure::Drop),
        };
        let entries = endpoint.columns.iter().flat_map(|columns| &columns.value.0);
        entries.map(move |entry| {
            let table = entry.value.as_ref().and_then(|column| column.value.table());
            let ty = table.and_then(|column| column.ty.as_ref()).map(|ty| ty.value.0);
            KeyColumn { name: entry.name.text(), ty, on_failure, conditional: endpoint.when.is_some() }
        })
    });
    let facts =
        file.table.iter().flat_map(|table| table.value.stamp.iter()).flat_map(|stamp| stamp.value.entries());
    let stamped = facts.filter(|(_, stamp)| stamp.value.0 != Stamp::FetchedAt).map(|(name, _)| KeyColumn {
        name: name.text(),
        ty: None,
        on_failure: OnFailure::Drop,
        conditional: false,
    });
    carried.chain(answered).chain(stamped).collect()
}

fn note_unknown_key_column(name: &At<String>, columns: &[KeyColumn<'_>], mistakes: &mut Mistakes) {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let hint = raw::did_you_mean(name.text(), &names).unwrap_or_else(|| {
        "a key consists of the id, kept columns, columns of endpoints and facts of the run".to_owned()
    });
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
    if column.conditional {
        let hint = "take another key, or leave `when` out there";
        mistakes.add(
            &name.span,
            format!("`{}` has no value where its endpoint is not asked", name.value),
            hint,
        );
    }
}

fn stamps(table: &raw::Table) -> Vec<(String, Stamp)> {
    let entries = table.stamp.iter().flat_map(|stamp| stamp.value.entries());
    entries.map(|(name, stamp)| (name.value.clone(), stamp.value.0)).collect()
}
