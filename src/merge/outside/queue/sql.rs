//! The statements of a queue, as texts.
//!
//! Jobs are locked before claims, in every transaction: the other order makes deadlocks. The job's own conditions name its
//! columns without a table, or with the table's name: so the table has no alias.

use std::time::Duration;

use super::tables::QueueTables;
use crate::job::Queue;
use crate::merge::dialect::{DeleteByKey, Dialect, Put, QueueDialect};

/// What the statements are made of.
#[derive(Clone, Copy)]
pub(in crate::merge) struct QueueSql<'a> {
    pub dialect: &'static dyn Dialect,
    pub own: &'static dyn QueueDialect,
    pub tables: &'a QueueTables,
    pub queue: &'a Queue,
}

/// A job as statements name it.
#[derive(Debug, Clone, Copy)]
pub(in crate::merge) struct JobId<'a> {
    pub key: &'a str,
    /// The columns of its id, as the database prints them.
    pub id: &'a [String],
}

/// A claim as a settlement leaves it: the job rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct Rest<'a> {
    pub key: &'a str,
    pub attempts: u32,
    pub rest: Duration,
    pub kind: Option<&'a str>,
    pub detail: Option<&'a str>,
}

/// A job that has failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct Death<'a> {
    pub key: &'a str,
    pub attempts: u32,
    pub kind: &'a str,
    pub detail: &'a str,
}

