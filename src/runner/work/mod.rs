//! A queue worked as its jobs come: claimed in batches, each batch a run of its own, asked, published and settled.
//!
//! Promises:
//!
//! - Each job's result is written once, whatever dies when, and however many workers there are: see
//!   [`queue`](crate::merge::QueueTable). Its requests may be sent again after a death.
//! - Leases are renewed at every third of them, as long as this process lives and the database is there. Where either is not,
//!   others take the jobs over, and what this one publishes later is refused.
//! - A database that is not there is waited for. What it refuses for good ends the worker, and frees its jobs.
//! - The first signal: nothing more is claimed, what is in flight is finished, published and settled, the rest freed. The
//!   second: at once; the leases bring the jobs back, or the next worker in this folder takes them up.
//! - Nothing grows: folders, rows of windrow's own tables and memory stay as large as what is under way, but for what has
//!   failed, which goes by its age.
//!
//! Everything runs on one thread, as futures: batches, the next claim, the next renewal. None of them waits for another: a
//! claim may wait for a lock that a settlement has, so that each has a connection of its own.

mod batch;
mod figures;
mod keep;
mod taken_up;
mod turns;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch as channel;

pub use self::watch::{WorkEvent, WorkWatcher};
use super::folders::make_folder;
use super::round::FetchOptions;
use super::rounds::told_to_stop;
use super::{RunnerError, jobs};
use crate::database::{DatabaseError, Session, Trouble};
use crate::fetch::Mask;
use crate::handoff::Exit;
use crate::handoff::accepted::SecretsFile;
use crate::job::Job;
use crate::merge::{
    MergeError, QueueCounts, QueueTable, ResolvedDestination, check_destination, keep_duckdb_open,
};
use crate::monitor::QueueFigures;
use crate::os::Stop;
use crate::secrets::Secrets;

/// Pause before a database is asked again that was not there.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How often what is old is forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// How a queue is worked.
#[derive(Debug, Clone)]
pub struct WorkOptions {
    /// Folder of the runs: each job has its own in it.
    pub root: PathBuf,
    /// The job's secrets.
    pub secrets: Secrets,
    /// How shards are fetched.
    pub fetch: FetchOptions,
    /// Ends when no job waits, rests or is under way.
    pub until_empty: bool,
}

/// A worker.
pub(super) struct Worker<'a> {
    job: &'a Job,
    options: &'a WorkOptions,
    table: Arc<QueueTable>,
    to: ResolvedDestination,
    mask: Mask,
    stop: &'a channel::Receiver<Stop>,
    watcher: RefCell<&'a mut dyn WorkWatcher>,
    /// Its metrics.
    figures: Arc<QueueFigures>,
    /// The runs whose leases are to be renewed.
    leases: RefCell<BTreeSet<String>>,
    /// Whether the database did not do what it should when it was asked last.
    is_lost: Cell<bool>,
    /// When it was last forgotten what is old.
    forgot_at: Cell<Option<Instant>>,
    /// What the processes know of the job's secrets.
    secrets_accepted: Option<SecretsFile>,
}

/// Works the job's queue until a signal comes, or until nothing is left.
///
/// # Errors
/// What keeps it from being worked, at the beginning or later: the jobs that it had are freed then.
pub async fn work(
    job: &Job,
    options: &WorkOptions,
    stop: &channel::Receiver<Stop>,
    watcher: &mut dyn WorkWatcher,
) -> Result<Exit, RunnerError> {
    jobs::check_secrets(job, &options.secrets)?;
    let figures = figures::of(job);
    let answering = figures::begin_to_answer(job, &figures).await?;
    let to = ResolvedDestination::of_job(job, &options.secrets)?;
    let _duckdb = keep_duckdb_open();
    let (table, session, counts) = tokio::select! {
        opened = open_again(job, &to, options, watcher) => opened?,
        () = told_to_stop(stop) => {
            return Err(RunnerError::Interrupted(stop.borrow().signal().unwrap_or_default()));
        }
    };
    figures::count(&figures, &WorkEvent::Counts(&counts));
    watcher.reached(WorkEvent::Begun { table: &table, counts: &counts });
    if let Some((address, _)) = &answering {
        watcher.reached(WorkEvent::Answering(*address));
    }
    let folder = options.root.join(&job.name);
    make_folder(&folder)?;
    let secrets_accepted = keep::secrets_file(job, &folder);
    let worker = Worker {
        job,
        options,
        table: Arc::new(table),
        to,
        mask: jobs::mask(job, &options.secrets),
        stop,
        watcher: RefCell::new(watcher),
        figures,
        leases: RefCell::new(BTreeSet::new()),
        is_lost: Cell::new(false),
        forgot_at: Cell::new(None),
        secrets_accepted,
    };
    worker.turns(session).await
}

