//! The newest generation of each table, found anew when its file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use super::Generation;
use super::copy::{Copy, Mark};
use super::load::load;
use crate::handoff::{RunStore, layout, runs};
use crate::merge::PublishedFile;
use crate::os::mapped;
use crate::serve::standing::{GenerationStanding, TableStanding};

/// How often a file is looked at.
const LOOK: Duration = Duration::from_millis(300);
/// How long until one is tried again that could not be read: the disk may have been full.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// How long it is looked for the run that published a file: it notes that a moment after it.
const FIND_RUN: Duration = Duration::from_secs(60);
/// Of the newest runs, how many are looked at for that.
const RUNS: usize = 8;

/// All tables.
#[derive(Debug, Default)]
pub struct Shelf {
    pub tables: Vec<Arc<Served>>,
}

impl Shelf {
    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&Arc<Served>> {
        self.tables.iter().find(|table| table.file.name == name)
    }
}

/// A table that is served.
#[derive(Debug)]
pub struct Served {
    pub file: PublishedFile,
    /// The job that fills it.
    pub job: String,
    /// The folder of the runs of all jobs.
    pub root: PathBuf,
    pub serve: crate::job::Serve,
    now: RwLock<Now>,
}

#[derive(Debug, Default)]
struct Now {
    generation: Option<Arc<Generation>>,
    /// Why there is none, or no newer one.
    trouble: Option<String>,
}

impl Served {
    /// One of which nothing is known yet.
    pub fn new(file: PublishedFile, job: String, root: PathBuf, serve: crate::job::Serve) -> Served {
        Served { file, job, root, serve, now: RwLock::default() }
    }

    /// What is served of it.
    pub fn generation(&self) -> Option<Arc<Generation>> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).generation.clone()
    }

    /// Most rows of an answer that is not the whole table.
    pub fn max_rows(&self) -> u32 {
        u32::try_from(self.serve.max_rows).unwrap_or(u32::MAX)
    }

    /// How it stands.
    pub fn standing(&self) -> TableStanding {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        TableStanding {
            name: self.file.name.clone(),
            file: self.file.path.clone(),
            generation: now.generation.as_ref().map(|generation| generation.standing()),
            trouble: now.trouble.clone(),
            stale_after: self.serve.stale_after,
        }
    }

    /// Goes on looking at the file, for ever. `loaded` is told of each new generation, and of each that failed.
    pub async fn follow(self: Arc<Self>, loaded: impl Fn(&Served, Result<(), &str>)) {
        let mut seen: Option<Mark> = None;
        let mut try_again_at = Instant::now();
        let mut find_run_until = Instant::now();
        loop {
            let mark = self.mark().await;
            let is_new = matches!(mark, Ok(Some(mark)) if seen != Some(mark));
            let is_failed = self.trouble().is_some() && Instant::now() >= try_again_at;
            match mark {
                Ok(Some(mark)) if is_new || is_failed => {
                    seen = Some(mark);
                    try_again_at = Instant::now() + TRY_AGAIN;
                    find_run_until = Instant::now() + FIND_RUN;
                    let renewed = self.renew().await;
                    // What is tried again, and fails again, was told.
                    if is_new || renewed.is_ok() {
                        loaded(&self, renewed.as_ref().copied().map_err(String::as_str));
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    seen = None;
                    // That nothing was published yet is no trouble.
                    if self.generation().is_some() {
                        self.set_trouble("its file is gone; what it had is still served".to_owned());
                    }
                }
                Err(why) => {
                    seen = None;
                    self.set_trouble(why);
                }
            }
            if Instant::now() < find_run_until && self.find_run().await {
                find_run_until = Instant::now();
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the file is known by now; `None` where there is none. On a file system that hangs only this waits.
    async fn mark(&self) -> Result<Option<Mark>, String> {
        let path = self.file.path.clone();
        let found = tokio::task::spawn_blocking(move || Mark::of(&path)).await;
        let mark = found.unwrap_or_else(|_| Err(std::io::Error::other("it could not be looked at")));
        match mark {
            Ok(mark) => Ok(Some(mark)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn trouble(&self) -> Option<String> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    fn set_trouble(&self, why: String) {
        self.now.write().unwrap_or_else(PoisonError::into_inner).trouble = Some(why);
    }

    /// Loads the file as it is, beside the generation that is served, and serves it then.
    async fn renew(self: &Arc<Self>) -> Result<(), String> {
        let served = Arc::clone(self);
        let loaded = tokio::task::spawn_blocking(move || served.load()).await;
        let loaded = loaded.unwrap_or_else(|_| Err("it could not be loaded".to_owned()));
        // What follows the first line is advice for somebody with a database of their own.
        let loaded = loaded.map_err(|why| why.lines().next().unwrap_or_default().to_owned());
        match loaded {
            Ok(generation) => {
                let new = Now { generation: Some(Arc::new(generation)), trouble: None };
                let old =
                    std::mem::replace(&mut *self.now.write().unwrap_or_else(PoisonError::into_inner), new);
                // Where nobody reads it any more, its database is closed here, where nothing waits for it.
                tokio::task::spawn_blocking(move || drop(old));
                Ok(())
            }
            Err(why) => {
                self.set_trouble(why.clone());
                Err(why)
            }
        }
    }

    fn load(&self) -> Result<Generation, String> {
        let words = |error: std::io::Error| error.to_string();
        let folder = scratch(&self.root);
        let copy = Copy::make(&self.file.path, &folder).map_err(words)?;
        let loaded = load(&self.file, &copy, self.serve.max_memory, &folder)?;
        let standing = GenerationStanding {
            run: None,
            published_at: copy.mark.modified(),
            digest: copy.digest.clone(),
            rows: loaded.rows,
            bytes: copy.mark.bytes,
            key: loaded.key.iter().map(|at| loaded.columns[*at].name.clone()).collect(),
            columns: loaded.columns.iter().map(|column| column.name.clone()).collect(),
            in_memory: loaded.beside.is_none(),
        };
        let bytes = mapped(&copy.file).map_err(words)?;
        Ok(Generation::new(loaded, standing, (bytes, self.file.format), folder))
    }

    /// Finds the run that published what is served, where it is not known yet; whether that is over.
    async fn find_run(&self) -> bool {
        let Some(generation) = self.generation() else { return true };
        if generation.run().is_some() {
            return true;
        }
        let found = run_of(&self.root, &self.job, generation.published_at()).await;
        let is_found = found.is_some();
        found.into_iter().for_each(|run| generation.is_of(run));
        is_found
    }
}

/// Where copies lie: on the disk of the runs, if they have one.
fn scratch(root: &Path) -> PathBuf {
    if root.is_dir() { root.to_owned() } else { std::env::temp_dir() }
}

/// The run that wrote a file at that time: between the start of its publication and the note that it is over. One process
/// works on a job at a time, so that there is one such run at most.
async fn run_of(root: &Path, job: &str, written: jiff::Timestamp) -> Option<String> {
    for folder in runs::runs_of(root, job).into_iter().take(RUNS) {
        let Ok(run) = RunStore::open(&folder).await else { continue };
        let Ok(Some(outcome)) = run.outcome().await else { continue };
        let noted =
            std::fs::metadata(folder.join(layout::OUTCOME)).and_then(|found| found.modified()).ok()?;
        let noted = jiff::Timestamp::try_from(noted).ok()?;
        let began = jiff::Timestamp::from_microsecond(outcome.at).unwrap_or_default();
        if outcome.published && began <= written && written <= noted {
            return folder.file_name().map(|name| name.to_string_lossy().into_owned());
        }
    }
    None
}
