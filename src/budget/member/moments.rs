//! The pace: moments at which requests may leave.
//!
//! | the next moment of the pace | who reserved it |
//! |---|---|
//! | has come already | uses it; nobody else sees it |
//! | is to come, and another request of this process waits for one that is seen | waits for it; nobody else sees it |
//! | is to come, and a member that was served later waits for a nearer one | gets the nearer one, and that member this one |
//! | is to come | waits for it, and shows it to the others |
//!
//! | when it has come | |
//! |---|---|
//! | it is still the one that was shown, or was not shown | it is used |
//! | another member has changed it for a later one | that is waited for |

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use super::Member;
use crate::budget::words::{self, NEXT};

/// A moment at which a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When, in nanoseconds of the monotonic clock.
    pub at: u64,
    /// Whether other members see that it is taken.
    is_shown: bool,
}

impl Member {
    /// Takes the next moment at which a request of this many units may leave; `None` where there is no pace to keep.
    ///
    /// A member that used its last moment before another did changes with that one, if its moment is nearer: so one that
    /// asks for the next moment only when the last request is answered is not behind those that always ask at once.
    pub fn reserve(&self, now: u64, units: u64) -> Option<Moment> {
        let at = self.pace.get()?.reserve(&self.words()[NEXT], now, units);
        let mine = words::member(self.words(), self.page.me);
        // Of several that wait in this process the first stands for all.
        if at <= now || mine.moment.load(Acquire) != 0 {
            return Some(Moment { at, is_shown: false });
        }
        let at = self.nearest(at, now, mine.served.load(Acquire));
        mine.moment.store(at, Release);
        Some(Moment { at, is_shown: true })
    }

    /// The nearest moment of a member that was served later, for which it gets this one; or else this one.
    fn nearest(&self, at: u64, now: u64, served: u64) -> u64 {
        let others = self.members.borrow();
        let others = others.iter().filter(|other| **other != self.page.me);
        let nearer = others.map(|other| words::member(self.words(), *other)).filter_map(|other| {
            let moment = other.moment.load(Acquire);
            let is_nearer = (now..at).contains(&moment) && other.served.load(Acquire) > served;
            is_nearer.then_some((moment, other.moment))
        });
        let Some((moment, word)) = nearer.min_by_key(|(moment, _)| *moment) else { return at };
        // If it was used meanwhile, it is gone.
        word.compare_exchange(moment, at, AcqRel, Acquire).unwrap_or(at).min(at)
    }

    /// Uses a moment that has come.
    ///
    /// # Errors
    /// Another member has changed it for a later one, which is to be waited for.
    pub fn confirm(&self, moment: Moment, now: u64) -> Result<(), Moment> {
        let mine = words::member(self.words(), self.page.me);
        if moment.is_shown
            && let Err(later) = mine.moment.compare_exchange(moment.at, 0, AcqRel, Acquire)
        {
            return Err(Moment { at: later, ..moment });
        }
        mine.served.store(now, Release);
        Ok(())
    }

    /// Lets go of a moment that is not used.
    pub fn forgo(&self, moment: Moment) {
        if moment.is_shown {
            words::member(self.words(), self.page.me).moment.store(0, Release);
        }
    }

    /// What another member was told, where it differs from what this one was: both in units per second, theirs first.
    pub fn rival(&self) -> Option<[f64; 2]> {
        let rate = |interval: u64| 1e9 / interval as f64;
        Some([rate(self.differs.get()?), rate(self.terms.pace?.interval)])
    }
}
