//! `windrow failures RUN`: what failed, by kind, with an example each.

use clap::Args;

use super::{RunsArgs, find};
use crate::handoff::Exit;
use crate::merge;
use crate::os::tell;
use crate::report::{Shape, failures, stdout, word_for};
use crate::runner::{RunnerError, planned_job};

/// Characters of an answer that a table shows.
const BEGINNING: usize = 200;

#[derive(Debug, Args)]
pub(super) struct FailuresArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    /// List every failed request with its id instead
    #[arg(long)]
    list: bool,
    /// The same, with the answers that were kept: their beginning in a table, the whole in other formats
    #[arg(long)]
    answers: bool,
    /// How rows are printed: table, csv, json or markdown
    #[arg(long, short, default_value = "table")]
    format: Shape,
}

pub(super) async fn run(args: FailuresArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let run = find::open_run(&args.run, runs).await?;
    run.refuse_endless()?;
    let plan = run.plan().await?;
    let job = planned_job(&run, &plan).await?;
    let sql = match (args.list, args.answers) {
        (_, true) => failures::every_answer(&plan),
        (true, false) => failures::every_one(&plan),
        (false, false) => failures::by_kind(&plan),
    };
    let mut result = merge::query(&run, Some(&job), &sql, None).await?;
    if result.rows.is_empty() {
        tell!("{}: nothing failed", plan.job);
        return Ok(Exit::Done);
    }
    if args.answers && args.format == Shape::Table {
        result
            .rows
            .iter_mut()
            .flat_map(|row| row.last_mut())
            .flatten()
            .for_each(|answer| stdout::shorten(answer, BEGINNING));
    }
    stdout::write_rows(&result, args.format)?;
    let word = word_for(&run, &plan);
    if failures::some_are_rejected(&result) {
        tell!(
            "hint: what is rejected is not asked again: the table refuses it; mend it there, or in the job, and run `windrow merge {word}`"
        );
    }
    tell!(
        "hint: `windrow retry {word}` asks what failed again; --list lists them all, --answers with what was answered"
    );
    Ok(Exit::Done)
}
