//! The table of crashes of `src/handoff/commit.rs`, cell by cell: a shard of one block is killed right before or right
//! after each step, with the real program; then what lies on disk, what the rerun asks, and what merge publishes. And
//! what becomes of a block when a step fails instead, or when another writer was faster.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use serde_json::Value;

use crate::support::faults::{self, Call, Fault, Strike};
use crate::support::{Ended, Origin, Sandbox, at_most, ended, published_films, small_job, wait};

/// Films of the one block, and pairs: two endpoints.
const FILMS: usize = 40;
const PAIRS: u64 = 80;

/// A planned run of one block, and an undisturbed run of the same job to compare with.
struct Site {
    sandbox: Sandbox,
    origin: Origin,
    /// The calls of the undisturbed run.
    calls: Vec<Call>,
    run: PathBuf,
}

/// What lies in the shard's folder besides its input: whole files, and files half written.
#[derive(Debug, Default, PartialEq)]
struct Left {
    rows: usize,
    requests: usize,
    commits: usize,
    staged: usize,
}

const NOTHING: Left = Left { rows: 0, requests: 0, commits: 0, staged: 0 };
const ROWS: Left = Left { rows: 2, ..NOTHING };
const CHUNKS: Left = Left { requests: 1, ..ROWS };
const DONE: Left = Left { commits: 1, ..CHUNKS };

impl Site {
    fn new() -> Site {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        small_job(&sandbox, &origin, FILMS, "", "");
        let calm = plan(&sandbox);
        let mut site = Site { sandbox, origin, calls: Vec::new(), run: calm };
        site.struck(&[]).with_code(0);
        site.calls = site.logged();
        let calm = std::mem::take(&mut site.run);
        let merge = ["merge", calm.to_str().unwrap(), "--to", "duckdb:calm.duckdb"];
        site.sandbox.run(merge).with_code(0);
        site.run = plan(&site.sandbox);
        assert_eq!(site.requests(), PAIRS);
        site
    }

    fn log(&self) -> PathBuf {
        self.sandbox.path().join("calls")
    }

    /// The calls of the last struck shard.
    fn logged(&self) -> Vec<Call> {
        faults::calls(&self.log())
    }

    fn folder(&self) -> PathBuf {
        self.run.join("00000")
    }

    /// Runs the shard, striking some of its calls.
    fn struck(&self, strikes: &[Strike]) -> Ended {
        let _ = std::fs::remove_file(self.log());
        let mut command = self.sandbox.command(["shard", self.run.to_str().unwrap(), "0"]);
        faults::watch(&mut command, &self.folder(), &self.log(), strikes);
        ended(command)
    }

    fn requests(&self) -> u64 {
        self.origin.counts()["total"].as_u64().unwrap()
    }

    fn names(&self) -> Vec<String> {
        names(&self.folder())
    }

    fn left(&self) -> Left {
        let mut left = NOTHING;
        for name in self.names() {
            match name.as_str() {
                "input.parquet" | "shard.lock" => {}
                name if name.contains('#') => left.staged += 1,
                name if name.ends_with(".requests.parquet") => left.requests += 1,
                name if name.ends_with(".parquet") => left.rows += 1,
                "000000000.json" => left.commits += 1,
                name => panic!("{name} does not belong there"),
            }
        }
        left
    }

    /// Runs the shard again, untouched; it asks for so many pairs. Then everything is as if nothing had happened.
    #[track_caller]
    fn recovers(&self, asks: u64) {
        let before = self.requests();
        self.sandbox.run(["shard", self.run.to_str().unwrap(), "0"]).with_code(0);
        assert_eq!(self.requests() - before, asks, "requests of the rerun");
        self.is_whole();
    }

    /// The folder holds the commit and what it names, and merge publishes what an undisturbed run does.
    #[track_caller]
    fn is_whole(&self) {
        let mut named = chunks_of(&self.folder());
        named.extend(["000000000.json", "input.parquet", "shard.lock"].map(str::to_owned));
        assert_eq!(BTreeSet::from_iter(self.names()), named);
        self.sandbox.run(["merge", self.run.to_str().unwrap()]).with_code(0);
        let films = |file: &str| published_films(&self.sandbox.path().join(file));
        assert_eq!(films("small.duckdb"), films("calm.duckdb"));
        assert_eq!(films("small.duckdb").len(), FILMS);
    }
}

fn plan(sandbox: &Sandbox) -> PathBuf {
    let before: BTreeSet<PathBuf> = runs(sandbox);
    sandbox.run(["plan", "small.toml", "--new"]).with_code(0);
    runs(sandbox).difference(&before).next().expect("a new run").clone()
}

