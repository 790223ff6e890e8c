//! Servers that are not there, go away, or fail every id; and ids that fail for ever on a server that is well.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Origin, Sandbox, film_ids, small_job, wait};

/// Commits of a run so far.
fn commits(sandbox: &Sandbox) -> usize {
    let Ok(runs) = std::fs::read_dir(sandbox.path().join("shards/small")) else { return 0 };
    let is_commit = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.strip_suffix(".json").is_some_and(|block| block.len() == 9 && block.parse::<u64>().is_ok())
    };
    let shards =
        runs.flatten().filter_map(|run| std::fs::read_dir(run.path()).ok()).flat_map(Iterator::flatten);
    let files = shards.filter_map(|shard| std::fs::read_dir(shard.path()).ok()).flat_map(Iterator::flatten);
    files.filter(|file| is_commit(&file.path())).count()
}

/// Answers of the ids that failed for ever, as knobs.
fn failing(ids: &[String], status: u16) -> String {
    let fail: BTreeMap<_, _> = ids.iter().map(|id| (id, serde_json::json!({ "status": status }))).collect();
    serde_json::json!({ "fail_ids": fail }).to_string()
}

/// Ends of all pairs of the newest run.
fn ends(sandbox: &Sandbox) -> Vec<String> {
    sandbox
        .query("small", "SELECT status, kind, http_status, count(*) FROM requests GROUP BY ALL ORDER BY ALL")
}

#[test]
fn a_server_that_is_not_there_is_waited_for_until_tomorrow() {
    let sandbox = Sandbox::new();
    let mut origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 200, "", "");
    let job = job.to_str().unwrap();
    origin.kill();
    for _ in 0..2 {
        let ended = sandbox.run(["run", job]).with_code(75);
        let ended = ended
            .saying("nothing succeeds (connect: ")
            .saying("hint: when the server is back, run `windrow shard");
        ended.saying("nothing is published").saying("hint: `windrow run small.toml` goes on");
    }
    assert!(!sandbox.path().join("small.duckdb").exists());
    assert_eq!(commits(&sandbox), 0);
    let status = sandbox.run(["status"]).with_code(0).stdout;
    assert_eq!((status.matches("unfinished").count(), status.lines().count()), (1, 2), "one run: {status}");
    sandbox.run(["merge", "small"]).with_code(75).saying("is not finished").saying("hint: ");
    sandbox.run(["retry", "small"]).with_code(2).saying("is not finished").saying("hint: ");

    let _back = Origin::on_port(origin.port, &[]);
    sandbox.run(["run", job]).with_code(0).saying("continuing run").saying("published 200 rows");
    assert_eq!(ends(&sandbox), ["missing,,200,1", "ok,,200,399"]);
}

/// The story of `docs/mend.md`: the server goes away amid a run, comes back, and a person finishes by hand.
#[test]
fn a_shard_whose_server_went_away_is_rerun_by_hand() {
    let sandbox = Sandbox::new();
    let mut origin = Origin::start(&["--latency-ms", "10"]);
    let job = small_job(&sandbox, &origin, 1500, "in_flight = 16\npatience = \"1s\"", "");
    let run = sandbox.command(["run", job.to_str().unwrap()]);
    let child = spawn(run);
    let started = Instant::now();
    while commits(&sandbox) < 3 {
        assert!(started.elapsed() < Duration::from_secs(60), "no block is committed");
        std::thread::sleep(Duration::from_millis(2));
    }
    origin.kill();
    wait(child).with_code(75).saying("nothing succeeds (").saying("what was committed is kept");

    let status = sandbox.run(["status", "small"]).with_code(0).stdout;
    let unfinished: Vec<&str> = status
        .lines()
        .filter(|line| line.ends_with("unfinished"))
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert!(!unfinished.is_empty(), "{status}");
    let fetched = sandbox.query("small", "SELECT DISTINCT imdb_id FROM requests JOIN input USING (ordinal)");
    assert!(!fetched.is_empty() && fetched.len() < 1500);
    sandbox.run(["merge", "small"]).with_code(75).saying(&format!("shard {} lacks", unfinished[0]));
    sandbox.run(["shard", "small", unfinished[0]]).with_code(75).saying("nothing succeeds (connect: ");

    let back = Origin::on_port(origin.port, &[]);
    for shard in &unfinished {
        sandbox.run(["shard", "small", shard]).with_code(0);
    }
    let counts = back.counts()["by_endpoint"]["omdb"]["counts"].clone();
    assert_eq!(counts.as_object().unwrap().len(), 1500 - fetched.len(), "what was not committed is asked");
    assert!(fetched.iter().all(|id| counts[id].is_null()), "what was committed is not asked again");
    sandbox.run(["merge", "small"]).with_code(0).saying("published ");
    // What was in flight when the server went away failed, and is a retry's matter.
    sandbox.run(["retry", "small"]).with_code(0);
    sandbox.run(["merge", "small"]).with_code(0).saying("the table has 1,500");
    assert_eq!(
        sandbox.query("small", "SELECT count(*) FROM requests WHERE status IN ('ok', 'missing')"),
        ["3000"]
    );
}

