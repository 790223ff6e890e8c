//! What databases spell differently: functions from names and values to SQL text.
//!
//! Nothing is asked of a database here, and no function is given the name of one: what is common is written once, in terms
//! of these, and a further database is a further file.
//!
//! | file | database |
//! |---|---|
//! | `duckdb.rs` | DuckDB |
//! | `postgres.rs` | PostgreSQL |

mod duckdb;
mod postgres;

pub(super) use self::duckdb::DuckDb;
pub(super) use self::postgres::Postgres;

/// How a database spells what all of them are asked.
pub(super) trait Dialect: Sync {
    /// A name, quoted: any name at all, case kept.
    fn identifier(&self, name: &str) -> String;

    /// A text as a literal.
    fn text(&self, text: &str) -> String;

    /// The type of a text, which may be part of a key.
    fn text_type(&self) -> &'static str;

    /// The type of a moment, with microseconds.
    fn moment_type(&self) -> &'static str;

    /// A condition: what stands in the column is the table's name, as this database tells tables apart.
    fn is_table(&self, column: &str, name: &str) -> String;

    /// An expression as text.
    fn as_text(&self, expression: &str) -> String {
        format!("CAST({expression} AS {})", self.text_type())
    }
}
