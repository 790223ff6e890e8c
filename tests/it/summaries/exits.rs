//! Every exit code has its summary, printed and kept in the run where there is one.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{are_valid, kept, printed, summary};
use crate::support::processes::until;
use crate::support::{Origin, Sandbox, small_job, wait};

const SOON: Duration = Duration::from_secs(20);

struct Site {
    sandbox: Sandbox,
    origin: Origin,
    told: Vec<Value>,
}

impl Site {
    fn new(settings: &str) -> Site {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        small_job(&sandbox, &origin, 40, settings, "");
        Site { sandbox, origin, told: Vec::new() }
    }

    /// A command ends so, and its summary says it; what the run's folder has is the same.
    #[track_caller]
    fn ends(&mut self, words: &[&str], code: i32, state: &str) -> Value {
        let summary = summary(&self.sandbox, words, code);
        self.told(summary, words[0], state)
    }

    #[track_caller]
    fn told(&mut self, summary: Value, command: &str, state: &str) -> Value {
        assert_eq!((&summary["command"], &summary["state"]), (&command.into(), &state.into()), "{summary:#}");
        assert_eq!(summary["reason"].is_null(), state == "published", "{summary:#}");
        if let Some(run) = summary["paths"]["run"].as_str() {
            assert_eq!(kept(Path::new(run)).as_ref(), Some(&summary));
        }
        self.told.push(summary.clone());
        summary
    }