fn spawn(mut command: std::process::Command) -> std::process::Child {
    use std::process::Stdio;
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

#[test]
fn a_server_that_fails_every_id_leaves_the_run_for_later() {
    for knobs in
        [r#"{"rate_500": 1.0}"#, r#"{"down": true}"#, r#"{"rate_429": 1.0}"#, r#"{"error_rate": 1.0}"#]
    {
        let sandbox = Sandbox::new();
        let origin = Origin::start(&[]);
        let job = small_job(&sandbox, &origin, 200, "", "");
        let job = job.to_str().unwrap();
        origin.knobs(knobs);
        sandbox.run(["run", job]).with_code(75).saying("nothing succeeds (").saying("hint: ");
        assert_eq!(commits(&sandbox), 0, "{knobs}");
        assert!(!sandbox.path().join("small.duckdb").exists());
        origin.knobs(r#"{"rate_500": 0, "down": false, "rate_429": 0, "error_rate": 0}"#);
        sandbox.run(["run", job]).with_code(0).saying("continuing run").saying("published 200 rows");
        assert_eq!(ends(&sandbox), ["missing,,200,1", "ok,,200,399"], "{knobs}");
    }
}

#[test]
fn ids_that_fail_for_ever_are_lines_of_the_requests_and_the_rest_is_published() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    // The last id is a block of its own.
    let job = small_job(&sandbox, &origin, 2049, "", "");
    let ids = film_ids(2049);
    let bad = [ids[0].clone(), ids[1000].clone(), ids[2048].clone()];
    origin.knobs(&failing(&bad, 500));
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let ended = ended.saying("round 1: asking 6 failed requests again");
    ended.saying("published 2,046 rows, 3 records left out: a request failed");
    let failed = "SELECT imdb_id, endpoint, kind, http_status, attempts, round FROM requests JOIN input USING (ordinal)
                  WHERE status = 'failed' ORDER BY ordinal, endpoint";
    let expected: Vec<String> = bad
        .iter()
        .flat_map(|id| ["business", "omdb"].map(|endpoint| format!("{id},{endpoint},status,500,3,1")))
        .collect();
    assert_eq!(sandbox.query("small", failed), expected);
    assert_eq!(origin.count("omdb", &bad[0]), 6, "three attempts in each round");
    assert_eq!(sandbox.query("small", "SELECT count(*) FROM requests"), ["4098"]);
}

#[test]
fn a_whole_block_of_ids_may_fail_for_ever_where_others_are_answered() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 2048, "retry_rounds = 0", "");
    origin.knobs(&failing(&film_ids(2048)[1024..1024 + 64], 503));
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    ended.saying("published 1,984 rows, 64 records left out: a request failed");
    assert_eq!(sandbox.query("small", "SELECT count(*) FROM requests WHERE status = 'failed'"), ["128"]);
}

/// The last ones are asked when nothing else is: what they are told apart by is a record that was answered before.
#[test]
fn the_last_blocks_of_a_list_may_fail_for_ever() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 2048, "patience = \"1s\"", "");
    origin.knobs(&failing(&film_ids(2048)[2048 - 640..], 503));
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    ended.saying("published 1,408 rows, 640 records left out: a request failed");
    assert_eq!(sandbox.query("small", "SELECT count(*) FROM requests WHERE status = 'failed'"), ["1280"]);
}

#[test]
fn a_shard_of_ids_that_fail_for_ever_ends_where_the_server_answers_others() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 1024, "patience = \"1s\"\nshard_size = 512", "");
    let job = job.to_str().unwrap();
    sandbox.run(["plan", job]).with_code(0);
    origin.knobs(&failing(&film_ids(1024)[512..], 500));
    sandbox.run(["shard", "small", "0"]).with_code(0);
    sandbox.run(["shard", "small", "1"]).with_code(0);
    sandbox.run(["run", job]).with_code(0).saying("published 512 rows, 512 records left out");

    // Where the server is down, it answers nothing of what it answered before.
    let job = small_job(&sandbox, &origin, 1024, "patience = \"1s\"\nshard_size = 512", "");
    sandbox.run(["plan", "--new", job.to_str().unwrap()]).with_code(0);
    origin.knobs(r#"{"fail_ids": {}}"#);
    sandbox.run(["shard", "small", "0"]).with_code(0);
    origin.knobs(r#"{"down": true}"#);
    sandbox.run(["shard", "small", "1"]).with_code(75).saying("nothing succeeds (");
}

#[test]
fn the_gate_decides_about_ids_that_fail() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 200, "retry_rounds = 0", "");
    let job = job.to_str().unwrap();
    sandbox.edit("small.toml", "mode = \"upsert\"", "mode = \"append\"");
    sandbox.edit("small.toml", "key = [\"imdb_id\"]", "[publish]\nmin_success = 0.98");
    origin.knobs(&failing(&film_ids(5), 404));
    let ended = sandbox.run(["run", job]).with_code(1);
    let ended = ended.saying(
        "not published: 97.5 % of the records succeeded (195 of 200), the job asks for 98 % (min_success",
    );
    ended.saying("hint: `windrow failures 20");
    assert!(!sandbox.path().join("small.duckdb").exists());
    assert!(sandbox.run(["status"]).with_code(0).stdout.contains("refused"));
    // As the hint says: the run is named by its id.
    let id = sandbox.newest_run("small").file_name().unwrap().to_str().unwrap().to_owned();
    let failures = sandbox.run(["failures", &id]).with_code(0).stdout;
    assert!(failures.contains("404") && failures.contains(&film_ids(1)[0]), "{failures}");
    sandbox.run(["merge", &id]).with_code(1).saying("not published");
    // What was refused is finished: the next run starts anew.
    origin.knobs(&failing(&film_ids(4), 404));
    let ended = sandbox.run(["run", job]).with_code(0);
    assert!(!ended.stderr.contains("continuing"), "{}", ended.stderr);
    ended.saying("published 196 rows, 4 records left out");
}
