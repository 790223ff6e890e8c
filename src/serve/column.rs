//! A column of what is served.

/// The table of a generation, in a database of its own.
pub const TABLE: &str = "served";
/// Its column that has the place of a row in the published file, from 0.
pub const ORDER: &str = "windrow_row";

/// A column of a table that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, whatever letters it has.
    pub name: String,
    /// DuckDB's name of its type: `VARCHAR`, `BIGINT`, `DECIMAL(9,2)`, `TIMESTAMP WITH TIME ZONE`, `STRUCT(a INTEGER)`, …
    pub ty: String,
}
