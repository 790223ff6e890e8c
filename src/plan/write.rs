//! The second pass: records out of the spool, cut, and frozen into the run.

use bytes::Bytes;
use polars::prelude::*;

use super::columns::Columns;
use super::spool::{LINE, Spool};
use super::{Cut, List, PlanError, PlanOptions, frames, questions_sha256};
use crate::handoff::VERSION;
use crate::handoff::digest;
use crate::handoff::names::in_files;
use crate::handoff::{Block, Plan, PlannedEndpoint, Round, RunStore, Shard, input, layout};
use crate::job::{Endpoint, Job};
use crate::record::Ordinal;
use crate::value::Field;

/// Cuts a list and freezes it: the job file, each shard's input, round 0, and the plan last.
///
/// # Errors
/// Those of the run's files and of the temporary ones. What was written by then is no run: it has no plan.
pub async fn write_run(
    job: &Job,
    list: List,
    run: &RunStore,
    run_id: &str,
    options: &PlanOptions,
) -> Result<Plan, PlanError> {
    run.put_job_text(&job.text).await?;
    let cut = if options.trial() {
        Cut::whole(list.records())
    } else {
        Cut::of(list.records(), options.cores, job.settings.shard_size, together(job))
    };
    let mut records = Records::of(&list, ask_all(job));
    let shards = write_shards(run, &cut, 0, |count| records.take(count)).await?;
    run.put_round(&Round {
        version: VERSION,
        number: 0,
        created_at: options.now_micros,
        shards,
        from_kept: false,
    })
    .await?;
    let plan = plan(job, &list, run_id, options);
    run.put_plan(&plan).await?;
    Ok(plan)
}

/// Writes the input of shards numbered from `first`; `take` gives the next records, as many as it is asked for, with `ordinal` and `ask`.
pub(super) async fn write_shards(
    run: &RunStore,
    cut: &Cut,
    first: u32,
    mut take: impl FnMut(u64) -> Result<DataFrame, PlanError>,
) -> Result<Vec<Shard>, PlanError> {
    let mut shards = Vec::with_capacity(cut.shards.len());
    for (number, records) in (first..).zip(&cut.shards) {
        let frozen = freeze(*records, cut.block_records, &mut take)?;
        let input_sha256 = digest::sha256(&frozen.bytes);
        run.put_shard_file(number, layout::INPUT, frozen.bytes).await?;
        shards.push(Shard { number, input_sha256, pairs: frozen.pairs, blocks: frozen.blocks });
    }
    Ok(shards)
}

/// A shard's input in memory.
struct Frozen {
    bytes: Bytes,
    blocks: Vec<Block>,
    pairs: u64,
}

/// Makes a shard's input, a row group per block.
fn freeze(
    records: u64,
    block_records: u64,
    take: &mut impl FnMut(u64) -> Result<DataFrame, PlanError>,
) -> Result<Frozen, PlanError> {
    let (mut bytes, mut blocks, mut pairs) = (Vec::new(), Vec::new(), 0);
    let mut groups = frames::Groups::to(&mut bytes);
    for line in (0..records).step_by(block_records as usize) {
        let block = take(block_records.min(records - line))?;
        blocks.push(Block { first: first_ordinal(&block)?, line, records: block.height() as u64 });
        pairs += asked(&block)?;
        groups.add(block)?;
    }
    groups.finish()?;
    Ok(Frozen { bytes: bytes.into(), blocks, pairs })
}

fn first_ordinal(block: &DataFrame) -> PolarsResult<Ordinal> {
    Ok(block.column(input::ORDINAL)?.i64()?.get(0).unwrap_or_default() as Ordinal)
}

/// Pairs that a block plans.
fn asked(block: &DataFrame) -> PolarsResult<u64> {
    let masks = block.column(input::ASK)?.i64()?;
    Ok(masks.into_no_null_iter().map(|mask| u64::from(mask.count_ones())).sum())
}

/// A bit for every endpoint.
pub(super) fn ask_all(job: &Job) -> i64 {
    match job.endpoints.len() {
        64.. => -1,
        endpoints => (1 << endpoints) - 1,
    }
}

/// The records of a run in order, numbered.
struct Records<'a> {
    frames: Frames<'a>,
    /// What the list's columns are called in a run's files.
    names: Vec<String>,
    ask: i64,
    next: Ordinal,
}

