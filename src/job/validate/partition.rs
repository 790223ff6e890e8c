//! `partition_by`: the columns by which a folder of Parquet files is divided.

use super::columns::{self, TableColumn};
use super::names::GivenNames;
use super::scheme;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::suggest;
use crate::value::Type;

/// The columns, none for a single file.
pub(super) fn columns(
    file: &raw::JobFile,
    table: &raw::Table,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Vec<String> {
    check_destination(table, mistakes);
    let Some(written) = &table.partition_by else { return Vec::new() };
    let names = &written.value.0;
    let columns = columns::all(file, known);
    for (position, name) in names.iter().enumerate() {
        if names[..position].iter().any(|other| other.value == name.value) {
            let message = format!("`{}` stands twice in `partition_by`", name.value);
            mistakes.add(&name.span, message, "leave one out");
        }
        match columns.iter().find(|column| column.name == name.value) {
            Some(column) => check_column(name, column, mistakes),
            None if file.names_are_known => note_unknown(name, &columns, mistakes),
            None => {}
        }
    }
    if file.names_are_known && columns.iter().all(|column| names.iter().any(|name| name.value == column.name))
    {
        let hint = "its values are the folders' names: leave a column for the files";
        mistakes.add(&written.span, "`partition_by` has all columns of the table", hint);
    }
    names.iter().map(|name| name.value.clone()).collect()
}

/// A folder has its columns, and nothing else has.
fn check_destination(table: &raw::Table, mistakes: &mut Mistakes) {
    let Some(to) = &table.to else { return };
    match (scheme::is_folder(to), &table.partition_by) {
        (true, None) if !table.present.has("partition_by") => {
            let hint = "add partition_by = \"…\", a column, or name a file: \"parquet:films.parquet\"";
            mistakes.add(&to.span, "a folder without `partition_by`", hint);
        }
        (false, Some(written)) => {
            let hint = "write to = \"parquet:films/\", with the / at its end, or leave it out";
            mistakes.add(&written.span, "`partition_by` without a folder of Parquet files", hint);
        }
        _ => {}
    }
}

fn check_column(name: &At<String>, column: &TableColumn<'_>, mistakes: &mut Mistakes) {
    if let Some(ty @ (Type::Json | Type::Blob)) = column.ty {
        let hint = "its values are the folders' names: take another column";
        mistakes.add(&name.span, format!("`{}` is {ty}, and divides no folder", name.value), hint);
    }
}

fn note_unknown(name: &At<String>, columns: &[TableColumn<'_>], mistakes: &mut Mistakes) {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let hint = suggest::did_you_mean(name.text(), &names).unwrap_or_else(|| {
        "take the id, a kept column, a column of an endpoint or a fact of the run".to_owned()
    });
    mistakes.add(&name.span, format!("the table has no column `{}`", name.value), hint);
}
