//! What a shard's process has done: counted, and told to the process that started it.

use std::cell::RefCell;

use super::held::Held;
use super::pace::Pace;
use super::pair::Settled;
use crate::handoff::{Counts, Event, Pairs};

/// Pairs that ended, and where they are told.
pub(super) struct Counter {
    emit: Box<dyn Fn(Event)>,
    pairs: RefCell<Pairs>,
    held: Held,
}

impl Counter {
    pub(super) fn new(emit: Box<dyn Fn(Event)>) -> Counter {
        Counter { emit, pairs: RefCell::default(), held: Held::default() }
    }

    /// Counts what became of a pair.
    pub(super) fn count(&self, settled: &Settled) {
        self.pairs.borrow_mut().count(&settled.line);
    }

    /// Takes back pairs that are asked again as if they had not been. Some of them may never have been counted.
    pub(super) fn take_back<'a>(&self, pairs: impl Iterator<Item = &'a Settled>) {
        pairs.for_each(|settled| self.pairs.borrow_mut().take_back(&settled.line));
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
        self.tell(Event::Progress(Counts {
            pairs: self.pairs.borrow().clone(),
            requests: pace.sent(),
            in_flight: pace.in_flight(),
            hold: self.held.by(pace),
            latencies: pace.take_latencies(),
        }));
    }
}
