//! How a round goes: live lines on a terminal, plain lines now and then elsewhere, or JSON for a program.
//!
//! ```text
//! films   run 20261129T071500-4f2a9c                                    4 min 12 s
//! ███████████████████████████░░░░░░░░░░░░░░░░░░░░░░  52 %, some 4 min 0 s left
//! 11,634 of 22,305 requests done, 483/s, 128 in flight, p50 62 ms, p95 410 ms
//! 19 failed (12 not_json, 7 timeout), 145 missing, 812 succeeded when repeated
//! 41 of 64 shards done; at work: 17 (41 %), 42 (9 %)
//! waiting: api.example.com:443 asks for a pause; asked again in 7.0 s (3 pauses, 41 s in all)
//! ```
//!
//! Promises: no line is wider than the terminal, whatever its width; what holds the run back is told on the terminal as
//! soon as it does, and in plain lines when nothing is sent because of it, and when that is over.

mod frame;
mod lines;
mod step;

use std::io::{self, IsTerminal};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::handoff::{Event, Exit, Phase, Pulse};
use crate::os::{printable, tell};
use crate::supervisor::{Notice, ShardEnd};

use frame::Frame;
pub(super) use lines::{LOADING, PROVING};
pub use step::Step;

/// How often a plain line is written where standard error is no terminal: at first, and in the end. In between it is a
/// sixth of the time since the beginning: a run of a night shall not fill a mail.
const PLAIN_EVERY: [f64; 2] = [10.0, 300.0];

/// How often a JSON line is written.
const JSON_EVERY: f64 = 1.0;

/// How long a standstill, or its end, lasts before a plain line tells of it.
const LASTING: f64 = 1.0;

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Show {
    /// Live lines where standard error is a terminal, else plain ones.
    #[default]
    Auto,
    /// Live lines.
    Bar,
    /// A line now and then.
    Plain,
    /// A line of JSON a second.
    Json,
    /// Nothing.
    Nothing,
}

/// What is told of a run on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// Only what wants a person's attention.
    Little,
    /// What a person wants to know.
    #[default]
    Usual,
    /// Each shard's start and end, and each change of what holds it back, as well.
    Much,
}

/// Shows how a round goes.
pub struct Progress {
    screen: Screen,
    detail: Detail,
    /// Whether a secret was refused: that is told once, of the run.
    refused: bool,
    last: Option<Pulse>,
}

enum Screen {
    Live(Frame),
    Plain(Plain),
    Json { next: f64 },
    Nothing,
}

/// When plain lines are due, in seconds since the beginning.
#[derive(Default)]
struct Plain {
    next: f64,
    /// Whether the last line told of a standstill.
    told_standstill: bool,
    /// Since when it is otherwise.
    differs_since: Option<f64>,
}

impl Progress {
    /// Of a round that begins.
    pub fn new(show: Show, detail: Detail) -> Progress {
        let screen = match show {
            Show::Auto if io::stderr().is_terminal() && !is_dumb() => Screen::Live(Frame::default()),
            Show::Auto | Show::Plain => Screen::Plain(Plain { next: PLAIN_EVERY[0], ..Plain::default() }),
            Show::Bar => Screen::Live(Frame::default()),
            Show::Json => Screen::Json { next: 0.0 },
            Show::Nothing => Screen::Nothing,
        };
        Progress { screen, detail, refused: false, last: None }
    }

    /// Writes a line above the progress.
    pub fn say(&mut self, line: &str) {
        match &mut self.screen {
            Screen::Live(frame) => frame.above(&printable(line)),
            _ => tell(line),
        }
    }

    /// Removes the live lines.
    pub fn finish(&mut self) {
        if let Screen::Live(frame) = &mut self.screen {
            frame.clear();
        }
    }

