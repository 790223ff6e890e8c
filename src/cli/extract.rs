//! `windrow extract RUN`: the columns anew, from the answers that a run kept. Nobody is asked.

use std::path::Path;

use clap::Args;

use super::live::{LiveRun, TrialArgs};
use super::round::{FetchArgs, work_round};
use super::{CliError, Place, find, live, summary};
use crate::handoff::lock::{Lock, LockError, lock_run};
use crate::handoff::store::now_micros;
use crate::handoff::{Exit, Plan, RunStore, runs};
use crate::job::{Bodies, Job};
use crate::os::stop_on_signals;
use crate::plan;
use crate::report::counted;
use crate::report::status::shown_path;

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The run: its folder, or a job's name for its newest run
    run: String,
}

pub(super) async fn run(args: ExtractArgs, place: &Place) -> Result<Exit, CliError> {
    let stop = stop_on_signals()?;
    let earlier = find::open_run(&args.run, place).await?;
    let then = earlier.plan().await?;
    let _job_lock = live::hold_job_of(&earlier, &then)?;
    let reading = hold_while_read(&earlier)?;
    let (job, kept) = jobs(&earlier, &then).await?;
    let run_id = runs::new_run_id(now_micros());
    let folder = earlier.folder().parent().unwrap_or(Path::new("/")).join(&run_id);
    let (store, lock) = live::hold_new(&folder).await?;
    let options = live::plan_options(&TrialArgs::default());
    let plan = match plan::write_extraction(&job, &earlier, kept, &store, &run_id, &options).await {
        Ok(plan) => plan,
        Err(error) => {
            // It is no run yet, and nobody else knows of it.
            let _ = runs::remove_unplanned(store.folder());
            return Err(error.into());
        }
    };
    // From here on the new run's plan says that it needs the earlier one.
    drop(reading);
    let run = LiveRun { store, plan, _lock: Some(lock) };
    say_begun(&run, &then);
    let rounds = run.store.rounds().await?;
    let Some(round) = rounds.first() else { return Ok(Exit::Done) };
    let worked = work_round(&run.store, &run.plan, &job, round, &FetchArgs::default(), &stop).await?;
    match worked.exit {
        Exit::Done => summary::fetched(&run, round).await?,
        _ => summary::unfinished(&run, &worked),
    }
    Ok(worked.exit)
}

/// The job as it is now, and what the earlier run kept.
async fn jobs(earlier: &RunStore, then: &Plan) -> Result<(Job, Bodies), CliError> {
    let planned = find::planned_job(earlier, then).await?;
    let kept = planned.settings.bodies;
    let job = if then.job_path.is_file() { Job::load(&then.job_path)? } else { planned };
    Ok((job, kept))
}

/// Nobody removes the run meanwhile. Where its lock cannot be written, nothing can be removed either.
fn hold_while_read(run: &RunStore) -> Result<Option<Lock>, LockError> {
    match lock_run(run.folder()) {
        Err(LockError::File { .. }) => Ok(None),
        held => held.map(Some),
    }
}

fn say_begun(run: &LiveRun, then: &Plan) {
    tell!(
        "{}: {}, the answers of run {}, no request, run {}",
        run.plan.job,
        counted(run.plan.records, "record"),
        then.run,
        shown_path(run.store.folder()),
    );
}
