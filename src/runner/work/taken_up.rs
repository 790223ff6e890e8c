//! Runs that a worker of this folder has left unfinished: taken up as long as their jobs are still theirs, so that what was
//! asked is not asked twice; else dropped, since the jobs are asked elsewhere, or otherwise.

use std::path::Path;
use std::time::Instant;

use super::Worker;
use super::batch::{Batch, remove};
use super::watch::WorkEvent;
use crate::database::Session;
use crate::handoff::lock::{Lock, lock_run};
use crate::handoff::{ClaimedJobs, RunStore, layout, runs};
use crate::merge::MergeError;
use crate::plan;
use crate::runner::folders::sweep_unplanned;
use crate::runner::{LiveRun, Milestone, Watcher};
use crate::supervisor::{Notice, Observer};

impl Worker<'_> {
    /// The runs that go on here. What is not readable any more, after a power cut say, is removed: the leases bring its jobs back.
    pub(super) async fn take_up(&self, session: &Session) -> Result<Vec<Batch>, MergeError> {
        sweep_unplanned(&self.folder(), &mut Unwatched);
        let mut batches = Vec::new();
        for folder in runs::runs_of(&self.options.root, &self.job.name) {
            let (run, jobs) = match found(&folder).await {
                Found::Batch(run, jobs) => (*run, jobs),
                Found::Damaged(store, _held) => {
                    let run = folder.file_name().unwrap_or_default().to_string_lossy();
                    let why = "its files are damaged, as after a power cut";
                    self.reached(WorkEvent::Dropped { run: &run, why });
                    self.free(&run).await;
                    remove(&store);
                    continue;
                }
                Found::Nothing => continue,
            };
            if run.plan.questions_sha256 != plan::questions_sha256(self.job) {
                self.drop_run(&run, "the job file asks otherwise by now: its jobs are asked anew").await;
                continue;
            }
            let held = self.table.held(session, &run.plan.run).await?;
            if held < jobs.jobs.len() || jobs.queue != self.table.name() {
                // Else it died between its COMMIT and the end of its folder.
                if !self.table.is_settled(session, &run.plan.run).await? {
                    let why = "its lease was over, and other workers have its jobs";
                    self.reached(WorkEvent::Dropped { run: &run.plan.run, why });
                }
                self.give_up(&run).await;
                continue;
            }
            self.table.renew(session, std::slice::from_ref(&run.plan.run)).await?;
            self.reached(WorkEvent::TakenUp { run: &run.plan.run, jobs: jobs.jobs.len() });
            batches.push(Batch { run, jobs, began: Instant::now() });
        }
        Ok(batches)
    }
}

/// What a folder is.
enum Found {
    /// A batch that nobody works on and that is not settled; it is held.
    Batch(Box<LiveRun>, ClaimedJobs),
    /// The same, of which nothing can be made.
    Damaged(RunStore, Lock),
    /// Something else, or another worker's.
    Nothing,
}

async fn found(folder: &Path) -> Found {
    let Ok(store) = RunStore::open(folder).await else { return Found::Nothing };
    let is_batch = folder.join(layout::CLAIMED).is_file() && store.refuse_strange().is_ok();
    if !is_batch || matches!(store.outcome().await, Ok(Some(_))) {
        return Found::Nothing;
    }
    let Ok(lock) = lock_run(folder) else { return Found::Nothing };
    match (store.plan().await, store.claimed().await) {
        (Ok(plan), Ok(Some(jobs))) if jobs.jobs.len() as u64 == plan.records => {
            let run = LiveRun::held(store.as_planned(&plan), plan, lock);
            Found::Batch(Box::new(run), jobs)
        }
        _ => Found::Damaged(store, lock),
    }
}

/// What is found while folders are swept is nobody's trouble here.
struct Unwatched;

impl Observer for Unwatched {
    fn event(&mut self, _: u32, _: &crate::handoff::Event) {}

    fn notice(&mut self, _: u32, _: &Notice) {}
}

impl Watcher for Unwatched {
    fn reached(&mut self, _: Milestone<'_>) {}
}
