//! `windrow extract RUN`: the columns anew, from the answers that a run kept. Nobody is asked.

use std::path::Path;

use clap::Args;

use super::live::{LiveRun, TrialArgs};
use super::round::{FetchArgs, work_round};
use super::{CliError, Place, find, live, summary};
use crate::handoff::lock::lock_run;
use crate::handoff::store::now_micros;
use crate::handoff::{Exit, Plan, RunStore, runs};
use crate::job::Job;
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
    let planned = find::planned_job(&earlier, &then).await?;
    let job = if then.job_path.is_file() { Job::load(&then.job_path)? } else { planned.clone() };
    let (store, _lock) = beside(&earlier).await?;
    let run_id = store.folder().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let options = live::plan_options(&TrialArgs::default());
    let written =
        plan::write_extraction(&job, &earlier, planned.settings.bodies, &store, &run_id, &options).await;
    let plan = match written {
        Ok(plan) => plan,
        Err(error) => {
            // It is no run yet, and nobody else knows of it.
            let _ = std::fs::remove_dir_all(store.folder());
            return Err(error.into());
        }
    };
    let run = LiveRun { store, plan, _lock };
    say_begun(&run, &then);
    let rounds = run.store.rounds().await?;
    let Some(round) = rounds.first() else { return Ok(Exit::Done) };
    let worked = work_round(&run.store, &run.plan, &job, round, &FetchArgs::default(), &stop).await?;
    match worked.exit {
        Exit::Done => summary::fetched(&run, round).await?,
        _ => summary::unfinished(&run, &worked).await?,
    }
    Ok(worked.exit)
}

/// A folder for a new run, beside the earlier one.
async fn beside(earlier: &RunStore) -> Result<(RunStore, crate::handoff::lock::Lock), CliError> {
    let folder = earlier.folder().parent().unwrap_or(Path::new("/"));
    let store = RunStore::create(&folder.join(runs::new_run_id(now_micros()))).await?;
    let lock = lock_run(store.folder())?;
    Ok((store, lock))
}

fn say_begun(run: &LiveRun, then: &Plan) {
    eprintln!(
        "{}: {}, the answers of run {}, no request, run {}",
        run.plan.job,
        counted(run.plan.records, "record"),
        then.run,
        shown_path(run.store.folder()),
    );
}
