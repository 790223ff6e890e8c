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
//!   second: at once; the leases bring the jobs back, or whoever works in this folder next takes them up.
//! - Nothing grows: folders, rows of windrow's own tables and memory stay as large as what is under way, but for what has
//!   failed, which goes by its age.
//!
//! Everything runs on one thread, as futures: batches, the next claim, the next renewal. None of them waits for another: a
//! claim may wait for a lock that a settlement has, so that each has a connection of its own.

mod batch;
mod figures;
mod keep;
mod taken_up;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch as channel;

use self::batch::{Batch, BatchEnd};
pub use self::watch::{WorkEvent, WorkWatcher};
use super::folders::make_folder;
use super::round::FetchOptions;
use super::rounds::told_to_stop;
use super::{RunnerError, jobs};
use crate::database::{DatabaseError, Session, Trouble};
use crate::fetch::Mask;
use crate::handoff::accepted::SecretsFile;
use crate::handoff::store::now_micros;
use crate::handoff::{Exit, runs};
use crate::job::Job;
use crate::merge::{
    Claimed, MergeError, QueueCounts, QueueTable, ResolvedDestination, check_destination, keep_duckdb_open,
};
use crate::monitor::QueueFigures;
use crate::os::Stop;
use crate::secrets::Secrets;

/// Pause before a database is asked again that was not there.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How often it is told how the queue stands, folders and tables are looked after, and unfinished runs taken up.
const LOOK_AFTER: Duration = Duration::from_secs(10);
/// A look that takes long is had less often: this many times as long is nothing of it.
const BETWEEN_LOOKS: u32 = 20;
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
    /// What whoever watches it sees.
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

type Task<'f, T> = Pin<Box<dyn Future<Output = T> + 'f>>;

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
    worker.work(session).await
}

