//! `windrow run JOB`: plan, fetch, retry, publish, summarise.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use tokio::sync::watch;

use super::live::{Choice, LiveRun, Purpose, TrialArgs};
use super::merged::Merged;
use super::rest::Rest;
use super::round::{FetchArgs, Fetched, work_round};
use super::{CliError, find, live, merge, pause, price, prune, settle, summary};
use crate::fetch::Mask;
use crate::handoff::Exit;
use crate::job::Job;
use crate::merge::{Place, check_destination};
use crate::os::{Stop, stop_on_signals};
use crate::plan::{self, RetryFilter};
use crate::report::status::shown_path;
use crate::report::{counted, status};
use crate::secrets::Secrets;

/// Longest time between two looks at the wall clock.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The job file
    job: PathBuf,
    /// Start a new run even if there is an unfinished one
    #[arg(long)]
    new: bool,
    /// Where a quota is used up, wait until there is a new one instead of ending with exit code 7
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    trial: TrialArgs,
    #[command(flatten)]
    fetch: FetchArgs,
}

pub(super) async fn run(args: RunArgs, place: &super::Place) -> Result<Exit, CliError> {
    let started = Instant::now();
    let stop = stop_on_signals()?;
    let job = find::load_job(&args.job)?;
    // Secrets that are not there are told before anything is planned.
    let secrets = find::secrets(args.fetch.env_file.as_deref())?;
    find::check_secrets(&job, &secrets)?;
    let root = find::runs_root(&job, place);
    let is_trial = args.trial.sample.is_some() || args.trial.ids.is_some();
    // Before anything else is looked at: the database, too, may be in use by the run that is still going.
    let _job_lock = if is_trial { None } else { Some(live::hold_job(&job.name, &root)?) };
    if !is_trial && let Some(exit) = stands(&job, &root, &secrets, args.new, &stop).await? {
        return Ok(exit);
    }
    let run = begin(&job, &args, &root, &secrets, is_trial).await?;
    let fetched = fetch_to_the_end(&run, &job, &args, &secrets, &stop).await?;
    if fetched.exit != Exit::Done {
        return Ok(fetched.exit);
    }
    let to = Place::of(&run.store, &run.plan, &job, &secrets)?;
    let wanted = merge::Wanted { anyway: false, noted: !is_trial };
    let mask = Mask::of(&job.endpoints, &secrets);
    let merged = merge::merge_run(&run.store, &job, &to, wanted, &mask, &stop).await?;
    summary::finished(&run, &job, &to, &merged, &mask, started.elapsed()).await;
    if !is_trial && !matches!(merged, Merged::Interrupted(_)) {
        prune::after_run(&job, &root).await;
    }
    // Last of all: who is killed before this has not told.
    settle::told_at_last(&run.store, merged.exit())
}

/// What stands before a run begins: an earlier one that is published, and nobody was told; then the exit code is known. Or
/// a destination that does not go with the job.
async fn stands(
    job: &Job,
    root: &Path,
    secrets: &Secrets,
    anew: bool,
    stop: &watch::Receiver<Stop>,
) -> Result<Option<Exit>, CliError> {
    let look = async {
        let settled = settle::settle_all(job, root, secrets, anew).await?;
        if settled.is_none() {
            check_destination(job, &Place::of_job(job, secrets)?).await?;
        }
        Ok(settled)
    };
    tokio::select! {
        biased;
        settled = look => settled,
        // A database that is in use is waited for.
        () = merge::told_to_stop(stop) => {
            tell!("{}: interrupted; nothing is planned", job.name);
            Ok(Some(Exit::Interrupted(stop.borrow().signal().unwrap_or_default())))
        }
    }
}

/// Fetches all rounds, over pauses where the person waits for them, and says why where they were not all fetched.
async fn fetch_to_the_end(
    run: &LiveRun,
    job: &Job,
    args: &RunArgs,
    secrets: &Secrets,
    stop: &watch::Receiver<Stop>,
) -> Result<Fetched, CliError> {
    let (fetch, _secrets_accepted) = args.fetch.watching_secrets(job, run.store.folder());
    loop {
        let mut fetched = fetch_rounds(run, job, &fetch, stop).await?;
        match fetched.exit {
            Exit::Done => return Ok(fetched),
            Exit::Paused if pause::publishes(run, job) => {
                fetched.exit = pause::publish_so_far(run, job, secrets, &fetched, stop).await?;
            }
            _ => summary::unfinished(run, &fetched),
        }
        match fetched.renews_at {
            Some(renews_at) if args.wait && fetched.exit == Exit::Paused => {
                tell!("{}: waiting for it", job.name);
                wait_until(renews_at, stop).await;
            }
            _ => return Ok(fetched),
        }
    }
}

