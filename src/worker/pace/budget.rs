//! One budget as the tasks of this process use it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::waited;
use crate::budget::Member;
use crate::handoff::Hold;
use crate::job::{Counts, Limit};
use crate::os::monotonic_nanos;
use crate::record::Kind;

/// How long somebody waits for a place before he looks himself whether others have given one back.
const LOOK: Duration = Duration::from_millis(5);

/// Attempts that may fail without being worth a word.
const FEW: u32 = 3;

/// How often a budget is looked at that nobody uses, in nanoseconds.
const IDLE: u64 = 1_000_000_000;

/// A budget.
pub(super) struct Budget {
    pub(super) member: Member,
    /// What it limits, for a person.
    pub(super) name: String,
    /// What the job says of it; `None` for a host.
    limit: Option<Limit>,
    /// Whether it counts units of cost.
    pub(super) counts_cost: bool,
    /// How the last attempt failed that was not answered.
    failed: Cell<Kind>,
    /// Attempts of late, those before counting half with each look: all, and those that were not answered.
    attempts: Cell<[u32; 2]>,
    /// Wakes whoever waits for a place.
    changed: Notify,
    looked: Cell<u64>,
    told: Cell<bool>,
    /// Since when nobody answers there, and when this process found it.
    down: Cell<(u64, u64)>,
}

impl Budget {
    /// That of a limit of the job.
    pub(super) fn of_limit(member: Member, limit: &Limit) -> Rc<Budget> {
        Budget::new(member, limit.name.clone(), Some(limit.clone()))
    }

    /// That of a host.
    pub(super) fn of_host(member: Member, name: String) -> Rc<Budget> {
        Budget::new(member, name, None)
    }

    fn new(member: Member, name: String, limit: Option<Limit>) -> Rc<Budget> {
        let counts_cost = limit.as_ref().is_some_and(|limit| limit.counts != Counts::Requests);
        // Who comes back to a host that it knew to be down does not wait for it once more.
        let down = Cell::new((member.found_down(), member.found_down()));
        Rc::new(Budget {
            member,
            name,
            limit,
            counts_cost,
            failed: Cell::new(Kind::Connect),
            attempts: Cell::default(),
            changed: Notify::new(),
            looked: Cell::new(0),
            told: Cell::default(),
            down,
        })
    }

    /// What holds who waits for a place in flight.
    pub(super) fn holds_places(&self) -> Hold {
        let in_flight = self.limit.as_ref().and_then(|limit| limit.in_flight);
        self.holds(in_flight.map(|most| format!("{most} at once")))
    }

    /// What holds who waits for a moment.
    pub(super) fn holds_moments(&self) -> Hold {
        self.holds(self.limit.as_ref().and_then(|limit| Some(limit.rate?.spelled(&limit.counts))))
    }

    fn holds(&self, allows: Option<String>) -> Hold {
        match allows {
            Some(allows) => Hold::Limit { name: self.name.clone(), allows },
            None => Hold::Server { host: self.name.clone(), failing: self.failing() },
        }
    }

    /// How many of a hundred attempts have failed of late, where that is some.
    fn failing(&self) -> Option<(u32, Kind)> {
        let [attempts, failures] = self.attempts.replace(self.attempts.get().map(|count| count / 2));
        let share = (failures * 100).checked_div(attempts)?;
        (share > 0 && failures > FEW).then_some((share, self.failed.get()))
    }

    /// An attempt was answered, or (`Some`) failed.
    pub(super) fn note_attempt(&self, failed: Option<Kind>) {
        let [attempts, failures] = self.attempts.get();
        self.attempts.set([attempts.saturating_add(1), failures + u32::from(failed.is_some())]);
        if let Some(kind) = failed {
            self.failed.set(kind);
        }
    }

    /// How the last one failed.
    pub(super) fn last_failure(&self) -> Kind {
        self.failed.get()
    }

    /// What a request of that cost takes of it.
    pub(super) fn units(&self, cost: u64) -> u64 {
        if self.counts_cost { cost } else { 1 }
    }

    /// Looks at what other processes do, if that is of use.
    pub(super) fn look(&self) {
        let now = monotonic_nanos();
        if self.member.is_busy() || now.saturating_sub(self.looked.get()) > IDLE {
            self.looked.set(now);
            self.member.look(now);
            self.changed.notify_waiters();
        }
    }

    /// Takes a place in flight, as soon as there is one; false when the shard is told to stop.
    pub(super) async fn enter(&self, draining: &watch::Receiver<bool>) -> bool {
        loop {
            if self.member.enter() {
                return true;
            }
            let changed = self.changed.notified();
            self.member.look(monotonic_nanos());
            if self.member.enter() {
                return true;
            }
            let goes_on = tokio::select! {
                () = changed => !*draining.borrow(),
                goes_on = waited(LOOK, draining) => goes_on,
            };
            if !goes_on {
                return false;
            }
        }
    }

    /// When this process found that nobody has answered since then.
    pub(super) fn found_down(&self, since: u64, now: u64) -> u64 {
        if self.down.get().0 != since {
            self.down.set((since, now));
        }
        self.down.get().1
    }

    /// Gives a place back.
    pub(super) fn leave(&self) {
        self.member.leave();
        self.changed.notify_one();
    }

    /// What a person should know, once: another job was told another pace.
    pub(super) fn news(&self) -> Option<String> {
        let [theirs, mine] = self.member.rival()?;
        if self.told.replace(true) {
            return None;
        }
        let (name, mine_said, theirs_said) = (&self.name, spelled(mine), spelled(theirs));
        Some(if theirs < mine {
            format!(
                "another job limits {name} to {theirs_said}, this one to {mine_said}: the lower limit holds for both"
            )
        } else {
            format!(
                "another job limits {name} to {theirs_said}, this one to {mine_said}, which holds for both while this one runs"
            )
        })
    }
}

/// A pace for a person: by the second, minute or hour.
fn spelled(per_second: f64) -> String {
    let (number, unit) = match per_second {
        fast if fast >= 1.0 => (fast, "s"),
        slow if slow * 60.0 >= 1.0 => (slow * 60.0, "min"),
        slowest => (slowest * 3600.0, "h"),
    };
    // What is held back of the limit is not told.
    let number = if unit == "s" { number * 1.01 } else { number };
    format!("{}/{unit}", (number * 10.0).round() / 10.0)
}
