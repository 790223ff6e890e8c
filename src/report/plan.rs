//! What a run will take, a line for each matter.

use super::numbers::{count, counted};
use super::{console, price, word_for};
use crate::handoff::OPEN_BLOCKS;
use crate::handoff::lock::run_is_locked;
use crate::job::{Job, Source};
use crate::merge;
use crate::os::shown_path;
use crate::runner::{LiveRun, Rest, RunnerError, cores, price_of, worth_another_round};

/// What there is to say of a run, each with its label.
pub async fn lines(run: &LiveRun, job: &Job) -> Result<Vec<(&'static str, String)>, RunnerError> {
    let (plan, rest) = (&run.plan, Rest::of(run).await?);
    let mut lines = vec![("run", shown_path(run.store.folder())), ("records", records(run, &rest))];
    if matches!(job.input.source, Source::Query { .. }) {
        lines.insert(1, ("list", plan.source_in_short()));
    }
    if !job.inferred.is_empty() {
        lines.push(("inferred", job.inferred.join(", ")));
    }
    if run_is_locked(run.store.folder()) && !run.is_held() {
        lines.insert(1, ("state", "in use by another windrow process".to_owned()));
    }
    if rest.is_nothing() && !rest.is_all() {
        lines.push(("left", what_follows(run, &rest, job).await?));
        return Ok(lines);
    }
    let block = rest.largest_block();
    let at_risk = (block * OPEN_BLOCKS as u64 * cores() as u64).min(rest.records());
    let disk = if rest.is_all() { "in the run's folder" } else { "more in the run's folder" };
    lines.extend(price::in_full(job, &price_of(run, &rest, job).await?, disk));
    lines.extend([
        ("publish", merge::success_in_words(job)),
        ("shards", shards(&rest, &word_for(&run.store, plan))),
        ("at risk", format!("{} records would be asked again after a crash, at the most", count(at_risk))),
    ]);
    Ok(lines)
}

/// What `run` does with a run whose rounds are all done.
async fn what_follows(run: &LiveRun, rest: &Rest, job: &Job) -> Result<String, RunnerError> {
    Ok(match worth_another_round(run, job, &rest.round).await? {
        Some((most, again)) => {
            format!(
                "{} at the most, to be asked again; then it is published",
                counted(most, console::requests(again))
            )
        }
        None => "nothing to ask; it is to be published".to_owned(),
    })
}

/// `2,500`, or how many of them are done.
fn records(run: &LiveRun, rest: &Rest) -> String {
    let (all, left) = (count(run.plan.records), rest.records());
    match rest.round.number {
        0 if rest.is_all() => all,
        0 => {
            format!("{all}: {} done, {} left", count(run.plan.records.saturating_sub(left)), count(left))
        }
        number => {
            let again: u64 = rest.states.iter().map(|state| state.records).sum();
            format!(
                "{all}: all were asked; round {number} asks {} again: {} done, {} left",
                count(again),
                count(again.saturating_sub(left)),
                count(left)
            )
        }
    }
}

/// `2 (windrow shard prices 0 … 1)`, and how many of them are done.
fn shards(rest: &Rest, word: &str) -> String {
    let numbers = || rest.round.shards.iter().map(|shard| shard.number);
    let (first, last) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
    let done = rest.states.iter().filter(|state| state.is_committed()).count() as u64;
    let done = if done == 0 { String::new() } else { format!(", {} of them complete", count(done)) };
    format!("{}{done} (windrow shard {word} {first} … {last})", rest.round.shards.len())
}
