//! What the lanes of a shard's process share: the board, the sender, the recipe, and what they do with them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::board::Board;
use super::counter::Counter;
use super::keep::Keep;
use super::output::Output;
use super::pair::{Pair, Settled, Spent, Together};
use super::recipe::Recipe;
use super::replay::Replay;
use super::sender::{Sender, SenderOptions, Told};
use super::unasked::{Drain, unasked};
use super::{ShardEnd, ShardOptions, WorkerError, condition, watchdog};
use crate::chunk::{self, InputRecord};
use crate::fetch::{Asked, Request, Values, canonical_text};
use crate::handoff::{Block, Event};
use crate::job::{Job, KeepAnswers};
use crate::os::{Slot, printable};
use crate::record::{Failure, Kind, Ordinal, Status};

/// The part of a process's requests in flight that it still has when little of its shard is left, as a divisor.
const FINISHING: usize = 8;

/// Everything that the lanes of one process share.
pub(super) struct Work {
    pub(super) output: Output,
    pub(super) recipe: Rc<Recipe>,
    pub(super) sender: Sender,
    pub(super) board: RefCell<Board>,
    pub(super) keep: Keep,
    pub(super) counter: Counter,
    /// The shard's frozen lines.
    input: Bytes,
    /// Whether what fails has failed for good, even if nobody answers.
    pub(super) settles: bool,
    /// Whether the job asks more than one host, or may.
    pub(super) several_hosts: bool,
    /// Requests that this process may ever have in flight, and those that it may have now.
    in_flight: (usize, Cell<usize>),
    /// Where its parent says so.
    slot: Slot,
    /// Whether it has told that little is left.
    is_finishing: Cell<bool>,
    /// Wakes lanes that found nothing to do.
    pub(super) changed: Notify,
    pub(super) error: RefCell<Option<WorkerError>>,
}

impl Work {
    pub(super) fn new(
        output: Output,
        job: &Job,
        input: Bytes,
        upcoming: Vec<Block>,
        options: ShardOptions,
        emit: Box<dyn Fn(Event)>,
    ) -> Result<Work, WorkerError> {
        let shard = output.shard;
        let no_thread = |error: std::io::Error| WorkerError::Broken { shard, why: error.to_string() };
        let ShardOptions { slot, secrets, crashed, settles, .. } = options;
        let watchdog = watchdog::watch(slot.clone(), job).map_err(no_thread)?;
        let (mut recipe, tokens) = Recipe::new(&output.plan, job, &secrets, &crashed, watchdog)?;
        recipe.one_by_one = options.replay.is_some();
        // What the run has kept, it has.
        let is_remaking = options.replay.as_ref().is_some_and(Replay::is_of_this_run);
        let recipe = Rc::new(recipe);
        let in_flight = options.in_flight;
        let asking = SenderOptions {
            round: options.round,
            in_flight,
            max_requests: options.max_requests,
            secrets_accepted: options.secrets_accepted,
            tokens,
            on_request: options.on_request,
            on_answer: options.on_answer,
            replay: options.replay,
        };
        let work = Work {
            sender: Sender::new(&output.plan, job, recipe.clone(), asking)?,
            recipe,
            output,
            board: RefCell::new(Board::new(upcoming)),
            keep: Keep::new(if is_remaking { KeepAnswers::None } else { job.settings.keep_answers }),
            counter: Counter::new(emit),
            input,
            settles,
            several_hosts: job.asks_several_hosts(),
            in_flight: (in_flight, Cell::new(in_flight)),
            slot,
            is_finishing: Cell::default(),
            changed: Notify::new(),
            error: RefCell::default(),
        };
        work.keep_to_what_is_allowed();
        Ok(work)
    }

    /// Has as many requests in flight as its parent says, which is more when other processes end.
    pub(super) fn keep_to_what_is_allowed(&self) {
        let (most, now) = &self.in_flight;
        let allowed = self.slot.allowed().unwrap_or(*most).min(*most);
        if !self.is_finishing.get() && self.sender.pace.have(now.get(), allowed) {
            now.set(allowed);
        }
    }

    /// How the work ended, once all lanes have.
    pub(super) fn ended(&self) -> Result<ShardEnd, WorkerError> {
        if let Some(error) = self.error.borrow_mut().take() {
            return Err(error);
        }
        Ok(match self.board.borrow().draining() {
            None => ShardEnd::Committed,
            Some(Drain::Interrupted) => ShardEnd::Interrupted,
            Some(Drain::MaxRequests) => ShardEnd::Paused(None),
            Some(Drain::Quota(renews_at)) => ShardEnd::Paused(Some(*renews_at)),
            Some(Drain::GaveUp(detail)) => ShardEnd::GaveUp(detail.clone()),
            Some(Drain::Refused(text)) => ShardEnd::Refused(text.clone()),
        })
    }

    /// Tells, once, when little is left, and keeps to that: whoever began this process begins another one then, so that a few
    /// slow requests do not hold up the rest of the list.
    pub(super) fn tell_if_finishing(&self) {
        let (all, now) = &self.in_flight;
        let most = all / FINISHING;
        let is_little = || self.board.borrow().last_pairs().is_some_and(|pairs| pairs <= most);
        let may_finish = (1..now.get()).contains(&most) && !self.is_finishing.get() && is_little();
        if may_finish && self.sender.pace.have(now.get(), most) {
            self.is_finishing.set(true);
            self.counter.tell(Event::Finishing { in_flight: most });
        }
    }

    /// Tells the counts.
    pub(super) fn tell_progress(&self) {
        self.counter.tell_progress(&self.sender.pace);
    }

