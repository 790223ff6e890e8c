//! One child process: started, listened to, waited for.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;

use crate::handoff::{Event, Exit, layout};
use crate::os::{Slot, mode_of, permit, shared_slot, without_links};
use crate::record::Ordinal;

/// Lines of a crashed child's log that are shown.
const LOG_LINES: usize = 3;

/// Most bytes of a shard's log, and how many of the last stay of one that has grown beyond them: a program of the job's own
/// may write a line for each answer.
const MOST_LOG: u64 = 8 << 20;
const KEPT_LOG: u64 = 1 << 20;

/// What a child is started with.
pub(super) struct Start<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [OsString],
    pub(super) run: &'a Path,
    pub(super) shard: u32,
    /// Requests that it may ever have in flight.
    pub(super) in_flight: usize,
    /// Those that it may have for now.
    pub(super) allowed: usize,
    pub(super) max_requests: Option<u64>,
    pub(super) crashed: Vec<(Ordinal, String)>,
}

/// What a child does.
#[derive(Debug)]
pub(super) enum Happening {
    /// It told something.
    Told(Event),
    /// It ended.
    Died(Death),
}

/// How a child ended.
#[derive(Debug)]
pub(super) enum Death {
    /// With an exit code of windrow's own.
    Exited(Exit),
    /// By a signal or a panic.
    Crashed {
        /// For a person.
        how: String,
        /// What it was working on.
        suspect: Option<u64>,
        /// The end of its log.
        log: String,
    },
}

/// Starts a child; what it does arrives at `sender`. Returns its process id, and where it is told how many requests it may
/// have in flight.
pub(super) fn start(
    start: &Start<'_>,
    sender: mpsc::UnboundedSender<(u32, Happening)>,
) -> Result<(i32, Slot), std::io::Error> {
    let (file, slot) = shared_slot()?;
    slot.allow(start.allowed);
    let log = start.run.join(layout::shard_folder(start.shard)).join(layout::SHARD_LOG);
    bound_log(&log);
    let log_file = without_links(OpenOptions::new().create(true).append(true)).open(&log)?;
    mode_of(start.run).iter().for_each(|&mode| permit(&log_file, mode));
    let log_start = log_file.metadata()?.len();
    let mut child = command(start)
        .stdin(Stdio::from(file))
        .stdout(Stdio::piped())
        .stderr(Stdio::from(log_file))
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
    let shard = start.shard;
    let stdout = child.stdout.take();
    let its_slot = slot.clone();
    tokio::spawn(async move {
        listen(shard, stdout, &sender, &log).await;
        let death = death(&mut child, &its_slot, &log, log_start).await;
        // The supervisor is there as long as its children are.
        let _ = sender.send((shard, Happening::Died(death)));
    });
    Ok((pid, slot))
}

fn command(start: &Start<'_>) -> Command {
    let mut command = Command::new(start.program);
    command.arg("shard").arg(start.run).arg(start.shard.to_string()).args(start.arguments);
    command.arg("--supervised-by").arg(std::process::id().to_string());
    command.arg("--in-flight").arg(start.in_flight.to_string());
    if let Some(requests) = start.max_requests {
        command.arg("--max-requests").arg(requests.to_string());
    }
    for (ordinal, endpoint) in &start.crashed {
        command.arg("--crashed").arg(format!("{ordinal}:{endpoint}"));
    }
    // Every child is one worker: polars is not to start a thread per core in each.
    command.env("POLARS_MAX_THREADS", "1");
    command
}

/// Passes a child's events on until it closes its standard output. Lines that are no events are left out.
async fn listen(
    shard: u32,
    stdout: Option<ChildStdout>,
    sender: &mpsc::UnboundedSender<(u32, Happening)>,
    log: &Path,
) {
    let Some(stdout) = stdout else { return };
    let mut lines = BufReader::new(stdout).lines();
    // It tells something several times a second.
    while let Ok(Some(line)) = lines.next_line().await {
        bound_log(log);
        if let Ok(event) = serde_json::from_str(&line) {
            let _ = sender.send((shard, Happening::Told(event)));
        }
    }
}

