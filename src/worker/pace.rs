//! Leave to send a request: so many in flight, so many altogether.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::fetch::{Pacer, Refused};

/// The pacer of one shard's process.
pub(super) struct Pace {
    permits: std::sync::Arc<Semaphore>,
    budget: Cell<Option<u64>>,
    gauge: Rc<Cell<u32>>,
    sent: Cell<u64>,
    /// Whether nothing new is to be asked: then nobody gets leave, those who wait included.
    draining: watch::Receiver<bool>,
}

/// Leave to send one request; given back when dropped.
pub(super) struct Permit {
    _permit: Option<OwnedSemaphorePermit>,
    gauge: Rc<Cell<u32>>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gauge.set(self.gauge.get() - 1);
    }
}

impl Pace {
    /// At most `in_flight` at once, and `budget` altogether where there is one.
    pub(super) fn new(in_flight: usize, budget: Option<u64>, draining: watch::Receiver<bool>) -> Pace {
        Pace {
            permits: std::sync::Arc::new(Semaphore::new(in_flight)),
            budget: Cell::new(budget),
            gauge: Rc::default(),
            sent: Cell::new(0),
            draining,
        }
    }

    /// Requests in flight now.
    pub(super) fn in_flight(&self) -> u32 {
        self.gauge.get()
    }

    /// Requests sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Takes one request off the budget.
    fn spend(&self) -> Result<(), Refused> {
        if let Some(left) = self.budget.get() {
            self.budget.set(Some(left.checked_sub(1).ok_or(Refused::MaxRequests)?));
        }
        self.sent.set(self.sent.get() + 1);
        Ok(())
    }
}

impl Pacer for Pace {
    type Permit = Permit;

    async fn start(&self) -> Result<Permit, Refused> {
        // The semaphore is never closed.
        let permit = self.permits.clone().acquire_owned().await.ok();
        if *self.draining.borrow() {
            return Err(Refused::Interrupted);
        }
        self.spend()?;
        self.gauge.set(self.gauge.get() + 1);
        Ok(Permit { _permit: permit, gauge: self.gauge.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_when_the_drain_begins_is_refused() {
        let (drain, draining) = watch::channel(false);
        let pace = Pace::new(1, None, draining);
        let held = pace.start().await.ok();
        assert_eq!(pace.in_flight(), 1);
        let begun = async {
            tokio::task::yield_now().await;
            drain.send_replace(true);
            drop(held);
        };
        let (waited, ()) = tokio::join!(pace.start(), begun);
        assert_eq!(waited.err(), Some(Refused::Interrupted));
        assert_eq!((pace.in_flight(), pace.sent()), (0, 1));
    }

    #[tokio::test]
    async fn a_budget_is_spent_to_the_last_request_and_no_further() {
        let (_drain, draining) = watch::channel(false);
        let pace = Pace::new(8, Some(2), draining);
        assert!(pace.start().await.is_ok() && pace.start().await.is_ok());
        assert_eq!(pace.start().await.err(), Some(Refused::MaxRequests));
        assert_eq!((pace.in_flight(), pace.sent()), (0, 2));
    }
}
