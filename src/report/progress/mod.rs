//! How a round goes: live lines on a terminal, plain lines now and then elsewhere.
//!
//! ```text
//! films   run 20261129T071500-4f2a9c                                    4 min 12 s
//! ███████████████████████████░░░░░░░░░░░░░░░░░░░░░░  52 %, some 4 min 0 s left
//! 11,634 of 22,305 requests done, 483/s, 128 in flight, 19 failed
//! 41 of 64 shards done; at work: 17 (41 %), 42 (9 %)
//! waiting: api.example.com:443 asks for a pause; asked again in 7.0 s (3 pauses, 41 s in all)
//! ```
//!
//! Promises: no line is wider than the terminal, whatever its width; what holds the run back is told on the terminal as
//! soon as it does, and in plain lines when nothing is sent because of it, and when that is over.

mod held;
mod left;
mod terminal;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::numbers;
use crate::handoff::{Event, Exit};
use crate::os::{printable, tell};
use crate::supervisor::{Notice, Observer, ShardEnd};

use held::Holds;
use left::Pace;
use terminal::Terminal;

/// How often a plain line is written where standard error is no terminal: at first, and in the end. In between it is a
/// sixth of the time since the beginning: a run of a night shall not fill a mail.
const PLAIN_EVERY: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(300)];

/// How long a standstill, or its end, lasts before a plain line tells of it.
const LASTING: Duration = Duration::from_secs(1);

/// What is fetched, for the first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The job and the run, or the shard.
    pub title: String,
    /// Shards.
    pub shards: u64,
    /// Those that will not be started: they are committed.
    pub shards_done: u64,
    /// All pairs, known or not yet started.
    pub pairs: u64,
    /// Those in shards that will not be started.
    pub finished: u64,
}

/// What is known of one shard.
#[derive(Debug, Default)]
struct Tally {
    pairs: u64,
    /// Pairs of blocks that were committed when its process started.
    committed: u64,
    /// Pairs that ended since then; what a process had open when it crashed is asked again.
    done: u64,
    failed: u64,
    in_flight: u32,
    is_at_work: bool,
}

impl Tally {
    /// Pairs that ended.
    fn finished(&self) -> u64 {
        (self.committed + self.done).min(self.pairs)
    }

    /// The same of a hundred.
    fn percent(&self) -> u64 {
        (self.finished() * 100).checked_div(self.pairs).unwrap_or(100)
    }
}

/// Shows how a round goes.
pub struct Progress {
    subject: Subject,
    screen: Screen,
    tallies: BTreeMap<u32, Tally>,
    shards_done: u64,
    /// Whether a secret was refused: that is told once, of the run.
    refused: bool,
    started: Instant,
    pace: Pace,
    holds: Holds,
}

enum Screen {
    Live { screen: MultiProgress, lines: Lines },
    Plain { next: Instant, told_standstill: bool },
}

/// The lines on the terminal.
struct Lines {
    title: ProgressBar,
    bar: ProgressBar,
    counts: ProgressBar,
    shards: ProgressBar,
    holds: ProgressBar,
}

impl Progress {
    /// Of a round that begins.
    pub fn new(subject: Subject) -> Progress {
        // A terminal that cannot move its cursor takes plain lines.
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let started = Instant::now();
        let screen = if io::stderr().is_terminal() && !is_dumb {
            live(subject.pairs)
        } else {
            Screen::Plain { next: started + PLAIN_EVERY[0], told_standstill: false }
        };
        Progress {
            shards_done: subject.shards_done,
            subject,
            screen,
            tallies: BTreeMap::new(),
            refused: false,
            started,
            pace: Pace::new(started),
            holds: Holds::default(),
        }
    }

    /// Writes a line above the progress.
    pub fn say(&self, line: &str) {
        match &self.screen {
            Screen::Live { screen, .. } => {
                // A terminal that is gone takes no lines.
                let _ = screen.println(printable(line));
            }
            Screen::Plain { .. } => tell(line),
        }
    }

