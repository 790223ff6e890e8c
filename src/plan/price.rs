//! What a run will cost, said before its first request: arithmetic alone.
//!
//! Requests are those that a run without a failure sends for the first page of every answer: pages and repeats come on
//! top, and records that their batch does not answer, which are asked alone: how many that can be is told apart. A
//! budget's time is what it must carry over its rate; `in_flight` alone gives no time, since nobody knows how fast the
//! server answers.
//!
//! The disk is an estimate. The constants below are what the films job's files weigh (22,305 records, endpoints of 33
//! and 6 columns, answers of 1.1 and 0.2 KB), rounded: the estimate is 8 % above what they take, and 4 to 7 % below
//! for 10 and 64 records. Long texts take more, repeated ones less; what explodes takes as much for each of its rows.

use std::time::Duration;

use crate::job::{Cost, Counts, Endpoint, Job, KeepAnswers, Limit, OnAbsent, Part, Rate};

/// Bytes of a block's commit and of its requests' file, before their lines.
const BLOCK: u64 = 5_000;
/// Bytes of a file of rows before its columns.
const FILE: u64 = 600;
/// Bytes of a column in a file before its values: its names, types and statistics.
const COLUMN: u64 = 240;
/// Bytes of a pair's line in the requests.
const LINE: u64 = 16;
/// Bytes of a value.
const VALUE: u64 = 6;
/// Bytes of a kept answer: 1 KB, compressed to a fifth.
const BODY: u64 = 200;

/// What was planned of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frozen {
    /// Records of each block.
    pub blocks: Vec<u64>,
    /// How many of them are asked, by block and endpoint, where that is not all: in a later round.
    pub asked: Option<Vec<Vec<u64>>>,
    /// Bytes of the frozen inputs.
    pub input_bytes: u64,
}

/// What a run will cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// Requests if every `when` holds.
    pub requests: u64,
    /// Those of them that are sent only if a `when` holds.
    pub conditional: u64,
    /// What may come on top, at the most: records that are asked alone, since their batch does not answer them.
    pub alone: u64,
    /// One for each limit that an endpoint draws from, in the order of the file.
    pub budgets: Vec<Budget>,
    /// Indices of the limits that no endpoint draws from by what the job says, where hosts come from the list.
    pub unforeseen: Vec<usize>,
    /// Bytes of the run's folder, about.
    pub disk: u64,
}

/// What a limit must carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Index of the limit in the job.
    pub limit: usize,
    /// Requests, or units of cost, as far as they are known.
    pub load: u64,
    /// Indices of the endpoints whose cost is known only from their answers; it is not part of the load.
    pub untold: Vec<usize>,
    /// How long the load takes at the rate.
    pub time: Option<Duration>,
    /// How often the quota is used up.
    pub quota: Option<QuotaUse>,
}

/// What a run takes of a quota.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuotaUse {
    /// The load over the quota's amount.
    pub share: f64,
    /// What is left of it now, where that is known.
    pub remaining: Option<u64>,
    /// Periods in which the run asks, the present one included.
    pub periods: u64,
}

impl Price {
    /// The price of a job's planned run. `remaining` is what is left of each limit's quota, in the order of the job;
    /// what is not known counts as whole.
    pub fn of(job: &Job, frozen: &Frozen, remaining: &[Option<u64>]) -> Price {
        let requests: Vec<u64> = (0..job.endpoints.len()).map(|at| requests(job, at, frozen)).collect();
        let conditional = conditional(&job.endpoints);
        let left = |limit: usize| remaining.get(limit).copied().flatten();
        let budgets = (0..job.limits.len()).filter_map(|limit| budget(job, limit, &requests, left(limit)));
        let budgets: Vec<Budget> = budgets.collect();
        Price {
            requests: requests.iter().sum(),
            conditional: requests
                .iter()
                .zip(conditional)
                .filter_map(|(&sent, maybe)| maybe.then_some(sent))
                .sum(),
            unforeseen: unforeseen(job, &budgets),
            alone: job.endpoints.iter().map(|endpoint| alone(endpoint, frozen)).sum(),
            budgets,
            disk: disk(job, frozen),
        }
    }

    /// The budget that decides how long the run takes at the least, and that time.
    pub fn longest(&self) -> Option<(&Budget, Duration)> {
        let timed = self.budgets.iter().filter_map(|budget| Some((budget, budget.time?)));
        // Of equals the first in the file.
        timed.rev().max_by_key(|(_, time)| *time)
    }
}

