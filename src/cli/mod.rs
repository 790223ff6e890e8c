//! The words that a person types, one thin file per command, and what their errors end the process with.

mod check;
mod extract;
mod failures;
mod find;
mod init;
mod limits;
mod merge;
mod plan;
mod prune;
mod query;
mod retry;
mod run;
mod schema;
mod shard;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::handoff::Exit;
use crate::os::tell;
use crate::report::stdout;
use crate::runner::{Ended, FetchOptions, RunnerError, Trial};

/// Bulk fetching from HTTP APIs into a database, on every core, that loses nothing.
#[derive(Debug, Parser)]
#[command(name = "windrow", version, about, after_help = after_help(), max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    runs: RunsArgs,
}

/// Words that the commands use, and what each means.
const WORDS: [(&str, &str); 7] = [
    ("run", "one pass through the whole list, in a folder of its own"),
    ("shard", "a part of the list, fetched by a process of its own"),
    ("round", "asks again what failed or waits; round 0 asks everything"),
    ("failed", "asked, and not answered as it should be; `windrow retry` asks again"),
    ("waiting", "not answered yet: a quota is used up, its host is down, or the run was interrupted"),
    ("not_asked", "its `when` said no, or what it depends on failed"),
    ("missing", "the server says that the id does not exist: a success, its columns null"),
];

/// What stands below the help: words, then exit codes, a line each.
fn after_help() -> String {
    let line = |(word, means): &(&str, &str)| format!("\n  {word:<14} {}", means.replace('`', ""));
    let lines = |words: &[(&str, &str)]| words.iter().map(line).collect::<String>();
    format!("Words:{}\n\nExit codes:{}", lines(&WORDS), lines(&Exit::MEANINGS))
}

/// Where runs live.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Folder of the runs [default: shards/ beside the schemas/ folder that holds the job file, or beside the
    /// job file; for commands that take a RUN: ./shards]
    #[arg(long = "runs", global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl RunsArgs {
    /// Where no job says where its runs are.
    fn here(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| PathBuf::from("shards"))
    }
}

/// Which records are tried; all of them by default.
#[derive(Debug, Clone, Args)]
struct TrialArgs {
    /// Try this many records, spread over the list, into a database of their own
    #[arg(long, value_name = "N", conflicts_with = "ids", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Try the records with these ids, into a database of their own
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    ids: Option<Vec<String>>,
}

impl TrialArgs {
    fn trial(self) -> Trial {
        Trial { sample: self.sample, ids: self.ids }
    }
}

/// What the person says about fetching.
#[derive(Debug, Clone, Args)]
struct FetchArgs {
    /// Send at most this many requests (at least one a shard), then pause; the next run continues there
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_requests: Option<u64>,
    /// Child processes at a time [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    children: Option<u16>,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

impl FetchArgs {
    fn options(self) -> FetchOptions {
        FetchOptions { max_requests: self.max_requests, children: self.children, env_file: self.env_file }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plan, fetch, retry, publish and summarise; resumes an unfinished run
    Run(run::RunArgs),
    /// Ask three records and show request, answer and row; write nothing
    Check(check::CheckArgs),
    /// Plan a run and say what it will take, without a request
    Plan(plan::PlanArgs),
    /// Fetch one shard in this process; what is committed stays
    Shard(shard::ShardArgs),
    /// Ask failed requests again; merge then publishes what is new
    Retry(retry::RetryArgs),
    /// Check that nothing is missing, and publish
    Merge(merge::MergeArgs),
    /// Extract the columns again from kept answers, without a request
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
fn print(answer: &clap::Error) -> Result<Exit, RunnerError> {
    let printed = answer.print();
    if answer.use_stderr() {
        return Ok(Exit::Usage);
    }
    stdout::unless_unread(printed)?;
    Ok(Exit::Done)
}

fn run_to_the_end(cli: Cli) -> Result<Exit, RunnerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(dispatch(cli));
    // What still runs on helper threads (a name look-up, say) is not waited for.
    runtime.shutdown_background();
    exit
}

async fn dispatch(cli: Cli) -> Result<Exit, RunnerError> {
    let runs = cli.runs;
    match cli.command {
        Command::Run(args) => run::run(args, &runs).await,
        Command::Check(args) => check::run(args, &runs).await,
        Command::Plan(args) => plan::run(args, &runs).await,
        Command::Shard(args) => shard::run(args, &runs).await,
        Command::Retry(args) => retry::run(args, &runs).await,
        Command::Merge(args) => merge::run(args, &runs).await,
        Command::Extract(args) => extract::run(args, &runs).await,
        Command::Status(args) => status::run(args, &runs).await,
        Command::Failures(args) => failures::run(args, &runs).await,
        Command::Query(args) => query::run(args, &runs).await,
        Command::Limits(args) => limits::run(&args),
        Command::Prune(args) => prune::run(args, &runs).await,
        Command::Init(args) => init::run(args),
        Command::Schema => schema::run(),
    }
}

/// The last act of a command that has told how a run ended: notes it, and ends the process at once. What would be done at
/// its end otherwise (memory given back, libraries unloaded) takes milliseconds on a busy machine, and a command that is
/// killed in these would look as if nobody had been told.
fn end_told(ended: &Ended) -> ! {
    ended.told();
    crate::os::wait_until_read();
    crate::os::end(ended.exit().code().into())
}

fn fail(error: &RunnerError) -> Exit {
    use std::io::IsTerminal;
    match error {
        RunnerError::Job(error) => {
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
