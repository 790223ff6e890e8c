//! What a failure of each endpoint does to a record's rows.

use super::prove::End;
use crate::handoff::Plan;
use crate::job::{Job, OnFailure};

/// By endpoint of the plan.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    by_endpoint: Vec<OnFailure>,
    /// The endpoint whose answers give any number of rows.
    pub exploding: Option<usize>,
}

impl Policy {
    /// As the job has it now; as it was planned where there is no job, or where it has no such endpoint.
    pub fn now(plan: &Plan, job: Option<&Job>) -> Policy {
        let now = |name: &str| Some(job?.endpoint(name)?.1.on_failure);
        Policy::new(plan, |name| now(name))
    }

    /// As `said` has it by name, and else as planned.
    pub fn new(plan: &Plan, said: impl Fn(&str) -> Option<OnFailure>) -> Policy {
        let endpoints = plan.endpoints.iter();
        Policy {
            by_endpoint: endpoints.map(|e| said(&e.name).unwrap_or(e.on_failure)).collect(),
            exploding: plan.endpoints.iter().position(|endpoint| endpoint.explodes),
        }
    }

    /// Every endpoint is needed: at a pause, since what has failed or waits by then will be asked again.
    pub fn strict(plan: &Plan) -> Policy {
        Policy::new(plan, |_| Some(OnFailure::Skip))
    }

    /// The endpoints.
    pub fn endpoints(&self) -> std::ops::Range<usize> {
        0..self.by_endpoint.len()
    }

    /// What the job says, by endpoint.
    pub fn said(&self) -> &[OnFailure] {
        &self.by_endpoint
    }

    /// Whether a record adds no rows where this endpoint fails.
    ///
    /// `keep` says so too where the endpoint explodes: which rows there would be is not known then.
    pub fn needs(&self, endpoint: usize) -> bool {
        match self.by_endpoint[endpoint] {
            OnFailure::Skip => true,
            OnFailure::Null => false,
            OnFailure::Keep => self.exploding == Some(endpoint),
        }
    }

    /// Whether the endpoint's columns stay as the table has them where it fails.
    pub fn keeps(&self, endpoint: usize) -> bool {
        self.by_endpoint[endpoint] == OnFailure::Keep && self.exploding != Some(endpoint)
    }

    /// The endpoints that a record needs.
    pub fn needed(&self) -> impl Iterator<Item = usize> {
        self.endpoints().filter(|at| self.needs(*at))
    }

    /// The endpoint whose failure leaves all rows of the record's id as they stand.
    pub fn sparing(&self) -> Option<usize> {
        self.exploding.filter(|at| self.by_endpoint[*at] == OnFailure::Keep)
    }

    /// Whether a record whose pairs ended so adds its rows to the table, even if it has none.
    pub fn admits(&self, ends: &[End]) -> bool {
        self.needed().all(|at| ends[at].succeeded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(exploding: Option<usize>, by_endpoint: [OnFailure; 2]) -> Policy {
        Policy { by_endpoint: by_endpoint.to_vec(), exploding }
    }

    #[test]
    fn only_what_is_dropped_leaves_a_record_out() {
        let ends = [End::Exempt, End::NotAsked];
        assert!(!policy(None, [OnFailure::Keep, OnFailure::Skip]).admits(&ends));
        assert!(policy(None, [OnFailure::Skip, OnFailure::Null]).admits(&ends));
        assert!(policy(None, [OnFailure::Skip, OnFailure::Keep]).admits(&ends));
    }

    #[test]
    fn rows_that_are_not_known_cannot_keep_their_columns() {
        let exploding = policy(Some(1), [OnFailure::Keep, OnFailure::Keep]);
        assert!(!exploding.admits(&[End::Ok, End::Failed]));
        assert!(exploding.admits(&[End::Failed, End::Missing]));
        assert_eq!((exploding.keeps(0), exploding.keeps(1), exploding.sparing()), (true, false, Some(1)));
        assert_eq!(policy(Some(1), [OnFailure::Keep, OnFailure::Skip]).sparing(), None);
    }
}
