//! Lines for people, on standard error.
//!
//! Promise: nothing that is written for people holds up the work, ends it, or changes how it ends, whether its reader is
//! gone (a closed pipe), has no room (a full disk), or reads no more (a pager, a terminal after `^S`). A thread of its own
//! writes. As much as [`ROOM`] waits for the reader; what comes then is left out, and it is said how much that was. At its
//! end a process waits for a reader that is slow ([`wait_until_read`]).

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes that wait for a reader.
const ROOM: usize = 256 << 10;

/// How long a process waits for its reader at the end.
const SLOWEST: Duration = Duration::from_secs(10);

/// The same where somebody told it to stop.
const SLOWEST_STOPPED: Duration = Duration::from_secs(1);

/// How often it is looked, at the end, whether somebody told it to stop.
const LOOK: Duration = Duration::from_millis(50);

/// What stands where there was no room; a number follows.
const LEFT_OUT: &str = "windrow: messages left out here, as nobody read on: ";

static STANDARD_ERROR: LazyLock<io::Result<Teller>> = LazyLock::new(|| Teller::start(io::stderr()));

static IS_STOPPED: AtomicBool = AtomicBool::new(false);

/// [`tell`](fn@tell), with a format.
macro_rules! tell_formatted {
    ($($text:tt)*) => { $crate::os::tell(format_args!($($text)*)) };
}
pub(crate) use tell_formatted as tell;

/// Tells the person, [without steering the terminal](printable).
pub fn tell(line: impl Display) {
    tell_in_colors(printable(&line.to_string()));
}

/// The same of what is coloured, and written by windrow and the person alone.
pub fn tell_in_colors(line: impl Display) {
    draw(&format!("{line}\n"));
}

/// The same without the end of a line, and whatever steers the terminal: live lines.
pub fn draw(text: &str) {
    match &*STANDARD_ERROR {
        Ok(teller) => teller.tell(text),
        // There is no thread to be had.
        Err(_) => drop(io::stderr().write_all(text.as_bytes())),
    }
}

/// Waits until all that was told is written, so that it stands before what is written elsewhere, or the process ends: up
/// to 10 s, and up to 1 s where somebody told this process to stop.
pub fn wait_until_read() {
    let begun = Instant::now();
    let slowest = || if IS_STOPPED.load(Ordering::Relaxed) { SLOWEST_STOPPED } else { SLOWEST };
    while !is_read_within(LOOK) && begun.elapsed() < slowest() {}
}

/// Waits so long until all that was told is written; whether it is.
pub(super) fn is_read_within(time: Duration) -> bool {
    match LazyLock::get(&STANDARD_ERROR) {
        Some(Ok(teller)) => teller.is_read_within(time),
        _ => true,
    }
}

/// Somebody told this process to stop.
pub(super) fn stop() {
    IS_STOPPED.store(true, Ordering::Relaxed);
}

/// Writes on a thread of its own.
struct Teller(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Whether something is with the reader that it has not taken yet.
    is_writing: bool,
    /// How many times something was told for which there was no room.
    left_out: u64,
}

impl Teller {
    fn start(out: impl Write + Send + 'static) -> io::Result<Teller> {
        let shared = Arc::new(Shared::default());
        let writing = shared.clone();
        thread::Builder::new().name("teller".into()).spawn(move || writing.write(out))?;
        Ok(Teller(shared))
    }

    fn tell(&self, text: &str) {
        let mut state = self.0.state();
        if state.waiting.len() + text.len() > ROOM && !state.waiting.is_empty() {
            state.left_out += 1
        } else {
            state.waiting.extend_from_slice(text.as_bytes())
        }
        drop(state);
        self.0.changed.notify_all();
    }

    fn is_read_within(&self, time: Duration) -> bool {
        let is_unread = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.0.state(), time, is_unread);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Shared {
    /// Nobody panics while the lock is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut out: impl Write) {
        loop {
            let none_waits = |state: &mut State| state.waiting.is_empty();
            let mut state =
                self.changed.wait_while(self.state(), none_waits).unwrap_or_else(PoisonError::into_inner);
            let mut text = std::mem::take(&mut state.waiting);
            let left_out = std::mem::take(&mut state.left_out);
            state.is_writing = true;
            drop(state);
            if left_out > 0 {
                text.extend_from_slice(format!("{LEFT_OUT}{left_out}\n").as_bytes());
            }
            // Where nobody can read it any more the work goes on.
            let _ = out.write_all(&text);
            self.state().is_writing = false;
            self.changed.notify_all();
        }
    }
}

