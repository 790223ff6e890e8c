//! How many requests a server is given at once where no limit says it: as many as it answers no slower for.
//!
//! The window doubles with each round of answers at the start, and grows by one or a sixteenth afterwards (as TCP does
//! by one: a server is asked by one windrow, not by thousands). It shrinks where answers take twice as long as without
//! load, and by one for every request that the server refuses or leaves unanswered beyond those that it fails without
//! load: so a server that fails one in ten whatever it is given is not slowed to a standstill, and one that fails all
//! gets one at a time.
//!
//! A question that failed and is asked again tells of itself, not of the load, while the server answers others: a few ids
//! that fail for ever would else be counted with each of their attempts. So of what fails only first attempts count then.
//!
//! Promises: what fails never lets the window grow, and the time that a failure took counts for nothing; a server that
//! works on *n* requests at a time is soon given no more than some five times *n*, or sixteen.
//!
//! Latency and failures without load are those of a round in a small window, and the lowest latency since. So that a
//! server which has become worse is not mistaken for one that is overloaded, they are measured anew, the window being
//! made small for a round, after an epoch in which they were never as good.
//!
//! | a round, where latency and failures without load are known | the window |
//! |---|---|
//! | fails more than [`FAILING`] times as often as without load | shrinks by what fails beyond that, and doubles no more |
//! | takes up to 1.1 times as long as without load | stays; the lowest latency is the one without load |
//! | takes [`SLOW`] times as long, and [`HARMLESS`] longer | shrinks in proportion, to a half at the least |
//! | takes some time between | stays |
//!
//! | a round, where they are not known | |
//! |---|---|
//! | more than half fails | the window shrinks by what fails; the next round tells |
//! | some of it was sent before the window was made small | an epoch begins; the next round tells |
//! | else | they are what this round had; sure, where the window is [`SMALL`] or doubles no more |
//!
//! | an epoch ends in which | they |
//! |---|---|
//! | more than half failed | stay: nothing is to be learnt |
//! | a round was as fast, and no more failed than before, and they are sure | stay; the share of failures moves by a quarter |
//! | else | are measured anew, in a quarter of the window, or a small one |

/// The size at the start: enough that a short list of slow answers is fetched in one go.
const START: f64 = 64.0;

/// The size up to which what is seen counts as without load.
const SMALL: f64 = 8.0;

/// The least size: less than a request in flight, which means a pause between two.
const LEAST: f64 = 0.5;

/// Latency, in nanoseconds, below which more load does no harm that anybody would notice.
const HARMLESS: f64 = 50e6;

/// Times the latency without load from which on the server counts as slow.
const SLOW: f64 = 2.0;

/// Times the share of failures without load that are no sign of too much.
const FAILING: f64 = 1.5;

/// Requests of a round, at the least, and of one that is to tell how many fail without load.
const ROUND: [f64; 2] = [16.0, 64.0];

/// What the window grows by in a round, as a share of itself.
const GROWTH: f64 = 1.0 / 16.0;

/// How long an epoch is, in nanoseconds.
const EPOCH: u64 = 8_000_000_000;

/// The window, as it lies in shared memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    /// Requests in flight.
    pub(super) size: f64,
    /// Whether it doubles with each round: nothing has spoken against it yet.
    pub(super) doubling: bool,
    /// Answers of the present round.
    pub(super) answers: u64,
    /// What they took altogether, in nanoseconds.
    pub(super) time: u64,
    /// Requests of the present round that were refused or not answered.
    pub(super) refusals: u64,
    /// Latency without load, in nanoseconds; 0 while it is not known.
    pub(super) base: u64,
    /// Share of requests that fail without load.
    pub(super) failing: f64,
    /// When the epoch began; 0 while what was sent before is still to be answered.
    pub(super) epoch: u64,
    /// Requests of the epoch.
    pub(super) epoch_requests: u64,
    /// Those of them that were refused or not answered.
    pub(super) epoch_refusals: u64,
    /// Whether a round of the epoch was as fast as without load.
    pub(super) epoch_fast: bool,
    /// Whether latency and failures without load were measured in a small window.
    pub(super) is_sure: bool,
}

