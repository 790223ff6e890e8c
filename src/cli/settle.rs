//! What became of a publication whose command died before it said so.
//!
//! A command that publishes where the job's runs go notes that it begins, and with which job ([`begin`]); it takes the
//! note away as its last act, when it has said what came of it ([`told`]). So who finds a note, and nobody who holds the
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
use std::time::{Duration, Instant};

use super::live::{self, LiveRun, Purpose};
use super::merged::Merged;
use super::{CliError, summary};
use crate::fetch::Mask;
use crate::handoff::store::{VERSION, now_micros};
use crate::handoff::{Exit, HandoffError, Plan, Publishing, RunStore, layout, runs};
use crate::job::Job;
use crate::merge::{self, Place, Published, Terms};
use crate::os::wait_until_read;
use crate::report::status::shown_path;
use crate::report::{age, counted};
use crate::secrets::Secrets;

/// Age up to which a run that nobody was told of stands for the one that is asked for.
const STANDS_FOR: Duration = Duration::from_secs(60 * 60);

/// Notes that a publication begins.
pub(super) async fn begin(run: &RunStore, job: &Job, at: i64) -> Result<(), CliError> {
    let (path, text) = (job.path.clone(), job.text.clone());
    let noted = run.put_publishing(&Publishing { version: VERSION, at, job_path: path, job: text }).await;
    noted.map_err(|error| match error {
        HandoffError::File { .. } => CliError::Disk(format!(
            "{error}\nhint: nothing was published, what was fetched is kept: look at the disk, then repeat the command"
        )),
        other => other.into(),
    })
}

/// Notes that somebody has been told what came of it, or that nothing can have come of it.
pub(super) fn told(run: &RunStore) {
    wait_until_read();
    // Where it cannot be noted, the next command tells it once more.
    let _ = run.end_publishing();
}

/// The last act of a command that has published: notes that somebody has been told, and ends the process at once. What
/// would be done at its end otherwise (memory given back, libraries unloaded) takes milliseconds on a busy machine, and
/// a command that is killed in these would look as if nobody had been told.
pub(super) fn told_at_last(run: &RunStore, exit: Exit) -> ! {
    told(run);
    crate::os::end(exit.code().into())
}

/// A publication that nobody was told of.
pub(super) struct Settled {
    job: Job,
    pub(super) to: Place,
    published: Published,
    mask: Mask,
}

impl Settled {
    fn age(&self) -> Duration {
        let age = now_micros().saturating_sub(self.published.outcome.at);
        Duration::from_micros(u64::try_from(age).unwrap_or_default())
    }

    /// Says that the run is published.
    fn say(&self, plan: &Plan) {
        tell!(
            "{}: run {} published {} {} ago, but its command ended before it could say so",
            plan.job,
            plan.run,
            counted(self.published.rows, "row"),
            age(self.age()),
        );
    }

    /// Says what the command that died would have said.
    pub(super) async fn report(self, run: &LiveRun) -> Exit {
        let since = Instant::now();
        let Settled { job, to, published, mask } = self;
        let merged = Merged::Published(Box::new(published));
        summary::finished(run, &job, &to, &merged, &mask, since.elapsed()).await;
        told(&run.store);
        merged.exit()
    }
}

/// Finds out what became of a run's publication, and makes good what is left to do. `None` where there is nothing to
/// find out, or where nothing was published.
pub(super) async fn settle(
    run: &RunStore,
    plan: &Plan,
    secrets: &Secrets,
) -> Result<Option<Settled>, CliError> {
    let Some(Publishing { at, job, job_path, .. }) = run.publishing().await? else { return Ok(None) };
    let job = Job::parse(job, &job_path)?;
    let to = Place::of(run, plan, &job, secrets)?;
    let noted = run.outcome().await?.filter(|outcome| outcome.published && outcome.at == at);
    let published = match noted {
        Some(outcome) => Some(Published::noted(outcome)),
        None => {
            let proof = merge::prove(run).await?;
            merge::settle(run, &job, &to, &proof, &Terms { now_micros: at, anyway: false }).await?
        }
    };
    let Some(published) = published else {
        told(run);
        return Ok(None);
    };
    let mask = Mask::of(&job.endpoints, secrets);
    let settled = Settled { job, to, published, mask };
    settled.say(plan);
    Ok(Some(settled))
}

/// Settles a run before anything else is done with it.
pub(super) async fn settle_first(run: &RunStore, plan: &Plan, secrets: &Secrets) -> Result<(), CliError> {
    if let Some(settled) = settle(run, plan, secrets).await? {
        summary::say_warnings(&plan.job, &settled.published.warnings);
        told(run);
    }
    Ok(())
}

/// Settles the job's runs before a run begins; the exit code where one of them stands for the run that is asked for.
///
/// With `anew` none does, and one that cannot be settled stays for later.
pub(super) async fn settle_all(
    job: &Job,
    root: &Path,
    secrets: &Secrets,
    anew: bool,
) -> Result<Option<Exit>, CliError> {
    let folders = runs::runs_of(root, &job.name);
    for (at, folder) in folders.iter().enumerate() {
        if !folder.join(layout::PUBLISHING).is_file() {
            continue;
        }
        // One that a later run has come to an end after stands for nothing: it was merged by hand.
        let is_past = anew || any_has_ended(&folders[..at]).await?;
        match settle_run(folder, job, secrets, is_past).await {
            Ok(None) => {}
            Err(error) if anew => {
                tell!(
                    "{}: it is not known whether run {} is published: {error}",
                    job.name,
                    shown_path(folder)
                );
            }
            stands => return stands,
        }
    }
    Ok(None)
}

/// Whether any of these runs was published or refused, trials aside.
async fn any_has_ended(folders: &[PathBuf]) -> Result<bool, CliError> {
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
) -> Result<Option<Exit>, CliError> {
    let run = live::open(folder, Purpose::Work).await?;
    let Some(settled) = settle(&run.store, &run.plan, secrets).await? else { return Ok(None) };
    if is_past || settled.age() > STANDS_FOR {
        summary::say_warnings(&job.name, &settled.published.warnings);
        told(&run.store);
        return Ok(None);
    }
    tell!(
        "{}: nothing is fetched now\nhint: `windrow run {} --new` starts a new run",
        job.name,
        shown_path(&job.path)
    );
    Ok(Some(settled.report(&run).await))
}
