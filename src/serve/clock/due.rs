//! When a job is run next: from its schedule, its newest run and what this process has tried. No clock is read and nothing is
//! asked here.
//!
//! The regular start is the schedule's next moment after the newest run began, or after this process tried, if that was later.
//! What says that in the future (a clock was set back) counts as now. The first row that fits holds:
//!
//! | this process has tried | the newest run | next start |
//! |---|---|---|
//! | not yet | there is none | now |
//! | not yet | unfinished, interrupted, or fetched and not published | now: it goes on |
//! | not yet | paused | when the quota renews; now, where none is used up any more |
//! | not yet | published, refused, or another process is at it | the regular one |
//! | whatever came of it | published or refused since then, by somebody else | the regular one |
//! | 75, 5, 4, a crash, or it could not be started | | 30 s, a minute, two, … after that ended: up to an hour, and up to the interval where that is longer than 30 s |
//! | 7 | | when the quota renews; the regular one, where that is not known |
//! | 0, 1, 2, 6, interrupted, another process was at it (3) | | the regular one |
//!
//! A start that is past is made up for at once, and once, however many have been missed. Two are never closer than a second.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::handoff::{Exit, StateOfRun};
use crate::job::Schedule;

/// The first pause after what another try may mend.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Between two starts.
const LEAST: Duration = Duration::from_secs(1);

/// What a start depends on.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Known {
    /// The job's newest run.
    pub newest: Option<Newest>,
    /// What this process tried last.
    pub tried: Option<Tried>,
}

/// The newest run of a job.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Newest {
    pub started_at: Timestamp,
    pub state: StateOfRun,
    /// When it was published or refused, if it was.
    pub settled_at: Option<Timestamp>,
    /// When the quota renews that it waits for, as far as that is known.
    pub renews_at: Option<Timestamp>,
}

/// One run, or what became of trying to run the job.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tried {
    pub began: Timestamp,
    pub ended: Timestamp,
    /// None: it crashed, or could not be started.
    pub exit: Option<Exit>,
    /// How often in a row another try was worth it, this one included.
    pub failures: u32,
}

/// When a job is run next, and why then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub at: Timestamp,
    pub why: Why,
}

/// Why a job is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It has never been.
    First,
    /// Its schedule says so.
    Regular,
    /// One or more starts were missed.
    Missed,
    /// Its newest run is not at its end.
    Unfinished,
    /// A quota has renewed.
    Renewed,
    /// It failed, and may not do so again.
    Again,
}

impl Tried {
    /// Whether another try may mend it.
    pub(super) fn is_worth_another(exit: Option<Exit>) -> bool {
        matches!(exit, None | Some(Exit::TryAgain | Exit::Database | Exit::Disk))
    }

    fn pause(&self, interval: Duration) -> Duration {
        let doubled = 2_u32.checked_pow(self.failures.saturating_sub(1));
        let pause = doubled.and_then(|by| FIRST_PAUSE.checked_mul(by)).unwrap_or(LONGEST_PAUSE);
        pause.min(LONGEST_PAUSE).min(interval.max(FIRST_PAUSE))
    }
}

/// When a job of that schedule is run next.
pub(super) fn due(schedule: &Schedule, known: &Known, now: Timestamp) -> Due {
    let began = known.tried.as_ref().map(|tried| tried.began.min(now));
    let last = known.newest.as_ref().map(|newest| newest.started_at.min(now)).max(began);
    let Some(last) = last else { return Due { at: now, why: Why::First } };
    let due = match (&known.tried, &known.newest) {
        (None, Some(newest)) => unfinished(newest, now),
        (Some(tried), newest) if !is_settled_since(newest.as_ref(), tried) => {
            again(schedule, tried, newest.as_ref(), now)
        }
        _ => None,
    };
    let mut due = due.unwrap_or_else(|| regular(schedule, last, now));
    // Somebody may have been at it in between: what this process does counts.
    if let Some(earliest) = began.map(|began| later(began, LEAST)).filter(|earliest| *earliest > due.at) {
        due.at = earliest;
    }
    due
}

fn regular(schedule: &Schedule, last: Timestamp, now: Timestamp) -> Due {
    match schedule.next_after(last) {
        at if at <= now => Due { at: now, why: Why::Missed },
        at => Due { at, why: Why::Regular },
    }
}

