//! `windrow prune JOB`: removes runs that nobody needs any more.
//! `prune` also sweeps the files of hosts that nobody asks, which processes that were killed have left.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::{RunsArgs, find};
use crate::budget::{state_folder, sweep_hosts};
use crate::handoff::{Exit, RunStore, runs};
use crate::job::Job;
use crate::os::tell;
use crate::report::{Console, counted, prune};
use crate::runner::{Rule, RunnerError, planned_job, sweep, would_go};

#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// The job: its file, its name, or the folder of its runs
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    job: Option<String>,
    /// Every job that has runs here
    #[arg(long)]
    all: bool,
    /// Age from which runs are removed, such as 14d [default: keep_runs of the job]
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Keep the newest N runs, whatever their age (trials are not counted)
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Unfinished runs as well; what they fetched is lost
    #[arg(long)]
    unfinished: bool,
    /// Tell what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: PruneArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let (mut all, mut console) = (Vec::new(), Console::default());
    for (root, name, keep_runs) in jobs(&args, runs).await? {
        let Some(rule) = args.rule(keep_runs) else {
            skip(&args, &name)?;
            continue;
        };
        let swept = if args.dry_run {
            would_go(&root, &name, &rule, &mut console).await
        } else {
            sweep(&root, &name, &rule, &mut console).await
        };
        all.push((name, swept));
    }
    let exit = prune::removed(&all, args.dry_run)?;
    sweep_files_of_hosts(args.dry_run);
    Ok(exit)
}

/// What processes that were killed left of hosts that nobody asks any more.
fn sweep_files_of_hosts(dry_run: bool) {
    let folder = state_folder();
    let would = if dry_run { " would be removed (--dry-run)" } else { " removed" };
    match sweep_hosts(&folder, dry_run) {
        Ok(0) => {}
        Ok(files) => tell!("{} of hosts that nobody asks{would}", counted(files, "file")),
        Err(error) => tell!("windrow: {error}"),
    }
}

impl PruneArgs {
    /// `None` where neither the person nor the job says what is to go.
    fn rule(&self, keep_runs: Option<Duration>) -> Option<Rule> {
        let counted = self.keep.map(|_| Duration::ZERO);
        let older_than = self.older_than.or(keep_runs).or(counted)?;
        Some(Rule { older_than, keep: self.keep.unwrap_or(0), unfinished: self.unfinished })
    }
}

/// A job whose runs are kept for ever: a mistake where it is the one that was named.
fn skip(args: &PruneArgs, name: &str) -> Result<(), RunnerError> {
    let why = format!("nothing says which runs of job {name} are to go");
    let hint = "say --older-than 14d or --keep 5, or keep_runs = \"14d\" in [job]";
    if args.all {
        tell!("{name}: {why}, so they stay\nhint: {hint}")
    } else {
        return Err(RunnerError::Usage(format!("{why}\nhint: {hint}")));
    }
    Ok(())
}

/// Where the runs lie, whose they are, and the job's `keep_runs`.
type Named = (PathBuf, String, Option<Duration>);

async fn jobs(args: &PruneArgs, runs: &RunsArgs) -> Result<Vec<Named>, RunnerError> {
    let root = runs.here();
    let named = match &args.job {
        None => {
            let has_runs = |job: &String| !runs::runs_of(&root, job).is_empty();
            runs::jobs(&root).into_iter().filter(has_runs).collect()
        }
        // The job may be anywhere, and its file gone.
        Some(name) if !runs::runs_of(&root, name).is_empty() => vec![name.clone()],
        // Who names a run might mean that one alone.
        Some(word) if find::is_run(word, runs) => {
            return Err(RunnerError::Usage(format!(
                "{word:?} is a run, and prune takes a job\nhint: name the job; --older-than and --keep say which of its runs go"
            )));
        }
        Some(word) => match find::load_job(word, runs).await {
            Ok(job) => return Ok(vec![(find::runs_root(&job, runs), job.name, job.settings.keep_runs)]),
            Err(error) if Path::new(word).exists() => return Err(error),
            Err(_) => vec![word.clone()],
        },
    };
    let mut jobs = Vec::new();
    for name in named {
        match keep_runs(&root, &name, args).await {
            Ok(keep_runs) => jobs.push((root.clone(), name, keep_runs)),
            // One job that cannot be read does not keep the others from it.
            Err(error) if args.all => tell!("{name}: {error}"),
            Err(error) => return Err(error),
        }
    }
    Ok(jobs)
}

/// What the job says now, by the file that its newest run was planned from; by the run's own where that is gone.
async fn keep_runs(root: &Path, name: &str, args: &PruneArgs) -> Result<Option<Duration>, RunnerError> {
    let newest = match runs::runs_of(root, name).first() {
        Some(_) if args.older_than.is_some() => return Ok(None),
        Some(folder) => RunStore::open(folder).await?,
        None => find::newest(root, name).await?,
    };
    let plan = newest.plan().await?;
    let job = if plan.job_path.is_file() {
        Job::load(&plan.job_path)?
    } else {
        planned_job(&newest, &plan).await?
    };
    Ok(job.settings.keep_runs)
}
