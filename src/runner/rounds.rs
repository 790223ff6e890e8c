//! Fetching a run: its rounds one after the other, and those that the job wants over what failed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::choose::{Trial, plan_options};
use super::outcome::Fetched;
use super::remake::remake_once;
use super::round::{RoundOptions, work_round};
use super::state::tallies;
use super::{Again, LiveRun, Milestone, RunnerError, Watcher, jobs};
use crate::handoff::{Exit, Round};
use crate::job::Job;
use crate::os::Stop;
use crate::plan::{self, RetryFilter};
use crate::record::Status;

/// Longest time between two looks at the wall clock.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(30);

/// Works the rounds that there are, then those that the job wants over what failed.
pub(super) async fn fetch_rounds(
    run: &LiveRun,
    job: &Job,
    options: &RoundOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<Fetched, RunnerError> {
    let mut options = options.clone();
    loop {
        let rounds = run.store.rounds().await?;
        let Some(round) = rounds.last() else { return Ok(Fetched::ended(Exit::Done)) };
        options.settles = round.number > 0;
        let fetched = work_round(run, job, round, &options, stop, watcher).await?;
        let left = options.fetch.max_requests.map(|most| most.saturating_sub(fetched.requests));
        options.fetch.max_requests = left;
        if fetched.is_worth_another_look {
            continue;
        }
        if fetched.exit != Exit::Done {
            return Ok(fetched);
        }
        // What only waits for a quota would wait again.
        if fetched.renews_at.is_some_and(|renews_at| left_until(renews_at) > Duration::ZERO) {
            return Ok(Fetched { exit: Exit::Paused, ..fetched });
        }
        let Some((_, again)) = worth_another_round(run, job, round).await? else {
            match remake_once(run, watcher).await? {
                Some(_) => continue,
                None => return Ok(Fetched::ended(Exit::Done)),
            }
        };
        let filter = RetryFilter { worth_repeating_only: true, ..RetryFilter::default() };
        let planned = jobs::planned_job(&run.store, &run.plan).await?;
        match plan::write_retry(&planned, &run.store, &filter, &plan_options(&Trial::default())).await? {
            None if remake_once(run, watcher).await?.is_none() => return Ok(Fetched::ended(Exit::Done)),
            None => {}
            Some(round) => watcher.reached(Milestone::RoundBegun { job: &job.name, round: &round, again }),
        }
    }
}

/// What another round would ask, if it is due, and how much of it at the most: what waits always, what
/// failed as often as the job says.
pub async fn worth_another_round(
    run: &LiveRun,
    job: &Job,
    round: &Round,
) -> Result<Option<(u64, Again)>, RunnerError> {
    let tallies = tallies(&run.store, round).await?;
    let sum = |status| tallies.values().map(|tally| tally.count(status)).sum::<u64>();
    let (waiting, failed) = (sum(Status::Waiting), sum(Status::Failed));
    if waiting > 0 {
        return Ok(Some((waiting, Again::Waiting)));
    }
    Ok((failed > 0 && round.number < job.settings.retry_rounds).then_some((failed, Again::Failed)))
}

/// Waits for a moment, in seconds since 1970, or for a signal.
pub(super) async fn wait_until(second: u64, stop: &watch::Receiver<Stop>) {
    // By the wall clock, look after look: it may be set meanwhile, and the machine may sleep.
    let reached = async {
        while left_until(second) > Duration::ZERO {
            tokio::time::sleep(left_until(second).min(LOOK_AT_CLOCK)).await;
        }
    };
    tokio::select! {
        () = told_to_stop(stop) => {}
        () = reached => {}
    }
}

/// Ends when a signal has come.
pub(super) async fn told_to_stop(stop: &watch::Receiver<Stop>) {
    if stop.clone().wait_for(|stop| stop.is_set()).await.is_err() {
        // Nobody is left who could send one.
        std::future::pending().await
    }
}

/// What is left until a moment, in seconds since 1970; nothing where it is past.
fn left_until(second: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(second).saturating_sub(now)
}