/// Of a run that was left when this process began.
fn unfinished(newest: &Newest, now: Timestamp) -> Option<Due> {
    match newest.state {
        StateOfRun::Paused => Some(Due { at: newest.renews_at.unwrap_or(now).max(now), why: Why::Renewed }),
        StateOfRun::Unfinished | StateOfRun::Interrupted | StateOfRun::Fetched => {
            Some(Due { at: now, why: Why::Unfinished })
        }
        StateOfRun::Published | StateOfRun::Refused | StateOfRun::Running | StateOfRun::Failed => None,
    }
}

fn is_settled_since(newest: Option<&Newest>, tried: &Tried) -> bool {
    newest.and_then(|newest| newest.settled_at).is_some_and(|settled_at| settled_at > tried.ended)
}

/// After what this process tried, unless it is the schedule's turn.
fn again(schedule: &Schedule, tried: &Tried, newest: Option<&Newest>, now: Timestamp) -> Option<Due> {
    if Tried::is_worth_another(tried.exit) {
        let began = tried.began.min(now);
        let interval = schedule.next_after(began).duration_since(began).unsigned_abs();
        return Some(Due {
            at: later(tried.ended.min(now), tried.pause(interval)).max(now),
            why: Why::Again,
        });
    }
    let renews_at =
        newest.filter(|newest| newest.state == StateOfRun::Paused).and_then(|newest| newest.renews_at);
    renews_at
        .filter(|_| tried.exit == Some(Exit::Paused))
        .map(|at| Due { at: at.max(now), why: Why::Renewed })
}

