//! `windrow plan JOB`: say what the next `run` will take: of the unfinished run that it goes on with, or of a new one, which
//! is cut and written.
//!
//! Promise: the choice is `run`'s own ([`live::choose`]), so no unfinished run is left behind that `run` would go on with;
//! one that exists is looked at, never held or changed.

use std::path::{Path, PathBuf};

use clap::Args;

use super::live::{Choice, LiveRun, Purpose, TrialArgs};
use super::rest::Rest;
use super::run::worth_another_round;
use super::{CliError, Place, find, live, price};
use crate::handoff::Exit;
use crate::handoff::lock::run_is_locked;
use crate::job::{Job, Source};
use crate::merge::{self, Found};
use crate::report::status::shown_path;
use crate::report::{count, counted};
use crate::secrets::Secrets;
use crate::worker::OPEN_BLOCKS;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The job file
    job: PathBuf,
    /// Plan a new run even if there is an unfinished one
    #[arg(long)]
    new: bool,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) async fn run(args: PlanArgs, place: &Place) -> Result<Exit, CliError> {
    let job = find::load_job(&args.job)?;
    let secrets = find::secrets(args.env_file.as_deref())?;
    let found = merge::check_destination(&job, &merge::Place::of_job(&job, &secrets)?).await?;
    let root = find::runs_root(&job, place);
    let run = begin(&job, &args, &root, &secrets).await?;
    let mut lines = lines(&run, &job).await?;
    let ddl = merge::ddl(&job, &run.plan)?;
    if found == Found::Table {
        lines.push(("table", format!("{} is there, and is filled as it is", job.table.name)));
    }
    super::stdout::write(|out| {
        lines.iter().try_for_each(|(label, text)| writeln!(out, "{label:<8}  {text}"))?;
        match found {
            Found::Nothing => writeln!(out, "\n{ddl}"),
            Found::Table => Ok(()),
        }
    })?;
    tell!("hint: `windrow run {}` goes on from here", args.job.display());
    Ok(Exit::Done)
}

/// The run that `run` would go on with, or a new one.
async fn begin(job: &Job, args: &PlanArgs, root: &Path, secrets: &Secrets) -> Result<LiveRun, CliError> {
    if !args.new {
        match live::choose(job, &args.job, root, secrets, Purpose::Look).await? {
            Choice::Continue(run) => {
                tell!("{}: run {} is unfinished; `--new` plans another one", job.name, run.plan.run);
                return Ok(run);
            }
            Choice::LeaveBehind(run, why) => {
                tell!("{}: run {} is left as it is, since {why}; planning anew", job.name, run.plan.run);
            }
            Choice::Begin => {}
        }
    }
    live::plan_new(job, root, secrets, &TrialArgs::default()).await
}

/// What there is to say of a run, each with its label.
async fn lines(run: &LiveRun, job: &Job) -> Result<Vec<(&'static str, String)>, CliError> {
    let (plan, rest) = (&run.plan, Rest::of(run).await?);
    let mut lines = vec![("run", shown_path(run.store.folder())), ("records", rest.records_in_words(run))];
    if matches!(job.input.source, Source::Query { .. }) {
        lines.insert(1, ("list", plan.source_in_short()));
    }
    if run_is_locked(run.store.folder()) && run._lock.is_none() {
        lines.insert(1, ("state", "in use by another windrow process".to_owned()));
    }
    if rest.is_nothing() && !rest.is_all() {
        lines.push(("left", what_follows(run, &rest, job).await?));
        return Ok(lines);
    }
    let block = rest.largest_block();
    let at_risk = (block * OPEN_BLOCKS as u64 * super::round::cores() as u64).min(rest.records());
    let disk = if rest.is_all() { "in the run's folder" } else { "more in the run's folder" };
    lines.extend(price::in_full(job, &price::of(run, &rest, job).await?, disk));
    lines.extend([
        ("publish", merge::success_in_words(job)),
        ("shards", rest.shards_in_words(&find::word_for(&run.store, plan))),
        ("at risk", format!("{} records would be asked again after a crash, at the most", count(at_risk))),
    ]);
    Ok(lines)
}

/// What `run` does with a run whose rounds are all done.
async fn what_follows(run: &LiveRun, rest: &Rest, job: &Job) -> Result<String, CliError> {
    Ok(match worth_another_round(run, job, &rest.round).await? {
        Some((most, what)) => {
            format!(
                "{} at the most, to be asked again; then it is published",
                counted(most, &format!("{what} request"))
            )
        }
        None => "nothing to ask; it is to be published".to_owned(),
    })
}
