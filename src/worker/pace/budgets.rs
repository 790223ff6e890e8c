//! The budgets that this process knows: those that the job names, and one for each host that it asks or has asked lately.
//!
//! A list of whole URLs may name many thousands of hosts. Those that nobody has asked for the longest time are let go of,
//! and their files with them; what must not be lost by that (a pause that a host asked for, and that it is down) stays in
//! its file, and there are bounds to these files, too.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::budget::Budget;
use super::patience::Patience;
use super::recent::Recent;
use super::route::Route;
use crate::budget::{BudgetError, Member, Terms, file_of_host, file_of_limit, let_go_of_host};
use crate::fetch::Origin;
use crate::job::{Job, Limit};
use crate::os::monotonic_nanos;

/// Hosts that are kept though nobody asks them just now.
pub(super) const MOST_HOSTS: usize = 256;

/// Hosts that were let go of while they were down, or paused, and whose files this process is to remove.
const MOST_ASIDE: usize = 1024;

/// Most hosts that are looked at at a time: where more are in use, each is looked at less often.
const LOOKS: usize = 256;

/// The budgets, joined when they are first used.
pub(super) struct Budgets {
    job: Job,
    round: u32,
    /// Whether the job asks more than one host, or may.
    asks_several: bool,
    folder: PathBuf,
    /// Most requests that this process could have in flight.
    in_flight: u64,
    limits: Vec<Rc<Budget>>,
    hosts: RefCell<Recent<String, Budget>>,
    /// The longest ago first.
    aside: RefCell<VecDeque<String>>,
    /// Hosts that are to be looked at before any is again.
    to_look_at: RefCell<Vec<Weak<Budget>>>,
    has_warned: Cell<bool>,
    /// What a person should know and was not told yet.
    news: RefCell<Vec<String>>,
}

impl Budgets {
    /// Joins the limits of the job. `in_flight` is how many requests this process could have in flight.
    pub(super) fn open(
        job: &Job,
        round: u32,
        in_flight: usize,
        folder: &Path,
    ) -> Result<Budgets, BudgetError> {
        let in_flight = in_flight as u64;
        let limits = job.limits.iter().map(|limit| join_limit(limit, folder, in_flight));
        Ok(Budgets {
            limits: limits.collect::<Result<_, _>>()?,
            round,
            asks_several: job.asks_several_hosts(),
            job: job.clone(),
            folder: folder.to_owned(),
            in_flight,
            hosts: RefCell::new(Recent::new(MOST_HOSTS)),
            aside: RefCell::default(),
            to_look_at: RefCell::default(),
            has_warned: Cell::default(),
            news: RefCell::default(),
        })
    }

    /// The budgets of an endpoint's requests to an origin: that of the host, and the limits that hold for either.
    pub(super) fn route(&self, endpoint: usize, origin: &Origin) -> Route {
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
        Route::new(self.host(origin, is_counted), limits, said.cost.clone(), patience)
    }

    /// The budget of a host; `is_counted` says that a limit bounds its requests in flight already.
    fn host(&self, origin: &Origin, is_counted: bool) -> Rc<Budget> {
        let name = format!("{}:{}", origin.host_name(), origin.port());
        if let Some(known) = self.hosts.borrow_mut().get(name.as_str()) {
            return known;
        }
        let terms = if is_counted { Terms::none() } else { Terms::adaptive() };
        let budget = Budget::of_host(self.join_host(&name, terms), name.clone());
        let taken = self.hosts.borrow_mut().put(name, budget.clone());
        taken.into_iter().for_each(|(name, budget)| self.set_aside(name, budget));
        budget
    }

    /// Lets go of a host for now.
    fn set_aside(&self, name: String, budget: Budget) {
        let mut aside = self.aside.borrow_mut();
        if budget.member.set_aside() && !aside.contains(&name) {
            aside.push_back(name);
        }
        if aside.len() > MOST_ASIDE {
            aside.pop_front().iter().for_each(|name| self.let_go(name));
        }
    }

    /// Lets go of a host for good: only a pause that it asked for stays in its file.
    fn let_go(&self, name: &str) {
        if let Ok(path) = file_of_host(&self.folder, name) {
            let_go_of_host(&path);
        }
    }

    /// A host's budget; where it cannot be shared it is this process's own.
    fn join_host(&self, name: &str, terms: Terms) -> Member {
        let now = monotonic_nanos();
        let joined = file_of_host(&self.folder, name)
            .and_then(|path| Member::join_host(&path, terms.clone(), self.in_flight, now));
        joined.unwrap_or_else(|error| {
            // Of thousands of hosts one stands for all.
            if !self.has_warned.replace(true) {
                self.news.borrow_mut().push(format!("{name} is asked without regard to others: {error}"));
            }
            Member::alone(terms, self.in_flight, now)
        })
    }

    /// Looks at what other processes do.
    pub(super) fn look(&self) {
        self.limits.iter().for_each(|budget| budget.look());
        let mut to_look_at = self.to_look_at.borrow_mut();
        if to_look_at.is_empty() {
            to_look_at.extend(self.hosts.borrow().values().map(Rc::downgrade));
        }
        let from = to_look_at.len().saturating_sub(LOOKS);
        to_look_at.drain(from..).filter_map(|budget| budget.upgrade()).for_each(|budget| budget.look());
    }

    /// What a person should know, each told once.
    pub(super) fn news(&self) -> Vec<String> {
        let mut news = self.news.take();
        news.extend(self.limits.iter().filter_map(|budget| budget.news()));
        news
    }
}

impl Drop for Budgets {
    fn drop(&mut self) {
        // Those that are still used leave by themselves.
        self.hosts.get_mut().clear();
        self.aside.take().iter().for_each(|name| self.let_go(name));
    }
}

fn join_limit(limit: &Limit, folder: &Path, in_flight: u64) -> Result<Rc<Budget>, BudgetError> {
    let path = file_of_limit(folder, &limit.name)?;
    let member = Member::join(&path, Terms::of(limit), in_flight, monotonic_nanos())?;
    Ok(Budget::of_limit(member, limit))
}
