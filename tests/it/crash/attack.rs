//! A job under attack: started and killed again and again, with what must hold after every kill.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;

use crate::support::processes::{children_of, naming, until};
use crate::support::{Origin, Sandbox, film_ids, published, published_films, small_job};

const FILMS: usize = 2000;
/// Two endpoints.
const PAIRS: u64 = 2 * FILMS as u64;
/// So long does every answer take.
const LATENCY: &str = r#"{"latency_ms": 40}"#;
/// So long may a process outlive its supervisor.
const GRACE: Duration = Duration::from_secs(2);
/// What a killed child had open at most: 8 blocks of 64 records, two endpoints each.
const OPEN_PAIRS: u64 = 8 * 64 * 2;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Planning,
    Fetching,
    Merging,
}

/// How long the phases take undisturbed.
struct Durations {
    planning: Duration,
    fetching: Duration,
    merging: Duration,
}

/// A job that is run and killed.
pub struct Attack {
    sandbox: Sandbox,
    origin: Origin,
    pub random: Rng,
    ids: Vec<String>,
    /// The table that an undisturbed run publishes.
    expected: Vec<String>,
    durations: Durations,
    /// Kills so far, and what they hit.
    pub kills: usize,
    hits: BTreeMap<Phase, usize>,
    /// Of the present run: kills, and how often the ids of committed blocks had been asked when they were committed.
    kills_of_run: u64,
    committed: BTreeMap<String, [u64; 2]>,
}

impl Attack {
    /// The job, run once without disturbance.
    pub fn new(random: Rng) -> Attack {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        small_job(&sandbox, &origin, FILMS, "", "");
        origin.knobs(LATENCY);
        let durations =
            Durations { planning: Duration::ZERO, fetching: Duration::ZERO, merging: Duration::ZERO };
        let mut attack = Attack {
            sandbox,
            origin,
            random,
            ids: film_ids(FILMS),
            expected: Vec::new(),
            durations,
            kills: 0,
            hits: BTreeMap::new(),
            kills_of_run: 0,
            committed: BTreeMap::new(),
        };
        attack.durations = attack.undisturbed();
        attack.expected = published_films(&attack.database());
        assert_eq!(attack.expected.len(), FILMS);
        attack.clear();
        attack
    }

    fn undisturbed(&mut self) -> Durations {
        let started = Instant::now();
        let mut supervisor = self.start();
        let mut seen = BTreeMap::new();
        while supervisor.try_wait().unwrap().is_none() {
            seen.entry(self.phase()).or_insert_with(|| started.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(supervisor.wait().unwrap().success(), "{}", self.stderr());
        let (fetching, merging) = (seen[&Some(Phase::Fetching)], seen[&Some(Phase::Merging)]);
        Durations { planning: fetching, fetching: merging - fetching, merging: started.elapsed() - merging }
    }

    fn database(&self) -> PathBuf {
        self.sandbox.path().join("small.duckdb")
    }

    /// Starts the job, or goes on with it.
    pub fn start(&self) -> Child {
        let log = File::options().create(true).append(true).open(self.sandbox.path().join("stderr")).unwrap();
        let mut command = self.sandbox.command([Path::new("run"), &self.sandbox.path().join("small.toml")]);
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.sandbox.path().join("stderr")).unwrap()
    }

    /// Whether the runs so far said this.
    pub fn said(&self, text: &str) -> bool {
        self.stderr().contains(text)
    }

    /// What the run stands at; `None` where it is finished.
    fn phase(&self) -> Option<Phase> {
        let Some(run) = self.run() else { return Some(Phase::Planning) };
        if run.join("merged.json").exists() {
            return None;
        }
        let committed: u64 = commits(&run).iter().map(|commit| commit.records).sum();
        Some(if committed == FILMS as u64 { Phase::Merging } else { Phase::Fetching })
    }

    /// Whether the run is over: it may be published though its process was killed.
    pub fn is_finished(&self) -> bool {
        self.phase().is_none()
    }

    /// The one run that is planned.
    fn run(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.sandbox.path().join("shards/small")).ok()?;
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        runs.retain(|run| run.join("plan.json").exists());
        assert!(runs.len() <= 1, "an unfinished run is gone on with: {runs:?}");
        runs.pop()
    }

    /// Waits for a phase to begin, or to be over, and then for a random moment of it.
    pub fn wait_for(&mut self, phase: Phase, supervisor: &Child) {
        let started = self.phase();
        // A process that goes on with a run takes about as long to begin as one that plans.
        let Durations { planning, fetching, merging } = self.durations;
        let (begun, span): (Box<dyn Fn(&Attack) -> bool>, Duration) = match phase {
            Phase::Planning => (Box::new(|_| true), planning),
            Phase::Fetching => (Box::new(|_| !children(supervisor).is_empty()), fetching / 2),
            Phase::Merging if started == Some(Phase::Merging) => (Box::new(|_| true), planning + merging / 2),
            Phase::Merging => (Box::new(|attack| attack.phase() == Some(Phase::Merging)), merging / 2),
        };
        until(Duration::from_secs(30), "the phase begins", || {
            begun(self) || self.phase() > Some(phase) || self.phase().is_none()
        });
        // Rather sooner than later: on a busy machine the undisturbed run may have taken longer than this one will.
        std::thread::sleep(span.mul_f64(self.random.f64().powi(2)));
    }

