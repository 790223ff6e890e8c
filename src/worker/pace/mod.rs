//! Leave to send a request: a bound on those in flight in this process, one on all of them, and what the budgets say that all
//! processes share.
//!
//! Promises: nothing is sent that a budget does not allow; whoever waits for the same budgets is let go in the order of
//! asking; who waits for a budget keeps nobody else from sending; nobody waits once the shard is told to stop; what was
//! taken and not used is given back.
//!
//! | | |
//! |---|---|
//! | requests in flight of this process | `places` |
//! | the budgets that a request is taken from, and the waiting for them | `route` |
//! | the moments at which one request may leave | `moments` |
//! | one budget, and the tasks of this process that wait for it | `budget` |
//! | which budgets there are for a host, and which are let go of | `budgets`, `recent` |
//! | how long is waited for what may end by itself | `patience` |
//! | what an answer says that it cost | `price` |
//! | what is waited for that is not one's turn | `asides` |

mod asides;
mod budget;
mod budgets;
mod in_flight;
mod moments;
mod patience;
mod price;
mod recent;
mod route;

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::budget::{Attempt, BudgetError};
use crate::fetch::{Aside, Ended, Origin, Pacer, Refused};
use crate::handoff::{Hold, Latencies};
use crate::job::Job;

use asides::Asides;
use budgets::{Budgets, MOST_HOSTS};
use in_flight::{InFlight, InFlightPermit};
use patience::Looks;
pub(super) use price::Price;
use recent::Recent;
use route::Route;

/// The pacer of one shard's process.
pub(super) struct Pace {
    places: Rc<InFlight>,
    /// How many places there are.
    most: Cell<usize>,
    budget: Cell<Option<u64>>,
    gauge: Rc<Cell<u32>>,
    sent: Cell<u64>,
    asides: Rc<Asides>,
    /// Of the answers that were not told of yet.
    latencies: Rc<RefCell<Latencies>>,
    /// Whether nothing new is to be asked: then nobody gets leave, those who wait included.
    draining: watch::Receiver<bool>,
    /// When a quota renews that is used up; the first of several. In seconds since 1970.
    renews_at: Cell<Option<u64>>,
    /// The last route of each endpoint: mostly the next one, too.
    last_routes: RefCell<Vec<Option<(Origin, Rc<Route>)>>>,
    /// Those that are used, or were lately.
    routes: RefCell<Recent<(usize, Origin), Route>>,
    /// After the routes, which hold some of them.
    budgets: Budgets,
}

impl Pace {
    /// At most `in_flight` at once, and `budget` altogether where there is one, within the limits of the job. What other
    /// processes know of these limits lies in `folder`.
    pub(super) fn new(
        job: &Job,
        round: u32,
        in_flight: usize,
        budget: Option<u64>,
        draining: watch::Receiver<bool>,
        folder: &Path,
    ) -> Result<Pace, BudgetError> {
        Ok(Pace {
            places: InFlight::new(in_flight),
            most: Cell::new(in_flight),
            budget: Cell::new(budget),
            gauge: Rc::default(),
            sent: Cell::new(0),
            asides: Rc::default(),
            latencies: Rc::default(),
            draining,
            renews_at: Cell::default(),
            budgets: Budgets::open(job, round, in_flight, folder)?,
            routes: RefCell::new(Recent::new(MOST_HOSTS)),
            last_routes: RefCell::new(vec![None; job.endpoints.len()]),
        })
    }

    /// Requests in flight now.
    pub(super) fn in_flight(&self) -> u32 {
        self.gauge.get()
    }

    /// There are to be so many places instead of those that there were; false, and nothing changes, where fewer are free than
    /// are to go.
    pub(super) fn have(&self, before: usize, places: usize) -> bool {
        self.places.add(places.saturating_sub(before));
        let is_so = self.places.take_away(before.saturating_sub(places));
        if is_so {
            self.most.set(places);
        }
        is_so
    }

    /// What the most of those wait for that the budgets do not let send yet.
    pub(super) fn hold(&self) -> Option<Hold> {
        let routes = self.routes.borrow();
        let holds = routes.values().filter_map(|route| route.hold());
        let holds = holds.chain(self.asides.hold(self.gauge.get()));
        holds.max_by_key(|(waiting, _)| *waiting).map(|(_, hold)| hold)
    }

    /// Whether this process has as many requests in flight as it may, and how many that are.
    pub(super) fn is_full(&self) -> Option<usize> {
        let in_flight = self.gauge.get() as usize;
        (in_flight >= self.most.get()).then_some(in_flight)
    }

    /// Requests sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// How long the answers since the last look took, in microseconds, and how many as long.
    pub(super) fn take_latencies(&self) -> Vec<(u64, u32)> {
        self.latencies.borrow_mut().take()
    }

    /// When a quota renews that was found used up; the first of several. In seconds since 1970.
    pub(super) fn renews_at(&self) -> Option<u64> {
        self.renews_at.get()
    }

    fn note_renewal(&self, at: u64) {
        self.renews_at.set(Some(self.renews_at.get().map_or(at, |earlier| earlier.min(at))));
    }

