//! One batch of jobs: planned as a run, asked by one process, published and settled in one transaction.
//!
//! | what ends it | the jobs | the run's folder |
//! |---|---|---|
//! | it is settled | as their records ended | goes, unless something failed |
//! | others have taken jobs over | theirs, and the rest is freed | goes |
//! | its files are not what they should be | are freed | goes |
//! | the database is not there | stay the run's as long as their leases: it is tried again | stays |
//! | the second signal, or a death | the same | stays: the next worker in this folder takes it up |

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::watch::WorkEvent;
use super::{Worker, is_passing};
use crate::handoff::store::now_micros;
use crate::handoff::{ClaimedJobs, Event, Exit, RunStore, runs};
use crate::merge::{AskedBatch, BatchAsked, Claimed, MergeError, SettledBatch, publish_batch};
use crate::plan::{self, PlanError, PlanOptions};
use crate::runner::choose::{Trial, plan_options};
use crate::runner::folders::hold_new;
use crate::runner::merge::unpublished;
use crate::runner::state::{ShardState, shard_states};
use crate::runner::{LiveRun, RunnerError};
use crate::supervisor::{CrewOptions, Notice, Observer, ShardEnd, Worked, supervise};

/// Pause before the database is asked again, at first and at most.
const ASK_AGAIN: Duration = Duration::from_millis(200);
const ASK_AGAIN_AT_MOST: Duration = Duration::from_secs(5);

/// A run that is a batch of jobs.
pub(super) struct Batch {
    pub run: LiveRun,
    pub jobs: ClaimedJobs,
    pub began: Instant,
}

/// How a batch ended.
pub(super) enum BatchEnd {
    /// Its jobs are settled.
    Settled {
        batch: SettledBatch,
        /// When a quota renews that was found used up, in seconds since 1970.
        renews_at: Option<u64>,
        /// Which secrets were refused, and by whom.
        refused: Option<String>,
    },
    /// It came to nothing: its jobs are others', or free, or a second signal came.
    Nothing,
}

