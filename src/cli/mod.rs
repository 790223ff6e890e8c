//! The words that a person types, one thin file per command, and what their errors end the process with.

/// [`crate::os::tell`], with a format.
macro_rules! tell {
    ($($text:tt)*) => { crate::os::tell(format_args!($($text)*)) };
}

mod check;
mod extract;
mod failures;
mod find;
mod init;
mod limits;
mod live;
mod merge;
mod merged;
mod pause;
mod plan;
mod price;
mod prune;
mod query;
mod rest;
mod retry;
mod round;
mod run;
mod schema;
mod settle;
mod shard;
mod status;
mod stdout;
mod summary;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::handoff::lock::LockError;
use crate::handoff::{Exit, HandoffError};
use crate::job::JobError;
use crate::merge::MergeError;
use crate::plan::PlanError;
use crate::worker::WorkerError;

/// Bulk fetching from HTTP APIs into a database, on every core, that loses nothing.
#[derive(Debug, Parser)]
#[command(name = "windrow", version, about, after_help = exit_codes(), max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

/// The exit codes, a line each.
fn exit_codes() -> String {
    let line = |(code, means): &(&str, &str)| format!("\n  {code:<14} {}", means.replace('`', ""));
    format!("Exit codes:{}", Exit::MEANINGS.iter().map(line).collect::<String>())
}

/// Where runs live.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Folder of the runs [default: shards/ beside the schemas/ folder that holds the job file, or beside the
    /// job file; for commands that take a RUN: ./shards]
    #[arg(long, global = true, value_name = "DIR")]
    runs: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plan, fetch, retry, publish and summarise; resumes an unfinished run
    Run(run::RunArgs),
    /// Ask three records and show request, answer and row; write nothing
    Check(check::CheckArgs),
    /// Cut the list, write the run and say what it will cost, without a request
    Plan(plan::PlanArgs),
    /// Fetch one shard in this process; what is committed is skipped
    Shard(shard::ShardArgs),
    /// Ask once more what failed
    Retry(retry::RetryArgs),
    /// Prove that nothing is missing, and publish
    Merge(merge::MergeArgs),
    /// Make the columns anew from kept answers, without a request
    Extract(extract::ExtractArgs),
    /// The runs and their shards
    Status(status::StatusArgs),
    /// What failed, by kind, with an example each
    Failures(failures::FailuresArgs),
    /// SQL over a run: views rows, requests, bodies, input, and one per endpoint
    Query(query::QueryArgs),
    /// What is known of limits and hosts: pauses, quotas; lift a host's pause
    Limits(limits::LimitsArgs),
    /// Remove runs that are over and old
    Prune(prune::PruneArgs),
    /// Write a commented job file to start from
    Init(init::InitArgs),
    /// Print the JSON Schema of job files
    Schema,
}

/// Anything that ends a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{}", .0.render(false))]
    Job(Box<JobError>),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("{0}")]
    Usage(String),
    /// A merge failed: with that exit code, and these words, in which no secret stands.
    #[error("{1}")]
    Unpublished(Exit, String),
    #[error("{0}")]
    Disk(String),
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl From<JobError> for CliError {
    fn from(error: JobError) -> CliError {
        CliError::Job(Box::new(error))
    }
}

impl CliError {
    fn exit(&self) -> Exit {
        match self {
            CliError::Job(_) | CliError::Usage(_) => Exit::Usage,
            CliError::Plan(error) => error.exit(),
            CliError::Worker(error) => error.exit(),
            CliError::Merge(error) => error.exit(),
            CliError::Unpublished(exit, _) => *exit,
            CliError::Handoff(error) => error.exit(),
            CliError::Lock(LockError::Held { .. }) => Exit::Locked,
            CliError::Disk(_) | CliError::System(_) | CliError::Lock(LockError::File { .. }) => Exit::Disk,
        }
    }
}

/// Parses the command line, runs the command, prints at most one error.
pub fn main() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => {
            crate::os::raise_open_files();
            run_to_the_end(cli)
        }
        Err(answer) => print(&answer),
    };
    let exit = exit.unwrap_or_else(|error| fail(&error));
    crate::os::wait_until_read();
    ExitCode::from(exit.code())
}

/// Prints the help or the version that was asked for, or what is wrong with the command line.
fn print(answer: &clap::Error) -> Result<Exit, CliError> {
    let printed = answer.print();
    if answer.use_stderr() {
        return Ok(Exit::Usage);
    }
    stdout::unless_unread(printed)?;
    Ok(Exit::Done)
}

fn run_to_the_end(cli: Cli) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(dispatch(cli));
    // What still runs on helper threads (a name look-up, say) is not waited for.
    runtime.shutdown_background();
    exit
}

async fn dispatch(cli: Cli) -> Result<Exit, CliError> {
    let place = cli.place;
    match cli.command {
        Command::Run(args) => run::run(args, &place).await,
        Command::Check(args) => check::run(args, &place).await,
        Command::Plan(args) => plan::run(args, &place).await,
        Command::Shard(args) => shard::run(args, &place).await,
        Command::Retry(args) => retry::run(args, &place).await,
        Command::Merge(args) => merge::run(args, &place).await,
        Command::Extract(args) => extract::run(args, &place).await,
        Command::Status(args) => status::run(args, &place).await,
        Command::Failures(args) => failures::run(args, &place).await,
        Command::Query(args) => query::run(args, &place).await,
        Command::Limits(args) => limits::run(&args),
        Command::Prune(args) => prune::run(args, &place).await,
        Command::Init(args) => init::run(args),
        Command::Schema => schema::run(),
    }
}

fn fail(error: &CliError) -> Exit {
    use std::io::IsTerminal;
    match error {
        CliError::Job(error) => {
            if std::io::stderr().is_terminal() {
                crate::os::tell_in_colors(error.render(true))
            } else {
                tell!("{}", error.render(false))
            }
        }
        error => tell!("windrow: {error}"),
    }
    error.exit()
}
