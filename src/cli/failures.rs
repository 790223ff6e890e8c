//! `windrow failures RUN`: what failed, by kind, with an example each, and what to do about it; of a queue which jobs.

use std::path::PathBuf;

use clap::Args;

use super::rows::RowsArgs;
use super::{RunsArgs, find};
use crate::handoff::{Exit, Plan, RunStore};
use crate::job::Job;
use crate::merge::{QueryResult, RunQuery};
use crate::os::tell;
use crate::record::Kind;
use crate::report::advice::{self, Advice, Commands};
use crate::report::queue_failures::{QueueFailures, by_kind, one_by_one};
use crate::report::{Failures, Shape, counted, failures, job_word, stdout, waiting};
use crate::runner::{FailedJobs, QueueLook, RunState, RunnerError, planned_job, secrets};

/// Characters of an answer that a table shows.
const BEGINNING: usize = 200;

#[derive(Debug, Args)]
pub(super) struct FailuresArgs {
    /// The run: its folder or id, or a job's name or file for its newest run, or for its queue
    run: String,
    /// List every failed request, or job of a queue, with its id instead
    #[arg(long)]
    list: bool,
    /// The same, with the answers that were kept: their beginning in a table, the whole in other formats
    #[arg(long)]
    answers: bool,
    #[command(flatten)]
    rows: RowsArgs,
    /// Read secrets from a file of NAME=value lines as well, for a queue's database
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) async fn run(args: FailuresArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    if let Some(job) = find::job_with_queue(&args.run, runs).await {
        return of_queue(&job, &args).await;
    }
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

/// Jobs of a queue that have failed for good, and those that rest since they failed.
async fn of_queue(job: &Job, args: &FailuresArgs) -> Result<Exit, RunnerError> {
    if args.answers {
        return Err(RunnerError::Usage(format!(
            "answers are kept with the runs of a queue\nhint: `windrow failures RUN --answers`; `windrow status {}` lists \
             the runs, `windrow failures {0} --list` says which run each job was in",
            job_word(&job.path)
        )));
    }
    let secrets = secrets(args.env_file.as_deref())?;
    let look = QueueLook::open(job, &secrets).await?;
    let failed = look.failed().await?;
    let for_people = matches!(args.rows.format, Shape::Table | Shape::Markdown);
    let mut found = if args.list { one_by_one(&failed) } else { by_kind(&failed, !for_people) };
    let left = args.rows.cut(&mut found);
    if args.rows.format == Shape::Json {
        stdout::write_json(&QueueFailures::of(&job.name, look.table.name(), &failed, &found))?;
    } else if found.rows.is_empty() {
        tell!("{}: no job has failed", job.name);
    } else {
        stdout::write_rows(&found, args.rows.format)?;
    }
    look.close().await;
    say_what_is_left(job, &failed, left, found.rows.len() as u64);
    Ok(Exit::Done)
}

fn say_what_is_left(job: &Job, failed: &FailedJobs, left: u64, shown: u64) {
    let word = job_word(&job.path);
    if left > 0 {
        tell!("… and {}; `--max-rows {}` shows them all", counted(left, "more row"), left + shown);
    }
    if !failed.dead.is_empty() {
        let some = "`--kind KIND` or `--ids ID,…` behind it some of them";
        tell!("hint: `windrow requeue {word}` lets the dead wait again, {some}");
    }
    if !failed.resting.is_empty() {
        tell!("hint: those that rest are asked again by themselves, at the time that is shown");
    }
}