/// What happened since the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Requests that were answered.
    pub(super) answers: u64,
    /// What the answers took altogether, in nanoseconds.
    pub(super) time: u64,
    /// Requests that were refused as too many, or not answered, as far as that tells of the server.
    pub(super) refusals: u64,
    /// Whether more would have been sent if the window had been larger.
    pub(super) is_full: bool,
}

impl Window {
    /// At the start.
    pub(super) fn new() -> Window {
        Window {
            size: START,
            doubling: true,
            answers: 0,
            time: 0,
            refusals: 0,
            base: 0,
            failing: 0.0,
            epoch: 1,
            epoch_requests: 0,
            epoch_refusals: 0,
            epoch_fast: false,
            is_sure: false,
        }
    }

    /// After what was seen. It does not grow beyond `most`, which is what all members together could send.
    pub(super) fn after(mut self, seen: &Sample, most: f64, now: u64) -> Window {
        self.answers += seen.answers;
        self.time += seen.time;
        self.refusals += seen.refusals;
        if seen.is_full {
            self.grow(seen.answers as f64);
        }
        // Others may still join who could send more.
        self.size = self.size.min(most.max(START));
        if (self.answers + self.refusals) as f64 >= self.round() {
            self.end_round(now);
        }
        self.size = self.size.max(LEAST);
        self
    }

    /// Grows by what was answered. While latency without load is not known, only so far that there is no pause between two
    /// requests: those that are to tell it would else take minutes.
    fn grow(&mut self, answers: f64) {
        if self.base == 0 {
            self.size = self.size.max((self.size + answers).min(1.0));
        } else {
            let each = if self.doubling { 1.0 } else { GROWTH.max(1.0 / self.size.max(1.0)) };
            self.size += each * answers;
        }
    }

    /// Requests of the present round.
    fn round(&self) -> f64 {
        // Half a window is enough: the window may just have doubled.
        let least = if self.base == 0 && self.refusals > 0 { ROUND[1] } else { ROUND[0] };
        least.max(self.size / 2.0)
    }

    /// Compares a round with what is without load.
    fn end_round(&mut self, now: u64) {
        let all = (self.answers + self.refusals) as f64;
        let failing = self.refusals as f64 / all;
        let mean = if self.answers == 0 { f64::MAX } else { self.time as f64 / self.answers as f64 };
        self.epoch_requests += self.answers + self.refusals;
        self.epoch_refusals += self.refusals;
        (self.answers, self.time, self.refusals) = (0, 0, 0);
        if self.base == 0 {
            return self.measured(mean, failing, all, now);
        }
        self.weigh(mean, failing, all);
        let epoch = if self.is_sure { EPOCH } else { EPOCH / 4 };
        if now.saturating_sub(self.epoch) > epoch {
            self.end_epoch(now);
        }
    }

    /// Shrinks where a round was slower, or failed more often, than without load.
    fn weigh(&mut self, mean: f64, failing: f64, all: f64) {
        let base = self.base as f64;
        let excess = (failing - FAILING * self.failing) * all;
        if excess > 0.0 {
            self.doubling = false;
            self.size -= excess;
        }
        if mean <= base * 1.1 {
            (self.base, self.epoch_fast) = (mean.min(base) as u64, true);
        } else if failing < 1.0 && mean > base * SLOW && mean > base + HARMLESS {
            self.doubling = false;
            self.size = (self.size * (SLOW * base / mean).clamp(0.5, 0.95)).max(1.0);
        }
    }

    /// Looks whether what is known of the server without load still holds.
    fn end_epoch(&mut self, now: u64) {
        let failing = self.epoch_refusals as f64 / self.epoch_requests.max(1) as f64;
        if failing > 0.5 {
            // Nothing is to be learnt of a server that answers next to nothing: what was known before holds.
            self.begin_epoch(now);
        } else if self.is_sure && self.epoch_fast && failing <= FAILING * self.failing + 0.02 {
            self.failing += (failing - self.failing) / 4.0;
            self.begin_epoch(now);
        } else {
            self.base = 0;
            self.size = if self.is_sure { (self.size / 4.0).max(1.0) } else { SMALL.min(self.size) };
            self.begin_epoch(0);
        }
    }

