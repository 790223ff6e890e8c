//! Progress of the shards: live lines on a terminal, plain lines now and then elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::numbers;
use crate::handoff::{Event, Exit};
use crate::os::{draw, printable, tell};
use crate::supervisor::{Notice, Observer, ShardEnd};

/// How often a plain line is written where standard error is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// How long the rate looks back.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// What is known of one shard.
#[derive(Debug, Default)]
struct Tally {
    pairs: u64,
    /// Pairs of blocks that were committed when its process started.
    committed: u64,
    /// Pairs that ended since then; what a process had open when it crashed is asked again.
    done: u64,
    failed: u64,
}

impl Tally {
    /// Pairs that ended.
    fn finished(&self) -> u64 {
        (self.committed + self.done).min(self.pairs)
    }
}

/// Shows how a round goes.
pub struct Progress {
    screen: Screen,
    tallies: BTreeMap<u32, Tally>,
    /// All pairs of the round, known or not yet started.
    pairs: u64,
    /// Whether a secret was refused: that is told once, of the run.
    refused: bool,
    started: Instant,
    samples: VecDeque<(Instant, u64)>,
}

enum Screen {
    Live { screen: MultiProgress, total: ProgressBar, bars: BTreeMap<u32, ProgressBar> },
    Plain { next: Instant },
}

impl Progress {
    /// A round of `pairs`, of which `finished` are committed already in shards that will not be started.
    pub fn new(pairs: u64, finished: u64) -> Progress {
        // A terminal that cannot move its cursor takes plain lines.
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let screen = if io::stderr().is_terminal() && !is_dumb {
            live(pairs)
        } else {
            Screen::Plain { next: Instant::now() + PLAIN_EVERY }
        };
        let mut tallies = BTreeMap::new();
        if finished > 0 {
            tallies.insert(u32::MAX, Tally { pairs: finished, committed: finished, ..Tally::default() });
        }
        let started = Instant::now();
        Progress { screen, tallies, pairs, refused: false, started, samples: VecDeque::new() }
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
        self.tallies.values().map(Tally::finished).sum()
    }

    fn failed(&self) -> u64 {
        self.tallies.values().map(|tally| tally.failed).sum()
    }

    /// Notes how far things are; what lies further back than the window is forgotten, but for one sample.
    fn sample(&mut self) {
        let now = Instant::now();
        self.samples.push_back((now, self.finished()));
        while self.samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RATE_WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Pairs per second over the last few seconds.
    fn rate(&self) -> f64 {
        let (Some((since, before)), Some((until, after))) = (self.samples.front(), self.samples.back())
        else {
            return 0.0;
        };
        let seconds = until.duration_since(*since).as_secs_f64().max(0.2);
        after.saturating_sub(*before) as f64 / seconds
    }

    fn summary(&self) -> String {
        let rate = self.rate();
        let (finished, failed) = (self.finished(), self.failed());
        let left = self.pairs.saturating_sub(finished);
        let time_left = if rate > 0.0 && left > 0 {
            format!(", {} left", numbers::duration(Duration::from_secs_f64((left as f64 / rate).min(1e9))))
        } else {
            String::new()
        };
        format!(
            "{} of {} requests done, {}/s, {} failed{time_left}",
            numbers::count(finished),
            numbers::count(self.pairs),
            numbers::count(rate as u64),
            numbers::count(failed),
        )
    }

    fn draw(&mut self, shard: u32) {
        if let Screen::Plain { next } = &self.screen {
            if Instant::now() >= *next {
                let line = self.summary();
                tell(format_args!("{}: {line}", numbers::duration(self.started.elapsed())));
                self.screen = Screen::Plain { next: Instant::now() + PLAIN_EVERY };
            }
            return;
        }
        let line = self.summary();
        let finished = self.finished();
        let tally = &self.tallies[&shard];
        if let Screen::Live { total, bars, .. } = &self.screen {
            total.set_position(finished);
            total.set_message(line);
            if let Some(bar) = bars.get(&shard) {
                bar.set_position(tally.finished());
                bar.set_message(match tally.failed {
                    0 => String::new(),
                    failed => format!("{} failed", numbers::count(failed)),
                });
            }
        }
    }

    /// A line for a shard that has just started.
    fn open_bar(&mut self, shard: u32, pairs: u64) {
        if let Screen::Live { screen, bars, .. } = &mut self.screen {
            let bar = bars.entry(shard).or_insert_with(|| screen.add(ProgressBar::new(pairs)));
            bar.set_style(style("  shard {prefix:>3} {bar:24} {pos:>9}/{len} {msg}"));
            bar.set_prefix(shard.to_string());
        }
    }

    fn close_bar(&mut self, shard: u32) {
        if let Screen::Live { bars, .. } = &mut self.screen
            && let Some(bar) = bars.remove(&shard)
        {
            bar.finish_and_clear();
        }
    }
}

fn live(pairs: u64) -> Screen {
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Terminal::default()), 10);
    let screen = MultiProgress::with_draw_target(target);
    let total = screen.add(ProgressBar::new(pairs));
    total.set_style(style("{bar:34} {percent:>3} %  {msg}"));
    Screen::Live { screen, total, bars: BTreeMap::new() }
}

/// The terminal at standard error, which may read no more: each time that it is drawn goes there as one text.
#[derive(Debug, Default)]
struct Terminal(Mutex<String>);

impl Terminal {
    fn add(&self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.write_fmt(text).map_err(io::Error::other)
    }

    /// Moves the cursor so far, where that is any way (ECMA-48, 8.3).
    fn move_cursor(&self, cells: usize, direction: char) -> io::Result<()> {
        if cells > 0 { self.add(format_args!("\x1b[{cells}{direction}")) } else { Ok(()) }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        console::Term::stderr().size().1
    }

    fn height(&self) -> u16 {
        console::Term::stderr().size().0
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.move_cursor(lines, 'A')
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.move_cursor(lines, 'B')
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.move_cursor(columns, 'C')
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.move_cursor(columns, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(format_args!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(format_args!("{text}"))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add(format_args!("\r\x1b[2K"))
    }

    fn flush(&self) -> io::Result<()> {
        draw(&std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)));
        Ok(())
    }
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
                *tally = Tally { pairs: *pairs, committed: *committed, ..Tally::default() };
                self.open_bar(shard, *pairs);
            }
            Event::Progress { done, failed, .. } => {
                (tally.done, tally.failed) = (*done, *failed);
                self.sample();
                self.draw(shard);
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
                self.close_bar(shard);
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

    fn started(pairs: u64, committed: u64) -> Event {
        Event::Started { shard: 0, pairs, committed }
    }

    fn done(done: u64) -> Event {
        Event::Progress { done, failed: 0, requests: done, in_flight: 0 }
    }

    #[test]
    fn a_pair_is_counted_once_whichever_process_ended_it() {
        let mut progress = Progress::new(1_000, 0);
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
    fn the_rate_looks_back_a_few_seconds() {
        let mut progress = Progress::new(1_000, 0);
        progress.event(0, &started(1_000, 400));
        assert_eq!(progress.finished(), 400);
        let now = Instant::now();
        progress.samples = [(now, 400), (now + Duration::from_secs(2), 600)].into();
        assert_eq!(progress.rate(), 100.0);
        assert!(progress.summary().contains("400 of 1,000 requests done, 100/s, 0 failed, 6.0 s left"));
    }
}
