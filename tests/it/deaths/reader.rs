//! Who looks at the table some 500 times a second, through restarts of the server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::Look;

/// What is seen, and whether it is enough.
#[derive(Default)]
pub struct Watch {
    stop: AtomicBool,
    /// The different tables, in order.
    seen: Mutex<Vec<String>>,
}

impl Watch {
    pub fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }

    pub fn saw(&self, table: String) {
        let mut seen = self.seen.lock().unwrap();
        if seen.last() != Some(&table) {
            seen.push(table);
        }
    }
}

pub struct Reader {
    thread: JoinHandle<()>,
    watch: Arc<Watch>,
}

impl Reader {
    pub fn start(look: Look) -> Reader {
        let watch = Arc::new(Watch::default());
        let watched = Arc::clone(&watch);
        Reader { thread: std::thread::spawn(move || look(watched)), watch }
    }

    /// Stops it: it saw the old table, and then the new one, if it saw any.
    pub fn saw_only(self, old: &str, new: &str, case: &str) {
        self.watch.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        let seen = self.watch.seen.lock().unwrap();
        let allowed: [&[&str]; 4] = [&[], &[old], &[new], &[old, new]];
        assert!(
            allowed.contains(&&seen.iter().map(String::as_str).collect::<Vec<_>>()[..]),
            "{case}: {seen:?}, not {old} and {new}"
        );
    }
}
