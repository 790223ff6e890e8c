//! The job's own program: answers in, JSON out, a line each.
//!
//! ```text
//! windrow → program   {"ordinal":7,"endpoint":"page","input":{"id":"x"},"status":200,"body":"<html>…"}
//! program → windrow   {"ordinal":7,"answer": …any JSON…}   or   {"ordinal":7,"error":"what is wrong with this answer"}
//! ```
//!
//! Where the endpoint has pages, the line has `"page"` too, from 0, and the reply repeats both: so what is asked is
//! asked once of a process, and a reply names it.
//!
//! Promises:
//!
//! - A reply is an answer's only if it names it. A line that is no reply (`print("loading model")`), one that names
//!   something else, or one more than was asked for ends the process: what it would write next is not known to be
//!   the reply to what it is asked next. If the line came in answer to this pair, or together with its reply, the pair
//!   fails with kind `pipe`. If it was left over from an earlier one, the pair is asked of a new process, once.
//! - One process per shard and endpoint, started before the first request: a program that is not there ends the
//!   shard, not each of its records.
//! - It is given one answer at a time, so that a death is the fault of that answer: its pair fails with kind
//!   `pipe`, and the next one meets a new process. After [`DEATHS`] deaths in a row no new one is started.
//! - Bounded: an answer takes at most the endpoint's `timeout`, a line that comes back has at most `max_answer`
//!   bytes. Fetching goes on meanwhile.
//! - What it writes to standard error is in the shard's log. It never outlives the shard's process.

use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::task::Poll;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::os::dies_with_us;
use crate::record::{Failure, Kind, Ordinal};

/// Deaths in a row after which the program is not started again.
const DEATHS: u32 = 20;

/// Characters of a line that a failure shows.
const SHOWN: usize = 60;

/// A job's program at work.
pub(super) struct Pipe {
    arguments: Vec<String>,
    /// Where it runs.
    folder: PathBuf,
    /// For one answer.
    limit: Duration,
    /// Bytes of a line that comes back.
    longest: u64,
    state: Mutex<State>,
}

struct State {
    running: Option<Running>,
    /// Since the last reply that was good.
    deaths: u32,
    /// Why the last of them was.
    last_death: String,
    has_warned: bool,
}

impl State {
    fn new(running: Running) -> State {
        State { running: Some(running), deaths: 0, last_death: String::new(), has_warned: false }
    }
}

struct Running {
    child: Child,
    into: ChildStdin,
    out_of: BufReader<ChildStdout>,
    /// Whether it has replied: what it writes unasked may then be of an earlier answer.
    has_replied: bool,
}

/// What the program is given.
#[derive(Debug, Serialize)]
pub(super) struct Given<'a> {
    pub(super) ordinal: Ordinal,
    /// Where the endpoint has pages: which one, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<u32>,
    pub(super) endpoint: &'a str,
    /// The record's columns of the input.
    pub(super) input: &'a RawValue,
    pub(super) status: u16,
    pub(super) body: &'a str,
}

/// What comes back: `ordinal` (and `page`, where it was given) as it was given, and one of the others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    ordinal: Ordinal,
    page: Option<u32>,
    /// Null is an answer, too.
    #[serde(default, deserialize_with = "present")]
    answer: Option<Box<RawValue>>,
    error: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(json).map(Some)
}

/// Why an exchange came to nothing, and the process with it.
struct Broken {
    why: String,
    /// Whether what came may have been left over from an earlier answer.
    is_leftover: bool,
}

impl Pipe {
    /// Starts the program in the job's folder, to which its arguments are relative; the error says why it cannot be.
    pub(super) fn start(
        arguments: &[String],
        folder: &Path,
        limit: Duration,
        longest: u64,
    ) -> Result<Pipe, String> {
        let running = run(arguments, folder)?;
        let state = Mutex::new(State::new(running));
        Ok(Pipe { arguments: arguments.to_vec(), folder: folder.to_owned(), limit, longest, state })
    }

    /// The JSON that the program makes of an answer. `warn` is told the first time that it wrote anything unasked.
    pub(super) async fn answer(
        &self,
        given: &Given<'_>,
        warn: impl Fn(String),
    ) -> Result<Box<RawValue>, Failure> {
        let mut line = serde_json::to_vec(given).map_err(|error| self.failure(&error.to_string()))?;
        line.push(b'\n');
        let mut state = self.state.lock().await;
        match self.exchange(&mut state, given, &line).await {
            Ok(said) => said,
            Err(broken) if broken.is_leftover => {
                if !std::mem::replace(&mut state.has_warned, true) {
                    warn(self.named(&format!("{}; it was ended, and a new one started", broken.why)));
                }
                let again = self.exchange(&mut state, given, &line).await;
                again.unwrap_or_else(|broken| Err(self.failure(&broken.why)))
            }
            Err(broken) => Err(self.failure(&broken.why)),
        }
    }

    /// Gives a line to the process that is running, or to a new one. Unless a good reply comes back, it ends.
    async fn exchange(
        &self,
        state: &mut State,
        given: &Given<'_>,
        line: &[u8],
    ) -> Result<Result<Box<RawValue>, Failure>, Broken> {
        let mut running = match state.running.take() {
            Some(running) => running,
            None if state.deaths >= DEATHS => {
                let why = format!(
                    "it ended {DEATHS} times in a row and is not started again; at last {}",
                    state.last_death
                );
                return Err(Broken { why, is_leftover: false });
            }
            None => run(&self.arguments, &self.folder).map_err(|why| Broken { why, is_leftover: false })?,
        };
        let exchanged = tokio::time::timeout(self.limit, running.ask(given, line, self.longest)).await;
        let broken = match exchanged {
            Ok(Ok(reply)) => {
                running.has_replied = true;
                state.running = Some(running);
                state.deaths = 0;
                return Ok(self.read(reply));
            }
            Ok(Err(broken)) => broken,
            Err(_) => Broken { why: format!("it gave nothing within {:?}", self.limit), is_leftover: false },
        };
        state.deaths += 1;
        let why = running.end(&broken.why).await;
        state.last_death.clone_from(&why);
        Err(Broken { why, ..broken })
    }

