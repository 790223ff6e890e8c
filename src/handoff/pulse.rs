//! A snapshot of a run at work: shown on the terminal, and appended to `pulse.jsonl` in the run's folder, for a person at another
//! terminal and for a report. Nothing reads it back as the state of a run.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::counts::Pairs;
use super::hold::Hold;
use super::layout;
use crate::os::without_links;

/// Bytes at the end of the file in which its last line is looked for: a job with a thousand shards at work has longer lines
/// than anybody reads.
const END: u64 = 256 << 10;

/// The version of [`Pulse`] that this windrow writes, and the newest that it reads.
pub const PULSE_VERSION: u32 = 1;

/// How a round of a run goes. Counts are those of the round; times are of the command that works it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    /// [`PULSE_VERSION`].
    pub version: u32,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// The job.
    pub job: String,
    /// The run.
    pub run: String,
    /// The round.
    pub round: u32,
    /// What is being done.
    pub phase: Phase,
    /// Seconds since the round was begun or continued.
    pub seconds: f64,
    /// Questions of the round: a record and an endpoint each.
    pub planned: u64,
    /// What became of those that ended: `done` counts those of earlier commands as well, the others do not.
    #[serde(flatten)]
    pub pairs: Pairs,
    /// HTTP requests sent.
    pub sent: u64,
    /// Questions that ended in a second, lately.
    pub rate: f64,
    /// Requests in flight now.
    pub in_flight: u64,
    /// How long answers took in the last minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyMs>,
    /// What holds the run back now, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// What held it so far, and does now, in the order in which it did first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Held>,
    /// How long it will still take, where that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<f64>,
    /// The quota that will not do for the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaLeft>,
    /// Shards of the round.
    pub shards: u64,
    /// Those that are committed.
    pub shards_done: u64,
    /// Those at work.
    pub at_work: Vec<AtWork>,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Requests are sent.
    Fetching,
    /// A signal has come: what is in flight is finished, nothing new is asked.
    Finishing,
    /// No process works on it any more.
    Ended,
    /// A quota is used up, and the next is waited for.
    Waiting,
    /// It is checked that nothing of the run is missing.
    Proving,
    /// Its rows are loaded.
    Loading,
}

/// Times within which answers came, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatencyMs {
    /// Half of them.
    pub p50: f64,
    /// 95 of a hundred.
    pub p95: f64,
}

/// Something that held a run back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// What; its own times are those of the last time.
    #[serde(flatten)]
    pub hold: Hold,
    /// How often.
    pub times: u32,
    /// How long, in all.
    pub seconds: f64,
}

/// What is left of a quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLeft {
    /// The limit whose quota it is.
    pub name: String,
    /// Requests, or units of cost.
    pub left: u64,
    /// Of so many.
    pub of: u64,
    /// When it renews, in seconds since 1970.
    pub renews_at: u64,
}

/// A shard at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtWork {
    /// Its number.
    pub shard: u32,
    /// How much of it is done, of a hundred.
    pub percent: u64,
}

/// The last pulse of the run in a folder; `None` where there is none that this windrow can read.
///
/// # Errors
/// Its file is there and cannot be read.
pub fn last_pulse(run: &Path) -> io::Result<Option<Pulse>> {
    let mut file = match without_links(OpenOptions::new().read(true)).open(run.join(layout::PULSE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end)?;
    // One that is being written, or was not written to its end, is no line yet.
    let lines = end.rsplit(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_is_the_last_pulse() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(last_pulse(folder.path()).unwrap(), None);
        let pulse = |second: f64| Pulse {
            version: PULSE_VERSION,
            at: "2026-11-30T07:10:00Z".into(),
            job: "films".into(),
            run: "1".into(),
            round: 0,
            phase: Phase::Fetching,
            seconds: second,
            planned: 10,
            pairs: Pairs { done: 3, ..Pairs::default() },
            sent: 4,
            rate: 1.5,
            in_flight: 1,
            latency: Some(LatencyMs { p50: 1.0, p95: 2.0 }),
            hold: Some(Hold::Cpu),
            holds: vec![Held { hold: Hold::InFlight { most: 3 }, times: 1, seconds: 0.5 }],
            seconds_left: Some(7.0),
            quota: None,
            shards: 2,
            shards_done: 1,
            at_work: vec![AtWork { shard: 1, percent: 30 }],
        };
        let line = |second: f64| serde_json::to_string(&pulse(second)).unwrap() + "\n";
        let write = |text: &str| std::fs::write(folder.path().join(layout::PULSE), text).unwrap();
        write(&(line(1.0) + &line(2.0)));
        assert_eq!(last_pulse(folder.path()).unwrap(), Some(pulse(2.0)));
        write(&(line(1.0) + &line(2.0)[..30]));
        assert_eq!(last_pulse(folder.path()).unwrap(), Some(pulse(1.0)), "the process was killed");
        write(&(line(1.0).repeat(10_000) + &line(2.0)));
        assert_eq!(last_pulse(folder.path()).unwrap(), Some(pulse(2.0)));
        write("no pulse\n");
        assert_eq!(last_pulse(folder.path()).unwrap(), None);
    }
}
