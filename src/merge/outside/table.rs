//! A table that has to be made.

use crate::job::{Job, Mode};
use crate::merge::columns::Output;
use crate::merge::dialect::Dialect;
use crate::value::Type;

/// The statement that would make the table: an upsert's key is its primary key.
pub(in crate::merge) fn create_table(
    dialect: &dyn Dialect,
    table: &str,
    columns: &[Output],
    job: &Job,
) -> String {
    let ty = |output: &Output| dialect.column_type(output.ty.unwrap_or(Type::Text));
    let mut lines: Vec<String> = columns
        .iter()
        .map(|output| format!("    {} {}", dialect.identifier(&output.name), ty(output)))
        .collect();
    if job.table.mode == Mode::Upsert {
        let key: Vec<String> = job.table.key.iter().map(|name| dialect.identifier(name)).collect();
        lines.push(format!("    PRIMARY KEY ({})", key.join(", ")));
    }
    format!("CREATE TABLE {table} (\n{}\n){}", lines.join(",\n"), dialect.table_options())
}
