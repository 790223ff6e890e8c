//! Ends a process that is stuck in one piece of work, so that the record can be found and named.
//!
//! Extraction is ordinary code that runs to its end; a filter that never ends (`def f: f; f`) would hold up
//! its shard for ever. A thread of its own looks at the [`Slot`] and aborts the process when one piece of work
//! takes longer than [`LIMIT`]; the supervisor then treats it like any other crash.

use std::time::{Duration, Instant};

use crate::os::{Slot, tell};

/// Longest time that one answer's extraction may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How often the slot is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// Starts the watch; it ends with the process.
pub(super) fn start(slot: Slot) {
    let watch = move || {
        let mut seen = (slot.now(), Instant::now());
        loop {
            std::thread::sleep(EVERY);
            let now = slot.now();
            if now.is_none() || now != seen.0 {
                seen = (now, Instant::now());
            } else if seen.1.elapsed() > LIMIT {
                tell(format_args!(
                    "windrow: one answer has been worked on for more than {LIMIT:?}: giving up on it"
                ));
                std::process::abort();
            }
        }
    };
    // Without the thread the shard merely lacks its watchdog.
    let _ = std::thread::Builder::new().name("watchdog".into()).stack_size(64 << 10).spawn(watch);
}
