//! Is a job run when it says so, and what becomes of runs that end otherwise?

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::stage::{SOON, Serving, Stage};
use crate::support::at_most;
use crate::support::processes::{children_of, kill_9, naming, until};

/// The runs that there are of a job, by their folders.
fn runs(stage: &Stage, job: &str) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(stage.sandbox.path().join("shards").join(job)) else {
        return BTreeSet::new();
    };
    let folders = entries.flatten().filter(|entry| entry.path().join("plan.json").is_file());
    folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// When a run was planned, in microseconds since 1970.
fn started_at(stage: &Stage, run: &str) -> i64 {
    let plan = stage.sandbox.path().join("shards/prices").join(run).join("plan.json");
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap();
    plan["created_at"].as_i64().unwrap()
}

/// The run that a table is of.
fn run_of(serving: &Serving, table: &str) -> String {
    let rows = serving.get(&format!("/{table}.json?limit=1")).json();
    rows[0]["run"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn three_places_are_gathered_every_second_and_one_that_fails_is_served_as_it_was() {
    let stage = Stage::new();
    let text = std::fs::read_to_string(stage.sandbox.path().join("prices.toml")).unwrap();
    let places = ["north", "south", "west"];
    for place in places {
        let job = text
            .replace("name = \"prices\"", &format!("name = \"{place}\"\nevery = \"1s\""))
            .replace("[\"a\", \"b\", \"c\"]", &format!("[\"{place}1\", \"{place}2\"]"))
            .replace("prices.parquet", &format!("{place}.parquet"))
            .replace("[table]", "[serve]\nstale_after = \"4s\"\n\n[table]");
        stage.sandbox.write(&format!("{place}.toml"), job);
    }
    let serving = Serving::start(&stage.sandbox, &["north.toml", "south.toml", "west.toml"]);
    places.iter().for_each(|place| drop(serving.wait_for(&format!("/{place}.json"))));
    let two_more = |place: &str| {
        let first = run_of(&serving, place);
        until(SOON, "the next one", || run_of(&serving, place) != first);
        let second = run_of(&serving, place);
        until(SOON, "and another", || run_of(&serving, place) != second);
    };
    places.into_iter().for_each(two_more);
    // One place fails for a while.
    stage.origin.knobs(r#"{"fail_ids": {"west1": {"status": 503}, "west2": {"status": 503}}}"#);
    until(SOON, "its runs fail", || serving.told().matches("west: run failed").count() > 1);
    let stands = run_of(&serving, "west");
    until(SOON, "it is too old", || serving.get("/readyz").status == 503);
    let told = serving.get("/readyz").text();
    assert!(
        told.starts_with("west: published ") && told.lines().count() == 1,
        "the others are ready: {told}"
    );
    assert_eq!(run_of(&serving, "west"), stands, "what was good last");
    assert_eq!(serving.get("/west.json").json().as_array().unwrap().len(), 2);
    two_more("north");
    assert!(serving.get("/").text().contains("run failed"), "the page says so");
    stage.origin.knobs(r#"{"fail_ids": {}}"#);
    until(SOON, "it is gathered again", || run_of(&serving, "west") != stands);
    until(SOON, "all is well", || serving.get("/readyz").status == 200);
    let told = serving.end();
    assert!(told.contains("west: run failed") && told.contains("north: published 2 rows"), "{told}");
    assert!(naming(stage.sandbox.path()).is_empty(), "a process is left");
}

/// No file says when it was run last but the runs themselves.
#[test]
fn who_is_started_again_goes_on_with_the_clock_of_the_runs() {
    let stage = Stage::new();
    stage.change("name = \"prices\"", "name = \"prices\"\nevery = \"1h\"");
    let serving = stage.serve();
    serving.wait_for("/prices.json");
    until(SOON, "it is told", || serving.told().contains("published 3 rows"));
    let cache = serving.get("/prices.json").header("cache-control").to_owned();
    let fresh: u64 =
        cache.split("max-age=").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap();
    assert!((3_500..=3_600).contains(&fresh), "until the next run: {cache}");
    serving.end();
    for _ in 0..3 {
        let serving = stage.serve();
        serving.wait_for("/prices.json");
        std::thread::sleep(Duration::from_millis(300));
        serving.end();
    }
    assert_eq!(runs(&stage, "prices").len(), 1);
}

/// Missed while nobody was there: made up for, once.
#[test]
fn a_run_that_was_missed_is_made_up_for_once() {
    let stage = Stage::new();
    stage.change("name = \"prices\"", "name = \"prices\"\nevery = \"4s\"");
    stage.run().with_code(0);
    // Two were missed.
    std::thread::sleep(Duration::from_secs(9));
    let serving = stage.serve();
    until(SOON, "it is made up for", || serving.told().contains("prices: run started, late"));
    until(SOON, "another comes when it is time", || runs(&stage, "prices").len() >= 3);
    serving.end();
    // Once: the other did not come at once.
    let starts: Vec<i64> = runs(&stage, "prices").iter().map(|run| started_at(&stage, run)).collect();
    assert!(starts.len() >= 3 && starts[2] - starts[1] >= 4_000_000, "{starts:?}");
}

#[test]
fn a_run_that_somebody_else_is_at_is_left_to_them() {
    let stage = Stage::new();
    stage.change("name = \"prices\"", "name = \"prices\"\nevery = \"1s\"");
    stage.origin.knobs(r#"{"latency_ms": 4000}"#);
    let other = stage.sandbox.start(["run", "prices.toml"]);
    until(SOON, "it has begun", || runs(&stage, "prices").len() == 1);
    let serving = stage.serve();
    until(SOON, "it is told", || serving.told().contains("another process"));
    stage.origin.knobs(r#"{"latency_ms": 0}"#);
    crate::support::wait(other).with_code(0);
    until(SOON, "and goes on by itself then", || runs(&stage, "prices").len() > 1);
    serving.end();
}

#[test]
fn a_signal_lets_the_run_finish_what_it_began_and_a_second_does_not() {
    let stage = Stage::new();
    stage.change("name = \"prices\"", "name = \"prices\"\nevery = \"1h\"");
    stage.origin.knobs(r#"{"latency_ms": 3000}"#);
    let mut serving = stage.serve();
    until(SOON, "requests are under way", || stage.origin.counts()["total"].as_u64() == Some(3));
    serving.signal(Signal::SIGTERM);
    assert_eq!(serving.child.wait().unwrap().code(), Some(143), "{}", serving.told());
    let done = serving.told();
    assert!(naming(stage.sandbox.path()).is_empty(), "a process is left: {done}");
    // What was in flight was kept: nothing of it is asked again.
    stage.origin.knobs(r#"{"latency_ms": 0}"#);
    stage.run().with_code(0);
    assert_eq!(stage.origin.counts()["total"].as_u64(), Some(3), "{done}");
    // And the other way.
    stage.origin.knobs(r#"{"latency_ms": 60000}"#);
    std::fs::remove_dir_all(stage.sandbox.path().join("shards")).unwrap();
    let mut serving = stage.serve();
    until(SOON, "requests are under way", || stage.origin.counts()["total"].as_u64() == Some(6));
    let began = Instant::now();
    serving.signal(Signal::SIGTERM);
    std::thread::sleep(Duration::from_millis(200));
    serving.signal(Signal::SIGTERM);
    serving.child.wait().unwrap();
    assert!(began.elapsed() < at_most(Duration::from_secs(5)), "{:?}", began.elapsed());
    until(SOON, "nobody is left", || naming(stage.sandbox.path()).is_empty());
}

#[test]
fn a_daemon_that_is_killed_leaves_no_run_behind() {
    let stage = Stage::new();
    stage.change("name = \"prices\"", "name = \"prices\"\nevery = \"1h\"");
    stage.origin.knobs(r#"{"latency_ms": 60000}"#);
    let mut serving = stage.serve();
    until(SOON, "requests are under way", || stage.origin.counts()["total"].as_u64() == Some(3));
    assert_eq!(children_of(serving.child.id()).len(), 1);
    kill_9(serving.child.id().cast_signed());
    serving.child.wait().unwrap();
    until(SOON, "nobody is left", || naming(stage.sandbox.path()).is_empty());
}

/// What has no file to serve, and what would be served twice by one name.
#[test]
fn what_cannot_be_served_is_told_before_it_listens() {
    let stage = Stage::new();
    let text = std::fs::read_to_string(stage.sandbox.path().join("prices.toml")).unwrap();
    let twin = text.replace("name = \"prices\"", "name = \"twin\"").replace("prices.parquet", "twin.parquet");
    stage
        .sandbox
        .write("twin.toml", twin.replace("mode = \"upsert\"", "mode = \"upsert\"\nname = \"prices\""));
    let told = stage.sandbox.run(["serve", "prices.toml", "twin.toml"]).with_code(2);
    told.saying("two tables would be served as prices");
    stage.change("parquet:prices.parquet", "duckdb:prices.duckdb");
    let told = stage.sandbox.run(["serve", "prices.toml"]).with_code(2);
    told.saying("[[publish.after]] sql = \"SELECT * FROM prices\", file = \"prices.parquet\"");
    let report = "[[publish.after]]\nsql = \"SELECT * FROM prices WHERE id <> 'b'\"\nfile = \"few.parquet\"\nkey = \"id\"\n";
    let mut with_report = std::fs::read_to_string(stage.sandbox.path().join("prices.toml")).unwrap();
    with_report.push_str(report);
    stage.sandbox.write("prices.toml", with_report);
    stage.run().with_code(0);
    let serving = stage.serve_only();
    assert_eq!(serving.wait_for("/few.json").json().as_array().unwrap().len(), 2);
    assert_eq!(serving.get("/few/c").with_status(200).json()["target"], "/echo/c");
    // The database itself is nobody's but the run's.
    stage.run().with_code(0);
    serving.end();
}
