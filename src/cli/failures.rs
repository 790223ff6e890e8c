//! `windrow failures RUN`: what failed, by kind, with an example each, and what to do about it.

use clap::Args;

use super::{RunsArgs, find};
use crate::handoff::{Exit, Plan, RunStore};
use crate::job::Job;
use crate::merge::{self, QueryResult};
use crate::os::tell;
use crate::report::advice::{self, Commands};
use crate::report::{Shape, failures, stdout, waiting};
use crate::runner::{RunState, RunnerError, planned_job};

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
    let commands = Commands::of(&run, &plan, &job, RunState::read(&run).await?.is_whole());
    if result.rows.is_empty() {
        tell!("{}: nothing failed", plan.job);
    } else {
        shorten_answers(&mut result, &args);
        stdout::write_rows(&result, args.format)?;
        say_what_to_do(&run, &plan, &job, &args, &result, &commands).await?;
    }
    say_what_waits(&run, &plan, &job, &commands).await?;
    Ok(Exit::Done)
}

fn shorten_answers(result: &mut QueryResult, args: &FailuresArgs) {
    if args.answers && args.format == Shape::Table {
        let answers = result.rows.iter_mut().flat_map(|row| row.last_mut()).flatten();
        answers.for_each(|answer| stdout::shorten(answer, BEGINNING));
    }
}

async fn say_what_to_do(
    run: &RunStore,
    plan: &Plan,
    job: &Job,
    args: &FailuresArgs,
    result: &QueryResult,
    commands: &Commands,
) -> Result<(), RunnerError> {
    if failures::some_are_rejected(result) {
        tell!("hint: rejected: {}", commands.for_rejected());
    }
    let causes = advice::causes(run, plan, job, commands).await?;
    for (label, advice) in advice::each_once(&causes, job) {
        tell!("hint: {label}: {}: {}", advice.means, advice.todo);
    }
    if !args.list && !args.answers {
        tell!("hint: --list lists every request that failed, --answers with what was answered");
    }
    Ok(())
}

async fn say_what_waits(
    run: &RunStore,
    plan: &Plan,
    job: &Job,
    commands: &Commands,
) -> Result<(), RunnerError> {
    let waiting = waiting::of_run(run, plan, job).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let held = waiting::held_now(job);
    tell!("{}: {}", plan.job, waiting::line(&waiting, held.as_ref()));
    tell!("hint: {}", commands.for_waiting());
    Ok(())
}
