//! Signals as data: the first SIGINT or SIGTERM asks to drain, the second to stop at once.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long after the second signal the process may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

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
        if self == Stop::No { Stop::Drain(signal) } else { Stop::Now(signal) }
    }
}

/// Listens for SIGINT and SIGTERM from now on.
///
/// On a thread of its own: a list that is read for long, or a database at work, holds up the thread that runs
/// everything else. After the second signal whatever does not end the process within `GRACE` is cut short.
pub fn stop_on_signals() -> io::Result<watch::Receiver<Stop>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let inside = runtime.enter();
    let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    drop(inside);
    let (sender, receiver) = watch::channel(Stop::No);
    let listen = move || runtime.block_on(listen(interrupt, terminate, sender));
    thread::Builder::new().name("signals".into()).spawn(listen)?;
    Ok(receiver)
}

async fn listen(mut interrupt: Signal, mut terminate: Signal, sender: watch::Sender<Stop>) {
    loop {
        let number = tokio::select! {
            Some(()) = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            Some(()) = terminate.recv() => SignalKind::terminate().as_raw_value(),
            else => return,
        };
        sender.send_modify(|stop| *stop = stop.after(number));
        if sender.borrow().is_now() {
            tokio::time::sleep(GRACE).await;
            end(128 + number);
        }
    }
}

/// Ends this process without a farewell: other threads may be anywhere in their work.
fn end(code: i32) -> ! {
    // SAFETY: `_exit` takes any number, touches no memory of this process and does not return.
    unsafe { nix::libc::_exit(code) }
}
