//! `windrow limits`: what the processes of this user know together of limits and hosts, and how a host's pause is lifted.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::{CliError, stdout};
use crate::budget::{Known, QuotaUsed, forget_host, known, state_folder};
use crate::handoff::Exit;
use crate::handoff::store::now_micros;
use crate::report::{age, count, when};

#[derive(Debug, Args)]
pub(super) struct LimitsArgs {
    /// Lift the pauses of a host, named with its port or without, and forget that it was down; quotas stay
    #[arg(long, value_name = "HOST")]
    forget: Vec<String>,
}

pub(super) fn run(args: &LimitsArgs) -> Result<Exit, CliError> {
    let folder = state_folder();
    if args.forget.is_empty() {
        return show(&folder);
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
        names => Err(CliError::Usage(format!(
            "nothing is known of {}\nhint: `windrow limits` names the hosts of which something is; a quota is not \
             forgotten, it renews",
            names.join(", ")
        ))),
    }
}

fn show(folder: &Path) -> Result<Exit, CliError> {
    let second = u64::try_from(now_micros() / 1_000_000).unwrap_or(0);
    let all = known(folder, second).map_err(disk)?;
    if all.is_empty() {
        tell!("no limit is used, and no host has asked for a pause");
        return Ok(Exit::Done);
    }
    let mut lines = vec![["NAME", "", "PROCESSES", "STATE"].map(str::to_owned).to_vec()];
    lines.extend(all.iter().map(|known| line(known, second)));
    stdout::write(|out| stdout::columns(out, &lines))?;
    Ok(Exit::Done)
}

fn disk(error: crate::budget::BudgetError) -> CliError {
    CliError::Disk(error.to_string())
}

fn line(known: &Known, second: u64) -> Vec<String> {
    let kind = if known.is_host { "host" } else { "limit" };
    vec![known.name.clone(), kind.to_owned(), count(known.processes as u64), state(known, second)]
}

fn state(known: &Known, second: u64) -> String {
    let until = |time: Duration| when(second.saturating_add(time.as_secs()));
    let mut said = Vec::new();
    said.extend(known.paused.map(|time| format!("paused: it is asked again {}", until(time))));
    said.extend(known.down.map(|time| format!("down: it has not answered for {}", age(time))));
    // A pause says that nothing is left.
    let left = known.left.filter(|_| known.paused.is_none());
    said.extend(left.map(|(left, time)| format!("takes {} more, and new ones {}", count(left), until(time))));
    said.extend(known.quotas.iter().map(quota));
    said.join("; ")
}

fn quota(quota: &QuotaUsed) -> String {
    let left = quota.amount.saturating_sub(quota.used);
    format!(
        "quota: {} used, {} left of {}; a new one {}",
        count(quota.used),
        count(left),
        count(quota.amount),
        when(quota.renews_at)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_says_what_holds_and_nothing_else() {
        let nothing = Known {
            name: "a.example:443".into(),
            is_host: true,
            processes: 0,
            paused: None,
            down: None,
            left: None,
            quotas: Vec::new(),
        };
        assert!(!nothing.says_something());
        assert_eq!(state(&nothing, 0), "");
        let left = Some((7, Duration::from_secs(60)));
        let paused = Known { paused: Some(Duration::from_secs(30 * 86_400)), left, ..nothing.clone() };
        assert!(state(&paused, 0).starts_with("paused: it is asked again on 1970-01-31"), "{paused:?}");
        assert!(!state(&paused, 0).contains("takes 7"));
        let down = Known { down: Some(Duration::from_secs(42)), left, ..nothing.clone() };
        assert!(
            state(&down, 0).starts_with("down: it has not answered for 42 s; takes 7 more, and new ones on")
        );
        let quotas = vec![QuotaUsed { used: 2500, amount: 100_000, renews_at: 86_400 }];
        let used = state(&Known { quotas, ..nothing.clone() }, 0);
        assert!(
            used.starts_with("quota: 2,500 used, 97,500 left of 100,000; a new one on 1970-01-0"),
            "{used}"
        );
        // A pause without an end is one for later.
        assert!(state(&Known { paused: Some(Duration::MAX), ..nothing }, 1).ends_with("later"));
    }
}
