//! DuckDB's SQL.

use super::Spelling;
use crate::merge::sql;

/// DuckDB's SQL.
#[derive(Debug)]
pub(in crate::merge) struct DuckDb;

impl Spelling for DuckDb {
    fn identifier(&self, name: &str) -> String {
        sql::identifier(name)
    }

    fn text(&self, text: &str) -> String {
        sql::text(text)
    }

    fn text_type(&self) -> &'static str {
        "VARCHAR"
    }

    fn moment_type(&self) -> &'static str {
        "TIMESTAMP"
    }

    /// The case of a name does not matter to it.
    fn is_table(&self, column: &str, name: &str) -> String {
        format!("lower({column}) = lower({})", self.text(name))
    }
}