impl Worker<'_> {
    /// Plans a run of claimed jobs. Rows that are no records are settled as failed for good; `None` where none is left.
    pub(super) async fn plan_batch(&self, run: &str, claimed: Claimed) -> Result<Option<Batch>, RunnerError> {
        let began = Instant::now();
        let options = PlanOptions { cores: 1, ..plan_options(&Trial::default()) };
        let folder = self.folder();
        let Claimed { mut jobs, fields, mut rows } = claimed;
        let (mut unread, mut why) = (ClaimedJobs { jobs: Vec::new(), ..jobs.clone() }, Vec::new());
        let list = loop {
            match plan::list_of_claimed(self.job, &options, &fields, &rows, &folder) {
                Err(PlanError::List(error))
                    if error.number().is_some_and(|at| at >= 1 && at <= rows.len() as u64) =>
                {
                    let at = error.number().unwrap_or(1) as usize - 1;
                    rows.remove(at);
                    unread.jobs.push(jobs.jobs.remove(at));
                    why.push(error.to_string());
                }
                list => break list?,
            }
        };
        if !unread.jobs.is_empty() {
            self.refuse(run, &unread, &why).await?;
        }
        if jobs.jobs.is_empty() {
            return Ok(None);
        }
        let (store, lock) = hold_new(&folder.join(run), self.job).await?;
        store.put_claimed(&jobs).await?;
        let plan = plan::write_run(self.job, list, &store, run, &options).await?;
        Ok(Some(Batch { run: LiveRun::held(store, plan, lock), jobs, began }))
    }

    /// Settles jobs that cannot be asked.
    async fn refuse(&self, run: &str, unread: &ClaimedJobs, why: &[String]) -> Result<(), RunnerError> {
        let refused = async {
            let session = self.table.connect().await?;
            self.table.refuse(&session, run, unread, why).await?;
            session.close().await;
            Ok(())
        };
        match refused.await {
            Ok(()) => {
                for (job, why) in unread.jobs.iter().zip(why) {
                    self.reached(WorkEvent::Unreadable { key: &job.key, why });
                }
            }
            // They are refused by the worker that has them now.
            Err(MergeError::Fenced { .. }) => {}
            Err(error) if is_passing(&error) => self.database_is_lost(&error),
            Err(error) => return Err(unpublished(&error, &self.mask)),
        }
        Ok(())
    }

    /// Asks what is left to ask, publishes what there is, and settles.
    pub(super) async fn finish_batch(&self, batch: &Batch) -> Result<BatchEnd, RunnerError> {
        let (worked, asked) = match self.ask(batch).await {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(BatchEnd::Nothing),
            // Such as a power cut leaves it.
            Err(RunnerError::Handoff(error)) => {
                return Ok(self.drop_run(&batch.run, &error.to_string()).await);
            }
            Err(error) => return Err(error),
        };
        if let Some(why) = damaged(&worked) {
            return Ok(self.drop_run(&batch.run, why).await);
        }
        if self.stop.borrow().is_now() {
            return Ok(BatchEnd::Nothing);
        }
        if let Some(error) = disk_error(&worked) {
            return Err(error);
        }
        let settled = self.publish(batch, &asked).await?;
        let Some(settled) = settled else { return Ok(BatchEnd::Nothing) };
        self.reached(WorkEvent::Settled {
            run: &batch.run.plan.run,
            batch: &settled,
            requests: worked.requests,
            took: batch.began.elapsed(),
        });
        if !settled.has_failed() {
            remove(&batch.run.store);
        }
        Ok(BatchEnd::Settled { batch: settled, renews_at: worked.renews_at, refused: worked.refused })
    }

    /// Has the run's shard worked by a process; what came of it. `None` where the run has no shard.
    async fn ask(&self, batch: &Batch) -> Result<Option<(Worked, BatchAsked)>, RunnerError> {
        let run = &batch.run;
        let rounds = run.store.rounds().await?;
        let Some(round) = rounds.first() else { return Ok(None) };
        let is_whole = |states: &[ShardState]| states.iter().all(ShardState::is_committed);
        let states = shard_states(&run.store, round).await?;
        let left: Vec<u32> =
            states.iter().filter(|state| !state.is_committed()).map(|state| state.number).collect();
        let mut observer = ChildObserver { worker: self, began: batch.began };
        let worked = match left.is_empty() {
            true => Worked { ends: BTreeMap::new(), requests: 0, renews_at: None, refused: None },
            false => {
                supervise(&run.store, &run.plan, left, &self.crew()?, &mut observer, self.stop.clone())
                    .await?
            }
        };
        // Nobody answered anything: that says nothing of a job.
        let gave_up = worked.ends.values().any(|end| matches!(end, ShardEnd::Ended(Exit::TryAgain, _)));
        let asked = BatchAsked {
            is_whole: is_whole(&shard_states(&run.store, round).await?),
            renews_after: worked.renews_at.map(until).or_else(|| gave_up.then(|| self.table.queue().rest(1))),
            died_of: worked.ends.values().find_map(died_of),
        };
        Ok(Some((worked, asked)))
    }

    fn crew(&self) -> Result<CrewOptions, RunnerError> {
        let parallel = usize::from(self.table.queue().parallel).max(1);
        Ok(CrewOptions {
            program: std::env::current_exe()?,
            arguments: self.arguments()?,
            at_once: 1,
            in_flight: (self.job.settings.in_flight as usize / parallel).max(1),
            max_requests: None,
        })
    }

    /// Publishes and settles, however often it takes; `None` where the jobs are others' by now, or the second signal came.
    async fn publish(&self, batch: &Batch, asked: &BatchAsked) -> Result<Option<SettledBatch>, RunnerError> {
        let run = &batch.run;
        let mut pause = ASK_AGAIN;
        loop {
            let asked = AskedBatch { run: &run.store, claimed: &batch.jobs, asked };
            let stop = self.told_to_stop_now();
            let published = publish_batch(asked, self.job, &self.table, &self.to, now_micros(), stop);
            let error = match published.await {
                Ok(settled) => {
                    self.database_is_back();
                    return Ok(Some(settled));
                }
                Err(MergeError::Interrupted) => return Ok(None),
                Err(error) => error,
            };
            match error {
                error @ MergeError::Fenced { .. } => {
                    self.reached(WorkEvent::Fenced { run: &run.plan.run, why: &error.to_string() });
                    self.give_up(run).await;
                    return Ok(None);
                }
                error @ (MergeError::Integrity { .. } | MergeError::Handoff(_)) => {
                    self.drop_run(run, &error.to_string()).await;
                    return Ok(None);
                }
                error if is_passing(&error) => self.database_is_lost(&error),
                error => {
                    remove(&run.store);
                    return Err(unpublished(&error, &self.mask));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.told_to_stop_now() => return Ok(None),
            }
            pause = (pause * 2).min(ASK_AGAIN_AT_MOST);
        }
    }

    /// Gives up a run of which nothing can be made.
    pub(super) async fn drop_run(&self, run: &LiveRun, why: &str) -> BatchEnd {
        self.reached(WorkEvent::Dropped { run: &run.plan.run, why });
        self.give_up(run).await;
        BatchEnd::Nothing
    }

    /// Frees what a run still has, and removes it.
    pub(super) async fn give_up(&self, run: &LiveRun) {
        self.free(&run.plan.run).await;
        remove(&run.store);
    }

    /// Frees what a run still has; where that fails, the leases do.
    pub(super) async fn free(&self, run: &str) {
        self.leases.borrow_mut().remove(run);
        if let Ok(session) = self.table.connect().await {
            let _ = self.table.release(&session, run).await;
            session.close().await;
        }
    }
}

