//! What a run does, from a job to the value of how it ended: choosing the run to continue, planning, working the rounds,
//! pausing, publishing, finding out what became of a publication, asking again, extracting again, removing old runs.
//!
//! Promises:
//!
//! - Nothing here reads a command line or writes for people. Who calls says what is wanted ([`RunOptions`]), is told what
//!   the run comes to while it goes ([`Watcher`]), and gets a value in the end ([`Ended`]) or an error ([`RunnerError`]).
//! - One process works on a job at a time, and on a run: both are held from the first look to the value's end. A queue is worked
//!   by as many as there are ([`work`](fn@work)): the database says who has which job.
//! - A run that is published is not published again, whatever died when (`settle`).

mod amend;
mod choose;
mod course;
mod env_file;
mod error;
mod extract;
mod folders;
mod jobs;
mod live;
mod merge;
mod milestone;
mod notify;
mod outcome;
mod pause;
mod prune;
mod queue;
mod remake;
mod rest;
mod retry;
mod round;
mod rounds;
mod run;
mod samples;
mod settle;
mod shard;
mod state;
mod trial;
mod work;

pub use choose::{Choice, Trial, choose, plan_new};
pub use course::{Course, Follower, Subject, Totals};
pub use env_file::add_variables;
pub use error::RunnerError;
pub use extract::extract;
pub use jobs::{check_secrets, mask, planned_job, secrets};
pub use live::{LiveRun, Purpose};
pub use merge::{MergeOptions, merge};
pub use milestone::{Again, Milestone, Watcher};
pub use notify::notify;
pub use outcome::{Ended, Fetched, Part, RunEnd, Unfinished};
pub use prune::{Gone, Rule, Swept, after_run, sweep, would_go};
pub use queue::{FailedJobs, QueueLook, RequeueFilter, kind_of_failure};
pub use remake::ExtractOptions;
pub use rest::{Rest, price_of};
pub use retry::{AskedAgain, RetryOptions, retry};
pub use round::{FetchOptions, cores};
pub use rounds::worth_another_round;
pub use run::{RunOptions, run};
pub use samples::{SampledAnswers, sample_answers};
pub use shard::PlannedShard;
pub use state::{RunState, ShardState, Standing, tallies};
pub use trial::{Asking, ask, id_columns, kept_answers, plan_kept};
pub use work::{WorkEvent, WorkOptions, WorkWatcher, work};

#[cfg(test)]
mod tests;
