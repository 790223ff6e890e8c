//! Working a round: every shard that is not committed, a child each.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use super::outcome::Fetched;
use super::rest::{Rest, price_of};
use super::state::{ShardState, shard_states};
use super::{LiveRun, Milestone, RunnerError, Subject, Watcher};
use crate::handoff::accepted::SecretsFile;
use crate::handoff::{Exit, Round, Shard};
use crate::job::Job;
use crate::os::Stop;
use crate::supervisor::{CrewOptions, ShardEnd, supervise};

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How shards are fetched.
#[derive(Debug, Clone, Default)]
pub struct FetchOptions {
    /// Sends at most this many requests (at least one a shard), then pauses.
    pub max_requests: Option<u64>,
    /// Processes at a time; as many as there are cores by default.
    pub processes: Option<u16>,
    /// A file of `NAME=value` lines from which the children read secrets as well.
    pub env_file: Option<PathBuf>,
}

/// How a round is worked.
#[derive(Debug, Clone)]
pub(super) struct RoundOptions {
    pub fetch: FetchOptions,
    /// Whether what fails has failed (see [`ShardOptions::settles`](crate::worker::ShardOptions::settles)).
    pub settles: bool,
    /// Where the processes note whether the secrets are accepted; without it refusals are the records' own.
    pub secrets_accepted: Option<PathBuf>,
}

impl RoundOptions {
    /// With refusals of secrets that are the records' own.
    pub(super) fn of(fetch: &FetchOptions) -> RoundOptions {
        RoundOptions { fetch: fetch.clone(), settles: false, secrets_accepted: None }
    }

    /// The same, and the file in which the processes note whether the job's secrets are accepted, as long as it is held.
    pub(super) fn watching_secrets(
        fetch: &FetchOptions,
        job: &Job,
        run: &Path,
    ) -> (RoundOptions, Option<SecretsFile>) {
        // A proxy may refuse what the environment has for it, or want what it has not.
        let may_be_refused =
            !job.secrets().is_empty() || job.endpoints.iter().any(|endpoint| endpoint.network.has_proxy());
        let file = may_be_refused.then(|| SecretsFile::begin(run)).flatten();
        let secrets_accepted = file.as_ref().map(|file| file.path().to_owned());
        (RoundOptions { secrets_accepted, ..RoundOptions::of(fetch) }, file)
    }
}

/// Fetches what is not committed of a round, with at most `max_requests`.
pub(super) async fn work_round(
    run: &LiveRun,
    job: &Job,
    round: &Round,
    options: &RoundOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<Fetched, RunnerError> {
    let states = shard_states(&run.store, round).await?;
    let unfinished: Vec<u32> =
        states.iter().filter(|state| !state.is_committed()).map(|state| state.number).collect();
    let max_requests = options.fetch.max_requests;
    if unfinished.is_empty() || max_requests == Some(0) {
        let paused = if unfinished.is_empty() { Exit::Done } else { Exit::Paused };
        let exit = if stop.borrow().is_set() { worst([].iter(), *stop.borrow()) } else { paused };
        return Ok(Fetched::ended(exit));
    }
    unfinished.iter().try_for_each(|shard| run.store.check_input(*shard))?;
    let crew = CrewOptions {
        program: std::env::current_exe()?,
        arguments: arguments(options)?,
        at_once: options.fetch.processes.map_or_else(cores, usize::from).min(unfinished.len()),
        in_flight: job.settings.in_flight as usize,
        max_requests,
    };
    let subject = subject(run, round, &unfinished);
    let price = match job.limits.is_empty() {
        true => None,
        false => Some(price_of(run, &Rest::of(run).await?, job).await?),
    };
    let limited = price.as_ref().map(|price| (job, price));
    watcher.reached(Milestone::FetchingBegun { run, subject: &subject, limited });
    let worked = supervise(&run.store, &run.plan, unfinished, &crew, watcher, stop.clone()).await?;
    watcher.reached(Milestone::FetchingEnded);
    let exit = match &worked.refused {
        Some(_) => Exit::Usage,
        None => worst(worked.ends.values(), *stop.borrow()),
    };
    let gave_up = |end: &ShardEnd| matches!(end, ShardEnd::Ended(Exit::TryAgain, _));
    let is_worth_another_look = exit == Exit::TryAgain
        && job.asks_several_hosts()
        && worked.ends.values().any(gave_up)
        && committed(&shard_states(&run.store, round).await?) > committed(&states);
    Ok(Fetched {
        exit,
        requests: worked.requests,
        renews_at: worked.renews_at,
        refused: worked.refused,
        is_worth_another_look,
    })
}

/// The round, of which these shards are worked.
fn subject(run: &LiveRun, round: &Round, unfinished: &[u32]) -> Subject {
    let pairs_of = |shard: &Shard| shard.pairs;
    let is_done = |shard: &&Shard| !unfinished.contains(&shard.number);
    Subject {
        job: run.plan.job.clone(),
        run: run.plan.run.clone(),
        round: round.number,
        shards: round.shards.len() as u64,
        shards_done: round.shards.iter().filter(is_done).count() as u64,
        pairs: round.shards.iter().map(pairs_of).sum(),
        finished: round.shards.iter().filter(is_done).map(pairs_of).sum(),
    }
}

/// Blocks that are committed.
fn committed(states: &[ShardState]) -> usize {
    states.iter().map(|state| state.committed).sum()
}

/// What every child is told, wherever it runs.
fn arguments(options: &RoundOptions) -> Result<Vec<OsString>, RunnerError> {
    let mut arguments = Vec::new();
    if let Some(path) = &options.fetch.env_file {
        arguments.extend(["--env-file".into(), std::path::absolute(path)?.into()]);
    }
    if options.settles {
        arguments.push("--settle".into());
    }
    if let Some(path) = &options.secrets_accepted {
        arguments.extend(["--secrets-accepted".into(), path.into()]);
    }
    Ok(arguments)
}

/// The exit code that stands for all shards: what a person must look at first.
fn worst<'a>(ends: impl Iterator<Item = &'a ShardEnd>, stop: Stop) -> Exit {
    let exit = |end: &ShardEnd| match end {
        ShardEnd::Committed => Exit::Done,
        ShardEnd::Ended(exit, _) => *exit,
        ShardEnd::Crashed(_) => Exit::TryAgain,
        ShardEnd::Stopped => Exit::Interrupted(stop.signal().unwrap_or(2)),
    };
    let urgency = |exit: &Exit| match exit {
        Exit::Done => 0,
        Exit::Interrupted(_) => 1,
        Exit::Paused => 2,
        Exit::TryAgain => 3,
        Exit::Locked => 4,
        Exit::Refused | Exit::Database => 5,
        Exit::Disk => 6,
        Exit::Usage => 7,
        Exit::Integrity => 8,
    };
    let worst = ends.map(exit).max_by_key(urgency).unwrap_or(Exit::Done);
    match stop.signal() {
        // The children drained well; the run as a whole was still interrupted.
        Some(signal) if urgency(&worst) <= 1 => Exit::Interrupted(signal),
        _ => worst,
    }
}
