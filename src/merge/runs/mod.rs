//! `windrow_runs`: the destination's own record of what was published into it.
//!
//! Its row is inserted first in the transaction that publishes, so a rival waits on (or fails at) its key,
//! and it is the only authority on whether a run was published: a merge that was killed after COMMIT, or that
//! never heard the answer to it, finds the row.
//!
//! | `rounds` | the row is of | `blocks` | `on_failure` |
//! |---|---|---|---|
//! | *r*, from 1 | a whole run of *r* rounds | null | as the job said |
//! | -*n* | what was there at the *n*th pause that published anything | [what was committed](super::covered) | all `skip` |
//!
//! In `rejected` are the records that the table refused, and the job let it: an array in JSON. `jobs` is of a batch of a queue
//! ([`queue`](super::outside::queue)): how many jobs are done by it; such rows go after an hour.
//!
//! A claim has -1 rows until they are counted: one that a statement of the job's own has committed too early counts for
//! nothing, and the next claim takes its place.
//!
//! What was published at a pause is known by its blocks and by the digest of their commits, whatever the run's folder
//! says.
//!
//! Here are the statements, in each database's [`Spelling`], and what their answers mean; a database runs them.

pub(super) mod duckdb;

use super::covered::{BlockSet, Covered};
use super::dialect::Spelling;
use super::policy::Policy;
use super::refused::Rejected;
use crate::handoff::{Plan, RefusedRow};
use crate::job::OnFailure;
use crate::value::{Type, Value, spelled};

/// The table's name, unless the job says another.
pub(super) const TABLE: &str = "windrow_runs";

/// Its columns.
pub(super) const COLUMNS: [&str; 11] = [
    "run_id",
    "rounds",
    "job",
    "table_name",
    "digest",
    "rows",
    "published_at",
    "on_failure",
    "blocks",
    "rejected",
    "jobs",
];

/// What tells one publication from another.
pub(super) const KEY: [&str; 3] = ["run_id", "table_name", "rounds"];

/// What stands in `rows` until they are counted.
const NOT_COUNTED: &str = "-1";

/// One publication of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Publication {
    /// What was in it.
    pub covered: Covered,
    /// SHA-256 over the commits that it was made from.
    pub digest: String,
    /// Rows written.
    pub rows: u64,
    /// What a failure did to the rows.
    pub policy: Policy,
    /// What it left out, since the table refused it.
    pub rejected: Rejected,
}

/// The table of runs, and what identifies the publications of a run in it.
pub(super) struct Ledger<'a> {
    pub dialect: &'a dyn Spelling,
    /// The table of runs, with its schema, quoted.
    pub runs: String,
    pub plan: &'a Plan,
    /// The table that the runs were published into.
    pub table: &'a str,
}

impl Ledger<'_> {
    /// The run's publications into the table, as [`Ledger::publication`] reads them.
    pub fn publications(&self) -> String {
        let columns = ["rounds", "digest", "rows", "on_failure", "blocks", "rejected"];
        let columns = columns.map(|name| self.dialect.as_text(&self.dialect.identifier(name)));
        format!(
            "SELECT {} FROM {} AS noted WHERE {} AND {} >= 0 ORDER BY noted.rounds",
            columns.join(", "),
            self.runs,
            self.is_of_run(),
            self.dialect.identifier("rows")
        )
    }

    /// A row of [`Ledger::publications`]. What is unreadable covers nothing, which its digest will not match.
    pub fn publication(&self, row: &[Option<String>]) -> Publication {
        let text = |at: usize| row.get(at).cloned().flatten();
        let number = |at: usize| text(at).and_then(|text| text.parse::<i64>().ok());
        let blocks = || text(4).and_then(|text| BlockSet::parse(&text)).unwrap_or_default();
        Publication {
            covered: match number(0).and_then(|rounds| u32::try_from(rounds).ok()) {
                Some(rounds) => Covered::Rounds(rounds),
                None => Covered::Blocks(blocks()),
            },
            digest: text(1).unwrap_or_default(),
            rows: number(2).unwrap_or_default().unsigned_abs(),
            policy: read_policy(self.plan, &text(3).unwrap_or_default()),
            rejected: text(5).map(|text| read_rejected(&text)).unwrap_or_default(),
        }
    }

    /// Claims a publication beside earlier ones; its rows are counted later. The first statement takes the place of a claim
    /// without rows, or of the same publication, whose rejected records are tried again; the second one is for where there
    /// is none.
    pub fn claim(&self, publication: &Publication, earlier: &[Publication], now_micros: i64) -> [String; 2] {
        let Ledger { dialect, runs, plan, table } = self;
        let blocks = match &publication.covered {
            Covered::Rounds(_) => "NULL".to_owned(),
            Covered::Blocks(blocks) => dialect.text(&blocks.to_string()),
        };
        let now = spelled(&Value::Timestamp(now_micros), Type::Timestamp);
        let values = [
            dialect.text(&plan.run),
            number(publication, earlier).to_string(),
            dialect.text(&plan.job),
            dialect.text(table),
            dialect.text(&publication.digest),
            NOT_COUNTED.to_owned(),
            dialect.moment(&now),
            dialect.text(&write_policy(plan, &publication.policy)),
            blocks,
            write_rejected(&publication.rejected)
                .map_or_else(|| "NULL".to_owned(), |text| dialect.text(&text)),
            "NULL".to_owned(),
        ];
        let names = COLUMNS.map(|name| dialect.identifier(name));
        let set: Vec<String> = names
            .iter()
            .zip(&values)
            .zip(COLUMNS)
            .filter(|(_, name)| !KEY.contains(name))
            .map(|((name, value), _)| format!("{name} = {value}"))
            .collect();
        let is_one = self.is(publication, earlier);
        let is_again = earlier.iter().any(|one| one.covered == publication.covered);
        let unless =
            if is_again { String::new() } else { format!(" AND {} < 0", dialect.identifier("rows")) };
        [
            format!("UPDATE {runs} SET {} WHERE {is_one}{unless}", set.join(", ")),
            format!("INSERT INTO {runs} ({}) VALUES ({})", names.join(", "), values.join(", ")),
        ]
    }

    /// Notes the rows of a claimed publication, and the jobs that are done by it where it is one of a queue.
    pub fn count(
        &self,
        publication: &Publication,
        earlier: &[Publication],
        rows: u64,
        jobs: Option<u64>,
    ) -> String {
        let (column, is_one) = (self.dialect.identifier("rows"), self.is(publication, earlier));
        let jobs =
            jobs.map_or_else(String::new, |jobs| format!(", {} = {jobs}", self.dialect.identifier("jobs")));
        format!("UPDATE {} SET {column} = {rows}{jobs} WHERE {is_one}", self.runs)
    }

    /// A condition: the row is this publication's.
    fn is(&self, publication: &Publication, earlier: &[Publication]) -> String {
        format!("{} AND rounds = {}", self.is_of_run(), number(publication, earlier))
    }

    fn is_of_run(&self) -> String {
        let run = self.dialect.text(&self.plan.run);
        format!("run_id = {run} AND {}", self.dialect.is_table("table_name", self.table))
    }
}

