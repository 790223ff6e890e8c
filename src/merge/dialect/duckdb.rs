//! DuckDB's SQL.

use super::Spelling;

/// DuckDB's SQL.
#[derive(Debug)]
pub(in crate::merge) struct DuckDb;

impl Spelling for DuckDb {
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
