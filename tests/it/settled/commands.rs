//! What commands make of a run that was published, and of which nobody was told.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use super::stage::{FILMS, Stage, To};
use crate::support::faults::{Fault, Strike};
use crate::support::{film_ids, published, seeded, wait};

/// Killed when `merged.json` is there and all is said: before the note is taken away.
fn untold(stage: &Stage, arguments: &[&str]) {
    let (calm, calls) = stage.struck(arguments, &[]);
    calm.with_code(0);
    stage.reset();
    let last = calls.iter().filter(|call| call.call == "unlink").count();
    assert!(calls.iter().rfind(|call| call.call == "unlink").unwrap().name.ends_with("publishing.json"));
    let strike = Strike { call: "unlink", from: last, to: last, fault: Fault::Kill };
    let (died, _) = stage.struck(arguments, &[strike]);
    assert_eq!(died.code, None, "{}", died.stderr);
    assert_eq!(stage.rows(), [FILMS, FILMS]);
}

/// Killed after COMMIT, before `merged.json`.
fn unnoted(stage: &Stage, arguments: &[&str]) {
    let (calm, calls) = stage.struck(arguments, &[]);
    calm.with_code(0);
    stage.reset();
    let renames: Vec<_> = calls.iter().filter(|call| call.call == "rename").collect();
    let noted = 1 + renames.iter().position(|call| call.name.ends_with("merged.json")).expect("it is noted");
    let (died, _) =
        stage.struck(arguments, &[Strike { call: "rename", from: noted, to: noted, fault: Fault::Kill }]);
    assert_eq!(died.code, None, "{}", died.stderr);
    assert_eq!(stage.rows(), [FILMS, FILMS]);
    assert!(!stage.sandbox.newest_run("films").join("merged.json").exists());
}

fn run_count(stage: &Stage) -> Vec<String> {
    published(&stage.path("films.duckdb"), "SELECT count(*) FROM windrow_runs")
}

#[test]
fn an_untold_run_stands_for_the_next_one_and_only_for_that() {
    let stage = Stage::new(To::DuckDb, "");
    untold(&stage, &["run", "films.toml"]);
    let told = stage.sandbox.run(["run", "films.toml"]).with_code(0);
    let told = told.saying("but its command ended before it could say so").saying("--new` starts a new run");
    assert!(told.stdout.contains("imdb_id"), "the rows are shown: {}", told.stdout);
    stage.is_settled("told");
    assert_eq!(stage.runs(), 1);
    stage.sandbox.run(["run", "films.toml"]).with_code(0).saying("published 40 rows");
    assert_eq!(
        (stage.rows(), stage.runs()),
        ([2 * FILMS, FILMS], 2),
        "an append job adds its rows each time"
    );
}

#[test]
fn new_starts_a_new_run_in_any_case() {
    for die in [untold, unnoted] {
        let stage = Stage::new(To::DuckDb, "");
        die(&stage, &["run", "films.toml"]);
        let first = stage.sandbox.newest_run("films");
        stage.sandbox.run(["run", "films.toml", "--new"]).with_code(0).saying("published 40 rows");
        assert_eq!((stage.rows(), stage.runs()), ([2 * FILMS, FILMS], 2));
        assert!(first.join("merged.json").exists() && !first.join("publishing.json").exists());
    }
}

/// Puts the publication back in time.
fn age(stage: &Stage, by: Duration) {
    let then =
        (SystemTime::now() - by).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros().to_string();
    let run = stage.sandbox.newest_run("films");
    for name in ["merged.json", "publishing.json"] {
        let Ok(text) = std::fs::read_to_string(run.join(name)) else { continue };
        let at = text.split("\"at\": ").nth(1).unwrap().split(|c: char| !c.is_ascii_digit()).next().unwrap();
        std::fs::write(run.join(name), text.replace(at, &then)).unwrap();
    }
}

#[test]
fn a_run_of_more_than_an_hour_ago_is_told_and_a_new_one_begins() {
    let stage = Stage::new(To::DuckDb, "");
    for die in [untold, unnoted] {
        stage.reset();
        die(&stage, &["run", "films.toml"]);
        age(&stage, Duration::from_secs(2 * 3600));
        let next = stage.sandbox.run(["run", "films.toml"]).with_code(0);
        next.saying("but its command ended before it could say so").saying("published 40 rows");
        assert_eq!((stage.rows(), stage.runs()), ([2 * FILMS, FILMS], 2));
    }
}

