//! The work loop: a lane takes a pair, asks, extracts, settles, and takes the next.
//!
//! There are more lanes than requests may be in flight, since a lane that waits before a retry sends nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::board::{Board, Drain, Next, OpenBlock, Pair, Settled, unasked};
use super::pace::Pace;
use super::recipe::Recipe;
use super::{OPEN_BLOCKS, ShardEnd, ShardOptions, WorkerError, finish};
use crate::chunk;
use crate::extract::Extracted;
use crate::fetch::{Asked, Client, ClientSettings, Request};
use crate::handoff::ledger::Line;
use crate::handoff::{Block, Event, Plan, RunStore, event};
use crate::job::Job;
use crate::os::Slot;
use crate::record::{Failure, Kind, Ordinal, Rows, Status};

/// Lanes for so many requests in flight.
pub(super) fn lanes_for(in_flight: usize) -> usize {
    (in_flight * 2).min(in_flight + 1024)
}

/// Everything that the lanes of one process share.
pub(super) struct Work {
    pub(super) run: RunStore,
    pub(super) plan: Plan,
    pub(super) shard: u32,
    round: u32,
    pub(super) attempt: String,
    pub(super) recipe: Recipe,
    pub(super) emit: Box<dyn Fn(Event)>,
    input: Bytes,
    board: RefCell<Board>,
    client: Client,
    pace: Pace,
    slot: Slot,
    /// Wakes lanes that found nothing to do.
    changed: Notify,
    /// Ends waits before a retry, and the pacer's leave.
    draining: watch::Sender<bool>,
    /// The other end of `draining`.
    told_to_drain: watch::Receiver<bool>,
    error: RefCell<Option<WorkerError>>,
    done: Cell<u64>,
    failed: Cell<u64>,
}

impl Work {
    #[expect(clippy::too_many_arguments, reason = "the one place where a shard's process is put together")]
    pub(super) fn new(
        run: &RunStore,
        plan: &Plan,
        job: &Job,
        shard: u32,
        input: Bytes,
        upcoming: Vec<Block>,
        options: ShardOptions,
        emit: Box<dyn Fn(Event)>,
    ) -> Result<Work, WorkerError> {
        let draining = watch::Sender::new(false);
        Ok(Work {
            run: run.clone(),
            plan: plan.clone(),
            shard,
            round: options.round,
            attempt: format!("{:08x}", fastrand::u32(..)),
            recipe: Recipe::new(plan, job, &options.secrets, &options.crashed)?,
            emit,
            input,
            board: RefCell::new(Board::new(upcoming)),
            client: Client::new(&ClientSettings { max_idle: options.in_flight }),
            pace: Pace::new(options.in_flight, options.max_requests, draining.subscribe()),
            slot: options.slot,
            changed: Notify::new(),
            told_to_drain: draining.subscribe(),
            draining,
            error: RefCell::default(),
            done: Cell::default(),
            failed: Cell::default(),
        })
    }

    /// Stops asking.
    pub(super) fn drain(self: &Rc<Work>, why: Drain) {
        let whole = self.board.borrow_mut().drain(why, &self.recipe);
        self.draining.send_replace(true);
        whole.into_iter().for_each(|open| self.finish(open));
        self.changed.notify_waiters();
    }

    /// Stops asking because the shard cannot go on.
    fn fail(self: &Rc<Work>, error: WorkerError) {
        self.error.borrow_mut().get_or_insert(error);
        self.drain(Drain::Interrupted);
    }

    /// Writes and commits a whole block beside the requests of the others.
    fn finish(self: &Rc<Work>, open: OpenBlock) {
        if let Some(detail) = finish::hopeless(&open, self.round) {
            self.board.borrow_mut().closed();
            return self.drain(Drain::GaveUp(detail));
        }
        if self.error.borrow().is_some() {
            return self.board.borrow_mut().closed();
        }
        let work = self.clone();
        tokio::task::spawn_local(async move {
            let finished = finish::commit_block(&work, open).await;
            work.board.borrow_mut().closed();
            match finished {
                Ok(pairs) => (work.emit)(Event::Committed { pairs }),
                Err(error) => work.fail(error),
            }
            work.changed.notify_waiters();
        });
    }

    /// How the work ended, once all lanes have.
    pub(super) fn ended(&self) -> Result<ShardEnd, WorkerError> {
        if let Some(error) = self.error.borrow_mut().take() {
            return Err(error);
        }
        Ok(match self.board.borrow().draining() {
            None => ShardEnd::Committed,
            Some(Drain::Interrupted) => ShardEnd::Interrupted,
            Some(Drain::MaxRequests) => ShardEnd::Paused,
            Some(Drain::GaveUp(detail)) => ShardEnd::GaveUp(detail.clone()),
        })
    }