    /// Waits for a supervisor's end: nobody outlives it. Whether it was killed.
    pub fn buried(&self, mut supervisor: Child) -> bool {
        let status = supervisor.wait().unwrap();
        until(GRACE, "all processes end with their supervisor", || naming(self.sandbox.path()).is_empty());
        // 75: a child was killed so often without a commit in between that its shard was given up.
        let ended = matches!(status.code(), Some(0 | 75));
        assert!(ended || status.signal() == Some(9), "{status}\n{}", self.stderr());
        status.signal().is_some()
    }

    /// After a kill: counts it, and holds what is committed against what the origin was asked.
    pub fn struck(&mut self) {
        self.kills += 1;
        self.kills_of_run += 1;
        if let Some(phase) = self.phase() {
            *self.hits.entry(phase).or_default() += 1;
        }
        self.compare_counts();
    }

    /// No id of a block that was seen committed has been asked again since.
    #[track_caller]
    fn compare_counts(&mut self) {
        let Some(run) = self.run() else { return };
        let commits = commits(&run);
        let counts = self.origin.counts();
        let count = |endpoint: &str, id: &str| {
            counts["by_endpoint"][endpoint]["counts"][id].as_u64().unwrap_or_default()
        };
        for ordinal in commits.iter().flat_map(|commit| commit.first..commit.first + commit.records) {
            let id = &self.ids[ordinal as usize];
            let now = [count("omdb", id), count("business", id)];
            let then = self.committed.entry(id.clone()).or_insert(now);
            assert_eq!(*then, now, "{id} was asked again after its block was committed");
            assert!(now[0] > 0 && now[1] > 0, "{id} was never asked");
        }
    }

    /// Repeats the run until it is published, and looks at everything; then the stage is cleared for a new one.
    #[track_caller]
    pub fn finish_run(&mut self) {
        for _ in 0..5 {
            if self.is_finished() {
                break;
            }
            let status = self.start().wait().unwrap();
            assert!(matches!(status.code(), Some(0 | 75)), "{status}\n{}", self.stderr());
        }
        self.compare_counts();
        assert_eq!(self.committed.len(), FILMS, "every block is committed");
        let asked = self.origin.counts()["total"].as_u64().unwrap();
        assert!(asked <= PAIRS + self.kills_of_run * 2 * OPEN_PAIRS, "{asked} requests");
        self.is_published_once();
        self.clear();
    }

    #[track_caller]
    fn is_published_once(&self) {
        assert_eq!(published_films(&self.database()), self.expected, "the table of an undisturbed run");
        let run = self.run().expect("the run").file_name().unwrap().to_str().unwrap().to_owned();
        let runs = published(&self.database(), r#"SELECT (run_id, rounds, "rows") FROM windrow_runs"#);
        assert_eq!(runs, [format!("({run}, 1, {FILMS})")], "the run is published once");
        let lines =
            self.sandbox.query("small", "SELECT status, count(*) FROM requests GROUP BY 1 ORDER BY 1");
        let pairs: u64 =
            lines.iter().map(|line| line.rsplit_once(',').unwrap().1.parse::<u64>().unwrap()).sum();
        assert_eq!(pairs, PAIRS);
        assert!(
            lines.iter().all(|line| line.starts_with("ok,") || line.starts_with("missing,")),
            "{lines:?}"
        );
        let leftovers: BTreeSet<_> = std::fs::read_dir(self.sandbox.path().join("shards/small"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "job.lock")
            .collect();
        assert_eq!(leftovers, BTreeSet::from([run]), "what killed planners left is swept");
    }

    /// Forgets the run and all that came of it.
    fn clear(&mut self) {
        std::fs::remove_dir_all(self.sandbox.path().join("shards")).unwrap();
        std::fs::remove_file(self.database()).unwrap();
        self.origin.reset();
        self.committed.clear();
        self.kills_of_run = 0;
    }

    /// The moments were spread over all that a run does.
    #[track_caller]
    pub fn hit_every_phase(&self) {
        println!("{} kills: {:?}", self.kills, self.hits);
        assert_eq!(self.hits.len(), 3, "{:?}", self.hits);
    }
}

struct Commit {
    first: u64,
    records: u64,
}

/// The commits of a run's first round.
fn commits(run: &Path) -> Vec<Commit> {
    let Ok(shards) = std::fs::read_dir(run) else { return Vec::new() };
    let files = shards.flat_map(|shard| std::fs::read_dir(shard.unwrap().path()).into_iter().flatten());
    let commit = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            return None;
        }
        let commit: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        Some(Commit { first: commit["first"].as_u64()?, records: commit["records"].as_u64()? })
    };
    files.filter_map(commit).collect()
}

/// The living children of a supervisor.
pub fn children(supervisor: &Child) -> Vec<i32> {
    children_of(supervisor.id())
}
