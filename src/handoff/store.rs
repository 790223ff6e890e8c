//! The files of one run, as objects: a local folder with fsync by default.
//!
//! Promises: what a `put` or a [`commit`](RunStore::commit) returned `Ok` for is durable (file and folder
//! synced); a file is seen whole or not at all; of two commits of one block the first one stands.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::commit::{ChunkFile, Commit, Committed};
use super::plan::{Outcome, Plan, Publishing, Round};
use super::{digest, exit::Exit, layout, mark, seal};
use crate::record::Ordinal;

/// The version that this windrow writes into every format, and the newest that it reads.
pub const VERSION: u32 = 1;

/// How often a commit whose fate is unknown is tried.
const COMMIT_TRIES: u32 = 3;

/// What goes wrong with the files of a run.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    /// There is no such run.
    #[error("no run at {path}\nhint: `windrow status` lists the runs")]
    NoRun {
        /// Where it was looked for.
        path: String,
    },
    /// The disk is full.
    #[error(
        "no space left on the disk that holds {path}\nhint: free some space, then repeat the command: committed work is kept"
    )]
    DiskFull {
        /// What was being written.
        path: String,
    },
    /// A file could not be read or written.
    #[error("cannot {verb} {path}: {source}")]
    File {
        /// "read", "write", …
        verb: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that was there is not any more.
    #[error("{path} is gone\nhint: restore it, or start anew with `windrow run JOB --new`")]
    Gone {
        /// The file.
        path: String,
    },
    /// A file is not what its format says.
    #[error(
        "{path} is damaged: {why}\nhint: it was changed after it was written: restore it, or start anew with `windrow run JOB --new`"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file was written by a newer windrow.
    #[error(
        "{path} has format version {version}, this windrow reads up to {VERSION}\nhint: use the windrow that made the run, or a newer one"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        version: u64,
    },
    /// The folder cannot keep the promise that only one commit of a block stands.
    #[error(
        "{path} is on a file system that cannot create a file exclusively (no hard links?)\nhint: choose another folder with --runs"
    )]
    NotExclusive {
        /// The folder.
        path: String,
    },
    /// A commit's fate could not be learnt.
    #[error(
        "the commit of block {first} of shard {shard} could not be confirmed\nhint: run the shard again, nothing is lost"
    )]
    Unconfirmed {
        /// The shard.
        shard: u32,
        /// The block.
        first: Ordinal,
    },
}

impl HandoffError {
    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        match self {
            HandoffError::NoRun { .. } | HandoffError::Newer { .. } | HandoffError::NotExclusive { .. } => {
                Exit::Usage
            }
            HandoffError::DiskFull { .. } | HandoffError::File { .. } => Exit::Disk,
            HandoffError::Gone { .. } | HandoffError::Damaged { .. } => Exit::Integrity,
            HandoffError::Unconfirmed { .. } => Exit::TryAgain,
        }
    }
}

/// The files of one run.
#[derive(Debug, Clone)]
pub struct RunStore {
    store: Arc<LocalFileSystem>,
    folder: PathBuf,
}

