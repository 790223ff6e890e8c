//! Working a round: every shard that is not committed, a child each.

use std::path::{Path, PathBuf};

use tokio::sync::watch;

use super::CliError;
use crate::handoff::accepted::SecretsFile;
use crate::handoff::{Exit, OPEN_BLOCKS, Plan, Round, RunStore};
use crate::job::Job;
use crate::os::Stop;
use crate::report::Progress;
use crate::report::status::{ShardState, shard_states};
use crate::supervisor::{CrewOptions, ShardEnd, supervise};

/// Cores that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the person said about fetching.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct FetchArgs {
    /// Send at most this many requests (at least one a shard), then pause; the next run continues there
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_requests: Option<u64>,
    /// Child processes at a time [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) children: Option<u16>,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    pub(super) env_file: Option<PathBuf>,
    /// Whether what fails has failed (see [`ShardOptions::settles`](crate::worker::ShardOptions::settles)).
    #[arg(skip)]
    pub(super) settles: bool,
    /// Where the processes note whether the secrets are accepted; without it refusals are the records' own.
    #[arg(skip)]
    pub(super) secrets_accepted: Option<PathBuf>,
}

impl FetchArgs {
    /// The same, and the file in which the processes note whether the job's secrets are accepted, as long as it is held.
    pub(super) fn watching_secrets(&self, job: &Job, run: &Path) -> (FetchArgs, Option<SecretsFile>) {
        let has_secrets = !job.secrets().is_empty();
        let file = has_secrets.then(|| SecretsFile::begin(run)).flatten();
        let secrets_accepted = file.as_ref().map(|file| file.path().to_owned());
        (FetchArgs { secrets_accepted, ..self.clone() }, file)
    }
}

/// What came of working a round.
pub(super) struct Fetched {
    /// `Done` when every shard is committed.
    pub(super) exit: Exit,
    /// Requests sent.
    pub(super) requests: u64,
    /// When a quota renews that was found used up, in seconds since 1970.
    pub(super) renews_at: Option<u64>,
    /// Which secrets were refused, and by whom.
    pub(super) refused: Option<String>,
    /// Whether shards gave up since nobody answered, and others were committed: such a shard may find by now that other
    /// hosts of the job are there.
    pub(super) is_worth_another_look: bool,
}

impl Fetched {
    /// That it ended so, and nothing else.
    pub(super) fn ended(exit: Exit) -> Fetched {
        Fetched { exit, requests: 0, renews_at: None, refused: None, is_worth_another_look: false }
    }
}

/// Fetches what is not committed of a round, with at most `args.max_requests`.
pub(super) async fn work_round(
    run: &RunStore,
    plan: &Plan,
    job: &Job,
    round: &Round,
    args: &FetchArgs,
    stop: &watch::Receiver<Stop>,
) -> Result<Fetched, CliError> {
    let states = shard_states(run, round).await?;
    let unfinished: Vec<u32> =
        states.iter().filter(|state| !state.is_committed()).map(|state| state.number).collect();
    if unfinished.is_empty() || args.max_requests == Some(0) {
        let paused = if unfinished.is_empty() { Exit::Done } else { Exit::Paused };
        let exit = if stop.borrow().is_set() { worst([].iter(), *stop.borrow()) } else { paused };
        return Ok(Fetched::ended(exit));
    }
    unfinished.iter().try_for_each(|shard| run.check_input(*shard))?;
    let pairs_of = |shard: &crate::handoff::Shard| shard.pairs;
    let finished =
        round.shards.iter().filter(|shard| !unfinished.contains(&shard.number)).map(pairs_of).sum();
    let mut progress = Progress::new(round.shards.iter().map(pairs_of).sum(), finished);
    let options = CrewOptions {
        program: std::env::current_exe()?,
        arguments: arguments(args)?,
        at_once: places(&states, args),
        in_flight: job.settings.in_flight as usize,
        max_requests: args.max_requests,
    };
    let worked = supervise(run, plan, unfinished, &options, &mut progress, stop.clone()).await?;
    progress.finish();
    let exit = match &worked.refused {
        Some(_) => Exit::Usage,
        None => worst(worked.ends.values(), *stop.borrow()),
    };
    let gave_up = |end: &ShardEnd| matches!(end, ShardEnd::Ended(Exit::TryAgain, _));
    let is_worth_another_look = exit == Exit::TryAgain
        && job.asks_several_hosts()
        && worked.ends.values().any(gave_up)
        && committed(&shard_states(run, round).await?) > committed(&states);
    Ok(Fetched {
        exit,
        requests: worked.requests,
        renews_at: worked.renews_at,
        refused: worked.refused,
        is_worth_another_look,
    })
}

/// Blocks that are committed.
fn committed(states: &[ShardState]) -> usize {
    states.iter().map(|state| state.committed).sum()
}

/// Processes that have something to do: one for each shard that is not committed, and helpers where there are blocks for
/// them (see [`supervise`]).
fn places(states: &[ShardState], args: &FetchArgs) -> usize {
    let unfinished = states.iter().filter(|state| !state.is_committed()).count();
    let blocks: usize = states.iter().map(|state| state.blocks.saturating_sub(state.committed)).sum();
    let most = if args.max_requests.is_some() { unfinished } else { unfinished.max(blocks / OPEN_BLOCKS) };
    args.children.map_or_else(cores, usize::from).min(most)
}

/// What every child is told, wherever it runs.
fn arguments(args: &FetchArgs) -> Result<Vec<std::ffi::OsString>, CliError> {
    let mut arguments = Vec::new();
    if let Some(path) = &args.env_file {
        arguments.extend(["--env-file".into(), std::path::absolute(path)?.into()]);
    }
    if args.settles {
        arguments.push("--settle".into());
    }
    if let Some(path) = &args.secrets_accepted {
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
