//! Signals as data: the first SIGINT, SIGTERM or SIGHUP asks to drain, the second to stop at once; SIGUSR1 asks how things are.
//!
//! A terminal that is closed sends SIGHUP more than once, by the kernel and by its shell: that is one request. Where it is
//! ignored from the start (`nohup`) it stays so.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::told;

/// How long after the second signal the process may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

static ASKED: AtomicBool = AtomicBool::new(false);

/// What the person or the system asked for; a signal is named by its number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    #[default]
    No,
    /// Finish what is begun.
    Drain(i32),
    /// Stop now.
    Now(i32),
}

impl Stop {
    /// Whether to stop, sooner or later.
    pub fn is_set(self) -> bool {
        self != Stop::No
    }

    /// Whether to stop now.
    pub fn is_now(self) -> bool {
        matches!(self, Stop::Now(_))
    }

    /// The signal that asked.
    pub fn signal(self) -> Option<i32> {
        match self {
            Stop::No => None,
            Stop::Drain(signal) | Stop::Now(signal) => Some(signal),
        }
    }

    fn after(self, signal: i32) -> Stop {
        match self {
            Stop::No => Stop::Drain(signal),
            _ if signal == SignalKind::hangup().as_raw_value() => self,
            _ => Stop::Now(signal),
        }
    }
}

/// Whether SIGUSR1 has come since this was asked last.
pub fn asked_to_tell() -> bool {
    ASKED.swap(false, Ordering::Relaxed)
}

/// Listens for SIGINT, SIGTERM, SIGHUP and SIGUSR1 from now on.
///
/// On a thread of its own: a list that is read for long, or a database at work, holds up the thread that runs
/// everything else. After the second signal whatever does not end the process within `GRACE` is cut short.
pub fn stop_on_signals() -> io::Result<watch::Receiver<Stop>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let inside = runtime.enter();
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate(), SignalKind::user_defined1()];
    if !ignores_hangup() {
        kinds.push(SignalKind::hangup());
    }
    let signals = kinds.into_iter().map(|kind| Ok((kind.as_raw_value(), signal(kind)?)));
    let signals: Vec<(i32, Signal)> = signals.collect::<io::Result<_>>()?;
    drop(inside);
    let (sender, receiver) = watch::channel(Stop::No);
    let listen = move || runtime.block_on(listen(signals, sender));
    thread::Builder::new().name("signals".into()).spawn(listen)?;
    Ok(receiver)
}

async fn listen(mut signals: Vec<(i32, Signal)>, sender: watch::Sender<Stop>) {
    loop {
        let number = std::future::poll_fn(|context| {
            let came = signals
                .iter_mut()
                .find_map(|(number, signal)| signal.poll_recv(context).is_ready().then_some(*number));
            came.map_or(Poll::Pending, Poll::Ready)
        });
        let number = number.await;
        if number == SignalKind::user_defined1().as_raw_value() {
            ASKED.store(true, Ordering::Relaxed);
            continue;
        }
        told::stop();
        // The same signal again must not wake the supervisor: it would pass it on, and a second one stops its children at once.
        sender.send_if_modified(|stop| {
            let before = std::mem::replace(stop, stop.after(number));
            before != *stop
        });
        if sender.borrow().is_now() {
            tokio::time::sleep(GRACE).await;
            end(128 + number);
        }
    }
}

/// Whether SIGHUP is ignored, as `nohup` has it.
fn ignores_hangup() -> bool {
    use nix::libc::{SIG_IGN, SIGHUP, sigaction};
    let mut now = std::mem::MaybeUninit::<sigaction>::uninit();
    // SAFETY: without a new action sigaction(2) changes nothing; it fills the old one, which is read only where it did.
    unsafe {
        nix::libc::sigaction(SIGHUP, std::ptr::null(), now.as_mut_ptr()) == 0
            && now.assume_init().sa_sigaction == SIG_IGN
    }
}

/// How long a process that ends at once waits for the reader of what it told.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Ends this process without a farewell: other threads may be anywhere in their work.
pub fn end(code: i32) -> ! {
    told::is_read_within(LAST_WORDS);
    // SAFETY: `_exit` takes any number, touches no memory of this process and does not return.
    unsafe { nix::libc::_exit(code) }
}
