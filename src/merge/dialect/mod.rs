//! What databases spell differently: functions from names and values to SQL text.
//!
//! Nothing is asked of a database here, and no function is given the name of one: what is common is written once, in terms
//! of these, and a further database is a further file.
//!
//! | trait | is about | database |
//! |---|---|---|
//! | [`Spelling`] | names and values | all |
//! | [`Dialect`] | types, rows on their way, statements | all but DuckDB, [outside](super::outside) of this process |
//! | [`Catalogue`] | what a database knows of its tables | the same |
//!
//! In statements `old` is a row of the table, `new` one of the run.

mod arrays;
mod catalogue;
mod duckdb;
mod mysql;
mod postgres;
mod queue;
mod sqlite;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ::duckdb::arrow::array::StructArray;
use bytes::BytesMut;

pub(super) use self::catalogue::{
    AddedColumn, Catalogue, Cause, Fit, LoadRights, Obstacle, Right, Sent, StandingType, Swap,
};
pub(super) use self::duckdb::DuckDb;
use self::mysql::MySql;
use self::postgres::Postgres;
pub(super) use self::queue::{DeleteByKey, Put, QueueDialect};
use self::sqlite::Sqlite;
use crate::database::Session;
use crate::job::{Destination, ServerKind};
use crate::merge::sql;
use crate::value::{Field, Type};

/// What to do where a column of bytes is to be filled by something else.
pub(super) const TAKE_BLOB: &str =
    ": bytes are filled by a column of type = \"blob\", whose format is \"base64\" or \"hex\"";

/// How a database spells names and values.
pub(super) trait Spelling: Sync {
    /// A name, quoted: any name at all, case kept.
    fn identifier(&self, name: &str) -> String {
        sql::identifier(name)
    }

    /// A text as a literal.
    fn text(&self, text: &str) -> String {
        sql::text(text)
    }

    /// The type of a text.
    fn text_type(&self) -> &'static str;

    /// The type of a text that is part of a key.
    fn key_type(&self) -> &'static str {
        self.text_type()
    }

    /// The type of a moment, with microseconds.
    fn moment_type(&self) -> &'static str;

    /// Whether two names are one column's.
    fn is_same_column(&self, one: &str, other: &str) -> bool {
        one.eq_ignore_ascii_case(other)
    }

    /// A moment, as [`spelled`](crate::value::spelled) spells it, as a value.
    fn moment(&self, text: &str) -> String {
        format!("CAST({} AS {})", self.text(text), self.moment_type())
    }

    /// A condition: what stands in the column is the table's name, as this database tells tables apart.
    fn is_table(&self, column: &str, name: &str) -> String;

    /// What stands behind the columns of a table of runs.
    fn runs_options(&self) -> &'static str {
        ""
    }

    /// Bytes as text: two hexadecimal digits for each.
    fn as_hex(&self, bytes: &str) -> String {
        sql::as_hex(bytes)
    }

    /// An expression as text.
    fn as_text(&self, expression: &str) -> String {
        format!("CAST({expression} AS {})", self.text_type())
    }
}

/// How a database outside of this process spells what a load does there.
pub(super) trait Dialect: Spelling + Catalogue {
    /// The type of a column of a table that is made.
    fn column_type(&self, ty: Type) -> String;

    /// The same of a column of its key, which has so many.
    fn key_column_type(&self, ty: Type, columns: usize) -> String {
        let _ = columns;
        self.column_type(ty)
    }

    /// Adds a column to a table that is there, of the type that it would have in one that is made.
    fn add_column(&self, table: &str, column: &str, ty: Type) -> String {
        format!("ALTER TABLE {table} ADD COLUMN {column} {}", self.column_type(ty))
    }