impl RunStore {
    /// A run's folder that is to be filled: makes it, unless it was just made, and proves that it can create exclusively.
    pub async fn create(folder: &FilePath) -> Result<RunStore, HandoffError> {
        let parent = folder.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| mark::make(folder))
            .map_err(|error| file_error("make", folder.display(), error))?;
        let run = RunStore::at(folder)?;
        run.probe_exclusive_create().await?;
        Ok(run)
    }

    /// A run that has been planned.
    pub async fn open(folder: &FilePath) -> Result<RunStore, HandoffError> {
        if !folder.join(layout::PLAN).is_file() {
            return Err(HandoffError::NoRun { path: folder.display().to_string() });
        }
        RunStore::at(folder)
    }

    fn at(folder: &FilePath) -> Result<RunStore, HandoffError> {
        let folder = folder.canonicalize().map_err(|error| file_error("open", folder.display(), error))?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| HandoffError::File {
                verb: "open",
                path: folder.display().to_string(),
                source: Box::new(error),
            })?
            .with_fsync(true);
        Ok(RunStore { store: Arc::new(store), folder })
    }

    /// The run's folder, absolute.
    pub fn folder(&self) -> &FilePath {
        &self.folder
    }

    /// Where a file of a shard lies on this machine, for readers that want a path.
    pub fn local_path(&self, shard: u32, name: &str) -> PathBuf {
        self.folder.join(layout::shard_folder(shard)).join(name)
    }

    /// Refuses a shard whose input is gone: no process could begin with it.
    pub fn check_input(&self, shard: u32) -> Result<(), HandoffError> {
        let path = self.local_path(shard, layout::INPUT);
        if path.exists() { Ok(()) } else { Err(HandoffError::Gone { path: path.display().to_string() }) }
    }

    /// The plan.
    pub async fn plan(&self) -> Result<Plan, HandoffError> {
        let path = Path::from(layout::PLAN);
        self.parse_sealed(&path, &self.read(&path).await?)
    }

    /// Writes the plan, which makes the folder a run.
    pub async fn put_plan(&self, plan: &Plan) -> Result<(), HandoffError> {
        self.put(&Path::from(layout::PLAN), seal::seal(plan).into()).await
    }

    /// The rounds, from 0: never none.
    pub async fn rounds(&self) -> Result<Vec<Round>, HandoffError> {
        let mut rounds = Vec::new();
        while let Some(bytes) = self.read_if_there(&layout::round(rounds.len() as u32)).await? {
            rounds.push(self.parse_sealed(&layout::round(rounds.len() as u32), &bytes)?);
        }
        // The first is written before the plan.
        if rounds.is_empty() {
            Err(HandoffError::Gone { path: self.shown(&layout::round(0)) })
        } else {
            Ok(rounds)
        }
    }

    /// Writes a round, after the input of all its shards.
    pub async fn put_round(&self, round: &Round) -> Result<(), HandoffError> {
        self.put(&layout::round(round.number), seal::seal(round).into()).await
    }

    /// How the run ended; `None` while it is unfinished.
    pub async fn outcome(&self) -> Result<Option<Outcome>, HandoffError> {
        let path = Path::from(layout::OUTCOME);
        self.read_if_there(&path).await?.map(|bytes| self.parse(&path, &bytes)).transpose()
    }

    /// Writes how the run ended.
    pub async fn put_outcome(&self, outcome: &Outcome) -> Result<(), HandoffError> {
        self.put_json(&Path::from(layout::OUTCOME), outcome).await
    }

    /// The publication that nobody has been told the end of, if there is one.
    pub async fn publishing(&self) -> Result<Option<Publishing>, HandoffError> {
        let path = Path::from(layout::PUBLISHING);
        self.read_if_there(&path).await?.map(|bytes| self.parse(&path, &bytes)).transpose()
    }

    /// Notes that a publication begins.
    pub async fn put_publishing(&self, publishing: &Publishing) -> Result<(), HandoffError> {
        self.put_json(&Path::from(layout::PUBLISHING), publishing).await
    }

    /// Notes that a person has been told how the publication ended. It is one system call: a process that is killed is
    /// killed before it or after it.
    pub fn end_publishing(&self) -> Result<(), HandoffError> {
        let path = self.folder.join(layout::PUBLISHING);
        std::fs::remove_file(&path)
            .or_else(absent_is_fine)
            .map_err(|error| file_error("remove", path.display(), error))
    }

    /// The job file as it was planned.
    pub async fn job_text(&self, plan: &Plan) -> Result<String, HandoffError> {
        let path = Path::from(layout::JOB);
        let bytes = self.read(&path).await?;
        if digest::sha256(&bytes) != plan.job_sha256 {
            return Err(self.damaged(&path, "it is not what was planned"));
        }
        String::from_utf8(bytes.into()).map_err(|_| self.damaged(&path, "not UTF-8"))
    }

    /// Freezes the job file.
    pub async fn put_job_text(&self, text: &str) -> Result<(), HandoffError> {
        self.put(&Path::from(layout::JOB), Bytes::copy_from_slice(text.as_bytes())).await
    }

    /// Reads a file of a shard.
    pub async fn read_shard_file(&self, shard: u32, name: &str) -> Result<Bytes, HandoffError> {
        self.read(&layout::in_shard(shard, name)).await
    }

    /// Writes a file of a shard, whole and synced.
    pub async fn put_shard_file(&self, shard: u32, name: &str, bytes: Bytes) -> Result<(), HandoffError> {
        self.put(&layout::in_shard(shard, name), bytes).await
    }

    /// The commits of a shard by block.
    pub async fn commits(&self, shard: u32) -> Result<BTreeMap<Ordinal, Commit>, HandoffError> {
        let mut commits = BTreeMap::new();
        for name in self.shard_files(shard).await? {
            if let Some(first) = layout::committed_block(&name) {
                let path = layout::in_shard(shard, &name);
                commits.insert(first, self.parse(&path, &self.read(&path).await?)?);
            }
        }
        Ok(commits)
    }

    /// The blocks of a shard that are committed, without reading the commits.
    pub async fn committed_blocks(&self, shard: u32) -> Result<Vec<Ordinal>, HandoffError> {
        let names = self.shard_files(shard).await?;
        Ok(names.iter().filter_map(|name| layout::committed_block(name)).collect())
    }

    /// Creates the commit of a block, only if there is none, and says whose stands: see [`super::commit`].
    pub async fn commit(&self, commit: &Commit) -> Result<Committed, HandoffError> {
        let path = layout::in_shard(commit.shard, &layout::commit(commit.first));
        let bytes = to_json(commit);
        for _ in 0..COMMIT_TRIES {
            let created = self.store.put_opts(&path, bytes.clone().into(), PutMode::Create.into()).await;
            if let Err(error) = &created
                && is_disk_full(error)
            {
                return Err(HandoffError::DiskFull { path: self.shown(&path) });
            }
            if created.is_ok() {
                return Ok(Committed::Won);
            }
            if let Ok(Some(standing)) = self.read_if_there(&path).await
                && let Ok(standing) = self.parse::<Commit>(&path, &standing)
            {
                return self.settle(commit, standing).await;
            }
        }
        Err(HandoffError::Unconfirmed { shard: commit.shard, first: commit.first })
    }

    /// A commit stands: this writer's own, or another's, for which this writer's chunks make way.
    async fn settle(&self, own: &Commit, standing: Commit) -> Result<Committed, HandoffError> {
        if standing.attempt == own.attempt {
            return Ok(Committed::Won);
        }
        self.discard(own.shard, &own.files).await;
        Ok(Committed::Lost(Box::new(standing)))
    }

    /// Whether a block is committed, by whomever.
    pub fn is_committed(&self, shard: u32, first: Ordinal) -> Result<bool, HandoffError> {
        let path = self.local_path(shard, &layout::commit(first));
        path.try_exists().map_err(|error| file_error("look for", path.display(), error))
    }

    /// Removes chunks that no commit names, and half-written files: what writers have left that died, or that lost against
    /// others. What has another name is not windrow's, and stays.
    ///
    /// Does nothing unless every block of the shard, each named by its first record, is committed: then nothing that a writer
    /// still writes can count, though it lives, on another machine maybe. While a block is not, its writer's chunks look the
    /// same as what a dead one has left.
    pub async fn sweep(
        &self,
        shard: u32,
        mut blocks: impl Iterator<Item = Ordinal>,
    ) -> Result<(), HandoffError> {
        let folder = self.folder.join(layout::shard_folder(shard));
        let failed = |error| file_error("list", folder.display(), error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        let is_committed = |first| names.contains(&layout::commit(first));
        if !layout::has_leftovers(&names) || !blocks.all(is_committed) {
            return Ok(());
        }
        let named: HashSet<String> =
            self.commits(shard).await?.into_values().flat_map(|c| c.files).map(|file| file.name).collect();
        let is_left =
            |name: &&String| layout::is_staged(name) || (layout::is_chunk(name) && !named.contains(*name));
        for name in names.iter().filter(is_left) {
            let path = folder.join(name);
            std::fs::remove_file(&path)
                .or_else(absent_is_fine)
                .map_err(|error| file_error("remove", path.display(), error))?;
        }
        Ok(())
    }

    /// Sweeps all shards of a run that are whole. What stays behind is in nobody's way, so nothing fails.
    pub async fn sweep_all(&self) {
        let rounds = self.rounds().await.unwrap_or_default();
        for shard in rounds.iter().flat_map(|round| &round.shards) {
            let _ = self.sweep(shard.number, shard.blocks.iter().map(|block| block.first)).await;
        }
    }

    /// Removes chunks of this process's own for a block that another has committed.
    pub async fn discard(&self, shard: u32, files: &[ChunkFile]) {
        for file in files {
            // What stays behind is in nobody's way.
            let _ = self.remove(shard, &file.name).await;
        }
    }

    /// Names within a shard's folder; staged leftovers are not among them.
    async fn shard_files(&self, shard: u32) -> Result<Vec<String>, HandoffError> {
        let folder = Path::from(layout::shard_folder(shard));
        let listed: Vec<_> = self
            .store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(|e| self.failed("list", &folder, e))?;
        Ok(listed.iter().filter_map(|meta| meta.location.filename().map(str::to_owned)).collect())
    }

    async fn remove(&self, shard: u32, name: &str) -> Result<(), HandoffError> {
        let path = layout::in_shard(shard, name);
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("remove", &path, error)),
        }
    }

    async fn put(&self, path: &Path, bytes: Bytes) -> Result<(), HandoffError> {
        self.store
            .put(path, bytes.into())
            .await
            .map(|_| ())
            .map_err(|error| self.failed("write", path, error))
    }

    async fn put_json<T: Serialize>(&self, path: &Path, value: &T) -> Result<(), HandoffError> {
        self.put(path, to_json(value)).await
    }

    async fn read(&self, path: &Path) -> Result<Bytes, HandoffError> {
        let result = self.store.get(path).await.map_err(|error| self.failed("read", path, error))?;
        result.bytes().await.map_err(|error| self.failed("read", path, error))
    }

    async fn read_if_there(&self, path: &Path) -> Result<Option<Bytes>, HandoffError> {
        match self.store.get(path).await {
            Ok(result) => result.bytes().await.map(Some).map_err(|error| self.failed("read", path, error)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", path, error)),
        }
    }

    /// Reads a versioned format; a newer version is refused before anything else is looked at.
    fn parse<T: DeserializeOwned>(&self, path: &Path, bytes: &[u8]) -> Result<T, HandoffError> {
        self.check_version(path, bytes)?;
        serde_json::from_slice(bytes).map_err(|error| self.damaged(path, error))
    }

    /// The same, of a file that nobody else may have written.
    fn parse_sealed<T: DeserializeOwned>(&self, path: &Path, bytes: &[u8]) -> Result<T, HandoffError> {
        self.check_version(path, bytes)?;
        seal::check(bytes).map_err(|why| self.damaged(path, why))?;
        serde_json::from_slice(bytes).map_err(|error| self.damaged(path, error))
    }

    fn check_version(&self, path: &Path, bytes: &[u8]) -> Result<(), HandoffError> {
        #[derive(serde::Deserialize)]
        struct Versioned {
            version: u64,
        }
        let Versioned { version } =
            serde_json::from_slice(bytes).map_err(|error| self.damaged(path, error))?;
        if version > u64::from(VERSION) {
            Err(HandoffError::Newer { path: self.shown(path), version })
        } else {
            Ok(())
        }
    }

    /// A file's path on this machine.
    fn shown(&self, path: &Path) -> String {
        self.folder.join(path.as_ref()).display().to_string()
    }

    fn damaged(&self, path: &Path, why: impl ToString) -> HandoffError {
        HandoffError::Damaged { path: self.shown(path), why: why.to_string() }
    }

    fn failed(&self, verb: &'static str, path: &Path, error: object_store::Error) -> HandoffError {
        match error {
            object_store::Error::NotFound { .. } => HandoffError::Gone { path: self.shown(path) },
            error if is_disk_full(&error) => HandoffError::DiskFull { path: self.shown(path) },
            error => HandoffError::File { verb, path: self.shown(path), source: Box::new(error) },
        }
    }

    async fn probe_exclusive_create(&self) -> Result<(), HandoffError> {
        let path = Path::from("probe");
        let not_exclusive = || HandoffError::NotExclusive { path: self.folder.display().to_string() };
        let create =
            || self.store.put_opts(&path, Bytes::from_static(b"probe").into(), PutMode::Create.into());
        create().await.map_err(|error| {
            if is_disk_full(&error) {
                HandoffError::DiskFull { path: self.folder.display().to_string() }
            } else {
                not_exclusive()
            }
        })?;
        let again = create().await;
        self.store.delete(&path).await.map_err(|error| self.failed("remove", &path, error))?;
        match again {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            _ => Err(not_exclusive()),
        }
    }
}

