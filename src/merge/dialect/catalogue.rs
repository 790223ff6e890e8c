//! What a database is asked of its own tables: queries whose answers have one shape, whichever database it is.
//!
//! A table is known by its `id`, a text that only the catalogue reads: what [`Catalogue::table`] answers goes into other
//! queries as it is. Where an answer is a list, it is a JSON array of texts. A *complaint* is a text for people, about the
//! table unless it says otherwise; no row means that all is well.

use crate::value::Type;

/// What a database knows of its tables.
pub(in crate::merge) trait Catalogue {
    /// Where the server itself cannot take a load: complaints.
    fn unfit_server(&self) -> &'static str;

    /// The table of a name, in the schema where that is said: id, schema, name, kind.
    fn table(&self, schema: Option<&str>, table: &str) -> String;

    /// Why something of this kind cannot be filled; `None` of a table.
    fn no_table(&self, kind: &str) -> Option<&'static str>;

    /// The schema in which a table would be made, as it is spelled there, and where there is none, what was looked through.
    fn schema(&self, schema: Option<&str>) -> String;

    /// A condition: there is such a schema.
    fn has_schema(&self, schema: &str) -> String;

    /// The table's columns in order: name, then those of a [`StandingType`], then whether it takes null, has a default, is
    /// never written, is computed from others.
    fn columns(&self, id: &str) -> String;

    /// What keeps others from altering the table while the catalogue is asked about it, and what lets them again; `None` where a
    /// query sees it as it was before, or as it is afterwards.
    fn hold(&self, _schema: Option<&str>, _table: &str) -> Option<[String; 2]> {
        None
    }

    /// The columns of each unique index that covers all rows: lists.
    fn unique(&self, id: &str) -> String;

    /// Whether rows that come may be [written over](super::Dialect::write_over) those of the table that have their key, of these
    /// columns, not quoted: a unique index on just these compares as they do, and nothing happens to a row that is to be inserted
    /// before another one is found there. `None` where no row is written over.
    fn may_write_over(&self, _id: &str, _key: &[String]) -> Option<String> {
        None
    }

    /// Whether others refer to the table; whether it has rules, which a load of encoded rows passes over; the list of columns
    /// that tell its rows apart, where [`row_id`](super::Dialect::row_id) does not.
    fn further(&self, id: &str) -> String;

    /// The table's size in bytes.
    fn size(&self, table: &str) -> String;

    /// What this user may not do there: queries that answer with complaints, or are refused for want of the right.
    fn missing_rights(&self, wanted: &LoadRights<'_>) -> Vec<String>;

    /// That this user may make no temporary table: a complaint, or a refusal.
    fn may_not_make_temporary(&self) -> String;

    /// That this user may not make a table in the schema, or the schema where there is none: a complaint, or a refusal.
    fn may_not_make_table(&self, schema: &str) -> String;

    /// What keeps columns from being added to the table, what is likelier first.
    fn may_not_add(&self, id: &str, added: &[AddedColumn]) -> Vec<Obstacle>;

    /// The foreign keys that refer to the table and change rows that have them where a row here is deleted: id, name, id and
    /// name of their table, name of the table referred to, what happens, list of columns, list of those referred to, whether
    /// this user may count the rows.
    fn referencing(&self, id: &str) -> String;

    /// What makes [`Catalogue::changes`] count: a query that answers with the statements to be run before anything is changed;
    /// `None` where the database counts by itself.
    fn watch(&self, _id: &str) -> Option<String> {
        None
    }

    /// Rows that this transaction has changed so far: table, whether it is this one or a part of it, rows deleted, rows
    /// updated; `None` where nobody counts them.
    fn changes(&self, id: &str, cause: Cause) -> Option<String>;

    /// Where nobody counts: the names of the table's triggers that change rows when a row of it is deleted or updated.
    fn triggers(&self, _id: &str, _causes: &[Cause]) -> Option<String> {
        None
    }

    /// A constraint or unique index of the table by its name: the list of its columns, the condition of a CHECK.
    fn constraint(&self, table: &str, name: &str) -> String;

    /// A unique index of the table by its name: the list of its expressions, the condition of its rows.
    fn unique_index(&self, table: &str, name: &str) -> String;

    /// The id of a table by its name, quoted: an expression.
    fn id(&self, table: &str) -> String;

    /// How a new table takes the place of another; `None` where that cannot be done in a transaction.
    fn swap(&self) -> Option<&'static Swap>;
}

/// Which statements of ours change rows of other tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::merge) enum Cause {
    Delete,
    Update,
}