    /// Tells the counts.
    pub(super) fn tell_progress(&self) {
        (self.emit)(Event::Progress {
            done: self.done.get(),
            failed: self.failed.get(),
            requests: self.pace.sent(),
            in_flight: self.pace.in_flight(),
        });
    }

    /// Opens a block.
    fn open(self: &Rc<Work>, block: Block) {
        match chunk::read_records(self.input.clone(), &block, &self.recipe.fields) {
            Ok(inputs) => {
                let whole = self.board.borrow_mut().open(block, inputs, &self.recipe);
                whole.into_iter().for_each(|open| self.finish(open));
                self.changed.notify_waiters();
            }
            Err(source) => self.fail(WorkerError::Chunk { shard: self.shard, source }),
        }
    }

    /// Records what became of a pair.
    fn settle(self: &Rc<Work>, pair: Pair, settled: Settled) {
        self.done.set(self.done.get() + 1);
        self.failed.set(self.failed.get() + u64::from(settled.rows.is_none()));
        let refused = settled.line.failure.as_ref().map(|failure| failure.kind) == Some(Kind::MaxRequests);
        let whole = self.board.borrow_mut().settle(pair, settled, &self.recipe);
        if let Some(open) = whole {
            self.finish(open);
        }
        if refused {
            self.drain(Drain::MaxRequests);
        }
        // One ready pair is for this lane; others may wake a lane that found nothing.
        if self.board.borrow().ready() > 1 {
            self.changed.notify_one();
        }
    }

    /// The request for a pair, or what it is settled as without one.
    fn request(&self, pair: Pair) -> Result<Request, Option<Box<Settled>>> {
        let board = self.board.borrow();
        let record = board.record(pair).ok_or(None)?;
        let built = self.recipe.steps[pair.endpoint].question.build(&self.recipe.values(record));
        built.map_err(|failure| Some(Box::new(unasked(record, pair.endpoint, Status::Failed, Some(failure)))))
    }

    /// The row of an answer, or why there is none.
    fn extract(&self, ordinal: Ordinal, endpoint: usize, body: &[u8]) -> Result<Extracted, Failure> {
        self.slot.begin(event::word_of_pair(ordinal, endpoint));
        let extracted = self.recipe.steps[endpoint].extractor.extract(body);
        self.slot.end();
        extracted
    }
}

/// Takes pairs until there are none.
pub(super) async fn lane(work: Rc<Work>) {
    loop {
        let changed = work.changed.notified();
        let next = work.board.borrow_mut().next(OPEN_BLOCKS);
        match next {
            Next::Ask(pair) => answer(&work, pair).await,
            Next::Open(block) => work.open(block),
            Next::Wait => changed.await,
            Next::Nothing => return work.changed.notify_waiters(),
        }
    }
}

/// Asks one pair and settles it.
async fn answer(work: &Rc<Work>, pair: Pair) {
    let request = match work.request(pair) {
        Ok(request) => request,
        Err(Some(settled)) => return work.settle(pair, *settled),
        Err(None) => return,
    };
    let question = &work.recipe.steps[pair.endpoint].question;
    let draw = |limit: Duration| limit.mul_f64(fastrand::f64());
    let asked = work.client.ask(question, &request, &work.pace, &work.told_to_drain, draw).await;
    let Some(ordinal) = work.board.borrow().record(pair).map(|record| record.input.ordinal) else { return };
    let settled = settled(work, ordinal, pair.endpoint, asked);
    work.settle(pair, settled);
}

/// What an answer, or its absence, comes to.
fn settled(work: &Work, ordinal: Ordinal, endpoint: usize, asked: Asked) -> Settled {
    let extracted = asked.answer.and_then(|answer| match answer.missing {
        true => Ok(Extracted::Missing),
        false => work.extract(ordinal, endpoint, &answer.body),
    });
    let columns = work.recipe.steps[endpoint].columns;
    let (status, failure, rows) = match extracted {
        Ok(Extracted::Rows(rows)) => (Status::Ok, None, Some(rows)),
        Ok(Extracted::Missing) => (Status::Missing, None, Some(Rows::null(columns))),
        Err(failure) if matches!(failure.kind, Kind::Interrupted | Kind::MaxRequests) => {
            (Status::Deferred, Some(failure), None)
        }
        Err(failure) => (Status::Failed, Some(failure), None),
    };
    let line = Line {
        ordinal,
        endpoint,
        status,
        failure,
        http_status: asked.http_status,
        attempts: asked.attempts,
        requests: asked.requests,
        pages: u32::from(rows.is_some()),
        rows: rows.as_ref().map_or(0, |rows| rows.count),
        bytes: asked.bytes,
        started_at: asked.started_at,
        finished_at: asked.finished_at,
        batch: None,
    };
    Settled { line, rows }
}
