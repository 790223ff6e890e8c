//! Calls into a reader that panics over some damaged files: the panic becomes a value, and nothing is printed.
//!
//! Promises: a panic below [`guarded`], on whichever thread, ends the call with `None` and leaves standard error to
//! the caller's own words. Panics at any other time are told as usual.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls that are guarded now.
static GUARDED: AtomicUsize = AtomicUsize::new(0);

/// What a call returns, or `None` if it panics.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    static HUSHED: Once = Once::new();
    HUSHED.call_once(hush);
    GUARDED.fetch_add(1, Ordering::SeqCst);
    let returned = catch_unwind(AssertUnwindSafe(call));
    GUARDED.fetch_sub(1, Ordering::SeqCst);
    returned.ok()
}

/// Lets panics be told only while nothing is guarded. The reader's own threads panic too, so it cannot go by thread.
fn hush() {
    let usual = take_hook();
    set_hook(Box::new(move |panic| {
        if GUARDED.load(Ordering::SeqCst) == 0 {
            usual(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_value() {
        assert_eq!(guarded(|| 1), Some(1));
        assert_eq!(guarded(|| Vec::<u8>::new()[0]), None);
        let elsewhere = || std::thread::spawn(|| Vec::<u8>::new()[0]).join();
        assert!(guarded(elsewhere).is_some_and(|joined| joined.is_err()));
        assert_eq!(guarded(|| 2), Some(2));
    }
}
