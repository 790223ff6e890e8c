//! What is to be asked, what is being asked, and what came of it: the state of a shard's process.
//!
//! Pure bookkeeping without I/O: blocks are opened, pairs taken and settled, whole blocks handed out.
//!
//! Promises: a pair is handed out at most once; it becomes ready when what it depends on is settled; when all
//! pairs of a block are settled the block is handed out whole, exactly once.

use std::collections::{BTreeMap, VecDeque};

use super::recipe::Recipe;
use crate::chunk::InputRecord;
use crate::fetch::Values;
use crate::handoff::Block;
use crate::handoff::ledger::Line;
use crate::record::{Failure, Kind, Ordinal, Rows, Status, Value};

/// Why nothing new is asked any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Drain {
    /// A person or the system said so.
    Interrupted,
    /// The limit on requests is used up.
    MaxRequests,
    /// Nothing succeeds; an example.
    GaveUp(String),
}

/// One question to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    /// The block, by its first ordinal.
    pub(super) block: Ordinal,
    /// The record's line within the block.
    pub(super) line: usize,
    /// The endpoint.
    pub(super) endpoint: usize,
}

/// What became of a pair.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settled {
    pub(super) line: Line,
    /// The rows, where the pair counts as a success.
    pub(super) rows: Option<Rows>,
}

impl Settled {
    /// Whether it was asked, and what came of it is not for asking again.
    pub(super) fn is_answer(&self) -> bool {
        let passing = self.line.failure.as_ref().is_some_and(|failure| failure.worth_repeating);
        self.line.attempts > 0 && !passing
    }
}

/// One record of an open block.
#[derive(Debug)]
pub(super) struct RecordState {
    pub(super) input: InputRecord,
    /// By endpoint; `None` while unsettled, or where not planned.
    pub(super) pairs: Vec<Option<Settled>>,
}

impl RecordState {
    fn is_planned(&self, endpoint: usize) -> bool {
        self.input.ask >> endpoint & 1 == 1
    }

    fn is_waiting(&self, endpoint: usize) -> bool {
        self.is_planned(endpoint) && self.pairs[endpoint].is_none()
    }
}

/// A block whose pairs are being asked.
#[derive(Debug)]
pub(super) struct OpenBlock {
    pub(super) block: Block,
    pub(super) records: Vec<RecordState>,
    unsettled: usize,
    /// The board's answers when its first pair was handed out.
    answers_before: Option<u64>,
    /// Whether any pair, of whichever block, was answered since then; known once the block is whole.
    pub(super) answered_meanwhile: bool,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Ask this.
    Ask(Pair),
    /// Open this block first.
    Open(Block),
    /// Nothing until something changes.
    Wait,
    /// Nothing ever again.
    Nothing,
}

/// The state of a shard's process.
#[derive(Debug, Default)]
pub(super) struct Board {
    upcoming: VecDeque<Block>,
    open: BTreeMap<Ordinal, OpenBlock>,
    ready: VecDeque<Pair>,
    /// Blocks that were handed out and are not yet committed.
    closing: usize,
    /// Pairs that a server gave an answer to that asking again would not better.
    answers: u64,
    drain: Option<Drain>,
}

impl Board {
    pub(super) fn new(upcoming: Vec<Block>) -> Board {
        Board { upcoming: upcoming.into(), ..Board::default() }
    }

    /// What to do next, with at most `open_blocks` blocks open or closing.
    pub(super) fn next(&mut self, open_blocks: usize) -> Next {
        if let Some(pair) = self.ready.pop_front() {
            if let Some(open) = self.open.get_mut(&pair.block) {
                open.answers_before.get_or_insert(self.answers);
            }
            return Next::Ask(pair);
        }
        if self.open.len() + self.closing < open_blocks
            && let Some(block) = self.upcoming.pop_front()
        {
            return Next::Open(block);
        }
        match self.upcoming.is_empty() && self.open.is_empty() && self.closing == 0 {
            true => Next::Nothing,
            false => Next::Wait,
        }
    }

    /// Opens a block; blocks that are whole at once (every pair had crashed before) are returned.
    pub(super) fn open(&mut self, block: Block, inputs: Vec<InputRecord>, recipe: &Recipe) -> Vec<OpenBlock> {
        let endpoints = recipe.steps.len();
        let records: Vec<RecordState> =
            inputs.into_iter().map(|input| RecordState { input, pairs: vec![None; endpoints] }).collect();
        let planned = |record: &RecordState| (0..endpoints).filter(|&e| record.is_planned(e)).count();
        let unsettled = records.iter().map(planned).sum();
        let open = OpenBlock { block, records, unsettled, answers_before: None, answered_meanwhile: false };
        self.open.insert(block.first, open);
        let mut whole = Vec::new();
        for line in 0..block.records as usize {
            for endpoint in 0..endpoints {
                let pair = Pair { block: block.first, line, endpoint };
                whole.extend(self.make_ready(pair, recipe));
            }
        }
        whole
    }

