//! `[[publish.before]]` and `[[publish.after]]` as written.

use super::fields::Fields;
use super::forms::Names;
use super::section::section;

section! {
    /// `[[publish.before]]`
    "[[publish.before]]";
    Before {
        /// The statement, or several, as the destination reads them. The run is there as `windrow_rows`, `windrow_failures`
        /// and `windrow_input`.
        #[schemars(required)]
        sql: String = SQL_HINT,
    }
}

section! {
    /// `[[publish.after]]`
    "[[publish.after]]", check_key;
    After {
        /// The statement, or several, as the destination reads them. The run is there as `windrow_rows`, `windrow_failures`
        /// and `windrow_input`.
        #[schemars(required)]
        sql: String = SQL_HINT,
        /// The .csv or .parquet file that the statement's answer goes into, relative to this file.
        #[schemars(regex(pattern = "\\.([cC][sS][vV]|[pP][aA][rR][qQ][uU][eE][tT])$"))]
        file: String,
        /// The column of that file, or several, by which `windrow serve` finds a row: `/prices/AAPL`.
        key: Names,
    }
}

fn check_key(fields: &mut Fields<'_>) {
    fields.needs("key", "file", "add file = \"report.parquet\", whose rows it finds, or leave it out");
}

const SQL_HINT: &str = "add sql = \"…\", as the destination reads it";
