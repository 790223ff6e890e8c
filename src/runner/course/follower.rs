//! Between a run and who watches it: the course of each round is followed, told, and noted.

use std::path::Path;
use std::time::{Duration, Instant};

use super::log::Log;
use super::{Course, Subject};
use crate::handoff::{Event, Held, Hold, Latencies, Pairs, Phase, Pulse};
use crate::os::Stop;
use crate::runner::{Milestone, Watcher};
use crate::supervisor::{Notice, Observer};

/// The least time between two pulses.
const APART: Duration = Duration::from_millis(100);

/// Follows what a command does with a run.
pub struct Follower<W> {
    watcher: W,
    round: Option<Round>,
    /// How the last round stood at its end.
    last: Option<(Pulse, Log)>,
    totals: Totals,
}

/// What all rounds of a command came to.
#[derive(Debug, Default)]
pub struct Totals {
    /// Seconds in which requests could be sent.
    pub seconds: f64,
    /// HTTP requests sent.
    pub sent: u64,
    /// What became of pairs, round by round: one that was asked in two of them counts twice.
    pub pairs: Pairs,
    /// How long answers took.
    pub latencies: Latencies,
    /// What held the rounds back.
    pub holds: Vec<Held>,
}

struct Round {
    course: Course,
    log: Log,
    told: Option<Instant>,
    was_standstill: bool,
}

impl<W: Watcher> Follower<W> {
    /// Passes everything on to `watcher`.
    pub fn new(watcher: W) -> Follower<W> {
        Follower { watcher, round: None, last: None, totals: Totals::default() }
    }

    /// What there is to say of all rounds.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    fn begin(&mut self, run: &Path, course: Course) {
        let log = Log::open(run, Instant::now());
        self.round = Some(Round { course, log, told: None, was_standstill: false });
        self.beat(Instant::now(), true);
    }

    /// Tells how things are, if it is time to.
    fn beat(&mut self, now: Instant, at_once: bool) {
        let Some(round) = &mut self.round else { return };
        let is_standstill = round.course.is_standstill();
        let is_news = is_standstill != round.was_standstill;
        if !at_once && !is_news && round.told.is_some_and(|told| now.duration_since(told) < APART) {
            return;
        }
        (round.told, round.was_standstill) = (Some(now), is_standstill);
        let pulse = round.course.pulse(now);
        if is_news || pulse.phase != Phase::Fetching || round.log.is_due(now) {
            round.log.add(&pulse, now);
        }
        self.watcher.pulse(&pulse);
    }

    fn end(&mut self) {
        let now = Instant::now();
        let Some(Round { mut course, mut log, .. }) = self.round.take() else { return };
        course.enter(Phase::Ended);
        let pulse = course.pulse(now);
        log.add(&pulse, now);
        self.watcher.pulse(&pulse);
        self.totals.add(&course, now);
        self.last = Some((pulse, log));
    }

    /// What is done with the run after its last round.
    fn enter(&mut self, phase: Phase, hold: Option<Hold>) {
        let Some((pulse, log)) = &mut self.last else { return };
        let at = super::now_in_words();
        *pulse = Pulse {
            phase,
            at,
            rate: 0.0,
            in_flight: 0,
            hold,
            seconds_left: None,
            quota: None,
            ..pulse.clone()
        };
        log.add(pulse, Instant::now());
        self.watcher.pulse(pulse);
    }
}

impl Totals {
    fn add(&mut self, course: &Course, now: Instant) {
        self.seconds += now.duration_since(course.began).as_secs_f64();
        self.sent += course.sent();
        self.pairs.add(&course.pairs());
        self.latencies.add_all(&course.all);
        for held in course.holds(now) {
            match self.holds.iter_mut().find(|known| known.hold.is_same(&held.hold)) {
                Some(known) => {
                    known.times += held.times;
                    known.seconds += held.seconds;
                    known.hold = held.hold;
                }
                None => self.holds.push(held),
            }
        }
    }
}

impl<W: Watcher> Observer for Follower<W> {
    fn event(&mut self, shard: u32, event: &Event) {
        let now = Instant::now();
        self.watcher.event(shard, event);
        if self.round.as_mut().is_some_and(|round| round.course.event(shard, event, now)) {
            self.beat(now, false);
        }
    }

    fn notice(&mut self, shard: u32, notice: &Notice) {
        let now = Instant::now();
        self.watcher.notice(shard, notice);
        if self.round.as_mut().is_some_and(|round| round.course.notice(shard, notice, now)) {
            self.beat(now, true);
        }
    }

    fn stopping(&mut self, stop: Stop) {
        if let Some(round) = &mut self.round {
            round.course.enter(Phase::Finishing);
        }
        self.watcher.stopping(stop);
        self.beat(Instant::now(), true);
    }
}

impl<W: Watcher> Watcher for Follower<W> {
    fn reached(&mut self, milestone: Milestone<'_>) {
        match &milestone {
            Milestone::FetchingBegun { run, subject, limited } => {
                let course = Course::begin(Subject::clone(subject), *limited);
                let folder = run.store.folder().to_owned();
                self.watcher.reached(milestone);
                self.begin(&folder, course);
            }
            Milestone::FetchingEnded => {
                self.end();
                self.watcher.reached(milestone);
            }
            Milestone::Waiting { unfinished, .. } => {
                let hold = unfinished.fetched.renews_at.map(|until| Hold::Quota { until });
                self.watcher.reached(milestone);
                self.enter(Phase::Waiting, hold);
            }
            Milestone::Proving => {
                self.watcher.reached(milestone);
                self.enter(Phase::Proving, None);
            }
            Milestone::Loading { .. } => {
                self.watcher.reached(milestone);
                self.enter(Phase::Loading, None);
            }
            _ => self.watcher.reached(milestone),
        }
    }
}
