//! `windrow status [RUN]`: the runs, or one run's shards.

use std::path::PathBuf;

use clap::Args;

use super::{Place, find};
use crate::handoff::Exit;
use crate::report::status::{all, one};
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// One run: its folder, or a job's name for its newest run; without it all runs are listed
    run: Option<String>,
}

pub(super) async fn run(args: StatusArgs, place: &Place) -> Result<Exit, RunnerError> {
    match args.run {
        Some(word) => one(&find::open_run(&word, place).await?).await?,
        None => all(&place.runs.clone().unwrap_or_else(|| PathBuf::from("shards"))).await?,
    }
    Ok(Exit::Done)
}
