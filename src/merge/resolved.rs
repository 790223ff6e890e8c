//! Where a run is published: the job's destination with its secrets looked up, or a trial's own database.

use std::fmt;
use std::path::PathBuf;

use super::MergeError;
use crate::database::Server;
use crate::handoff::{Plan, RunStore, layout};
use crate::job::{Destination, Job};
use crate::secrets::Secrets;

/// Where a run is published. Paths are absolute.
#[derive(Debug, Clone)]
pub enum ResolvedDestination {
    /// A DuckDB file.
    DuckDb(PathBuf),
    /// A server, or a file of another database's.
    Server(Server),
    /// A Parquet file, or a folder of them.
    Parquet(PathBuf),
    /// A CSV file.
    Csv(PathBuf),
}

impl ResolvedDestination {
    /// Where a run of the job goes: a trial into a DuckDB file of its own.
    ///
    /// # Errors
    /// Where a server's URL names a secret that is not set.
    pub fn of(
        run: &RunStore,
        plan: &Plan,
        job: &Job,
        secrets: &Secrets,
    ) -> Result<ResolvedDestination, MergeError> {
        if plan.trial {
            Ok(ResolvedDestination::DuckDb(run.folder().join(layout::TRIAL_DATABASE)))
        } else {
            ResolvedDestination::of_job(job, secrets)
        }
    }

    /// Where the job's runs go.
    ///
    /// # Errors
    /// Where a server's URL names a secret that is not set.
    pub fn of_job(job: &Job, secrets: &Secrets) -> Result<ResolvedDestination, MergeError> {
        Ok(match &job.table.to {
            Destination::DuckDb(path) => ResolvedDestination::DuckDb(path.clone()),
            Destination::Server(url) => ResolvedDestination::Server(Server::of(url, secrets)?),
            Destination::Sqlite(path) => ResolvedDestination::Server(Server::of_sqlite(path)),
            Destination::Parquet(path) => ResolvedDestination::Parquet(path.clone()),
            Destination::Csv(path) => ResolvedDestination::Csv(path.clone()),
        })
    }
}

impl fmt::Display for ResolvedDestination {
    /// As a job file would name it, without a password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResolvedDestination::DuckDb(path) => write!(out, "duckdb:{}", path.display()),
            ResolvedDestination::Server(server) => out.write_str(server.shown()),
            ResolvedDestination::Parquet(path) => write!(out, "parquet:{}", path.display()),
            ResolvedDestination::Csv(path) => write!(out, "csv:{}", path.display()),
        }
    }
}
