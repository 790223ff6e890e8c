//! What is noted of a command while it works, for its summary at the end: the run and the job as soon as they are known, and
//! how long each part took. Everything is passed on to the person.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::handoff::Event;
use crate::handoff::summary::Phases;
use crate::job::Job;
use crate::os::Stop;
use crate::report::Console;
use crate::runner::{Follower, LiveRun, Milestone, Totals, Watcher};
use crate::supervisor::{Notice, Observer};

/// Sees what a command does, and tells the person.
pub struct Witness {
    follower: Follower<Console>,
    /// `run`, `retry`, `extract` or `merge`.
    pub(super) command: &'static str,
    /// Whether only some records are tried.
    pub is_trial: bool,
    began: (Instant, Timestamp),
    /// The run that it is about, which is held as long as this is there.
    pub(super) run: Option<LiveRun>,
    /// The job that it is worked by.
    pub(super) job: Option<Job>,
    clock: Clock,
}

/// A part of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Planning,
    Fetching,
    Proving,
    Loading,
}

/// How long the parts took that are over, and the one that is not.
struct Clock {
    over: Phases,
    now: Option<(Part, Instant)>,
}

impl Witness {
    /// Of a command that begins now.
    pub fn of(command: &'static str, console: Console) -> Witness {
        let (now, clock) = (Instant::now(), Timestamp::now());
        Witness {
            follower: Follower::new(console),
            command,
            is_trial: false,
            began: (now, clock),
            run: None,
            job: None,
            clock: Clock { over: Phases::default(), now: Some((Part::Planning, now)) },
        }
    }

    /// How long it has been at work.
    pub fn took(&self) -> Duration {
        self.began.0.elapsed()
    }

    /// The job, once it is known.
    pub fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// The work is over: what comes now is telling.
    pub fn ended(&mut self) {
        self.clock.enter(None, Instant::now());
    }

    /// Lets go of the run.
    pub fn release(&mut self) {
        self.run = None;
    }

    /// When it began.
    pub(super) fn began_at(&self) -> Timestamp {
        self.began.1
    }

    /// What all rounds that it worked came to.
    pub(super) fn totals(&self) -> &Totals {
        self.follower.totals()
    }

    /// How long its parts took.
    pub(super) fn phases(&self) -> &Phases {
        &self.clock.over
    }
}

impl Clock {
    fn enter(&mut self, part: Option<Part>, at: Instant) {
        if let Some((over, since)) = self.now {
            let spent = match over {
                Part::Planning => &mut self.over.planning,
                Part::Fetching => &mut self.over.fetching,
                Part::Proving => &mut self.over.proving,
                Part::Loading => &mut self.over.loading,
            };
            *spent = Some(spent.unwrap_or_default() + at.duration_since(since).as_secs_f64());
        }
        self.now = part.map(|part| (part, at));
    }
}

impl Observer for Witness {
    fn event(&mut self, shard: u32, event: &Event) {
        self.follower.event(shard, event);
    }

    fn notice(&mut self, shard: u32, notice: &Notice) {
        self.follower.notice(shard, notice);
    }

    fn stopping(&mut self, stop: Stop) {
        self.follower.stopping(stop);
    }
}

impl Watcher for Witness {
    fn reached(&mut self, milestone: Milestone<'_>) {
        let now = Instant::now();
        match &milestone {
            Milestone::Opened(run) => {
                run.store.remove_summary();
                self.run = Some(LiveRun::clone(run));
            }
            Milestone::WorkedBy(job) => self.job = Some(Job::clone(job)),
            Milestone::FetchingBegun { .. } => self.clock.enter(Some(Part::Fetching), now),
            Milestone::Proving => self.clock.enter(Some(Part::Proving), now),
            Milestone::Loading { .. } => self.clock.enter(Some(Part::Loading), now),
            _ => {}
        }
        self.follower.reached(milestone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_command_are_as_long_as_all_of_it() {
        let began = Instant::now();
        let mut clock = Clock { over: Phases::default(), now: Some((Part::Planning, began)) };
        let at = |seconds| began + Duration::from_secs(seconds);
        clock.enter(Some(Part::Fetching), at(2));
        clock.enter(Some(Part::Fetching), at(5));
        clock.enter(Some(Part::Proving), at(9));
        clock.enter(None, at(10));
        clock.enter(None, at(99));
        let Phases { planning, fetching, proving, loading } = clock.over;
        assert_eq!((planning, fetching, proving, loading), (Some(2.0), Some(7.0), Some(1.0), None));
    }
}
