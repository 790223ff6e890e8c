//! A table that has to be made.

use super::fit;
use crate::job::{Job, Mode};
use crate::merge::columns::Output;
use crate::merge::sql;

/// The statement that would make the table: an upsert's key is its primary key.
pub(in crate::merge) fn create_table(table: &str, columns: &[Output], job: &Job) -> String {
    let ty = |output: &Output| output.ty.map_or_else(|| "text".to_owned(), fit::column_type);
    let mut lines: Vec<String> = columns
        .iter()
        .map(|output| format!("    {} {}", sql::identifier(&output.name), ty(output)))
        .collect();
    if job.table.mode == Mode::Upsert {
        let key: Vec<String> = job.table.key.iter().map(|name| sql::identifier(name)).collect();
        lines.push(format!("    PRIMARY KEY ({})", key.join(", ")));
    }
    format!("CREATE TABLE {table} (\n{}\n)", lines.join(",\n"))
}
