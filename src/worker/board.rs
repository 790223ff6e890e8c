//! What is to be asked, what is being asked, and what came of it: the state of a shard's process.
//!
//! Pure bookkeeping without I/O: blocks are opened, pairs taken and settled, whole blocks handed out.
//!
//! Promises: a pair is handed out at most once (once more alone, where its batch says so); it becomes ready when what
//! it depends on is settled; a batch is of one endpoint and one block, and handed out when it is full or no further
//! pair can join it; when all pairs of a block are settled the block is handed out whole, exactly once, or once more
//! after all others where it was set aside.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::pair::{Pair, RecordState, Settled, Spent, Together};
use super::recipe::Recipe;
use super::unasked::{Drain, settled_unasked, waiting};
use crate::chunk::InputRecord;
use crate::handoff::Block;
use crate::record::Ordinal;

/// A block whose pairs are being asked.
#[derive(Debug)]
pub(super) struct OpenBlock {
    pub(super) block: Block,
    pub(super) records: Vec<RecordState>,
    unsettled: usize,
    /// By endpoint: pairs that are neither ready nor settled yet.
    to_come: Vec<usize>,
    /// By endpoint with a batch: pairs that are ready.
    gathered: Vec<VecDeque<Pair>>,
    /// The board's answers when its first pair was handed out.
    answers_before: Option<u64>,
    /// Whether any pair, of whichever block, was answered since then; known once the block is whole.
    pub(super) answered_meanwhile: bool,
}

impl OpenBlock {
    /// Whether any of its pairs has an answer that asking again would not better.
    pub(super) fn has_answers(&self) -> bool {
        self.records.iter().flat_map(|record| record.pairs.iter().flatten()).any(Settled::is_answer)
    }

