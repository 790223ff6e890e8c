//! `[table]`: a destination, a name, and how rows meet what is there.

use std::path::Path;

use super::names::{self, GivenNames};
use super::scheme::Kind;
use super::{destination, key, partition, server};
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Mode, OnNewColumn, OnUnlisted, Stamp, Table, TableName};

/// The table in which the runs themselves are kept.
const RUNS_TABLE: &str = "windrow_runs";

/// Where the rows go.
pub(super) fn validated(
    file: &raw::JobFile,
    known: &GivenNames<'_>,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Table> {
    let written = file.table.as_ref()?;
    let table = &written.value;
    let to = table.to.as_ref().and_then(|to| destination::validated(to, folder, mistakes));
    let name = table.name.as_ref().and_then(|name| table_name(name, Kind::of(file), mistakes));
    check_append(file, table, mistakes);
    check_on_unlisted(table, mistakes);
    check_on_new_column(file, table, mistakes);
    key::check_is_there(file, written, mistakes);
    key::check_exploding(file, table, mistakes);
    key::check_id(file, table, known, mistakes);
    let key = key::columns(file, table, known, mistakes);
    let runs_table = server::runs_table(file, table, mistakes);
    let swap = server::swap(file, table, mistakes);
    let on_referencing = server::on_referencing(file, table, mistakes);
    let partition_by = partition::columns(file, table, known, mistakes);
    Some(Table {
        to: to?,
        name: name?,
        mode: table.mode()?,
        on_unlisted: table.on_unlisted.as_ref().map_or(OnUnlisted::Keep, |word| word.value.0),
        key,
        stamp: stamps(table),
        runs_table,
        swap,
        on_referencing,
        on_new_column: table.on_new_column.as_ref().map_or(OnNewColumn::Fail, |word| word.value.0),
        partition_by,
    })
}

fn table_name(name: &At<String>, kind: Kind, mistakes: &mut Mistakes) -> Option<String> {
    let refused = |(message, hint): (String, &str)| mistakes.add(&name.span, message, hint);
    let TableName { table, .. } = names::table_name(name.text(), kind).map_err(refused).ok()?;
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

/// A run that is merged twice would be there twice.
fn check_append(file: &raw::JobFile, table: &raw::Table, mistakes: &mut Mistakes) {
    let Some(mode) = table.mode.as_ref().filter(|mode| mode.value.0 == Mode::Append) else { return };
    if Kind::of(file) == Kind::File {
        let hint = "a file cannot tell whether a run is in it already: take mode = \"replace\", or \"upsert\" with a key";
        mistakes.add(&mode.span, "mode = \"append\" in a file", hint);
    }
}

/// Notes a wish about the rows of other ids that the mode does not fulfil.
fn check_on_unlisted(table: &raw::Table, mistakes: &mut Mistakes) {
    let (Some(on_unlisted), Some(mode)) = (&table.on_unlisted, table.mode()) else { return };
    let (message, hint) = match (on_unlisted.value.0, mode) {
        (OnUnlisted::Delete, Mode::Append) => (
            "on_unlisted = \"delete\" in a table that is only appended to",
            "leave it out, or take mode = \"upsert\" or \"replace_ids\"",
        ),
        (OnUnlisted::Delete, Mode::Replace) => (
            "on_unlisted = \"delete\" in a table that is replaced as a whole",
            "leave it out: no row stays that this run did not make",
        ),
        (OnUnlisted::Keep, Mode::Replace) => (
            "on_unlisted = \"keep\" in a table that is replaced as a whole",
            "no row stays there: take mode = \"upsert\" or \"replace_ids\"",
        ),
        _ => return,
    };
    mistakes.add(&on_unlisted.span, message, hint);
}

/// A file that is replaced as a whole has the columns that the job has.
fn check_on_new_column(file: &raw::JobFile, table: &raw::Table, mistakes: &mut Mistakes) {
    let Some(on_new_column) = &table.on_new_column else { return };
    if Kind::of(file) == Kind::File && table.mode() == Some(Mode::Replace) {
        let hint = "leave it out: the new file has all columns of the job";
        mistakes.add(&on_new_column.span, "`on_new_column` of a file that is replaced as a whole", hint);
    }
}

fn stamps(table: &raw::Table) -> Vec<(String, Stamp)> {
    let entries = table.stamp.iter().flat_map(|stamp| stamp.value.entries());
    entries.map(|(name, stamp)| (name.value.clone(), stamp.value.0)).collect()
}
