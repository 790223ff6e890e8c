//! The budgets that the requests of one endpoint to one host are taken from, and the waiting for them.
//!
//! One task at a time waits for the budgets, the others for their turn: so each process has one waiter per budget, and
//! the many of one do not crowd out the few of another. While the host is down the turn goes round, so that each task in
//! turn looks whether it is back.
//!
//! Nobody keeps a place while he waits, of this process or of a budget, neither for his turn nor in it, but for the last
//! moment: places may be scarce, and a request that leaves later than it may would be too close to the next. So places are
//! asked for as long before the moment as it took to get them lately, and a moment is given up if they come too late for
//! it all the same. That time grows until it is enough, so that everybody sends at last; and since only one task of each
//! route waits for its moment, one place of each is idle at the most.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use super::budget::Budget;
use super::in_flight::InFlightPermit;
use super::moments::Moments;
use super::patience::{Looks, NEVER_ANSWERED, Patience, nanos, second_at, second_now};
use super::waited;
use crate::budget::{Attempt, Down};
use crate::fetch::{Ended, Refused};
use crate::handoff::Hold;
use crate::job::Cost;
use crate::os::monotonic_nanos;
use crate::record::Kind;

/// How often somebody looks again who waits until an answer tells a cost.
const UNTOLD: Duration = Duration::from_millis(50);

/// How often somebody looks again who waits until a pause is over: it may be lifted.
const PAUSED: Duration = Duration::from_millis(500);

/// How long the turn to look at a host that is down is one task's: short, so that it has gone round when it is time.
const TURN: Duration = Duration::from_millis(2);

/// How late a request may leave because there was no place for it, in nanoseconds; later, its moment is given up.
const LATE: u64 = 20_000_000;

/// The budgets of an endpoint's requests to a host.
pub(super) struct Route {
    turn: Mutex<()>,
    host: Rc<Budget>,
    /// Those first that count a cost: while nobody knows it, one request at a time is in flight, or waits for its moment.
    limits: Vec<Rc<Budget>>,
    cost: Option<Cost>,
    patience: Patience,
    /// How long before its moment a request asks for a place, in nanoseconds.
    lead: Cell<u64>,
    /// Requests that wait.
    waiting: Cell<u32>,
    /// What the one whose turn it is waits for.
    waits_for: Cell<Option<WaitsFor>>,
}

/// What a request waits for; a budget by its index among the route's.
#[derive(Debug, Clone, Copy)]
enum WaitsFor {
    /// That the host is back.
    Host(Down),
    /// That the server's pause is over.
    Pause,
    /// A place in flight.
    Place(usize),
    /// A moment.
    Moment(usize),
}

/// Places in flight of the first `places` budgets, given back unless they are kept.
struct Entered<'a> {
    route: &'a Route,
    places: usize,
}

impl Entered<'_> {
    fn is_complete(&self) -> bool {
        self.places == self.route.limits.len() + 1
    }

    /// Takes a place of each budget that it has none of yet; false when the shard is told to stop.
    async fn complete(&mut self, draining: &watch::Receiver<bool>) -> bool {
        for (at, budget) in self.route.budgets().enumerate().skip(self.places) {
            self.route.waits_for.set(Some(WaitsFor::Place(at)));
            if !budget.enter(draining).await {
                return false;
            }
            self.places += 1;
        }
        true
    }

    /// Gives back those that others may use meanwhile.
    fn step_aside(&mut self) {
        let kept = self.route.limits.iter().take_while(|budget| budget.counts_cost).count().min(self.places);
        self.route.budgets().take(self.places).skip(kept).for_each(|budget| budget.leave());
        self.places = kept;
    }

    /// From now on a permit stands for them.
    fn keep(mut self) {
        self.places = 0;
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.route.budgets().take(self.places).for_each(|budget| budget.leave());
    }
}

/// Counts somebody who waits.
struct Waiting<'a>(&'a Route);

impl<'a> Waiting<'a> {
    fn begin(route: &'a Route) -> Waiting<'a> {
        route.budgets().for_each(|budget| budget.member.waits(true));
        route.waiting.set(route.waiting.get() + 1);
        Waiting(route)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.budgets().for_each(|budget| budget.member.waits(false));
        self.0.waiting.set(self.0.waiting.get() - 1);
    }
}

impl Route {
    pub(super) fn new(
        host: Rc<Budget>,
        mut limits: Vec<Rc<Budget>>,
        cost: Option<Cost>,
        patience: Patience,
    ) -> Route {
        limits.sort_by_key(|budget| !budget.counts_cost);
        Route {
            turn: Mutex::new(()),
            host,
            limits,
            cost,
            patience,
            lead: Cell::default(),
            waiting: Cell::default(),
            waits_for: Cell::default(),
        }
    }

    /// The limits, then the host's budget, which others use that have no limits.
    fn budgets(&self) -> impl Iterator<Item = &Rc<Budget>> {
        self.limits.iter().chain(std::iter::once(&self.host))
    }

