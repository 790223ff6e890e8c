//! `[table]` and `[publish]` as written.

use super::at::At;
use super::fields::{Fields, Present};
use super::forms::{Named, Names};
use super::leaf::{Count, Ratio, Share};
use super::section::section;
use super::statement::{After, Before};
use super::word::{Choice, Word};
use crate::job::table::{Mode, OnNewColumn, OnPause, OnReferencing, OnUnlisted, Stamp};

section! {
    /// `[table]`
    "[table]";
    Table {
        /// Where the rows go: `duckdb:`, `sqlite:`, `parquet:` or `csv:` and the path of a file, relative to this file, or
        /// `postgres://user:${PASSWORD}@host:5432/database`, `mysql://user:${PASSWORD}@host:3306/database`.
        #[schemars(required, regex(pattern = "^(duckdb:|sqlite:|parquet:|csv:|(postgres(ql)?|mysql|mariadb)://).+"))]
        to: String = "add to = \"duckdb:….duckdb\" or \"postgres://…\"",
        /// The table: `name` or `schema.name`; what holds a point stands in quotes, as in SQL. It is created where it does not
        /// exist. Default the job's name.
        #[schemars(length(min = 1))]
        name: String,
        /// How rows meet what the table holds: `append` adds them, `upsert` replaces rows of the same key and adds the
        /// others, `replace` replaces the whole table, `replace_ids` replaces all rows of each id that was answered. Default
        /// `upsert`; a job whose ids may have several rows (`rows`, `on_duplicate = "keep"`) says which.
        mode: Word<Mode>,
        /// What becomes of rows whose id the list no longer has: they stay (`keep`, default), or with `upsert` and
        /// `replace_ids` `delete` removes them.
        on_unlisted: Word<OnUnlisted>,
        /// The column, or columns, that identify a row, as `upsert` and `on_failure = "keep"` need it. Default for `upsert` the
        /// id, where an id has one row; for `replace_ids` it always is.
        key: Names,
        /// Further columns, filled with facts of the run: `record.fetched_at`, `record.ordinal`, `run.id`, `run.started_at`,
        /// `run.day`. All but the first may be in the key.
        stamp: Named<Word<Stamp>>,
        /// The table in which the runs themselves are noted, `name` or `schema.name`, where it is not `windrow_runs` beside
        /// the table; for servers and SQLite.
        #[schemars(length(min = 1))]
        runs_table: String,
        /// Whether `mode = "replace"` makes a new table that takes the old one's name, instead of exchanging its rows. Default
        /// false; for PostgreSQL.
        swap: bool,
        /// What becomes of rows of other tables that refer to a row which is deleted (or updated), where their foreign keys say
        /// ON DELETE CASCADE, SET NULL or SET DEFAULT: with `fail` (default) nothing does, and the run is not published; `null`
        /// lets the references be taken away, `delete` also lets those rows be deleted. For servers and SQLite.
        on_referencing: Word<OnReferencing>,
        /// What becomes of columns of the job that a table which is there does not have: with `fail` (default) nothing is asked
        /// or published; `add` adds them (ALTER TABLE), of the types that a new table would have, and rows that are there have
        /// no value in them. Columns of the key are never added. A file that is replaced as a whole needs neither.
        on_new_column: Word<OnNewColumn>,
        /// The column, or columns, by whose values a folder of Parquet files is divided.
        partition_by: Names,
        ..
        /// The keys that are there, right or wrong.
        #[schemars(skip)]
        present: Present = Fields::present,
    }
}

impl Table {
    /// How rows meet what the table holds, if that was right.
    pub(in crate::job) fn mode(&self) -> Option<Mode> {
        self.mode.as_ref().map(|mode| mode.value.0)
    }
}

impl Choice for Mode {
    const WORDS: &'static [(&'static str, Mode)] = &[
        ("append", Mode::Append),
        ("upsert", Mode::Upsert),
        ("replace", Mode::Replace),
        ("replace_ids", Mode::ReplaceIds),
    ];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["merge", "update", "scd1", "append_dedup"], "write \"upsert\""),
        (
            &[
                "overwrite",
                "truncate",
                "truncate_insert",
                "full",
                "full_refresh",
                "table",
                "recreate",
                "drop_and_create",
            ],
            "write \"replace\"",
        ),
        (&["insert", "append_only", "add", "incremental"], "write \"append\""),
        (&["delete+insert", "delete_insert", "insert_overwrite", "merge_replace"], "write \"replace_ids\""),
    ];
}

