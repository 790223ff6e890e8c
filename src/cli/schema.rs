//! `windrow schema`: what a job file may have, for editors and for people, and what a summary has, for programs.

use clap::Args;

use crate::handoff::Exit;
use crate::handoff::summary::summary_schema;
use crate::job;
use crate::report::stdout;
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Print a page of Markdown with every key instead, and what it is for
    #[arg(long)]
    markdown: bool,
    /// Print the JSON Schema of summaries instead (`summary.json`, `--summary`)
    #[arg(long, conflicts_with = "markdown")]
    summary: bool,
}

pub(super) fn run(args: &SchemaArgs) -> Result<Exit, RunnerError> {
    let text = match args {
        SchemaArgs { markdown: true, .. } => job::reference(),
        SchemaArgs { summary: true, .. } => summary_schema(),
        SchemaArgs { .. } => job::json_schema(),
    };
    stdout::write_exactly(|out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Done)
}
