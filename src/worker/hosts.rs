//! The hosts that answered in this run, as far as this process knows.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::fetch::Origin;

/// Hosts that are remembered: one that answers is there among them, unless as many new ones did since.
const REMEMBERED: usize = 16;

/// Hosts that a commit names: a block's own may be one of them.
const NAMED: usize = 2;

/// How long what was seen holds.
const HOLDS: Duration = Duration::from_secs(2);

/// The hosts that answered in this run, as far as this process knows.
#[derive(Default)]
pub(super) struct Answering {
    /// The ones that came last are first.
    hosts: RefCell<Vec<Origin>>,
    /// When the run's commits were last looked through for more.
    looked_at: Cell<Option<Instant>>,
    /// Hosts that were connected to, or not, and when.
    seen: RefCell<Vec<(Origin, Instant, bool)>>,
}

impl Answering {
    /// A host answered.
    pub(super) fn note(&self, host: &Origin) {
        let mut hosts = self.hosts.borrow_mut();
        if !hosts.contains(host) {
            hosts.insert(0, host.clone());
            hosts.truncate(REMEMBERED);
        }
    }

    /// Those that a commit names.
    pub(super) fn named(&self) -> Vec<String> {
        self.hosts.borrow().iter().take(NAMED).map(Origin::to_string).collect()
    }

    /// Those that are none of these.
    pub(super) fn besides(&self, own: &HashSet<Origin>) -> Vec<Origin> {
        self.hosts.borrow().iter().filter(|host| !own.contains(*host)).cloned().collect()
    }

    /// What was seen of a host a moment ago.
    pub(super) fn just_seen(&self, host: &Origin) -> Option<bool> {
        self.seen.borrow_mut().retain(|(_, at, _)| at.elapsed() < HOLDS);
        self.seen.borrow().iter().find(|(seen, ..)| seen == host).map(|(.., is_there)| *is_there)
    }

    /// A host was connected to just now, or not.
    pub(super) fn saw(&self, host: Origin, is_there: bool) {
        self.seen.borrow_mut().push((host, Instant::now(), is_there));
    }

    /// Whether the run's commits were looked through a moment ago.
    pub(super) fn has_just_looked(&self) -> bool {
        self.looked_at.get().is_some_and(|at| at.elapsed() < HOLDS)
    }

    /// The run's commits were looked through.
    pub(super) fn looked(&self) {
        self.looked_at.set(Some(Instant::now()));
    }
}