    /// Puts a pair among the ready ones, or settles it, if it is planned and nothing it needs is unsettled.
    fn make_ready(&mut self, pair: Pair, recipe: &Recipe) -> Option<OpenBlock> {
        let record = &self.open.get(&pair.block)?.records[pair.line];
        let step = &recipe.steps[pair.endpoint];
        if !record.is_waiting(pair.endpoint) || step.after.iter().any(|&other| record.is_waiting(other)) {
            return None;
        }
        let settled = settled_unasked(record, pair.endpoint, recipe)
            .or_else(|| Some(deferred(record, pair.endpoint, self.drain.as_ref()?)));
        match settled {
            Some(settled) => self.settle(pair, settled, recipe),
            None => {
                self.ready.push_back(pair);
                None
            }
        }
    }

    /// Records what became of a pair; a block that is whole thereby is handed out.
    pub(super) fn settle(&mut self, pair: Pair, settled: Settled, recipe: &Recipe) -> Option<OpenBlock> {
        let open = self.open.get_mut(&pair.block)?;
        self.answers += u64::from(settled.is_answer());
        open.records[pair.line].pairs[pair.endpoint] = Some(settled);
        open.unsettled -= 1;
        if open.unsettled == 0 {
            open.answered_meanwhile = open.answers_before.is_some_and(|before| self.answers > before);
            self.closing += 1;
            return self.open.remove(&pair.block);
        }
        recipe.steps[pair.endpoint]
            .dependents
            .iter()
            .find_map(|&endpoint| self.make_ready(Pair { endpoint, ..pair }, recipe))
    }

    /// Pairs that could be taken now.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Stops asking: what was not asked is deferred, blocks that were not opened stay as they are. Blocks that
    /// are whole thereby are handed out.
    pub(super) fn drain(&mut self, why: Drain, recipe: &Recipe) -> Vec<OpenBlock> {
        let why = self.drain.get_or_insert(why).clone();
        self.upcoming.clear();
        let mut whole = Vec::new();
        while let Some(pair) = self.ready.pop_front() {
            if let Some(open) = self.open.get(&pair.block) {
                let settled = deferred(&open.records[pair.line], pair.endpoint, &why);
                whole.extend(self.settle(pair, settled, recipe));
            }
        }
        whole
    }

    /// Why nothing new is asked.
    pub(super) fn draining(&self) -> Option<&Drain> {
        self.drain.as_ref()
    }

    /// A handed-out block is committed, or given up.
    pub(super) fn closed(&mut self) {
        self.closing -= 1;
    }

    /// The record of a pair.
    pub(super) fn record(&self, pair: Pair) -> Option<&RecordState> {
        self.open.get(&pair.block)?.records.get(pair.line)
    }
}

/// What becomes of a pair without asking: it crashed before, or what it needs is not there.
fn settled_unasked(record: &RecordState, endpoint: usize, recipe: &Recipe) -> Option<Settled> {
    let step = &recipe.steps[endpoint];
    let ordinal = record.input.ordinal;
    if recipe.has_crashed(ordinal, endpoint) {
        let why = "working on its answer ended the process more than once";
        let failure = Failure::lasting(Kind::Crashed, why);
        return Some(unasked(record, endpoint, Status::Failed, Some(failure)));
    }
    let failed =
        |&&other: &&usize| record.pairs[other].as_ref().is_some_and(|settled| settled.rows.is_none());
    if let Some(&other) = step.after.iter().find(failed) {
        let failure =
            Failure::passing(Kind::Dependency, format!("{} did not succeed", recipe.steps[other].name));
        return Some(unasked(record, endpoint, Status::Skipped, Some(failure)));
    }
    let values = recipe.values(record);
    let is_null = |value: Option<&Value>| matches!(value, None | Some(Value::Null));
    if step.needs.iter().any(|&(other, column)| is_null(values.answer(other, column))) {
        let mut settled = unasked(record, endpoint, Status::Missing, None);
        settled.line.rows = 1;
        settled.rows = Some(Rows::null(step.columns));
        return Some(settled);
    }
    None
}

fn deferred(record: &RecordState, endpoint: usize, why: &Drain) -> Settled {
    let failure = match why {
        Drain::MaxRequests => Failure::passing(Kind::MaxRequests, "the limit on requests was used up"),
        Drain::Interrupted => Failure::passing(Kind::Interrupted, "interrupted before it was asked"),
        Drain::GaveUp(_) => Failure::passing(Kind::Interrupted, "the shard gave up before it was asked"),
    };
    unasked(record, endpoint, Status::Deferred, Some(failure))
}

/// A pair that was settled without a request.
pub(super) fn unasked(
    record: &RecordState,
    endpoint: usize,
    status: Status,
    failure: Option<Failure>,
) -> Settled {
    let line = Line {
        ordinal: record.input.ordinal,
        endpoint,
        status,
        failure,
        http_status: None,
        attempts: 0,
        requests: 0,
        pages: 0,
        rows: 0,
        bytes: 0,
        started_at: None,
        finished_at: None,
        batch: None,
    };
    Settled { line, rows: None }
}
