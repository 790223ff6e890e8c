//! What a load fills.

use std::fmt;

/// A table, and the columns of it that a load fills.
#[derive(Debug, Clone, Copy)]
pub struct LoadInto<'a> {
    /// The table, quoted.
    pub table: &'a str,
    /// The columns in brackets, quoted; nothing where these are all.
    pub columns: &'a str,
    /// What becomes of the values of a row on their way, with commas: `?` stands for each. Nothing where they are sent as they are.
    pub values: Option<&'a str>,
    /// What stands behind the values of each row, where it is written over one that stands.
    pub over: Option<&'a str>,
}

impl fmt::Display for LoadInto<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.table, self.columns)
    }
}
