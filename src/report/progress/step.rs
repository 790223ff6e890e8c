//! A step that takes its time without telling how far it is: what is done and for how long is shown while it lasts.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::frame::Frame;
use super::{PLAIN_EVERY, Show, is_dumb};
use crate::os::tell;
use crate::report::numbers;

/// How long a step may take before anything is said of it.
const SHORT: Duration = Duration::from_secs(1);

/// How often the time is drawn.
const TICK: Duration = Duration::from_millis(250);

/// A step under way; over when this is dropped.
pub struct Step {
    over: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Step {
    /// Begins one, named by `text`, which says how far it is if it can. Where there is no thread to be had nothing is shown.
    pub fn begin(show: Show, text: impl Fn() -> String + Send + 'static) -> Step {
        let (over, is_over) = mpsc::channel();
        let is_live = match show {
            Show::Auto => io::stderr().is_terminal() && !is_dumb(),
            Show::Bar => true,
            Show::Plain => false,
            Show::Json | Show::Nothing => return Step { over: None, thread: None },
        };
        let shown = move || if is_live { live(&text, &is_over) } else { plain(&text, &is_over) };
        let thread = thread::Builder::new().name("step".into()).spawn(shown).ok();
        Step { over: Some(over), thread }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            // It shows, and nothing else.
            let _ = thread.join();
        }
    }
}

fn live(text: &impl Fn() -> String, is_over: &mpsc::Receiver<()>) {
    let (began, mut frame) = (Instant::now(), Frame::default());
    let mut wait = SHORT;
    while is_over.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        wait = TICK;
        frame.draw(|_| vec![line(text, began)]);
    }
    frame.clear();
}

fn plain(text: &impl Fn() -> String, is_over: &mpsc::Receiver<()>) {
    let began = Instant::now();
    let every = || began.elapsed().as_secs_f64() / 6.0;
    let wait = || Duration::from_secs_f64(every().clamp(PLAIN_EVERY[0], PLAIN_EVERY[1]));
    while is_over.recv_timeout(wait()) == Err(RecvTimeoutError::Timeout) {
        tell(line(text, began));
    }
}

fn line(text: &impl Fn() -> String, began: Instant) -> String {
    format!("{}, {}", text(), numbers::duration(began.elapsed()))
}
