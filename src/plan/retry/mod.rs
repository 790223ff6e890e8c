//! One more round: the pairs that all rounds so far have left failed or waiting.
//!
//! A pair counts as it ended in the highest round that planned it; one that its `when` left out is settled, one that was
//! not asked because what it depends on failed waits for that. What depends on a pair that is asked again is asked
//! again with it; what it depends on and is not asked again comes along as a column of the frozen input.
//! Round 0 holds every record, so the run is gone through by the shards of round 0, together with what later rounds
//! say of the same records: memory holds one such shard.

use polars::prelude::*;

mod carry;
mod filter;
mod history;
mod pairs;

pub use filter::{RetryFilter, StatusFilter};

use self::carry::{Asked, Carried};
use self::filter::Passes;
use self::history::History;
use self::pairs::Pairs;
use super::spool::Spool;
use super::write::{Frames, together, write_shards};
use super::{Cut, PlanError, PlanOptions};
use crate::handoff::VERSION;
use crate::handoff::{Exit, Plan, Round, RunStore, Shard, input};
use crate::job::Job;
use crate::record::Ordinal;
use crate::value::{self, Field, Value};

/// Characters of a value that a person is shown.
const SHOWN: usize = 40;

/// Records of a batch of the spool.
const BATCH: usize = 1 << 16;

/// Why there can be no further round.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// A shard has blocks without a commit.
    #[error(
        "shard {shard} is not finished: {open} of its {blocks} blocks are not committed\nhint: `windrow run` or `windrow shard RUN {shard}` finishes it"
    )]
    Unfinished {
        /// The shard.
        shard: u32,
        /// Blocks without a commit.
        open: usize,
        /// Its blocks.
        blocks: usize,
    },
    /// The job has other endpoints than the run.
    #[error(
        "the job's endpoints are not those that the run was planned with\nhint: `windrow run --new` starts afresh"
    )]
    OtherEndpoints,
    /// A commit names no requests.
    #[error("the commit of block {first} of shard {shard} names no requests chunk")]
    NoLedger {
        /// The shard.
        shard: u32,
        /// The block.
        first: Ordinal,
    },
    /// A line of a ledger cannot be read.
    #[error("line {row} of the requests of block {first} of shard {shard} is damaged")]
    Line {
        /// The shard.
        shard: u32,
        /// The block.
        first: Ordinal,
        /// The line, from 0.
        row: usize,
    },
    /// A planned pair has no line in any ledger.
    #[error("record {ordinal} has no line for endpoint {endpoint} in the requests")]
    Unaccounted {
        /// The record.
        ordinal: Ordinal,
        /// The endpoint.
        endpoint: String,
    },
}

impl RetryError {
    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        match self {
            RetryError::Unfinished { .. } | RetryError::OtherEndpoints => Exit::Usage,
            RetryError::NoLedger { .. } | RetryError::Line { .. } | RetryError::Unaccounted { .. } => {
                Exit::Integrity
            }
        }
    }
}

/// Adds a round to a run whose rounds are all committed, and returns it; `None` where nothing is left to ask.
///
/// `job` is the run's own, as frozen. Temporary files lie in the run's folder, without a name.
///
/// # Errors
/// A shard that is not finished; a ledger, chunk or input that is not whole; files.
pub async fn write_retry(
    job: &Job,
    run: &RunStore,
    filter: &RetryFilter,
    options: &PlanOptions,
) -> Result<Option<Round>, PlanError> {
    write_further(job, run, &|pair| filter.passes(pair), options, false).await
}

/// Adds a round in which nobody is asked: what could not be made of an answer is made of it as `job` says, which is the
/// run's own as it was last taken up. `None` where no pair failed so.
///
/// # Errors
/// As of [`write_retry`].
pub async fn write_remaking(
    job: &Job,
    run: &RunStore,
    options: &PlanOptions,
) -> Result<Option<Round>, PlanError> {
    write_further(job, run, &|pair| filter::may_be_made_anew(job, pair), options, true).await
}

/// A value that a record has in this column of an endpoint by now, whatever of the run is committed; one of these, if only they
/// matter. In words, for people.
pub async fn has_value(
    run: &RunStore,
    plan: &Plan,
    endpoint: usize,
    column: usize,
    which: Option<&[Value]>,
) -> Result<Option<String>, PlanError> {
    let rounds = run.rounds().await?;
    let planned = &plan.endpoints[endpoint];
    let name = plan.answer_names(endpoint).swap_remove(plan.id_columns + column);
    let field = Field { name, ty: planned.columns[column].ty };
    let counts = |value: &Value| which.is_none_or(|which| which.contains(value));
    let found = History::unproven(run, &rounds).find_value(&planned.name, &field, counts).await?;
    Ok(found.map(|value| format!("{:?}", value::cut(&value::spelled(&value, field.ty), SHOWN))))
}

