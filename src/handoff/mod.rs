//! Everything that two processes of a run agree on: paths, formats, events, exit codes.
//!
//! A run is a directory of objects. Nobody edits another's file; a file is written once, whole, and every
//! format starts with its version and refuses a newer one.
//!
//! ```text
//! shards/<job>/<run>/
//!   job.toml                                    the job file as it was when the run was planned
//!   plan.json                                   Plan: written last when a run is made; without it there is no run
//!   claimed.json                                ClaimedJobs: the jobs of a queue that it is about, written before the plan
//!   round-000.json                              Round: its shards and their blocks (a retry adds round-001.json …)
//!   job-001.json                                Amendment: the job file as a later command took it up, if any did
//!   00003/input.parquet                         the frozen lines of shard 3, a row group per block
//!   00003/000012000.<attempt>.omdb.parquet      chunk: the rows of endpoint omdb of the block that starts at 12000
//!   00003/000012000.<attempt>.requests.parquet  chunk: the ledger of that block
//!   00003/000012000.<attempt>.answers.parquet   chunk: the answers of that block that are kept, if any
//!   00003/000012000.json                        Commit: created only if absent; the block is done when it exists
//!   merged.json                                 Outcome: the run is finished, published or refused
//!   pulse.jsonl                                 Pulse: how a command that worked the run went, second by second
//!   summary.json                                Summary: how the last command on the run ended, for programs; never read
//!   publishing.json                             Publishing: while a command publishes, until it has said what came of it
//!   run.lock, 00003/shard.lock                  kernel locks, on a local file system only
//!   00003/shard.log                             what the shard's processes wrote to standard error
//!   secrets.accepted                               whether servers accept the job's secrets, while a command works on the run
//!   trial.duckdb                                the table of a trial (`--sample`, `--ids`)
//!   .made-by-windrow                            the folder's [mark], there before all else and removed last
//! shards/<job>/job.lock                         kernel lock of whoever makes the job's runs, or works on them
//! ```
//!
//! All of it is as open as the run's folder, which is its user's alone unless the job says otherwise
//! (`runs_permissions`); what a writer refuses there stands in [`RunStore::refuse_strange`].
//!
//! Shards are numbered through all rounds. A block is named by the ordinal of its first record.
//!
//! # The commit
//!
//! [`RunStore::commit`] is the only authority on what a block's answers are, and the first one wins; see
//! [`commit`] for the steps and the table of what a death between them costs.

pub mod accepted;
mod amendment;
mod claimed;
pub mod commit;
mod counts;
pub mod digest;
mod error;
pub mod event;
pub mod exit;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod guard;
mod hold;
pub mod input;
mod latencies;
pub mod layout;
pub mod ledger;
pub mod lock;
pub mod mark;
pub mod names;
pub mod plan;
mod pulse;
pub mod refused;
pub mod runs;
mod seal;
pub mod store;
mod strange;
pub mod summary;
mod sweep;

pub use crate::job::StateOfRun;
pub use claimed::{ClaimedJob, ClaimedJobs};
pub use commit::{ChunkFile, Commit, Committed, Content, Tally};
pub use counts::{Counts, Pairs};
pub use error::HandoffError;
pub use event::Event;
pub use exit::{Exit, ExitMeaning};
pub use hold::Hold;
pub use latencies::Latencies;
pub use plan::{Amendment, Block, FileMark, Outcome, Plan, PlannedEndpoint, Publishing, Round, Shard};
pub use pulse::{AtWork, Held, LatencyMs, PULSE_VERSION, Phase, Pulse, QuotaLeft, last_pulse};
pub use refused::RefusedRow;
pub use store::RunStore;
pub use summary::Summary;

/// Blocks that a process has open at once: enough that one slow answer does not hold up the rest, few enough that a
/// crash costs little.
pub const OPEN_BLOCKS: usize = 8;

/// The version that this windrow writes into every format, and the newest that it reads.
pub const VERSION: u32 = 1;
