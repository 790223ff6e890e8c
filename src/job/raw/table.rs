//! `[table]` and `[publish]` as written.

use schemars::JsonSchema;

use super::at::At;
use super::fields::{Fields, Present, Section};
use super::forms::{Named, Names};
use super::leaf::{Count, Ratio, Share};
use super::word::{Choice, Word};
use crate::job::table::{Gone, Mode, OnReferencing, PublishWhen, Stamp};

/// `[table]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Table {
    /// Where the rows go: `duckdb:`, `parquet:` or `csv:` and the path of a file, relative to this file, or
    /// `postgres://user:${PASSWORD}@host:5432/database`.
    #[schemars(required, regex(pattern = "^(duckdb:|parquet:|csv:|postgres(ql)?://).+"))]
    pub to: Option<At<String>>,
    /// The table: `name` or `schema.name`; what holds a point stands in quotes, as in SQL. It is created where it does not
    /// exist. Of a Parquet or CSV file it may be left out, and is the job's name then.
    #[schemars(length(min = 1))]
    pub name: Option<At<String>>,
    /// How rows meet what the table holds: `append` adds them, `upsert` replaces rows of the same key and adds the
    /// others, `replace` replaces the whole table, `replace_ids` replaces all rows of each id that was answered.
    #[schemars(required)]
    pub mode: Option<At<Word<Mode>>>,
    /// What becomes of rows whose id the list no longer has: they stay (`keep`, default), or with `upsert` and
    /// `replace_ids` `delete` removes them.
    pub gone: Option<At<Word<Gone>>>,
    /// The column, or columns, that identify a row; required for `upsert` and for `on_failure = "keep"`. With
    /// `replace_ids` it is the id.
    pub key: Option<At<Names>>,
    /// Further columns, filled with facts of the run: `record.fetched_at`, `record.ordinal`, `run.id`, `run.started_at`,
    /// `run.day`. All but the first may be in the key.
    pub stamp: Option<At<Named<Word<Stamp>>>>,
    /// The table in which the runs themselves are noted, `name` or `schema.name`, where it is not `windrow_runs` beside
    /// the table; for PostgreSQL.
    #[schemars(length(min = 1))]
    pub runs_table: Option<At<String>>,
    /// How `mode = "replace"` replaces: `swap` makes a new table that takes the old one's name, instead of exchanging
    /// its rows; for PostgreSQL.
    pub replace: Option<At<Word<Replace>>>,
    /// What becomes of rows of other tables that refer to a row which is deleted (or updated), where their foreign keys say
    /// ON DELETE CASCADE, SET NULL or SET DEFAULT: with `fail` (default) nothing does, and the run is not published; `null`
    /// lets the references be taken away, `delete` also lets those rows be deleted. For PostgreSQL.
    pub on_referencing: Option<At<Word<OnReferencing>>>,
    /// The column, or columns, by whose values a folder of Parquet files is divided.
    pub partition_by: Option<At<Names>>,
    /// The keys that are there, right or wrong.
    #[schemars(skip)]
    pub present: Present,
}

impl Section for Table {
    const TITLE: &'static str = "[table]";

    fn read(fields: &mut Fields<'_>) -> Table {
        Table {
            to: fields.required("to", "add to = \"duckdb:….duckdb\" or \"postgres://…\""),
            name: fields.optional("name"),
            mode: fields
                .required("mode", "add mode = \"append\", \"upsert\", \"replace\" or \"replace_ids\""),
            gone: fields.optional("gone"),
            key: fields.optional("key"),
            stamp: fields.optional("stamp"),
            runs_table: fields.optional("runs_table"),
            replace: fields.optional("replace"),
            on_referencing: fields.optional("on_referencing"),
            partition_by: fields.optional("partition_by"),
            present: fields.present(),
        }
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
}

/// How a table is replaced.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) enum Replace {
    /// By a new table of its name.
    Swap,
}

impl Choice for Replace {
    const WORDS: &'static [(&'static str, Replace)] = &[("swap", Replace::Swap)];
}

impl Choice for Gone {
    const WORDS: &'static [(&'static str, Gone)] = &[("keep", Gone::Keep), ("delete", Gone::Delete)];
}

impl Choice for OnReferencing {
    const WORDS: &'static [(&'static str, OnReferencing)] =
        &[("fail", OnReferencing::Fail), ("null", OnReferencing::Null), ("delete", OnReferencing::Delete)];
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

/// `[publish]`
#[derive(Debug, Clone, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::job) struct Publish {
    /// Share of the ids, 0 to 1, that must have been answered by every endpoint; an id that is missing there counts
    /// as answered. 0 is no condition. Default: one id where publishing only adds; 0.9, and a row from an answer, where it
    /// takes something away (`replace`, `replace_ids`, `gone = "delete"`; `upsert` with `on_failure = "null"`: 0.9).
    pub min_success: Option<At<Share>>,
    /// When a run is published: when it is `finished` (default), or with `append` and `upsert` also what there is at
    /// `each_pause` that a quota makes.
    pub when: Option<At<Word<PublishWhen>>>,
    /// Most ids that may have failed.
    pub max_failed: Option<At<Count<0, MOST>>>,
    /// With `upsert`: most rows that may be left out because a later one of the run has the same key.
    pub max_duplicates: Option<At<Count<0, MOST>>>,
    /// Fewest rows that the run must bring.
    pub min_rows: Option<At<Count<0, MOST>>>,
    /// Most that the number of the table's rows may change by, as a share of what it is now: 0.1 for a tenth.
    pub max_change: Option<At<Ratio>>,
}

/// Most ids or rows that a condition may name: more than any run has.
const MOST: u64 = 1_000_000_000_000;

impl Section for Publish {
    const TITLE: &'static str = "[publish]";

    fn read(fields: &mut Fields<'_>) -> Publish {
        Publish {
            min_success: fields.optional("min_success"),
            when: fields.optional("when"),
            max_failed: fields.optional("max_failed"),
            max_duplicates: fields.optional("max_duplicates"),
            min_rows: fields.optional("min_rows"),
            max_change: fields.optional("max_change"),
        }
    }
}

impl Choice for PublishWhen {
    const WORDS: &'static [(&'static str, PublishWhen)] =
        &[("finished", PublishWhen::Finished), ("each_pause", PublishWhen::EachPause)];
}
