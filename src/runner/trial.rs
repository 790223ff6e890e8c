//! Asking a few records in this process, to show a person what comes of it.

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
    /// The run whose answers stand for requests.
    pub earlier: Option<RunStore>,
    /// Is shown each request.
    pub on_request: Rc<dyn Fn(&Sent<'_>)>,
    /// Is told what happens.
    pub emit: fn(Event),
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
    let replay = match &asking.earlier {
        Some(earlier) => Some(Replay::of_run(earlier.clone()).await?),
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
    records: u64,
) -> Result<Trial, RunnerError> {
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
    let step = ordinals.len().div_ceil(records as usize).max(1);
    let chosen: Vec<String> = ordinals.iter().step_by(step).map(Ordinal::to_string).collect();
    let id = id_columns(&then);
    let (input, ordinal) = (then.view("input"), &then.shown_input().own[0]);
    let sql = format!("SELECT {}::VARCHAR FROM {input} WHERE {ordinal} IN ({})", id[0], chosen.join(", "));
    let found = merge::query(earlier, Some(job), &sql, None).await?;
    let ids = found.rows.into_iter().flatten().flatten().collect();
    Ok(Trial { sample: None, ids: Some(ids) })
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