    /// Waits until a request may be sent, and there is a place for it. What it costs as far as is known is taken then, and
    /// returned.
    pub(super) async fn leave(
        &self,
        looks: Looks,
        draining: &watch::Receiver<bool>,
        place: &mut InFlightPermit,
    ) -> Result<u64, Refused> {
        let _waiting = Waiting::begin(self);
        let mut turn = place.lent_until(self.turn.lock()).await;
        loop {
            if *draining.borrow() {
                return Err(Refused::Interrupted);
            }
            if !place.lent_until(self.answering(looks, draining)).await? {
                // The next one in the queue looks next: if all looks were by those who have failed before, nobody would
                // find that the server answers the others.
                drop(turn);
                turn = place.lent_until(self.turn.lock()).await;
                continue;
            }
            if let Err(until) = self.host.member.take_left(monotonic_nanos()) {
                self.host.member.pause(until);
                continue;
            }
            let mut entered = Entered { route: self, places: 0 };
            if !place.lent_until(entered.complete(draining)).await {
                return Err(Refused::Interrupted);
            }
            let Some(cost) = place.lent_until(self.expected(draining)).await? else { continue };
            self.spend(cost)?;
            if !self.moment(cost, draining, place, &mut entered).await {
                self.unspend(cost);
                return Err(Refused::Interrupted);
            }
            if self.host.member.paused_until() <= monotonic_nanos() {
                entered.keep();
                return Ok(cost);
            }
            // Everybody was told to wait meanwhile: the moment is lost, and another one is taken afterwards.
            self.unspend(cost);
        }
    }

    /// Gives back the places of a request that has ended.
    pub(super) fn give_back(&self) {
        self.budgets().for_each(|budget| budget.leave());
    }

    /// Waits while the server asked for a pause, and for a moment where nobody is there to answer; then whether somebody
    /// is, or it is time to look.
    async fn answering(&self, looks: Looks, draining: &watch::Receiver<bool>) -> Result<bool, Refused> {
        loop {
            let now = monotonic_nanos();
            let down = match looks {
                Looks::Now => None,
                Looks::InTurn(attempt) => self.host.member.down(now, attempt),
            };
            let (wait, waits_for) = match down {
                Some(down) if down.is_probe => return Ok(true),
                Some(down) if self.is_out_of_patience(&down, now) => return Err(Refused::HostDown),
                Some(down) => (TURN, WaitsFor::Host(down)),
                None => match self.is_for_long()? {
                    Duration::ZERO => return Ok(true),
                    pause => (pause.min(PAUSED), WaitsFor::Pause),
                },
            };
            self.waits_for.set(Some(waits_for));
            if !waited(wait, draining).await {
                return Err(Refused::Interrupted);
            }
            if matches!(waits_for, WaitsFor::Host(_)) {
                return Ok(false);
            }
        }
    }

    /// Whether a host that is down has been waited for long enough, by this process too.
    fn is_out_of_patience(&self, down: &Down, now: u64) -> bool {
        let patience = self.patience.with(down);
        let found = self.host.found_down(down.since, now);
        now.saturating_sub(down.since) >= patience
            && now.saturating_sub(found) >= NEVER_ANSWERED.min(patience)
    }

    /// What those wait for who ask for leave now, and how many they are; `None` where nobody waits.
    pub(super) fn hold(&self) -> Option<(u32, Hold)> {
        let waiting = Some(self.waiting.get()).filter(|waiting| *waiting > 0)?;
        let host = || self.host.name.clone();
        let hold = match self.waits_for.get()? {
            WaitsFor::Host(down) => {
                let until = self.patience.gives_up_at(&down);
                Hold::Down { host: host(), kind: self.host.last_failure(), until }
            }
            WaitsFor::Pause => {
                Hold::Pause { host: host(), until: second_at(self.host.member.paused_until()) }
            }
            WaitsFor::Place(at) => self.budgets().nth(at)?.holds_places(),
            WaitsFor::Moment(at) => self.budgets().nth(at)?.holds_moments(),
        };
        Some((waiting, hold))
    }

    /// What the request will cost where a limit counts that. While no answer has told it, one is asked at a time: none
    /// where this is to be tried again.
    async fn expected(&self, draining: &watch::Receiver<bool>) -> Result<Option<u64>, Refused> {
        let counting = || self.limits.iter().filter(|budget| budget.counts_cost);
        match &self.cost {
            None => Ok(Some(1)),
            Some(Cost::Constant(cost)) => Ok(Some(*cost)),
            Some(Cost::Answer(_)) => {
                let known = counting().map(|budget| budget.member.expected_cost());
                if let Some(known) = known.collect::<Option<Vec<u64>>>() {
                    return Ok(Some(known.into_iter().max().unwrap_or(1)));
                }
                if counting().all(|budget| budget.member.in_flight() <= 1) {
                    return Ok(Some(1));
                }
                // Those that count it are the first.
                self.waits_for.set(Some(WaitsFor::Moment(0)));
                if waited(UNTOLD, draining).await { Ok(None) } else { Err(Refused::Interrupted) }
            }
        }
    }