/// The same as [`open`], however often a connection is lost meanwhile. A database that is not there at the start is told, and
/// ends the worker: its address may be wrong.
async fn open_again(
    job: &Job,
    to: &ResolvedDestination,
    options: &WorkOptions,
    watcher: &mut dyn WorkWatcher,
) -> Result<(QueueTable, Session, QueueCounts), MergeError> {
    loop {
        match open(job, to, options, watcher).await {
            Err(MergeError::Server(error)) if error.is_lost() => tokio::time::sleep(ASK_AGAIN).await,
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

/// What is under way beside the batches.
struct Turn<'f> {
    batches: FuturesUnordered<Task<'f, (String, Result<BatchEnd, RunnerError>)>>,
    claiming: Option<Task<'f, Claiming>>,
    renewing: Option<Task<'f, ()>>,
    looking: Option<Task<'f, Result<Look, MergeError>>>,
    /// Connection for claims, while nobody claims.
    session: Option<Session>,
    claim_at: Instant,
    renew_at: Instant,
    look_at: Instant,
    /// Nothing more is claimed.
    is_over: bool,
    error: Option<RunnerError>,
}

/// A claim that has ended.
struct Claiming {
    run: String,
    claimed: Result<(Session, Claimed), MergeError>,
}

/// What a look at the queue has found.
struct Look {
    batches: Vec<Batch>,
    is_empty: bool,
    took: Duration,
}

impl<'a> Worker<'a> {
    async fn work(&self, session: Session) -> Result<Exit, RunnerError> {
        let now = Instant::now();
        let mut turn = Turn {
            batches: FuturesUnordered::new(),
            claiming: None,
            renewing: None,
            looking: None,
            session: Some(session),
            claim_at: now,
            renew_at: now + self.table.queue().lease / 3,
            look_at: now,
            is_over: false,
            error: None,
        };
        let mut stop = self.stop.clone();
        while !turn.is_over || !turn.batches.is_empty() || turn.claiming.is_some() {
            if stop.borrow_and_update().is_set() && !turn.is_over {
                self.tell(WorkEvent::Stopping);
                turn.is_over = true;
            }
            if stop.borrow().is_now() {
                break;
            }
            self.begin_what_is_due(&mut turn);
            self.figures.batches.set(turn.batches.len() as i64);
            let due = turn.next_due();
            tokio::select! {
                Some((run, ended)) = turn.batches.next() => self.batch_ended(&mut turn, run, ended),
                claiming = next(&mut turn.claiming) => self.claim_ended(&mut turn, claiming),
                () = next(&mut turn.renewing) => turn.renewing = None,
                look = next(&mut turn.looking) => self.look_ended(&mut turn, look),
                () = tokio::time::sleep_until(due.into()) => {}
                Ok(()) = stop.changed() => {}
            }
        }
        let signal = self.stop.borrow().signal();
        match (turn.error, signal) {
            (Some(error), _) => Err(error),
            (None, Some(signal)) => Ok(Exit::Interrupted(signal)),
            (None, None) => Ok(Exit::Done),
        }
    }

    /// Begins the next claim, the next renewal, the next look, each where it is due and none is under way.
    fn begin_what_is_due<'f>(&'f self, turn: &mut Turn<'f>) {
        let now = Instant::now();
        let has_room = turn.batches.len() < usize::from(self.table.queue().parallel);
        if !turn.is_over && has_room && turn.claiming.is_none() && turn.claim_at <= now {
            turn.claiming = Some(Box::pin(self.claim(turn.session.take())));
        }
        if turn.renewing.is_none() && turn.renew_at <= now {
            turn.renew_at = now + self.table.queue().lease / 3;
            turn.renewing = Some(Box::pin(self.renew()));
        }
        if !turn.is_over && turn.looking.is_none() && turn.look_at <= now {
            turn.look_at = now + LOOK_AFTER;
            turn.looking = Some(Box::pin(self.look_after()));
        }
    }

    async fn claim(&self, session: Option<Session>) -> Claiming {
        let run = runs::new_run_id(now_micros());
        // Before the claim: a renewal of nothing does nothing.
        self.leases.borrow_mut().insert(run.clone());
        let claim = async {
            let session = match session {
                Some(session) if !session.is_closed() => session,
                _ => self.table.connect().await?,
            };
            let claimed = self.table.claim(&session, &run, u64::from(self.table.queue().claim)).await?;
            Ok((session, claimed))
        };
        let claimed = claim.await;
        if claimed.as_ref().is_ok_and(|(_, claimed)| claimed.jobs.jobs.is_empty()) || claimed.is_err() {
            self.leases.borrow_mut().remove(&run);
        }
        Claiming { run, claimed }
    }

    fn claim_ended<'f>(&'f self, turn: &mut Turn<'f>, claiming: Claiming) {
        turn.claiming = None;
        let Claiming { run, claimed } = claiming;
        let (session, claimed) = match claimed {
            Ok(claimed) => claimed,
            Err(error) => {
                turn.claim_at = Instant::now() + ASK_AGAIN;
                return self.failed(turn, error);
            }
        };
        self.database_is_back();
        turn.session = Some(session);
        let jobs = claimed.jobs.jobs.len();
        if jobs < self.table.queue().claim as usize {
            turn.claim_at = Instant::now() + self.table.queue().poll;
        }
        if jobs == 0 {
            if self.options.until_empty && turn.batches.is_empty() {
                turn.look_at = Instant::now();
            }
            return;
        }
        if turn.is_over {
            return self.free_later(turn, run);
        }
        let of = run.clone();
        let settled = async move {
            match self.plan_batch(&of, claimed).await? {
                Some(batch) => self.finish_batch(&batch).await,
                None => Ok(BatchEnd::Nothing),
            }
        };
        turn.batches.push(Box::pin(self.until_ended(run, settled)));
    }

    /// A batch, until its run has no lease any more.
    async fn until_ended(
        &self,
        run: String,
        batch: impl Future<Output = Result<BatchEnd, RunnerError>>,
    ) -> (String, Result<BatchEnd, RunnerError>) {
        let ended = batch.await;
        self.leases.borrow_mut().remove(&run);
        (run, ended)
    }

    /// Frees what a run still has.
    fn free_later<'f>(&'f self, turn: &mut Turn<'f>, run: String) {
        turn.batches.push(Box::pin(async move {
            self.free(&run).await;
            (run, Ok(BatchEnd::Nothing))
        }));
    }

    fn batch_ended<'f>(&'f self, turn: &mut Turn<'f>, run: String, ended: Result<BatchEnd, RunnerError>) {
        match ended {
            Ok(BatchEnd::Settled { batch, renews_at, refused }) => {
                if let Some(refused) = refused {
                    let hint = "set the secret right, then start it again: its jobs are free";
                    turn.end(RunnerError::Usage(format!("{refused}\nhint: {hint}")));
                }
                // Where others of the batch were asked, further ones may be, too.
                let is_stuck = batch.freed > 0 && batch.done == 0 && !batch.has_failed();
                if let Some(renews_at) = renews_at.filter(|_| is_stuck) {
                    self.tell(WorkEvent::QuotaUsedUp(renews_at));
                    let now = u64::try_from(now_micros() / 1_000_000).unwrap_or_default();
                    turn.claim_at =
                        Instant::now() + Duration::from_secs(renews_at.saturating_sub(now).min(24 * 3600));
                }
            }
            Ok(BatchEnd::Nothing) => {}
            Err(error) => {
                // First of all: else the next claim has what is free again.
                turn.end(error);
                self.free_later(turn, run);
            }
        }
    }

    /// Renews the leases of all runs under way, by a connection of its own.
    async fn renew(&self) {
        let runs: Vec<String> = self.leases.borrow().iter().cloned().collect();
        if runs.is_empty() {
            return;
        }
        let renewed = async {
            let session = self.table.connect().await?;
            self.table.renew(&session, &runs).await?;
            session.close().await;
            Ok::<_, MergeError>(())
        };
        // One that fails is tried again soon enough: at two thirds of the lease, and at its end.
        match renewed.await {
            Ok(()) => self.database_is_back(),
            Err(error) if is_passing(&error) => self.database_is_lost(&error),
            Err(_) => {}
        }
    }

    fn look_ended<'f>(&'f self, turn: &mut Turn<'f>, look: Result<Look, MergeError>) {
        turn.looking = None;
        match look {
            Ok(Look { batches, is_empty, took }) => {
                turn.look_at = turn.look_at.max(Instant::now() + took * BETWEEN_LOOKS);
                for batch in batches {
                    let run = batch.run.plan.run.clone();
                    self.leases.borrow_mut().insert(run.clone());
                    let settled = async move { self.finish_batch(&batch).await };
                    turn.batches.push(Box::pin(self.until_ended(run, settled)));
                }
                let is_idle = turn.batches.is_empty() && turn.claiming.is_none();
                turn.is_over |= self.options.until_empty && is_empty && is_idle;
            }
            Err(error) => self.failed(turn, error),
        }
    }

    fn failed(&self, turn: &mut Turn<'_>, error: MergeError) {
        if is_passing(&error) {
            self.database_is_lost(&error);
        } else {
            turn.end(super::merge::unpublished(&error, &self.mask));
        }
    }

    fn tell(&self, event: WorkEvent<'_>) {
        figures::count(&self.figures, &event);
        self.watcher.borrow_mut().reached(event);
    }

    fn database_is_lost(&self, error: &MergeError) {
        // That another transaction went first is nobody's trouble.
        let is_usual = match error {
            MergeError::Server(error) => error.trouble() == Some(Trouble::Deadlock),
            error => matches!(error, MergeError::Rival(_)),
        };
        if is_usual {
            return;
        }
        self.figures.look_failed(&self.mask.apply(&error.to_string()));
        if !self.is_lost.replace(true) {
            self.tell(WorkEvent::Lost(error));
        }
    }

    fn database_is_back(&self) {
        self.figures.look_succeeded();
        if self.is_lost.replace(false) {
            self.tell(WorkEvent::Back);
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

impl Turn<'_> {
    /// Ends the worker with an error, once what is under way has ended. The first one is told.
    fn end(&mut self, error: RunnerError) {
        self.error.get_or_insert(error);
        self.is_over = true;
    }

    fn next_due(&self) -> Instant {
        let claim_at = self.claiming.is_none().then_some(self.claim_at);
        let (now, due) = (Instant::now(), [claim_at, Some(self.renew_at), Some(self.look_at)]);
        // What is due already, and waits for room, is looked at when a batch has ended.
        due.into_iter().flatten().filter(|due| *due > now).min().unwrap_or(now + LOOK_AFTER)
    }
}

/// What a task comes to; never where there is none.
async fn next<T>(task: &mut Option<Task<'_, T>>) -> T {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
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
