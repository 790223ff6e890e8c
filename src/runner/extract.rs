//! The columns anew, from the answers that a run kept. Nobody is asked.
//!
//! | the run kept | are made anew | as |
//! |---|---|---|
//! | all answers | all columns, whatever the job says of them now | a run of its own |
//! | those that failed, or none | those of what failed ([`remake`](super::remake)) | a further round of the run |

use std::path::Path;

use tokio::sync::watch;

use super::choose::{Trial, plan_options};
use super::folders::{hold_job_of, hold_new};
use super::outcome::Fetched;
use super::remake::{ExtractOptions, remake};
use super::round::{FetchOptions, RoundOptions, work_round};
use super::{AskedAgain, LiveRun, Milestone, RunnerError, Watcher, jobs};
use crate::handoff::lock::{Lock, LockError, lock_run};
use crate::handoff::store::now_micros;
use crate::handoff::{Exit, Plan, RunStore, runs};
use crate::job::{Job, KeepAnswers};
use crate::os::Stop;
use crate::plan;

/// Makes columns anew by the job as its file says now: a new run of all answers of an earlier one, or a further round of it over
/// what failed, as it kept them.
///
/// # Errors
/// A run that somebody holds, or that is not finished; a job file that asks otherwise than the run did.
pub async fn extract(
    earlier: RunStore,
    options: &ExtractOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<AskedAgain, RunnerError> {
    let then = earlier.plan().await?;
    let _job_lock = hold_job_of(&earlier, &then)?;
    if jobs::kept_as_planned(&earlier, &then).await? != KeepAnswers::All {
        return remake(earlier, _job_lock, options, stop, watcher).await;
    }
    let reading = hold_while_read(&earlier)?;
    let job = present_job(&earlier, &then).await?;
    watcher.reached(Milestone::WorkedBy(&job));
    let run_id = runs::new_run_id(now_micros());
    let folder = earlier.folder().parent().unwrap_or(Path::new("/")).join(&run_id);
    let (store, lock) = hold_new(&folder, &job).await?;
    let planning = plan_options(&Trial::default());
    let plan = match plan::write_extraction(&job, &earlier, &store, &run_id, &planning).await {
        Ok(plan) => plan,
        Err(error) => {
            // It is no run yet, and nobody else knows of it.
            let _ = runs::remove_unplanned(store.folder());
            return Err(error.into());
        }
    };
    // From here on the new run's plan says that it needs the earlier one.
    drop(reading);
    let run = LiveRun::held(store, plan, lock);
    watcher.reached(Milestone::Opened(&run));
    watcher.reached(Milestone::Extracting { run: &run, then: &then });
    let Some(round) = run.store.rounds().await?.into_iter().next() else {
        return Ok(AskedAgain { run, round: None, fetched: Fetched::ended(Exit::Done), _job_lock });
    };
    let fetch = FetchOptions { env_file: options.env_file.clone(), ..FetchOptions::default() };
    let fetched = work_round(&run, &job, &round, &RoundOptions::of(&fetch), stop, watcher).await?;
    Ok(AskedAgain { run, round: Some(round), fetched, _job_lock })
}

/// The job as it is now.
async fn present_job(earlier: &RunStore, then: &Plan) -> Result<Job, RunnerError> {
    match then.job_path.is_file() {
        true => Ok(Job::load(&then.job_path)?),
        false => jobs::planned_job(earlier, then).await,
    }
}

/// Nobody removes the run meanwhile. Where its lock cannot be written, nothing can be removed either; one of another user is
/// read, and not written to.
fn hold_while_read(run: &RunStore) -> Result<Option<Lock>, LockError> {
    if run.refuse_strange().is_err() {
        return Ok(None);
    }
    match lock_run(run.folder()) {
        Err(LockError::File { .. }) => Ok(None),
        held => held.map(Some),
    }
}