    /// Takes the units of all quotas, or none of any.
    fn spend(&self, cost: u64) -> Result<(), Refused> {
        let second = second_now();
        for (at, budget) in self.limits.iter().enumerate() {
            if let Err(used_up) = budget.member.spend(budget.units(cost), second) {
                self.limits[..at].iter().for_each(|budget| budget.member.give_back(budget.units(cost)));
                return Err(Refused::Quota { renews_at: used_up.renews_at });
            }
        }
        Ok(())
    }

    fn unspend(&self, cost: u64) {
        self.limits.iter().for_each(|budget| budget.member.give_back(budget.units(cost)));
    }

    /// Waits for the moment at which the request may leave, as all limits together say, and for places; false when the
    /// shard is told to stop.
    async fn moment(
        &self,
        cost: u64,
        draining: &watch::Receiver<bool>,
        place: &mut InFlightPermit,
        entered: &mut Entered<'_>,
    ) -> bool {
        let mut moments = Moments::reserve(self.budgets(), cost);
        while !(moments.are_used() && place.is_held()) {
            if !self.has_places_at(&moments, draining, place, entered).await {
                // Nobody uses it: the next one follows it.
                drop(moments);
                moments = Moments::reserve(self.budgets(), cost);
                continue;
            }
            let left = Duration::from_nanos(moments.at().saturating_sub(monotonic_nanos()));
            self.waits_for.set(self.waits_for_moment(&moments));
            if *draining.borrow() || !left.is_zero() && !waited(left, draining).await {
                return false;
            }
            let at = moments.at();
            moments.confirm(monotonic_nanos().max(at));
        }
        true
    }

    fn waits_for_moment(&self, moments: &Moments) -> Option<WaitsFor> {
        let last = moments.last()?;
        self.budgets().position(|budget| Rc::ptr_eq(budget, last)).map(WaitsFor::Moment)
    }

    /// Has places ready for a request that leaves at these moments: lets go of them where there is time until then, and takes
    /// them in time. False where they came too late.
    async fn has_places_at(
        &self,
        moments: &Moments,
        draining: &watch::Receiver<bool>,
        place: &mut InFlightPermit,
        entered: &mut Entered<'_>,
    ) -> bool {
        let at = moments.at();
        let early = at.saturating_sub(monotonic_nanos()).saturating_sub(self.lead.get());
        if early > 0 {
            self.waits_for.set(self.waits_for_moment(moments));
            place.let_go();
            entered.step_aside();
            if !waited(Duration::from_nanos(early), draining).await {
                return true;
            }
        }
        if place.is_held() && entered.is_complete() {
            return true;
        }
        let asked = monotonic_nanos();
        if !entered.complete(draining).await {
            return true;
        }
        place.take_again().await;
        let (now, lead) = (monotonic_nanos(), self.lead.get());
        let took = now - asked;
        let is_late = at > 0 && took > LATE && now > at + LATE;
        self.lead.set(took.max(if is_late { lead * 2 } else { lead - lead / 8 }));
        !is_late
    }

    /// Waits on where everybody was told to since the leave was given.
    pub(super) async fn ready(&self, draining: &watch::Receiver<bool>) -> Result<(), Refused> {
        loop {
            match self.is_for_long()? {
                Duration::ZERO => return Ok(()),
                pause if waited(pause.min(PAUSED), draining).await => {}
                _ => return Err(Refused::Interrupted),
            }
        }
    }

    /// How long the server's pause still lasts; one that is longer than anybody waits is as good as a quota used up.
    pub(super) fn is_for_long(&self) -> Result<Duration, Refused> {
        let pause = self.host.member.paused_until().saturating_sub(monotonic_nanos());
        if pause > nanos(self.patience.pause) {
            Err(Refused::Quota { renews_at: second_now() + pause.div_ceil(1_000_000_000) })
        } else {
            Ok(Duration::from_nanos(pause))
        }
    }

    /// What became of a request.
    pub(super) fn ended(&self, how: Ended, attempt: Attempt) {
        let (now, host) = (monotonic_nanos(), &self.host.member);
        let failed = match how {
            Ended::Answered(_) => None,
            Ended::Refused => Some(Kind::Status),
            Ended::Lost(_, kind) | Ended::Silent(kind) => Some(kind),
        };
        self.host.note_attempt(failed);
        match how {
            Ended::Answered(took) => host.answered(now, nanos(took)),
            Ended::Refused => host.refused(now, attempt),
            Ended::Lost(took, _) => host.lost(now, nanos(took), attempt, self.patience.is_last),
            Ended::Silent(_) => host.silent(now, attempt),
        }
    }

    /// An answer said what its request cost, of which so much was taken before.
    pub(super) fn settle(&self, taken: u64, cost: u64) {
        self.limits
            .iter()
            .filter(|budget| budget.counts_cost)
            .for_each(|budget| budget.member.settle(taken, cost));
    }

    /// The server asked for a pause.
    pub(super) fn pause(&self, wait: Duration) {
        self.host.member.pause(monotonic_nanos().saturating_add(nanos(wait)));
    }

    /// The server says how many more requests it takes within that time; none is a pause.
    pub(super) fn takes(&self, requests: u64, within: Duration) {
        match requests {
            0 => self.pause(within),
            _ => self.host.member.takes(requests, monotonic_nanos().saturating_add(nanos(within))),
        }
    }
}
