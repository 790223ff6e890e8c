//! What databases spell differently where a table is worked as a queue ([`queue`](crate::merge::outside)): moments by their own clock, ids
//! as keys, rows put over others.

use std::time::Duration;

/// How a database whose tables can be queues spells what is done there.
pub(in crate::merge) trait QueueDialect: Sync {
    /// Begins a transaction in which each statement sees what is committed by then, and no lock holds a gap between rows, in which
    /// producers insert.
    fn begin_read_committed(&self) -> &'static str;

    /// Locks rows that are going to be changed, but for their keys: who only refers to them is not kept waiting.
    fn for_update(&self) -> &'static str {
        "FOR UPDATE"
    }

    /// The moment at which the statement runs, by the database's clock.
    fn now(&self) -> &'static str;

    /// The moment that long after now.
    fn after(&self, rest: Duration) -> String;

    /// The seconds from a moment until now.
    fn seconds_since(&self, moment: &str) -> String;

    /// The type of a queue's name or a run's in a key.
    fn name_type(&self) -> &'static str;

    /// The type of a job's key.
    fn key_type(&self) -> &'static str;

    /// What identifies a job as one text, made of the columns of its id: the text of the only one, or a JSON array.
    fn key_of(&self, columns: &[String]) -> String;

    /// A value of an id as it is written into a statement, such that an index finds it; `is_number` says whether the column
    /// holds numbers.
    fn id_literal(&self, text: &str, is_number: bool) -> String;

    /// What stands behind a table's name to find its rows by this index and no other way, which locks no row besides; nothing
    /// where only rows that are found are locked.
    fn by_index(&self, index: &str) -> String;

    /// Deletes the rows of a table that meet the condition and have one of these keys, both of which its primary key is made of,
    /// and locks no other.
    fn delete_by_key(&self, delete: &DeleteByKey<'_>) -> String;

    /// The name of the unique index on all of some columns, or on some of them: the first column of the answer, of the first row.
    fn unique_index_of(&self, id: &str, columns: &[String]) -> String;

    /// Inserts rows, and where a row of a key is there, gives it these columns of the new one, where it meets the condition (in
    /// which `{old}` stands for the table).
    fn put(&self, put: &Put<'_>) -> String;

    /// Whether columns of a type, by its plain name, hold bytes that are no text.
    fn is_binary(&self, _ty: &str) -> bool {
        false
    }

    /// Why the server cannot have queues: a query that answers with complaints; `None` where each that is supported can.
    fn too_old(&self) -> Option<&'static str>;

    /// Why a claim would lock more than it takes: a query that gives the texts of the indexes that begin with these columns;
    /// `None` where claims lock what they take whatever indexes there are.
    fn indexes(&self, id: &str) -> Option<String>;
}

/// Rows that are deleted by their keys.
pub(in crate::merge) struct DeleteByKey<'a> {
    /// Quoted, with its schema.
    pub table: &'a str,
    /// The rest of the primary key, compared with one value.
    pub condition: &'a str,
    /// Quoted.
    pub key: &'a str,
    /// As they are written.
    pub keys: &'a [String],
}

/// Rows that are put into a table, over others.
pub(in crate::merge) struct Put<'a> {
    /// Quoted, with its schema.
    pub table: &'a str,
    /// Quoted; those of the key first.
    pub columns: &'a [String],
    /// How many of them are the key.
    pub key: usize,
    /// Each row's values, as they are written.
    pub rows: &'a [Vec<String>],
    /// What a row that is there has to meet, over `{old}`; else it stays.
    pub only: Option<&'a str>,
}

impl Put<'_> {
    /// `INSERT INTO table AS alias (…) VALUES (…), (…)`.
    pub fn insert(&self, alias: &str) -> String {
        let rows: Vec<String> = self.rows.iter().map(|row| format!("({})", row.join(", "))).collect();
        format!("INSERT INTO {}{alias} ({}) VALUES {}", self.table, self.columns.join(", "), rows.join(", "))
    }

    /// The columns that a row which is there is given.
    pub fn given(&self) -> &[String] {
        &self.columns[self.key..]
    }
}