    /// What the pacer of one question is.
    pub(super) fn of_endpoint(&self, endpoint: usize) -> Leave<'_> {
        let attempt = Rc::new(Cell::new(Attempt::First));
        Leave { pace: self, endpoint, is_probe: false, last: RefCell::default(), attempt }
    }

    /// The same, of a question that finds out whether a host is down.
    pub(super) fn of_probe(&self, endpoint: usize) -> Leave<'_> {
        Leave { is_probe: true, ..self.of_endpoint(endpoint) }
    }

    /// Looks at what other processes do; to be done every few hundredths of a second.
    pub(super) fn look(&self) {
        self.budgets.look();
    }

    /// What a person should know of the budgets, each told once.
    pub(super) fn news(&self) -> Vec<String> {
        self.budgets.news()
    }

    /// Takes one request off the budget.
    fn spend(&self) -> Result<(), Refused> {
        if let Some(left) = self.budget.get() {
            self.budget.set(Some(left.checked_sub(1).ok_or(Refused::MaxRequests)?));
        }
        self.sent.set(self.sent.get() + 1);
        Ok(())
    }

    /// The budgets of an endpoint's requests to an origin.
    fn route(&self, endpoint: usize, origin: &Origin) -> Rc<Route> {
        if let Some((known, route)) = &self.last_routes.borrow()[endpoint]
            && known == origin
        {
            return route.clone();
        }
        let key = (endpoint, origin.clone());
        let known = self.routes.borrow_mut().get(&key);
        let route = known.unwrap_or_else(|| {
            let route = Rc::new(self.budgets.route(endpoint, origin));
            drop(self.routes.borrow_mut().put(key, route.clone()));
            route
        });
        self.last_routes.borrow_mut()[endpoint] = Some((origin.clone(), route.clone()));
        route
    }
}

/// The pacer of one question's requests.
pub(super) struct Leave<'a> {
    pace: &'a Pace,
    endpoint: usize,
    /// Whether it is sent to a host that is down, too.
    is_probe: bool,
    /// The route of the last request, and what was taken for it.
    last: RefCell<Option<(Rc<Route>, u64)>>,
    /// Which attempt the next request is.
    attempt: Rc<Cell<Attempt>>,
}

impl Leave<'_> {
    /// The last answer said what its request cost.
    pub(super) fn settle(&self, cost: u64) {
        if let Some((route, taken)) = self.last.borrow().as_ref() {
            route.settle(*taken, cost);
        }
    }
}

impl Leave<'_> {
    /// Whether it is sent where nobody is there to answer.
    fn looks(&self) -> Looks {
        match self.attempt.get() {
            _ if self.is_probe => Looks::Now,
            attempt => Looks::InTurn(attempt),
        }
    }

    fn note(&self, refused: Refused) {
        if let Refused::Quota { renews_at } = refused {
            self.pace.note_renewal(renews_at);
        }
    }
}

impl Pacer for Leave<'_> {
    type Permit = Permit;

    async fn start(&self, origin: &Origin) -> Result<Permit, Refused> {
        let pace = self.pace;
        // At first it is the budgets that hardly ever have to be waited for.
        let mut place = pace.places.take().await;
        if *pace.draining.borrow() {
            return Err(Refused::Interrupted);
        }
        let route = pace.route(self.endpoint, origin);
        let taken = route.leave(self.looks(), &pace.draining, &mut place).await;
        let taken = taken.inspect_err(|refused| self.note(*refused))?;
        // From here on what was taken is given back when this is dropped.
        let (attempt, draining) = (self.attempt.clone(), pace.draining.clone());
        let latencies = pace.latencies.clone();
        let mut permit = Permit { _place: place, gauge: None, route, attempt, latencies, draining };
        pace.spend()?;
        pace.gauge.set(pace.gauge.get() + 1);
        permit.gauge = Some(pace.gauge.clone());
        self.last.replace(Some((permit.route.clone(), taken)));
        Ok(permit)
    }

    fn pause(&self, origin: &Origin, wait: Duration) {
        let route = self.pace.route(self.endpoint, origin);
        route.pause(wait);
        if let Err(refused) = route.is_for_long() {
            self.note(refused);
        }
    }

    fn aside(&self, what: Aside<'_>) -> impl Sized {
        self.pace.asides.begin(what)
    }

    fn takes(&self, origin: &Origin, requests: u64, within: Duration) {
        self.pace.route(self.endpoint, origin).takes(requests, within);
    }
}

/// Leave to send one request; given back when dropped.
pub(super) struct Permit {
    _place: InFlightPermit,
    gauge: Option<Rc<Cell<u32>>>,
    route: Rc<Route>,
    /// Which attempt it is, and, once it has ended, the next one.
    attempt: Rc<Cell<Attempt>>,
    latencies: Rc<RefCell<Latencies>>,
    draining: watch::Receiver<bool>,
}

impl crate::fetch::Permit for Permit {
    async fn ready(&self) -> Result<(), Refused> {
        self.route.ready(&self.draining).await
    }

    fn ended(&self, how: Ended) {
        self.route.ended(how, self.attempt.get());
        if let Ended::Answered(time) = how {
            self.latencies.borrow_mut().note(time);
        }
        let is_answered = matches!(how, Ended::Answered(_));
        self.attempt.set(if is_answered { Attempt::First } else { Attempt::Again });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.route.give_back();
        if let Some(gauge) = &self.gauge {
            gauge.set(gauge.get() - 1);
        }
    }
}

/// Waits so long, or until the shard is told to stop: then false.
pub(super) async fn waited(time: Duration, draining: &watch::Receiver<bool>) -> bool {
    let mut draining = draining.clone();
    let until = Instant::now() + time;
    tokio::select! {
        _ = draining.wait_for(|draining| *draining) => false,
        () = tokio::time::sleep_until(until.into()) => true,
    }
}

#[cfg(test)]
mod tests;