#[test]
fn a_run_of_an_older_windrow_that_left_no_note_was_told() {
    let stage = Stage::new(To::DuckDb, "");
    stage.sandbox.run(["run", "films.toml"]).with_code(0);
    stage.sandbox.run(["run", "films.toml"]).with_code(0).saying("published 40 rows");
    assert_eq!(stage.runs(), 2);
}

#[test]
fn merge_settles_before_it_compares_anything() {
    let stage = Stage::new(To::DuckDb, "");
    for (die, change) in [(untold as fn(&Stage, &[&str]), false), (unnoted, false), (unnoted, true)] {
        stage.reset();
        die(&stage, &["run", "films.toml"]);
        let job = std::fs::read_to_string(stage.path("films.toml")).unwrap();
        if change {
            stage.sandbox.edit("films.toml", ".Title", ".Plot");
        }
        stage.sandbox.run(["merge", "films"]).with_code(0).saying("already published");
        stage.sandbox.write("films.toml", job);
        stage.is_settled(&format!("merge, changed: {change}"));
        assert_eq!(run_count(&stage), ["1"]);
    }
}

#[test]
fn a_merge_that_is_killed_is_found_by_the_next_run() {
    let stage = Stage::new(To::DuckDb, "");
    for die in [untold, unnoted] {
        stage.reset();
        die(&stage, &["merge", "films"]);
        stage.change_list();
        stage.sandbox.run(["run", "films.toml"]).with_code(0).saying("but its command ended before");
        stage.is_settled("merge, then run");
        assert_eq!((stage.runs(), run_count(&stage)), (1, vec!["1".to_owned()]));
    }
}

#[test]
fn a_destination_that_the_job_has_left_is_still_asked() {
    let stage = Stage::new(To::DuckDb, "");
    unnoted(&stage, &["run", "films.toml"]);
    stage.sandbox.edit("films.toml", "duckdb:films.duckdb", "duckdb:other.duckdb");
    stage.sandbox.run(["run", "films.toml"]).with_code(0).saying("films.duckdb");
    stage.is_settled("another destination");
    assert!(!stage.path("other.duckdb").exists());
}

#[test]
fn retry_and_extract_after_a_death_double_nothing() {
    let stage = Stage::new(To::DuckDb, "");
    unnoted(&stage, &["run", "films.toml"]);
    stage.sandbox.run(["retry", "films"]).with_code(0).saying("but its command ended before");
    stage.is_settled("retry");
    stage.change_list();
    stage.sandbox.run(["merge", "films"]).with_code(0).saying("already published");
    assert_eq!((stage.rows(), run_count(&stage)), ([FILMS, FILMS], vec!["1".to_owned()]));

    stage.reset();
    untold(&stage, &["run", "films.toml"]);
    // Whatever becomes of it: it works on the run, and tells what became of that.
    stage.sandbox.run(["extract", "films"]).saying("but its command ended before");
    stage.sandbox.run(["merge", "films"]).with_code(0).saying("already published");
    assert_eq!((stage.rows(), run_count(&stage)), ([FILMS, FILMS], vec!["1".to_owned()]));
}

#[test]
fn a_trial_and_a_merge_elsewhere_leave_no_note_and_take_none() {
    let stage = Stage::new(To::DuckDb, "");
    untold(&stage, &["run", "films.toml"]);
    let run = stage.sandbox.newest_run("films");
    stage.sandbox.run(["run", "films.toml", "--sample", "3"]).with_code(0);
    let elsewhere = ["merge", run.to_str().unwrap(), "--to", "duckdb:elsewhere.duckdb"];
    stage.sandbox.run(elsewhere).with_code(0).saying("published 40 rows");
    assert!(run.join("publishing.json").exists(), "nobody was told of the job's own destination");
    stage.sandbox.run(["run", "films.toml"]).with_code(0).saying("but its command ended before");
    assert_eq!(stage.rows(), [FILMS, FILMS]);
}