async fn write_further(
    job: &Job,
    run: &RunStore,
    passes: Passes<'_>,
    options: &PlanOptions,
    from_kept: bool,
) -> Result<Option<Round>, PlanError> {
    let plan = run.plan().await?;
    same_endpoints(job, &plan)?;
    let rounds = run.rounds().await?;
    let history = History::of(run, &rounds).await?;
    let gathering = Gathering { job, plan: &plan, history, passes, carried: carry::carried(job, &plan) };
    let spool = gathering.spool().await?;
    if spool.records() == 0 {
        return Ok(None);
    }
    let cut = if plan.trial {
        Cut::whole(spool.records())
    } else {
        Cut::of(spool.records(), options.cores, job.settings.shard_size, together(job))
    };
    let mut records = Frames::of(&spool, Box::new(|_| true));
    let shards = write_shards(run, &cut, next_shard(&rounds), |count| records.take(count)).await?;
    let number = rounds.len() as u32;
    let round = Round { version: VERSION, number, created_at: options.now_micros, shards, from_kept };
    run.put_round(&round).await?;
    Ok(Some(round))
}

/// What is needed to gather the records of a retry.
struct Gathering<'a> {
    job: &'a Job,
    plan: &'a Plan,
    history: History<'a>,
    passes: Passes<'a>,
    carried: Vec<Carried>,
}

impl Gathering<'_> {
    /// The records of the retry as they are to be frozen.
    async fn spool(&self) -> Result<Spool, PlanError> {
        let mut spool = Spool::new(self.history.run.folder());
        for shard in self.history.rounds.first().map_or(&[][..], |round| &round.shards) {
            let Some(records) = self.of_shard(shard).await? else { continue };
            for start in (0..records.height()).step_by(BATCH) {
                spool.push(records.slice(start as i64, BATCH))?;
            }
        }
        Ok(spool)
    }

    /// The records of a shard of round 0 that are asked again; `None` where there are none.
    async fn of_shard(&self, shard: &Shard) -> Result<Option<DataFrame>, PlanError> {
        let Some(block) = shard.blocks.first() else { return Ok(None) };
        let range = block.first..block.first + shard.records();
        let blocks = self.history.blocks(&range).await?;
        let pairs =
            Pairs::read(&self.history, &blocks, range.clone(), &self.plan.endpoints, self.passes).await?;
        let asks = pairs.asks(&self.job.endpoints);
        let asked: Vec<Asked> = range
            .zip(&asks)
            .filter(|(_, mask)| **mask != 0)
            .map(|(ordinal, mask)| Asked { ordinal, mask: *mask })
            .collect();
        if asked.is_empty() {
            return Ok(None);
        }
        let chosen: Vec<bool> = asks.iter().map(|mask| *mask != 0).collect();
        let lines =
            self.history.input(shard).await?.filter(&BooleanChunked::from_slice("chosen".into(), &chosen))?;
        let mut columns = with_asks(lines, &asked)?;
        for carried in &self.carried {
            let endpoint = carried.source(self.job);
            columns.push(carried.column(&self.history, &blocks, &pairs, &asked, endpoint).await?);
        }
        Ok(Some(DataFrame::new(asked.len(), columns)?))
    }
}

/// The columns of a frozen input, with other masks.
fn with_asks(mut lines: DataFrame, asked: &[Asked]) -> PolarsResult<Vec<Column>> {
    let masks: Vec<i64> = asked.iter().map(|asked| asked.mask as i64).collect();
    lines.replace(input::ASK, Int64Chunked::from_vec(input::ASK.into(), masks).into_column())?;
    Ok(lines.into_columns())
}

fn same_endpoints(job: &Job, plan: &Plan) -> Result<(), RetryError> {
    let same = job
        .endpoints
        .iter()
        .map(|endpoint| &endpoint.name)
        .eq(plan.endpoints.iter().map(|planned| &planned.name));
    if same { Ok(()) } else { Err(RetryError::OtherEndpoints) }
}

/// The number after the highest.
fn next_shard(rounds: &[Round]) -> u32 {
    rounds.iter().flat_map(|round| &round.shards).map(|shard| shard.number + 1).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