/// The same as [`open`], however often a connection is lost meanwhile, or another transaction goes first. A database that is not
/// there at the start is told, and ends the worker: its address may be wrong.
async fn open_again(
    job: &Job,
    to: &ResolvedDestination,
    options: &WorkOptions,
    watcher: &mut dyn WorkWatcher,
) -> Result<(QueueTable, Session, QueueCounts), MergeError> {
    loop {
        match open(job, to, options, watcher).await {
            Err(MergeError::Server(error)) if error.is_lost() || is_rivalry(&error) => {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            opened => return opened,
        }
    }
}

/// Looks the queue over, and the table of results, before the first job is claimed.
async fn open(
    job: &Job,
    to: &ResolvedDestination,
    options: &WorkOptions,
    watcher: &mut dyn WorkWatcher,
) -> Result<(QueueTable, Session, QueueCounts), MergeError> {
    let table = QueueTable::open(job, &options.secrets, true).await?;
    check_destination(&table.typed(job), to).await?;
    let session = table.connect().await?;
    for slow in table.check(&session).await? {
        watcher.reached(WorkEvent::Slow(&slow));
    }
    let counts = table.counts(&session).await?;
    Ok((table, session, counts))
}

impl Worker<'_> {
    fn reached(&self, event: WorkEvent<'_>) {
        figures::count(&self.figures, &event);
        self.watcher.borrow_mut().reached(event);
    }

    fn database_is_lost(&self, error: &MergeError) {
        // That another transaction went first is nobody's trouble.
        let is_usual = match error {
            MergeError::Server(error) => is_rivalry(error),
            error => matches!(error, MergeError::Rival(_)),
        };
        if is_usual {
            return;
        }
        self.figures.look_failed(&self.mask.apply(&error.to_string()));
        if !self.is_lost.replace(true) {
            self.reached(WorkEvent::Lost(error));
        }
    }

    fn database_is_back(&self) {
        self.figures.look_succeeded();
        if self.is_lost.replace(false) {
            self.reached(WorkEvent::Back);
        }
    }

    /// Ends when the second signal has come.
    async fn told_to_stop_now(&self) {
        if self.stop.clone().wait_for(|stop| stop.is_now()).await.is_err() {
            std::future::pending().await
        }
    }

    /// The folder of the job's runs.
    fn folder(&self) -> PathBuf {
        self.options.root.join(&self.job.name)
    }

    /// What every process that asks is told. What fails has failed: the queue itself asks again.
    fn arguments(&self) -> Result<Vec<OsString>, RunnerError> {
        let mut arguments = vec!["--settle".into()];
        if let Some(path) = &self.options.fetch.env_file {
            arguments.extend(["--env-file".into(), std::path::absolute(path)?.into()]);
        }
        if let Some(file) = &self.secrets_accepted {
            arguments.extend(["--secrets-accepted".into(), std::path::absolute(file.path())?.into()]);
        }
        Ok(arguments)
    }
}

/// Whether another transaction went first.
fn is_rivalry(error: &DatabaseError) -> bool {
    error.trouble() == Some(Trouble::Deadlock)
}

/// Whether asking again may help: the database is not there, is restarted, or lets another go first.
pub(super) fn is_passing(error: &MergeError) -> bool {
    match error {
        MergeError::Rival(_) => true,
        MergeError::Server(error) => {
            let passing = [Trouble::Passing, Trouble::Deadlock, Trouble::Cancelled, Trouble::Disk];
            error.is_lost()
                || matches!(error, DatabaseError::Unreachable { .. })
                || error.trouble().is_some_and(|trouble| passing.contains(&trouble))
        }
        _ => false,
    }
}