impl QueueSql<'_> {
    fn name(&self, name: &str) -> String {
        self.dialect.identifier(name)
    }

    fn text(&self, text: &str) -> String {
        self.dialect.text(text)
    }

    fn texts<'t>(&self, texts: impl Iterator<Item = &'t str>) -> String {
        texts.map(|text| self.text(text)).collect::<Vec<_>>().join(", ")
    }

    /// A condition: the row of one of our tables is of this queue.
    pub fn of_queue(&self) -> String {
        format!("{} = {}", self.name("queue"), self.text(&self.tables.name))
    }

    /// A column of the jobs' table.
    pub fn column(&self, name: &str) -> String {
        format!("{}.{}", self.name(&self.tables.jobs_table), self.name(name))
    }

    /// What a job is known by.
    pub fn key(&self) -> String {
        let id: Vec<String> = self.tables.id().iter().map(|name| self.column(name)).collect();
        self.own.key_of(&id)
    }

    /// The columns that a run reads of a job.
    fn read(&self) -> String {
        self.tables.columns.iter().map(|name| self.column(name)).collect::<Vec<_>>().join(", ")
    }

    /// The same without a row: what the columns are.
    pub fn nothing(&self) -> String {
        format!("SELECT {} FROM {} WHERE 1 = 0", self.read(), self.tables.jobs)
    }

    /// A condition: nobody has the job, and it does not rest.
    pub fn unclaimed(&self) -> String {
        let (key, until) = (self.name("key"), self.name("until"));
        format!(
            "NOT EXISTS (SELECT 1 FROM {} AS windrow_claim WHERE windrow_claim.{} = {} AND windrow_claim.{key} = {} \
             AND windrow_claim.{until} > {})",
            self.tables.claims,
            self.name("queue"),
            self.text(&self.tables.name),
            self.key(),
            self.own.now()
        )
    }

    /// In which order jobs are taken.
    pub fn order(&self) -> String {
        let id = || self.tables.id().iter().map(|name| self.column(name)).collect::<Vec<_>>().join(", ");
        self.queue.order.clone().unwrap_or_else(id)
    }

    /// The next jobs that wait and nobody has, locked: key, then what a run reads. The key has a name of its own: `id` in the
    /// order would else be either, or the key, which is text.
    pub fn next(&self, most: u64) -> String {
        format!(
            "SELECT {} AS windrow_key, {} FROM {} WHERE ({}) AND {} ORDER BY {} LIMIT {most} {} SKIP LOCKED",
            self.key(),
            self.read(),
            self.tables.jobs,
            self.queue.condition,
            self.unclaimed(),
            self.order(),
            self.own.for_update()
        )
    }

    /// Claims jobs for a run, unless somebody has them.
    pub fn claim<'k>(&self, run: &str, keys: impl Iterator<Item = &'k str>) -> String {
        let until = self.own.after(self.queue.lease);
        let row =
            |key: &str| vec![self.text(&self.tables.name), self.text(key), self.text(run), until.clone()];
        let rows: Vec<Vec<String>> = keys.map(row).collect();
        let free = format!("{{old}}.{} <= {}", self.name("until"), self.own.now());
        self.own.put(&Put {
            table: &self.tables.claims,
            // Last the one that the condition is about: a database may see what the statement has changed already.
            columns: &["queue", "key", "run", "until"].map(|name| self.name(name)),
            key: 2,
            rows: &rows,
            only: Some(&free),
        })
    }

    /// The claims that a run has: key, attempts.
    pub fn claimed(&self, run: &str) -> String {
        format!(
            "SELECT {}, {} FROM {} WHERE {} AND {} = {}",
            self.name("key"),
            self.name("attempts"),
            self.tables.claims,
            self.of_queue(),
            self.name("run"),
            self.text(run)
        )
    }

    /// Makes the lease of a run as long as it was. By the same index as a settlement, which would wait for one that came by another
    /// and has it wait.
    pub fn renew(&self, run: &str) -> String {
        format!(
            "UPDATE {}{} SET {} = {} WHERE {} AND {} = {}",
            self.tables.claims,
            self.own.by_index("PRIMARY"),
            self.name("until"),
            self.own.after(self.queue.lease),
            self.of_queue(),
            self.name("run"),
            self.text(run)
        )
    }

    /// How many publications of a run there are, of those that were counted.
    pub fn settled(&self, run: &str) -> String {
        format!(
            "SELECT count(*) FROM {} WHERE {} = {} AND {} >= 0",
            self.tables.runs,
            self.name("run_id"),
            self.text(run),
            self.name("rows")
        )
    }

    /// Gives up what a run has: jobs that never failed lose their claims, the others rest no longer.
    pub fn release(&self, run: &str) -> [String; 2] {
        let of_run = format!("{} AND {} = {}", self.of_queue(), self.name("run"), self.text(run));
        [
            format!("DELETE FROM {} WHERE {of_run} AND {} = 0", self.tables.claims, self.name("attempts")),
            format!(
                "UPDATE {} SET {} = '', {} = {} WHERE {of_run}",
                self.tables.claims,
                self.name("run"),
                self.name("until"),
                self.own.now()
            ),
        ]
    }

    /// A condition: the row is one of these jobs. By the columns of the id, which an index has, and by the key, which is exact.
    pub fn is_one_of(&self, jobs: &[JobId<'_>]) -> String {
        let literal = |at: usize, job: &JobId<'_>| {
            let text = job.id.get(at).map_or("", String::as_str);
            self.own.id_literal(text, self.tables.is_number(at))
        };
        let found = match self.tables.id() {
            [only] => {
                let values: Vec<String> = jobs.iter().map(|job| literal(0, job)).collect();
                format!("{} IN ({})", self.column(only), values.join(", "))
            }
            several => {
                let is = |job: &JobId<'_>| {
                    let columns = several.iter().enumerate();
                    let parts =
                        columns.map(|(at, name)| format!("{} = {}", self.column(name), literal(at, job)));
                    format!("({})", parts.collect::<Vec<_>>().join(" AND "))
                };
                format!("({})", jobs.iter().map(is).collect::<Vec<_>>().join(" OR "))
            }
        };
        let keys = self.texts(jobs.iter().map(|job| job.key));
        format!("{found} AND {} IN ({keys})", self.key())
    }

    /// The jobs, found by the index of their ids.
    pub fn jobs_by_index(&self) -> String {
        format!("{}{}", self.tables.jobs, self.own.by_index(&self.tables.index))
    }

    /// Locks jobs: key, whether each still waits, then what a run reads.
    pub fn lock_jobs(&self, jobs: &[JobId<'_>]) -> String {
        format!(
            "SELECT {}, CASE WHEN ({}) THEN 1 ELSE 0 END, {} FROM {} WHERE {} {}",
            self.key(),
            self.queue.condition,
            self.read(),
            self.jobs_by_index(),
            self.is_one_of(jobs),
            self.own.for_update()
        )
    }

    /// A condition on our own tables: the row is of one of these jobs.
    pub fn has_key<'k>(&self, keys: impl Iterator<Item = &'k str>) -> String {
        format!("{} AND {} IN ({})", self.of_queue(), self.name("key"), self.texts(keys))
    }

    /// Locks the claims that a run has of these jobs.
    pub fn lock_claims<'k>(&self, run: &str, keys: impl Iterator<Item = &'k str>) -> String {
        format!(
            "SELECT {} FROM {}{} WHERE {} AND {} = {} FOR UPDATE",
            self.name("key"),
            self.tables.claims,
            self.own.by_index("PRIMARY"),
            self.has_key(keys),
            self.name("run"),
            self.text(run)
        )
    }

    /// Changes jobs as the job file says.
    pub fn set(&self, clause: &str, jobs: &[JobId<'_>]) -> String {
        format!("UPDATE {} SET {clause} WHERE {}", self.jobs_by_index(), self.is_one_of(jobs))
    }

    /// How many of these jobs wait.
    pub fn still_waiting(&self, jobs: &[JobId<'_>]) -> String {
        format!(
            "SELECT count(*) FROM {} WHERE {} AND ({})",
            self.jobs_by_index(),
            self.is_one_of(jobs),
            self.queue.condition
        )
    }

    /// Ends claims.
    pub fn drop_claims<'k>(&self, keys: impl Iterator<Item = &'k str>) -> String {
        self.delete_by_key(&self.tables.claims, keys)
    }

    fn delete_by_key<'k>(&self, table: &str, keys: impl Iterator<Item = &'k str>) -> String {
        self.own.delete_by_key(&DeleteByKey {
            table,
            condition: &self.of_queue(),
            key: &self.name("key"),
            keys: &keys.map(|key| self.text(key)).collect::<Vec<_>>(),
        })
    }

    /// Ends the rests of jobs; claims that a run has stay.
    pub fn drop_rests<'k>(&self, keys: impl Iterator<Item = &'k str>) -> String {
        let condition = self.has_key(keys);
        format!("DELETE FROM {} WHERE {condition} AND {} = ''", self.tables.claims, self.name("run"))
    }

    /// Lets jobs rest.
    pub fn rest(&self, rests: &[Rest<'_>]) -> String {
        let or_null = |text: Option<&str>| text.map_or_else(|| "NULL".to_owned(), |text| self.text(text));
        let row = |rest: &Rest<'_>| {
            vec![
                self.text(&self.tables.name),
                self.text(rest.key),
                "''".to_owned(),
                rest.attempts.to_string(),
                or_null(rest.kind),
                or_null(rest.detail),
                self.own.after(rest.rest),
            ]
        };
        let rows: Vec<Vec<String>> = rests.iter().map(row).collect();
        let columns =
            ["queue", "key", "run", "attempts", "kind", "detail", "until"].map(|name| self.name(name));
        self.own.put(&Put { table: &self.tables.claims, columns: &columns, key: 2, rows: &rows, only: None })
    }

    /// Notes jobs that have failed for good.
    pub fn bury(&self, run: &str, deaths: &[Death<'_>]) -> String {
        let row = |death: &Death<'_>| {
            vec![
                self.text(&self.tables.name),
                self.text(death.key),
                self.text(run),
                death.attempts.to_string(),
                self.text(death.kind),
                self.text(death.detail),
                self.own.now().to_owned(),
            ]
        };
        let rows: Vec<Vec<String>> = deaths.iter().map(row).collect();
        let columns =
            ["queue", "key", "run", "attempts", "kind", "detail", "died_at"].map(|name| self.name(name));
        self.own.put(&Put { table: &self.tables.dead, columns: &columns, key: 2, rows: &rows, only: None })
    }

    /// Which of these jobs are noted to have failed for good.
    pub fn dead_among<'k>(&self, keys: impl Iterator<Item = &'k str>) -> String {
        format!("SELECT {} FROM {} WHERE {}", self.name("key"), self.tables.dead, self.has_key(keys))
    }

    /// What was noted of jobs that had failed for good before, and have succeeded, or are gone, goes.
    pub fn exhume<'k>(&self, keys: impl Iterator<Item = &'k str>) -> String {
        self.delete_by_key(&self.tables.dead, keys)
    }

    /// Makes the table of claims, and an index by which those of a run are found.
    pub fn create_claims(&self) -> [String; 2] {
        let (name, key) = (self.own.name_type(), self.own.key_type());
        let text = self.dialect.text_type();
        let claims = &self.tables.claims;
        let create = format!(
            "CREATE TABLE {claims} ({} {name} NOT NULL, {} {key} NOT NULL, {} {name} NOT NULL, {} {} NOT NULL, \
             {} integer NOT NULL DEFAULT 0, {} {text}, {} {text}, PRIMARY KEY ({}, {})){}",
            self.name("queue"),
            self.name("key"),
            self.name("run"),
            self.name("until"),
            self.dialect.moment_type(),
            self.name("attempts"),
            self.name("kind"),
            self.name("detail"),
            self.name("queue"),
            self.name("key"),
            self.dialect.runs_options()
        );
        [create, format!("CREATE INDEX windrow_claims_run ON {claims} ({})", self.name("run"))]
    }

    /// Makes the table of the dead.
    pub fn create_dead(&self) -> String {
        let (name, key) = (self.own.name_type(), self.own.key_type());
        let text = self.dialect.text_type();
        format!(
            "CREATE TABLE {} ({} {name} NOT NULL, {} {key} NOT NULL, {} {name} NOT NULL, {} integer NOT NULL, \
             {} {text} NOT NULL, {} {text} NOT NULL, {} {} NOT NULL, PRIMARY KEY ({}, {})){}",
            self.tables.dead,
            self.name("queue"),
            self.name("key"),
            self.name("run"),
            self.name("attempts"),
            self.name("kind"),
            self.name("detail"),
            self.name("died_at"),
            self.dialect.moment_type(),
            self.name("queue"),
            self.name("key"),
            self.dialect.runs_options()
        )
    }
}
