//! The runs of one job, looked at and removed.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::rule::{Candidate, Rule, removable};
use crate::handoff::lock::{Lock, LockError, lock_run, run_is_locked};
use crate::handoff::store::now_micros;
use crate::handoff::{HandoffError, RunStore, runs};
use crate::runner::folders::sweep_unplanned;
use crate::runner::{Milestone, RunnerError, Watcher};

/// A run that goes, or went.
#[derive(Debug)]
pub struct Gone {
    /// What is known of it.
    pub known: Candidate,
    /// What is said of it in one word.
    pub state: &'static str,
    /// Its size on disk.
    pub bytes: u64,
}

/// What became of a job's runs.
#[derive(Debug, Default)]
pub struct Swept {
    /// The runs that went, or would go.
    pub gone: Vec<Gone>,
    /// Why a run that should go is still there.
    pub failures: Vec<RunnerError>,
}

/// What goes by the rule; nothing is touched.
pub async fn would_go(root: &Path, job: &str, rule: &Rule, watcher: &mut dyn Watcher) -> Swept {
    let found = survey(root, job, &HashSet::new(), watcher).await;
    let names = own(&found, removable(&known(&found), rule), watcher);
    let gone = found.into_iter().filter(|found| names.contains(&found.known.run));
    Swept { gone: gone.map(RunFolder::into_gone).collect(), failures: Vec::new() }
}

/// Removes what goes by the rule.
///
/// The runs are held first, then looked at again: an extraction may have begun to read one since.
pub async fn sweep(root: &Path, job: &str, rule: &Rule, watcher: &mut dyn Watcher) -> Swept {
    let mut swept = Swept::default();
    let found = survey(root, job, &HashSet::new(), watcher).await;
    let names = own(&found, removable(&known(&found), rule), watcher);
    let folder = root.join(job);
    let held = hold(&folder, names, &mut swept.failures);
    let names: HashSet<&str> = held.iter().map(|(name, _)| name.as_str()).collect();
    let found = survey(root, job, &names, watcher).await;
    let again = removable(&known(&found), rule);
    for found in found {
        let name = found.known.run.as_str();
        if !names.contains(name) || !again.iter().any(|run| run == name) {
            sweep_leftovers(&found).await;
            continue;
        }
        match runs::remove(&found.folder) {
            Ok(()) => swept.gone.push(found.into_gone()),
            Err(error) => swept.failures.push(error.into()),
        }
    }
    sweep_unplanned(&folder, watcher);
    swept
}

/// Removes from a run that stays what writers have left in shards that are whole.
async fn sweep_leftovers(found: &RunFolder) {
    if found.stays.is_none()
        && let Ok(run) = RunStore::open(&found.folder).await
    {
        run.sweep_all().await;
    }
}

/// Those of the runs that windrow may remove; the others are told.
fn own(found: &[RunFolder], mut names: Vec<String>, watcher: &mut dyn Watcher) -> Vec<String> {
    for (found, why) in found.iter().filter_map(|found| Some((found, found.stays.as_ref()?))) {
        if names.contains(&found.known.run) {
            watcher.reached(Milestone::RunStays { folder: &found.folder, why: why.clone() });
            names.retain(|name| *name != found.known.run);
        }
    }
    names
}

/// Holds those of the runs that are to be had.
fn hold(folder: &Path, names: Vec<String>, failures: &mut Vec<RunnerError>) -> Vec<(String, Lock)> {
    let mut held = Vec::new();
    for name in names {
        match lock_run(&folder.join(&name)) {
            Ok(lock) => held.push((name, lock)),
            // Somebody works on it since, or has removed it.
            Err(LockError::Held { .. }) => {}
            Err(LockError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            Err(error) => failures.push(error.into()),
        }
    }
    held
}

struct RunFolder {
    known: Candidate,
    published: bool,
    bytes: u64,
    folder: PathBuf,
    /// Why it is not windrow's to remove.
    stays: Option<String>,
}

impl RunFolder {
    fn into_gone(self) -> Gone {
        let state = match (self.known.finished, self.published) {
            (true, true) => "published",
            (true, false) => "refused",
            (false, _) => "unfinished",
        };
        Gone { known: self.known, state, bytes: self.bytes }
    }
}

fn known(found: &[RunFolder]) -> Vec<Candidate> {
    found.iter().map(|found| found.known.clone()).collect()
}

/// The runs of a job, the newest first; `held` are this process's own. One that cannot be read stays.
async fn survey(root: &Path, job: &str, held: &HashSet<&str>, watcher: &mut dyn Watcher) -> Vec<RunFolder> {
    let mut found = Vec::new();
    for folder in runs::runs_of(root, job) {
        match look(&folder, job, held).await {
            Ok(run) => found.push(run),
            Err(error) => watcher.reached(Milestone::RunStays { folder: &folder, why: error.to_string() }),
        }
    }
    found
}

async fn look(folder: &Path, job: &str, held: &HashSet<&str>) -> Result<RunFolder, HandoffError> {
    let store = RunStore::open(folder).await?;
    let (plan, outcome) = (store.plan().await?, store.outcome().await?);
    let stays = match runs::is_not_removable(folder) {
        None if plan.job != job => Some(format!("it is one of job {}", plan.job)),
        why => why.map(str::to_owned),
    };
    let since = outcome.as_ref().map_or(plan.created_at, |outcome| outcome.at);
    let age = now_micros().saturating_sub(since).max(0);
    // The folder's name, not what the plan says: a copy of a run is a run of its own.
    let run = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let known = Candidate {
        age: Duration::from_micros(age.unsigned_abs()),
        finished: outcome.is_some(),
        trial: plan.trial,
        locked: !held.contains(run.as_str()) && run_is_locked(folder),
        extracted_from: plan.extracted_from,
        run,
    };
    let published = outcome.is_some_and(|outcome| outcome.published);
    Ok(RunFolder { known, published, bytes: runs::size(folder), folder: folder.to_owned(), stays })
}
