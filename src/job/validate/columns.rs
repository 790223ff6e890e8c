//! The columns that the table will have, as far as the job tells what they are like.

use super::names::GivenNames;
use crate::job::raw;
use crate::job::{OnFailure, Stamp};
use crate::value::Type;

/// A column of the table.
pub(super) struct TableColumn<'a> {
    pub name: &'a str,
    /// Unknown where the list brings its own types, or where it is text by default.
    pub ty: Option<Type>,
    /// What its endpoint's failure does.
    pub on_failure: OnFailure,
    /// Whether its endpoint is asked only under a condition.
    pub conditional: bool,
    /// The fact that it is filled with, if it is.
    pub stamp: Option<Stamp>,
}

impl<'a> TableColumn<'a> {
    fn plain(name: &'a str) -> TableColumn<'a> {
        TableColumn { name, ty: None, on_failure: OnFailure::Skip, conditional: false, stamp: None }
    }
}

/// The id, what is kept of the list, what endpoints answer, and the facts of the run.
pub(super) fn all<'a>(file: &'a raw::JobFile, known: &GivenNames<'a>) -> Vec<TableColumn<'a>> {
    let types = file.input.as_ref().and_then(|input| input.value.types.as_ref());
    let carried = known.id.iter().chain(known.listed).map(|name| {
        let ty = types.and_then(|types| types.value.entries().find(|(typed, _)| typed.value == name.value));
        TableColumn { ty: ty.map(|(_, ty)| ty.value.0), ..TableColumn::plain(name.text()) }
    });
    let answered = file.endpoints().flat_map(of_endpoint);
    let facts =
        file.table.iter().flat_map(|table| table.value.stamp.iter()).flat_map(|stamp| stamp.value.entries());
    let stamped = facts
        .map(|(name, stamp)| TableColumn { stamp: Some(stamp.value.0), ..TableColumn::plain(name.text()) });
    carried.chain(answered).chain(stamped).collect()
}

fn of_endpoint(endpoint: &raw::Endpoint) -> impl Iterator<Item = TableColumn<'_>> {
    let on_failure = match endpoint.common.on_failure.as_ref().map(|word| word.value.0) {
        // It adds no row then.
        Some(OnFailure::Keep) if endpoint.rows.is_some() => OnFailure::Skip,
        written => written.unwrap_or(OnFailure::Skip),
    };
    let entries = endpoint.columns.iter().flat_map(|columns| &columns.value.0);
    entries.map(move |entry| {
        let table = entry.value.as_ref().and_then(|column| column.value.table());
        TableColumn {
            ty: table.and_then(column_type),
            on_failure,
            conditional: endpoint.when.is_some(),
            ..TableColumn::plain(entry.name.text())
        }
    })
}

/// The type that is written, or that of a list of elements.
fn column_type(column: &raw::Column) -> Option<Type> {
    let is_list = column.all.as_ref().is_some_and(|all| all.value);
    column.ty.as_ref().map(|ty| ty.value.0).or(is_list.then_some(Type::Json))
}
