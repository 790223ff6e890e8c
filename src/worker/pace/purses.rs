//! The budgets that this process knows: those that the job names, and one for each host that it asks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::purse::Purse;
use super::way::{Patience, Way};
use crate::budget::{BudgetError, Member, Terms, file_of_host, file_of_limit};
use crate::fetch::Origin;
use crate::job::{Counts, Job, Limit};
use crate::os::monotonic_nanos;

/// Hosts whose budgets are shared with other processes. A list of whole URLs may name many thousands: what is known of
/// the further ones stays in this process.
const SHARED_HOSTS: usize = 256;

/// The budgets, joined when they are first used.
pub(super) struct Purses {
    job: Job,
    round: u32,
    /// Whether the job asks more than one host, or may.
    asks_several: bool,
    folder: PathBuf,
    /// Most requests that this process could have in flight.
    in_flight: u64,
    limits: Vec<Rc<Purse>>,
    hosts: RefCell<HashMap<String, Rc<Purse>>>,
    /// What a person should know and was not told yet.
    news: RefCell<Vec<String>>,
}

impl Purses {
    /// Joins the limits of the job. `in_flight` is how many requests this process could have in flight.
    pub(super) fn open(
        job: &Job,
        round: u32,
        in_flight: usize,
        folder: &Path,
    ) -> Result<Purses, BudgetError> {
        let in_flight = in_flight as u64;
        let limits = job.limits.iter().map(|limit| join_limit(limit, folder, in_flight));
        Ok(Purses {
            limits: limits.collect::<Result<_, _>>()?,
            round,
            asks_several: job.asks_several_hosts(),
            job: job.clone(),
            folder: folder.to_owned(),
            in_flight,
            hosts: RefCell::default(),
            news: RefCell::default(),
        })
    }

    /// The budgets of an endpoint's requests to an origin: that of the host, and the limits that hold for either.
    pub(super) fn way(&self, endpoint: usize, origin: &Origin) -> Way {
        let said = &self.job.endpoints[endpoint];
        let mut limits = said.limits.clone();
        limits.extend(self.job.limits_of_host(origin.host_name(), origin.port()));
        limits.sort_unstable();
        limits.dedup();
        let is_counted = limits.iter().any(|at| self.job.limits[*at].in_flight.is_some());
        // Where others can be asked meanwhile, a host that is down is left to the next round at once.
        let goes_on = self.round == 0 && self.asks_several;
        let patience = Patience {
            down: if goes_on { Duration::ZERO } else { self.job.settings.patience },
            pause: said.retry.max_retry_after,
            is_last: self.round > 0,
        };
        let limits = limits.iter().map(|at| self.limits[*at].clone()).collect();
        Way::new(self.host(origin, is_counted), limits, said.cost.clone(), patience)
    }

    /// The budget of a host; `is_counted` says that a limit bounds its requests in flight already.
    fn host(&self, origin: &Origin, is_counted: bool) -> Rc<Purse> {
        let name = format!("{}:{}", origin.host_name(), origin.port());
        let mut hosts = self.hosts.borrow_mut();
        if let Some(known) = hosts.get(&name) {
            return known.clone();
        }
        let terms = if is_counted { Terms::none() } else { Terms::adaptive() };
        let is_shared = hosts.len() < SHARED_HOSTS;
        let purse = Purse::new(self.join_host(&name, &terms, is_shared), name.clone(), false);
        hosts.insert(name, purse.clone());
        purse
    }

    /// A host's budget; where it cannot be shared it is this process's own.
    fn join_host(&self, name: &str, terms: &Terms, is_shared: bool) -> Member {
        let now = monotonic_nanos();
        let shared = || {
            let path = file_of_host(&self.folder, name)?;
            Member::join(&path, terms.clone(), self.in_flight, now)
        };
        match is_shared.then(shared) {
            Some(Ok(member)) => return member,
            Some(Err(error)) => {
                self.news.borrow_mut().push(format!("{name} is asked without regard to others: {error}"));
            }
            None => {}
        }
        Member::alone(terms.clone(), self.in_flight, now)
    }

    /// Looks at what other processes do.
    pub(super) fn look(&self) {
        self.limits.iter().for_each(|purse| purse.look());
        self.hosts.borrow().values().for_each(|purse| purse.look());
    }

    /// What a person should know, each told once.
    pub(super) fn news(&self) -> Vec<String> {
        let mut news = self.news.take();
        news.extend(self.limits.iter().filter_map(|purse| purse.news()));
        news
    }
}

fn join_limit(limit: &Limit, folder: &Path, in_flight: u64) -> Result<Rc<Purse>, BudgetError> {
    let path = file_of_limit(folder, &limit.name)?;
    let member = Member::join(&path, Terms::of(limit), in_flight, monotonic_nanos())?;
    Ok(Purse::new(member, limit.name.clone(), limit.counts != Counts::Requests))
}
