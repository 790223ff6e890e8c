//! How a round goes, put together of what its processes tell: counts, rate, latencies, what holds it back and how long, and
//! how long it will still take.
//!
//! | | |
//! |---|---|
//! | what holds it back | `holds` |
//! | rate, and time left by what was done lately | `pace` |
//! | time left by what the job's limits allow | `at_least` |
//! | the same for others, and for later: `pulse.jsonl` | `log` |
//!
//! Promises: a pair is counted once, whichever process ended it; time left is the longest of what the last minute, the limits
//! and the quotas say, and none where it cannot be said; what is written for others keeps nobody from working.

mod at_least;
mod follower;
mod holds;
mod log;
mod pace;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::handoff::{
    AtWork, Counts, Event, Held, Latencies, LatencyMs, PULSE_VERSION, Pairs, Phase, Pulse, QuotaLeft,
};
use crate::job::Job;
use crate::plan::price::Price;
use crate::supervisor::{Notice, ShardEnd};

use at_least::AtLeast;
pub use follower::{Follower, Totals};
use holds::Holds;
use pace::Pace;

/// How long the latencies that are shown look back, at the least; twice that at the most.
const LATELY: Duration = Duration::from_secs(30);

/// How often it is looked what is left of a quota.
const LOOK_AT_QUOTA: Duration = Duration::from_secs(1);

/// The round that is worked.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// The job.
    pub job: String,
    /// The run.
    pub run: String,
    /// The round.
    pub round: u32,
    /// Its shards.
    pub shards: u64,
    /// Those that will not be started: they are committed.
    pub shards_done: u64,
    /// All its pairs.
    pub pairs: u64,
    /// Those in shards that will not be started.
    pub finished: u64,
}

/// What is known of one shard.
#[derive(Debug, Default)]
struct Tally {
    pairs: u64,
    /// Pairs of blocks that were committed when its first process started: done by an earlier command.
    earlier: Option<u64>,
    /// Pairs of blocks that were committed when its process started.
    committed: u64,
    /// What its process told; what one had open when it crashed is asked again.
    counts: Counts,
    /// Requests that earlier processes of it sent.
    sent_before: u64,
    is_at_work: bool,
}

impl Tally {
    /// Pairs that ended.
    fn finished(&self) -> u64 {
        (self.committed + self.counts.pairs.done).min(self.pairs)
    }

    /// Those that ended by this command.
    fn finished_now(&self) -> u64 {
        self.finished().saturating_sub(self.earlier.unwrap_or_default())
    }

    /// How many ended, of a hundred.
    fn percent(&self) -> u64 {
        (self.finished() * 100).checked_div(self.pairs).unwrap_or(100)
    }

    fn sent(&self) -> u64 {
        self.sent_before + self.counts.requests
    }
}

/// How a round goes.
pub struct Course {
    subject: Subject,
    phase: Phase,
    began: Instant,
    /// The same, in seconds since 1970.
    began_at: u64,
    tallies: BTreeMap<u32, Tally>,
    shards_done: u64,
    pace: Pace,
    holds: Holds,
    all: Latencies,
    /// Those of the time since the moment, and those of as long a time before.
    lately: (Instant, Latencies, Latencies),
    at_least: AtLeast,
    quota: Option<(Instant, Option<QuotaLeft>)>,
}

impl Course {
    /// Of a round that begins or goes on now. `limited` is its job and what is left of it costs, where limits say how long that
    /// takes.
    pub fn begin(subject: Subject, limited: Option<(&Job, &Price)>) -> Course {
        let (began, began_at) = (Instant::now(), second());
        let left = subject.pairs.saturating_sub(subject.finished);
        Course {
            phase: Phase::Fetching,
            began,
            tallies: BTreeMap::new(),
            shards_done: subject.shards_done,
            pace: Pace::new(began),
            holds: Holds::default(),
            all: Latencies::default(),
            lately: (began, Latencies::default(), Latencies::default()),
            began_at,
            at_least: limited.map(|(job, price)| AtLeast::of(job, price, left, began_at)).unwrap_or_default(),
            quota: None,
            subject,
        }
    }

    /// A shard's process told this. Whether it changes how things are.
    pub fn event(&mut self, shard: u32, event: &Event, now: Instant) -> bool {
        let tally = self.tallies.entry(shard).or_default();
        match event {
            Event::Started { pairs, committed, .. } => {
                *tally = Tally {
                    pairs: *pairs,
                    earlier: tally.earlier.or(Some(*committed)),
                    committed: *committed,
                    counts: Counts::default(),
                    sent_before: tally.sent(),
                    is_at_work: true,
                };
            }
            Event::Progress(counts) => {
                tally.counts = Counts { latencies: Vec::new(), ..counts.clone() };
                self.holds.told(shard, counts.hold.clone(), now);
                self.note_latencies(&counts.latencies, now);
            }
            _ => return false,
        }
        true
    }

