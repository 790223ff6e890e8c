//! The next start of a job, kept while nothing has changed that it depends on.
//!
//! Promises: what counts as now does so once, and not anew with each look, so that a start comes nearer whatever the files say.
//! A clock that is set back delays none: an interval goes on as if it had not been, moments of a crontab are those that the clock
//! shows now.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::due::{Due, Known, due};
use crate::job::Schedule;

/// What clocks differ by, between two looks, without one of them being set.
const JITTER: SignedDuration = SignedDuration::from_secs(2);

/// When a job is due, as it was reckoned last.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    reckoned: Option<(Known, Due)>,
    /// The wall clock and a clock that nobody sets, at the last look.
    seen: Option<(Timestamp, Duration)>,
}

impl Alarm {
    /// When the job is due. `steady` is a clock that goes on evenly, from anywhere.
    pub(super) fn look(
        &mut self,
        schedule: &Schedule,
        known: &Known,
        now: Timestamp,
        steady: Duration,
    ) -> Due {
        // What the clock would show if nobody had set it.
        let shown = self.seen.map_or(now, |(then, steady_then)| {
            let passed = SignedDuration::try_from(steady.saturating_sub(steady_then));
            passed.ok().and_then(|passed| then.checked_add(passed).ok()).unwrap_or(now)
        });
        let was_set_back = now.duration_since(shown) < -JITTER;
        self.seen = Some((now, steady));
        let earlier = self.reckoned.take().filter(|(then, _)| then == known).map(|(_, due)| due);
        let due = match earlier {
            Some(before) if !was_set_back => before,
            Some(before) => {
                set_back(schedule, before, before.at.duration_since(shown), due(schedule, known, now), now)
            }
            None => due(schedule, known, now),
        };
        self.reckoned = Some((known.clone(), due));
        due
    }
}

/// What was due so long after the moment at which the clock was set back, and would be `anew`.
fn set_back(schedule: &Schedule, due: Due, left: SignedDuration, anew: Due, now: Timestamp) -> Due {
    match (schedule, now.checked_add(left)) {
        (Schedule::Every(_), Ok(at)) if at < anew.at => Due { at, ..due },
        _ => anew,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::due::{Newest, Tried};
    use super::*;
    use crate::handoff::{Exit, StateOfRun};

    /// How a process and its clocks go: seconds that pass, what the clock is set by, and how a run ends that begins then.
    #[derive(Debug, Clone)]
    struct Step {
        passes: i64,
        set_by: i64,
        code: i32,
        takes: i64,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let codes = prop::sample::select(vec![0, 1, 2, 3, 4, 5, 6, 7, 75, 130, 101]);
        let set = prop_oneof![8 => Just(0), 1 => -200_000_i64..200_000];
        let step = (1_i64..10, set, codes, 0_i64..400).prop_map(|(passes, set_by, code, takes)| Step {
            passes,
            set_by,
            code,
            takes,
        });
        prop::collection::vec(step, 1..300)
    }

    proptest! {
        /// With clocks that are set back and forth as with none: starts are a second apart at the least, and an interval, or
        /// what a failure is given, at the most.
        #[test]
        fn starts_come_whatever_is_done_to_the_clock(steps in steps(), interval in 1_u64..600, newest in -90_000_i64..90_000) {
            let schedule = Schedule::Every(Duration::from_secs(interval));
            let (mut wall, mut steady) = (1_790_000_000_i64, 0_i64);
            let at = |second| Timestamp::from_second(second).unwrap();
            let settled = Newest { started_at: at(wall + newest), state: StateOfRun::Published, settled_at: None, renews_at: None };
            let mut known = Known { newest: Some(settled), tried: None };
            let (mut alarm, mut last_start, mut failures) = (Alarm::default(), None::<i64>, 0);
            let (mut since, least) = (0_i64, 1_i64);
            for step in steps {
                (wall, steady) = (wall + step.passes + step.set_by, steady + step.passes);
                let due = alarm.look(&schedule, &known, at(wall), Duration::from_secs(steady as u64));
                if due.at > at(wall) {
                    let most = interval.max(30) as i64 + 10;
                    prop_assert!(steady - since <= most, "nothing for {} s: {:?}", steady - since, due);
                    continue;
                }
                prop_assert!(last_start.is_none_or(|last| steady - last >= least), "{} s apart", steady - last_start.unwrap_or(0));
                (last_start, since) = (Some(steady), steady + step.takes);
                let exit = Exit::from_code(step.code);
                failures = if Tried::is_worth_another(exit) { failures + 1 } else { 0 };
                known.tried = Some(Tried { began: at(wall), ended: at(wall + step.takes), exit, failures });
                (wall, steady) = (wall + step.takes, steady + step.takes);
            }
        }
    }
}
