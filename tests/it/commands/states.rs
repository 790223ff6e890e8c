//! How runs stand, each as it ended, in `windrow status`: the state and its reason; what failed, waits and was not asked are
//! three things; and programs are told what people are.

use std::time::Duration;

use serde_json::Value;

use crate::support::processes::until;
use crate::support::{Origin, Sandbox, film_ids, small_job, wait};

/// What a program is told.
#[track_caller]
fn told(sandbox: &Sandbox, words: &[&str]) -> Value {
    let words = [words, &["-f", "json"]].concat();
    let ended = sandbox.run(&words).with_code(0);
    let value: Value = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert_eq!(value["version"], 1);
    value
}

/// The newest run, as programs are told; people are told the same.
#[track_caller]
fn newest(sandbox: &Sandbox) -> Value {
    let text = sandbox.run(["status"]).with_code(0).stdout;
    let run = told(sandbox, &["status"])["runs"][0].clone();
    let line = text.lines().nth(1).unwrap();
    let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let number = |key: &str| run[key].as_u64().map(|number| number.to_string());
    let mut told: Vec<String> =
        vec![run["job"].as_str().unwrap().into(), run["run"].as_str().unwrap().into()];
    told.extend(["records", "rows", "failed", "waiting"].into_iter().filter_map(number));
    told.extend(number("not_asked").filter(|number| number != "0"));
    let state = run["state"].as_str().unwrap();
    told.push(run["reason"].as_str().map_or_else(|| state.to_owned(), |why| format!("{state}: {why}")));
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace(',', "")).collect();
    let told: Vec<String> = told.iter().map(|cell| cell.replace(',', "")).collect();
    let times = if run["seconds"].is_null() { 1 } else { 2 };
    assert_eq!([&cells[..2], &cells[2 + times..]].concat(), told, "{text}\n{run:#}");
    run
}

fn state_of(run: &Value) -> (&str, &str) {
    (run["state"].as_str().unwrap(), run["reason"].as_str().unwrap_or_default())
}

fn counts(run: &Value) -> [u64; 3] {
    ["failed", "waiting", "not_asked"].map(|key| run[key].as_u64().unwrap())
}

#[test]
fn a_run_that_has_requests_left_is_paused_and_nothing_has_failed() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 200, "", "");
    sandbox.run(["run", job.to_str().unwrap(), "--max-requests", "150"]).with_code(7);
    let run = newest(&sandbox);
    assert_eq!(state_of(&run), ("paused", "--max-requests was used up"));
    let [failed, waiting, _] = counts(&run);
    assert!(failed == 0 && waiting > 0, "{run:#}");
    let by_kind = run["waiting_by_kind"].as_object().unwrap();
    assert!(by_kind.contains_key("max_requests"), "{run:#}");
    assert_eq!(by_kind.values().map(|number| number.as_u64().unwrap()).sum::<u64>(), waiting);
    assert_eq!(run["rows"], Value::Null);
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let run = newest(&sandbox);
    assert_eq!((state_of(&run), counts(&run)), (("published", ""), [0, 0, 0]));
    assert_eq!(run["rows"], 200);
}

#[test]
fn a_quota_is_named_and_until_when_it_is_used_up() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 100, "", "limit = \"films\"");
    sandbox.edit("small.toml", "[table]", "[limit.films]\nquota = \"50/day\"\n\n[table]");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(7);
    let run = newest(&sandbox);
    let (state, why) = state_of(&run);
    assert_eq!(state, "paused");
    assert!(why.starts_with("the quota of films is used up until 20"), "{why}");
    assert_eq!(counts(&run)[0], 0, "{run:#}");
}

