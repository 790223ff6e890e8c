//! `windrow plan JOB`: say what the next `run` will take: of the unfinished run that it goes on with, or of a new one, which
//! is cut and written.
//!
//! Promise: the choice is `run`'s own ([`choose`]), so no unfinished run is left behind that `run` would go on with;
//! one that exists is looked at, never held or changed.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{RunsArgs, find};
use crate::handoff::Exit;
use crate::job::Job;
use crate::merge::{self, Found};
use crate::os::tell;
use crate::report::plan::PlanFacts;
use crate::report::stdout::Form;
use crate::report::{Console, run_again};
use crate::runner::{Choice, LiveRun, Purpose, RunnerError, Trial, choose, plan_new, secrets};
use crate::secrets::Secrets;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The job: its file, its name, or a run of it
    job: String,
    /// Plan a new run even if there is an unfinished one
    #[arg(long)]
    new: bool,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// How it is printed: table, or json
    #[arg(long, short, default_value = "table")]
    format: Form,
}

pub(super) async fn run(args: PlanArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let job = find::load_job(&args.job, runs).await?;
    find::refuse_queue(&job)?;
    let secrets = secrets(args.env_file.as_deref())?;
    let found = merge::check_destination(&job, &merge::ResolvedDestination::of_job(&job, &secrets)?).await?;
    let root = find::runs_root(&job, runs);
    let run = begin(&job, &args, &root, &secrets).await?;
    let ddl = match &found {
        Found::Nothing => Some(merge::ddl(&job, &run.plan)?),
        Found::Table(new) if new.is_empty() => None,
        Found::Table(new) => Some(merge::ddl_of_new_columns(&job, &run.plan, new)?),
    };
    PlanFacts::of(&run, &job, &found, ddl).await?.show(args.format)?;
    tell!("hint: `windrow run {}` goes on from here", run_again(&run.store, &run.plan));
    Ok(Exit::Done)
}

/// The run that `run` would go on with, or a new one.
async fn begin(job: &Job, args: &PlanArgs, root: &Path, secrets: &Secrets) -> Result<LiveRun, RunnerError> {
    if !args.new {
        match choose(job, root, secrets, Purpose::Look).await? {
            Choice::Continue(run) => {
                tell!("{}: run {} is unfinished; `--new` plans another one", job.name, run.plan.run);
                return Ok(run);
            }
            Choice::LeaveBehind(run, why) => {
                tell!("{}: run {} stays unfinished: {why}; planning a new run", job.name, run.plan.run);
            }
            Choice::Begin => {}
        }
    }
    plan_new(job, root, secrets, &Trial::default(), &mut Console::default()).await
}