/// Goes on with the unfinished run, or plans a new one.
async fn begin(
    job: &Job,
    args: &RunArgs,
    root: &Path,
    secrets: &Secrets,
    is_trial: bool,
) -> Result<LiveRun, CliError> {
    if !is_trial && !args.new {
        match live::choose(job, &args.job, root, secrets, Purpose::Work).await? {
            Choice::Continue(run) => {
                tell!("{}: going on with run {}", job.name, run.plan.run);
                return Ok(run);
            }
            Choice::LeaveBehind(run, why) => {
                tell!("{}: run {} is left as it is, since {why}; starting anew", job.name, run.plan.run);
            }
            Choice::Begin => {}
        }
    }
    let run = live::plan_new(job, root, secrets, &args.trial).await?;
    say_planned(&run, job).await?;
    Ok(run)
}

async fn say_planned(run: &LiveRun, job: &Job) -> Result<(), CliError> {
    let shards: usize = run.store.rounds().await?.iter().map(|round| round.shards.len()).sum();
    let price = price::of(run, &Rest::of(run).await?, job).await?;
    let left_out = match run.plan.left_out {
        0 => String::new(),
        left_out => format!(" ({} left out)", counted(left_out, "repeated id")),
    };
    tell!(
        "{}: {}{left_out}, {}, {}, {}run {}",
        run.plan.job,
        counted(run.plan.records, "record"),
        counted(price.requests, "request"),
        counted(shards as u64, "shard"),
        price::in_short(job, &price),
        shown_path(run.store.folder()),
    );
    Ok(())
}

/// Works the rounds that there are, then those that the job wants over what failed.
async fn fetch_rounds(
    run: &LiveRun,
    job: &Job,
    args: &FetchArgs,
    stop: &watch::Receiver<Stop>,
) -> Result<Fetched, CliError> {
    let mut args = args.clone();
    loop {
        let rounds = run.store.rounds().await?;
        let Some(round) = rounds.last() else { return Ok(Fetched::ended(Exit::Done)) };
        args.settles = round.number > 0;
        let fetched = work_round(&run.store, &run.plan, job, round, &args, stop).await?;
        args.max_requests = args.max_requests.map(|most| most.saturating_sub(fetched.requests));
        if fetched.is_worth_another_look {
            continue;
        }
        if fetched.exit != Exit::Done {
            return Ok(fetched);
        }
        // What only waits for a quota would be deferred again.
        if fetched.renews_at.is_some_and(|renews_at| left_until(renews_at) > Duration::ZERO) {
            return Ok(Fetched { exit: Exit::Paused, ..fetched });
        }
        let Some((_, what)) = worth_another_round(run, job, round).await? else {
            return Ok(Fetched::ended(Exit::Done));
        };
        let filter = RetryFilter { worth_repeating_only: true, ..RetryFilter::default() };
        let options = live::plan_options(&TrialArgs::default());
        let planned = find::planned_job(&run.store, &run.plan).await?;
        match plan::write_retry(&planned, &run.store, &filter, &options).await? {
            None => return Ok(Fetched::ended(Exit::Done)),
            Some(round) => {
                let pairs: u64 = round.shards.iter().map(|shard| shard.pairs).sum();
                tell!(
                    "{}: round {}: asking {} again",
                    job.name,
                    round.number,
                    counted(pairs, &format!("{what} request"))
                );
            }
        }
    }
}

/// Waits for a moment, in seconds since 1970, or for a signal.
async fn wait_until(second: u64, stop: &watch::Receiver<Stop>) {
    let mut stop = stop.clone();
    let signalled = async {
        if stop.wait_for(|stop| stop.is_set()).await.is_err() {
            // Nobody is left who could send one.
            std::future::pending::<()>().await;
        }
    };
    // By the wall clock, look after look: it may be set meanwhile, and the machine may sleep.
    let reached = async {
        while left_until(second) > Duration::ZERO {
            tokio::time::sleep(left_until(second).min(LOOK_AT_CLOCK)).await;
        }
    };
    tokio::select! {
        () = signalled => {}
        () = reached => {}
    }
}

/// What is left until a moment, in seconds since 1970; nothing where it is past.
fn left_until(second: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(second).saturating_sub(now)
}

/// What another round would ask, if it is due, and how much of it at the most: what an interruption deferred always, what
/// failed as often as the job says.
pub(super) async fn worth_another_round(
    run: &LiveRun,
    job: &Job,
    round: &crate::handoff::Round,
) -> Result<Option<(u64, &'static str)>, CliError> {
    use crate::record::Status;
    let tallies = status::tallies(&run.store, round).await?;
    let sum = |status| tallies.values().map(|tally| tally.count(status)).sum::<u64>();
    let (deferred, failed) = (sum(Status::Deferred), sum(Status::Failed));
    if deferred > 0 {
        return Ok(Some((deferred, "deferred")));
    }
    Ok((failed > 0 && round.number < job.settings.rounds).then_some((failed, "failed")))
}
