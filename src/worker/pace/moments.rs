//! The moments at which one request may leave, as several budgets say.

use std::rc::Rc;

use super::budget::Budget;
use crate::budget::Moment;
use crate::os::monotonic_nanos;

/// Moments of several budgets for one request, each let go of unless it is used.
pub(super) struct Moments(Vec<(Rc<Budget>, Moment)>);

impl Moments {
    /// One of each budget, for a request of that cost.
    pub(super) fn reserve<'a>(budgets: impl Iterator<Item = &'a Rc<Budget>>, cost: u64) -> Moments {
        let now = monotonic_nanos();
        let reserve =
            |budget: &Rc<Budget>| Some((budget.clone(), budget.member.reserve(now, budget.units(cost))?));
        Moments(budgets.filter_map(reserve).collect())
    }

    /// Whether each has come and is used.
    pub(super) fn are_used(&self) -> bool {
        self.0.is_empty()
    }

    /// When the request may leave.
    pub(super) fn at(&self) -> u64 {
        self.0.iter().map(|(_, moment)| moment.at).max().unwrap_or(0)
    }

    /// The budget whose moment comes last.
    pub(super) fn last(&self) -> Option<&Rc<Budget>> {
        self.0.iter().max_by_key(|(_, moment)| moment.at).map(|(budget, _)| budget)
    }

    /// Uses those that have come; what is left are later ones that other processes have changed them for.
    pub(super) fn confirm(&mut self, now: u64) {
        self.0.retain_mut(|(budget, moment)| match budget.member.confirm(*moment, now) {
            Ok(()) => false,
            Err(later) => {
                *moment = later;
                true
            }
        });
    }
}

impl Drop for Moments {
    fn drop(&mut self) {
        self.0.iter().for_each(|(budget, moment)| budget.member.forgo(*moment));
    }
}
