//! Requests in flight of this process, whichever endpoint they are of.
//!
//! Whoever has to wait for a budget lets go of his place meanwhile, so that others can use it, and takes one again when the
//! budget allows his request. By then there may be a queue for places, of those who wait for nothing else, and it is as
//! long as an endless supply of records makes it. So every other place that is given back goes to those whom a budget
//! allows to send: an endpoint that is asked slowly is not kept from its rate by one that is asked as fast as can be, nor
//! the other way round.
//!
//! Promises: a place that is given back is somebody's or free; whoever stops waiting takes none with him; whoever holds a
//! place waits for nobody who wants one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The places of one process.
pub(super) struct InFlight {
    semaphore: Arc<Semaphore>,
    /// Those whom a budget allows to send, in the order of asking. They stand in the semaphore's queue, too.
    allowed: RefCell<VecDeque<oneshot::Sender<OwnedSemaphorePermit>>>,
    /// Whether the last place that both wanted went to one of them.
    favoured: Cell<bool>,
}

impl InFlight {
    pub(super) fn new(count: usize) -> Rc<InFlight> {
        let semaphore = Arc::new(Semaphore::new(count));
        Rc::new(InFlight { semaphore, allowed: RefCell::default(), favoured: Cell::default() })
    }

    /// Adds so many places.
    pub(super) fn add(&self, count: usize) {
        self.semaphore.add_permits(count);
    }

    /// Takes so many places away for good; false, and none is, where somebody has some of them.
    pub(super) fn take_away(&self, count: usize) -> bool {
        let free = u32::try_from(count).ok().and_then(|count| self.semaphore.try_acquire_many(count).ok());
        free.map(|places| places.forget()).is_some()
    }

    /// Takes a place in the order of asking.
    pub(super) async fn take(self: &Rc<InFlight>) -> InFlightPermit {
        // The semaphore is never closed.
        let permit = self.semaphore.clone().acquire_owned().await.ok();
        InFlightPermit { places: self.clone(), permit }
    }

    /// Takes a place for somebody whom a budget allows to send.
    async fn take_allowed(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(free) = self.semaphore.clone().try_acquire_owned() {
            return Some(free);
        }
        let (sender, handed) = oneshot::channel();
        self.allowed.borrow_mut().push_back(sender);
        tokio::select! {
            biased;
            Ok(permit) = handed => Some(permit),
            permit = self.semaphore.clone().acquire_owned() => permit.ok(),
        }
    }

    fn give_back(&self, mut permit: OwnedSemaphorePermit) {
        if self.allowed.borrow().is_empty() || self.favoured.replace(!self.favoured.get()) {
            return;
        }
        let next = || self.allowed.borrow_mut().pop_front();
        while let Some(first) = next() {
            match first.send(permit) {
                Ok(()) => return,
                // He has got one from the semaphore, or waits no more.
                Err(back) => permit = back,
            }
        }
    }
}

/// A place, or the want of one.
pub(super) struct InFlightPermit {
    places: Rc<InFlight>,
    permit: Option<OwnedSemaphorePermit>,
}

impl InFlightPermit {
    pub(super) fn is_held(&self) -> bool {
        self.permit.is_some()
    }

    /// Gives it back, for others to use.
    pub(super) fn let_go(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.places.give_back(permit);
        }
    }

    /// Takes one again, now that a budget allows a request.
    pub(super) async fn take_again(&mut self) {
        if self.permit.is_none() {
            self.permit = self.places.take_allowed().await;
        }
    }

    /// Awaits something else: if it is not there at once, the place is let go of.
    pub(super) async fn lent_until<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let polled = future.as_mut().poll(context);
            if polled.is_pending() {
                self.let_go();
            }
            polled
        })
        .await
    }
}

impl Drop for InFlightPermit {
    fn drop(&mut self) {
        self.let_go();
    }
}
