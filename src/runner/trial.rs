//! Asking a few records in this process, to show a person what comes of it.

use std::collections::HashMap;
use std::rc::Rc;

use tokio::sync::watch;

use super::choose::Trial;
use super::{LiveRun, RunnerError};
use crate::chunk::{self, KeptAnswer};
use crate::handoff::{Content, Event, Plan, RunStore, Shard};
use crate::job::Job;
use crate::merge;
use crate::os::{Slot, Stop};
use crate::plan;
use crate::record::Ordinal;
use crate::secrets::Secrets;
use crate::worker::{self, Replay, Sent, ShardEnd, ShardOptions, WorkerError};

/// What a trial asks with.
pub struct Asking<'a> {
    /// The job's secrets.
    pub secrets: &'a Secrets,
    /// What stands for requests.
    pub kept: Option<KeptRecords>,
    /// Is shown each request.
    pub on_request: Rc<dyn Fn(&Sent<'_>)>,
    /// Is told what happens.
    pub emit: fn(Event),
}

/// Records of which a run kept answers, and the run.
#[derive(Debug, Clone)]
pub struct KeptRecords {
    run: RunStore,
    /// Where each stands in it, and its id, in the order of the list.
    records: Vec<(Ordinal, Vec<Option<String>>)>,
}

impl KeptRecords {
    /// A trial of them.
    pub fn trial(&self) -> Trial {
        let ids = self.records.iter().filter_map(|(_, id)| id.first().cloned().flatten());
        Trial { sample: None, ids: Some(ids.collect()) }
    }

    /// Their answers, for a run in which they are numbered anew.
    async fn replay(&self, trial: &LiveRun) -> Result<Replay, RunnerError> {
        let mut left = self.records.clone();
        let mut then = HashMap::new();
        for (ordinal, id) in records(&trial.store, &trial.plan, "").await? {
            // Of several with the same id each is another.
            if let Some(at) = left.iter().position(|(_, known)| *known == id) {
                then.insert(ordinal, left.remove(at).0);
            }
        }
        Ok(Replay::of_records(self.run.clone(), then).await?)
    }
}

/// Records of a run, those for which an SQL condition holds, in the order of the list.
async fn records(
    run: &RunStore,
    plan: &Plan,
    which: &str,
) -> Result<Vec<(Ordinal, Vec<Option<String>>)>, RunnerError> {
    let (input, ordinal, id) = (plan.view("input"), &plan.shown_input().own[0], id_columns(plan).join(", "));
    let sql = format!("SELECT {ordinal}, {id} FROM {input} {which} ORDER BY {ordinal}");
    let found = merge::query(run, None, &sql, None).await?;
    let record = |mut row: Vec<Option<String>>| {
        let id = row.split_off(1);
        Some((row.pop()??.parse().ok()?, id))
    };
    Ok(found.rows.into_iter().filter_map(record).collect())
}

/// Works a run in this process; how its last shard ended.
pub async fn ask(
    run: &LiveRun,
    job: &Job,
    asking: Asking<'_>,
    stop: &watch::Receiver<Stop>,
) -> Result<ShardEnd, RunnerError> {
    let mut end = ShardEnd::Committed;
    for shard in run.store.rounds().await?.iter().flat_map(|round| &round.shards) {
        end = ask_shard(run, job, shard, &asking, stop).await?;
    }
    Ok(end)
}

/// Works a shard of the first round in this process.
pub(super) async fn ask_shard(
    run: &LiveRun,
    job: &Job,
    shard: &Shard,
    asking: &Asking<'_>,
    stop: &watch::Receiver<Stop>,
) -> Result<ShardEnd, RunnerError> {
    let on_request = asking.on_request.clone();
    let replay = match &asking.kept {
        Some(kept) => Some(kept.replay(run).await?),
        None => None,
    };
    let options = ShardOptions {
        settles: false,
        round: 0,
        in_flight: job.settings.in_flight as usize,
        max_requests: None,
        crashed: Vec::new(),
        slot: Slot::own(),
        secrets: asking.secrets.clone(),
        secrets_accepted: None,
        on_request: Some(Box::new(move |sent| on_request(&sent))),
        replay,
    };
    Ok(worker::fetch_shard(&run.store, &run.plan, job, shard, options, asking.emit, stop.clone()).await?)
}

/// Up to so many records of which a run kept answers, spread over them.
///
/// # Errors
/// A run of another list, or one that kept none.
pub async fn kept_records(
    earlier: &RunStore,
    job: &Job,
    secrets: &Secrets,
    most: u64,
) -> Result<KeptRecords, RunnerError> {
    let then = earlier.plan().await?;
    if plan::source_sha256(job, secrets).await?.as_ref() != Some(&then.input_sha256) {
        return Err(RunnerError::Usage(format!(
            "the list is not the one of run {}, or it was standard input\nhint: --offline finds its records by the list that the run had",
            then.run
        )));
    }
    let mut ordinals: Vec<Ordinal> = kept_answers(earlier).await?.iter().map(|body| body.ordinal).collect();
    ordinals.dedup();
    if ordinals.is_empty() {
        return Err(RunnerError::Usage(format!(
            "run {} kept no answers\nhint: keep_answers = \"all\" in [job] keeps them all, \"failed\" those that failed",
            then.run
        )));
    }
    let step = ordinals.len().div_ceil(most as usize).max(1);
    let chosen: Vec<String> = ordinals.iter().step_by(step).map(Ordinal::to_string).collect();
    let which = format!("WHERE {} IN ({})", then.shown_input().own[0], chosen.join(", "));
    Ok(KeptRecords { run: earlier.clone(), records: records(earlier, &then, &which).await? })
}

/// The id columns in the view of the list, as SQL names.
pub fn id_columns(plan: &Plan) -> Vec<String> {
    let shown = plan.shown_input().others;
    shown.iter().take(plan.id_columns).map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect()
}

/// The answers that a run kept.
pub async fn kept_answers(run: &RunStore) -> Result<Vec<KeptAnswer>, RunnerError> {
    let mut answers = Vec::new();
    for shard in run.rounds().await?.iter().flat_map(|round| &round.shards) {
        for commit in run.commits(shard.number).await?.values() {
            for file in commit.files.iter().filter(|file| file.content == Content::Answers) {
                let bytes = run.read_shard_file(shard.number, &file.name).await?;
                let read = chunk::read_answers(bytes)
                    .map_err(|source| WorkerError::Chunk { shard: shard.number, source })?;
                answers.extend(read);
            }
        }
    }
    Ok(answers)
}
