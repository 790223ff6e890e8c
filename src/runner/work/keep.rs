//! What a worker looks after, so that it can go on for weeks: folders, windrow's own tables, unfinished runs.

use std::path::Path;
use std::time::{Duration, Instant};

use super::turns::Look;
use super::watch::WorkEvent;
use super::{FORGET, Worker};
use crate::database::Session;
use crate::handoff::accepted::SecretsFile;
use crate::handoff::lock::lock_run;
use crate::handoff::store::now_micros;
use crate::handoff::{RunStore, layout, runs};
use crate::job::Job;
use crate::merge::MergeError;
use crate::os::is_alive;

/// How long it is kept what has failed, where the job does not say (`keep_runs`).
const KEEP_FAILED: Duration = Duration::from_secs(24 * 60 * 60);
/// Most runs that are kept since something of them failed.
const MOST_KEPT: usize = 500;

impl Worker<'_> {
    /// Takes up what was left, forgets what is old, and counts.
    pub(super) async fn look_after(&self) -> Result<Look, MergeError> {
        let began = Instant::now();
        let session = self.table.connect().await?;
        let batches = self.take_up(&session).await?;
        if self.forgot_at.get().is_none_or(|at| at.elapsed() >= FORGET) {
            self.forgot_at.set(Some(began));
            self.forget(&session).await?;
        }
        let counts = self.table.counts(&session).await?;
        session.close().await;
        self.reached(WorkEvent::Counts(&counts));
        Ok(Look { is_empty: batches.is_empty() && counts.unsettled == 0, batches, took: began.elapsed() })
    }

    async fn forget(&self, session: &Session) -> Result<(), MergeError> {
        let keep = self.job.settings.keep_runs;
        forget_folders(&self.options.root, &self.job.name, keep.unwrap_or(KEEP_FAILED)).await;
        self.table.sweep(session, keep.unwrap_or(30 * KEEP_FAILED)).await
    }
}

/// Removes runs that are over and were kept since something of them failed: by their age, and the oldest of too many.
async fn forget_folders(root: &Path, job: &str, keep: Duration) {
    for (at, folder) in runs::runs_of(root, job).iter().enumerate() {
        if !folder.join(layout::CLAIMED).is_file() || !folder.join(layout::OUTCOME).is_file() {
            continue;
        }
        let Ok(run) = RunStore::open(folder).await else { continue };
        let Ok(Some(outcome)) = run.outcome().await else { continue };
        let age = Duration::from_micros(u64::try_from(now_micros() - outcome.at).unwrap_or_default());
        if age > keep || at >= MOST_KEPT {
            // One that somebody looks at stays until the next time.
            if let Ok(_lock) = lock_run(folder) {
                let _ = runs::remove_leased(folder);
            }
        }
    }
}

/// The file in which the processes of this worker note whether the job's secrets are accepted; those of workers that died go.
pub(super) fn secrets_file(job: &Job, folder: &Path) -> Option<SecretsFile> {
    let name = |process: u32| format!("{}.{process}", layout::SECRETS_ACCEPTED);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let process = file.strip_prefix(layout::SECRETS_ACCEPTED).and_then(|rest| rest.strip_prefix('.'));
        let is_left =
            process.and_then(|process| process.parse().ok()).is_some_and(|process| !is_alive(process));
        if is_left {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let may_be_refused =
        !job.secrets().is_empty() || job.endpoints.iter().any(|endpoint| endpoint.network.has_proxy());
    if may_be_refused { SecretsFile::at(folder.join(name(std::process::id()))) } else { None }
}
