//! Whether a job is well: the same for people and for Prometheus.

use jiff::Timestamp;

use super::standing::JobStanding;
use crate::handoff::StateOfRun;

/// How a job is, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its last run was published, and what is served is not too old.
    Well,
    /// It was stopped half-way, and goes on by itself: a quota is used up. What is served is not too old.
    Waiting,
    /// Nothing has been gathered yet.
    New,
    /// Somebody should look.
    Ill,
}

impl Verdict {
    /// What is first of these holds:
    ///
    /// | | |
    /// |---|---|
    /// | a table is too old, or a newer file of it is not served | ill |
    /// | the last run waits: a quota is used up, a signal stopped it, its rows are not loaded yet | waiting |
    /// | there is trouble, the last run failed, was refused or left something unfinished | ill |
    /// | there was a run, and a table was never published | ill |
    /// | there was no run, and a table was never published | new |
    /// | otherwise | well |
    pub fn of(job: &JobStanding, now: Timestamp) -> Verdict {
        let is_old = job.tables.iter().any(|table| {
            table.trouble.is_some() || table.generation.is_some() && table.unreadiness(now).is_some()
        });
        let lacks_table = job.tables.iter().any(|table| table.generation.is_none());
        match job.last.as_ref().map(|run| run.state) {
            _ if is_old => Verdict::Ill,
            Some(StateOfRun::Paused | StateOfRun::Interrupted | StateOfRun::Fetched) => Verdict::Waiting,
            Some(StateOfRun::Refused | StateOfRun::Failed | StateOfRun::Unfinished) => Verdict::Ill,
            _ if job.trouble.is_some() => Verdict::Ill,
            Some(StateOfRun::Published) if lacks_table => Verdict::Ill,
            None | Some(StateOfRun::Running) if lacks_table => Verdict::New,
            None | Some(StateOfRun::Running | StateOfRun::Published) => Verdict::Well,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::serve::standing::tests::{NOW, prices};

    fn after(seconds: u64, change: impl Fn(&mut JobStanding)) -> Verdict {
        let mut job = prices();
        change(&mut job);
        Verdict::of(&job, NOW.parse::<Timestamp>().unwrap() + Duration::from_secs(seconds))
    }

    fn ended(job: &mut JobStanding, state: StateOfRun) {
        job.last.as_mut().unwrap().state = state;
    }

    #[test]
    fn a_job_is_well_if_its_last_run_was_published_and_is_not_too_old() {
        assert_eq!(after(0, |_| ()), Verdict::Well);
        assert_eq!(after(3600, |_| ()), Verdict::Ill);
        assert_eq!(after(3600, |job| job.tables[0].stale_after = None), Verdict::Well);
        assert_eq!(after(0, |job| job.tables[0].trouble = Some("no Parquet file".to_owned())), Verdict::Ill);
        assert_eq!(after(0, |job| job.trouble = Some("its lock is held".to_owned())), Verdict::Ill);
        assert_eq!(after(0, |job| job.tables[0].generation = None), Verdict::Ill, "published, and not there");
    }

    #[test]
    fn one_that_goes_on_by_itself_waits_until_what_is_served_is_too_old() {
        let paused = |job: &mut JobStanding| {
            ended(job, StateOfRun::Paused);
            job.trouble = Some("paused: a quota is used up".to_owned());
        };
        assert_eq!((after(0, paused), after(3600, paused)), (Verdict::Waiting, Verdict::Ill));
        for state in [StateOfRun::Refused, StateOfRun::Failed, StateOfRun::Unfinished] {
            assert_eq!(after(0, |job| ended(job, state)), Verdict::Ill, "{state:?}");
        }
    }

    #[test]
    fn one_that_was_never_run_is_new_unless_something_is_served_already() {
        assert_eq!(after(0, |job| job.last = None), Verdict::Well);
        let new = |job: &mut JobStanding| (job.last, job.tables[0].generation) = (None, None);
        assert_eq!(after(0, new), Verdict::New);
        let broken = |job: &mut JobStanding| {
            new(job);
            job.trouble = Some("exit code 2".to_owned());
        };
        assert_eq!(after(0, broken), Verdict::Ill);
    }
}
