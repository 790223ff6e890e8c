//! One shard, fetched in this process: open blocks, ask, extract, commit.
//!
//! Promises:
//!
//! - Every planned pair of a committed block has exactly one ledger line, whatever happened to it.
//! - Committed blocks are skipped; a block counts from the moment its commit exists
//!   ([`handoff::commit`](crate::handoff::commit)), and only [`OPEN_BLOCKS`] are open at a time.
//! - One process works on a shard at a time, and ends with [`ShardEnd::Committed`] only when every block is committed. Two
//!   that do not see each other's locks, on two machines, do no harm: each block is committed once.
//! - A block without one answer, whose failures are all worth repeating, is not committed: the shard gives up,
//!   ends with [`ShardEnd::GaveUp`], and its rerun asks again. Unless it is plain that the server is well and
//!   the records are not (see `finish`), or that other hosts of the run are there and the block's are not (`others`):
//!   those end as failed, or are left to the next round. While it is not known yet whether others are there, the block is
//!   set aside until the end of the shard.
//! - Where an origin refuses the job's secrets the shard stops; what was refused is not settled, but left to a later round
//!   or not committed.
//! - When told to stop, nothing new is asked; what is in flight is finished, what was not asked waits.
//! - When little of the shard is left ([`Event::Finishing`]) it has few requests in flight to its end, so that another shard
//!   may have the others.
//! - No request waits for a file: blocks are encoded and written beside the requests of the next ones.
//!
//! Everything runs on one thread (a child per core is the parallelism), so the `board` needs no locks; only
//! encoding runs on another thread. Lanes (see `lane`) take pairs from the board until none is left.
//!
//! | of a pair | by |
//! |---|---|
//! | which is next, and with whom it shares a request | `board` |
//! | is it asked at all? | `unasked`, `condition` (`when`) |
//! | leave to send, from the budgets that all processes share | `pace` |
//! | are the job's secrets accepted? | `credentials` |
//! | what the lanes share | `work` |
//! | one after the other, page after page | `lane`, `answering` |
//! | several in one request | `together` |
//! | the job's own program | `pipe` |
//! | answers kept beside the rows | `keep` |
//! | an earlier run's answers in place of requests | `replay` |
//! | do other hosts answer, where its own does not? | `others` |
//! | does its own answer what it answered before? | `probe` |
//! | does the job's own code end? | `watchdog` |
//! | its block encoded, written, committed | `finish` |

mod answering;
mod board;
mod closing;
mod condition;
mod counter;
mod credentials;
mod finish;
mod held;
mod hosts;
mod keep;
mod lane;
mod lock;
mod others;
mod output;
mod pace;
mod pair;
mod pipe;
mod probe;
mod received;
mod recipe;
mod replay;
mod sender;
mod together;
mod unasked;
mod watchdog;
mod work;

use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::MissedTickBehavior;

use crate::budget::BudgetError;
use crate::fetch::Request;
use crate::handoff::accepted::SecretsAccepted;
use crate::handoff::lock::LockError;
use crate::handoff::{Event, Exit, HandoffError, Plan, RunStore, Shard, digest};
use crate::job::Job;
use crate::os::{Slot, Stop, open_files};
use crate::record::Ordinal;
use crate::secrets::Secrets;

pub use crate::handoff::OPEN_BLOCKS;
use output::Output;
pub use received::{OnAnswer, Received};
pub use replay::Replay;
use unasked::Drain;
pub use watchdog::watch;
use work::Work;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// How often it is looked at what other processes do with the budgets that all share.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Files besides connections that a process has open: logs, chunks, limits, libraries.
const FILES: u64 = 64;

/// Those of hosts, where it asks several.
const FILES_OF_HOSTS: u64 = 320;

/// How a shard is to be worked.
pub struct ShardOptions {
    /// The round that the shard belongs to.
    pub round: u32,
    /// Whether this is the last that a run does about what failed: then it has failed, even where nobody is there to
    /// answer. Otherwise such a block is not committed, so that a rerun asks again.
    pub settles: bool,
    /// Requests in flight at once.
    pub in_flight: usize,
    /// Requests that may be sent altogether.
    pub max_requests: Option<u64>,
    /// Pairs that ended this shard's process before, by ordinal and endpoint: they fail without being asked.
    pub crashed: Vec<(Ordinal, String)>,
    /// Says what is being worked on.
    pub slot: Slot,
    /// Values of `${NAME}`.
    pub secrets: Secrets,
    /// What the command's processes know of whether the secrets are accepted; `None`: refusals are the records' own.
    pub secrets_accepted: Option<SecretsAccepted>,
    /// Is shown every request before it is sent, if anybody wants to see, and may end the work there: neither this nor any
    /// other is sent then.
    pub on_request: Option<OnRequest>,
    /// Is shown the beginning of every answer, if anybody wants to see.
    pub on_answer: Option<OnAnswer>,
    /// An earlier run whose answers stand for requests.
    pub replay: Option<Replay>,
}

/// Looks at a request that is about to be sent.
pub type OnRequest = Box<dyn Fn(Sent<'_>) -> ControlFlow<()>>;

/// A request that is about to be sent for the first time.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The record that it is for; of a batch the first.
    pub ordinal: Ordinal,
    /// Index of the endpoint.
    pub endpoint: usize,
    /// What is sent.
    pub request: &'a Request,
}

/// How the work on a shard ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardEnd {
    /// Every block is committed.
    Committed,
    /// Told to stop.
    Interrupted,
    /// The limit on requests is used up, or a quota: then when it renews, in seconds since 1970.
    Paused(Option<u64>),
    /// Nothing succeeds, and repeating may mend it; the text says what was seen.
    GaveUp(String),
    /// The job's secrets are refused; the text says which, and by whom.
    Refused(String),
}

