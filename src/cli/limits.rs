//! `windrow limits`: what the processes of this user know together of limits and hosts, and how a host's pause is lifted.

use clap::Args;

use crate::budget::{forget_host, known, state_folder};
use crate::handoff::Exit;
use crate::handoff::store::now_micros;
use crate::os::tell;
use crate::report::limits;
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct LimitsArgs {
    /// Lift the pauses of a host, named with its port or without, and forget that it was down; quotas stay
    #[arg(long, value_name = "HOST")]
    forget: Vec<String>,
}

pub(super) fn run(args: &LimitsArgs) -> Result<Exit, RunnerError> {
    let folder = state_folder();
    if args.forget.is_empty() {
        let second = u64::try_from(now_micros() / 1_000_000).unwrap_or(0);
        limits::show(&known(&folder, second).map_err(disk)?, second)?;
        return Ok(Exit::Done);
    }
    let mut unknown = Vec::new();
    for host in &args.forget {
        let forgotten = forget_host(&folder, &host.to_lowercase()).map_err(disk)?;
        for (name, processes) in &forgotten {
            let goes_on = if *processes > 0 { "; what waits for it goes on at once" } else { "" };
            tell!("{name}: forgotten{goes_on}");
        }
        if forgotten.is_empty() {
            unknown.push(host.as_str());
        }
    }
    match unknown.as_slice() {
        [] => Ok(Exit::Done),
        names => Err(RunnerError::Usage(format!(
            "nothing is known of {}\nhint: `windrow limits` names the hosts of which something is; a quota is not \
             forgotten, it renews",
            names.join(", ")
        ))),
    }
}

fn disk(error: crate::budget::BudgetError) -> RunnerError {
    RunnerError::Disk(error.to_string())
}
