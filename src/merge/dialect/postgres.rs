//! PostgreSQL's SQL, with `standard_conforming_strings`.

use super::Dialect;
use crate::merge::sql;

/// PostgreSQL's SQL.
#[derive(Debug)]
pub(in crate::merge) struct Postgres;

impl Dialect for Postgres {
    fn identifier(&self, name: &str) -> String {
        sql::identifier(name)
    }

    fn text(&self, text: &str) -> String {
        sql::text(text)
    }

    fn text_type(&self) -> &'static str {
        "text"
    }

    fn moment_type(&self) -> &'static str {
        "timestamptz"
    }

    fn is_table(&self, column: &str, name: &str) -> String {
        format!("{column} = {}", self.text(name))
    }
}
