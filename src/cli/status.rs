//! `windrow status [RUN]`: the runs, one run's shards, or how a queue stands.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{ProgressArg, RunsArgs, find};
use crate::handoff::Exit;
use crate::job::Job;
use crate::os::stop_on_signals;
use crate::report::status::{all, line_of_queue, one, queue};
use crate::report::stdout::Form;
use crate::report::watch;
use crate::runner::{QueueLook, RunnerError, secrets};

/// How often a queue is looked at that somebody watches.
const WATCH_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// One run: its folder or id, or a job's name or file for its newest run, or for its queue; without it all runs are listed
    run: Option<String>,
    /// Show how the run goes until nobody works on it any more; of a queue a line now and then, until Ctrl-C
    #[arg(long, requires = "run")]
    watch: bool,
    #[command(flatten)]
    progress: ProgressArg,
    /// How it is printed: table, or json
    #[arg(long, short, default_value = "table")]
    format: Form,
    /// Read secrets from a file of NAME=value lines as well, for a queue's database
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) async fn run(args: StatusArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    if let Some(word) = &args.run
        && let Some(job) = find::job_with_queue(word, runs).await
    {
        return of_queue(&job, &args, runs).await;
    }
    match args.run {
        Some(word) if args.watch => {
            watch(&find::open_run(&word, runs).await?, args.progress.show()).await?;
        }
        Some(word) => one(&find::open_run(&word, runs).await?, args.format).await?,
        None => all(&runs.here(), args.format).await?,
    }
    Ok(Exit::Done)
}

async fn of_queue(job: &Job, args: &StatusArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let stop = stop_on_signals()?;
    let secrets = secrets(args.env_file.as_deref())?;
    let look = QueueLook::open(job, &secrets).await?;
    if !args.watch {
        let root = find::runs_root(job, runs);
        queue(job, &look.table, &look.standing().await?, &root, args.format).await?;
        look.close().await;
        return Ok(Exit::Done);
    }
    let mut stopped = stop.clone();
    loop {
        line_of_queue(job, &look.table, &look.standing().await?, args.format)?;
        tokio::select! {
            () = tokio::time::sleep(WATCH_EVERY) => {}
            _ = stopped.wait_for(|stop| stop.is_set()) => break,
        }
    }
    look.close().await;
    Ok(stop.borrow().signal().map_or(Exit::Done, Exit::Interrupted))
}
