//! What becomes of each job of a batch.
//!
//! | its record | the job |
//! |---|---|
//! | its rows go into the table, be they none | is done |
//! | the table refuses a row of it | has failed for good |
//! | an endpoint that it needs has failed, or what that one depends on, and asking again cannot mend it | has failed for good |
//! | the same, and it may | rests, or has failed for good where it was asked as often as the job says |
//! | an endpoint that it needs was not asked: a quota is used up | is free when that renews; it was no attempt |
//! | the same: its host answers nobody; or cannot be reached, where the job file names it and not the job | rests as after a first failure; it was no attempt |
//! | the same for another reason, or it was never come to | is free at once; it was no attempt |
//! | it was never come to, since the process died again and again | as one that has failed and may be mended |
//! | its row has changed, does not wait any more, or is gone | nothing: its claim ends, and its rows are not written |

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::handoff::ClaimedJob;
use crate::job::Queue;
use crate::merge::Moved;
use crate::merge::prove::{End, Ends};
use crate::merge::refused::Rejected;
use crate::record::{Kind, Ordinal};

/// What a job has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) enum JobEnd {
    /// Its rows are in the table.
    Done,
    /// It is asked again.
    Rests { attempts: u32, rest: Duration, kind: String, detail: String },
    /// It is not asked again by itself.
    Dead { attempts: u32, kind: String, detail: String },
    /// It was not asked, and may be, at once or after a while; why, as far as that is known.
    Freed { rest: Duration, kind: Option<String>, detail: Option<String> },
    /// Somebody else has changed its row.
    Moved(Moved),
}

/// A pair without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct FailedPair {
    pub endpoint: usize,
    pub kind: String,
    pub detail: String,
    /// Whether asking again may mend it.
    pub is_worth_repeating: bool,
}

/// What is known of a batch when it is settled.
pub(in crate::merge) struct Facts<'a> {
    pub queue: &'a Queue,
    pub jobs: &'a [ClaimedJob],
    /// How its pairs ended.
    pub ends: &'a Ends,
    /// The endpoints that a record needs.
    pub needed: &'a [usize],
    /// The endpoints whose host the job file names: where that cannot be reached, it says nothing of a job.
    pub named_hosts: &'a [usize],
    /// The pairs without success, by record.
    pub failed: &'a HashMap<Ordinal, Vec<FailedPair>>,
    /// Records that the table refuses.
    pub rejected: &'a Rejected,
    /// What others have changed.
    pub moved: &'a BTreeMap<Ordinal, Moved>,
    /// How long a quota takes to renew that is used up.
    pub renews_after: Option<Duration>,
    /// Why the process that asked died for good.
    pub died_of: Option<&'a str>,
}

impl Facts<'_> {
    /// The end of each job, in the order of the batch.
    pub fn job_ends(&self) -> Vec<JobEnd> {
        (0..).zip(self.jobs).map(|(ordinal, job)| self.job_end(ordinal, job)).collect()
    }

    fn job_end(&self, ordinal: Ordinal, job: &ClaimedJob) -> JobEnd {
        if let Some(moved) = self.moved.get(&ordinal) {
            return JobEnd::Moved(*moved);
        }
        if let Some(refused) = self.rejected.get(&ordinal) {
            let detail = format!("{} {}", refused.shown_values(), refused.why).trim().to_owned();
            return JobEnd::Dead {
                attempts: job.attempts.saturating_add(1),
                kind: "rejected".to_owned(),
                detail,
            };
        }
        let ends: Option<Vec<End>> = self.needed.iter().map(|at| self.ends.get(ordinal, *at)).collect();
        match ends {
            Some(ends) if ends.iter().all(|end| end.succeeded()) => JobEnd::Done,
            Some(_) => self.failed_job(ordinal, job),
            None => match self.died_of {
                Some(why) => self.again_or_dead(job, Kind::Crashed.word(), why),
                None => {
                    let rest = self.renews_after.unwrap_or_default();
                    JobEnd::Freed { rest, kind: None, detail: None }
                }
            },
        }
    }

    fn failed_job(&self, ordinal: Ordinal, job: &ClaimedJob) -> JobEnd {
        let pairs = self.telling_pairs(ordinal);
        let asked = || pairs.iter().filter(|pair| !self.waits(pair));
        if let Some(pair) = asked().find(|pair| !pair.is_worth_repeating) {
            let attempts = job.attempts.saturating_add(1);
            return JobEnd::Dead { attempts, kind: pair.kind.clone(), detail: pair.detail.clone() };
        }
        if let Some(pair) = asked().next() {
            return self.again_or_dead(job, &pair.kind, &pair.detail);
        }
        if pairs.is_empty() {
            // Whatever it is: a job that is free at once would be asked again and again.
            return self.again_or_dead(job, Kind::Dependency.word(), "what it needs did not succeed");
        }
        let waiting = || pairs.iter().filter(|pair| self.waits(pair));
        let longest = waiting().max_by_key(|pair| self.rest_of(pair));
        JobEnd::Freed {
            rest: longest.map_or(Duration::ZERO, |pair| self.rest_of(pair)),
            kind: longest.map(|pair| pair.kind.clone()),
            detail: longest.map(|pair| pair.detail.clone()),
        }
    }

    /// The pairs that tell why a job has no rows: those that it needs; where one of them was not asked since another had failed,
    /// which says nothing of its own, that other one, needed or not.
    fn telling_pairs(&self, ordinal: Ordinal) -> Vec<&FailedPair> {
        let follows = |pair: &FailedPair| kind_of(pair) == Some(Kind::Dependency) && pair.is_worth_repeating;
        let is_needed = |pair: &FailedPair| self.needed.contains(&pair.endpoint);
        let all = || self.failed.get(&ordinal).into_iter().flatten();
        let any_follows = all().any(|pair| is_needed(pair) && follows(pair));
        all().filter(|pair| !follows(pair) && (any_follows || is_needed(pair))).collect()
    }

    /// Whether the pair was not asked, or nobody was there to ask.
    fn waits(&self, pair: &FailedPair) -> bool {
        match kind_of(pair) {
            Some(Kind::Dns | Kind::Connect) => self.named_hosts.contains(&pair.endpoint),
            kind => kind.is_some_and(Kind::waits),
        }
    }

    /// How long a pair that waits has nothing to hope for.
    fn rest_of(&self, pair: &FailedPair) -> Duration {
        match kind_of(pair) {
            Some(Kind::Quota) => self.renews_after.unwrap_or(self.queue.backoff),
            Some(Kind::HostDown | Kind::Token | Kind::Dns | Kind::Connect) => self.queue.rest(1),
            _ => Duration::ZERO,
        }
    }

    fn again_or_dead(&self, job: &ClaimedJob, kind: &str, detail: &str) -> JobEnd {
        let attempts = job.attempts.saturating_add(1);
        let (kind, detail) = (kind.to_owned(), detail.to_owned());
        if attempts >= self.queue.attempts {
            JobEnd::Dead { attempts, kind, detail }
        } else {
            JobEnd::Rests { attempts, rest: self.queue.rest(attempts), kind, detail }
        }
    }
}

