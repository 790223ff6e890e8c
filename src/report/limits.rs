//! What is known of limits and hosts.

use std::io;
use std::time::Duration;

use super::numbers::{age, count, when};
use super::stdout;
use crate::budget::{LimitState, QuotaUsed};
use crate::os::tell;

/// Shows all that is known at a moment, in seconds since 1970.
pub fn show(all: &[LimitState], second: u64) -> io::Result<()> {
    if all.is_empty() {
        tell!("no limit is used, and no host has asked for a pause");
        return Ok(());
    }
    let mut lines = vec![["NAME", "", "PROCESSES", "STATE"].map(str::to_owned).to_vec()];
    lines.extend(all.iter().map(|known| line(known, second)));
    stdout::write(|out| stdout::columns(out, &lines))
}

fn line(known: &LimitState, second: u64) -> Vec<String> {
    let kind = if known.is_host { "host" } else { "limit" };
    vec![known.name.clone(), kind.to_owned(), count(known.processes as u64), state(known, second)]
}

fn state(known: &LimitState, second: u64) -> String {
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
        let nothing = LimitState {
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
        let paused = LimitState { paused: Some(Duration::from_secs(30 * 86_400)), left, ..nothing.clone() };
        assert!(state(&paused, 0).starts_with("paused: it is asked again on 1970-01-31"), "{paused:?}");
        assert!(!state(&paused, 0).contains("takes 7"));
        let down = LimitState { down: Some(Duration::from_secs(42)), left, ..nothing.clone() };
        assert!(
            state(&down, 0).starts_with("down: it has not answered for 42 s; takes 7 more, and new ones on")
        );
        let quotas = vec![QuotaUsed { used: 2500, amount: 100_000, renews_at: 86_400 }];
        let used = state(&LimitState { quotas, ..nothing.clone() }, 0);
        assert!(
            used.starts_with("quota: 2,500 used, 97,500 left of 100,000; a new one on 1970-01-0"),
            "{used}"
        );
        // A pause without an end is one for later.
        assert!(state(&LimitState { paused: Some(Duration::MAX), ..nothing }, 1).ends_with("later"));
    }
}
