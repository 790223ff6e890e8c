//! The files of one run, as objects: a local folder with fsync by default.
//!
//! Promises: what a `put` or a [`commit`](RunStore::commit) returned `Ok` for is durable (file and folder
//! synced), but in a [leased](Plan::leased) run; a file is seen whole or not at all; of two commits of one block the first one
//! stands. A file is as open as the run's folder, and no name that a plan or a commit holds leads out of it.

use std::collections::BTreeMap;
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
use super::error::{HandoffError, absent_is_fine, file_error, is_disk_full};
use super::plan::{Outcome, Plan, Publishing, Round};
use super::{VERSION, digest, guard, layout, mark, seal};
use crate::os::{mode_of, permit_at};
use crate::record::Ordinal;

/// How often a commit whose fate is unknown is tried.
const COMMIT_TRIES: u32 = 3;

/// The files of one run.
#[derive(Debug, Clone)]
pub struct RunStore {
    pub(super) store: Arc<LocalFileSystem>,
    folder: PathBuf,
    /// As it was named.
    named: PathBuf,
    /// Its permissions, which all in it have.
    mode: u32,
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

    fn at(named: &FilePath) -> Result<RunStore, HandoffError> {
        let failed = |error| file_error("open", named.display(), error);
        let folder = named.canonicalize().map_err(failed)?;
        let mode = mode_of(&folder).map_err(failed)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| HandoffError::File {
                verb: "open",
                path: folder.display().to_string(),
                source: Box::new(error),
            })?
            .with_fsync(true);
        Ok(RunStore { store: Arc::new(store), folder, named: named.to_owned(), mode })
    }

    /// The run's folder, absolute.
    pub fn folder(&self) -> &FilePath {
        &self.folder
    }

    /// The run's folder as it was named.
    pub(super) fn named(&self) -> &FilePath {
        &self.named
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
        let plan = self.parse_sealed(&path, &self.read(&path).await?)?;
        guard::leaves(&plan).map_or(Ok(plan), |why| Err(self.damaged(&path, why)))
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
        // The database made it.
        permit_at(&self.folder.join(layout::TRIAL_DATABASE), self.mode);
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
        self.refuse_linked_shard(shard)?;
        self.put(&layout::in_shard(shard, name), bytes).await?;
        if name == layout::INPUT {
            // The shard's first file, with which its folder is made.
            permit_at(&self.local_path(shard, ""), self.mode);
        }
        Ok(())
    }

    /// The commits of a shard by block.
    pub async fn commits(&self, shard: u32) -> Result<BTreeMap<Ordinal, Commit>, HandoffError> {
        let mut commits = BTreeMap::new();
        for name in self.shard_files(shard).await? {
            if let Some(first) = layout::committed_block(&name) {
                let path = layout::in_shard(shard, &name);
                commits.insert(first, self.parse_commit(&path, &self.read(&path).await?)?);
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
        self.refuse_linked_shard(commit.shard)?;
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
                self.permit(&path);
                return Ok(Committed::Won);
            }
            if let Ok(Some(standing)) = self.read_if_there(&path).await
                && let Ok(standing) = self.parse_commit(&path, &standing)
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

    pub(super) async fn put(&self, path: &Path, bytes: Bytes) -> Result<(), HandoffError> {
        self.store
            .put(path, bytes.into())
            .await
            .map(|_| self.permit(path))
            .map_err(|error| self.failed("write", path, error))
    }

    fn permit(&self, path: &Path) {
        permit_at(&self.folder.join(path.as_ref()), self.mode);
    }

    async fn put_json<T: Serialize>(&self, path: &Path, value: &T) -> Result<(), HandoffError> {
        self.put(path, to_json(value)).await
    }

    async fn read(&self, path: &Path) -> Result<Bytes, HandoffError> {
        self.refuse_endless_file(path)?;
        let result = self.store.get(path).await.map_err(|error| self.failed("read", path, error))?;
        result.bytes().await.map_err(|error| self.failed("read", path, error))
    }

    pub(super) async fn read_if_there(&self, path: &Path) -> Result<Option<Bytes>, HandoffError> {
        self.refuse_endless_file(path)?;
        match self.store.get(path).await {
            Ok(result) => result.bytes().await.map(Some).map_err(|error| self.failed("read", path, error)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", path, error)),
        }
    }

    /// A pipe that nobody writes into would be read for ever.
    fn refuse_endless_file(&self, path: &Path) -> Result<(), HandoffError> {
        match self.folder.join(path.as_ref()).metadata() {
            Ok(found) if !found.is_file() && !found.is_dir() => Err(self.damaged(path, "it is no file")),
            _ => Ok(()),
        }
    }

    /// Reads a versioned format; a newer version is refused before anything else is looked at.
    fn parse<T: DeserializeOwned>(&self, path: &Path, bytes: &[u8]) -> Result<T, HandoffError> {
        self.check_version(path, bytes)?;
        serde_json::from_slice(bytes).map_err(|error| self.damaged(path, error))
    }

    /// A commit, which names files of its shard's folder only.
    fn parse_commit(&self, path: &Path, bytes: &[u8]) -> Result<Commit, HandoffError> {
        let commit = self.parse(path, bytes)?;
        guard::commit_leaves(&commit).map_or(Ok(commit), |why| Err(self.damaged(path, why)))
    }

    /// The same, of a file that nobody else may have written.
    pub(super) fn parse_sealed<T: DeserializeOwned>(
        &self,
        path: &Path,
        bytes: &[u8],
    ) -> Result<T, HandoffError> {
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
        // Nothing of it is to last.
        let store = without_fsync(&self.store);
        let not_exclusive = || HandoffError::NotExclusive { path: self.folder.display().to_string() };
        let create = || store.put_opts(&path, Bytes::from_static(b"probe").into(), PutMode::Create.into());
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

pub(super) fn without_fsync(store: &LocalFileSystem) -> LocalFileSystem {
    store.clone().with_fsync(false)
}

fn to_json<T: Serialize>(value: &T) -> Bytes {
    // The formats hold only strings, numbers, lists and maps with string-like keys: this cannot fail.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

/// Microseconds since 1970, UTC.
pub fn now_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