fn later(than: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    than.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_790_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(NOON + seconds).unwrap()
    }

    fn every(seconds: u64) -> Schedule {
        Schedule::Every(Duration::from_secs(seconds))
    }

    fn run(started: i64, state: StateOfRun) -> Newest {
        let is_settled = matches!(state, StateOfRun::Published | StateOfRun::Refused);
        Newest {
            started_at: at(started),
            state,
            settled_at: is_settled.then(|| at(started + 5)),
            renews_at: None,
        }
    }

    fn tried(began: i64, ended: i64, code: Option<i32>, failures: u32) -> Tried {
        Tried { began: at(began), ended: at(ended), exit: code.and_then(Exit::from_code), failures }
    }

    /// Seconds after noon, and why, of a job that is run every five minutes.
    fn next(newest: Option<Newest>, tried: Option<Tried>, now: i64) -> (i64, Why) {
        let Due { at, why } = due(&every(300), &Known { newest, tried }, super::tests::at(now));
        (at.as_second() - NOON, why)
    }

    #[test]
    fn without_a_try_the_newest_run_decides() {
        assert_eq!(next(None, None, 7), (7, Why::First));
        for state in [StateOfRun::Published, StateOfRun::Refused, StateOfRun::Running] {
            assert_eq!(next(Some(run(0, state)), None, 10), (300, Why::Regular));
            // Once, however many were missed.
            assert_eq!(next(Some(run(0, state)), None, 100_000), (100_000, Why::Missed));
        }
        for state in [StateOfRun::Unfinished, StateOfRun::Interrupted, StateOfRun::Fetched] {
            assert_eq!(next(Some(run(0, state)), None, 10), (10, Why::Unfinished), "{state}");
        }
        let paused = |renews_at| Some(Newest { renews_at, ..run(0, StateOfRun::Paused) });
        assert_eq!(next(paused(Some(at(5000))), None, 10), (5000, Why::Renewed));
        assert_eq!(next(paused(Some(at(5))), None, 10), (10, Why::Renewed));
        assert_eq!(next(paused(None), None, 10), (10, Why::Renewed));
    }

    #[test]
    fn what_ended_as_it_does_waits_for_its_regular_start() {
        for code in [0, 1, 2, 3, 6, 7, 129, 130, 143] {
            let newest = Some(run(-1000, StateOfRun::Published));
            assert_eq!(
                next(newest.clone(), Some(tried(10, 20, Some(code), 0)), 20),
                (310, Why::Regular),
                "{code}"
            );
            assert_eq!(next(newest, Some(tried(10, 400, Some(code), 0)), 400), (400, Why::Missed), "{code}");
        }
    }

    #[test]
    fn what_another_try_may_mend_is_tried_at_growing_intervals() {
        let newest = || Some(run(0, StateOfRun::Unfinished));
        for code in [Some(75), Some(5), Some(4), None] {
            let pauses = [1, 2, 3, 4, 5, 40, u32::MAX]
                .map(|failures| next(newest(), Some(tried(10, 20, code, failures)), 20).0 - 20);
            assert_eq!(pauses, [30, 60, 120, 240, 300, 300, 300], "{code:?}");
        }
        let of = |schedule, failures| {
            let known = Known { newest: newest(), tried: Some(tried(10, 20, Some(75), failures)) };
            due(&schedule, &known, at(20)).at.as_second() - NOON - 20
        };
        assert_eq!(
            [1, 2, 9].map(|failures| of(every(5), failures)),
            [30, 30, 30],
            "an interval of less than 30 s"
        );
        assert_eq!(
            [7, 8, 9].map(|failures| of(every(86_400), failures)),
            [1920, 3600, 3600],
            "an hour at the most"
        );
    }

    #[test]
    fn a_quota_is_waited_for_and_others_may_have_done_it() {
        let paused = |renews_at| Some(Newest { renews_at, ..run(0, StateOfRun::Paused) });
        assert_eq!(next(paused(Some(at(9000))), Some(tried(0, 20, Some(7), 0)), 20), (9000, Why::Renewed));
        assert_eq!(next(paused(None), Some(tried(0, 20, Some(7), 0)), 20), (300, Why::Regular));
        // One that renews every moment is no reason to start every moment.
        assert_eq!(next(paused(Some(at(5))), Some(tried(10, 10, Some(7), 0)), 10), (11, Why::Renewed));
        // Somebody ran it by hand after it had failed.
        let settled = Newest { settled_at: Some(at(30)), ..run(0, StateOfRun::Published) };
        assert_eq!(next(Some(settled), Some(tried(0, 20, Some(75), 3)), 40), (300, Why::Regular));
        assert_eq!(
            next(Some(run(100, StateOfRun::Published)), Some(tried(0, 20, Some(75), 3)), 110),
            (400, Why::Regular)
        );
    }

    #[test]
    fn what_is_in_the_future_counts_as_now() {
        assert_eq!(next(Some(run(86_400, StateOfRun::Published)), None, 0), (300, Why::Regular));
        assert_eq!(next(None, Some(tried(86_400, 86_410, Some(0), 0)), 0), (300, Why::Regular));
        assert_eq!(next(None, Some(tried(86_400, 86_410, Some(75), 1)), 0), (30, Why::Again));
    }

    fn known() -> impl Strategy<Value = Known> {
        let newest = (-100_000_i64..100_000, 0..StateOfRun::ALL.len(), prop::option::of(-9000_i64..9000));
        let newest = newest.prop_map(|(started, state, renews)| Newest {
            renews_at: renews.map(at),
            ..run(started, StateOfRun::ALL[state])
        });
        let codes = prop::sample::select(vec![
            None,
            Some(0),
            Some(1),
            Some(2),
            Some(3),
            Some(4),
            Some(5),
            Some(6),
            Some(7),
            Some(75),
            Some(143),
        ]);
        let attempt = (-100_000_i64..100_000, -1000_i64..1000, codes, 0..50_u32)
            .prop_map(|(began, took, code, failures)| tried(began, began + took, code, failures));
        (prop::option::of(newest), prop::option::of(attempt))
            .prop_map(|(newest, tried)| Known { newest, tried })
    }

    proptest! {
        /// Whatever clocks and files say.
        #[test]
        fn a_start_is_never_missed_for_long_nor_too_soon(known in known(), interval in 1_u64..200_000, now in -1000_i64..1000) {
            let Due { at: start, why } = due(&every(interval), &known, at(now));
            let wait = start.duration_since(at(now));
            prop_assert!(!wait.is_negative(), "{:?}", wait);
            if why != Why::Renewed {
                prop_assert!(wait.as_secs() <= interval.max(30) as i64, "{:?} {:?}", why, wait);
            }
            if let Some(tried) = &known.tried {
                prop_assert!(start >= later(tried.began.min(at(now)), LEAST), "{}", start);
            }
        }
    }
}
