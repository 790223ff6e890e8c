//! `windrow check JOB`: everything that can be told of a job before it runs, by asking three records.
//!
//! Nothing is left behind: the records are planned, asked and extracted in a folder that goes away.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;

use super::{RunsArgs, env_file_again, find, say_warning};
use crate::fetch::unused_proxy;
use crate::handoff::{Exit, RunStore};
use crate::job::{Endpoint, Job, KeepAnswers};
use crate::merge::{self, Found};
use crate::os::{Stop, stop_on_signals, tell};
use crate::report::advice::{self, Commands};
use crate::report::check::{As, Outcome, Seen, show, show_requests};
use crate::report::stdout::Form;
use crate::report::{Console, counted, filled_table, job_word, paused, secret_refused};
use crate::runner::{
    Asking, LiveRun, QueueLook, RunnerError, Trial, ask, check_secrets, mask, plan_kept, plan_new, secrets,
};
use crate::secrets::Secrets;
use crate::worker::{Received, Sent, ShardEnd};

/// Most attempts of a request, the first included: enough to see what one more would give.
const ATTEMPTS: u32 = 2;

/// Columns without a value of which each is told.
const MOST_TOLD: usize = 20;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The job: its file, its name, or a run of it
    job: String,
    /// Ask this many records, spread over the list
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    sample: u64,
    /// Ask the records with these ids instead
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    ids: Option<Vec<String>>,
    /// Ask nobody: show answers that the newest run kept, failed ones first, and the columns that the job makes of them now
    #[arg(long, conflicts_with = "ids")]
    offline: bool,
    /// Show each request as a curl command that can be pasted into a shell: secrets stand there as "$NAME"
    #[arg(long)]
    curl: bool,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// How it is printed: table, or json
    #[arg(long, short, default_value = "table")]
    format: Form,
}

pub(super) async fn run(args: CheckArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let mut job = find::load_job(&args.job, runs).await?;
    let secrets = secrets(args.env_file.as_deref())?;
    let to = merge::ResolvedDestination::of_job(&job, &secrets)?;
    if let Found::Table(new) = merge::check_destination(&job, &to).await?
        && !new.is_empty()
    {
        tell!("{}: table {}", job.name, filled_table(&job, &new));
    }
    if job.input.is_queue() {
        check_queue(&job, &secrets).await?;
    }
    check_secrets(&job, &secrets)?;
    if let Some(text) = unused_proxy(&job.endpoints, &secrets).filter(|_| !args.offline) {
        tell!("windrow: {text}");
    }
    job.settings.keep_answers = KeepAnswers::All;
    spare_servers(&mut job);
    let folder = tempfile::tempdir()?;
    let (run, earlier) = planned(&job, &args, &secrets, runs, folder.path()).await?;
    let stop = stop_on_signals()?;
    let seen = Rc::new(RefCell::new(Seen::new(&job, &secrets)));
    let end = ask(&run, &job, asking(&secrets, earlier.clone(), &seen), &stop).await?;
    let seen = seen.replace(Seen::new(&job, &secrets));
    let shown_as = if args.curl { As::Curl } else { As::Sent };
    if let Some((exit, why)) = unfinished(end, *stop.borrow(), &job) {
        show_requests(&seen, shown_as)?;
        tell!("windrow: {why}");
        return Ok(exit);
    }
    let Outcome { failed, null } =
        show(&run, &job, &seen, earlier.as_ref(), &mask(&job, &secrets), (args.format, shown_as)).await?;
    let nobody = if args.offline { "nobody was asked, and " } else { "" };
    let what = if run.plan.records == 0 { nothing_asked(&job) } else { verdict(failed, null.len()) };
    null.iter().take(MOST_TOLD).for_each(|line| tell!("windrow: {line}"));
    tell!("{}: {what}; {nobody}nothing was written", job.name);
    if args.curl {
        say_what_lines_need(&job);
    }
    match failed {
        0 if run.plan.records > 0 && !job.input.is_queue() => {
            let env_file = env_file_again(args.env_file.as_deref());
            tell!("next: windrow run {} --sample 10{env_file}", job_word(&job.path));
        }
        0 => {}
        _ => say_what_to_do(&run, &job, args.offline).await?,
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Refused })
}

/// A person may check a job again and again: a server that says "too many requests" is asked only once more.
fn spare_servers(job: &mut Job) {
    for endpoint in &mut job.endpoints {
        endpoint.retry.attempts = endpoint.retry.attempts.min(ATTEMPTS);
    }
}

/// Notes what goes over the wire.
fn asking<'a>(secrets: &'a Secrets, earlier: Option<RunStore>, seen: &Rc<RefCell<Seen>>) -> Asking<'a> {
    let (of_sent, of_received) = (seen.clone(), seen.clone());
    Asking {
        secrets,
        earlier,
        on_request: Rc::new(move |sent: &Sent<'_>| {
            of_sent.borrow_mut().sent(sent);
            ControlFlow::Continue(())
        }),
        on_answer: Rc::new(move |received: &Received<'_>| {
            of_received.borrow_mut().received(received);
        }),
        emit: say_warning,
    }
}

