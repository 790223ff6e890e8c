//! How blocks end, and with them the work of a shard: what was asked is committed, left for later, or given up.
//!
//! A block whose every pair is settled goes the way that its [`Verdict`] says. Where nobody answered any of it, it is found
//! out first whether its servers are down or its records cannot be answered ([`others`], [`probe`]).

use std::rc::Rc;

use super::board::OpenBlock;
use super::finish::{self, Verdict};
use super::others::{self, Others};
use super::unasked::Drain;
use super::work::Work;
use super::{WorkerError, probe};
use crate::handoff::Event;

impl Work {
    /// Stops asking.
    pub(super) fn drain(self: &Rc<Work>, why: Drain) {
        let whole = self.board.borrow_mut().drain(why, &self.recipe);
        self.sender.stop();
        whole.into_iter().for_each(|open| self.finish(open));
        self.changed.notify_waiters();
    }

    /// Stops asking because the shard cannot go on.
    pub(super) fn fail(self: &Rc<Work>, error: WorkerError) {
        self.error.borrow_mut().get_or_insert(error);
        self.drain(Drain::Interrupted);
    }

    /// Ends a whole block: commits it beside the requests of the others, sets it aside, or gives up.
    pub(super) fn finish(self: &Rc<Work>, mut open: OpenBlock) {
        if self.sender.replay.is_some() {
            return self.finish_from_kept(open);
        }
        let is_refused = self.sender.credentials.let_refused_wait(&mut open);
        // Without an answer the block stays uncommitted: the command that is repeated asks all of it.
        if is_refused && !open.has_answers() && self.board.borrow().draining().is_some() {
            return self.board.borrow_mut().closed();
        }
        let verdict = if is_refused {
            Verdict::Commit
        } else {
            finish::verdict(&open, self.output.round, self.settles)
        };
        if let Verdict::GiveUp(example) = verdict {
            return self.give_up(&open, example);
        }
        if self.error.borrow().is_some() {
            return self.board.borrow_mut().closed();
        }
        let work = self.clone();
        tokio::task::spawn_local(async move {
            match verdict {
                Verdict::CommitIfAnswered(example) => work.weigh(open, example).await,
                _ => work.commit(open).await,
            }
            work.changed.notify_waiters();
        });
    }

    /// Commits a block for which nobody was asked; one that a signal came in the middle of is made whole by its rerun, since what
    /// would wait in it would be asked.
    fn finish_from_kept(self: &Rc<Work>, open: OpenBlock) {
        if self.board.borrow().draining().is_some() {
            return self.board.borrow_mut().closed();
        }
        let work = self.clone();
        tokio::task::spawn_local(async move {
            work.commit(open).await;
            work.changed.notify_waiters();
        });
    }

    /// Commits a block that nobody answered if others answer, or its own server what it answered before; sets it aside if
    /// others may yet.
    async fn weigh(self: &Rc<Work>, open: OpenBlock, example: Option<String>) {
        match self.is_of_records(&open).await {
            Ok(Some(true)) => self.commit(open).await,
            Ok(Some(false)) => self.give_up(&open, example),
            Ok(None) => self.set_aside(&open),
            Err(error) => {
                self.board.borrow_mut().closed();
                self.fail(error);
            }
        }
    }

    /// Whether a block that nobody answered failed by its records, and not since the servers are down; `None` while
    /// other blocks may tell.
    async fn is_of_records(self: &Rc<Work>, open: &OpenBlock) -> Result<Option<bool>, WorkerError> {
        match others::look(self, open).await? {
            Others::Answer => Ok(Some(true)),
            Others::Unknown if self.several_hosts && self.board.borrow().may_set_aside() => Ok(None),
            _ => probe::is_answered(self, open).await.map(Some),
        }
    }

    /// Writes and commits a block.
    async fn commit(self: &Rc<Work>, open: OpenBlock) {
        if let Some(replay) = &self.sender.replay {
            replay.forget(&open.records);
        }
        let answered_by = self.sender.answering.named();
        let finished = finish::commit_block(&self.output, &self.keep, answered_by, open).await;
        self.board.borrow_mut().closed();
        match finished {
            Ok(pairs) => self.counter.tell(Event::Committed { pairs }),
            Err(error) => self.fail(error),
        }
    }

    /// Leaves a block to the end of the shard, as if it had not been asked.
    fn set_aside(&self, open: &OpenBlock) {
        self.keep.release(finish::kept(open));
        self.counter.take_back(open.records.iter().flat_map(|record| record.pairs.iter().flatten()));
        self.board.borrow_mut().set_aside(open.block);
    }

    /// Gives a block up, and the shard with it: a rerun may do better. Where its host was known to be down, so that none of
    /// it was asked, the last failure says how it is down.
    fn give_up(self: &Rc<Work>, open: &OpenBlock, example: Option<String>) {
        self.board.borrow_mut().closed();
        let used_up =
            self.sender.pace.renews_at().filter(|_| finish::waits_for_quota(open)).map(Drain::Quota);
        let last = || self.sender.last_failure().as_ref().map(finish::in_words);
        let gave_up = || Drain::GaveUp(example.or_else(last).unwrap_or_default());
        self.drain(used_up.unwrap_or_else(gave_up));
    }
}
