//! What became of a publication whose command died before it said so.
//!
//! A command that publishes where the job's runs go notes that it begins, and with which job ([`begin`]); it takes the
//! note away as its last act, when it has said what came of it ([`Ended::told`]). So who finds a note, and nobody who holds the
//! run, finds one of these:
//!
//! | the note | `merged.json` of it | the destination | the run is |
//! |---|---|---|---|
//! | there | there | not asked | published, and nobody was told |
//! | there | none | has the run | the same; `merged.json` and reports are made good |
//! | there | none | does not have it | not published: the note goes |
//!
//! `run` looks for notes first, before it compares anything with the job: destination and table are those of the note,
//! whatever the job file says by now. The last run that came to an end, where that was within the hour, stands for the
//! one that is asked for: who repeats a command until it ends with 0 gets each row once. `retry` settles its run before
//! it adds a round, `merge` before it reads the job. No note is needed by a trial, which has a database of its own, by a
//! merge into another destination (`--to`), which `run` never repeats, nor by a pause, whose run continues.
//!
//! What remains is a death between the removal of the note and the process's end, a few instructions long.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::jobs;
use super::outcome::{Ended, RunEnd, told};
use super::{LiveRun, Milestone, Purpose, RunnerError, Watcher};
use crate::fetch::Mask;
use crate::handoff::VERSION;
use crate::handoff::store::now_micros;
use crate::handoff::{HandoffError, Plan, Publishing, RunStore, layout, runs};
use crate::job::Job;
use crate::merge::{self, Published, ResolvedDestination, Terms};
use crate::secrets::Secrets;

/// Age up to which a run that nobody was told of stands for the one that is asked for.
const STANDS_FOR: Duration = Duration::from_secs(60 * 60);

/// Notes that a publication begins.
pub(super) async fn begin(run: &RunStore, job: &Job, at: i64) -> Result<(), RunnerError> {
    let (path, text) = (job.path.clone(), job.text.clone());
    let noted = run.put_publishing(&Publishing { version: VERSION, at, job_path: path, job: text }).await;
    noted.map_err(|error| match error {
        HandoffError::File { .. } => RunnerError::Disk(format!(
            "{error}\nhint: nothing was published, what was fetched is kept: look at the disk, then repeat the command"
        )),
        other => other.into(),
    })
}

/// A publication that nobody was told of.
pub(super) struct Settled {
    job: Job,
    to: ResolvedDestination,
    published: Published,
    mask: Mask,
}

impl Settled {
    fn age(&self) -> Duration {
        let age = now_micros().saturating_sub(self.published.outcome.at);
        Duration::from_micros(u64::try_from(age).unwrap_or_default())
    }

    /// The end of the run, as the command that died would have told it.
    pub(super) fn end(self, run: LiveRun) -> Ended {
        let Settled { job, to, published, mask } = self;
        let end = RunEnd::Published(Box::new(published));
        Ended { run, job, to, mask, end, is_noted: true, _job_lock: None }
    }

    /// What went wrong after COMMIT is told, and that is all.
    fn tell_warnings(&self, job: &str, watcher: &mut dyn Watcher) {
        watcher.reached(Milestone::FoundWarnings { job, warnings: &self.published.warnings });
    }
}

/// Finds out what became of a run's publication, and makes good what is left to do. `None` where there is nothing to
/// find out, or where nothing was published.
pub(super) async fn settle(
    run: &RunStore,
    plan: &Plan,
    secrets: &Secrets,
    watcher: &mut dyn Watcher,
) -> Result<Option<Settled>, RunnerError> {
    let Some(Publishing { at, job, job_path, .. }) = run.publishing().await? else { return Ok(None) };
    let job = Job::parse(job, &job_path)?;
    let to = ResolvedDestination::of(run, plan, &job, secrets)?;
    let noted = run.outcome().await?.filter(|outcome| outcome.published && outcome.at == at);
    let published = match noted {
        Some(outcome) => Some(Published::noted(outcome)),
        None => {
            let proof = merge::prove(run).await?;
            merge::settle(
                run,
                &job,
                &to,
                &proof,
                &Terms { now_micros: at, anyway: false, again: false, sent: None },
            )
            .await?
        }
    };
    let Some(published) = published else {
        told(run);
        return Ok(None);
    };
    let mask = jobs::mask(&job, secrets);
    let settled = Settled { job, to, published, mask };
    watcher.reached(Milestone::FoundPublished { plan, published: &settled.published, age: settled.age() });
    Ok(Some(settled))
}

/// Settles a run before anything else is done with it.
pub(super) async fn settle_first(
    run: &LiveRun,
    secrets: &Secrets,
    watcher: &mut dyn Watcher,
) -> Result<(), RunnerError> {
    if let Some(settled) = settle(&run.store, &run.plan, secrets, watcher).await? {
        settled.tell_warnings(&run.plan.job, watcher);
        told(&run.store);
    }
    Ok(())
}

/// Settles the job's runs before a run begins; where one of them stands for the run that is asked for, that one's end.
///
/// With `is_new` none does, and one that cannot be settled stays for later.
pub(super) async fn settle_all(
    job: &Job,
    root: &Path,
    secrets: &Secrets,
    is_new: bool,
    watcher: &mut dyn Watcher,
) -> Result<Option<Ended>, RunnerError> {
    let folders = runs::runs_of(root, &job.name);
    for (at, folder) in folders.iter().enumerate() {
        if !folder.join(layout::PUBLISHING).is_file() {
            continue;
        }
        // One that a later run has come to an end after stands for nothing: it was merged by hand.
        let is_past = is_new || any_has_ended(&folders[..at]).await?;
        match settle_run(folder, job, secrets, is_past, watcher).await {
            Ok(None) => {}
            Err(error) if is_new => {
                watcher.reached(Milestone::PublicationUnknown { job: &job.name, folder, error: &error });
            }
            stands => return stands,
        }
    }
    Ok(None)
}

/// Whether any of these runs was published or refused, trials aside.
async fn any_has_ended(folders: &[PathBuf]) -> Result<bool, RunnerError> {
    for folder in folders.iter().filter(|folder| folder.join(layout::OUTCOME).is_file()) {
        if !RunStore::open(folder).await?.plan().await?.trial {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn settle_run(
    folder: &Path,
    job: &Job,
    secrets: &Secrets,
    is_past: bool,
    watcher: &mut dyn Watcher,
) -> Result<Option<Ended>, RunnerError> {
    let run = LiveRun::open(folder, Purpose::Work).await?;
    let Some(settled) = settle(&run.store, &run.plan, secrets, watcher).await? else { return Ok(None) };
    if is_past || settled.age() > STANDS_FOR {
        settled.tell_warnings(&job.name, watcher);
        told(&run.store);
        return Ok(None);
    }
    watcher.reached(Milestone::StandsForThis(job));
    Ok(Some(settled.end(run)))
}