    /// Opens a block that the board has handed out.
    pub(super) async fn open(self: &Rc<Work>, block: Block) {
        match self.records(&block).await {
            Ok(records) => {
                let whole = self.board.borrow_mut().open(block, records, &self.recipe);
                whole.into_iter().for_each(|open| self.finish(open));
                self.changed.notify_waiters();
            }
            Err(error) => {
                self.board.borrow_mut().closed();
                self.fail(error);
            }
        }
    }

    /// The records of a block, and what an earlier run kept of them.
    async fn records(&self, block: &Block) -> Result<Vec<InputRecord>, WorkerError> {
        let records = chunk::read_records(self.input.clone(), block, &self.recipe.fields)
            .map_err(Output::damaged(self.output.shard))?;
        if let Some(replay) = &self.sender.replay {
            replay.load(&records).await?;
        }
        Ok(records)
    }

    /// Records what became of a pair.
    pub(super) fn settle(self: &Rc<Work>, pair: Pair, mut settled: Settled) {
        if let Some(failure) = &mut settled.line.failure {
            // Whatever it is of: an answer may repeat a secret in the value that does not fit, or hold what steers the
            // terminal of whoever reads a file with it.
            let masked = self.recipe.steps[pair.endpoint].question.masked(&failure.detail);
            failure.detail = printable(&masked).into_owned();
        }
        let kind = settled.line.failure.as_ref().map(|failure| failure.kind);
        let detail =
            settled.line.failure.as_ref().map_or_else(String::new, |failure| failure.detail.to_string());
        if kind == Some(Kind::HostDown) && self.settles {
            // It was left to the end, and this is the end.
            settled.line.status = Status::Failed;
        }
        self.counter.count(&settled);
        let whole = self.board.borrow_mut().settle(pair, settled, &self.recipe);
        if let Some(open) = whole {
            self.finish(open);
        }
        match (kind, self.sender.pace.renews_at()) {
            // What was told then, of requests that are not sent now.
            _ if self.sender.replay.is_some() => {}
            (Some(Kind::MaxRequests), _) => self.drain(Drain::MaxRequests),
            (Some(Kind::Token), _) => self.drain(Drain::GaveUp(detail)),
            (Some(Kind::Quota), Some(renews_at)) if !self.recipe.steps[pair.endpoint].asks_anywhere => {
                self.drain(Drain::Quota(renews_at));
            }
            _ => {}
        }
        // One ready pair is for this lane; others may wake a lane that found nothing.
        if self.board.borrow().ready() > 1 {
            self.changed.notify_one();
        }
    }

    /// Hands pairs of a batch out once more.
    pub(super) fn again(self: &Rc<Work>, pairs: Vec<Pair>, spent: Spent) {
        let whole = self.board.borrow_mut().again(Together { pairs, spent }, &self.recipe);
        whole.into_iter().for_each(|open| self.finish(open));
        self.changed.notify_one();
    }

    /// Asks a question; where that shows that the job's secrets are refused, it is the last.
    pub(super) async fn ask(
        self: &Rc<Work>,
        ordinal: Ordinal,
        endpoint: usize,
        page: u32,
        request: &Request,
    ) -> Asked {
        let Told { asked, refused } = self.sender.ask(ordinal, endpoint, page, request).await;
        if let Some(text) = refused
            && self.board.borrow().draining().is_none()
        {
            self.counter.tell(Event::SecretRefused { text: text.clone() });
            self.drain(Drain::Refused(text));
        }
        asked
    }

    /// The record of a pair, as long as its block is open.
    pub(super) fn ordinal(&self, pair: Pair) -> Option<Ordinal> {
        self.board.borrow().record(pair).map(|record| record.input.ordinal)
    }

    /// The request for a pair, or what it is settled as without one.
    pub(super) fn request(&self, pair: Pair) -> Result<(Request, Ordinal), Option<Box<Settled>>> {
        let board = self.board.borrow();
        let record = board.record(pair).ok_or(None)?;
        let built = self.recipe.steps[pair.endpoint].question.build(&self.recipe.values(record));
        match built {
            Ok(request) => Ok((request, record.input.ordinal)),
            Err(failure) => {
                Err(Some(Box::new(unasked(record, pair.endpoint, Status::Failed, Some(failure)))))
            }
        }
    }

    /// The request that these pairs share.
    pub(super) fn batch_request(&self, pairs: &[Pair]) -> Result<Request, Failure> {
        let board = self.board.borrow();
        let records = pairs.iter().filter_map(|pair| board.record(*pair));
        let values: Vec<_> = records.map(|record| self.recipe.values(record)).collect();
        self.recipe.steps[pairs[0].endpoint].question.build_batch(&values)
    }

    /// What a pair is found by in its batch's answer.
    pub(super) fn batch_key(&self, pair: Pair) -> Result<String, Failure> {
        let board = self.board.borrow();
        let record = board.record(pair).ok_or_else(gone)?;
        let step = &self.recipe.steps[pair.endpoint];
        let (column, ty) = step.batch_column.ok_or_else(gone)?;
        let values = self.recipe.values(record);
        let text = canonical_text(values.input(column), ty);
        text.map(Cow::into_owned).map_err(|why| Failure::lasting(Kind::Template, format!("the id {why}")))
    }

    /// A pair's record as the job's own programs see it.
    pub(super) fn record_json(&self, pair: Pair) -> Result<Box<RawValue>, Failure> {
        let board = self.board.borrow();
        let record = board.record(pair).ok_or_else(gone)?;
        let json = condition::record_json(&self.recipe.inputs, &self.recipe.values(record))?;
        RawValue::from_string(json).map_err(|error| Failure::lasting(Kind::Pipe, error.to_string()))
    }
}

/// A block is handed out only when all its pairs are settled: its records are there as long as one is asked.
fn gone() -> Failure {
    Failure::passing(Kind::Interrupted, "its block is closed")
}