    fn read(&self, reply: Reply) -> Result<Box<RawValue>, Failure> {
        match (reply.answer, reply.error) {
            (_, Some(why)) => Err(self.failure(&why)),
            (Some(answer), None) => Ok(answer),
            // Checked when it was read.
            (None, None) => Err(self.failure("its reply has neither `answer` nor `error`")),
        }
    }

    fn failure(&self, why: &str) -> Failure {
        Failure::lasting(Kind::Pipe, self.named(why))
    }

    fn named(&self, why: &str) -> String {
        let program = self.arguments.first().map_or("pipe", String::as_str);
        format!("{program}: {why}")
    }
}

impl Running {
    /// Gives a line, and takes the reply to it.
    async fn ask(&mut self, given: &Given<'_>, line: &[u8], longest: u64) -> Result<Reply, Broken> {
        let is_leftover = self.has_replied;
        if self.has_written().await {
            let why = "it wrote more than one line for an answer".to_owned();
            return Err(Broken { why, is_leftover });
        }
        let said = self.exchange(line, longest).await;
        let said = said.map_err(|why| Broken { why, is_leftover: false })?;
        let reply = given.reply(&said).map_err(|why| Broken { why, is_leftover })?;
        match self.out_of.buffer() {
            [] => Ok(reply),
            more => {
                let why = format!("it wrote more than its reply: {}", shown(more));
                Err(Broken { why, is_leftover: false })
            }
        }
    }

    /// Whether there is anything to read before it was asked. What has not arrived yet is found by what it names.
    async fn has_written(&mut self) -> bool {
        if !self.has_replied {
            // What it writes first is the first line that is read.
            return false;
        }
        poll_fn(|context| match Pin::new(&mut self.out_of).poll_fill_buf(context) {
            Poll::Ready(Ok(bytes)) => Poll::Ready(!bytes.is_empty()),
            // An end or an error is met again when it is asked.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(false),
        })
        .await
    }

    /// Gives a line, and takes one. Both at once: a program may write before it has read everything.
    async fn exchange(&mut self, line: &[u8], longest: u64) -> Result<Vec<u8>, String> {
        let give = async {
            self.into.write_all(line).await?;
            self.into.flush().await
        };
        let mut said = Vec::new();
        let mut bounded = (&mut self.out_of).take(longest.saturating_add(1));
        let take = bounded.read_until(b'\n', &mut said);
        tokio::try_join!(give, take).map_err(|error| error.to_string())?;
        match said.last() {
            Some(b'\n') => Ok(said),
            _ if said.len() as u64 > longest => Err(format!("its line has more than {longest} bytes")),
            _ => Err("it ended without an answer".to_owned()),
        }
    }

    /// Ends the process; why, and how it ended if it was by itself.
    async fn end(mut self, why: &str) -> String {
        drop(self.into);
        let ended = tokio::time::timeout(Duration::from_millis(100), self.child.wait()).await;
        match ended {
            Ok(Ok(status)) if !status.success() => format!("{why}: {status}"),
            Ok(_) => why.to_owned(),
            Err(_) => {
                // It is killed with its handle as well.
                let _ = self.child.kill().await;
                why.to_owned()
            }
        }
    }
}

impl Given<'_> {
    /// The reply that a line is, if it is the reply to this.
    fn reply(&self, line: &[u8]) -> Result<Reply, String> {
        let (wanted, shown) = (self.wanted(), shown(line));
        let reply: Reply = serde_json::from_slice(line).map_err(|error| {
            format!(
                "it wrote {shown}, which is no reply ({error}): write one line {{{wanted}, \"answer\": …}} or \
                 {{{wanted}, \"error\": …}}, and all else to standard error"
            )
        })?;
        if (reply.ordinal, reply.page) != (self.ordinal, self.page) {
            return Err(format!("it wrote {shown}, and its reply must repeat {wanted}"));
        }
        match (&reply.answer, &reply.error) {
            (Some(_), None) | (None, Some(_)) => Ok(reply),
            _ => Err(format!("it wrote {shown}, and its reply must have one of `answer` and `error`")),
        }
    }

    /// What the reply must repeat.
    fn wanted(&self) -> String {
        let page = self.page.map(|page| format!(", \"page\": {page}")).unwrap_or_default();
        format!("\"ordinal\": {}{page}", self.ordinal)
    }
}

/// How a line that came back begins.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut start: String = text.trim_end().chars().take(SHOWN).collect();
    if text.trim_end().chars().nth(SHOWN).is_some() {
        start.push('…');
    }
    format!("{start:?}")
}

fn run(arguments: &[String], folder: &Path) -> Result<Running, String> {
    let (program, rest) = arguments.split_first().ok_or("names no program")?;
    let mut command = Command::new(program);
    command.args(rest).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child =
        dies_with_us(&mut command).spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let pipes = child.stdin.take().zip(child.stdout.take()).ok_or("has no standard input or output")?;
    Ok(Running { child, into: pipes.0, out_of: BufReader::new(pipes.1), has_replied: false })
}

#[cfg(test)]
mod tests;
