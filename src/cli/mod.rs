//! The words that a person types, one thin file per command, and what their errors end the process with.

mod check;
mod completions;
mod ending;
mod extract;
mod failures;
mod find;
mod help;
mod help_page;
mod init;
mod limits;
mod man;
mod merge;
mod named;
mod output;
#[cfg(test)]
mod page;
mod plan;
mod prune;
mod query;
mod requeue;
mod retry;
mod rows;
mod run;
mod schema;
mod serve;
mod shard;
mod status;
mod summary_to;
mod topics;
mod work;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, FromArgMatches, Parser, Subcommand};

use crate::handoff::{Event, Exit};
use crate::os::{printable, tell};
use crate::report::{Console, Detail, Show, shell_word, stdout};
use crate::runner::{Ended, FetchOptions, RunnerError, Trial};

/// Bulk fetching from HTTP APIs into a database, on every core, that loses nothing.
#[derive(Debug, Parser)]
#[command(name = "windrow", version, about, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    runs: RunsArgs,
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
    #[arg(long, help_heading = "Trial", value_name = "N", conflicts_with = "ids", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Try the records with these ids, into a database of their own
    #[arg(long, help_heading = "Trial", value_name = "ID,…", value_delimiter = ',')]
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
    #[arg(long, help_heading = "Fetching", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_requests: Option<u64>,
    /// Processes at a time [default: as many as there are cores]
    #[arg(long, help_heading = "Fetching", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    processes: Option<u16>,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, help_heading = "Fetching", value_name = "FILE")]
    env_file: Option<PathBuf>,
}

impl FetchArgs {
    fn options(self) -> FetchOptions {
        FetchOptions { max_requests: self.max_requests, processes: self.processes, env_file: self.env_file }
    }
}

/// What names the file of secrets once more, for the command that comes next.
fn env_file_again(file: Option<&Path>) -> String {
    file.map_or_else(String::new, |file| format!(" --env-file {}", shell_word(&file.display().to_string())))
}

/// What a run tells on its way; the rest is seen in the end.
fn say_warning(event: Event) {
    if let Event::Warning { text } = event {
        tell!("windrow: {text}");
    }
}

/// How progress is shown.
#[derive(Debug, Clone, Args)]
struct ProgressArg {
    /// Show progress as live lines (bar), as a line now and then (plain), as a JSON line a second (json), or not at all
    #[arg(
        long,
        help_heading = "Output",
        env = "WINDROW_PROGRESS",
        value_name = "HOW",
        default_value = "auto",
        hide_env_values = true
    )]
    progress: ProgressWord,
}

/// What is told on the way.
#[derive(Debug, Clone, Args)]
struct OutputArgs {
    #[command(flatten)]
    progress: ProgressArg,
    /// Tell only errors, and what else wants your attention
    #[arg(long, short, help_heading = "Output", conflicts_with = "verbose")]
    quiet: bool,
    /// Tell each shard's start and end, and each change of what holds the run back, as well
    #[arg(long, short, help_heading = "Output")]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ProgressWord {
    Auto,
    Bar,
    Plain,
    Json,
    None,
}

impl ProgressArg {
    fn show(&self) -> Show {
        match self.progress {
            ProgressWord::Auto => Show::Auto,
            ProgressWord::Bar => Show::Bar,
            ProgressWord::Plain => Show::Plain,
            ProgressWord::Json => Show::Json,
            ProgressWord::None => Show::Nothing,
        }
    }
}

impl OutputArgs {
    fn console(&self) -> Console {
        Console::new(self.show(), self.detail())
    }

