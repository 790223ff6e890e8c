//! Answers kept beside the rows, as `keep_answers` of the job says: the bytes that came, whatever their charset. A secret that a
//! server repeated is not kept: such an answer is kept as text without it.

use std::cell::Cell;

use crate::fetch::{Answer, Question, Redacted};
use crate::job::KeepAnswers;

/// Bytes of kept answers from which only one block is open at a time: several would hold them all in memory.
const MANY: u64 = 256 << 20;

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    /// Its place among the pages of its pair, from 0.
    pub(super) page: u32,
    pub(super) status: Option<u16>,
    pub(super) content: Redacted,
    pub(super) next_link: Option<String>,
}

/// What is to be kept, and how much is held in memory.
pub(super) struct Keep {
    wanted: KeepAnswers,
    held: Cell<u64>,
}

impl Keep {
    pub(super) fn new(wanted: KeepAnswers) -> Keep {
        Keep { wanted, held: Cell::new(0) }
    }

    /// A whole answer, from which no row could be made if it `failed`.
    pub(super) fn answer(
        &self,
        question: &Question,
        page: u32,
        answer: &Answer,
        failed: bool,
    ) -> Option<Kept> {
        let is_wanted = self.wanted == KeepAnswers::All || self.wanted == KeepAnswers::Failed && failed;
        is_wanted.then(|| {
            let kept = self.hold(page, Some(answer.status), question.to_keep(answer));
            Kept { next_link: answer.next_link.as_ref().map(|link| question.masked(link)), ..kept }
        })
    }

    /// What a server said instead of an answer.
    pub(super) fn error_page(&self, page: u32, status: Option<u16>, content: Redacted) -> Option<Kept> {
        (self.wanted != KeepAnswers::None).then(|| self.hold(page, status, content))
    }

    fn hold(&self, page: u32, status: Option<u16>, content: Redacted) -> Kept {
        self.held.set(self.held.get() + content.size());
        Kept { page, status, content, next_link: None }
    }

    /// Some of it is written.
    pub(super) fn release(&self, bytes: u64) {
        self.held.set(self.held.get().saturating_sub(bytes));
    }

    /// How many blocks may be open, of `usual`.
    pub(super) fn open_blocks(&self, usual: usize) -> usize {
        if self.held.get() > MANY { 1 } else { usual }
    }
}