/// Makes a table of runs.
pub(super) fn create(dialect: &dyn Spelling, runs: &str) -> String {
    let (text, key) = (dialect.text_type(), dialect.key_type());
    format!(
        "CREATE TABLE {runs} (run_id {key} NOT NULL, rounds integer NOT NULL, job {text} NOT NULL, \
         table_name {key} NOT NULL, digest {text} NOT NULL, {} bigint NOT NULL, published_at {} NOT NULL, \
         on_failure {text} NOT NULL, blocks {text}, \
         rejected {text}, jobs bigint, PRIMARY KEY ({})){}",
        dialect.identifier("rows"),
        dialect.moment_type(),
        KEY.join(", "),
        dialect.runs_options()
    )
}

/// What a table of these columns lacks to be one of runs.
pub(super) fn lacking(columns: &[String]) -> Option<String> {
    let is_there = |name: &&str| columns.iter().any(|column| column == name);
    let lacking: Vec<&str> = COLUMNS.into_iter().filter(|name| !is_there(name)).collect();
    (!lacking.is_empty()).then(|| lacking.join(", "))
}

/// What stands in `rounds`: part of the key, so that a rival cannot publish the same.
fn number(publication: &Publication, earlier: &[Publication]) -> i64 {
    let is_of_pause = |earlier: &&Publication| matches!(earlier.covered, Covered::Blocks(_));
    match publication.covered {
        Covered::Rounds(rounds) => rounds.into(),
        Covered::Blocks(_) => -1 - earlier.iter().filter(is_of_pause).count() as i64,
    }
}

/// `omdb=skip business=keep`.
fn write_policy(plan: &Plan, policy: &Policy) -> String {
    let word = |policy: &OnFailure| match policy {
        OnFailure::Skip => "skip",
        OnFailure::Null => "null",
        OnFailure::Keep => "keep",
    };
    let endpoints = plan.endpoints.iter().zip(policy.said());
    let pairs = endpoints.map(|(endpoint, policy)| format!("{}={}", endpoint.name, word(policy)));
    pairs.collect::<Vec<_>>().join(" ")
}

/// The rejected rows as a JSON array; `None` where there are none.
fn write_rejected(rejected: &Rejected) -> Option<String> {
    let rows: Vec<&RefusedRow> = rejected.values().collect();
    (!rows.is_empty()).then(|| serde_json::to_string(&rows).unwrap_or_default())
}

/// What is unreadable names no record.
fn read_rejected(text: &str) -> Rejected {
    let rows: Vec<RefusedRow> = serde_json::from_str(text).unwrap_or_default();
    rows.into_iter().map(|row| (row.record, row)).collect()
}

/// An endpoint that is not named there skips its records.
fn read_policy(plan: &Plan, text: &str) -> Policy {
    let said = |name: &str| text.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    Policy::new(plan, |name| match said(name) {
        Some("null") => Some(OnFailure::Null),
        Some("keep") => Some(OnFailure::Keep),
        _ => Some(OnFailure::Skip),
    })
}