    /// Shows how things are, where it is time to.
    pub fn pulse(&mut self, pulse: &Pulse) {
        match &mut self.screen {
            Screen::Live(frame) => {
                let shown = |line: String| printable(&line).into_owned();
                frame.draw(|width| lines::live(pulse, second(), width).into_iter().map(shown).collect());
            }
            Screen::Plain(plain) => {
                if plain.is_due(pulse) {
                    tell(lines::plain(pulse, second()));
                }
            }
            Screen::Json { next } => {
                let is_step = !matches!(pulse.phase, Phase::Fetching | Phase::Finishing);
                if pulse.seconds >= *next || is_step {
                    *next = pulse.seconds + JSON_EVERY;
                    json(pulse);
                }
            }
            Screen::Nothing => {}
        }
        let held = |pulse: &Pulse| pulse.hold.clone();
        let is_same = match (self.last.as_ref().and_then(held), held(pulse)) {
            (Some(before), Some(now)) => before.is_same(&now),
            (before, now) => before == now,
        };
        if self.detail == Detail::Much && !is_same {
            self.say(&lines::held(pulse, second()).unwrap_or_else(|| "held by nothing".to_owned()));
        }
        self.last = Some(pulse.clone());
    }

    /// Tells once how things are, however progress is shown.
    pub fn tell_once(&mut self) {
        if let Some(pulse) = &self.last {
            let lines = lines::snapshot(pulse, second());
            lines.iter().for_each(|line| self.say(line));
        }
    }

    /// A shard's process told this.
    pub fn event(&mut self, shard: u32, event: &Event) {
        match event {
            Event::Warning { text } => self.say(&format!("shard {shard}: {text}")),
            Event::SecretRefused { .. } => self.refused = true,
            Event::Started { pairs, committed, .. } if self.detail == Detail::Much => {
                self.say(&format!("shard {shard}: begins, {committed} of {pairs} requests are done"));
            }
            _ => {}
        }
    }

    /// This happened to a shard.
    pub fn notice(&mut self, shard: u32, notice: &Notice) {
        match notice {
            Notice::Restarted { how } => self.say(&format!("shard {shard}: its process was {how}; started again")),
            Notice::GivenUp { ordinal, endpoint, shared: true } => self.say(&format!(
                "shard {shard}: its process ended twice while it worked on endpoint {endpoint} of record {ordinal}, or of one \
                 that shares its request: each is asked alone, and left out as crashed if that ends the process too",
            )),
            Notice::GivenUp { ordinal, endpoint, shared: false } => self.say(&format!(
                "shard {shard}: its process ended twice while it worked on endpoint {endpoint} of record {ordinal}; \
                 that record is left out as crashed",
            )),
            Notice::Ended(end) => {
                if self.detail == Detail::Much && *end == ShardEnd::Committed {
                    self.say(&format!("shard {shard}: done"));
                }
                let is_told = self.refused && matches!(end, ShardEnd::Ended(..));
                if let Some(line) = ending(end).filter(|_| !is_told) {
                    self.say(&format!("shard {shard}: {line}"));
                }
            }
        }
    }
}

impl Plain {
    /// Whether a line is due; then it is taken for written.
    fn is_due(&mut self, pulse: &Pulse) -> bool {
        let is_standstill = pulse.hold.as_ref().is_some_and(|hold| hold.is_standstill());
        let differs = is_standstill != self.told_standstill;
        self.differs_since = differs.then(|| self.differs_since.unwrap_or(pulse.seconds));
        let is_news = self.differs_since.is_some_and(|since| pulse.seconds - since >= LASTING);
        // The end of the round is told by what comes after it.
        if pulse.phase == Phase::Ended || !is_news && pulse.seconds < self.next {
            return false;
        }
        self.next = pulse.seconds + (pulse.seconds / 6.0).clamp(PLAIN_EVERY[0], PLAIN_EVERY[1]);
        (self.told_standstill, self.differs_since) = (is_standstill, None);
        true
    }
}

pub(super) fn json(pulse: &Pulse) {
    if let Ok(line) = serde_json::to_string(pulse) {
        tell(line);
    }
}

/// A terminal that cannot move its cursor takes plain lines.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Now, in seconds since 1970.
fn second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// What to say of a shard's end; nothing where all is well.
fn ending(end: &ShardEnd) -> Option<String> {
    match end {
        ShardEnd::Committed | ShardEnd::Stopped => None,
        // All of them do, for the same reason: it is told once, of the run.
        ShardEnd::Ended(Exit::Paused, _) => None,
        ShardEnd::Ended(_, text) => Some(text.clone()).filter(|text| !text.is_empty()),
        ShardEnd::Crashed(how) => {
            // Behind the first line comes the end of its log.
            let (how, log) = how.split_at(how.find('\n').unwrap_or(how.len()));
            Some(format!("its process was {how}, again and again; given up{log}"))
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
