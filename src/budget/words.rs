//! The words of a budget's file, each by its name.
//!
//! ```text
//! 0        version of this format
//! 1        the start of the machine that the times below belong to
//! 2..32    what one host or limit knows: see the constants
//! 32..48   four quotas of four words: what it is, when its window began, what is used of it, what is noted on disk
//! 48..56   of each quota: how much it is, and when its window ends
//! 56..60   what is to be noted of each quota: a word that is synced before the one above says so
//! 64..     the members: sixteen words each
//! ```
//!
//! Times are nanoseconds of the machine's monotonic clock, 0 meaning never; numbers with a point are the bits of an f64.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

/// Version of this format; a file of another version is begun anew.
pub(super) const VERSION: u64 = 0x7769_6e64_0000_0001;

/// Words of a file.
pub(super) const WORDS: usize = MEMBERS_AT + MEMBERS * MEMBER_WORDS;

/// Processes that can share a budget at one time.
pub(super) const MEMBERS: usize = 248;

const MEMBERS_AT: usize = 64;
const MEMBER_WORDS: usize = 16;

/// The word of the version.
pub(super) const FORMAT: usize = 0;
/// The machine's start.
pub(super) const BOOT: usize = 1;
/// When the next request may go.
pub(super) const NEXT: usize = 2;
/// Until when nobody sends anything.
pub(super) const PAUSED_UNTIL: usize = 3;
/// Requests that the server still takes, and until when that holds; 0 where it does not say.
pub(super) const LEFT: usize = 4;
pub(super) const LEFT_UNTIL: usize = 5;
/// Since when nobody is there to answer; 0 where somebody is.
pub(super) const DOWN_SINCE: usize = 6;
/// When somebody may look whether that has changed.
pub(super) const NEXT_PROBE: usize = 7;
/// Attempts in a row that nobody answered.
pub(super) const SILENCES: usize = 8;
/// When the last answer came.
pub(super) const LAST_ANSWER: usize = 9;
/// The adaptive window: its size (f64), whether it still doubles, and what the present round has seen.
pub(super) const WINDOW: usize = 10;
pub(super) const DOUBLING: usize = 11;
pub(super) const ROUND_ANSWERS: usize = 12;
pub(super) const ROUND_TIME: usize = 13;
/// The latency without load, in nanoseconds.
pub(super) const BASE: usize = 14;
/// The adaptive window's epoch: when it began, its requests, its refusals, and whether it was fast.
pub(super) const EPOCH: usize = 15;
pub(super) const EPOCH_REQUESTS: usize = 22;
pub(super) const EPOCH_REFUSALS: usize = 23;
pub(super) const EPOCH_FAST: usize = 24;
/// Whether what is without load was measured in a small window.
pub(super) const IS_SURE: usize = 25;
/// What a request costs on the average (f64), where answers say it; 0 while none has.
pub(super) const COST: usize = 16;
/// More of the adaptive window: refusals of the present round, and the share of failures without load (f64).
pub(super) const ROUND_REFUSALS: usize = 17;
pub(super) const FAILING: usize = 18;
/// The most that the server ever said it takes, and whether what is left is no more than a guess by that.
pub(super) const LEFT_MOST: usize = 19;
pub(super) const LEFT_GUESSED: usize = 20;
/// Requests in a row that nobody answered though they had been lost before, or were sent before the last answer came.
pub(super) const LOSSES: usize = 21;

/// The process that let go of a host which is down, and goes on; 0 where none did.
pub(super) const SET_ASIDE: usize = 26;

/// What is known of a host: it is forgotten when somebody says so.
pub(super) const FORGOTTEN: [usize; 12] = [
    PAUSED_UNTIL,
    LEFT,
    LEFT_UNTIL,
    LEFT_MOST,
    LEFT_GUESSED,
    DOWN_SINCE,
    NEXT_PROBE,
    SILENCES,
    LOSSES,
    LAST_ANSWER,
    NEXT,
    SET_ASIDE,
];

/// Quotas that a budget can count at one time.
pub(super) const QUOTAS: usize = 4;
pub(super) const QUOTAS_AT: usize = 32;
const TO_BE_NOTED_AT: usize = 56;

/// The words of one quota.
pub(super) struct QuotaWords<'a> {
    /// Which period it counts; 0 where free.
    pub(super) key: &'a AtomicU64,
    /// When its present window began, in seconds since 1970.
    pub(super) start: &'a AtomicU64,
    /// What was used since.
    pub(super) used: &'a AtomicU64,
    /// What is on the disk for sure; never less than what is used.
    pub(super) noted: &'a AtomicU64,
    /// What is being written to the disk, to be noted when it is there.
    pub(super) to_be_noted: &'a AtomicU64,
    /// How much it is, as who joined last was told.
    pub(super) amount: &'a AtomicU64,
    /// When the window ends, in seconds since 1970; 0 where nobody said it.
    pub(super) until: &'a AtomicU64,
}

/// The words of the quota at a place.
pub(super) fn quota(words: &[AtomicU64], at: usize) -> QuotaWords<'_> {
    let first = QUOTAS_AT + at * 4;
    let [key, start, used, noted] = [0, 1, 2, 3].map(|offset| &words[first + offset]);
    let [amount, until] = [0, 1].map(|offset| &words[QUOTAS_AT + QUOTAS * 4 + at * 2 + offset]);
    QuotaWords { key, start, used, noted, amount, until, to_be_noted: &words[TO_BE_NOTED_AT + at] }
}

/// The words of one member.
pub(super) struct MemberWords<'a> {
    /// Its process; 0 where free.
    pub(super) process: &'a AtomicU64,
    /// Requests that it may have in flight.
    pub(super) share: &'a AtomicU64,
    /// Requests that it would have in flight.
    pub(super) want: &'a AtomicU64,
    /// Most that it ever could.
    pub(super) most: &'a AtomicU64,
    /// Nanoseconds per unit that it was told to keep; 0: none.
    pub(super) interval: &'a AtomicU64,
    /// Requests in flight, of all members, that it was told to keep; 0: none.
    pub(super) cap: &'a AtomicU64,
    /// Requests that it has in flight.
    pub(super) in_flight: &'a AtomicU64,
    /// The moment that it has taken and not used yet; 0: none.
    pub(super) moment: &'a AtomicU64,
    /// When it used one last.
    pub(super) served: &'a AtomicU64,
}

/// All words of the member at a place.
pub(super) fn member_slice(words: &[AtomicU64], at: usize) -> &[AtomicU64] {
    let first = MEMBERS_AT + at * MEMBER_WORDS;
    &words[first..first + MEMBER_WORDS]
}

/// The words of the member at a place, by name.
pub(super) fn member(words: &[AtomicU64], at: usize) -> MemberWords<'_> {
    let words = member_slice(words, at);
    let [process, share, want, most, interval, cap, in_flight, moment, served] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|at| &words[at]);
    MemberWords { process, share, want, most, interval, cap, in_flight, moment, served }
}

/// A number with a point.
pub(super) fn load(word: &AtomicU64) -> f64 {
    f64::from_bits(word.load(Acquire))
}

/// Stores a number with a point.
pub(super) fn store(word: &AtomicU64, number: f64) {
    word.store(number.to_bits(), Release);
}