    /// This happened to a shard. Whether it changes how things are.
    pub fn notice(&mut self, shard: u32, notice: &Notice, now: Instant) -> bool {
        let Notice::Ended(end) = notice else { return false };
        self.holds.gone(shard, now);
        self.tallies.entry(shard).or_default().is_at_work = false;
        self.shards_done += u64::from(*end == ShardEnd::Committed);
        true
    }

    /// From now on it is in this phase.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// How things are.
    pub fn pulse(&mut self, now: Instant) -> Pulse {
        let finished = self.finished();
        // What earlier commands did says nothing of the pace.
        let finished_now = self.tallies.values().map(Tally::finished_now).sum();
        self.pace.sample(now, finished_now, self.is_standstill());
        let left = self.subject.pairs.saturating_sub(finished);
        let at_work = || self.tallies.iter().filter(|(_, tally)| tally.is_at_work);
        let shown = |(shard, tally): (&u32, &Tally)| AtWork { shard: *shard, percent: tally.percent() };
        let in_flight = at_work().map(|(_, tally)| u64::from(tally.counts.in_flight)).sum();
        let at_work = at_work().map(shown).collect();
        Pulse {
            version: PULSE_VERSION,
            at: now_in_words(),
            job: self.subject.job.clone(),
            run: self.subject.run.clone(),
            round: self.subject.round,
            phase: self.phase,
            seconds: thousandths(now.duration_since(self.began).as_secs_f64()),
            planned: self.subject.pairs,
            pairs: Pairs { done: finished, ..self.pairs() },
            sent: self.sent(),
            rate: thousandths(self.pace.rate()),
            in_flight,
            latency: self.latency(),
            hold: self.holds.now().cloned(),
            holds: self.holds(now),
            seconds_left: self.time_left(left, now).map(|time| time.as_secs_f64().round()),
            quota: self.quota_left(now),
            shards: self.subject.shards,
            shards_done: self.shards_done,
            at_work,
        }
    }

    /// A moment, in seconds since 1970.
    fn second(&self, now: Instant) -> u64 {
        self.began_at + now.duration_since(self.began).as_secs()
    }

    /// Whether nothing is sent now, since a host or a server says so.
    fn is_standstill(&self) -> bool {
        self.holds.is_standstill()
    }

    fn finished(&self) -> u64 {
        self.subject.finished + self.tallies.values().map(Tally::finished).sum::<u64>()
    }

    /// What became of the pairs that processes of this command ended.
    fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        self.tallies.values().for_each(|tally| pairs.add(&tally.counts.pairs));
        pairs
    }

    /// Requests sent.
    fn sent(&self) -> u64 {
        self.tallies.values().map(Tally::sent).sum()
    }

    /// What held it up to now.
    fn holds(&self, now: Instant) -> Vec<Held> {
        self.holds.all(now)
    }

    fn note_latencies(&mut self, times: &[(u64, u32)], now: Instant) {
        let (since, lately, before) = &mut self.lately;
        if now.duration_since(*since) >= LATELY {
            *before = std::mem::take(lately);
            *since = now;
        }
        lately.add(times);
        self.all.add(times);
    }

    fn latency(&self) -> Option<LatencyMs> {
        let (_, lately, before) = &self.lately;
        let mut all = before.clone();
        all.add_all(lately);
        Some(LatencyMs { p50: all.within(0.5)?, p95: all.within(0.95)? })
    }

    fn time_left(&self, left: u64, now: Instant) -> Option<Duration> {
        let by_pace = self.pace.time_left(left)?;
        let passed = (now.duration_since(self.began), self.second(now));
        self.at_least.time_left(left, by_pace, passed).filter(|time| *time <= pace::LONGEST)
    }

    fn quota_left(&mut self, now: Instant) -> Option<QuotaLeft> {
        let is_known = self.quota.as_ref().is_some_and(|(at, _)| now.duration_since(*at) < LOOK_AT_QUOTA);
        if !is_known {
            self.quota = Some((now, self.at_least.quota_left(self.second(now))));
        }
        self.quota.as_ref().and_then(|(_, quota)| quota.clone())
    }
}

/// As many digits as anybody reads.
fn thousandths(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}

/// Now (RFC 3339, UTC).
fn now_in_words() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Now, in seconds since 1970.
fn second() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
