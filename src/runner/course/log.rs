//! `pulse.jsonl`: a line every second, and less often the longer a run takes.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::handoff::{Pulse, layout};
use crate::os::{mode_of, permit, without_links};

/// The least and the longest time between two lines.
const EVERY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// Between them it is this part of the time since the beginning: a run of a day writes some ten thousand lines.
const PART: u32 = 1_000;

/// The file, as long as it can be written. What cannot be is left out: nobody's work depends on it.
#[derive(Debug)]
pub(super) struct Log {
    file: Option<File>,
    began: Instant,
    last: Option<Instant>,
}

impl Log {
    /// Goes on with the file of the run in this folder.
    pub(super) fn open(run: &Path, began: Instant) -> Log {
        let mut options = OpenOptions::new();
        let file = without_links(options.create(true).append(true)).open(run.join(layout::PULSE)).ok();
        if let (Some(file), Ok(mode)) = (&file, mode_of(run)) {
            permit(file, mode);
        }
        Log { file, began, last: None }
    }

    /// Whether it is time for another line.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let every = (now.duration_since(self.began) / PART).clamp(EVERY[0], EVERY[1]);
        self.file.is_some() && self.last.is_none_or(|last| now.duration_since(last) >= every)
    }

    /// Appends a line.
    pub(super) fn add(&mut self, pulse: &Pulse, now: Instant) {
        self.last = Some(now);
        let Some(file) = &mut self.file else { return };
        let written = serde_json::to_vec(pulse).map_err(std::io::Error::other).and_then(|mut line| {
            line.push(b'\n');
            file.write_all(&line)
        });
        if written.is_err() {
            self.file = None;
        }
    }
}
