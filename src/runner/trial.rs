//! Asking a few records in this process, to show a person what comes of it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use tokio::sync::watch;

use super::choose::{Trial, plan_options};
use super::folders::{hold_new, make_folder};
use super::{LiveRun, RunnerError};
use crate::chunk::{self, KeptAnswer};
use crate::handoff::{Content, Event, Plan, RunStore, Shard, runs};
use crate::job::Job;
use crate::merge::RunQuery;
use crate::os::{Slot, Stop};
use crate::plan;
use crate::record::Ordinal;
use crate::secrets::Secrets;
use crate::worker::{self, Received, Replay, Sent, ShardEnd, ShardOptions, WorkerError};

/// What a trial asks with.
pub struct Asking<'a> {
    /// The job's secrets.
    pub secrets: &'a Secrets,
    /// The run whose answers stand for requests.
    pub earlier: Option<RunStore>,
    /// Is shown each request before it is sent, and may end the asking there.
    pub on_request: Rc<dyn Fn(&Sent<'_>) -> ControlFlow<()>>,
    /// Is shown the beginning of each answer.
    pub on_answer: Rc<dyn Fn(&Received<'_>)>,
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
    let (on_request, on_answer) = (asking.on_request.clone(), asking.on_answer.clone());
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
        on_answer: Some(Box::new(move |received| on_answer(received))),
        replay,
    };
    Ok(worker::fetch_shard(&run.store, &run.plan, job, shard, options, asking.emit, stop.clone()).await?)
}

/// Plans up to so many records of which an earlier run kept answers: a failure of each cause first, others spread over the
/// rest. `None` where it kept none.
///
/// # Errors
/// A run of other endpoints than the job's.
pub async fn plan_kept(
    job: &Job,
    root: &Path,
    earlier: &RunStore,
    records: u64,
) -> Result<Option<LiveRun>, RunnerError> {
    let ordinals = kept_ordinals(earlier, records).await?;
    if ordinals.is_empty() {
        return Ok(None);
    }
    let options = plan_options(&Trial::default());
    let run_id = runs::new_run_id(options.now_micros);
    let folder = root.join(&job.name);
    make_folder(&folder)?;
    let (store, lock) = hold_new(&folder.join(&run_id), job).await?;
    let plan = plan::write_kept(job, earlier, &ordinals, &store, &run_id, &options).await?;
    Ok(Some(LiveRun::held(store, plan, lock)))
}

/// The records to look at.
async fn kept_ordinals(earlier: &RunStore, records: u64) -> Result<BTreeSet<Ordinal>, RunnerError> {
    let then = earlier.plan().await?;
    let query = RunQuery::open(earlier, None).await?;
    let (requests, answers) = (then.view("requests"), then.view("answers"));
    // One answer may be for several records, and is kept with the first.
    let kept = format!(
        "kept AS (SELECT DISTINCT r.ordinal FROM {requests} r
                  WHERE coalesce(r.batch, r.ordinal) IN (SELECT ordinal FROM {answers})),
         failed AS (SELECT ordinal, row_number() OVER
                      (PARTITION BY endpoint, kind, http_status ORDER BY ordinal) AS turn
                    FROM {requests} WHERE status = 'failed')"
    );
    let first = format!(
        "WITH {kept} SELECT ordinal FROM kept JOIN failed USING (ordinal)
         GROUP BY ordinal ORDER BY min(turn), ordinal LIMIT {records}"
    );
    let mut chosen = ordinals(&query, &first)?;
    let more = records.saturating_sub(chosen.len() as u64);
    let others = format!(
        "WITH {kept}, rest AS (
           SELECT ordinal, row_number() OVER (ORDER BY ordinal) - 1 AS place, count(*) OVER () AS number
           FROM kept WHERE ordinal NOT IN (SELECT ordinal FROM failed))
         SELECT ordinal FROM rest WHERE place % greatest(number // {}, 1) = 0 ORDER BY ordinal LIMIT {more}",
        more.max(1)
    );
    chosen.extend(ordinals(&query, &others)?);
    Ok(chosen)
}

fn ordinals(query: &RunQuery, sql: &str) -> Result<BTreeSet<Ordinal>, RunnerError> {
    let found = query.ask(sql, None)?;
    Ok(found.rows.into_iter().filter_map(|row| row.into_iter().next()??.parse().ok()).collect())
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
