//! A record whose questions are being asked; a question, what it costs, and what becomes of it.

use super::keep::Kept;
use crate::chunk::InputRecord;
use crate::handoff::ledger::Line;
use crate::record::{Ordinal, Rows};

/// An endpoint and a column of it.
pub(super) type AnswerIndex = (usize, usize);

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

/// Pairs of one endpoint that share a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Together {
    /// By line; never empty.
    pub(super) pairs: Vec<Pair>,
    /// What was spent on the first of them before, in a batch that it was asked with.
    pub(super) spent: Spent,
}

/// What requests cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) attempts: u32,
    pub(super) requests: u32,
    pub(super) bytes: u64,
    /// Of the first; microseconds since 1970, UTC.
    pub(super) started_at: Option<i64>,
}

impl Spent {
    /// Counts it on a line that tells of no request of its own.
    pub(super) fn count_on(self, line: &mut Line) {
        line.attempts = self.attempts;
        line.requests = self.requests;
        line.bytes = self.bytes;
        line.started_at = self.started_at;
    }
}

/// What became of a pair.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settled {
    pub(super) line: Line,
    /// The rows, where the pair counts as a success.
    pub(super) rows: Option<Rows>,
    /// Answers that are kept.
    pub(super) kept: Vec<Kept>,
    /// Where its answer refused the job's secrets: [the key](crate::fetch::SecretsSeen) of these.
    pub(super) refused: Option<u64>,
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
    /// Bit *i* set: endpoint *i* was found ready.
    pub(super) ready: u64,
}

impl RecordState {
    pub(super) fn is_planned(&self, endpoint: usize) -> bool {
        self.input.ask >> endpoint & 1 == 1
    }

    pub(super) fn is_waiting(&self, endpoint: usize) -> bool {
        self.is_planned(endpoint) && self.pairs[endpoint].is_none()
    }
}
