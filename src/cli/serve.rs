//! `windrow serve JOB…`: what was gathered, over HTTP, and gathered again as often as the jobs say.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{RunsArgs, find};
use crate::handoff::Exit;
use crate::os::stop_on_signals;
use crate::runner::RunnerError;
use crate::serve::{ServeOptions, ServedJob, read_token, serve};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The jobs: their files, or their names
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
    /// Where it answers: an address and a port, of which 0 is a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// Answer only who sends the token in this file; at any address but this machine's own it must be there
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Run no job: serve what others publish
    #[arg(long)]
    no_runs: bool,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, help_heading = "Fetching", value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Tell only errors, and what else wants your attention
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

pub(super) async fn run(args: ServeArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let stop = stop_on_signals()?;
    let mut jobs = Vec::new();
    for word in &args.jobs {
        let job = find::load_job(word, runs).await?;
        find::refuse_queue(&job)?;
        let root = find::runs_root(&job, runs);
        jobs.push(ServedJob { job, root });
    }
    let options = ServeOptions {
        jobs,
        listen: args.listen,
        token: args.token_file.as_deref().map(read_token).transpose()?,
        runs: !args.no_runs,
        env_file: args.env_file.map(std::path::absolute).transpose()?,
        program: std::env::current_exe()?,
        is_quiet: args.quiet,
    };
    serve(&options, &stop).await
}