#[test]
fn one_that_was_stopped_is_interrupted_and_one_that_was_killed_unfinished() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 300, "", "");
    origin.knobs(r#"{"latency_ms": 200, "jitter_ms": 400}"#);
    let run = sandbox.start(["run", "small.toml"]);
    until(Duration::from_secs(60), "it asks", || origin.counts()["total"].as_u64().unwrap_or_default() > 50);
    assert_eq!(state_of(&newest(&sandbox)), ("running", ""));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(run.id() as i32), nix::sys::signal::SIGINT).unwrap();
    wait(run).with_code(130);
    let run = newest(&sandbox);
    assert_eq!((run["state"].as_str(), counts(&run)[0]), (Some("interrupted"), 0), "{run:#}");
    // The same files, as if a machine had gone down before the first commit.
    sandbox.run(["plan", "small.toml", "--new"]).with_code(0);
    assert_eq!(state_of(&newest(&sandbox)), ("unfinished", "nothing is asked yet"));
}

#[test]
fn one_that_the_gate_refused_says_why() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 20, "retry_rounds = 0", "");
    sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 1.0\n\n[table]");
    let knobs = serde_json::json!({ "fail_ids": { film_ids(20)[4].clone(): { "status": 403 } } });
    origin.knobs(&knobs.to_string());
    sandbox.run(["run", job.to_str().unwrap()]).with_code(1);
    let run = newest(&sandbox);
    let (state, why) = state_of(&run);
    assert_eq!((state, counts(&run)), ("refused", [2, 0, 0]));
    assert!(why.starts_with("95 % of the records succeeded (19 of 20)"), "{why}");
}

#[test]
fn what_its_condition_left_out_is_not_asked_and_not_failed() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 20, "", "");
    sandbox.edit("small.toml", "name = \"business\"", "name = \"business\"\nwhen = '.omdb.year > 1998'");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let run = newest(&sandbox);
    let [failed, waiting, not_asked] = counts(&run);
    assert!(failed == 0 && waiting == 0 && not_asked > 0, "{run:#}");
}

#[test]
fn rounds_are_counted_as_the_requests_themselves_do() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 60, "retry_rounds = 0", "");
    let ids = film_ids(60);
    let failing = |ids: &[String], status: u16| -> serde_json::Map<String, Value> {
        ids.iter().map(|id| (id.clone(), serde_json::json!({ "status": status }))).collect()
    };
    origin.knobs(&serde_json::json!({ "fail_ids": failing(&ids[..9], 503) }).to_string());
    sandbox.run(["run", job.to_str().unwrap(), "--max-requests", "80"]).with_code(7);
    for (left, status) in [(9, 503), (5, 503), (2, 403), (0, 503)] {
        origin.knobs(&serde_json::json!({ "fail_ids": failing(&ids[..left], status) }).to_string());
        let _ = sandbox.run(["run", job.to_str().unwrap()]);
        let _ = sandbox.run(["retry", "small"]);
        let run = newest(&sandbox);
        let truth = ["failed", "waiting", "not_asked"].map(|status| {
            sandbox.query("small", &format!("SELECT count(*) FROM requests WHERE status = '{status}'"))[0]
                .parse::<u64>()
                .unwrap()
        });
        assert_eq!(counts(&run), truth, "{run:#}");
    }
}

#[test]
fn shards_are_told_to_programs_as_to_people() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 200, "shard_size = 64", "");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let run = told(&sandbox, &["status", "small"]);
    assert_eq!((&run["job"], &run["state"]), (&"small".into(), &"published".into()));
    assert_eq!(run["destination"]["table"], "films");
    let shards = run["shards"].as_array().unwrap();
    let text = sandbox.run(["status", "small"]).with_code(0).stdout;
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("ROUND")).skip(1).collect();
    assert_eq!((lines.len(), run["shards_total"].as_u64()), (shards.len(), Some(shards.len() as u64)));
    for (line, shard) in lines.iter().zip(shards) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let told = ["round", "shard", "records"].map(|key| shard[key].to_string());
        assert_eq!(cells[..3], told);
        let told = ["ok", "missing", "failed", "waiting", "requests"].map(|key| shard[key].to_string());
        assert_eq!(cells[4..9], told);
        let at = |key: &str| shard[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert!(at("first_at") <= at("last_at"));
    }
    assert_eq!(told(&Sandbox::new(), &["status"])["runs"], serde_json::json!([]));
    let gone = sandbox.run(["status", "nobody", "-f", "json"]).with_code(2).saying("no run of job");
    assert_eq!(gone.stdout, "");
}
