//! Ends a load whose caller has gone: what DuckDB is doing is interrupted, and nothing is committed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use duckdb::{Connection, InterruptHandle};

/// Shared by a load and whoever waits for it.
#[derive(Default)]
pub(in crate::merge) struct Stop {
    stopped: AtomicBool,
    /// The connection at work. Held while it is interrupted, so that it cannot be closed meanwhile.
    working: Mutex<Option<Arc<InterruptHandle>>>,
}

impl Stop {
    /// Works with a connection that can be interrupted until this returns.
    pub fn attend<T>(&self, connection: &Connection, work: impl FnOnce() -> T) -> T {
        self.set(Some(connection.interrupt_handle()));
        let done = work();
        self.set(None);
        done
    }

    fn set(&self, working: Option<Arc<InterruptHandle>>) {
        *self.working.lock().unwrap_or_else(PoisonError::into_inner) = working;
    }

    /// Interrupts the work; from now on it must not be committed.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(connection) = &*self.working.lock().unwrap_or_else(PoisonError::into_inner) {
            connection.interrupt();
        }
    }

    /// Whether the work has been given up.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// Stops a load when it is dropped: held by the future that waits for it.
pub(in crate::merge) struct StopWhenDropped(pub Arc<Stop>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.stop();
    }
}