    fn begin_epoch(&mut self, now: u64) {
        (self.epoch, self.epoch_requests, self.epoch_refusals, self.epoch_fast) = (now, 0, 0, false);
    }

    /// The round that tells what is without load.
    fn measured(&mut self, mean: f64, failing: f64, all: f64, now: u64) {
        if failing > 0.5 {
            (self.size, self.doubling) = (self.size - failing * all, false);
        } else if self.epoch > 0 {
            (self.base, self.failing) = (mean.max(1.0) as u64, failing);
            self.is_sure |= self.size <= SMALL || !self.doubling;
        }
        self.begin_epoch(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: u64 = 1_000_000;

    fn answered(answers: u64, millis: u64) -> Sample {
        Sample { answers, time: answers * millis * MILLI, is_full: true, ..Sample::default() }
    }

    #[test]
    fn it_doubles_while_nothing_speaks_against_it() {
        let mut window = Window { base: 200 * MILLI, ..Window::new() };
        for round in 1..=4 {
            window = window.after(&answered(window.size as u64, 200), 100.0, round);
        }
        assert_eq!((window.size, window.doubling), (100.0, true));
    }

    #[test]
    fn it_does_not_grow_where_nobody_wants_more() {
        let idle = Sample { is_full: false, ..answered(100, 10) };
        assert_eq!(Window { base: MILLI, ..Window::new() }.after(&idle, 100.0, 1).size, START);
    }

    #[test]
    fn an_answer_ends_the_pauses_between_those_that_are_to_tell_its_latency() {
        let window = Window { size: LEAST, doubling: false, ..Window::new() };
        assert_eq!(window.after(&answered(1, 10), 128.0, 1).size, 1.0);
    }

    #[test]
    fn failures_shrink_it_and_never_let_it_grow() {
        let mut window = Window { size: 64.0, ..Window::new() };
        let failing = Sample { refusals: 16, is_full: true, ..Sample::default() };
        for _ in 0..20 {
            let before = window.size;
            window = window.after(&failing, 128.0, 1);
            assert!(window.size <= before);
        }
        assert_eq!(window.size, LEAST);
        // Fast failures among slow answers do not make these look fast.
        let mixed = Sample { refusals: 50, ..answered(50, 100) };
        let after = Window { size: 64.0, base: 100 * MILLI, ..Window::new() }.after(&mixed, 128.0, 1);
        assert_eq!((after.base, after.size < 128.0), (100 * MILLI, true));
    }

    #[test]
    fn a_latency_that_is_not_believed_any_more_is_measured_anew() {
        let mut window = Window { base: 10 * MILLI, size: 64.0, doubling: false, ..Window::new() };
        window = window.after(&answered(64, 400), 128.0, EPOCH + 2);
        assert_eq!((window.base, window.size < 32.0), (0, true));
        // What was sent before the window shrank tells nothing.
        window = window.after(&answered(64, 400), 128.0, EPOCH + 3);
        window = window.after(&answered(64, 380), 128.0, EPOCH + 3);
        assert_eq!(window.base, 380 * MILLI);
        let before = window.size;
        window = window.after(&answered(64, 390), 128.0, EPOCH + 4);
        assert!(window.size > before, "what is slow by nature is no reason to shrink");
    }

    #[test]
    fn a_server_that_was_away_is_given_more_as_soon_as_it_answers() {
        let mut window = Window { base: 20 * MILLI, size: 32.0, doubling: false, ..Window::new() };
        let failing = Sample { refusals: 16, is_full: true, ..Sample::default() };
        for second in 1..30 {
            window = window.after(&failing, 32.0, second * 1_000 * MILLI);
        }
        assert_eq!((window.size, window.base), (LEAST, 20 * MILLI));
        window = window.after(&answered(1, 20), 100.0, 31_000 * MILLI);
        assert!(window.size > 1.0);
        for _ in 0..100 {
            window = window.after(&answered(window.size as u64, 20), 100.0, 31_500 * MILLI);
        }
        assert_eq!(window.size, 100.0);
    }
}