/// Removes a run's folder, which this process holds. What stays is swept later.
pub(super) fn remove(run: &RunStore) {
    let _ = runs::remove_leased(run.folder());
}

/// How long it is until a moment, in seconds since 1970.
fn until(second: u64) -> Duration {
    let now = u64::try_from(now_micros()).unwrap_or_default();
    Duration::from_micros(second.saturating_mul(1_000_000).saturating_sub(now))
}

/// Why the process died for good, where that is the jobs' own affair.
fn died_of(end: &ShardEnd) -> Option<String> {
    match end {
        ShardEnd::Crashed(how) => Some(how.clone()),
        ShardEnd::Ended(exit, why) => match exit {
            Exit::Done | Exit::Paused | Exit::Interrupted(_) | Exit::Usage | Exit::Disk | Exit::Locked => {
                None
            }
            _ => Some(why.clone()),
        },
        ShardEnd::Committed | ShardEnd::Stopped => None,
    }
}

/// That a process has found its run's files to be others than planned.
fn damaged(worked: &Worked) -> Option<&str> {
    worked.ends.values().find_map(|end| match end {
        ShardEnd::Ended(Exit::Integrity, why) => Some(why.as_str()),
        _ => None,
    })
}

/// What no batch could be asked for: the disk is full, say, or the job file is not what it was.
fn disk_error(worked: &Worked) -> Option<RunnerError> {
    worked.ends.values().find_map(|end| match end {
        ShardEnd::Ended(exit @ (Exit::Disk | Exit::Usage), why) if worked.refused.is_none() => {
            Some(RunnerError::Unpublished(*exit, why.clone()))
        }
        _ => None,
    })
}

/// What a child tells, of which little is passed on: how its jobs ended is told when they are settled.
struct ChildObserver<'a, 'w> {
    worker: &'a Worker<'w>,
    /// When the batch was claimed.
    began: Instant,
}

impl Observer for ChildObserver<'_, '_> {
    fn event(&mut self, _: u32, event: &Event) {
        match event {
            Event::Started { .. } => self.worker.figures.pick_up.observe(self.began.elapsed().as_secs_f64()),
            Event::Warning { text } => self.worker.reached(WorkEvent::Warning(text)),
            _ => {}
        }
    }

    fn notice(&mut self, _: u32, notice: &Notice) {
        if let Notice::Restarted { how } = notice {
            self.worker
                .reached(WorkEvent::Warning(&format!("a process that asked was started again: {how}")));
        }
    }
}