    fn start(&self, words: &[&str]) -> Child {
        let mut command = self.sandbox.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

#[test]
fn runs_that_end_well_are_published_or_fetched() {
    let mut site = Site::new("keep_answers = \"all\"");
    let published = site.ends(&["run", "small.toml"], 0, "published");
    assert_eq!((&published["records"], &published["rows"]["published"]), (&40.into(), &40.into()));
    assert_eq!(published["rows"]["added"], 40);
    let again = site.ends(&["run", "small.toml"], 0, "published");
    assert_eq!((&again["rows"]["replaced"], &again["rows"]["added"]), (&40.into(), &0.into()));
    let merged = site.ends(&["merge", "small"], 0, "published");
    assert_eq!(merged["rows"]["already"], true);
    let nothing = site.ends(&["retry", "small"], 0, "published");
    assert_eq!(nothing["rows"], Value::Null);
    let extracted = site.ends(&["extract", "small"], 0, "fetched");
    assert_ne!(extracted["run"], again["run"]);
    let trial = site.ends(&["run", "small.toml", "--sample", "3"], 0, "published");
    assert_eq!((&trial["trial"], &trial["records"]), (&true.into(), &3.into()));
    are_valid(&site.told);
}

/// A round over what was kept is one of the run's own; what it cannot do is noted in it, too.
#[test]
fn columns_that_are_made_anew_are_told_with_their_run() {
    let mut site = Site::new("");
    let body = |year: &str| format!(r#"{{"Title":"x","Year":"{year}","Response":"True"}}"#);
    let ids = crate::support::film_ids(40);
    let knobs = serde_json::json!({ "body_ids": { ids[3].clone(): body("unknown") } });
    site.origin.knobs(&knobs.to_string());
    site.sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 0.5\n\n[table]");
    let published = site.ends(&["run", "small.toml"], 0, "published");
    site.sandbox.edit("small.toml", "[\"N/A\"]", "[\"N/A\", \"unknown\"]");
    let anew = site.ends(&["extract", "small"], 0, "fetched");
    assert_eq!((&anew["run"], &anew["destination"]), (&published["run"], &published["destination"]));
    site.sandbox.edit(
        "small.toml",
        "{url}/business".replace("{url}", &site.origin.url()).as_str(),
        "http://127.0.0.1:1/other",
    );
    let refused = site.ends(&["extract", "small"], 2, "failed");
    assert_eq!(refused["run"], published["run"]);
    are_valid(&site.told);
}

#[test]
fn runs_that_do_not_end_well_say_how_and_why() {
    let mut site = Site::new("");
    site.sandbox.edit("small.toml", "[table]", "[publish]\nmin_rows = 1000\n\n[table]");
    let refused = site.ends(&["run", "small.toml"], 1, "refused");
    let why =
        "not published: the run brings 40 rows, the job asks for at least 1000 (min_rows under [publish])";
    assert_eq!(refused["reason"], why);
    assert!(refused["hint"].as_str().unwrap().contains("windrow merge"), "{refused:#}");
    site.ends(&["merge", "small"], 1, "refused");

    let paused = site.ends(&["run", "small.toml", "--max-requests", "10"], 7, "paused");
    assert!(paused["requests"]["sent"].as_u64().unwrap() <= 10, "{paused:#}");
    let waiting = |endpoint: usize| paused["endpoints"][endpoint]["waiting"].as_u64().unwrap();
    let ok = |endpoint: usize| paused["endpoints"][endpoint]["ok"].as_u64().unwrap();
    assert_eq!((ok(0) + waiting(0), waiting(1) + ok(1)), (40, 40), "{paused:#}");

    site.origin.kill();
    let down = site.ends(&["run", "small.toml", "--new"], 75, "unfinished");
    assert_ne!(down["run"], paused["run"]);
    site.ends(&["merge", "small"], 75, "failed");
    site.ends(&["retry", "small"], 2, "failed");
    are_valid(&site.told);
}

#[test]
fn commands_that_cannot_begin_have_a_summary_without_a_run() {
    let mut site = Site::new("");
    let no_such = site.ends(&["run", "nowhere.toml"], 2, "failed");
    assert!(no_such["job"].is_null() && no_such["run"].is_null());
    assert!(no_such["reason"].as_str().unwrap().contains("nowhere.toml"), "{no_such:#}");
    let mistyped = site.ends(&["run", "small.toml", "--smaple", "3"], 2, "failed");
    assert_eq!(mistyped["reason"], "unexpected argument '--smaple' found");
    site.ends(&["merge", "small"], 2, "failed");
    site.sandbox.write("small.duckdb", "these are notes, and no database\n".repeat(1000));
    let database = site.ends(&["run", "small.toml"], 5, "failed");
    assert_eq!((&database["job"], &database["run"]), (&"small".into(), &Value::Null));
    site.sandbox.edit("small.toml", "[input]", "[inputs]");
    let mistaken = site.ends(&["run", "small.toml"], 2, "failed");
    let why = mistaken["reason"].as_str().unwrap();
    assert!(why.contains("unknown section [inputs]") || why.contains("inputs"), "{why}");
    site.ends(&["run", "small.toml", "--runs", "/dev/null/runs"], 2, "failed");
    site.sandbox.edit("small.toml", "[inputs]", "[input]");
    std::fs::remove_file(site.sandbox.path().join("small.duckdb")).unwrap();
    site.ends(&["run", "small.toml", "--runs", "/dev/null/runs"], 4, "failed");
    are_valid(&site.told);
}

#[test]
fn a_run_of_another_process_is_not_spoken_for() {
    let mut site = Site::new("");
    site.origin.knobs(r#"{"latency_ms": 30000}"#);
    let running = site.start(&["run", "small.toml", "--summary", "json"]);
    until(SOON, "requests arrive", || site.origin.counts()["total"].as_u64() > Some(0));
    let run = site.sandbox.newest_run("small");
    let locked = site.ends(&["run", "small.toml"], 3, "failed");
    assert_eq!((&locked["job"], &locked["run"]), (&"small".into(), &Value::Null));
    site.ends(&["retry", "small"], 3, "failed");
    assert_eq!(kept(&run), None, "who does not hold the run writes nothing into it");

    site.origin.knobs(r#"{"latency_ms": 0}"#);
    for _ in 0..2 {
        // The second stops at once: no request is answered in time.
        let _ = kill(Pid::from_raw(running.id().cast_signed()), Signal::SIGTERM);
        std::thread::sleep(Duration::from_millis(500));
    }
    let ended = wait(running).with_code(143);
    if !ended.stdout.is_empty() {
        site.told(printed(&ended), "run", "interrupted");
    }
    are_valid(&site.told);
}

#[test]
fn a_signal_is_told_with_its_exit_code() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let mut site = Site::new("");
        site.origin.knobs(r#"{"latency_ms": 1000, "jitter_ms": 2000}"#);
        let running = site.start(&["run", "small.toml", "--summary", "json"]);
        until(SOON, "requests arrive", || site.origin.counts()["total"].as_u64() > Some(0));
        kill(Pid::from_raw(running.id().cast_signed()), signal).unwrap();
        let interrupted = printed(&wait(running).with_code(code));
        let interrupted = site.told(interrupted, "run", "interrupted");
        assert_eq!(interrupted["reason"], "interrupted by a signal");
        assert!(interrupted["endpoints"].is_array(), "{interrupted:#}");
        are_valid(&site.told);
    }
}

#[test]
fn a_damaged_run_says_so_in_its_folder() {
    let mut site = Site::new("");
    site.sandbox.run(["plan", "small.toml"]).with_code(0);
    site.sandbox.run(["shard", "small", "0"]);
    site.sandbox.run(["shard", "small", "1"]);
    let run = site.sandbox.newest_run("small");
    let files = std::fs::read_dir(run.join("00000")).unwrap().map(|file| file.unwrap().path());
    let chunk = files.into_iter().find(|file| file.to_string_lossy().ends_with(".omdb.parquet")).unwrap();
    std::fs::write(chunk, b"touched").unwrap();
    let damaged = site.ends(&["merge", "small"], 6, "failed");
    assert!(damaged["run"].is_string() && damaged["hint"].is_string(), "{damaged:#}");
    are_valid(&site.told);
}

/// One that is killed leaves none, rather than that of an earlier command.
#[test]
fn a_run_that_is_killed_has_no_summary() {
    let mut site = Site::new("");
    let summary = site.ends(&["run", "small.toml", "--max-requests", "4"], 7, "paused");
    let run = Path::new(summary["paths"]["run"].as_str().unwrap()).to_owned();
    let file = site.sandbox.write("told.json", "{}");
    site.origin.knobs(r#"{"latency_ms": 30000}"#);
    let before = site.origin.counts()["total"].as_u64();
    let mut running = site.start(&["run", "small.toml", "--summary", "json=told.json"]);
    until(SOON, "requests arrive", || site.origin.counts()["total"].as_u64() > before);
    running.kill().unwrap();
    running.wait().unwrap();
    assert!(kept(&run).is_none() && !file.exists());
}
