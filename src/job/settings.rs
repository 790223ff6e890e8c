//! `[job]`: how runs are cut, paced and resumed.

use std::net::SocketAddr;
use std::time::Duration;

use super::answer::KeepAnswers;
use super::schedule::Schedule;

/// How runs are cut, paced and resumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Format of the rows' chunk files.
    pub chunks: ChunkFormat,
    /// Which answers are kept beside the rows. Default: those of pairs that failed.
    pub keep_answers: KeepAnswers,
    /// Most records of one shard; by default 250,000.
    pub shard_size: u64,
    /// Requests in flight at once, over all shards of the run. Default 128.
    pub in_flight: u32,
    /// Further rounds that `run` makes by itself over what failed and is worth repeating. Default 1.
    pub retry_rounds: u32,
    /// Age up to which an unfinished run is resumed. Default 7 days.
    pub resume_within: Duration,
    /// What `run` does where input or endpoints have changed since the unfinished run was planned.
    pub on_change: OnChange,
    /// Age from which finished runs are removed, by `windrow prune` and at the end of `run`. `None`: never.
    pub keep_runs: Option<Duration>,
    /// Permissions of the folders of runs, as for `chmod`. By default the user's alone.
    pub runs_permissions: u32,
    /// How long a host that does not answer is waited for before its records are left to the end. Default 5 minutes.
    pub patience: Duration,
    /// Where `windrow work` tells how it is, over HTTP. `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// When `windrow serve` runs the job. `None`: others do.
    pub schedule: Option<Schedule>,
}

/// What to do about an unfinished run of other input or endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    /// Say what differs and start a new run (the default).
    New,
    /// Say what differs and stop.
    Stop,
}

/// Format of the rows' chunk files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkFormat {
    /// Apache Parquet (the default).
    Parquet,
    /// RFC 4180 with a header line; null is an unquoted empty field, empty text is `""`.
    Csv,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            chunks: ChunkFormat::Parquet,
            keep_answers: KeepAnswers::Failed,
            shard_size: 250_000,
            in_flight: 128,
            retry_rounds: 1,
            resume_within: Duration::from_secs(7 * 24 * 60 * 60),
            on_change: OnChange::New,
            keep_runs: None,
            runs_permissions: 0o700,
            patience: Duration::from_secs(5 * 60),
            listen: None,
            schedule: None,
        }
    }
}
