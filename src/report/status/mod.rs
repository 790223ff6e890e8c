//! The runs, or one run's shards.

mod facts;
mod queue;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use self::facts::{AllRuns, Destination, OneRun, RunFacts, ShardFacts};
pub use self::queue::{line_of_queue, queue};
use super::numbers::{count, counted, duration, minute, second_of_day};
use super::stdout::{self, Form};
use crate::handoff::{Outcome, RunStore, runs};
use crate::job::StateOfRun;
use crate::os::{shown_path, tell};
use crate::runner::{RunState, RunnerError};

/// The version of what programs are told.
const VERSION: u32 = 1;

/// A line per run, the newest of each job first.
pub async fn all(root: &Path, form: Form) -> Result<(), RunnerError> {
    let mut found = Vec::new();
    for job in runs::jobs(root) {
        for folder in runs::runs_of(root, &job) {
            match read(&folder).await {
                Ok(facts) => found.push(facts),
                // One run that cannot be read does not hide the others.
                Err(error) => tell!("windrow: run {}: {error}", shown_path(&folder)),
            }
        }
    }
    if form == Form::Json {
        return Ok(stdout::write_json(&AllRuns { version: VERSION, runs: &found })?);
    }
    if found.is_empty() {
        tell!(
            "no runs in {}\nhint: `windrow run JOB` makes one; --runs names another folder",
            root.display()
        );
        return Ok(());
    }
    stdout::write(|out| stdout::columns_within(out, &table(&found), stdout::width()))?;
    Ok(())
}

async fn read(folder: &Path) -> Result<RunFacts, RunnerError> {
    let run = RunStore::open(folder).await?;
    let state = RunState::read(&run).await?;
    RunFacts::of(&run, &state).await
}

fn table(runs: &[RunFacts]) -> Vec<Vec<String>> {
    let some_not_asked = runs.iter().any(|run| run.not_asked > 0);
    let mut header = vec!["JOB", "RUN", "STARTED", "TOOK", "RECORDS", "ROWS", "FAILED", "WAITING"];
    header.extend(some_not_asked.then_some("NOT ASKED"));
    header.push("STATE");
    let line = |run: &RunFacts| {
        let mut line = vec![
            run.job.clone(),
            run.run.clone(),
            started(run),
            run.seconds.map_or_else(String::new, |seconds| duration(Duration::from_secs_f64(seconds))),
            count(run.records),
            run.rows.map_or_else(String::new, count),
            count(run.failed),
            count(run.waiting),
        ];
        line.extend(some_not_asked.then(|| count(run.not_asked)));
        line.push(run.state_in_words());
        line
    };
    let lines = runs.iter().map(line);
    std::iter::once(header.into_iter().map(str::to_owned).collect()).chain(lines).collect()
}

/// To the minute, in the zone of this machine.
fn started(run: &RunFacts) -> String {
    run.started_at.parse::<Timestamp>().map_or_else(|_| run.started_at.clone(), minute)
}

/// A line per shard.
pub async fn one(run: &RunStore, form: Form) -> Result<(), RunnerError> {
    let state = RunState::read(run).await?;
    let facts = RunFacts::of(run, &state).await?;
    let shards: Vec<ShardFacts> = state
        .rounds
        .iter()
        .flat_map(|(round, shards)| shards.iter().map(|shard| ShardFacts::of(round, shard)))
        .collect();
    if form == Form::Json {
        let published = state.outcome.as_ref().filter(|outcome| outcome.published);
        let destination = published.map(|outcome| Destination { to: &outcome.to, table: &outcome.table });
        let one = OneRun { version: VERSION, run: &facts, destination, shards: &shards };
        return Ok(stdout::write_json(&one)?);
    }
    stdout::write(|out| {
        heading(out, run, &facts, state.outcome.as_ref())?;
        stdout::columns_within(out, &shard_table(&shards), stdout::width())
    })?;
    Ok(())
}

fn shard_table(shards: &[ShardFacts]) -> Vec<Vec<String>> {
    let some_not_asked = shards.iter().any(|shard| shard.not_asked > 0);
    let mut header = vec!["ROUND", "SHARD", "RECORDS", "BLOCKS", "OK", "MISSING", "FAILED", "WAITING"];
    header.extend(some_not_asked.then_some("NOT ASKED"));
    header.extend(["REQUESTS", "FIRST", "LAST", ""]);
    let line = |shard: &ShardFacts| {
        let mut line = vec![
            shard.round.to_string(),
            shard.shard.to_string(),
            count(shard.records),
            format!("{}/{}", shard.blocks_committed, shard.blocks),
            count(shard.ok),
            count(shard.missing),
            count(shard.failed),
            count(shard.waiting),
        ];
        line.extend(some_not_asked.then(|| count(shard.not_asked)));
        let at = |at: &Option<String>| at.as_deref().map(second_of_day).unwrap_or_default();
        line.extend([count(shard.requests), at(&shard.first_at), at(&shard.last_at)]);
        line.push(if shard.complete { String::new() } else { "unfinished".to_owned() });
        line
    };
    let lines = shards.iter().map(line);
    std::iter::once(header.into_iter().map(str::to_owned).collect()).chain(lines).collect()
}

/// Which run it is, how long it took, and how it ended.
fn heading(
    out: &mut dyn Write,
    run: &RunStore,
    facts: &RunFacts,
    outcome: Option<&Outcome>,
) -> io::Result<()> {
    let took = facts.seconds.map_or_else(String::new, |seconds| {
        let took = duration(Duration::from_secs_f64(seconds));
        if facts.state == StateOfRun::Running {
            format!(", for {took} now")
        } else {
            format!(", took {took}")
        }
    });
    let trial = if facts.trial { " (trial)" } else { "" };
    writeln!(
        out,
        "{} {}: {}{trial}, {}",
        facts.job,
        facts.run,
        facts.state,
        counted(facts.records, "record")
    )?;
    writeln!(out, "started {}{took}", started(facts))?;
    writeln!(out, "{}", shown_path(run.folder()))?;
    facts
        .reason
        .iter()
        .filter(|_| facts.state != StateOfRun::Refused)
        .try_for_each(|why| writeln!(out, "{why}"))?;
    match outcome {
        None => Ok(()),
        Some(Outcome { refused: Some(why), .. }) => writeln!(out, "{why}"),
        Some(Outcome { rows, rejected, table, to, .. }) => {
            let into = if to.starts_with("csv:") || to.starts_with("parquet:") {
                to.clone()
            } else {
                format!("{table} of {to}")
            };
            let rejected = match rejected.len() as u64 {
                0 => String::new(),
                some => format!(", {} rejected by it", counted(some, "record")),
            };
            writeln!(out, "published {} into {into}{rejected}", counted(*rows, "row"))
        }
    }
}
