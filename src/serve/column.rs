//! A column of what is served.

/// A column of a table that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, whatever letters it has.
    pub name: String,
    /// DuckDB's name of its type: `VARCHAR`, `BIGINT`, `DECIMAL(9,2)`, `TIMESTAMP WITH TIME ZONE`, `STRUCT(a INTEGER)`, …
    pub ty: String,
}