    fn show(&self) -> Show {
        match self.progress.show() {
            Show::Auto if self.quiet => Show::Nothing,
            show => show,
        }
    }

    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Little,
            (_, true) => Detail::Much,
            _ => Detail::Usual,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a job file to start from, or draft one from a curl command
    ///
    /// Of a name alone a file that explains its keys, and runs as it is. Of a curl command, or a URL, that asks about one id, and
    /// a list of ids a job that asks about all of them: the id is found in the request, secrets become ${NAME}, a few ids are
    /// asked one after the other, and columns with their types are proposed from what they were answered.
    Init(init::InitArgs),
    /// Ask three records and show request, answer and row; write nothing
    Check(check::CheckArgs),
    /// Plan a run and say what it will take, without a request
    Plan(plan::PlanArgs),
    /// Plan, fetch, retry, publish and summarise; resume an unfinished run
    Run(run::RunArgs),
    /// Work a table of jobs as they come, until a signal
    Work(work::WorkArgs),
    /// Serve what jobs have gathered over HTTP, and run them as often as they say
    Serve(serve::ServeArgs),
    /// Let jobs of a queue that have failed for good wait again
    ///
    /// In one transaction, as if they were new. Ends with 1 where some of those that were meant could not be: they are told.
    Requeue(requeue::RequeueArgs),
    /// List the runs, a run's shards, or how a queue stands
    Status(status::StatusArgs),
    /// Show what failed, by kind, with an example each
    Failures(failures::FailuresArgs),
    /// Ask a run by SQL: views rows, requests, answers, input, and one per endpoint
    Query(query::QueryArgs),
    /// Ask failed requests again; merge then publishes what is new
    Retry(retry::RetryArgs),
    /// Extract columns again from kept answers, without a request
    ///
    /// Answers that failed are kept by default: what could not be made of them is made by the job file as it is now, in a further
    /// round of the run. What had succeeded stays: a change by which it might have other values is refused. With
    /// keep_answers = "all" all columns are made anew, in a run of its own.
    Extract(extract::ExtractArgs),
    /// Check that nothing is missing, and publish
    Merge(merge::MergeArgs),
    /// Show what is known of limits and hosts: pauses, quotas; lift a host's pause
    Limits(limits::LimitsArgs),
    /// Remove runs that are over and old
    Prune(prune::PruneArgs),
    /// Fetch one shard in this process; what is committed stays
    Shard(shard::ShardArgs),
    /// Print the JSON Schema of job files
    Schema(schema::SchemaArgs),
    /// Print what a shell completes commands and flags by: bash, zsh or fish
    Completions(completions::CompletionsArgs),
    /// Write manual pages
    Man(man::ManArgs),
    /// Show the help of a command, or a page about exit-codes, kinds or types
    Help(help_page::HelpArgs),
}

/// Parses the command line, runs the command, prints at most one error.
pub fn main() -> ExitCode {
    let parsed = help::command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let exit = match parsed {
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
    let printed = if std::env::args_os().all(|word| is_printable(&word.to_string_lossy())) {
        answer.print()
    } else {
        // The words may be somebody else's, as those that a program hands on; clap repeats them.
        tell!("{}", answer.render());
        Ok(())
    };
    if let (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) =
        (answer.kind(), answer.get(ContextKind::InvalidSubcommand))
        && let Some(command) = help::meant_by(word)
    {
        tell!("hint: windrow {command}");
    }
    if answer.use_stderr() {
        ending::of_usage(answer);
        return Ok(Exit::Usage);
    }
    stdout::unless_unread(printed)?;
    Ok(Exit::Done)
}

fn run_to_the_end(cli: Cli) -> Result<Exit, RunnerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(dispatch(cli));
    // What still runs on other threads (a name look-up, say) is not waited for.
    runtime.shutdown_background();
    exit
}

async fn dispatch(cli: Cli) -> Result<Exit, RunnerError> {
    let runs = cli.runs;
    match cli.command {
        Command::Run(args) => run::run(args, &runs).await,
        Command::Work(args) => work::run(args, &runs).await,
        Command::Serve(args) => serve::run(args, &runs).await,
        Command::Requeue(args) => requeue::run(args, &runs).await,
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
        Command::Init(args) => init::run(args).await,
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Help(args) => help_page::run(&args),
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

fn is_printable(text: &str) -> bool {
    matches!(printable(text), Cow::Borrowed(_))
}

fn fail(error: &RunnerError) -> Exit {
    match error {
        RunnerError::Job(error) => {
            let plain = error.render(false);
            // The job file may be somebody else's, too: in colors nothing would be spelled out.
            if console::colors_enabled_stderr() && is_printable(&plain) {
                crate::os::tell_in_colors(error.render(true))
            } else {
                tell!("{plain}")
            }
        }
        error => tell!("windrow: {}", named::filled(&error.to_string())),
    }
    error.exit()
}
