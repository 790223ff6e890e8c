//! Which runs of a job may go: ages and states in, names out.

use std::collections::HashSet;
use std::time::Duration;

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub run: String,
    /// Time since it was finished, or since it was planned if it is not.
    pub age: Duration,
    /// Published or refused.
    pub finished: bool,
    /// A trial is never continued, finished or not.
    pub trial: bool,
    /// A living process holds it.
    pub locked: bool,
    /// The run whose answers it reads.
    pub extracted_from: Option<String>,
}

/// What a person, or the job, says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Age from which a run goes.
    pub older_than: Duration,
    /// The newest runs that stay whatever their age, trials not counted.
    pub keep: usize,
    /// Whether unfinished ones go, too.
    pub unfinished: bool,
}

/// The ids of the runs that go, of all runs of a job, the newest first.
///
/// Never the newest run (a trial is none), never one that is held, and never one whose answers an unfinished run reads.
pub(super) fn removable(runs: &[Candidate], rule: &Rule) -> Vec<String> {
    let unfinished = runs.iter().filter(|run| !run.finished);
    let read: HashSet<&str> = unfinished.filter_map(|run| run.extracted_from.as_deref()).collect();
    let mut newer = 0;
    let mut removable = Vec::new();
    for run in runs {
        let is_kept = newer < rule.keep || (newer == 0 && !run.trial);
        let is_over = run.finished || run.trial || rule.unfinished;
        let is_free = !run.locked && !read.contains(run.run.as_str());
        if !is_kept && is_over && is_free && run.age >= rule.older_than {
            removable.push(run.run.clone());
        }
        newer += usize::from(!run.trial);
    }
    removable
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn run(name: &str, days: u32) -> Candidate {
        Candidate {
            run: name.to_owned(),
            age: DAY * days,
            finished: true,
            trial: false,
            locked: false,
            extracted_from: None,
        }
    }

    fn trial(name: &str, days: u32) -> Candidate {
        Candidate { trial: true, ..run(name, days) }
    }

    fn unfinished(name: &str, days: u32) -> Candidate {
        Candidate { finished: false, ..run(name, days) }
    }

    fn older_than(days: u32) -> Rule {
        Rule { older_than: DAY * days, keep: 0, unfinished: false }
    }

    #[test]
    fn what_is_old_enough_goes_and_the_newest_never() {
        let runs = [run("d", 20), run("c", 21), run("b", 30), run("a", 40)];
        assert_eq!(removable(&runs, &older_than(30)), ["b", "a"]);
        assert_eq!(removable(&runs, &older_than(0)), ["c", "b", "a"]);
        assert!(removable(&runs, &older_than(41)).is_empty());
        assert!(removable(&runs[..1], &older_than(0)).is_empty());
        assert!(removable(&[], &older_than(0)).is_empty());
    }

    #[test]
    fn the_newest_n_stay_whatever_their_age() {
        let runs = [run("d", 20), run("c", 21), run("b", 30), run("a", 40)];
        assert_eq!(removable(&runs, &Rule { keep: 3, ..older_than(0) }), ["a"]);
        assert_eq!(removable(&runs, &Rule { keep: 1, ..older_than(30) }), ["b", "a"]);
        assert!(removable(&runs, &Rule { keep: 9, ..older_than(0) }).is_empty());
    }

    #[test]
    fn a_trial_goes_like_a_finished_run_and_is_never_the_newest() {
        let failed = Candidate { finished: false, ..trial("f", 9) };
        let runs = [failed, trial("e", 9), run("d", 9), trial("c", 9), run("b", 9), trial("a", 9)];
        assert_eq!(removable(&runs, &older_than(9)), ["f", "e", "c", "b", "a"]);
        // With `keep` the trials that are newer than the oldest run that stays stay with it.
        assert_eq!(removable(&runs, &Rule { keep: 1, ..older_than(9) }), ["c", "b", "a"]);
        assert_eq!(removable(&runs, &Rule { keep: 2, ..older_than(9) }), ["a"]);
    }

    #[test]
    fn unfinished_runs_go_only_if_that_is_said_and_the_newest_not_even_then() {
        let runs = [unfinished("c", 9), unfinished("b", 9), run("a", 9)];
        assert_eq!(removable(&runs, &older_than(1)), ["a"]);
        assert_eq!(removable(&runs, &Rule { unfinished: true, ..older_than(1) }), ["b", "a"]);
    }

    #[test]
    fn a_run_that_is_held_stays() {
        let held = Candidate { locked: true, ..run("b", 9) };
        let runs = [run("d", 9), Candidate { locked: true, ..trial("c", 9) }, held, run("a", 9)];
        assert_eq!(removable(&runs, &older_than(1)), ["a"]);
    }

    #[test]
    fn what_an_extraction_reads_stays_until_that_is_finished() {
        let reading =
            |name: &str, finished| Candidate { extracted_from: Some("a".into()), finished, ..run(name, 9) };
        let runs = [run("d", 9), reading("c", false), run("b", 9), run("a", 9)];
        assert_eq!(removable(&runs, &older_than(1)), ["b"]);
        // Even if it goes itself: it may not be removed after all.
        assert_eq!(removable(&runs, &Rule { unfinished: true, ..older_than(1) }), ["c", "b"]);
        let runs = [run("d", 9), reading("c", true), run("a", 9)];
        assert_eq!(removable(&runs, &older_than(1)), ["c", "a"]);
    }
}