    /// Removes the live lines.
    pub fn finish(&mut self) {
        if let Screen::Live { screen, .. } = &self.screen {
            let _ = screen.clear();
        }
    }

    fn finished(&self) -> u64 {
        self.subject.finished + self.tallies.values().map(Tally::finished).sum::<u64>()
    }

    fn time_left(&self) -> Option<String> {
        let left = self.subject.pairs.saturating_sub(self.finished());
        self.pace.time_left(left, self.holds.is_standstill()).map(numbers::duration)
    }

    /// What is done, and how fast.
    fn counts(&self) -> String {
        let failed: u64 = self.tallies.values().map(|tally| tally.failed).sum();
        let at_work = self.tallies.values().filter(|tally| tally.is_at_work);
        let in_flight: u64 = at_work.map(|tally| u64::from(tally.in_flight)).sum();
        format!(
            "{} of {} requests done, {}/s, {} in flight, {} failed",
            numbers::count(self.finished()),
            numbers::count(self.subject.pairs),
            numbers::count(self.pace.rate() as u64),
            numbers::count(in_flight),
            numbers::count(failed),
        )
    }

    fn shards(&self) -> String {
        let at_work = self.tallies.iter().filter(|(_, tally)| tally.is_at_work);
        let at_work: Vec<String> =
            at_work.map(|(shard, tally)| format!("{shard} ({} %)", tally.percent())).collect();
        let at_work =
            if at_work.is_empty() { String::new() } else { format!("; at work: {}", at_work.join(", ")) };
        let all = numbers::counted(self.subject.shards, "shard");
        format!("{} of {all} done{at_work}", numbers::count(self.shards_done))
    }

    fn held_by(&self, now: Instant) -> Option<String> {
        let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.holds.line(now, second)
    }

    /// Shows how things are, where it is time to.
    fn show(&mut self, now: Instant) {
        self.pace.sample(now, self.finished(), self.holds.is_standstill());
        match &self.screen {
            Screen::Live { lines, .. } => self.draw(lines, now),
            Screen::Plain { next, told_standstill } => {
                let is_news = self.holds.is_standstill() != *told_standstill
                    && self.holds.since().is_none_or(|since| now.duration_since(since) >= LASTING);
                if now >= *next || is_news {
                    tell(self.plain_line(now));
                    let every = (now.duration_since(self.started) / 6).clamp(PLAIN_EVERY[0], PLAIN_EVERY[1]);
                    let told_standstill = self.holds.is_standstill();
                    self.screen = Screen::Plain { next: now + every, told_standstill };
                }
            }
        }
    }

    fn plain_line(&self, now: Instant) -> String {
        let time = numbers::duration(now.duration_since(self.started));
        let left = self.time_left().map_or(String::new(), |time| format!(", some {time} left"));
        let held = self.held_by(now).map_or(String::new(), |held| format!("; {held}"));
        format!("{time}: {}{left}{held}", self.counts())
    }

    fn draw(&self, lines: &Lines, now: Instant) {
        lines.title.set_prefix(printable(&self.subject.title).into_owned());
        lines.title.set_message(numbers::duration(now.duration_since(self.started)));
        lines.bar.set_position(self.finished());
        lines.bar.set_message(self.time_left().map_or(String::new(), |time| format!(", some {time} left")));
        lines.counts.set_message(self.counts());
        lines.shards.set_message(self.shards());
        lines.holds.set_message(printable(&self.held_by(now).unwrap_or_default()).into_owned());
    }

    /// A shard's process is gone.
    fn gone(&mut self, shard: u32, end: &ShardEnd) {
        let now = Instant::now();
        self.holds.gone(shard, now);
        self.tallies.entry(shard).or_default().is_at_work = false;
        self.shards_done += u64::from(*end == ShardEnd::Committed);
        self.show(now);
    }
}

