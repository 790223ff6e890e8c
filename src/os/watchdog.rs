//! Ends a process that is stuck in one piece of work, so that the work can be found and named.
//!
//! Code of the user's own runs on the thread that runs everything else; an expression that never ends (`def f: f; f`)
//! would hold up its process for ever, signals included. A thread of its own looks at the [`Slot`] and gives up on a piece
//! of work that takes too long.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::Slot;

/// How often the slot is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// A slot that is watched, as long as this is there.
#[derive(Debug)]
pub struct Watchdog {
    slot: Arc<Slot>,
}

/// A piece of work under way: it ends when this is dropped.
#[derive(Debug)]
pub struct Working<'a> {
    slot: &'a Slot,
    /// What was being worked on when this began.
    before: Option<u64>,
}

impl Watchdog {
    /// Watches the slot; a piece of work that takes longer than `limit` is given to `give_up`, which is to end the process.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(
        slot: Slot,
        limit: Duration,
        give_up: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Watchdog> {
        let slot = Arc::new(slot);
        let watched = Arc::downgrade(&slot);
        let watch = move || watch(&watched, limit, give_up);
        thread::Builder::new().name("watchdog".into()).stack_size(64 << 10).spawn(watch)?;
        Ok(Watchdog { slot })
    }

    /// Begins a piece of work.
    pub fn work_on(&self, what: u64) -> Working<'_> {
        let before = self.slot.now().map(|(what, _)| what);
        self.slot.begin(what);
        Working { slot: &self.slot, before }
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        match self.before {
            Some(what) => self.slot.begin(what),
            None => self.slot.end(),
        }
    }
}

fn watch(slot: &Weak<Slot>, limit: Duration, give_up: impl Fn(u64)) {
    // Looks are counted, not time: a process that was stopped (Ctrl-Z) is not stuck.
    let (mut seen, mut looks) = (None, 0);
    loop {
        thread::sleep(EVERY);
        let Some(slot) = slot.upgrade() else { return };
        let now = slot.now();
        looks = if now.is_some() && now == seen { looks + 1 } else { 0 };
        seen = now;
        if let Some((what, _)) = now.filter(|_| EVERY * looks > limit) {
            give_up(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn work_that_never_ends_is_given_up_and_pieces_that_end_are_not() {
        let (sender, given_up) = mpsc::channel();
        let tell = move |what| sender.send(what).unwrap_or(());
        let watchdog = Watchdog::start(Slot::own(), Duration::from_secs(1), tell).unwrap();
        // The same piece again and again is work that goes on.
        for _ in 0..30 {
            let _working = watchdog.work_on(7);
            thread::sleep(Duration::from_millis(100));
        }
        assert!(given_up.try_recv().is_err());
        let outer = watchdog.work_on(8);
        drop(watchdog.work_on(9));
        assert_eq!(given_up.recv_timeout(Duration::from_secs(60)), Ok(8), "the inner one has ended");
        drop(outer);
        drop(watchdog);
        // Nobody watches any more.
        while given_up.recv_timeout(Duration::from_secs(60)).is_ok() {}
    }
}