fn to_json<T: Serialize>(value: &T) -> Bytes {
    // The formats hold only strings, numbers, lists and maps with string-like keys: this cannot fail.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

pub(super) fn file_error(verb: &'static str, path: impl ToString, error: std::io::Error) -> HandoffError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return HandoffError::DiskFull { path: path.to_string() };
    }
    HandoffError::File { verb, path: path.to_string(), source: Box::new(error) }
}

pub(super) fn absent_is_fine(error: std::io::Error) -> Result<(), std::io::Error> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Whether the file system said that it is full (or the quota used up), somewhere down the error's chain.
fn is_disk_full(error: &object_store::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        }
        source = inner.source();
    }
    false
}

/// Microseconds since 1970, UTC.
pub fn now_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sweep_removes_what_windrow_wrote_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let run = RunStore::create(&root.path().join("20261123T071000-000000000000a")).await.unwrap();
        let left =
            ["000000000.5f0c7a11.shop.parquet", "000000000.5f0c7a11.requests.parquet", "000000000.json#1"];
        let stay =
            [layout::INPUT, layout::SHARD_LOG, "notes.md", "shop.parquet", "dear.csv", ".nfs0001", "draft#1"];
        run.put_shard_file(0, layout::INPUT, Bytes::new()).await.unwrap();
        for name in left.iter().chain(&stay) {
            std::fs::write(run.local_path(0, name), "").unwrap();
        }
        std::fs::create_dir(run.local_path(0, "000000000.5f0c7a11.plots.parquet")).unwrap();
        run.sweep(0, [0].into_iter()).await.unwrap();
        assert!(left.iter().all(|name| run.local_path(0, name).exists()), "its block may be at work");
        std::fs::write(
            run.local_path(0, "000000000.json"),
            r#"{"version": 1, "run": "r", "shard": 0, "first": 0, "records": 1,
            "attempt": "99999999", "files": [], "tally": {}, "at": 0}"#,
        )
        .unwrap();
        run.sweep(0, [0].into_iter()).await.unwrap();
        let is_there = |name: &&&str| run.local_path(0, name).exists();
        assert_eq!(
            (left.iter().filter(is_there).count(), stay.iter().filter(is_there).count()),
            (0, stay.len())
        );
        assert!(run.local_path(0, "000000000.5f0c7a11.plots.parquet").is_dir());
    }
}