    /// What stands behind the columns of a table that is made.
    fn table_options(&self) -> &'static str {
        ""
    }

    /// The type of a column of a temporary table: what rows are encoded for. `standing` is that of the table's own column,
    /// `sought` says whether rows are looked for by it.
    fn staged_type(&self, ty: Type, standing: Option<&StandingType>, sought: bool) -> String;

    /// The types of a key's columns in a temporary table in which rows lie by their key: it finds the same alike as the table,
    /// whose unique index is of these. `None` where rows cannot lie so, or need not.
    fn staged_key_types(&self, _key: &[&StandingType]) -> Option<Vec<String>> {
        None
    }

    /// Whether values of a type that a column finds alike may differ all the same: in capitals, say.
    fn may_differ(&self, _ty: Type, _standing: &StandingType) -> bool {
        true
    }

    /// A condition: of two values that are alike each byte is the same.
    fn is_same(&self, one: &str, other: &str) -> String {
        format!("{one} = {other}")
    }

    /// How values of a type go into a column that stands; `None` where they do not, or not unchanged.
    fn fit(&self, ty: Type, standing: &StandingType) -> Option<Fit>;

    /// What to do where they do not: words to stand behind what is said of the two types, or none.
    fn unfit_hint(&self, _ty: Type, _standing: &StandingType) -> &'static str {
        ""
    }

    /// What encoded rows begin with.
    fn header(&self) -> &'static [u8] {
        &[]
    }

    /// What encoded rows end with.
    fn trailer(&self) -> &'static [u8] {
        &[]
    }

    /// Appends the rows of a batch, encoded; `sent` says of each column how it goes straight into the table, and is empty
    /// where rows go elsewhere.
    fn encode(&self, batch: &StructArray, sent: &[Sent], out: &mut BytesMut) -> Result<(), Unsendable>;

    /// Makes values of what their encoding is there, in a temporary table that has its rows; `None` where they are values.
    fn decode_staged(&self, _table: &str, _fields: &[Field]) -> Option<String> {
        None
    }

    /// Begins a transaction.
    fn begin(&self) -> &'static str;

    /// Begins a transaction that only reads, also where nothing can be written.
    fn begin_reading(&self) -> &'static str;

    /// What holds in this transaction only, whatever the server, the user or a statement of the job's own say.
    fn settings(&self) -> &'static str;

    /// Waits until no other transaction has this word, and has it until this one ends.
    fn wait_for_rivals(&self, word: &str) -> String;

    /// Keeps others from writing into the table until the transaction ends; `None` where what the transaction reads and
    /// begins with does so.
    fn lock(&self, table: &str) -> Option<String>;

    /// Bounds how long a statement of this transaction waits for a lock; `None` where none of them does.
    fn wait_for_locks(&self, _longest: Duration) -> Option<String> {
        None
    }

    /// Lets the statements that follow wait as long as before; `None` where [`Dialect::wait_for_locks`] has none.
    fn wait_as_before(&self) -> Option<&'static str> {
        None
    }

    /// Bounds how long a statement of this transaction takes; `None` where nothing does.
    fn take_at_most(&self, _longest: Duration) -> Option<String> {
        None
    }

    /// Notes what of the table does not hold before rows are written; `None` where [`Dialect::check_constraints_now`] need not
    /// know.
    fn note_constraints(&self, _table: &str) -> Option<String> {
        None
    }

    /// Looks now at what is else looked at when the transaction ends; `None` where there is no such thing.
    fn check_constraints_now(&self, _table: &str) -> Option<String> {
        None
    }

    /// The name of a temporary table.
    fn temporary(&self, name: &str) -> String;

    /// Makes a temporary table, which goes with the transaction, or with the connection.
    fn make_temporary(&self, table: &Temporary<'_>) -> String;

    /// Makes a temporary table of the rows of a SELECT; one of that name that is there goes. `sought` are columns by which
    /// rows are looked for.
    fn keep_temporary(&self, name: &str, sought: &[Vec<String>], select: &str) -> String;

    /// Makes an index on columns, or expressions, of a temporary table that is whole; `None` where it was made with the table,
    /// or statements find their rows without.
    fn index_temporary(&self, _name: &str, _columns: &str) -> Option<String> {
        None
    }

    /// Counts what is in a temporary table, for the plans of later statements; `None` where they need no counts.
    fn analyze(&self, _table: &str) -> Option<String> {
        None
    }

    /// What tells one row of a table from all others while nothing is written; nothing where only keys do.
    fn row_id(&self, alias: &str) -> Vec<String>;

    /// By what rows of a table are in the order in which they lie there; `None` where they lie in the order of a key.
    fn place(&self, _alias: &str) -> Option<String> {
        None
    }

    /// Updates rows, `old`, of the table from what stands behind `from`: each column, quoted, and its value.
    fn update(&self, table: &str, set: &[(String, String)], from: &str, condition: &str) -> String;

    /// The same from a table in which rows lie by their key: the database goes through that one, and looks its rows up, or
    /// along the whole table, whose rows it updates as it comes past.
    fn update_by_key(
        &self,
        table: &str,
        set: &[(String, String)],
        from: &str,
        condition: &str,
        _along: bool,
    ) -> String {
        self.update(table, set, from, condition)
    }

    /// A condition on `new`, a row of a temporary table: no row, `old`, of the table is such.
    fn meets_none(&self, table: &str, _temporary: &str, condition: &str) -> String {
        format!("NOT EXISTS (SELECT 1 FROM {table} AS old WHERE {condition})")
    }

    /// Deletes rows, `old`, of the table.
    fn delete(&self, table: &str, condition: &str) -> String;

    /// Deletes of the rows of a table that meet a condition all that have the same key as one before them in this order:
    /// statements, of which the last one deletes.
    fn delete_twins(&self, twins: &Twins<'_>) -> Vec<String>;

    /// Counts the rows that have the key of another one; `None` where that is no faster than to look for them.
    fn count_twins(&self, _: &Twins<'_>) -> Option<String> {
        None
    }

    /// Whether rows that go straight into a table come one by one, each by a statement of its own: then their values are made
    /// what the table takes on the way, and a reference of one row to a later one does not hold yet.
    fn loads_row_by_row(&self) -> bool {
        false
    }

    /// What stands behind the values of a row that goes straight into a table, and over the one that has its key there, of
    /// which these columns, quoted, get its values; `None` where no row does.
    fn write_over(&self, _key: &[String], _columns: &[String]) -> Option<String> {
        None
    }

    /// Counts the rows that were written over so far.
    fn count_written_over(&self) -> &'static str {
        "SELECT 0"
    }

    /// Whether a load changes values, or leaves rows out, to be able to go on, and tells it when it has ended
    /// ([`Misread`](crate::database::Trouble::Misread)): what goes straight into a table may have to be staged then.
    fn loads_leniently(&self) -> bool {
        false
    }

    /// Whether a table can be made, or be given columns, within a transaction. Where it cannot, that is done before, and stays if
    /// the transaction is undone.
    fn makes_tables_in_transaction(&self) -> bool {
        true
    }

    /// How its tables are worked as queues; `None` where they are not.
    fn queue(&self) -> Option<&'static dyn QueueDialect> {
        None
    }
}

