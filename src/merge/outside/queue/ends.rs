//! What becomes of each job of a batch.
//!
//! | its record | the job |
//! |---|---|
//! | its rows go into the table, be they none | is done |
//! | the table refuses a row of it | has failed for good |
//! | an endpoint that it needs has failed, and asking again cannot mend it | has failed for good |
//! | the same, and it may | rests, or has failed for good where it was asked as often as the job says |
//! | an endpoint that it needs was not asked: a quota is used up | is free when that renews; it was no attempt |
//! | the same: its host answers nobody | rests as after a first failure; it was no attempt |
//! | the same for another reason, or it was never come to | is free at once; it was no attempt |
//! | it was never come to, since the process died again and again | as one that has failed and may be mended |
//! | its row has changed, does not wait any more, or is gone | nothing: its claim ends, and its rows are not written |

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::handoff::ClaimedJob;
use crate::job::Queue;
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
    /// It was not asked, and may be, at once or after a while.
    Freed { rest: Duration },
    /// Somebody else has changed its row.
    Moved(Moved),
}

/// What somebody else has done to a job while it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Its row is gone.
    Gone,
    /// It does not wait any more.
    NotWaiting,
    /// What the run reads of it is another thing now: it is asked again.
    Changed,
}

impl Moved {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Moved::Gone => "its row was deleted while it was asked: its result is not written",
            Moved::NotWaiting => {
                "somebody else changed its state while it was asked: it stays so, its result is not written"
            }
            Moved::Changed => "its row was changed while it was asked: it is asked again",
        }
    }
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
                None => JobEnd::Freed { rest: Duration::ZERO },
            },
        }
    }

    fn failed_job(&self, ordinal: Ordinal, job: &ClaimedJob) -> JobEnd {
        let is_needed = |pair: &&FailedPair| self.needed.contains(&pair.endpoint);
        let pairs: Vec<&FailedPair> =
            self.failed.get(&ordinal).into_iter().flatten().filter(is_needed).collect();
        let waits = |pair: &FailedPair| kind_of(pair).is_some_and(Kind::waits);
        // What was not asked since another failed says nothing of its own.
        let asked = || pairs.iter().filter(|pair| !waits(pair) && kind_of(pair) != Some(Kind::Dependency));
        if let Some(pair) = asked().find(|pair| !pair.is_worth_repeating) {
            let attempts = job.attempts.saturating_add(1);
            return JobEnd::Dead { attempts, kind: pair.kind.clone(), detail: pair.detail.clone() };
        }
        if let Some(pair) = asked().next() {
            return self.again_or_dead(job, &pair.kind, &pair.detail);
        }
        let has = |kind: Kind| pairs.iter().any(|pair| kind_of(pair) == Some(kind));
        let rest = if has(Kind::Quota) {
            self.renews_after.unwrap_or(self.queue.backoff)
        } else if has(Kind::HostDown) || has(Kind::Token) {
            self.queue.rest(1)
        } else {
            Duration::ZERO
        };
        JobEnd::Freed { rest }
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