#[test]
fn a_run_that_the_gate_refused_leaves_no_note() {
    let stage = Stage::new(To::DuckDb, "\n[publish]\nmin_rows = 41");
    stage.sandbox.run(["run", "films.toml"]).with_code(1);
    assert!(!stage.sandbox.newest_run("films").join("publishing.json").exists());
}

#[test]
fn a_merge_of_a_retry_that_is_killed_after_commit_is_found_by_the_next_run() {
    let stage = Stage::new(To::DuckDb, "");
    let late = film_ids(1).remove(0);
    stage.origin.knobs(&serde_json::json!({ "fail_ids": { late: { "status": 403 } } }).to_string());
    stage.sandbox.run(["run", "films.toml", "--new"]).with_code(0).saying("published 39 rows");
    stage.origin.knobs(r#"{"fail_ids": {}}"#);
    stage.sandbox.run(["retry", "films"]).with_code(0);
    // The note, the report as DuckDB writes it, its name, merged.json.
    let strike = Strike { call: "rename", from: 4, to: 4, fault: Fault::Kill };
    let (died, calls) = stage.struck(&["merge", "films"], &[strike]);
    let renamed: Vec<_> = calls.iter().filter(|call| call.call == "rename").collect();
    assert!(died.code.is_none() && renamed[3].name.ends_with("merged.json"), "{}: {renamed:?}", died.stderr);
    stage.change_list();
    stage.sandbox.run(["run", "films.toml"]).with_code(0).saying("but its command ended before");
    stage.is_settled("retry and merge");
    assert_eq!(run_count(&stage), ["2"], "39 rows, then one");
}

#[test]
fn who_repeats_a_run_that_publishes_at_its_pauses_has_each_row_once_whenever_it_is_killed() {
    let stage = Stage::new(To::DuckDb, "\n[publish]\non_pause = \"publish\"");
    let portion = ["run", "films.toml", "--max-requests", "15"];
    let unfetched = || {
        stage.reset();
        std::fs::remove_dir_all(stage.path("shards")).unwrap();
        stage.sandbox.run(["plan", "films.toml"]).with_code(0);
    };
    unfetched();
    let started = Instant::now();
    stage.sandbox.run(portion).with_code(7).saying("rows so far");
    let longest = started.elapsed();
    let mut random = seeded();
    for signal in ["-KILL", "-HUP", "-KILL", "-HUP"] {
        unfetched();
        let mut runs = 0;
        loop {
            let child = stage.sandbox.start(portion);
            if runs < 4 {
                std::thread::sleep(longest.mul_f64(0.5 + random.f64()));
                // It may just have ended by itself.
                let pid = child.id().to_string();
                let _ = Command::new("kill").args([signal, &pid]).stderr(Stdio::null()).status();
            }
            if wait(child).code == Some(0) {
                break;
            }
            runs += 1;
            assert!(runs < 12, "it comes to no end");
        }
        assert_eq!((stage.rows(), stage.runs()), ([FILMS, FILMS], 1), "{signal}");
    }
}

#[test]
fn a_merge_of_an_earlier_run_that_is_killed_stands_for_no_later_one() {
    let stage = Stage::new(To::DuckDb, "");
    let late = film_ids(1).remove(0);
    stage.origin.knobs(&serde_json::json!({ "fail_ids": { late: { "status": 403 } } }).to_string());
    stage.sandbox.run(["run", "films.toml", "--new"]).with_code(0).saying("published 39 rows");
    let earlier = stage.sandbox.newest_run("films");
    let earlier = earlier.to_str().unwrap();
    stage.origin.knobs(r#"{"fail_ids": {}}"#);
    stage.sandbox.run(["run", "films.toml"]).with_code(0).saying("published 40 rows");
    stage.sandbox.run(["retry", earlier]).with_code(0);
    let strike = Strike { call: "rename", from: 4, to: 4, fault: Fault::Kill };
    assert_eq!(stage.struck(&["merge", earlier], &[strike]).0.code, None);
    let next = stage.sandbox.run(["run", "films.toml"]).with_code(0);
    next.saying("but its command ended before").saying("published 40 rows");
    assert_eq!(stage.rows(), [3 * FILMS, FILMS], "39, 40, 1 and 40");
}