/// Why a shard could not be worked.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Another process works on it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The run's files.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    /// A chunk or the frozen input.
    #[error("shard {shard}: {source}")]
    Chunk {
        /// The shard.
        shard: u32,
        /// Why.
        source: crate::chunk::ChunkError,
    },
    /// The frozen input is not what was planned.
    #[error(
        "the input of shard {0} is not what was planned\nhint: the run is damaged; plan a new one with `windrow run JOB --new`"
    )]
    InputChanged(u32),
    /// The endpoints cannot be asked as the job says.
    #[error("{0}")]
    Job(String),
    /// A limit cannot be shared with other processes.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// A part of the program ended unexpectedly.
    #[error("shard {shard}: {why}")]
    Broken {
        /// The shard.
        shard: u32,
        /// Why.
        why: String,
    },
}

impl WorkerError {
    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        match self {
            WorkerError::Lock(LockError::Held { .. }) => Exit::Locked,
            WorkerError::Lock(LockError::File { .. }) | WorkerError::Budget(_) => Exit::Disk,
            WorkerError::Handoff(error) => error.exit(),
            WorkerError::Chunk { .. } | WorkerError::InputChanged(_) => Exit::Integrity,
            WorkerError::Job(_) => Exit::Usage,
            WorkerError::Broken { .. } => Exit::TryAgain,
        }
    }
}

/// Fetches what is not yet committed of a shard; `emit` is told how it goes.
///
/// Must run on a current-thread runtime.
pub async fn fetch_shard(
    run: &RunStore,
    plan: &Plan,
    job: &Job,
    shard: &Shard,
    options: ShardOptions,
    emit: impl Fn(Event) + 'static,
    stop: watch::Receiver<Stop>,
) -> Result<ShardEnd, WorkerError> {
    run.refuse_strange_shard(shard.number)?;
    let _lock = lock::lock(run, shard.number).await?;
    let committed = run.commits(shard.number).await?;
    let done: u64 =
        committed.values().flat_map(|c| c.tally.values()).map(|t| t.statuses.values().sum::<u64>()).sum();
    let left: Vec<_> =
        shard.blocks.iter().copied().filter(|block| !committed.contains_key(&block.first)).collect();
    emit(Event::Started { shard: shard.number, pairs: shard.pairs, committed: done });
    if left.is_empty() {
        sweep(run, shard).await;
        return Ok(ShardEnd::Committed);
    }
    let input = frozen_input(run, shard).await?;
    let files = open_files();
    let in_flight = options.in_flight.min(most_in_flight(files, job.asks_several_hosts()));
    if in_flight < options.in_flight {
        let text = format!(
            "{in_flight} requests at a time instead of {}, since a process may have no more than {files} files open \
             (`ulimit -n`)",
            options.in_flight
        );
        emit(Event::Warning { text });
    }
    let options = ShardOptions { in_flight, ..options };
    let output = Output::new(run, plan, shard.number, options.round);
    let work = Work::new(output, job, input, left, options, Box::new(emit))?;
    let end = LocalSet::new().run_until(work_through(Rc::new(work), in_flight, stop)).await?;
    if end == ShardEnd::Committed {
        sweep(run, shard).await;
    }
    Ok(end)
}

/// Removes what processes that died, or lost against another, have left of a shard that is done.
async fn sweep(run: &RunStore, shard: &Shard) {
    // What stays behind is in nobody's way.
    let _ = run.sweep(shard.number, shard.blocks.iter().map(|block| block.first)).await;
}

/// How many requests a process that may open `files` files can have in flight: each has a connection, twice as many connections
/// may lie unused, and each host of several has a file of its own.
fn most_in_flight(files: u64, asks_several_hosts: bool) -> usize {
    let others = FILES + if asks_several_hosts { FILES_OF_HOSTS } else { 0 };
    usize::try_from(files.saturating_sub(others) / 3).unwrap_or(usize::MAX).max(1)
}

/// The frozen lines, proven to be the planned ones.
async fn frozen_input(run: &RunStore, shard: &Shard) -> Result<Bytes, WorkerError> {
    let input = run.read_shard_file(shard.number, crate::handoff::layout::INPUT).await?;
    if digest::sha256(&input) == shard.input_sha256 {
        Ok(input)
    } else {
        Err(WorkerError::InputChanged(shard.number))
    }
}

/// Runs the lanes until nothing is left to do, then says how it ended.
async fn work_through(
    work: Rc<Work>,
    in_flight: usize,
    mut stop: watch::Receiver<Stop>,
) -> Result<ShardEnd, WorkerError> {
    let mut lanes = JoinSet::new();
    for _ in 0..lane::lanes_for(in_flight) {
        lanes.spawn_local(lane::lane(work.clone()));
    }
    let mut tick = tokio::time::interval(PROGRESS_EVERY);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listening = true;
    loop {
        tokio::select! {
            lane = lanes.join_next() => match lane {
                None => break,
                Some(Ok(())) => {}
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            },
            changed = stop.wait_for(|stop| stop.is_set()), if listening => {
                listening = false;
                if changed.is_ok() {
                    work.drain(Drain::Interrupted);
                }
            }
            _ = tick.tick() => work.tell_progress(),
            _ = look.tick() => {
                work.sender.pace.look();
                work.keep_to_what_is_allowed();
                work.tell_if_finishing();
            }
        }
    }
    work.tell_progress();
    work.ended()
}
