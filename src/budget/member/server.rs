//! What the server says of how much it takes, and whether it is there at all.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use super::Member;
use crate::budget::window::Sample;
use crate::budget::words::{
    self, DOWN_SINCE, LAST_ANSWER, LEFT, LEFT_GUESSED, LEFT_MOST, LEFT_UNTIL, LOSSES, NEXT_PROBE,
    PAUSED_UNTIL, SILENCES,
};
use crate::budget::{Attempt, Down};

/// Attempts in a row without an answer, of all members, after which nobody is there.
const SILENT: u64 = 16;

/// The same of those that may be ones that are never answered.
const LOST: u64 = 256;

/// The first and the longest pause between two looks at a host that is down, in nanoseconds.
const PROBES: [u64; 2] = [1_000_000_000, 15_000_000_000];

/// The first one where the host has just answered: it may be well, and fail what happens to be asked now.
const SOON: u64 = 100_000_000;

/// How long is gone by what a server said before, until it says something new, in nanoseconds.
const GUESSED: u64 = 1_000_000_000;

/// How long an answer says that the server is well, so that what fails again and again does so by itself, in nanoseconds.
const WELL: u64 = 1_000_000_000;

/// How much later somebody looks whether the host is back whose question failed before, in nanoseconds: if it fails for
/// ever, it cannot tell.
const LOOKS_LATER: u64 = 50_000_000;

/// How often an answer is noted as the last one, in nanoseconds.
const NOTED_EVERY: u64 = 100_000_000;

impl Member {
    /// Nobody sends anything until then.
    pub fn pause(&self, until: u64) {
        self.words()[PAUSED_UNTIL].fetch_max(until, AcqRel);
    }

    /// Until when nobody may send anything; in the past where everybody may.
    pub fn paused_until(&self) -> u64 {
        self.word(PAUSED_UNTIL)
    }

    /// The server takes this many more requests until then, those among them that are in flight now.
    pub fn takes(&self, requests: u64, until: u64) {
        let in_flight = |at: &usize| words::member(self.words(), *at).in_flight.load(Acquire);
        let under_way: u64 = self.members.borrow().iter().map(in_flight).sum();
        self.words()[LEFT_MOST].fetch_max(requests, AcqRel);
        self.words()[LEFT].store(requests.saturating_sub(under_way), Release);
        self.words()[LEFT_GUESSED].store(0, Release);
        self.words()[LEFT_UNTIL].store(until, Release);
    }

    /// Takes one of the requests that the server said it still takes; where there is none left, until when.
    ///
    /// When that time is over it is taken to allow as much again as it ever said; its next answer tells.
    pub fn take_left(&self, now: u64) -> Result<(), u64> {
        let until = self.word(LEFT_UNTIL);
        if until == 0 {
            return Ok(());
        }
        if until <= now {
            let is_guess = self.word(LEFT_GUESSED) == 1;
            let guess = if is_guess { 0 } else { now + GUESSED };
            self.words()[LEFT].store(self.word(LEFT_MOST).max(1), Release);
            self.words()[LEFT_GUESSED].store(1, Release);
            // Somebody else may have done the same.
            let _ = self.words()[LEFT_UNTIL].compare_exchange(until, guess, AcqRel, Acquire);
        }
        let one_less = self.words()[LEFT].fetch_update(AcqRel, Acquire, |left| left.checked_sub(1));
        one_less.map(drop).map_err(|_| self.word(LEFT_UNTIL))
    }

    /// A request was answered after this many nanoseconds.
    pub fn answered(&self, now: u64, took: u64) {
        let seen = self.seen.get();
        self.seen.set(Sample { answers: seen.answers + 1, time: seen.time.saturating_add(took), ..seen });
        if now.saturating_sub(self.word(LAST_ANSWER)) > NOTED_EVERY {
            self.words()[LAST_ANSWER].store(now, Release);
        }
        self.is_there();
    }

    /// A request was one too many, or the server had no time for it: somebody is there.
    pub fn refused(&self, now: u64, attempt: Attempt) {
        self.count_refusal(now, attempt);
        self.is_there();
    }

    fn is_there(&self) {
        for word in [SILENCES, LOSSES, DOWN_SINCE] {
            if self.word(word) != 0 {
                self.words()[word].store(0, Release);
            }
        }
    }

    fn count_refusal(&self, now: u64, attempt: Attempt) {
        let answers_others = now.saturating_sub(self.word(LAST_ANSWER)) < WELL;
        if attempt == Attempt::First || !answers_others {
            let seen = self.seen.get();
            self.seen.set(Sample { refusals: seen.refusals + 1, ..seen });
        }
    }

    /// There was no connection, or nobody answered. After a number of them in a row, of all members, nobody is there.
    pub fn silent(&self, now: u64, attempt: Attempt) {
        self.count_refusal(now, attempt);
        self.count_silence(SILENCES, SILENT, now);
    }

    /// A request was sent that long ago, and nobody answered. That tells less where it was lost before, `in_another_round`
    /// or in this one, or where another was answered since it was sent: it may be one that is never answered.
    pub fn lost(&self, now: u64, took: u64, attempt: Attempt, in_another_round: bool) {
        self.count_refusal(now, attempt);
        let since = self.word(LAST_ANSWER);
        let answers_since = since != 0 && now.saturating_sub(took) < since + NOTED_EVERY;
        if in_another_round || attempt == Attempt::Again || answers_since {
            self.count_silence(LOSSES, LOST, now)
        } else {
            self.count_silence(SILENCES, SILENT, now)
        }
    }

    fn count_silence(&self, word: usize, most: u64, now: u64) {
        let silences = self.words()[word].fetch_add(1, AcqRel) + 1;
        if silences >= most
            && self.words()[DOWN_SINCE].compare_exchange(0, now.max(1), AcqRel, Acquire).is_ok()
        {
            self.words()[NEXT_PROBE].store(now + self.first_probe(now), Release);
        }
    }

    /// The first pause between two looks at a host that is down since then.
    fn first_probe(&self, since: u64) -> u64 {
        if since.saturating_sub(self.word(LAST_ANSWER)) < WELL { SOON } else { PROBES[0] }
    }

    /// Whether nobody is there to answer. One who asks when it is time to look again is told to look; the others wait.
    pub fn down(&self, now: u64, attempt: Attempt) -> Option<Down> {
        let since = self.word(DOWN_SINCE);
        if since == 0 {
            return None;
        }
        let next = self.word(NEXT_PROBE);
        let pause = (now.saturating_sub(since) / 2).clamp(self.first_probe(since), PROBES[1]);
        let later = if attempt == Attempt::Again { LOOKS_LATER } else { 0 };
        let is_probe = now >= next + later
            && self.words()[NEXT_PROBE].compare_exchange(next, now + pause, AcqRel, Acquire).is_ok();
        Some(Down { since, is_probe, has_answered: self.word(LAST_ANSWER) != 0 })
    }
}