    /// The ordinals from its first record to its last.
    fn range(&self) -> Range<Ordinal> {
        let last = self.records.last().map_or(self.block.first, |record| record.input.ordinal);
        self.block.first..last + 1
    }
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Ask this.
    Ask(Pair),
    /// Ask these in one request.
    AskTogether(Together),
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
    /// Blocks that nobody answered, to be opened once more when all others are done.
    aside: VecDeque<Block>,
    /// Whether those that were set aside are being opened, so that none is set aside again.
    is_at_the_end: bool,
    open: BTreeMap<Ordinal, OpenBlock>,
    ready: VecDeque<Pair>,
    /// Batches that are full, or that nobody can join any more.
    together: VecDeque<Together>,
    /// Blocks that are being opened, or were handed out and are not yet committed.
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
        if let Some(together) = self.together.pop_front() {
            self.begun(together.pairs[0].block);
            return Next::AskTogether(together);
        }
        if let Some(pair) = self.ready.pop_front() {
            self.begun(pair.block);
            return Next::Ask(pair);
        }
        if self.open.len() + self.closing < open_blocks
            && let Some(block) = self.upcoming.pop_front()
        {
            // Until it is open it counts as one that is not done.
            self.closing += 1;
            return Next::Open(block);
        }
        if !self.upcoming.is_empty() || !self.open.is_empty() || self.closing > 0 {
            return Next::Wait;
        }
        if self.aside.is_empty() {
            return Next::Nothing;
        }
        (self.upcoming, self.is_at_the_end) = (std::mem::take(&mut self.aside), true);
        self.next(open_blocks)
    }

    /// A pair of the block is handed out.
    fn begun(&mut self, block: Ordinal) {
        if let Some(open) = self.open.get_mut(&block) {
            open.answers_before.get_or_insert(self.answers);
        }
    }

    /// Opens a block; blocks that are whole at once (every pair had crashed before) are returned.
    pub(super) fn open(&mut self, block: Block, inputs: Vec<InputRecord>, recipe: &Recipe) -> Vec<OpenBlock> {
        let endpoints = recipe.steps.len();
        let records: Vec<RecordState> = inputs
            .into_iter()
            .map(|input| RecordState { input, pairs: vec![None; endpoints], ready: 0 })
            .collect();
        let planned = |endpoint| records.iter().filter(|record| record.is_planned(endpoint)).count();
        let to_come: Vec<usize> = (0..endpoints).map(planned).collect();
        let open = OpenBlock {
            block,
            unsettled: to_come.iter().sum(),
            to_come,
            gathered: vec![VecDeque::new(); endpoints],
            records,
            answers_before: None,
            answered_meanwhile: false,
        };
        self.open.insert(block.first, open);
        self.closing -= 1;
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
        let open = self.open.get(&pair.block)?;
        let (record, block) = (&open.records[pair.line], open.range());
        let step = &recipe.steps[pair.endpoint];
        let is_ready = record.ready >> pair.endpoint & 1 == 1;
        if is_ready
            || !record.is_waiting(pair.endpoint)
            || step.after.iter().any(|&other| record.is_waiting(other))
        {
            return None;
        }
        let settled = settled_unasked(record, &block, pair.endpoint, recipe)
            .or_else(|| Some(waiting(record, pair.endpoint, self.drain.as_ref()?)));
        let batch = recipe.batch_in(&block, pair.endpoint);
        let open = self.open.get_mut(&pair.block)?;
        open.to_come[pair.endpoint] -= 1;
        open.records[pair.line].ready |= 1 << pair.endpoint;
        let whole = match (settled, batch) {
            (Some(settled), _) => self.settle(pair, settled, recipe),
            (None, None) => {
                self.ready.push_back(pair);
                None
            }
            (None, Some(_)) => {
                open.gathered[pair.endpoint].push_back(pair);
                None
            }
        };
        self.gather(pair.block, pair.endpoint, batch);
        whole
    }

    /// Makes batches of what is ready: full ones, and the last one when nobody is to come any more.
    fn gather(&mut self, block: Ordinal, endpoint: usize, batch: Option<usize>) {
        let (Some(size), Some(open)) = (batch, self.open.get_mut(&block)) else { return };
        let gathered = &mut open.gathered[endpoint];
        while gathered.len() >= size || (open.to_come[endpoint] == 0 && !gathered.is_empty()) {
            let pairs = gathered.drain(..size.min(gathered.len())).collect();
            self.together.push_back(Together { pairs, spent: Spent::default() });
        }
    }

    /// Hands pairs of a batch out once more, in a smaller one; blocks that are whole instead are returned.
    pub(super) fn again(&mut self, together: Together, recipe: &Recipe) -> Vec<OpenBlock> {
        let Some(why) = self.drain.clone() else {
            self.together.push_back(together);
            return Vec::new();
        };
        let mut whole = Vec::new();
        let mut spent = together.spent;
        for pair in together.pairs {
            let Some(open) = self.open.get(&pair.block) else { continue };
            let mut settled = waiting(&open.records[pair.line], pair.endpoint, &why);
            std::mem::take(&mut spent).count_on(&mut settled.line);
            whole.extend(self.settle(pair, settled, recipe));
        }
        whole
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
        self.ready.len() + self.together.len()
    }

    /// Pairs that are not settled yet, if no others are to come.
    pub(super) fn last_pairs(&self) -> Option<usize> {
        let is_all = self.upcoming.is_empty() && self.aside.is_empty();
        is_all.then(|| self.open.values().map(|open| open.unsettled).sum())
    }

    /// Stops asking: what was not asked waits, blocks that were not opened stay as they are. Blocks that
    /// are whole thereby are handed out.
    pub(super) fn drain(&mut self, why: Drain, recipe: &Recipe) -> Vec<OpenBlock> {
        let why = self.drain.get_or_insert(why).clone();
        self.upcoming.clear();
        self.aside.clear();
        let mut whole = Vec::new();
        let gathered = self.open.values_mut().flat_map(|open| &mut open.gathered).flat_map(std::mem::take);
        let together = self.together.drain(..).flat_map(|together| together.pairs);
        self.ready.extend(together.chain(gathered));
        while let Some(pair) = self.ready.pop_front() {
            if let Some(open) = self.open.get(&pair.block) {
                let settled = waiting(&open.records[pair.line], pair.endpoint, &why);
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

    /// Whether a block may be set aside: none is twice.
    pub(super) fn may_set_aside(&self) -> bool {
        !self.is_at_the_end && self.drain.is_none()
    }

    /// A handed-out block is to be opened once more, when all others are done.
    pub(super) fn set_aside(&mut self, block: Block) {
        self.closing -= 1;
        self.aside.push_back(block);
    }

    /// The record of a pair.
    pub(super) fn record(&self, pair: Pair) -> Option<&RecordState> {
        self.open.get(&pair.block)?.records.get(pair.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_set_aside_comes_once_more_after_all_others() {
        let block = |first| Block { first, line: first, records: 64 };
        let mut board = Board::new(vec![block(0), block(64), block(128)]);
        assert_eq!(board.next(8), Next::Open(block(0)));
        board.set_aside(block(0));
        for first in [64, 128] {
            assert_eq!(board.next(8), Next::Open(block(first)));
            assert!(board.may_set_aside());
        }
        assert_eq!(board.next(8), Next::Wait, "two are not done");
        board.closed();
        board.closed();
        assert_eq!((board.next(8), board.may_set_aside()), (Next::Open(block(0)), false));
        board.closed();
        assert_eq!(board.next(8), Next::Nothing);
    }
}