impl<'a> Records<'a> {
    fn of(list: &'a List, ask: i64) -> Records<'a> {
        let kept = list.spool.records() - list.left_out();
        let mut passed = 0;
        let sample = list.sample.map(|sample| sample.min(kept));
        let chosen = move |position: u64| {
            if list.left_out.contains(position) {
                return false;
            }
            passed += 1;
            sample.is_none_or(|sample| in_sample(passed - 1, sample, kept))
        };
        let names = in_files(list.columns.fields.iter());
        Records { frames: Frames::of(&list.spool, Box::new(chosen)), names, ask, next: 0 }
    }

    fn take(&mut self, count: u64) -> Result<DataFrame, PlanError> {
        let mut block = self.frames.take(count)?;
        let ordinals: Vec<i64> = (self.next..self.next + count).map(|ordinal| ordinal as i64).collect();
        self.next += count;
        block.drop_in_place(LINE)?;
        block.set_column_names(&self.names)?;
        block.insert_column(0, Int64Chunked::from_vec(input::ORDINAL.into(), ordinals).into_column())?;
        let masks = Int64Chunked::full(input::ASK.into(), self.ask, block.height());
        block.insert_column(1, masks.into_column())?;
        Ok(block)
    }
}

/// Whether record `index` of `records` is among the `sample` that are spread evenly: those at ⌊k·records/sample⌋.
fn in_sample(index: u64, sample: u64, records: u64) -> bool {
    let [index, sample, records] = [index, sample, records].map(u128::from);
    sample > 0 && (index * sample).div_ceil(records) * records / sample == index
}

/// The chosen records of a spool, in frames of any length.
pub(super) struct Frames<'a> {
    spool: &'a Spool,
    chosen: Box<dyn FnMut(u64) -> bool + Send + 'a>,
    batch: usize,
    position: u64,
    rest: DataFrame,
}

impl<'a> Frames<'a> {
    /// `chosen` is asked for every position once, in order.
    pub fn of(spool: &'a Spool, chosen: Box<dyn FnMut(u64) -> bool + Send + 'a>) -> Frames<'a> {
        Frames { spool, chosen, batch: 0, position: 0, rest: DataFrame::empty() }
    }

    /// The next `count` records, fewer only at the end.
    pub fn take(&mut self, count: u64) -> Result<DataFrame, PlanError> {
        let mut taken = self.split(count as usize);
        while (taken.height() as u64) < count && self.batch < self.spool.batches() {
            self.rest = self.next_batch()?;
            let more = self.split(count as usize - taken.height());
            taken = if taken.height() == 0 { more } else { taken.vstack(&more)? };
        }
        Ok(taken)
    }

    fn split(&mut self, count: usize) -> DataFrame {
        let taken = self.rest.slice(0, count);
        self.rest = self.rest.slice(taken.height() as i64, usize::MAX);
        taken
    }

    fn next_batch(&mut self) -> Result<DataFrame, PlanError> {
        let batch = self.spool.read(self.batch)?;
        self.batch += 1;
        let end = self.position + batch.height() as u64;
        let mask: Vec<bool> = (self.position..end).map(&mut self.chosen).collect();
        self.position = end;
        if mask.iter().all(|chosen| *chosen) {
            return Ok(batch);
        }
        Ok(batch.filter(&BooleanChunked::from_slice("chosen".into(), &mask))?)
    }
}

fn plan(job: &Job, list: &List, run_id: &str, options: &PlanOptions) -> Plan {
    let Columns { fields, id } = &list.columns;
    Plan {
        version: VERSION,
        run: run_id.to_owned(),
        job: job.name.clone(),
        job_path: job.path.clone(),
        job_sha256: digest::sha256(job.text.as_bytes()),
        created_at: options.now_micros,
        windrow: options.windrow.clone(),
        source: list.source.clone(),
        input_sha256: list.sha256.clone(),
        questions_sha256: questions_sha256(job),
        records: list.records(),
        left_out: list.left_out(),
        columns: fields.to_vec(),
        id_columns: *id,
        endpoints: job.endpoints.iter().map(planned).collect(),
        chunks: job.settings.chunks,
        trial: options.trial(),
        extracted_from: None,
        leased: job.input.is_queue() && !options.trial(),
    }
}

/// Most records that share a request.
pub(super) fn together(job: &Job) -> u32 {
    let batches = job.endpoints.iter().filter_map(|endpoint| endpoint.batch.as_ref());
    batches.map(|batch| batch.size).max().unwrap_or(1)
}

/// What a plan keeps of an endpoint.
pub(super) fn planned(endpoint: &Endpoint) -> PlannedEndpoint {
    let field = |column: &crate::job::Column| Field { name: column.name.clone(), ty: column.ty };
    PlannedEndpoint {
        name: endpoint.name.clone(),
        columns: endpoint.columns.iter().map(field).collect(),
        on_failure: endpoint.on_failure,
        explodes: endpoint.explodes(),
        batched: endpoint.batch.is_some(),
    }
}

#[cfg(test)]
mod tests;
