//! A few records tried, and runs in portions.

use std::path::PathBuf;

use crate::support::{Origin, Sandbox, film_ids, published, small_job};

/// The folder of the run that is not among these.
fn new_run(sandbox: &Sandbox, before: &[PathBuf]) -> PathBuf {
    runs(sandbox).into_iter().find(|run| !before.contains(run)).expect("a new run")
}

fn runs(sandbox: &Sandbox) -> Vec<PathBuf> {
    let Ok(runs) = std::fs::read_dir(sandbox.path().join("shards/small")) else { return Vec::new() };
    runs.map(|run| run.unwrap().path()).collect()
}

#[test]
fn a_trial_asks_a_few_records_and_publishes_them_beside_itself() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 300, "", "");
    let job = job.to_str().unwrap();
    let ended = sandbox.run(["run", job, "--sample", "10"]).with_code(0);
    let trial = new_run(&sandbox, &[]);
    ended.saying("10 records, 20 requests, 1 shard").saying("published 10 rows").saying("trial.duckdb");
    assert_eq!(origin.counts()["total"], 20);
    assert!(!sandbox.path().join("small.duckdb").exists(), "the job's own table is not touched");
    let positions = published(&trial.join("trial.duckdb"), "SELECT imdb_id FROM films");
    let all = film_ids(300);
    let places: Vec<usize> =
        positions.iter().map(|id| all.iter().position(|other| other == id).unwrap()).collect();
    assert!(
        places.len() == 10 && places.iter().max() >= Some(&250),
        "they are spread over the list: {places:?}"
    );

    let [one, other] = [&all[7], &all[211]];
    let before = runs(&sandbox);
    sandbox.run(["run", job, "--ids", &format!("{one},{other}")]).with_code(0).saying("published 2 rows");
    let trial = new_run(&sandbox, &before);
    let mut ids = published(&trial.join("trial.duckdb"), "SELECT imdb_id FROM films");
    ids.sort();
    let mut expected = vec![one.clone(), other.clone()];
    expected.sort();
    assert_eq!(ids, expected);
    sandbox.run(["merge", trial.to_str().unwrap()]).with_code(0).saying("already published");
    // A trial may be run while the table's database is open elsewhere.
    let _held = duckdb::Connection::open(sandbox.path().join("small.duckdb")).unwrap();
    sandbox.run(["run", job, "--sample", "1"]).with_code(0);
}

#[test]
fn a_trial_is_never_the_newest_run() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 100, "", "");
    let job = job.to_str().unwrap();
    sandbox.run(["run", job, "--sample", "3"]).with_code(0);
    sandbox.run(["query", "small", "SELECT 1"]).with_code(2).saying("no run of job \"small\"");
    sandbox.run(["run", job, "--max-requests", "10"]).with_code(7);
    sandbox.run(["run", job, "--sample", "3"]).with_code(0);
    sandbox.run(["run", job]).with_code(0).saying("continuing run");
    sandbox.run(["run", job, "--ids", &film_ids(1)[0]]).with_code(0);
    assert_eq!(sandbox.query("small", "SELECT count(*) FROM rows"), ["100"]);
    sandbox
        .run(["merge", "small"])
        .with_code(0)
        .saying("already published, nothing to do; the table has 100 rows");
    let status = sandbox.run(["status"]).with_code(0).stdout;
    assert_eq!(status.lines().filter(|line| line.ends_with("(trial)")).count(), 3, "{status}");
}

#[test]
fn a_trial_that_fails_leaves_what_it_saw() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 100, "", "");
    origin.knobs(r#"{"rate_500": 1.0}"#);
    let ended = sandbox.run(["run", job.to_str().unwrap(), "--sample", "2"]).with_code(75);
    ended.saying("nothing succeeds (status: 500").saying("hint: a trial is not resumed: start another");
    sandbox.run(["run", job.to_str().unwrap(), "--ids", "x", "--sample", "2"]).with_code(2);
    sandbox.run(["run", job.to_str().unwrap(), "--sample", "0"]).with_code(2);
}

#[test]
fn ids_that_a_list_with_columns_does_not_have_are_named() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 3, "", "");
    sandbox.write("ids.csv", "imdb_id,country\ntt0000001,de\ntt6180338,fr\n");
    sandbox.edit("small.toml", "file = \"ids.txt\"", "file = \"ids.csv\"\ncolumns = [\"country\"]");
    let ended = sandbox.run(["run", job.to_str().unwrap(), "--ids", "tt0000001,tt9"]).with_code(2);
    ended.saying("ids.csv has no record \"tt9\"").saying("hint: ids are compared letter by letter");
    sandbox.run(["run", job.to_str().unwrap(), "--ids", "tt6180338"]).with_code(0).saying("published 1 row;");
    assert_eq!(origin.counts()["total"], 2);
}

#[test]
fn a_run_in_portions_asks_every_pair_once() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 150, "", "");
    let job = job.to_str().unwrap();
    let mut portions = 0;
    let ended = loop {
        let before = origin.counts()["total"].as_u64().unwrap();
        let ended = sandbox.run(["run", job, "--max-requests", "100"]);
        let asked = origin.counts()["total"].as_u64().unwrap() - before;
        assert!(asked <= 100, "{asked} requests in a portion");
        if ended.code == Some(0) {
            break ended;
        }
        ended
            .with_code(7)
            .saying("paused: the limit on requests is used up")
            .saying("hint: `windrow run small.toml` goes on");
        assert!(!sandbox.path().join("small.duckdb").exists());
        portions += 1;
        assert!(portions < 30, "it does not come to an end");
    };
    ended.saying("published 150 rows");
    assert!(portions >= 2, "{portions} portions of 100 for 300 requests");
    let counts = origin.counts();
    assert_eq!(counts["total"], 300);
    assert_eq!(counts["by_endpoint"]["omdb"]["repeated"], serde_json::json!({}));
    assert_eq!(
        sandbox.query("small", "SELECT status, count(*) FROM requests GROUP BY ALL ORDER BY ALL"),
        ["missing,1", "ok,299"]
    );
    sandbox.run(["run", job, "--max-requests", "0"]).with_code(2).saying("0 is not in 1..");
}