/// What a load does to a table.
pub(in crate::merge) struct LoadRights<'a> {
    pub id: &'a str,
    /// As people write it.
    pub table: &'a str,
    /// The columns that the job fills.
    pub filled: &'a [String],
    pub rights: Vec<(&'static str, Right)>,
}

/// A column that a table is to gain.
pub(in crate::merge) struct AddedColumn {
    /// Not quoted.
    pub name: String,
    pub ty: Type,
}

/// What may keep columns from being added.
#[derive(Default)]
pub(in crate::merge) struct Obstacle {
    /// What has to be done before; where that is refused, nothing is asked.
    pub made_by: Option<String>,
    /// A query that answers with complaints, or is refused with one. A refusal since there is such a column already is none: so
    /// a right is tried that is asked for before anything else.
    pub query: String,
}

impl Obstacle {
    /// What can be asked at once.
    pub fn of(query: String) -> Obstacle {
        Obstacle { made_by: None, query }
    }
}

/// Where a right has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::merge) enum Right {
    /// Any column: rows are counted.
    Any,
    /// Each column that the job fills.
    Columns,
    /// The whole table: its lock, and DELETE, know no columns.
    Table,
}

/// The type of a column that stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::merge) struct StandingType {
    /// For people, with its length or digits: `character varying(20)`.
    pub shown: String,
    /// Its plain name; of a domain that of the type it is over.
    pub name: String,
    /// As SQL writes it, without length or digits: a cast to it neither cuts nor rounds.
    pub cast: String,
    pub is_enum: bool,
    /// Its length or digits, as the catalogue has them.
    pub modifier: i32,
    /// Its collation, quoted, where that takes different texts for equal.
    pub collation: Option<String>,
}

/// How values of ours go into a column that stands. In templates `{new}` is the value as it was sent, `{old}` the one that
/// stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::merge) struct Fit {
    /// Whether they can be sent there as they are.
    pub direct: bool,
    /// How.
    pub sent: Sent,
    /// A template: what they are on their way from a staging table, where the database does not convert them by itself, or
    /// compares otherwise than texts.
    pub cast: Option<String>,
    /// Whether values that differ for us may be alike there.
    pub coarse: bool,
    /// A template over the value as it goes in, here `{new}`: the same, but an error where the database would cut it in silence.
    pub guard: Option<String>,
    /// A template: a condition that the two are alike; `None` where they are if they are equal as they go in.
    pub alike: Option<String>,
}

/// How values are sent straight into a column of the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::merge) enum Sent {
    /// As in our own type.
    #[default]
    AsIs,
    /// As jsonb.
    Jsonb,
    /// As a text. One that is longer than so many characters and ends in a blank is not sent: the database might cut it.
    UpTo(usize),
}

/// How a new table takes the place of an old one, in the same transaction. In templates `{old}` and `{new}` are their names,
/// quoted; in queries `$1` and `$2` are their ids.
pub(in crate::merge) struct Swap {
    /// What cannot go along: a query that answers with complaints about `$1`.
    pub obstacles: &'static str,
    /// Makes the new table, without rows.
    pub make: &'static str,
    /// Queries that answer with the statements to be run before the new table has rows.
    pub before_rows: &'static [&'static str],
    /// What lets an INSERT write numbers that the table else makes itself.
    pub with_numbers: &'static str,
    /// Keeps everybody else from the old table.
    pub lock: &'static str,
    /// Queries that answer with the statements to be run when the new table has its rows.
    pub behind_rows: &'static [&'static str],
    /// The same for when the old table is gone; to be asked before.
    pub names: &'static [&'static str],
}
