//! The runs, or one run's shards.

use std::io::{self, Write};
use std::path::Path;

use super::numbers::{count, counted};
use super::stdout;
use crate::handoff::{HandoffError, Outcome, RunStore, runs};
use crate::os::{shown_path, tell};
use crate::record::Status;
use crate::runner::{RunState, RunnerError};

/// A line per run, the newest of each job first.
pub async fn all(root: &Path) -> Result<(), RunnerError> {
    let mut lines =
        vec![["JOB", "RUN", "STATE", "RECORDS", "SHARDS", "FAILED", ""].map(str::to_owned).to_vec()];
    for job in runs::jobs(root) {
        for folder in runs::runs_of(root, &job) {
            match read(&folder).await {
                Ok(state) => lines.push(line(&state)),
                // One run that cannot be read does not hide the others.
                Err(error) => tell!("windrow: run {}: {error}", shown_path(&folder)),
            }
        }
    }
    if lines.len() == 1 {
        tell!(
            "no runs in {}\nhint: `windrow run JOB` makes one; --runs names another folder",
            root.display()
        );
        return Ok(());
    }
    stdout::write(|out| stdout::columns(out, &lines))?;
    Ok(())
}

async fn read(folder: &Path) -> Result<RunState, HandoffError> {
    RunState::read(&RunStore::open(folder).await?).await
}

fn line(state: &RunState) -> Vec<String> {
    let shards: Vec<_> = state.rounds.iter().flat_map(|(_, shards)| shards).collect();
    let committed = shards.iter().filter(|shard| shard.is_committed()).count();
    vec![
        state.plan.job.clone(),
        state.plan.run.clone(),
        state.word().to_owned(),
        count(state.plan.records),
        format!("{committed}/{}", shards.len()),
        count(state.standing().map_or(0, |standing| standing.failed)),
        if state.plan.trial { "trial".to_owned() } else { String::new() },
    ]
}

/// A line per shard.
pub async fn one(run: &RunStore) -> Result<(), RunnerError> {
    let state = RunState::read(run).await?;
    let header =
        ["ROUND", "SHARD", "RECORDS", "BLOCKS", "OK", "MISSING", "FAILED", "WAITING", "REQUESTS", ""];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for (round, shards) in &state.rounds {
        for shard in shards {
            lines.push(vec![
                round.number.to_string(),
                shard.number.to_string(),
                count(shard.records),
                format!("{}/{}", shard.committed, shard.blocks),
                count(shard.tally.count(Status::Ok)),
                count(shard.tally.count(Status::Missing)),
                count(shard.tally.count(Status::Failed)),
                count(shard.tally.count(Status::Waiting)),
                count(shard.tally.requests),
                if shard.is_committed() { String::new() } else { "unfinished".to_owned() },
            ]);
        }
    }
    stdout::write(|out| {
        heading(out, run, &state)?;
        stdout::columns(out, &lines)
    })?;
    Ok(())
}

/// Which run it is, and how it ended.
fn heading(out: &mut dyn Write, run: &RunStore, state: &RunState) -> io::Result<()> {
    let plan = &state.plan;
    writeln!(out, "{} {}: {}, {}", plan.job, plan.run, state.word(), counted(plan.records, "record"))?;
    writeln!(out, "{}", shown_path(run.folder()))?;
    match &state.outcome {
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
