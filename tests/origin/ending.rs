//! When the origin ends: on SIGTERM or SIGINT, and with whoever started it.

use std::io::{Read, stdin};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// A future that is done when it is time to end. Errors: signals cannot be watched.
pub fn ending(on_stdin_eof: bool) -> Result<impl Future<Output = ()>, String> {
    let watch = |kind| signal(kind).map_err(|error| format!("signals: {error}"));
    let mut terminate = watch(SignalKind::terminate())?;
    let mut interrupt = watch(SignalKind::interrupt())?;
    let input = on_stdin_eof.then(end_of_input);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = wait(input) => {}
        }
    })
}

/// Waits for the end of standard input, or for ever where nobody watches it.
async fn wait(input: Option<oneshot::Receiver<()>>) {
    match input {
        Some(ended) => drop(ended.await),
        None => std::future::pending().await,
    }
}

/// Reads standard input to its end on a thread of its own, which may be left behind waiting.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while stdin().lock().read(&mut buffer).is_ok_and(|count| count > 0) {}
        let _ = ended.send(());
    });
    receiver
}

/// Asks the system for SIGTERM when the thread that started this process ends.
#[cfg(target_os = "linux")]
pub fn follow_parent() -> Result<(), String> {
    use nix::sys::{prctl, signal::Signal};
    prctl::set_pdeathsig(Signal::SIGTERM).map_err(|error| format!("--exit-with-parent: {error}"))
}

/// Other systems cannot.
#[cfg(not(target_os = "linux"))]
pub fn follow_parent() -> Result<(), String> {
    Err("--exit-with-parent needs Linux\nhint: --exit-on-stdin-eof works everywhere".to_owned())
}
