//! The loop of a worker: what is due is begun, what has ended is looked at, until nothing is under way any more.
//!
//! One `select!` gathers what ends; one function deals with each.

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::batch::{Batch, BatchEnd};
use super::watch::WorkEvent;
use super::{ASK_AGAIN, Worker, is_passing};
use crate::database::Session;
use crate::handoff::store::now_micros;
use crate::handoff::{Exit, runs};
use crate::merge::{Claimed, MergeError};
use crate::runner::RunnerError;
use crate::runner::merge::unpublished;

/// How often it is told how the queue stands, folders and tables are looked after, and unfinished runs taken up.
const LOOK_AFTER: Duration = Duration::from_secs(10);
/// A look that takes long is had less often: this many times as long is nothing of it.
const BETWEEN_LOOKS: u32 = 20;

type Task<'f, T> = Pin<Box<dyn Future<Output = T> + 'f>>;

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
pub(super) struct Look {
    pub batches: Vec<Batch>,
    pub is_empty: bool,
    pub took: Duration,
}

impl Worker<'_> {
    /// Works until nothing more is to be done.
    pub(super) async fn turns(&self, session: Session) -> Result<Exit, RunnerError> {
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
                self.reached(WorkEvent::Stopping);
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
                    self.reached(WorkEvent::QuotaUsedUp(renews_at));
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
            let renewed = self.table.renew(&session, &runs).await?;
            session.close().await;
            Ok::<_, MergeError>(renewed)
        };
        // One that fails is tried again soon enough: at two thirds of the lease, and at its end.
        match renewed.await {
            // All are locked: it was not found out how the queue is.
            Ok(0) => {}
            Ok(_) => self.database_is_back(),
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
            turn.end(unpublished(&error, &self.mask));
        }
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
