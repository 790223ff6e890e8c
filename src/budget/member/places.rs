//! Requests in flight: this member's share of what all may have, and the window that adapts to the server.

use std::sync::atomic::Ordering::{Acquire, Release};

use super::Member;
use crate::budget::rate::Pace;
use crate::budget::share;
use crate::budget::window::{Sample, Window};
use crate::budget::words::{
    self, BASE, DOUBLING, EPOCH, EPOCH_FAST, EPOCH_REFUSALS, EPOCH_REQUESTS, FAILING, IS_SURE, ROUND_ANSWERS,
    ROUND_REFUSALS, ROUND_TIME, WINDOW,
};

/// How long a place goes to one member where there are fewer places than members, in nanoseconds.
const TURN: u64 = 250_000_000;

impl Member {
    /// Takes a place in flight, if this process has one left.
    pub fn enter(&self) -> bool {
        let has_room = self.in_flight.get() < self.share.get();
        if has_room {
            self.count_in_flight(self.in_flight.get() + 1);
        } else {
            self.seen.set(Sample { is_full: true, ..self.seen.get() });
        }
        has_room
    }

    /// Gives a place back.
    pub fn leave(&self) {
        self.count_in_flight(self.in_flight.get() - 1);
    }

    fn count_in_flight(&self, requests: u64) {
        self.in_flight.set(requests);
        words::member(self.words(), self.page.me).in_flight.store(requests, Release);
    }

    /// Requests of this process that are in flight.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.get()
    }

    /// Somebody begins to wait for a place, or (`false`) ends to.
    pub fn waits(&self, begins: bool) {
        let waiting = self.waiting.get();
        self.waiting.set(if begins { waiting + 1 } else { waiting - 1 });
    }

    /// Requests that this process may have in flight now.
    #[cfg(test)]
    pub fn share(&self) -> u64 {
        self.share.get()
    }

    /// Whether this process uses it just now.
    pub fn is_busy(&self) -> bool {
        self.in_flight.get() + self.waiting.get() > 0
    }

    /// Requests that all members together may have in flight; none where nothing bounds them.
    pub(super) fn cap(&self, members: &[usize], now: u64) -> Option<u64> {
        let caps = members.iter().map(|at| words::member(self.words(), *at).cap.load(Acquire));
        let declared = caps.filter(|cap| *cap > 0).min();
        declared.or_else(|| self.terms.adapts.then(|| self.adapted(members, now)))
    }

    /// The adaptive window, with what this process has seen since it looked last.
    fn adapted(&self, members: &[usize], now: u64) -> u64 {
        let most: u64 = members.iter().map(|at| words::member(self.words(), *at).most.load(Acquire)).sum();
        let window = self.window().after(&self.seen.take(), most as f64, now);
        self.store_window(&window);
        // A server that fails nearly everything gets its requests one by one, with a pause between them.
        self.pace.set((window.size < 1.0).then(Pace::of_a_failing_server));
        (window.size.min(most as f64) as u64).max(1)
    }

    /// Takes what is this process's part, as far as others have let go of it.
    pub(super) fn share_out(&self, members: &[usize], cap: u64, now: u64) {
        let of = |at: &usize| words::member(self.words(), *at);
        let wants: Vec<u64> = members.iter().map(|at| of(at).want.load(Acquire)).collect();
        let Some(me) = members.iter().position(|at| *at == self.page.me) else { return };
        let target = share::fair(&wants, me, cap, now / TURN);
        let taken: u64 = members.iter().map(|at| of(at).share.load(Acquire)).sum();
        let mine = of(&self.page.me).share.load(Acquire);
        // What is in flight beyond it is this process's until it is answered; nothing new takes its place.
        let (share, held) = if target < mine {
            (target, target.max(self.in_flight.get()).min(mine))
        } else {
            [target.min(mine + cap.saturating_sub(taken)); 2].into()
        };
        of(&self.page.me).share.store(held, Release);
        self.share.set(share);
    }

    fn window(&self) -> Window {
        Window {
            size: words::load(&self.words()[WINDOW]),
            doubling: self.word(DOUBLING) == 1,
            answers: self.word(ROUND_ANSWERS),
            time: self.word(ROUND_TIME),
            refusals: self.word(ROUND_REFUSALS),
            failing: words::load(&self.words()[FAILING]),
            base: self.word(BASE),
            epoch: self.word(EPOCH),
            epoch_requests: self.word(EPOCH_REQUESTS),
            epoch_refusals: self.word(EPOCH_REFUSALS),
            epoch_fast: self.word(EPOCH_FAST) == 1,
            is_sure: self.word(IS_SURE) == 1,
        }
    }

    pub(super) fn store_window(&self, window: &Window) {
        words::store(&self.words()[WINDOW], window.size);
        words::store(&self.words()[FAILING], window.failing);
        let figures = [
            (DOUBLING, u64::from(window.doubling)),
            (ROUND_ANSWERS, window.answers),
            (ROUND_TIME, window.time),
            (ROUND_REFUSALS, window.refusals),
            (BASE, window.base),
            (EPOCH, window.epoch),
            (EPOCH_REQUESTS, window.epoch_requests),
            (EPOCH_REFUSALS, window.epoch_refusals),
            (EPOCH_FAST, u64::from(window.epoch_fast)),
            (IS_SURE, u64::from(window.is_sure)),
        ];
        figures.into_iter().for_each(|(word, figure)| self.words()[word].store(figure, Release));
    }
}
