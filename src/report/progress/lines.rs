//! The words of each line.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::handoff::{Phase, Pulse};
use crate::record::Kind;
use crate::report::{holds, numbers};

/// Which run it is.
fn title(pulse: &Pulse) -> String {
    let Pulse { job, run, round, .. } = pulse;
    let round = if *round == 0 { String::new() } else { format!("   round {round}") };
    if run.is_empty() { job.clone() } else { format!("{job}   run {run}{round}") }
}

/// How wide the bar's line is at the most: one that is as wide as the window is torn by terminals that wrap it when the
/// window becomes narrower.
const WIDEST: usize = 80;

/// What is done when all is fetched.
pub(in crate::report) const PROVING: &str = "checking that nothing is missing";
pub(in crate::report) const LOADING: &str = "loading the rows";

/// What is shown on a terminal of this width; none of it is cut.
pub(super) fn live(pulse: &Pulse, second: u64, width: usize) -> Vec<String> {
    let mut lines = vec![format!("{}   {}", title(pulse), elapsed(pulse)), bar(pulse, width.min(WIDEST))];
    lines.extend(below(pulse, second));
    lines
}

/// `████░░░░  52 %, some 4 min 0 s left`.
fn bar(pulse: &Pulse, width: usize) -> String {
    let words = format!(" {:>3} %{}", percent(pulse), left(pulse));
    let cells = width.saturating_sub(words.chars().count());
    let full = u64::try_from(cells).unwrap_or(0) * percent(pulse) / 100;
    let full = usize::try_from(full).unwrap_or(cells);
    let [done, open] = if is_utf8() { ["█", "░"] } else { ["#", "."] };
    format!("{}{}{words}", done.repeat(full), open.repeat(cells - full.min(cells)))
}

/// Whether a terminal of this locale shows what is beyond ASCII.
fn is_utf8() -> bool {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let name = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(set);
    let locale = name.and_then(|name| std::env::var(name).ok()).unwrap_or_default().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

fn percent(pulse: &Pulse) -> u64 {
    (pulse.pairs.done * 100).checked_div(pulse.planned).unwrap_or(100).min(100)
}

/// How long it has taken.
fn elapsed(pulse: &Pulse) -> String {
    numbers::duration(time(pulse.seconds))
}

/// `, some 4 min 0 s left`; nothing where that cannot be said.
fn left(pulse: &Pulse) -> String {
    pulse.seconds_left.map_or(String::new(), |left| format!(", some {} left", numbers::duration(time(left))))
}

/// What stands below title and bar.
fn below(pulse: &Pulse, second: u64) -> Vec<String> {
    let quota = pulse.quota.as_ref().map(holds::quota);
    let lines = [Some(counts(pulse)), Some(ends(pulse)), Some(shards(pulse)), quota, held(pulse, second)];
    lines.into_iter().flatten().collect()
}

/// All of it, where nothing is live.
pub(super) fn snapshot(pulse: &Pulse, second: u64) -> Vec<String> {
    let mut lines =
        vec![format!("{}   {}   {} %{}", title(pulse), elapsed(pulse), percent(pulse), left(pulse))];
    lines.extend(below(pulse, second));
    lines
}

/// All of it in a line.
pub(super) fn plain(pulse: &Pulse, second: u64) -> String {
    let held = held(pulse, second).map_or(String::new(), |held| format!("; {held}"));
    let quota = pulse.quota.as_ref().map_or(String::new(), |quota| format!("; {}", holds::quota(quota)));
    format!("{}: {}; {}{}{held}{quota}", elapsed(pulse), counts(pulse), ends(pulse), left(pulse))
}

/// What is done, and how fast.
fn counts(pulse: &Pulse) -> String {
    let latency = pulse.latency.map_or(String::new(), |latency| {
        format!(", p50 {}, p95 {}", numbers::millis(latency.p50), numbers::millis(latency.p95))
    });
    format!(
        "{} of {} requests done, {}/s, {} in flight{latency}",
        numbers::count(pulse.pairs.done),
        numbers::count(pulse.planned),
        numbers::count(pulse.rate as u64),
        numbers::count(pulse.in_flight),
    )
}

/// What became of those that are done, where it is not a plain success.
fn ends(pulse: &Pulse) -> String {
    let pairs = &pulse.pairs;
    let more = |count: u64, words: &str| match count {
        0 => String::new(),
        count => format!(", {} {words}", numbers::count(count)),
    };
    format!(
        "{} failed{}{}{}{}",
        numbers::count(pairs.all_failed()),
        kinds(&pairs.failed),
        more(pairs.all_waiting(), &format!("waiting{}", kinds(&pairs.waiting))),
        more(pairs.missing, "missing"),
        more(pairs.recovered, "succeeded when repeated"),
    )
}

/// ` (12 not_json, 7 timeout)`, the most frequent first.
fn kinds(counts: &BTreeMap<Kind, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let words: Vec<String> =
        counts.iter().map(|(kind, count)| format!("{} {kind}", numbers::count(**count))).collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

fn shards(pulse: &Pulse) -> String {
    let at_work = pulse.at_work.iter().map(|shard| format!("{} ({} %)", shard.shard, shard.percent));
    let at_work = at_work.collect::<Vec<_>>().join(", ");
    let at_work = if at_work.is_empty() { String::new() } else { format!("; at work: {at_work}") };
    let all = numbers::counted(pulse.shards, "shard");
    format!("{} of {all} done{at_work}", numbers::count(pulse.shards_done))
}

/// What holds it back, or that it is to end.
pub(super) fn held(pulse: &Pulse, second: u64) -> Option<String> {
    match pulse.phase {
        Phase::Fetching | Phase::Waiting => holds::now(pulse, second),
        Phase::Finishing => Some(format!(
            "stopping: {} in flight; another Ctrl-C stops at once",
            numbers::counted(pulse.in_flight, "request")
        )),
        Phase::Proving => Some(PROVING.to_owned()),
        Phase::Loading => Some(LOADING.to_owned()),
        Phase::Ended => None,
    }
}

fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