/// Text with every character spelled out that would steer a terminal, turn what is read around or not be seen: a server
/// may have written it. Line breaks and tabs stay, and the joiners that scripts and emoji are spelled with.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let spelled =
        |letter: char| if steers(letter) { letter.escape_default().to_string() } else { letter.to_string() };
    Cow::Owned(text.chars().map(spelled).collect())
}

/// The same of a JSON text, which stays equal to what it was: such characters stand in its strings only.
pub fn printable_json(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if steers(letter) {
            let units = letter
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect::<String>();
            spelled.push_str(&units);
        } else {
            spelled.push(letter);
        }
    }
    Cow::Owned(spelled)
}

/// Control characters; marks that set the direction of writing (UAX #9), or once did; separators of lines that are no `\n`;
/// characters that are not seen, by which two ids differ that look alike, and in which words are hidden (tags).
fn steers(letter: char) -> bool {
    let is_mark = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}');
    let is_unseen =
        matches!(letter, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}');
    let is_filler = matches!(letter, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let is_hidden =
        matches!(letter, '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}');
    is_mark || is_unseen || is_filler || is_hidden || letter.is_control() && !matches!(letter, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_spelled_out() {
        assert_eq!(printable("a\tb\nGröße 🎬"), "a\tb\nGröße 🎬");
        assert_eq!(printable("\u{1b}]0;x\u{7}\r\u{9b}2J"), r"\u{1b}]0;x\u{7}\r\u{9b}2J");
        assert_eq!(
            printable("a\u{202e}b\u{2028}c\u{2066}\u{200f}\u{7f}"),
            r"a\u{202e}b\u{2028}c\u{2066}\u{200f}\u{7f}"
        );
        assert_eq!(printable("tt\u{200b}1\u{feff}\u{ad}\u{2060}"), r"tt\u{200b}1\u{feff}\u{ad}\u{2060}");
        assert_eq!(printable("\u{e0041}\u{206e}\u{fffa}\u{3164}"), r"\u{e0041}\u{206e}\u{fffa}\u{3164}");
        assert_eq!(
            printable("👩\u{200d}🚀 می\u{200c}خواهم"),
            "👩\u{200d}🚀 می\u{200c}خواهم",
            "spelled with joiners"
        );
    }

    #[test]
    fn json_is_spelled_out_and_stays_the_same() {
        let value = serde_json::json!({ "a\u{9b}": "\u{1b}[2J\u{202e}\u{e0041}é\n" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let spelled = printable_json(&text);
        assert!(!spelled.contains(steers) && spelled.contains(r"\udb40\udc41é"), "{spelled}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&spelled).unwrap(), value);
        assert!(matches!(printable_json("[]"), Cow::Borrowed("[]")));
    }

    #[test]
    fn a_reader_that_reads_no_more_holds_nobody_up_and_is_told_what_it_missed() {
        let (reader, writer) = io::pipe().unwrap();
        let teller = Teller::start(writer).unwrap();
        let line = |number: usize| format!("{number:>99}\n");
        let lines = 10_000;
        (0..lines).for_each(|number| teller.tell(&line(number)));
        assert!(!teller.is_read_within(Duration::from_millis(10)), "the pipe is full");
        let read = thread::spawn(move || {
            let lines = io::BufRead::lines(io::BufReader::new(reader)).map(Result::unwrap);
            lines.take_while(|line| line != "the end").collect::<Vec<String>>()
        });
        assert!(teller.is_read_within(Duration::from_secs(60)));
        teller.tell("the end\n");
        let (notes, told): (Vec<String>, Vec<String>) =
            read.join().unwrap().into_iter().partition(|line| line.starts_with(LEFT_OUT));
        let left_out: usize = notes.iter().map(|note| note[LEFT_OUT.len()..].parse::<usize>().unwrap()).sum();
        assert!(left_out > 0 && told.len() * 100 > ROOM && told.is_sorted());
        assert_eq!(told.len() + left_out, lines);
    }

    #[test]
    fn a_reader_that_is_gone_is_no_readers_loss() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let teller = Teller::start(writer).unwrap();
        teller.tell("nobody");
        assert!(teller.is_read_within(Duration::from_secs(60)));
    }
}
