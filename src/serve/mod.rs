//! What was gathered, served over HTTP to many readers, and gathered again as often as the jobs say.
//!
//! Promises:
//!
//! - A reader gets what one publication left, whole: never a table that is being written, never a half of each of two. What is
//!   served is a copy of a published file, and nothing else has it.
//! - No database is opened that a run writes to: neither waits for the other, and nobody is told that it is locked.
//! - Whatever goes wrong with a run, what was published last goes on being served, and `/readyz` says how old it is.
//! - Runs are `windrow run JOB`, as processes of their own: nothing about them is different here.
//! - Who asks changes nothing: GET and HEAD, values are bound, columns come from the table. Rows, time, memory, connections and
//!   questions at once are bounded.
//!
//! | file | what is there |
//! |---|---|
//! | `column.rs` | a column of what is served |
//! | `snapshot/` | what is served: one publication, whole |
//! | `filter/` | from a URL's query to SQL |
//! | `openapi.rs` | the same for programs |
//! | `clock/` | when a job is run, and its process |
//! | `http/` | questions over HTTP, and their answers |
//! | `standing.rs` | how the jobs and their tables stand |
//! | `verdict.rs` | whether a job is well |
//! | `page/` | how they stand, for people |
//! | `figures/` | the same for Prometheus |

mod clock;
mod column;
mod figures;
mod filter;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod http;
mod openapi;
mod page;
mod snapshot;
mod standing;
mod verdict;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use self::clock::Clock;
use self::figures::Figures;
use self::http::{Guard, Site, answer_all, listen, tell_manager};
use self::snapshot::{Served, Shelf};
use self::standing::JobStanding;
use crate::handoff::Exit;
use crate::job::Job;
use crate::merge::PublishedFile;
use crate::os::{Stop, open_files, tell};
use crate::runner::{RunnerError, cores};

/// Of the files that this process may have open, the share that connections may be.
const CONNECTIONS: u64 = 2;
/// Most of them, however many files there may be.
const MOST_CONNECTIONS: u64 = 10_000;

/// A job that is served.
#[derive(Debug, Clone)]
pub struct ServedJob {
    /// The job.
    pub job: Job,
    /// The folder of the runs of all jobs.
    pub root: PathBuf,
}

/// What is served, and how.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The jobs.
    pub jobs: Vec<ServedJob>,
    /// Where it answers.
    pub listen: SocketAddr,
    /// What whoever asks must have.
    pub token: Option<String>,
    /// Whether jobs are run as they say.
    pub runs: bool,
    /// A file of secrets, for runs; absolute.
    pub env_file: Option<PathBuf>,
    /// The program that runs them, this one.
    pub program: PathBuf,
    /// Tells only what wants attention.
    pub is_quiet: bool,
}

/// The token in a file.
///
/// # Errors
/// There is none.
pub fn read_token(file: &Path) -> Result<String, RunnerError> {
    Guard::read_token(file).map_err(|error| RunnerError::Usage(error.to_string()))
}

/// Serves what the jobs have gathered, and runs them when they say so, until a signal.
///
/// # Errors
/// What keeps it from beginning.
pub async fn serve(options: &ServeOptions, stop: &watch::Receiver<Stop>) -> Result<Exit, RunnerError> {
    let usage = |why: String| RunnerError::Usage(why);
    let shelf = shelf(&options.jobs)?;
    let listener = listen(options.listen).await.map_err(|error| usage(error.to_string()))?;
    let address = listener.local_addr()?;
    // The service manager's socket may be at another address than the one that was said.
    if !address.ip().is_loopback() && options.token.is_none() {
        let hint = "hint: --token-file FILE; or listen at 127.0.0.1 and have a proxy before it";
        return Err(usage(format!("{address} can be reached by others, and nothing keeps them out\n{hint}")));
    }
    let guard = Guard::new(address, options.token.as_deref());
    let figures = Arc::new(Figures::default());
    // Runs are waited for at the end; what else goes on ends with this function.
    let (mut beside, mut running) = (JoinSet::new(), JoinSet::new());
    for table in &shelf.tables {
        let figures = Arc::clone(&figures);
        beside.spawn(Arc::clone(table).follow(move |table, loaded| {
            figures.loaded(&table.file.name, loaded.is_ok());
            if let Err(why) = loaded {
                tell!("{}: {} is not served: {why}", table.job, table.file.path.display());
            }
        }));
    }
    if !options.is_quiet {
        shelf
            .tables
            .iter()
            .for_each(|table| tell!("{}: http://{address}/{}.json", table.job, table.file.name));
    }
    let (clocks, standings): (Vec<Clock>, Vec<_>) =
        options.jobs.iter().map(|job| clock(job, options, &figures)).unzip();
    for clock in clocks {
        running.spawn(clock.run(stop.clone()));
    }
    beside.spawn(tell_manager());
    let jobs = move || standings.iter().map(|standing| standing.borrow().clone()).collect();
    let site = Arc::new(Site {
        shelf,
        jobs: Box::new(jobs),
        guard,
        address,
        figures,
        questions: Semaphore::new(cores()),
    });
    let at_once = usize::try_from((open_files() / CONNECTIONS).min(MOST_CONNECTIONS)).unwrap_or(usize::MAX);
    answer_all(listener, site, at_once, stop.clone()).await;
    while running.join_next().await.is_some() {}
    Ok(stop.borrow().signal().map_or(Exit::Done, Exit::Interrupted))
}

/// The clock of a job, and how it stands.
fn clock(
    served: &ServedJob,
    options: &ServeOptions,
    figures: &Arc<Figures>,
) -> (Clock, watch::Receiver<JobStanding>) {
    let mut job = served.job.clone();
    if !options.runs {
        job.settings.schedule = None;
    }
    let (root, figures) = (served.root.clone(), Arc::clone(figures));
    Clock::new(&job, root, options.env_file.clone(), options.program.clone(), figures)
}

/// All tables of the jobs.
fn shelf(jobs: &[ServedJob]) -> Result<Shelf, RunnerError> {
    let mut tables = Vec::new();
    let mut names = BTreeMap::new();
    for ServedJob { job, root } in jobs {
        let files = PublishedFile::all_of(job).map_err(|error| RunnerError::Usage(error.to_string()))?;
        if files.is_empty() {
            return Err(RunnerError::Usage(nothing_to_serve(job)));
        }
        for file in files {
            if let Some(other) = names.insert(file.name.clone(), job.name.clone()) {
                let hint = "hint: a destination is served by [table] name, a report by its file's name: change one of them";
                return Err(RunnerError::Usage(format!(
                    "two tables would be served as {}: of job {other}, and of job {}\n{hint}",
                    file.name, job.name
                )));
            }
            tables.push(Arc::new(Served::new(file, job.name.clone(), root.clone(), job.serve.clone())));
        }
    }
    Ok(Shelf { tables })
}

fn nothing_to_serve(job: &Job) -> String {
    format!(
        "job {} publishes into a database or a folder, which is not served: readers and runs would wait for each other\nhint: have it write a \
         report, which is: [[publish.after]] sql = \"SELECT * FROM {}\", file = \"{}.parquet\"",
        job.name, job.table.name, job.table.name
    )
}
