//! This process as a member of one budget: what it may do now, and what it has seen.
//!
//! | | |
//! |---|---|
//! | how many requests it may have in flight | `places` |
//! | when the next one may leave | `moments` |
//! | what requests cost, and quotas | `costs` |
//! | what the server says, and whether it is there | `server` |
//!
//! Everything is a question to the words that all members share; `now` is the machine's monotonic clock in nanoseconds,
//! passed in, so that the whole can be run by a clock of its own (see `simulation`).

mod costs;
mod moments;
mod places;
mod server;

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::BudgetError;
use super::page::{Page, has_answered_lately, is_set_aside};
use super::quota::Span;
use super::rate::Pace;
use super::terms::Terms;
use super::window::{Sample, Window};
use super::words::{
    self, DOWN_SINCE, LAST_ANSWER, LEFT_UNTIL, LOSSES, MEMBERS, NEXT_PROBE, SET_ASIDE, SILENCES,
};

pub use moments::Moment;

/// How often it is looked which members still live, in nanoseconds.
const ROLL_CALL: u64 = 100_000_000;

/// A member of a budget. Its place is free as soon as it is dropped, or its process ends, however it ends.
#[derive(Debug)]
pub struct Member {
    page: Page,
    terms: Terms,
    /// The pace that holds now: the slowest that any member was told.
    pace: Cell<Option<Pace>>,
    share: Cell<u64>,
    in_flight: Cell<u64>,
    waiting: Cell<u64>,
    seen: Cell<Sample>,
    /// The members when this process looked last.
    members: RefCell<Vec<usize>>,
    next_roll_call: Cell<u64>,
    /// Where the quota is counted.
    quota_at: Option<usize>,
    span: Cell<Span>,
    /// What others were told, where it differs: nanoseconds per unit.
    differs: Cell<Option<u64>>,
    /// Since when the host is down, where this process or another of now knew it before this one joined; else 0.
    found_down: Cell<u64>,
}

impl Member {
    /// Joins the budget that lies in a file. `most` is how many requests this process could have in flight.
    ///
    /// # Errors
    /// The file cannot be used, or has no place for a further process.
    pub fn join(path: &Path, terms: Terms, most: u64, now: u64) -> Result<Member, BudgetError> {
        Ok(Member::of(Page::join(path)?, terms, most, now))
    }

    /// Joins those who ask a host; its file goes with the last of them, unless it holds what the next one must know.
    ///
    /// # Errors
    /// As [`join`](Member::join).
    pub fn join_host(path: &Path, terms: Terms, most: u64, now: u64) -> Result<Member, BudgetError> {
        Ok(Member::of(Page::join_host(path)?, terms, most, now))
    }

    /// The only member of a budget that nobody else knows.
    pub fn alone(terms: Terms, most: u64, now: u64) -> Member {
        Member::of(Page::alone(), terms, most, now)
    }

    fn of(page: Page, terms: Terms, most: u64, now: u64) -> Member {
        let mine = words::member(page.words(), page.me);
        mine.most.store(most, Release);
        mine.interval.store(terms.pace.map_or(0, |pace| pace.interval), Release);
        mine.cap.store(terms.in_flight.unwrap_or(0), Release);
        // Under the lock, or two would take one place for two quotas.
        let lock = terms.quota.as_ref().and_then(|_| page.lock_soon());
        let quota_at = terms.quota.as_ref().and_then(|quota| quota.place(page.words()));
        drop(lock);
        let member = Member {
            pace: Cell::new(terms.pace),
            terms,
            share: Cell::new(0),
            in_flight: Cell::default(),
            waiting: Cell::default(),
            seen: Cell::default(),
            members: RefCell::default(),
            next_roll_call: Cell::new(0),
            quota_at,
            span: Cell::new(Span { start: 0, end: 0 }),
            differs: Cell::new(None),
            found_down: Cell::default(),
            page,
        };
        if member.page.was_alone {
            if is_set_aside(member.words()) {
                member.found_down.set(member.word(DOWN_SINCE))
            } else {
                member.forget(now)
            }
            member.words()[SET_ASIDE].store(0, Release);
        }
        member.look(now);
        member
    }

    /// Leaves for now, to come back when it is used again: what is known of a host that is down stays known, as long as this
    /// process lives. True where something may be left of it then.
    pub fn set_aside(self) -> bool {
        let is_down = self.word(DOWN_SINCE) != 0;
        if is_down {
            self.words()[SET_ASIDE].store(u64::from(std::process::id()), Release);
        }
        is_down || self.paused_until() != 0 || self.word(LEFT_UNTIL) != 0
    }

    /// Since when the host was known to be down before this process joined; 0 where nobody knew it.
    pub fn found_down(&self) -> u64 {
        self.found_down.get()
    }

    /// Forgets what is found out again at once: a server may have become another while nobody asked it. That it answered
    /// before it went away is not: how long it is waited for depends on that.
    fn forget(&self, now: u64) {
        for word in [DOWN_SINCE, SILENCES, LOSSES, NEXT_PROBE] {
            self.words()[word].store(0, Release);
        }
        if !has_answered_lately(self.words(), now) {
            self.words()[LAST_ANSWER].store(0, Release);
        }
        self.store_window(&Window::new());
    }

    fn words(&self) -> &[AtomicU64] {
        self.page.words()
    }

    fn word(&self, word: usize) -> u64 {
        self.words()[word].load(Acquire)
    }

    /// Looks at what the others do, and takes or gives back places accordingly. To be done every few hundredths of a
    /// second, and whenever a place is wanted. Does nothing while somebody else is looking.
    pub fn look(&self, now: u64) {
        let Some(_lock) = self.page.lock() else { return };
        if now >= self.next_roll_call.get() {
            self.page.bury();
            self.next_roll_call.set(now + ROLL_CALL);
        }
        let mine = words::member(self.words(), self.page.me);
        // More may wait than could be in flight at once.
        let want = (self.in_flight.get() + self.waiting.get()).min(mine.most.load(Acquire));
        mine.want.store(want, Release);
        let members: Vec<usize> =
            (0..MEMBERS).filter(|at| words::member(self.words(), *at).process.load(Acquire) != 0).collect();
        self.agree(&members);
        match self.cap(&members, now) {
            Some(cap) => self.share_out(&members, cap, now),
            None => self.share.set(u64::MAX),
        }
        self.members.replace(members);
    }

    /// The pace that holds for all: the slowest.
    fn agree(&self, members: &[usize]) {
        let intervals = || {
            members
                .iter()
                .map(|at| words::member(self.words(), *at).interval.load(Acquire))
                .filter(|it| *it > 0)
        };
        let Some(mine) = self.terms.pace else { return };
        let slowest = intervals().max().unwrap_or(mine.interval);
        if self.pace.get().is_none_or(|pace| pace.interval != slowest) {
            self.pace.set(self.terms.pace_of(slowest));
        }
        self.differs.set(intervals().find(|interval| *interval != mine.interval));
    }
}