/// A temporary table. Names are quoted.
pub(super) struct Temporary<'a> {
    pub name: &'a str,
    /// Each with its type.
    pub columns: &'a [(String, String)],
    /// The columns that tell its rows apart; none where nothing does.
    pub identity: &'a [String],
    /// Whether they do so all the time: no statement of the job's own changes them.
    pub is_unique: bool,
    /// The columns by which its rows are looked for.
    pub sought: &'a [String],
}

/// Rows that may have one key.
pub(super) struct Twins<'a> {
    pub table: &'a str,
    /// What tells its rows apart.
    pub identity: &'a [String],
    /// The table's name in what follows.
    pub alias: &'a str,
    /// Expressions, with commas.
    pub key: &'a str,
    /// The first in this order stays.
    pub order: &'a str,
    pub condition: &'a str,
}

/// Why a value cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsendable {
    /// Its place among the columns.
    pub column: usize,
    /// Its row in the batch.
    pub row: usize,
    pub why: String,
}

/// All of them, by the names that people know them by.
pub(super) fn every_dialect() -> [(&'static str, &'static dyn Dialect); 3] {
    [("PostgreSQL", &Postgres), ("MariaDB, MySQL", &MySql), ("SQLite", &Sqlite)]
}

/// The dialect of a destination outside of this process.
pub(super) fn of_destination(to: &Destination) -> Option<&'static dyn Dialect> {
    match to {
        Destination::Server(url) => Some(match url.kind() {
            ServerKind::Postgres => &Postgres,
            ServerKind::MySql => &MySql,
        }),
        Destination::Sqlite(_) => Some(&Sqlite),
        Destination::DuckDb(_) | Destination::Parquet(_) | Destination::Csv(_) => None,
    }
}

/// The dialect of a database.
pub(super) fn of(session: &Session) -> &'static dyn Dialect {
    match session {
        Session::Postgres(_) => &Postgres,
        Session::MySql(_) => &MySql,
        Session::Sqlite(_) => &Sqlite,
    }
}
