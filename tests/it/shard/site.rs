//! A planned run of one shard, worked by processes that the test starts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Origin, Sandbox, film_ids, published_films, small_job};

/// Requests that each process has in flight.
pub const IN_FLIGHT: u64 = 32;

pub struct Site {
    pub sandbox: Sandbox,
    pub origin: Origin,
    pub run: PathBuf,
    films: usize,
}

/// A block's commit, as far as the tests look at it.
pub struct Commit {
    pub records: u64,
    attempt: String,
    files: Vec<String>,
}

impl Site {
    /// Two endpoints are asked for each film, in blocks of 64 films; of 1,024 films at most, which one core has in one shard.
    pub fn new(films: usize, knobs: &str) -> Site {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        small_job(&sandbox, &origin, films, "", "");
        sandbox.plan_on_one_core("small.toml");
        let run = sandbox.newest_run("small");
        assert!(!run.join("00001").exists(), "one shard");
        origin.knobs(knobs);
        Site { sandbox, origin, run, films }
    }

    pub fn pairs(&self) -> u64 {
        2 * self.films as u64
    }

    pub fn folder(&self) -> PathBuf {
        self.run.join("00000")
    }

    /// A process that works on the shard.
    pub fn command(&self) -> Command {
        let mut command = self.sandbox.command(["shard", self.run.to_str().unwrap(), "0"]);
        command.args(["--in-flight", &IN_FLIGHT.to_string()]);
        command
    }

    pub fn start(&self) -> Child {
        self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn asked(&self) -> u64 {
        self.origin.counts()["total"].as_u64().unwrap()
    }

    /// How often each pair was asked.
    pub fn counts(&self) -> BTreeMap<(&'static str, String), u64> {
        let counts = self.origin.counts();
        let of = |endpoint, id: String| {
            let count = counts["by_endpoint"][endpoint]["counts"][&id].as_u64().unwrap_or(0);
            ((endpoint, id), count)
        };
        let ids = film_ids(self.films);
        ids.into_iter().flat_map(|id| [of("omdb", id.clone()), of("business", id)]).collect()
    }

    pub fn most_asked(&self) -> u64 {
        self.counts().into_values().max().unwrap()
    }

    /// The committed blocks by first record.
    pub fn commits(&self) -> BTreeMap<u64, Commit> {
        let folder = self.folder();
        let commit = |name: &String| {
            let digits = name.strip_suffix(".json")?;
            let commit: Value = serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
            let files = commit["files"].as_array().unwrap().iter();
            let files = files.map(|file| file["name"].as_str().unwrap().to_owned()).collect();
            let attempt = commit["attempt"].as_str().unwrap().to_owned();
            Some((digits.parse().unwrap(), Commit { records: commit["records"].as_u64()?, attempt, files }))
        };
        names(&folder).iter().filter_map(commit).collect()
    }

    /// Everything is committed and published, each pair with one line, and nothing else lies about.
    #[track_caller]
    pub fn is_whole(&self) {
        let commits = self.commits();
        assert_eq!(commits.values().map(|commit| commit.records).sum::<u64>(), self.films as u64);
        let mut named: BTreeSet<String> = commits.values().flat_map(|commit| commit.files.clone()).collect();
        named.extend(commits.keys().map(|first| format!("{first:09}.json")));
        named.extend(["input.parquet", "shard.lock"].map(str::to_owned));
        assert_eq!(names(&self.folder()), named, "what is left behind is swept");
        self.sandbox.run(["merge", self.run.to_str().unwrap()]).with_code(0);
        let films = published_films(&self.sandbox.path().join("small.duckdb"));
        assert_eq!(films.len(), self.films);
        let sql = "SELECT count(*), count(DISTINCT (ordinal, endpoint)) FROM requests \
                   WHERE status IN ('ok', 'missing')";
        assert_eq!(self.sandbox.query("small", sql), [format!("{0},{0}", self.pairs())]);
    }
}

pub fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The processes that committed these blocks.
pub fn writers(commits: &BTreeMap<u64, Commit>) -> BTreeSet<&str> {
    commits.values().map(|commit| commit.attempt.as_str()).collect()
}