fn live(pairs: u64) -> Screen {
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Terminal::default()), 10);
    let screen = MultiProgress::with_draw_target(target);
    let line = |template: &str| {
        let line = screen.add(ProgressBar::new(pairs));
        line.set_style(style(template));
        line
    };
    let lines = Lines {
        title: line("{prefix}   {msg}"),
        bar: line("{wide_bar} {percent:>3} %{msg}"),
        counts: line("{wide_msg}"),
        shards: line("{wide_msg}"),
        holds: line("{wide_msg}"),
    };
    Screen::Live { screen, lines }
}

/// A style from a template of this file.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Progress {
    fn event(&mut self, shard: u32, event: &Event) {
        let tally = self.tallies.entry(shard).or_default();
        match event {
            Event::Started { pairs, committed, .. } => {
                *tally = Tally { pairs: *pairs, committed: *committed, is_at_work: true, ..Tally::default() };
            }
            Event::Progress { done, failed, in_flight, hold, .. } => {
                (tally.done, tally.failed, tally.in_flight) = (*done, *failed, *in_flight);
                let now = Instant::now();
                self.holds.told(shard, hold.clone(), now);
                self.show(now);
            }
            Event::Warning { text } => self.say(&format!("shard {shard}: {text}")),
            Event::SecretRefused { .. } => self.refused = true,
            Event::Committed { .. }
            | Event::Finishing { .. }
            | Event::UsedUp { .. }
            | Event::Ended { .. } => {}
        }
    }

    fn notice(&mut self, shard: u32, notice: &Notice) {
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
                self.gone(shard, end);
                let is_told = self.refused && matches!(end, ShardEnd::Ended(..));
                if let Some(line) = ending(end).filter(|_| !is_told) {
                    self.say(&format!("shard {shard}: {line}"));
                }
            }
        }
    }
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
mod tests {
    use super::*;

    fn subject(pairs: u64, finished: u64) -> Subject {
        Subject { title: "films   run 1".into(), shards: 2, shards_done: 0, pairs, finished }
    }

    fn started(pairs: u64, committed: u64) -> Event {
        Event::Started { shard: 0, pairs, committed }
    }

    fn done(done: u64) -> Event {
        Event::Progress { done, failed: 0, requests: done, in_flight: 0, hold: None }
    }

    #[test]
    fn a_pair_is_counted_once_whichever_process_ended_it() {
        let mut progress = Progress::new(subject(1_000, 0));
        let mut told = |shard, event: &Event| {
            progress.event(shard, event);
            progress.finished()
        };
        assert_eq!(told(0, &started(600, 100)), 100);
        assert_eq!(told(0, &done(50)), 150);
        assert_eq!(told(0, &Event::Committed { pairs: 30 }), 150);
        assert_eq!(told(1, &started(400, 0)), 150);
        assert_eq!(told(1, &done(7)), 157);
        // The first one's process crashed: what it had open is asked again, what it committed is not.
        assert_eq!(told(0, &started(600, 130)), 137);
        assert_eq!(told(0, &done(480)), 607, "no shard has more than all of its pairs");
    }

    #[test]
    fn the_lines_say_what_is_done_by_whom_and_what_holds_it() {
        let mut progress = Progress::new(subject(1_000, 0));
        progress.event(0, &started(600, 100));
        progress.event(1, &started(400, 0));
        let hold = Some(crate::handoff::Hold::Cpu);
        progress.event(0, &Event::Progress { done: 50, failed: 3, requests: 60, in_flight: 8, hold });
        progress.event(1, &done(0));
        assert_eq!(progress.shards(), "0 of 2 shards done; at work: 0 (25 %), 1 (0 %)");
        assert!(progress.counts().starts_with("150 of 1,000 requests done, "));
        assert!(progress.counts().ends_with("/s, 8 in flight, 3 failed"));
        let line = progress.plain_line(progress.started + Duration::from_secs(20));
        assert!(
            line.starts_with("20 s: 150 of") && line.ends_with("; held by: the CPU of this machine"),
            "{line}"
        );
        progress.notice(0, &Notice::Ended(ShardEnd::Committed));
        assert_eq!(progress.shards(), "1 of 2 shards done; at work: 1 (0 %)");
        assert!(progress.counts().ends_with("/s, 0 in flight, 3 failed"));
    }
}
