//! `key`: columns of the table that always have a value which can be compared.

use super::columns::{self, TableColumn};
use super::infer;
use super::names::GivenNames;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::suggest;
use crate::job::{Mode, OnFailure, OnUnlisted, Stamp, TakenFrom};
use crate::value::Type;

/// Upserts and kept values find their row by the key.
pub(super) fn check_is_there(file: &raw::JobFile, written: &At<raw::Table>, mistakes: &mut Mistakes) {
    let table = &written.value;
    if table.mode() == Some(Mode::ReplaceIds) {
        if let Some(key) = &table.key {
            let hint = "leave it out: all rows of an id are replaced together, so the id is the key";
            mistakes.add(&key.span, "a key beside mode = \"replace_ids\"", hint);
        }
        return;
    }
    if table.key.is_some() || table.present.has("key") {
        return;
    }
    // Without an id there is none to be inferred, and that is told.
    if infer::what_makes_several_rows(file).is_none()
        && file.input.as_ref().is_none_or(|input| input.value.id.is_none())
    {
        return;
    }
    let hint = "add key = \"…\" to [table], the columns that identify a row";
    if let Some(mode) = table.mode.as_ref().filter(|mode| mode.value.0 == Mode::Upsert) {
        mistakes.add(&mode.span, "upsert without a key", hint);
    }
    // What an endpoint with rows keeps are the rows of the id, not values of one row.
    let of_one_row = file.endpoints().filter(|endpoint| endpoint.rows.is_none());
    for on_failure in of_one_row.filter_map(|endpoint| endpoint.common.on_failure.as_ref()) {
        if on_failure.value.0 == OnFailure::Keep {
            mistakes.add(
                &on_failure.span,
                "what the table has is found by a key, and [table] names none",
                hint,
            );
        }
    }
}

/// An upsert of several rows per record needs a key that tells them apart: of equal keys one row stays.
pub(super) fn check_exploding(file: &raw::JobFile, table: &raw::Table, mistakes: &mut Mistakes) {
    let Some(key) = table.key.as_ref().filter(|_| table.mode() == Some(Mode::Upsert)) else { return };
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
    column.table().and_then(|column| column.from.as_ref()).is_some_and(|of| of.value.0 == TakenFrom::Answer)
}

/// Where rows are found by their id, it is of a type that can be compared.
pub(super) fn check_id(
    file: &raw::JobFile,
    table: &raw::Table,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) {
    let deletes = table.on_unlisted.as_ref().is_some_and(|word| word.value.0 == OnUnlisted::Delete);
    if table.mode() != Some(Mode::ReplaceIds) && !deletes {
        return;
    }
    let columns = possible(file, known);
    for name in known.id {
        if let Some(column) = columns.iter().find(|column| column.name == name.value) {
            check_column(name, column, mistakes);
        }
    }
}

/// The columns of the key.
pub(super) fn columns(
    file: &raw::JobFile,
    table: &raw::Table,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Vec<String> {
    let written = table.key.as_ref().map_or(&[][..], |key| &key.value.0);
    let columns = possible(file, known);
    for (position, name) in written.iter().enumerate() {
        if written[..position].iter().any(|other| other.value == name.value) {
            mistakes.add(&name.span, format!("`{}` stands twice in the key", name.value), "leave one out");
        }
        match columns.iter().find(|column| column.name == name.value) {
            Some(column) => check_column(name, column, mistakes),
            None if file.names_are_known => note_unknown(name, &columns, mistakes),
            None => {}
        }
    }
    written.iter().map(|name| name.value.clone()).collect()
}

fn note_unknown(name: &At<String>, columns: &[TableColumn<'_>], mistakes: &mut Mistakes) {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let hint = suggest::did_you_mean(name.text(), &names).unwrap_or_else(|| {
        "a key consists of the id, kept columns, columns of endpoints and facts of the run".to_owned()
    });
    mistakes.add(&name.span, format!("the key column `{}` is no column of the table", name.value), hint);
}

fn check_column(name: &At<String>, column: &TableColumn<'_>, mistakes: &mut Mistakes) {
    if let Some(ty @ (Type::Json | Type::Double | Type::Blob)) = column.ty {
        let hint = "rows are found by text, whole numbers, decimals, dates, timestamps or booleans";
        mistakes.add(&name.span, format!("`{}` is {ty}, and no key", name.value), hint);
    }
    if column.on_failure != OnFailure::Skip {
        let hint = "take another key, or on_failure = \"skip\" there";
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

/// All columns but the one that differs each time.
fn possible<'a>(file: &'a raw::JobFile, known: &GivenNames<'a>) -> Vec<TableColumn<'a>> {
    let mut columns = columns::all(file, known);
    columns.retain(|column| column.stamp != Some(Stamp::FetchedAt));
    columns
}
