//! A server that works on so many requests at a time while the others queue, so that it is slow under load.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places at which requests are worked on, and the queue for them.
#[derive(Debug, Default)]
pub struct Places {
    /// Made anew when their number changes; whoever has one of the old or waits for it is not disturbed.
    places: RefCell<Option<(usize, Arc<Semaphore>)>>,
    waiting: Cell<usize>,
}

/// A place, for as long as this lives.
#[derive(Debug)]
pub struct Place {
    /// `None` where there is no end of places.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// Waits for one of `capacity` places, first come, first served; 0 for no end of them. `None` if so many wait
    /// already that `most_waiting` allows no more.
    pub async fn take(&self, capacity: usize, most_waiting: Option<usize>) -> Option<Place> {
        if capacity == 0 {
            return Some(Place { _permit: None });
        }
        let places = self.places(capacity);
        let permit = match Arc::clone(&places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if most_waiting.is_some_and(|most| self.waiting.get() >= most) => return None,
            Err(_) => {
                let _waiting = Waiting::enter(&self.waiting);
                places.acquire_owned().await.ok()?
            }
        };
        Some(Place { _permit: Some(permit) })
    }

    fn places(&self, capacity: usize) -> Arc<Semaphore> {
        let mut places = self.places.borrow_mut();
        match &*places {
            Some((number, places)) if *number == capacity => Arc::clone(places),
            _ => {
                let made = Arc::new(Semaphore::new(capacity));
                *places = Some((capacity, Arc::clone(&made)));
                made
            }
        }
    }
}

/// A request in the queue, for as long as this lives: its client may give up.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a Cell<usize>) -> Waiting<'a> {
        waiting.set(waiting.get() + 1);
        Waiting(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// What is there at once.
    fn poll<T>(future: &mut std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn who_comes_later_waits_for_a_place() {
        let places = Places::default();
        let Poll::Ready(Some(first)) = poll(&mut pin!(places.take(1, None))) else { panic!("a free place") };
        let mut second = pin!(places.take(1, None));
        assert!(poll(&mut second).is_pending());
        drop(first);
        assert!(matches!(poll(&mut second), Poll::Ready(Some(_))));
    }

    #[test]
    fn a_full_queue_takes_nobody_and_who_gives_up_leaves_it() {
        let places = Places::default();
        let _first = poll(&mut pin!(places.take(1, Some(1))));
        {
            let mut second = pin!(places.take(1, Some(1)));
            assert!(poll(&mut second).is_pending());
            assert!(matches!(poll(&mut pin!(places.take(1, Some(1)))), Poll::Ready(None)));
        }
        assert!(poll(&mut pin!(places.take(1, Some(1)))).is_pending(), "the queue is empty again");
    }

    #[test]
    fn without_a_capacity_nobody_waits() {
        let places = Places::default();
        let taken: Vec<_> = (0..100).map(|_| poll(&mut pin!(places.take(0, Some(0))))).collect();
        assert!(taken.iter().all(|place| matches!(place, Poll::Ready(Some(_)))));
    }

    #[test]
    fn another_capacity_holds_for_who_comes_from_now_on() {
        let places = Places::default();
        let _first = poll(&mut pin!(places.take(1, None)));
        assert!(matches!(poll(&mut pin!(places.take(2, None))), Poll::Ready(Some(_))));
    }
}
