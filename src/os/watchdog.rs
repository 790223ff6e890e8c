//! Ends a process that is stuck in one piece of work, so that the work can be found and named.
//!
//! Code of the user's own runs on the thread that runs everything else; an expression that never ends (`def f: f; f`)
//! would hold up its process for ever, signals included. A thread of its own looks at the [`Slot`] and gives up on a piece
//! of work that takes too long, or too much memory (`[range(infinite)]`).

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::Slot;

/// How often the slot is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// What one piece of work may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// So long.
    pub time: Duration,
    /// Bytes by which the process may grow meanwhile, as far as the system tells.
    pub memory: u64,
}

/// What a piece of work took too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Time.
    Time,
    /// Memory.
    Memory,
}

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
    /// Watches the slot; a piece of work that takes more than it may is given to `give_up`, which is to end the process.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(
        slot: Slot,
        bounds: Bounds,
        give_up: impl Fn(u64, Excess) + Send + 'static,
    ) -> io::Result<Watchdog> {
        let slot = Arc::new(slot);
        let watched = Arc::downgrade(&slot);
        let watch = move || watch(&watched, bounds, give_up);
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

fn watch(slot: &Weak<Slot>, bounds: Bounds, give_up: impl Fn(u64, Excess)) {
    // Looks are counted, not time: a process that was stopped (Ctrl-Z) is not stuck.
    let (mut seen, mut looks) = (None, 0);
    let (mut last, mut before) = (memory(), 0);
    loop {
        thread::sleep(EVERY);
        let Some(slot) = slot.upgrade() else { return };
        let (now, memory) = (slot.now(), memory());
        if now.is_none() || now != seen {
            // What the process had before this piece of work.
            (seen, looks, before) = (now, 0, last);
        } else {
            looks += 1;
        }
        last = memory;
        let Some((what, _)) = now else { continue };
        if EVERY * looks > bounds.time {
            give_up(what, Excess::Time);
        }
        if memory.saturating_sub(before) > bounds.memory {
            give_up(what, Excess::Memory);
        }
    }
}

/// Bytes of memory that this process has; 0 where the system does not tell.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn work_that_never_ends_is_given_up_and_pieces_that_end_are_not() {
        let (sender, given_up) = mpsc::channel();
        let tell = move |what, _| sender.send(what).unwrap_or(());
        let bounds = Bounds { time: Duration::from_secs(1), memory: u64::MAX };
        let watchdog = Watchdog::start(Slot::own(), bounds, tell).unwrap();
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

    #[test]
    fn work_that_takes_ever_more_memory_is_given_up() {
        let (sender, given_up) = mpsc::channel();
        let tell = move |what, why| sender.send((what, why)).unwrap_or(());
        let bounds = Bounds { time: Duration::from_secs(3600), memory: 256 << 20 };
        let watchdog = Watchdog::start(Slot::own(), bounds, tell).unwrap();
        let _working = watchdog.work_on(7);
        assert!(given_up.recv_timeout(EVERY * 3).is_err());
        let taken = std::hint::black_box(vec![1_u8; 600 << 20]);
        assert_eq!(given_up.recv_timeout(Duration::from_secs(60)), Ok((7, Excess::Memory)));
        drop(taken);
    }
}
