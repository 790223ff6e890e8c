//! `windrow failures RUN`: what failed, by kind, with an example each, and what to do about it.

use clap::Args;

use super::rows::RowsArgs;
use super::{RunsArgs, find};
use crate::handoff::{Exit, Plan, RunStore};
use crate::job::Job;
use crate::merge::{QueryResult, RunQuery};
use crate::os::tell;
use crate::record::Kind;
use crate::report::advice::{self, Advice, Commands};
use crate::report::{Failures, Shape, failures, stdout, waiting};
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
    #[command(flatten)]
    rows: RowsArgs,
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
    let query = RunQuery::open(&run, Some(&job)).await?;
    let mut found = args.rows.ask(&query, &sql)?;
    shorten_answers(&mut found, &args);
    let commands = Commands::of(&run, &plan, &job, &RunState::read(&run).await?);
    let advice = advice(&run, &plan, &job, &found, &commands).await?;
    let waiting = waiting::of_run(&run, &plan, &job).await?;
    let held = waiting.contains_key(&Kind::Quota).then(|| waiting::held_now(&job)).flatten();
    if args.rows.format == Shape::Json {
        let document = Failures::of(&plan, &found, &advice);
        stdout::write_json(&document.with_waiting(&waiting, held.as_ref(), commands.for_waiting()))?;
        return Ok(Exit::Done);
    }
    if found.rows.is_empty() {
        tell!("{}: nothing failed", plan.job);
    } else {
        stdout::write_rows(&found, args.rows.format)?;
        args.rows.say_what_is_left(&query, &sql, &found);
        say_what_to_do(&advice, &args);
    }
    if !waiting.is_empty() {
        tell!("{}: {}\nhint: {}", plan.job, waiting::line(&waiting, held.as_ref()), commands.for_waiting());
    }
    Ok(Exit::Done)
}

fn shorten_answers(found: &mut QueryResult, args: &FailuresArgs) {
    if args.answers && args.rows.format == Shape::Table {
        let answers = found.rows.iter_mut().flat_map(|row| row.last_mut()).flatten();
        answers.for_each(|answer| stdout::shorten(answer, BEGINNING));
    }
}

/// What to do about what was found, each once.
async fn advice(
    run: &RunStore,
    plan: &Plan,
    job: &Job,
    found: &QueryResult,
    commands: &Commands,
) -> Result<Vec<(String, Advice)>, RunnerError> {
    if found.rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut advice = advice::each_once(&advice::causes(run, plan, job, commands).await?, job);
    if failures::some_are_rejected(found) {
        advice.push(("rejected".to_owned(), Advice::for_rejected(commands)));
    }
    Ok(advice)
}

fn say_what_to_do(advice: &[(String, Advice)], args: &FailuresArgs) {
    for (label, advice) in advice {
        tell!("hint: {label}: {}: {}", advice.means, advice.todo);
    }
    if !args.list && !args.answers {
        tell!("hint: --list lists every request that failed, --answers with what was answered");
    }
}
