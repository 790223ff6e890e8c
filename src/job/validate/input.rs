//! `[input]`: one source, of a known format, with the columns that the job needs.

use std::path::Path;

use super::names::GivenNames;
use super::{destination, dialect, path, queue, server, statement};
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::suggest;
use crate::job::template::spelled;
use crate::job::{Database, Format, Input, OnDuplicate, ServerKind, Source};
use crate::value::Type;

/// The list, and what it must have.
pub(super) fn validated(
    file: &raw::JobFile,
    known: &GivenNames<'_>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Input> {
    let input = &file.input.as_ref()?.value;
    let source = source(file, input, folder, mistakes);
    let dialect = dialect::validated(input, source.as_ref(), mistakes);
    if source.as_ref().is_some_and(has_one_column) {
        check_one_column(known, mistakes);
    }
    if file.names_are_known {
        check_types(input, known, mistakes);
    }
    Some(Input {
        source: source?,
        id: texts(known.id),
        columns: texts(known.listed),
        types: types(input),
        // Jobs are told apart by a unique index, and where none waits there is nothing to do.
        on_duplicate: match &input.on_duplicate {
            _ if input.queue.is_some() => OnDuplicate::Keep,
            written => written.as_ref().map_or(OnDuplicate::Fail, |word| word.value.0),
        },
        allow_empty: allows_empty(input) || input.queue.is_some(),
        dialect,
    })
}

fn texts(names: &[At<String>]) -> Vec<String> {
    names.iter().map(|name| name.value.clone()).collect()
}

fn source(file: &raw::JobFile, input: &raw::Input, folder: &Path, mistakes: &mut Mistakes) -> Option<Source> {
    if let Some(list) = &input.file {
        return file_source(list, input, folder, mistakes);
    }
    if let Some(queue) = &input.queue {
        check_no_format(input, "leave it out: a queue gives rows, and their types with them", mistakes);
        return queue::validated(file, &queue.value, mistakes).map(Box::new).map(Source::Queue);
    }
    if let Some(database) = &input.database {
        check_no_format(input, "leave it out: a database gives rows, and their types with them", mistakes);
        let sql = input.sql.as_ref().map(|sql| statement::sql(sql, mistakes));
        let database = self::database(database, folder, mistakes);
        return Some(Source::Query { database: database?, sql: sql? });
    }
    let ids = input.ids.as_ref()?;
    check_no_format(input, "leave it out: `ids` are text", mistakes);
    if ids.value.is_empty() && !allows_empty(input) {
        mistakes.add(&ids.span, "the list is empty", "add ids, or allow_empty = true where that is no error");
    }
    Some(Source::Ids(ids.value.iter().map(|id| id.value.0.clone()).collect()))
}

fn allows_empty(input: &raw::Input) -> bool {
    input.allow_empty.as_ref().is_some_and(|allow| allow.value)
}

fn check_no_format(input: &raw::Input, hint: &str, mistakes: &mut Mistakes) {
    if let Some(format) = &input.format {
        mistakes.add(&format.span, "`format` without a file", hint);
    }
}

/// A server, a DuckDB or SQLite file, or DuckDB alone.
fn database(written: &At<String>, folder: &Path, mistakes: &mut Mistakes) -> Option<Database> {
    match written.value.split_once(':') {
        Some((scheme, _)) if ServerKind::of(scheme).is_some() => {
            server::url(written, mistakes).map(Database::Server)
        }
        Some(("duckdb", "")) => Some(Database::DuckDb(None)),
        Some(("duckdb", rest)) if !rest.starts_with(':') => {
            let path = destination::a_file(written, folder, mistakes);
            path.map(|path| Database::DuckDb(Some(path)))
        }
        Some(("sqlite", rest)) if !rest.starts_with(':') => {
            destination::a_file(written, folder, mistakes).map(Database::Sqlite)
        }
        _ => {
            let hint = "write \"postgres://…\" or \"mysql://…\", or \"duckdb:\" or \"sqlite:\" and the path of a file";
            destination::refuse(
                "database",
                written,
                &["duckdb", "postgres", "mysql", "mariadb", "sqlite"],
                hint,
                mistakes,
            );
            None
        }
    }
}

fn file_source(
    file: &At<String>,
    input: &raw::Input,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Source> {
    let format = input.format.as_ref().map(|word| word.value.0);
    if file.value == "-" {
        return Some(Source::Stdin { format: format.unwrap_or(Format::Lines) });
    }
    let path = path::absolute(file, file.text(), folder, mistakes)?;
    let Some(format) = format.or_else(|| format_by_ending(&path)) else {
        let hint = "name it .csv, .tsv, .jsonl, .ndjson, .parquet, .txt or .lst (.gz or .zst may follow), or add format = \"…\"";
        mistakes.add(&file.span, "the file's ending does not tell its format", hint);
        return None;
    };
    Some(Source::File { path, format })
}

fn format_by_ending(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    if ["gz", "zst"].contains(&ending.as_str()) {
        return format_by_ending(Path::new(path.file_stem()?));
    }
    match ending.as_str() {
        "csv" => Some(Format::Csv),
        "tsv" => Some(Format::Tsv),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        "parquet" => Some(Format::Parquet),
        "txt" | "lst" => Some(Format::Lines),
        _ => None,
    }
}

fn has_one_column(source: &Source) -> bool {
    match source {
        Source::Ids(_) => true,
        Source::File { format, .. } | Source::Stdin { format } => *format == Format::Lines,
        Source::Query { .. } | Source::Queue(_) => false,
    }
}

/// A list of bare ids has no other columns.
fn check_one_column(known: &GivenNames<'_>, mistakes: &mut Mistakes) {
    let Some(id) = known.id.first() else { return };
    for other in known.of_the_list().filter(|other| other.value != id.value) {
        let hint = format!(
            "ids without columns beside them: only `{{{}}}` is there; a .csv file has columns",
            spelled(id.text())
        );
        mistakes.add(&other.span, format!("the list has no column `{}`", other.value), hint);
    }
}

/// A type for a column that the job does not use is misspelt, or without effect.
fn check_types(input: &raw::Input, known: &GivenNames<'_>, mistakes: &mut Mistakes) {
    let names: Vec<&str> = known.of_the_list().map(At::text).collect();
    let typed = input.types.iter().flat_map(|types| types.value.names());
    for name in typed.filter(|name| !names.contains(&name.text())) {
        let hint = suggest::did_you_mean(name.text(), &names)
            .unwrap_or_else(|| "leave it out, or carry the column into the table with `columns`".to_owned());
        mistakes.add(&name.span, format!("the job uses no column `{}` of the list", name.value), hint);
    }
}

fn types(input: &raw::Input) -> Vec<(String, Type)> {
    let entries = input.types.iter().flat_map(|types| types.value.entries());
    entries.map(|(name, ty)| (name.value.clone(), ty.value.0)).collect()
}