impl Choice for OnUnlisted {
    const WORDS: &'static [(&'static str, OnUnlisted)] =
        &[("keep", OnUnlisted::Keep), ("delete", OnUnlisted::Delete)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["remove", "drop", "hard_delete"], "write \"delete\""),
        (&["ignore", "none", "nothing"], "write \"keep\""),
    ];
}

impl Choice for OnReferencing {
    const WORDS: &'static [(&'static str, OnReferencing)] =
        &[("fail", OnReferencing::Fail), ("null", OnReferencing::Null), ("delete", OnReferencing::Delete)];
}

impl Choice for OnNewColumn {
    const WORDS: &'static [(&'static str, OnNewColumn)] =
        &[("fail", OnNewColumn::Fail), ("add", OnNewColumn::Add)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (
            &[
                "evolve",
                "append",
                "append_new_columns",
                "sync_all_columns",
                "propagate_columns",
                "alter",
                "allow_field_addition",
                "basic",
                "yes",
            ],
            "write \"add\"",
        ),
        (&["freeze", "none", "error", "reject", "forbid", "no"], "write \"fail\""),
        (
            &["ignore", "discard_value", "discard_row", "skip", "drop"],
            "leave the column out of the job, and write \"fail\"",
        ),
    ];
}

impl Choice for Stamp {
    const WORDS: &'static [(&'static str, Stamp)] = &[
        ("record.fetched_at", Stamp::FetchedAt),
        ("record.ordinal", Stamp::Ordinal),
        ("run.id", Stamp::RunId),
        ("run.started_at", Stamp::RunStartedAt),
        ("run.day", Stamp::RunDay),
    ];
}

section! {
    /// `[publish]`
    "[publish]";
    Publish {
        /// Share of the ids, 0 to 1, that must have been answered by every endpoint; an id that is missing there counts
        /// as answered. 0 is no condition. Default: one id where publishing only adds; 0.9, and a row from an answer, where it
        /// takes something away (`replace`, `replace_ids`, `on_unlisted = "delete"`; `upsert` with `on_failure = "null"`: 0.9).
        min_success: Share,
        /// What becomes of what there is when a quota makes a run pause: `wait` publishes nothing before all is there
        /// (default); with `append` and `upsert`, `publish` publishes it.
        on_pause: Word<OnPause>,
        /// Most ids that may have failed.
        max_failed: Count<0, MOST>,
        /// With `upsert`: most rows that may be left out because a later one of the run has the same key.
        max_duplicates: Count<0, MOST>,
        /// Most ids whose rows the table may refuse (a value too long, a CHECK, a foreign key): they are left out, `windrow
        /// failures` names them, and the rest is published. Default: 0, one that is refused keeps the run from being published.
        max_rejected: Count<0, MOST_REJECTED>,
        /// Fewest rows that the run must bring.
        min_rows: Count<0, MOST>,
        /// Most that the number of the table's rows may change by, as a share of what it is now: 0.1 for a tenth.
        max_change: Ratio,
        /// Statements before the rows are written, in the same transaction, each written as `[[publish.before]]`.
        before: Vec<At<Before>>,
        /// Statements after the rows are written, in the same transaction, each written as `[[publish.after]]`.
        after: Vec<At<After>>,
    }
}

/// Most ids or rows that a condition may name: more than any run has.
const MOST: u64 = 1_000_000_000_000;

/// Most records that a table may refuse: each is looked for, and noted with the run.
const MOST_REJECTED: u64 = 10_000;

impl Choice for OnPause {
    const WORDS: &'static [(&'static str, OnPause)] =
        &[("wait", OnPause::Wait), ("publish", OnPause::Publish)];

    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[
        (&["each_pause", "yes", "now"], "write \"publish\""),
        (&["finished", "end", "no"], "write \"wait\""),
    ];
}
