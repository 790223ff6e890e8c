//! The job's own program: answers in, JSON out, a line each.
//!
//! ```text
//! windrow → program   {"ordinal":7,"endpoint":"page","input":{"id":"x"},"status":200,"body":"<html>…"}
//! program → windrow   {"answer": …any JSON…}   or   {"error":"what is wrong with this answer"}
//! ```
//!
//! Promises:
//!
//! - One process per shard and endpoint, started before the first request: a program that is not there ends the
//!   shard, not each of its records.
//! - It is given one answer at a time, so that a death is the fault of that answer: its pair fails with kind
//!   `pipe`, and the next one meets a new process. After [`DEATHS`] deaths in a row no new one is started.
//! - Bounded: an answer takes at most the endpoint's `timeout`, a line that comes back has at most `max_body`
//!   bytes. Fetching goes on meanwhile.
//! - What it writes to standard error is in the shard's log. It never outlives the shard's process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::os::dies_with_us;
use crate::record::{Failure, Kind, Ordinal};

/// Deaths in a row after which the program is not started again.
const DEATHS: u32 = 20;

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
    /// Since the last line that came back.
    deaths: u32,
}

struct Running {
    child: Child,
    into: ChildStdin,
    out_of: BufReader<ChildStdout>,
}

/// What the program is given.
#[derive(Debug, Serialize)]
pub(super) struct Given<'a> {
    pub(super) ordinal: Ordinal,
    pub(super) endpoint: &'a str,
    /// The record's columns of the input.
    pub(super) input: &'a RawValue,
    pub(super) status: u16,
    pub(super) body: &'a str,
}

/// What comes back.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Answer(Box<RawValue>),
    Error(String),
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
        let state = Mutex::new(State { running: Some(running), deaths: 0 });
        Ok(Pipe { arguments: arguments.to_vec(), folder: folder.to_owned(), limit, longest, state })
    }

    /// The JSON that the program makes of an answer.
    pub(super) async fn answer(&self, given: &Given<'_>) -> Result<Box<RawValue>, Failure> {
        let mut line = serde_json::to_vec(given).map_err(|error| self.failure(&error.to_string()))?;
        line.push(b'\n');
        let mut state = self.state.lock().await;
        let mut running = match state.running.take() {
            Some(running) => running,
            None if state.deaths >= DEATHS => {
                return Err(
                    self.failure(&format!("it died {DEATHS} times in a row and is not started again"))
                );
            }
            None => run(&self.arguments, &self.folder).map_err(|why| self.failure(&why))?,
        };
        match tokio::time::timeout(self.limit, running.exchange(&line, self.longest)).await {
            Ok(Ok(said)) => {
                *state = State { running: Some(running), deaths: 0 };
                self.read(&said)
            }
            Ok(Err(why)) => {
                state.deaths += 1;
                Err(self.failure(&running.end(&why).await))
            }
            Err(_) => {
                state.deaths += 1;
                let why = format!("it gave nothing within {:?}", self.limit);
                Err(self.failure(&running.end(&why).await))
            }
        }
    }

    fn read(&self, line: &[u8]) -> Result<Box<RawValue>, Failure> {
        match serde_json::from_slice(line) {
            Ok(Said::Answer(answer)) => Ok(answer),
            Ok(Said::Error(why)) => Err(self.failure(&why)),
            Err(error) => {
                let shown: String = String::from_utf8_lossy(line).chars().take(80).collect();
                Err(self.failure(&format!(
                    "it must write a line {{\"answer\": …}} or {{\"error\": …}}, but wrote {shown:?} ({error})"
                )))
            }
        }
    }

    fn failure(&self, why: &str) -> Failure {
        let program = self.arguments.first().map_or("pipe", String::as_str);
        Failure::lasting(Kind::Pipe, format!("{program}: {why}"))
    }
}

