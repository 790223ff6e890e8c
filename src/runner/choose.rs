//! Which run of a job is next: the newest one where it is unfinished, else a new one.
//!
//! Promise: `plan` and `run` make one choice ([`choose`]), so that `plan` describes what `run` would do next, and never
//! puts a run of its own before one that is unfinished.

use std::path::{Path, PathBuf};

use super::amend::{self, Change};
use super::folders::{hold_new, make_folder, sweep_unplanned};
use super::{LiveRun, Purpose, RunnerError, Watcher, jobs, round};
use crate::handoff::store::now_micros;
use crate::handoff::{RunStore, layout, runs};
use crate::job::{Job, OnChange};
use crate::os::shown_path;
use crate::plan::{self, PlanOptions};
use crate::secrets::Secrets;

/// Which records are tried; all of them by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// This many, spread over the list.
    pub sample: Option<u64>,
    /// Those with these ids.
    pub ids: Option<Vec<String>>,
}

impl Trial {
    /// Whether it is one: it has a database of its own, and is never resumed.
    pub fn is_one(&self) -> bool {
        self.sample.is_some() || self.ids.is_some()
    }
}

/// What a job comes to next.
pub enum Choice {
    /// Its newest run is unfinished, and is continued.
    Continue(LiveRun),
    /// Its newest run is unfinished, and stays so: why.
    LeaveBehind(LiveRun, String),
    /// There is no unfinished run.
    Begin,
}

/// Which run a job continues, if any. ///
/// # Errors
/// One that has changed, where the job says that this stops it.
pub async fn choose(
    job: &Job,
    root: &Path,
    secrets: &Secrets,
    purpose: Purpose,
) -> Result<Choice, RunnerError> {
    let Some(run) = unfinished(job, root, purpose).await? else { return Ok(Choice::Begin) };
    match obstacle(job, secrets, &run).await? {
        None => Ok(Choice::Continue(run)),
        Some(Obstacle::Changed(why)) if job.settings.on_change == OnChange::Stop => {
            Err(stopped_by_change(&run, job, &why))
        }
        Some(Obstacle::Changed(why) | Obstacle::Old(why)) => Ok(Choice::LeaveBehind(run, why)),
    }
}

fn stopped_by_change(run: &LiveRun, job: &Job, why: &str) -> RunnerError {
    RunnerError::Usage(format!(
        "run {} is unfinished, and {why} (on_change = \"stop\")\n\
         hint: `windrow run {} --new` starts anew; to go on, restore what it was planned from: the job file stands \
         in {}",
        run.plan.run,
        shown_path(&job.path),
        shown_path(&run.store.folder().join(layout::JOB)),
    ))
}

/// The newest run of the job that is unfinished; `None` where the newest run is finished or there is none.
async fn unfinished(job: &Job, root: &Path, purpose: Purpose) -> Result<Option<LiveRun>, RunnerError> {
    let Some(folder) = newest_folder(job, root).await? else { return Ok(None) };
    let store = RunStore::open(&folder).await?;
    // A run that has ended is in nobody's way, even one of another user.
    if store.refuse_strange().is_err() && store.outcome().await?.is_some() {
        return Ok(None);
    }
    let run = LiveRun::of(store, purpose).await?;
    Ok(run.store.outcome().await?.is_none().then_some(run))
}

async fn newest_folder(job: &Job, root: &Path) -> Result<Option<PathBuf>, RunnerError> {
    for folder in runs::runs_of(root, &job.name) {
        if !RunStore::open(&folder).await?.plan().await?.trial {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Why an unfinished run cannot be continued.
enum Obstacle {
    /// Its age.
    Old(String),
    /// What differs.
    Changed(String),
}

/// What stands in the way of going on with a run; `None` where nothing does.
async fn obstacle(job: &Job, secrets: &Secrets, run: &LiveRun) -> Result<Option<Obstacle>, RunnerError> {
    let age = now_micros().saturating_sub(run.plan.created_at).max(0);
    if u128::from(age.unsigned_abs()) > job.settings.resume_within.as_micros() {
        let within = humantime::format_duration(job.settings.resume_within);
        return Ok(Some(Obstacle::Old(format!("it is older than {within} (resume_within)"))));
    }
    let mut changed = Vec::new();
    if plan::source_sha256(job, secrets).await?.is_some_and(|sha256| sha256 != run.plan.input_sha256) {
        changed.push(format!("the list ({}) has changed", run.plan.source_in_short()));
    }
    changed.extend(changed_questions(job, run).await?);
    Ok((!changed.is_empty()).then(|| Obstacle::Changed(changed.join(", "))))
}

/// What the job asks otherwise now, or makes so that it is another run. The plan tells only that it does; the run's own job
/// file tells what.
async fn changed_questions(job: &Job, run: &LiveRun) -> Result<Vec<String>, RunnerError> {
    let is_amended = run.store.last_amendment().await?.is_some();
    if !is_amended && plan::questions_sha256(job) == run.plan.questions_sha256 {
        return Ok(Vec::new());
    }
    // A file that this windrow cannot read any more is no reason to stop.
    let Ok(planned) = jobs::planned_job(&run.store, &run.plan).await else {
        return Ok(vec!["the job's input or endpoints have changed".to_owned()]);
    };
    Ok(match amend::change(&run.store, &run.plan, &planned, job).await? {
        Change::None if is_amended => Vec::new(),
        Change::None => {
            vec![format!("it was planned by windrow {}, which reads the job otherwise", run.plan.windrow)]
        }
        Change::Mends(_) => Vec::new(),
        Change::Other(_) => job.changes_since(&planned),
    })
}

/// The options of a plan made now.
pub(super) fn plan_options(trial: &Trial) -> PlanOptions {
    PlanOptions {
        cores: u32::try_from(round::cores()).unwrap_or(1),
        sample: trial.sample,
        ids: trial.ids.clone(),
        windrow: env!("CARGO_PKG_VERSION").to_owned(),
        now_micros: now_micros(),
    }
}

/// Plans a new run and holds it.
pub async fn plan_new(
    job: &Job,
    root: &Path,
    secrets: &Secrets,
    trial: &Trial,
    watcher: &mut dyn Watcher,
) -> Result<LiveRun, RunnerError> {
    let options = plan_options(trial);
    let run_id = runs::new_run_id(options.now_micros);
    let folder = root.join(&job.name);
    make_folder(&folder)?;
    sweep_unplanned(&folder, watcher);
    let list = plan::read_list(job, &options, secrets, &folder).await?;
    let (store, lock) = hold_new(&folder.join(&run_id), job).await?;
    let plan = plan::write_run(job, list, &store, &run_id, &options).await?;
    Ok(LiveRun::held(store, plan, lock))
}
