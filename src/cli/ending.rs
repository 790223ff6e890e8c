//! The end of a command that works on a run: told to the person, noted in the run's folder, and told to programs that want to
//! know (`--summary`), all from one [`Summary`]. Nothing of it changes the exit code.

use clap::error::Error as UsageError;
use tokio::sync::watch;

use super::OutputArgs;
use super::summary_to::{SummaryArgs, SummaryTo};
use crate::handoff::{Exit, StateOfRun, Summary};
use crate::job::Job;
use crate::os::{Stop, tell};
use crate::report::Detail;
use crate::report::summary::{self, EndOfCommand, Witness, noted_summary};
use crate::runner::{AskedAgain, Ended, RunnerError, notify};
use crate::secrets::Secrets;

/// Commands that have a summary.
const COMMANDS: [&str; 4] = ["run", "retry", "extract", "merge"];

/// A command, from its first act to its last.
pub(super) struct Ending {
    /// Sees what it does.
    pub(super) witness: Witness,
    /// The job's secrets, once they are known.
    pub(super) secrets: Secrets,
    /// Whether somebody told it to stop, once it listens.
    pub(super) stop: Option<watch::Receiver<Stop>>,
    to: Option<SummaryTo>,
    detail: Detail,
}

impl Ending {
    /// Of a command that begins now.
    pub(super) fn of(command: &'static str, args: &SummaryArgs, output: &OutputArgs) -> Ending {
        let to = args.summary.clone();
        to.iter().for_each(SummaryTo::clear);
        let witness = Witness::of(command, output.console());
        Ending { witness, secrets: Secrets::from_environment(), stop: None, to, detail: output.detail() }
    }

    /// Whether only what wants attention is told.
    pub(super) fn is_quiet(&self) -> bool {
        self.detail == Detail::Little
    }

    /// The summary of how it ended, noted in the run that it holds.
    pub(super) async fn summary(&mut self, end: EndOfCommand<'_>) -> Summary {
        let summary = noted_summary(&self.witness, end, &self.secrets).await;
        self.witness.release();
        summary
    }

    /// Tells programs, when the person has been told.
    pub(super) async fn tell(&self, summary: &Summary, job: Option<&Job>) {
        if let Some(to) = &self.to
            && let Err(error) = to.write(summary)
        {
            tell!("windrow: the summary cannot be written: {error}");
        }
        self.notify(job.or(self.witness.job()), summary).await;
    }

    /// Tells whom the job names.
    async fn notify(&self, job: Option<&Job>, summary: &Summary) {
        let (Some(job), Some(stop)) = (job, &self.stop) else { return };
        if let Err(why) = notify(job, summary, &self.secrets, stop).await {
            tell!("{}: [notify] could not tell that the state is {}: {why}", job.name, summary.state);
        }
    }

    /// The end of a run or a merge, told to the person: the summary of it.
    pub(super) async fn ended(&mut self, ended: &Ended) -> Summary {
        self.witness.ended();
        summary::interrupted(ended);
        let summary = self.summary(EndOfCommand::Ended(ended)).await;
        summary::ended(ended, &summary, self.to == Some(SummaryTo::Stdout), self.detail).await;
        summary
    }

    /// The end of a round that a person chose.
    pub(super) async fn asked_again(
        mut self,
        asked: Result<AskedAgain, RunnerError>,
    ) -> Result<Exit, RunnerError> {
        self.witness.ended();
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => return Ok(self.fail(&error).await),
        };
        match summary::asked_again(&asked, self.detail).await {
            Ok(exit) => {
                let summary = self.summary(EndOfCommand::AskedAgain(&asked)).await;
                self.tell(&summary, None).await;
                Ok(exit)
            }
            Err(error) => Ok(self.fail(&error).await),
        }
    }

    /// The same of an error, which ends the command.
    pub(super) async fn fail(mut self, error: &RunnerError) -> Exit {
        self.witness.ended();
        let exit = super::fail(error);
        let summary = self.summary(EndOfCommand::Failed(error)).await;
        self.tell(&summary, None).await;
        exit
    }
}

/// A command line that is wrong has a summary, too, where it asks for one.
pub(super) fn of_usage(error: &UsageError) {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.collect();
    let command = COMMANDS.into_iter().find(|name| words.iter().any(|word| word == name));
    let asked = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--summary") {
        Some("") => words.get(at + 1).map(String::as_str),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    let (Some(command), Some(Ok(to))) = (command, asked.map(SummaryTo::parse)) else { return };
    let mut summary = Summary::of_command(command, StateOfRun::Failed, Exit::Usage.code());
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    summary.reason = Some(line.trim_start_matches("error: ").to_owned());
    let now = format!("{:.3}", jiff::Timestamp::now());
    (summary.started_at, summary.ended_at) = (now.clone(), now);
    if let Err(error) = to.write(&summary) {
        tell!("windrow: the summary cannot be written: {error}");
    }
}
