//! What a shard's process has done: counted, and told to the process that started it.

use std::cell::Cell;

use super::held::Held;
use super::pace::Pace;
use super::pair::Settled;
use crate::handoff::Event;
use crate::record::Status;

/// Pairs that ended, and where they are told.
pub(super) struct Counter {
    emit: Box<dyn Fn(Event)>,
    done: Cell<u64>,
    failed: Cell<u64>,
    held: Held,
}

impl Counter {
    pub(super) fn new(emit: Box<dyn Fn(Event)>) -> Counter {
        Counter { emit, done: Cell::default(), failed: Cell::default(), held: Held::default() }
    }

    /// Counts what became of a pair.
    pub(super) fn count(&self, settled: &Settled) {
        self.done.set(self.done.get() + 1);
        self.failed.set(self.failed.get() + u64::from(has_failed(settled)));
    }

    /// Takes back pairs that are asked again as if they had not been. Some of them may never have been counted.
    pub(super) fn take_back<'a>(&self, pairs: impl Iterator<Item = &'a Settled>) {
        for settled in pairs {
            self.done.set(self.done.get().saturating_sub(1));
            self.failed.set(self.failed.get().saturating_sub(u64::from(has_failed(settled))));
        }
    }

    /// Tells something.
    pub(super) fn tell(&self, event: Event) {
        (self.emit)(event);
    }

    /// Tells the counts, and what the pace has to tell.
    pub(super) fn tell_progress(&self, pace: &Pace) {
        for text in pace.news() {
            self.tell(Event::Warning { text });
        }
        if let Some(renews_at) = pace.renews_at() {
            self.tell(Event::UsedUp { renews_at });
        }
        let (done, failed) = (self.done.get(), self.failed.get());
        let (requests, in_flight, hold) = (pace.sent(), pace.in_flight(), self.held.by(pace));
        self.tell(Event::Progress { done, failed, requests, in_flight, hold });
    }
}

/// What waits has not failed.
fn has_failed(settled: &Settled) -> bool {
    settled.line.status == Status::Failed
}