/// Whether the queue can be worked, and what slows it.
async fn check_queue(job: &Job, secrets: &Secrets) -> Result<(), RunnerError> {
    let look = QueueLook::open(job, secrets).await?;
    for slow in look.check().await? {
        tell!("{}: {slow}", job.name);
    }
    if let Some(lacking) = look.own_tables_lacking().await? {
        tell!("{}: {lacking} not there yet: `windrow work` makes them", job.name);
    }
    look.close().await;
    Ok(())
}

/// Where lines for curl find secrets.
fn say_what_lines_need(job: &Job) {
    let mut names: Vec<&str> = job.endpoints.iter().flat_map(Endpoint::secrets).collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        let them = if names.len() == 1 { "it" } else { "them" };
        tell!(
            "hint: the curl lines read {} from the shell's environment: export {them}",
            names.join(" and ")
        );
    }
}

/// What to change in the job, for each cause once.
async fn say_what_to_do(run: &LiveRun, job: &Job, offline: bool) -> Result<(), RunnerError> {
    let offline = if offline { " --offline" } else { "" };
    let commands = Commands::of_check(format!("{}{offline}", job_word(&job.path)));
    let causes = advice::causes(&run.store, &run.plan, job, &commands).await?;
    for (label, advice) in advice::each_once(&causes, job) {
        tell!("hint: {label}: {}: {}", advice.means, advice.todo);
    }
    Ok(())
}

/// Why not all was asked, for a person.
fn unfinished(end: ShardEnd, stop: Stop, job: &Job) -> Option<(Exit, String)> {
    Some(match end {
        ShardEnd::Committed => return None,
        ShardEnd::GaveUp(example) => {
            (Exit::TryAgain, format!("nothing succeeds ({example})\nhint: {}", hint_for(&example, job)))
        }
        ShardEnd::Interrupted => {
            (Exit::Interrupted(stop.signal().unwrap_or_default()), "interrupted".to_owned())
        }
        ShardEnd::Paused(renews_at) => (Exit::Paused, paused(renews_at)),
        ShardEnd::Refused(why) => (Exit::Usage, format!("{why}\n{}", secret_refused(""))),
    })
}

/// What to look at where nothing succeeds; the example begins with its kind.
fn hint_for(example: &str, job: &Job) -> String {
    let host = || job.endpoints.iter().find_map(Endpoint::literal_host).unwrap_or("HOST");
    match example.split_once(": ").unwrap_or((example, "")) {
        ("status", detail) if detail.starts_with("429") => format!(
            "the server was asked too much: wait a while, and keep below what it allows with `rate = \"1/s\"` under \
             [limit.\"{}\"]",
            host()
        ),
        ("status", _) => "the server fails: check again once it is well".to_owned(),
        ("dns", _) => format!("is the host in the url right ({})?", host()),
        _ => "is the url right, and the server there?".to_owned(),
    }
}

/// The records that are looked at, and the run whose answers stand for requests.
async fn planned(
    job: &Job,
    args: &CheckArgs,
    secrets: &Secrets,
    runs: &RunsArgs,
    folder: &Path,
) -> Result<(LiveRun, Option<RunStore>), RunnerError> {
    if !args.offline {
        let sample = args.ids.is_none().then_some(args.sample);
        let trial = Trial { sample, ids: args.ids.clone() };
        return Ok((plan_new(job, folder, secrets, &trial, &mut Console::default()).await?, None));
    }
    let root = find::runs_root(job, runs);
    let newest = find::newest(&root, &job.name).await?;
    // One that was only planned since has none.
    for earlier in find::all_of(&root, &job.name).await? {
        if let Some(run) = plan_kept(job, folder, &earlier, args.sample).await? {
            return Ok((run, Some(earlier)));
        }
    }
    Err(RunnerError::Usage(format!(
        "run {} kept no answers, nor did one before it\nhint: keep_answers = \"all\" in [job] keeps them all, \
         \"failed\" those that failed",
        newest.plan().await?.run
    )))
}

fn nothing_asked(job: &Job) -> String {
    let why = if job.input.is_queue() { "no job waits" } else { "the list is empty" };
    format!("the job is valid, but {why}: nobody was asked")
}

fn verdict(failed: usize, null: usize) -> String {
    match (failed, null) {
        (0, 0) => "the job is valid, and every answer fits it".to_owned(),
        (0, 1) => "the job is valid, but 1 column is null in every row".to_owned(),
        (0, _) => format!("the job is valid, but {} are null in every row", counted(null as u64, "column")),
        _ => format!("the job is valid, but {} failed", counted(failed as u64, "request")),
    }
}