/// Waits for a child's end.
async fn death(child: &mut Child, slot: &Slot, log: &Path, log_start: u64) -> Death {
    let status = child.wait().await;
    if let Ok(status) = &status
        && let Some(exit) = status.code().and_then(Exit::from_code)
    {
        return Death::Exited(exit);
    }
    let log = log_tail(log, log_start);
    let how = match status {
        Ok(status) if is_out_of_memory(status, &log) => OUT_OF_MEMORY.to_owned(),
        Ok(status) => describe(status),
        Err(error) => error.to_string(),
    };
    let hint = if [OUT_OF_MEMORY, KILLED].contains(&how.as_str()) { NEEDS_LESS } else { "" };
    Death::Crashed { suspect: slot.now().map(|(word, _)| word), log: format!("{log}{hint}"), how }
}

const OUT_OF_MEMORY: &str = "out of memory";
/// Nobody else kills a single child with that signal.
const KILLED: &str = "killed by SIGKILL, as the kernel does where memory runs out";
const NEEDS_LESS: &str =
    "\nhint: less memory is needed with a smaller in_flight or max_answer, or with --processes 1";

/// Whether it aborted where the system gave it no more memory: so the standard library says it.
fn is_out_of_memory(status: ExitStatus, log: &str) -> bool {
    status.signal() == Some(Signal::SIGABRT as i32) && log.contains("memory allocation of ")
}

fn describe(status: ExitStatus) -> String {
    let name =
        |number| Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |s| s.to_string());
    match (status.signal(), status.code()) {
        (Some(number), _) if number == Signal::SIGKILL as i32 => KILLED.to_owned(),
        (Some(number), _) => format!("killed by {}", name(number)),
        (None, Some(101)) => "panicked".to_owned(),
        (None, code) => format!("ended with exit code {}", code.unwrap_or_default()),
    }
}

/// Leaves the last of a log that has grown too long. Children append to it: what one writes meanwhile may be lost.
fn bound_log(log: &Path) {
    let is_too_long = std::fs::metadata(log).is_ok_and(|facts| facts.len() > MOST_LOG);
    let cut = || -> std::io::Result<()> {
        let mut file = without_links(OpenOptions::new().read(true).append(true)).open(log)?;
        file.seek(SeekFrom::End(-(KEPT_LOG as i64)))?;
        let mut last = Vec::new();
        (&file).take(MOST_LOG).read_to_end(&mut last)?;
        let line = last.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(0)?;
        file.write_all(b"(earlier lines were left out)\n")?;
        file.write_all(&last[line..])
    };
    if is_too_long {
        // One that cannot be cut is longer.
        let _ = cut();
    }
}

/// The last lines that this child wrote to its log; of all there is, where the log was cut meanwhile.
fn log_tail(log: &Path, from: u64) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes.get(from as usize..).unwrap_or(&bytes)).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_grows_for_ever_keeps_its_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("shard.log");
        // As a child does, which has it open all the time.
        let mut child = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let lines = |from: u32| -> String {
            (from..from + 100_000).map(|number| format!("line {number:020}\n")).collect()
        };
        for round in 0..10 {
            child.write_all(lines(round * 100_000).as_bytes()).unwrap();
            bound_log(&log);
            assert!(std::fs::metadata(&log).unwrap().len() <= MOST_LOG);
        }
        child.write_all(b"the last\n").unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(
            text.starts_with("(earlier lines were left out)\nline 0") && text.ends_with("999999\nthe last\n")
        );
        assert!(text.lines().skip(1).all(|line| line.len() == 25 || line == "the last"), "whole lines");
        assert_eq!(
            log_tail(&log, 100 << 20).lines().last(),
            Some("the last"),
            "its start was cut off meanwhile"
        );
    }

    #[test]
    fn an_end_for_want_of_memory_is_told_as_that() {
        let end_of = |script| std::process::Command::new("sh").args(["-c", script]).status().unwrap();
        let aborted = end_of("kill -ABRT $$");
        assert!(is_out_of_memory(aborted, "a line\nmemory allocation of 1048576 bytes failed"));
        assert!(!is_out_of_memory(aborted, "assertion failed"));
        assert!(!is_out_of_memory(end_of("exit 101"), "memory allocation of 1048576 bytes failed"));
        assert_eq!(describe(aborted), "killed by SIGABRT");
        assert_eq!(describe(end_of("kill -KILL $$")), KILLED);
        assert_eq!(describe(end_of("exit 101")), "panicked");
    }
}
