//! What the lanes of a shard's process share: the board, the client, the recipe, and what they do with them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::{Notify, watch};

use super::board::Board;
use super::credentials::Credentials;
use super::hosts::Answering;
use super::keep::Keep;
use super::lease::Lease;
use super::pace::{Pace, waited};
use super::pair::{Pair, Settled, Spent, Together};
use super::recipe::Recipe;
use super::replay::Replay;
use super::unasked::{Drain, unasked};
use super::{OnRequest, Sent, ShardEnd, ShardOptions, WorkerError, condition, watchdog};
use crate::budget::state_folder;
use crate::chunk::{self, InputRecord};
use crate::extract::{Extracted, Item};
use crate::fetch::{Answer, Asked, Client, ClientSettings, Origin, PartIs, Request, Values, canonical_text};
use crate::handoff::{Block, Event, Plan, RunStore};
use crate::job::Job;
use crate::os::printable;
use crate::record::{Failure, Kind, Ordinal, Status};

/// Everything that the lanes of one process share.
pub(super) struct Work {
    pub(super) run: RunStore,
    pub(super) plan: Plan,
    pub(super) shard: u32,
    pub(super) round: u32,
    /// Whether what fails has failed for good, even if nobody answers.
    pub(super) settles: bool,
    /// Whether the job asks more than one host, or may.
    pub(super) several_hosts: bool,
    pub(super) answering: Answering,
    /// What came of a request last that was not answered.
    pub(super) last_failure: RefCell<Option<Failure>>,
    pub(super) attempt: String,
    pub(super) recipe: Recipe,
    pub(super) emit: Box<dyn Fn(Event)>,
    input: Bytes,
    pub(super) board: RefCell<Board>,
    client: Client,
    pub(super) pace: Pace,
    pub(super) keep: Keep,
    pub(super) lease: Rc<Lease>,
    pub(super) credentials: Credentials,
    on_request: Option<OnRequest>,
    /// Where answers come from that nobody is asked for.
    pub(super) replay: Option<Replay>,
    /// Wakes lanes that found nothing to do.
    pub(super) changed: Notify,
    /// Ends waits before a retry, and the pacer's leave.
    pub(super) draining: watch::Sender<bool>,
    /// The other end of `draining`.
    told_to_drain: watch::Receiver<bool>,
    pub(super) error: RefCell<Option<WorkerError>>,
    pub(super) done: Cell<u64>,
    pub(super) failed: Cell<u64>,
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
        lease: Rc<Lease>,
        options: ShardOptions,
        emit: Box<dyn Fn(Event)>,
    ) -> Result<Work, WorkerError> {
        let draining = watch::Sender::new(false);
        let no_thread = |error: std::io::Error| WorkerError::Broken { shard, why: error.to_string() };
        let watchdog = watchdog::watch(options.slot, job).map_err(no_thread)?;
        let mut recipe = Recipe::new(plan, job, &options.secrets, &options.crashed, watchdog)?;
        recipe.one_by_one = options.replay.is_some();
        Ok(Work {
            run: run.clone(),
            plan: plan.clone(),
            shard,
            round: options.round,
            settles: options.settles,
            several_hosts: job.asks_several_hosts(),
            answering: Answering::default(),
            last_failure: RefCell::default(),
            attempt: format!("{:08x}", fastrand::u32(..)),
            credentials: Credentials::new(options.secrets_accepted, options.round, plan, &recipe),
            recipe,
            emit,
            input,
            board: RefCell::new(Board::new(upcoming)),
            client: Client::new(&ClientSettings { max_idle: options.in_flight }),
            pace: Pace::new(
                job,
                options.round,
                options.in_flight,
                options.max_requests,
                draining.subscribe(),
                &state_folder(),
            )?,
            keep: Keep::new(job.settings.bodies),
            lease,
            on_request: options.on_request,
            replay: options.replay,
            changed: Notify::new(),
            told_to_drain: draining.subscribe(),
            draining,
            error: RefCell::default(),
            done: Cell::default(),
            failed: Cell::default(),
        })
    }

    /// Whether a host accepts a connection.
    pub(super) async fn reaches(&self, host: &Origin, within: Duration) -> bool {
        let questions = self.recipe.steps.iter().map(|step| &step.question);
        self.client.reaches(questions, host, within).await
    }

    /// How the work ended, once all lanes have.
    pub(super) fn ended(&self) -> Result<ShardEnd, WorkerError> {
        if let Some(error) = self.error.borrow_mut().take() {
            return Err(error);
        }
        Ok(match self.board.borrow().draining() {
            None => self.lease.end(),
            Some(Drain::Interrupted) => ShardEnd::Interrupted,
            Some(Drain::MaxRequests) => ShardEnd::Paused(None),
            Some(Drain::Quota(renews_at)) => ShardEnd::Paused(Some(*renews_at)),
            Some(Drain::GaveUp(detail)) => ShardEnd::GaveUp(detail.clone()),
            Some(Drain::Refused(text)) => ShardEnd::Refused(text.clone()),
        })
    }

    /// Tells the counts.
    pub(super) fn tell_progress(&self) {
        for text in self.pace.news() {
            (self.emit)(Event::Warning { text });
        }
        if let Some(renews_at) = self.pace.renews_at() {
            (self.emit)(Event::UsedUp { renews_at });
        }
        (self.emit)(Event::Progress {
            done: self.done.get(),
            failed: self.failed.get(),
            requests: self.pace.sent(),
            in_flight: self.pace.in_flight(),
        });
    }

    /// Opens a block that this process has claimed.
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
            .map_err(|source| WorkerError::Chunk { shard: self.shard, source })?;
        if let (Some(replay), Some(last)) = (&self.replay, records.last()) {
            replay.load(block.first..last.ordinal + 1).await?;
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
        self.done.set(self.done.get() + 1);
        self.failed.set(self.failed.get() + u64::from(settled.rows.is_none()));
        let kind = settled.line.failure.as_ref().map(|failure| failure.kind);
        if kind == Some(Kind::HostDown) && self.settles {
            // It was left to the end, and this is the end.
            settled.line.status = Status::Failed;
        }
        let whole = self.board.borrow_mut().settle(pair, settled, &self.recipe);
        if let Some(open) = whole {
            self.finish(open);
        }
        match (kind, self.pace.renews_at()) {
            (Some(Kind::MaxRequests), _) => self.drain(Drain::MaxRequests),
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

    /// Asks a question.
    pub(super) async fn ask(
        self: &Rc<Work>,
        ordinal: Ordinal,
        endpoint: usize,
        page: u32,
        request: &Request,
    ) -> Asked {
        if let Some(on_request) = &self.on_request {
            on_request(Sent { ordinal, endpoint, request });
        }
        let step = &self.recipe.steps[endpoint];
        let question = &step.question;
        if let Some(replay) = &self.replay {
            return replay.asked(ordinal, &step.name, page, question);
        }
        let leave = self.pace.of_endpoint(endpoint);
        let is_answer = |answer: &Answer| {
            if step.pipe.is_some() {
                return false;
            }
            let working = self.recipe.work_on(ordinal, endpoint);
            question.text(answer).is_ok_and(|text| step.extractor.under(&working).vouches(&text))
        };
        let asked =
            self.client.ask_until(question, request, &leave, &self.told_to_drain, draw, is_answer).await;
        match &asked.answer {
            Ok(_) => self.answering.note(request.origin()),
            // Somebody is there who says what asking again would not better.
            Err(failure) if failure.status.is_some() && !failure.worth_repeating => {
                self.answering.note(request.origin());
            }
            Err(failure) if asked.attempts > 0 => drop(self.last_failure.replace(Some(failure.clone()))),
            Err(_) => {}
        }
        if let (Some(price), Ok(answer)) = (&step.price, &asked.answer)
            && let Ok(text) = question.text(answer)
            && let Some(cost) = price.read(&text, &self.recipe.work_on(ordinal, endpoint))
        {
            leave.settle(cost);
        }
        if let Some(seen) = asked.secrets
            && let Some(text) = self.credentials.note(seen, question, request)
            && self.board.borrow().draining().is_none()
        {
            (self.emit)(Event::SecretRefused { text: text.clone() });
            self.drain(Drain::Refused(text));
        }
        asked
    }

    /// Whether a question that was answered before is answered now, be its host known to be down.
    pub(super) async fn probe(&self, endpoint: usize, request: &Request) -> bool {
        let question = &self.recipe.steps[endpoint].question;
        if self.replay.is_some() || !question.is_idempotent() {
            return false;
        }
        let leave = self.pace.of_probe(endpoint);
        let asked = self.client.ask(question, request, &leave, &self.told_to_drain, draw).await;
        asked.answer.is_ok()
    }

    /// The record whose line counted the request that an earlier run asked this one with; its own where it was alone.
    pub(super) fn shared_before(&self, ordinal: Ordinal, endpoint: usize) -> Option<Ordinal> {
        self.replay.as_ref()?.batch_of(ordinal, &self.recipe.steps[endpoint].name)
    }

    /// What a record comes to that an earlier run's answer, which stands for a request, has nothing for.
    pub(super) fn absent_before(
        &self,
        ordinal: Ordinal,
        endpoint: usize,
    ) -> Option<Result<Extracted, Failure>> {
        Some(self.replay.as_ref()?.absent(ordinal, &self.recipe.steps[endpoint].name))
    }

    /// Judges a part of a batch's answer by its own status, as an answer to `request` is judged.
    pub(super) fn judge_part(&self, endpoint: usize, request: &Request, item: &Item, status: u16) -> PartIs {
        let leave = self.pace.of_endpoint(endpoint);
        let question = &self.recipe.steps[endpoint].question;
        let failure = item.holds.as_ref().err().cloned();
        // What an earlier run was told to wait is over.
        let retry_after = item.retry_after.as_deref().filter(|_| self.replay.is_none());
        question.judge_part(request, status, retry_after, failure, &leave)
    }

    /// How long to wait before a part of a batch's answer is asked for again, or the failure that stays: nobody is asked
    /// where an earlier run's answers stand for requests.
    pub(super) fn pause_before_part(
        &self,
        endpoint: usize,
        (made, taken): (u32, Duration),
        failure: Failure,
        wait: Option<Duration>,
    ) -> Result<Duration, Failure> {
        match self.replay {
            Some(_) => Err(failure),
            None => {
                let question = &self.recipe.steps[endpoint].question;
                question.pause_before_part(made, taken, failure, wait, draw)
            }
        }
    }

    /// Waits so long, or until nothing more is asked.
    pub(super) async fn pause(&self, time: Duration) {
        waited(time, &self.told_to_drain).await;
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

/// Between zero and the limit, at random.
fn draw(limit: Duration) -> Duration {
    limit.mul_f64(fastrand::f64())
}