impl Running {
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

fn run(arguments: &[String], folder: &Path) -> Result<Running, String> {
    let (program, rest) = arguments.split_first().ok_or("names no program")?;
    let mut command = Command::new(program);
    command.args(rest).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child =
        dies_with_us(&mut command).spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let pipes = child.stdin.take().zip(child.stdout.take()).ok_or("has no standard input or output")?;
    Ok(Running { child, into: pipes.0, out_of: BufReader::new(pipes.1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each line by what a Python expression makes of `asked`.
    fn python(body: &str) -> Pipe {
        let program = format!(
            "import sys, json, os, time\nfor line in sys.stdin:\n    asked = json.loads(line)\n    {body}"
        );
        let arguments = ["python3", "-u", "-c", &program].map(str::to_owned);
        Pipe::start(&arguments, Path::new("/"), Duration::from_secs(5), 1000).unwrap()
    }

    async fn ask(pipe: &Pipe, body: &str) -> Result<String, String> {
        let input = RawValue::from_string(r#"{"id":"a"}"#.to_owned()).unwrap();
        let given = Given { ordinal: 3, endpoint: "page", input: &input, status: 200, body };
        let said = pipe.answer(&given).await;
        said.map(|answer| answer.get().to_owned()).map_err(|failure| {
            assert_eq!((failure.kind, failure.worth_repeating), (Kind::Pipe, false));
            failure.detail
        })
    }

    #[tokio::test]
    async fn answers_come_back_in_order() {
        let pipe = python("print(json.dumps({'answer': [asked['ordinal'], asked['input'], asked['body']]}))");
        for body in ["x", "é\"\n", ""] {
            let expected = serde_json::json!([3, {"id": "a"}, body]);
            let said = ask(&pipe, body).await.unwrap();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&said).unwrap(), expected);
        }
        assert_eq!(ask(&python("print('{\"answer\": null}')"), "").await.unwrap(), "null");
    }

    #[tokio::test]
    async fn an_error_and_a_wrong_line_are_failures_and_the_program_goes_on() {
        let pipe = python("print(json.dumps({'error': 'no price'}) if asked['body'] else 'hello')");
        assert_eq!(ask(&pipe, "x").await.unwrap_err(), "python3: no price");
        assert!(ask(&pipe, "").await.unwrap_err().contains("but wrote \"hello\\n\""));
        assert_eq!(ask(&pipe, "x").await.unwrap_err(), "python3: no price");
    }

    #[tokio::test]
    async fn a_death_fails_the_answer_that_it_died_over_and_no_other() {
        let pipe =
            python("os._exit(7) if asked['body'] == 'bomb' else print(json.dumps({'answer': os.getpid()}))");
        let before = ask(&pipe, "x").await.unwrap();
        assert!(
            ask(&pipe, "bomb").await.unwrap_err().ends_with("it ended without an answer: exit status: 7")
        );
        assert_ne!(ask(&pipe, "x").await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_program_that_always_dies_is_not_started_for_ever() {
        let pipe = python("os._exit(1)");
        for _ in 0..DEATHS {
            assert!(ask(&pipe, "x").await.unwrap_err().contains("ended without"));
        }
        assert!(ask(&pipe, "x").await.unwrap_err().contains("is not started again"));
    }

    #[tokio::test]
    async fn time_and_length_are_bounded() {
        let mut slow = python("time.sleep(60)");
        slow.limit = Duration::from_millis(200);
        assert_eq!(ask(&slow, "x").await.unwrap_err(), "python3: it gave nothing within 200ms");
        let long = python("print(json.dumps({'answer': 'x' * 2000}))");
        assert_eq!(ask(&long, "x").await.unwrap_err(), "python3: its line has more than 1000 bytes");
    }

    #[tokio::test]
    async fn a_large_answer_does_not_block_a_program_that_writes_first() {
        let pipe = Pipe::start(
            &["sh", "-c", "while printf '{\"answer\":1}\\n' && read -r line; do :; done"].map(str::to_owned),
            Path::new("/"),
            Duration::from_secs(10),
            1000,
        );
        assert_eq!(ask(&pipe.unwrap(), &"x".repeat(1 << 20)).await.unwrap(), "1");
    }

    #[test]
    fn a_program_that_is_not_there_is_told_before_anything_is_asked() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let started = runtime.block_on(async {
            Pipe::start(&["no-such-program".to_owned()], Path::new("/"), Duration::from_secs(1), 1).err()
        });
        assert!(started.unwrap().starts_with("cannot be started: "));
    }
}
