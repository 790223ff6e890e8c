//! `[[publish.before]]` and `[[publish.after]]`: SQL of the job's own, and the files that answers go into.

use std::path::{Path, PathBuf};

use super::path;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At, Names};
use crate::job::{Database, Destination, Input, Source, Statement, Table};

/// The statements before the rows are written.
pub(super) fn before(file: &raw::JobFile, mistakes: &mut Mistakes) -> Vec<Statement> {
    let written = file.before().filter_map(|one| one.sql.as_ref());
    written.map(|written| Statement { sql: sql(written, mistakes), file: None, key: Vec::new() }).collect()
}

/// Those after. No file of theirs may be one of `taken`, each with what it is.
pub(super) fn after(
    file: &raw::JobFile,
    folder: &Path,
    mut taken: Vec<(PathBuf, &'static str)>,
    mistakes: &mut Mistakes,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    for written in file.after() {
        let place = written.file.as_ref();
        let path = place.and_then(|place| report(place, folder, &taken, mistakes));
        taken.extend(path.iter().map(|path| (path.clone(), "the file of another statement")));
        if let Some(text) = &written.sql {
            let key = written.key.as_ref().map_or_else(Vec::new, |names| key(names, mistakes));
            statements.push(Statement { sql: sql(text, mistakes), file: path, key });
        }
    }
    statements
}

/// The files that the job has already: a report would overwrite them.
pub(super) fn taken(input: Option<&Input>, table: Option<&Table>) -> Vec<(PathBuf, &'static str)> {
    let list = input.and_then(|input| match &input.source {
        Source::File { path, .. }
        | Source::Query { database: Database::DuckDb(Some(path)) | Database::Sqlite(path), .. } => Some(path),
        Source::Ids(_) | Source::Stdin { .. } | Source::Query { .. } | Source::Queue(_) => None,
    });
    let to = table.and_then(|table| match &table.to {
        Destination::DuckDb(path)
        | Destination::Sqlite(path)
        | Destination::Parquet(path)
        | Destination::Csv(path) => Some(path),
        Destination::Server(_) => None,
    });
    let list = list.map(|path| (path.clone(), "the list"));
    list.into_iter().chain(to.map(|path| (path.clone(), "the table's own file"))).collect()
}

fn report(
    place: &At<String>,
    folder: &Path,
    taken: &[(PathBuf, &str)],
    mistakes: &mut Mistakes,
) -> Option<PathBuf> {
    let path = path::absolute(place, place.text(), folder, mistakes)?;
    let ends = |with: &str| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(with));
    if !(ends("csv") || ends("parquet")) || path.is_dir() || place.text().ends_with('/') {
        let hint = "name it .csv, which has a header line, or .parquet, which has typed columns";
        mistakes.add(&place.span, format!("\"{}\" is no .csv or .parquet file", place.value), hint);
        return None;
    }
    if let Some((_, what)) = taken.iter().find(|(other, _)| *other == path) {
        mistakes.add(&place.span, format!("\"{}\" is {what}", place.value), "name another file");
    }
    Some(path)
}

/// Each column once: what the answer has is known when it is there.
fn key(names: &At<Names>, mistakes: &mut Mistakes) -> Vec<String> {
    let mut key: Vec<String> = Vec::new();
    for name in &names.value.0 {
        if name.value.is_empty() {
            mistakes.add(&name.span, "a column without a name", "write the name of a column of the answer");
        } else if key.iter().any(|known| known.eq_ignore_ascii_case(name.text())) {
            mistakes.add(&name.span, format!("\"{}\" twice in `key`", name.value), "name each column once");
        }
        key.push(name.value.clone());
    }
    key
}

/// SQL as it is written; what it says is left to the database.
pub(super) fn sql(written: &At<String>, mistakes: &mut Mistakes) -> String {
    if written.value.chars().all(|one| one.is_whitespace() || one == ';') {
        mistakes.add(
            &written.span,
            "no SQL",
            "write the statement in quotes, three of them for several lines",
        );
    }
    if written.value.contains('\0') {
        mistakes.add(&written.span, "the character U+0000 in SQL", "no database reads it: leave it out");
    }
    written.value.clone()
}
