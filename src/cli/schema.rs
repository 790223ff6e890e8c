//! `windrow schema`: what a job file may have, for editors and for people.

use clap::Args;

use crate::handoff::Exit;
use crate::job;
use crate::report::stdout;
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Print a page of Markdown with every key instead, and what it is for
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(args: &SchemaArgs) -> Result<Exit, RunnerError> {
    let text = if args.markdown { job::reference() } else { job::json_schema() };
    stdout::write_exactly(|out| out.write_all(text.as_bytes()))?;
    Ok(Exit::Done)
}