fn kind_of(pair: &FailedPair) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.word() == pair.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::{PlannedEndpoint, RefusedRow};
    use crate::job::OnFailure;

    fn queue() -> Queue {
        Queue { attempts: 3, ..Queue::sample("mysql://localhost/shop") }
    }

    /// The end of a job whose record ended so at two endpoints, of which only the first is needed.
    struct Case {
        attempts: u32,
        ends: Option<[End; 2]>,
        failed: Vec<FailedPair>,
        died_of: Option<&'static str>,
        named_hosts: Vec<usize>,
    }

    fn pair(endpoint: usize, kind: &str, is_worth_repeating: bool) -> FailedPair {
        FailedPair { endpoint, kind: kind.into(), detail: format!("why {kind}"), is_worth_repeating }
    }

    impl Case {
        fn of(ends: [End; 2], failed: &[FailedPair]) -> Case {
            Case {
                attempts: 0,
                ends: Some(ends),
                failed: failed.to_vec(),
                died_of: None,
                named_hosts: vec![0],
            }
        }

        fn end(&self) -> JobEnd {
            self.end_with(&Rejected::new(), &BTreeMap::new())
        }

        fn end_with(&self, rejected: &Rejected, moved: &BTreeMap<Ordinal, Moved>) -> JobEnd {
            let endpoint = |name: &str| PlannedEndpoint {
                name: name.into(),
                columns: vec![],
                on_failure: OnFailure::Skip,
                explodes: false,
                batched: false,
            };
            let mut ends = Ends::new(&[endpoint("needed"), endpoint("other")]);
            for (at, end) in self.ends.iter().flatten().enumerate() {
                ends.set(0, at, *end, 1);
            }
            let job = ClaimedJob {
                key: "7".into(),
                id: vec!["7".into()],
                row: String::new(),
                attempts: self.attempts,
            };
            let facts = Facts {
                queue: &queue(),
                jobs: &[job],
                ends: &ends,
                needed: &[0],
                named_hosts: &self.named_hosts,
                failed: &HashMap::from([(0, self.failed.clone())]),
                rejected,
                moved,
                renews_after: Some(Duration::from_secs(3600)),
                died_of: self.died_of,
            };
            facts.job_ends().remove(0)
        }
    }

    fn rests(attempts: u32, seconds: u64, kind: &str) -> JobEnd {
        let (kind, detail) = (kind.to_owned(), format!("why {kind}"));
        JobEnd::Rests { attempts, rest: Duration::from_secs(seconds), kind, detail }
    }

    fn dead(attempts: u32, kind: &str) -> JobEnd {
        JobEnd::Dead { attempts, kind: kind.into(), detail: format!("why {kind}") }
    }

    fn freed(seconds: u64, kind: Option<&str>) -> JobEnd {
        let detail = kind.map(|kind| format!("why {kind}"));
        JobEnd::Freed { rest: Duration::from_secs(seconds), kind: kind.map(str::to_owned), detail }
    }

    #[test]
    fn a_job_is_done_where_its_rows_go_into_the_table() {
        for needed in [End::Ok, End::Missing, End::Exempt] {
            assert_eq!(Case::of([needed, End::Ok], &[]).end(), JobEnd::Done);
            // What it does not need may fail as it likes.
            let other = [pair(1, "status", false)];
            assert_eq!(Case::of([needed, End::Failed], &other).end(), JobEnd::Done);
        }
    }

    #[test]
    fn what_may_be_mended_is_asked_again_as_often_as_the_job_says() {
        let failed = [pair(0, "timeout", true)];
        let of = |attempts| Case { attempts, ..Case::of([End::Failed, End::Ok], &failed) }.end();
        assert_eq!(
            [of(0), of(1), of(2)],
            [rests(1, 30, "timeout"), rests(2, 60, "timeout"), dead(3, "timeout")]
        );
        let lasting = [pair(0, "status", false)];
        assert_eq!(Case::of([End::Failed, End::Ok], &lasting).end(), dead(1, "status"));
        // The other endpoint's failure, which the job does not need, kills nothing.
        let both = [pair(0, "timeout", true), pair(1, "status", false)];
        assert_eq!(Case::of([End::Failed, End::Failed], &both).end(), rests(1, 30, "timeout"));
    }

    #[test]
    fn what_depends_on_another_fails_as_that_does() {
        let of = |pairs: &[FailedPair]| Case::of([End::NotAsked, End::Failed], pairs).end();
        let follows = pair(0, "dependency", true);
        assert_eq!(of(&[follows.clone(), pair(1, "status", false)]), dead(1, "status"));
        assert_eq!(of(&[follows.clone(), pair(1, "timeout", true)]), rests(1, 30, "timeout"));
        assert_eq!(of(&[follows.clone(), pair(1, "quota", true)]), freed(3600, Some("quota")));
        // The answer that it depends on has no value for it.
        assert_eq!(of(&[pair(0, "dependency", false)]), dead(1, "dependency"));
        // Nothing is asked again without a pause.
        assert!(matches!(of(&[follows]), JobEnd::Rests { attempts: 1, .. }));
        assert!(matches!(of(&[]), JobEnd::Rests { attempts: 1, .. }));
    }

    #[test]
    fn what_was_not_asked_is_no_attempt() {
        let kinds =
            [("quota", 3600), ("host_down", 30), ("token", 30), ("interrupted", 0), ("max_requests", 0)];
        for (kind, seconds) in kinds {
            for end in [End::Waiting, End::Failed] {
                let case = Case { attempts: 2, ..Case::of([end, End::Ok], &[pair(0, kind, true)]) };
                assert_eq!(case.end(), freed(seconds, Some(kind)), "{kind}");
            }
        }
        // Where the quota is used up, what was not come to waits for it as well.
        let never_come_to = Case { attempts: 2, ends: None, ..Case::of([End::Ok, End::Ok], &[]) };
        assert_eq!(never_come_to.end(), freed(3600, None));
    }

    #[test]
    fn a_host_that_cannot_be_reached_is_the_jobs_own_affair_only_where_the_job_names_it() {
        for kind in ["connect", "dns"] {
            let named = Case::of([End::Failed, End::Ok], &[pair(0, kind, true)]);
            assert_eq!(named.end(), freed(30, Some(kind)));
            let of_the_job =
                Case { named_hosts: vec![1], ..Case::of([End::Failed, End::Ok], &[pair(0, kind, true)]) };
            assert_eq!(of_the_job.end(), rests(1, 30, kind));
        }
    }

    #[test]
    fn a_process_that_dies_over_a_job_counts_as_an_attempt() {
        let case = || Case { ends: None, died_of: Some("why crashed"), ..Case::of([End::Ok, End::Ok], &[]) };
        let died = |attempts| Case { attempts, ..case() }.end();
        assert_eq!([died(0), died(2)], [rests(1, 30, "crashed"), dead(3, "crashed")]);
        let done = Case { died_of: Some("why crashed"), ..Case::of([End::Ok, End::Ok], &[]) };
        assert_eq!(done.end(), JobEnd::Done);
    }

    #[test]
    fn what_the_table_refuses_is_dead_and_what_others_changed_is_left_alone() {
        let row = RefusedRow { record: 0, id: "7".into(), values: vec![], why: "why rejected".into() };
        let rejected = Rejected::from([(0, row)]);
        let done = Case::of([End::Ok, End::Ok], &[]);
        assert_eq!(done.end_with(&rejected, &BTreeMap::new()), dead(1, "rejected"));
        for moved in [Moved::Gone, Moved::NotWaiting, Moved::Changed] {
            // They are among the rejected, too, so that their rows are not written.
            assert_eq!(done.end_with(&rejected, &BTreeMap::from([(0, moved)])), JobEnd::Moved(moved));
        }
    }
}