/// Requests of an endpoint if every `when` holds: batches never reach beyond a block.
fn requests(job: &Job, endpoint: usize, frozen: &Frozen) -> u64 {
    let together = job.endpoints[endpoint].batch.as_ref().map_or(1, |batch| u64::from(batch.size.max(1)));
    let requests = |asked: u64| asked.div_ceil(together);
    match &frozen.asked {
        None => frozen.blocks.iter().copied().map(requests).sum(),
        Some(asked) => asked.iter().map(|block| requests(block[endpoint])).sum(),
    }
}

/// Most requests of an endpoint for records that their batch does not answer: each of a batch that had company.
fn alone(endpoint: &Endpoint, frozen: &Frozen) -> u64 {
    let Some(batch) = endpoint.batch.as_ref().filter(|batch| batch.on_absent == OnAbsent::Alone) else {
        return 0;
    };
    let size = u64::from(batch.size.max(1));
    let of_block = |records: &u64| records - u64::from(records % size == 1);
    frozen.blocks.iter().map(of_block).sum()
}

/// Which endpoints are asked only if a condition holds: their own, or that of one whose answer they use.
fn conditional(endpoints: &[Endpoint]) -> Vec<bool> {
    let mut conditional: Vec<bool> = endpoints.iter().map(|endpoint| endpoint.when.is_some()).collect();
    loop {
        let before = conditional.clone();
        for (at, endpoint) in endpoints.iter().enumerate() {
            conditional[at] |= endpoint.after.iter().any(|&earlier| conditional[earlier]);
        }
        if conditional == before {
            return conditional;
        }
    }
}

/// What a limit must carry; `None` where no endpoint draws from it.
fn budget(job: &Job, limit: usize, requests: &[u64], remaining: Option<u64>) -> Option<Budget> {
    let drawing = job.endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.limits.contains(&limit));
    let drawing: Vec<(usize, &Endpoint)> = drawing.collect();
    drawing.first()?;
    let of = &job.limits[limit];
    let (mut load, mut untold) = (0u64, Vec::new());
    for (at, endpoint) in drawing {
        match units(of, endpoint) {
            Some(each) => load = load.saturating_add(requests[at].saturating_mul(each)),
            None => untold.push(at),
        }
    }
    let quota = of.quota.as_ref().map(|quota| quota_use(load, quota.amount, remaining));
    Some(Budget { limit, load, untold, time: of.rate.map(|rate| time(load, rate)), quota })
}

/// What a request of an endpoint takes from a limit; `None` where only its answer tells.
fn units(limit: &Limit, endpoint: &Endpoint) -> Option<u64> {
    match (&limit.counts, &endpoint.cost) {
        (Counts::Requests, _) | (Counts::Cost(_), None) => Some(1),
        (Counts::Cost(_), Some(Cost::Constant(units))) => Some(*units),
        (Counts::Cost(_), Some(Cost::Answer(_))) => None,
    }
}

fn time(load: u64, rate: Rate) -> Duration {
    let nanoseconds = u128::from(load).saturating_mul(rate.per.as_nanos()) / u128::from(rate.amount.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

fn quota_use(load: u64, amount: u64, remaining: Option<u64>) -> QuotaUse {
    let amount = amount.max(1);
    let beyond = load.saturating_sub(remaining.unwrap_or(amount));
    QuotaUse {
        share: load as f64 / amount as f64,
        remaining,
        periods: beyond.div_ceil(amount).saturating_add(1),
    }
}

fn unforeseen(job: &Job, budgets: &[Budget]) -> Vec<usize> {
    let is_from_list = |endpoint: &Endpoint| matches!(endpoint.url.parts[..], [Part::Url(_)]);
    if !job.endpoints.iter().any(is_from_list) {
        return Vec::new();
    }
    let is_foreseen = |limit: &usize| budgets.iter().any(|budget| budget.limit == *limit);
    (0..job.limits.len()).filter(|limit| !is_foreseen(limit)).collect()
}

fn disk(job: &Job, frozen: &Frozen) -> u64 {
    let records: u64 = frozen.blocks.iter().sum();
    let blocks = frozen.blocks.len() as u64;
    let body = if job.settings.keep_answers == KeepAnswers::All { BODY } else { 0 };
    let endpoints = job.endpoints.iter().map(|endpoint| endpoint.columns.len() as u64);
    let rows = endpoints.map(|columns| {
        blocks * (FILE + columns * COLUMN) + records.saturating_mul(LINE + columns * VALUE + body)
    });
    frozen.input_bytes + blocks * BLOCK + rows.sum::<u64>()
}

#[cfg(test)]
mod tests;