fn runs(sandbox: &Sandbox) -> BTreeSet<PathBuf> {
    let Ok(entries) = std::fs::read_dir(sandbox.path().join("shards/small")) else { return BTreeSet::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The chunks that the block's commit names.
fn chunks_of(shard: &Path) -> BTreeSet<String> {
    let commit: Value =
        serde_json::from_slice(&std::fs::read(shard.join("000000000.json")).unwrap()).unwrap();
    let files = commit["files"].as_array().unwrap();
    files.iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect()
}

/// Where a call stands among those of its name: the first one on a file with this ending.
#[track_caller]
fn nth(calls: &[Call], call: &str, ending: &str) -> usize {
    nth_after(calls, 0, call, ending)
}

/// The same, from a place in the trace on.
#[track_caller]
fn nth_after(calls: &[Call], from: usize, call: &str, ending: &str) -> usize {
    let is_meant = |made: &Call| made.call == call && made.name.ends_with(ending);
    let at = from + calls[from..].iter().position(is_meant).expect("the call is made");
    calls[..=at].iter().filter(|made| made.call == call).count()
}

/// The folder's fsync after the commit was linked: if it fails the create fails, though the link is there.
#[track_caller]
fn sync_after_link(calls: &[Call]) -> usize {
    let link = calls.iter().position(|made| made.call == "linkat").expect("the commit is linked");
    let nth = nth_after(calls, link, "fsync", "");
    assert_eq!(
        calls[link + 1],
        Call { call: "open".into(), name: String::new() },
        "the folder is synced next"
    );
    nth
}

fn kill(call: &'static str, nth: usize) -> Strike {
    Strike { call, from: nth, to: nth, fault: Fault::Kill }
}

fn fail(call: &'static str, nth: usize, error: Errno) -> Strike {
    Strike { call, from: nth, to: nth, fault: Fault::Error(error) }
}

fn always(call: &'static str, from: usize, error: Errno) -> Strike {
    Strike { call, from, to: usize::MAX, fault: Fault::Error(error) }
}

/// One cell: killed right before the first such call; what is left; how many pairs the rerun asks.
#[track_caller]
fn cell(call: &'static str, ending: &str, left: Left, asks: u64) {
    let site = Site::new();
    let killed = site.struck(&[kill(call, nth(&site.calls, call, ending))]);
    assert_eq!(killed.code, None, "{}", killed.stderr);
    assert_eq!(site.left(), left);
    site.recovers(asks);
}

#[test]
fn step_1_killed_before_the_first_chunk_is_begun() {
    cell("open", ".omdb.parquet#1", NOTHING, PAIRS);
}

#[test]
fn step_1_killed_before_the_first_chunk_has_its_name() {
    cell("rename", ".omdb.parquet", Left { staged: 1, ..NOTHING }, PAIRS);
}

#[test]
fn step_1_killed_between_the_chunks_of_two_endpoints() {
    cell("write", ".business.parquet#1", Left { rows: 1, staged: 1, ..NOTHING }, PAIRS);
}

#[test]
fn step_1_killed_after_the_rows_are_there() {
    cell("open", ".requests.parquet#1", ROWS, PAIRS);
}

#[test]
fn step_2_killed_before_the_requests_chunk_has_its_name() {
    cell("rename", ".requests.parquet", Left { staged: 1, ..ROWS }, PAIRS);
}

#[test]
fn step_2_killed_after_all_chunks_are_there() {
    cell("open", "000000000.json#1", CHUNKS, PAIRS);
}

#[test]
fn step_3_killed_before_the_commit_is_linked() {
    cell("linkat", "000000000.json", Left { staged: 1, ..CHUNKS }, PAIRS);
}

#[test]
fn step_3_killed_after_the_commit_is_linked() {
    let site = Site::new();
    let killed = site.struck(&[kill("fsync", sync_after_link(&site.calls))]);
    assert_eq!(killed.code, None);
    assert_eq!(site.left(), Left { staged: 1, ..DONE });
    site.recovers(0);
}

#[test]
fn step_3_killed_after_the_commit_is_synced() {
    cell("unlink", "000000000.json#1", Left { staged: 1, ..DONE }, 0);
}

/// The commit is read back only where its create reported an error.
#[track_caller]
fn killed_while_reading_back(call: &'static str) {
    let site = Site::new();
    let sync = fail("fsync", sync_after_link(&site.calls), Errno::EIO);
    site.struck(std::slice::from_ref(&sync)).with_code(0);
    let calls = site.logged();
    let site = Site { run: plan(&site.sandbox), ..site };
    let killed = site.struck(&[sync, kill(call, nth(&calls, call, "000000000.json"))]);
    assert_eq!(killed.code, None);
    assert_eq!(site.left(), DONE);
    site.recovers(0);
}

#[test]
fn step_4_killed_before_the_commit_is_read_back() {
    killed_while_reading_back("open");
}

#[test]
fn step_4_killed_after_the_commit_is_read_back() {
    killed_while_reading_back("close");
}

#[test]
fn a_commit_that_reports_an_error_though_it_stands_is_recognised_as_ones_own() {
    let site = Site::new();
    site.struck(&[fail("fsync", sync_after_link(&site.calls), Errno::EIO)]).with_code(0);
    let read_back = Call { call: "open".into(), name: "000000000.json".into() };
    assert!(site.logged().contains(&read_back) && !site.calls.contains(&read_back));
    site.is_whole();
    assert_eq!(site.requests(), 2 * PAIRS);
}

#[test]
fn a_commit_that_fails_once_is_tried_again() {
    let site = Site::new();
    site.struck(&[fail("linkat", 1, Errno::EIO)]).with_code(0);
    site.is_whole();
    assert_eq!(site.requests(), 2 * PAIRS);
}

#[test]
fn a_commit_that_always_fails_ends_the_shard_and_removes_nothing() {
    let site = Site::new();
    let gave_up = site.struck(&[always("linkat", 1, Errno::EIO)]).with_code(75);
    gave_up
        .saying("the commit of block 0 of shard 0 could not be confirmed")
        .saying("hint: run the shard again");
    assert_eq!(site.left(), CHUNKS);
    site.recovers(PAIRS);
}

#[test]
fn a_commit_that_cannot_be_read_back_ends_the_shard_and_removes_nothing() {
    let site = Site::new();
    let sync = fail("fsync", sync_after_link(&site.calls), Errno::EIO);
    site.struck(std::slice::from_ref(&sync)).with_code(0);
    let read_back = nth(&site.logged(), "open", "000000000.json");
    let site = Site { run: plan(&site.sandbox), ..site };
    // From the read-back on, nothing in the folder can be opened.
    let strikes = [sync, always("open", read_back, Errno::EIO)];
    site.struck(&strikes).with_code(75).saying("could not be confirmed");
    assert_eq!(site.left(), DONE);
    site.recovers(0);
}

/// The disk is full at this call: the shard says so, and goes on where there is room again.
#[track_caller]
fn full_disk(call: &'static str, ending: &str, error: Errno, left: Left) {
    let site = Site::new();
    let nth = nth(&site.calls, call, ending);
    let ended = site.struck(&[always(call, nth, error)]).with_code(4);
    ended.saying("no space left on the disk that holds ").saying("00000/").saying("hint: free some space");
    assert_eq!(site.left(), left);
    site.recovers(PAIRS);
}

#[test]
fn a_disk_that_is_full_at_the_first_chunk() {
    full_disk("write", ".omdb.parquet#1", Errno::ENOSPC, NOTHING);
}

#[test]
fn a_disk_that_is_full_when_a_chunk_is_synced() {
    full_disk("fsync", ".requests.parquet#1", Errno::ENOSPC, ROWS);
}

#[test]
fn a_disk_that_is_full_at_the_commit() {
    full_disk("write", "000000000.json#1", Errno::ENOSPC, CHUNKS);
}

#[test]
fn a_quota_that_is_used_up_at_the_commits_link() {
    full_disk("linkat", "000000000.json", Errno::EDQUOT, CHUNKS);
}

#[test]
fn a_disk_that_fails_is_named_with_the_file() {
    let site = Site::new();
    let nth = nth(&site.calls, "fsync", ".business.parquet#1");
    let failed = site.struck(&[fail("fsync", nth, Errno::EIO)]).with_code(4);
    failed.saying("cannot write ").saying("/00000/000000000.").saying(".business.parquet");
    assert_eq!(site.left(), Left { rows: 1, ..NOTHING });
    site.recovers(PAIRS);
}

#[test]
fn of_two_living_writers_the_first_commit_stands_and_the_loser_removes_its_chunks() {
    let site = Site::new();
    let rival = site.sandbox.path().join("rival");
    copy(&site.run, &rival);
    site.sandbox.run(["shard", rival.to_str().unwrap(), "0"]).with_code(0);
    // The loser is asking when the rival's block appears.
    site.origin.knobs(r#"{"latency_ms": 1000}"#);
    let asked = site.requests();
    let loser = site
        .sandbox
        .command(["shard", site.run.to_str().unwrap(), "0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while site.requests() == asked {
        assert!(started.elapsed() < at_most(Duration::from_secs(20)), "the shard asks nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
    let theirs = chunks_of(&rival.join("00000"));
    for name in theirs.iter().map(String::as_str).chain(["000000000.json"]) {
        std::fs::copy(rival.join("00000").join(name), site.folder().join(name)).unwrap();
    }
    wait(loser).with_code(0);
    assert_eq!(site.requests() - asked, PAIRS, "the loser had asked for everything");
    assert_eq!(chunks_of(&site.folder()), theirs, "the rival's commit stands");
    site.is_whole();
}

/// A folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}
