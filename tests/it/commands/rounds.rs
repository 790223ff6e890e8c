//! Asking again what failed, and publishing what is new.

use crate::support::{Origin, Sandbox, film_ids, published_films, small_job};

/// Films of the tests here; the first few fail, each in its own way.
const FILMS: usize = 120;

/// Runs a job of which some pairs fail for as long as the origin says so; the job's path.
fn run_with_failures(sandbox: &Sandbox, origin: &Origin, mode: &str) -> String {
    let job = small_job(sandbox, origin, FILMS, "retry_rounds = 0", "");
    if mode == "append" {
        sandbox.edit("small.toml", "mode = \"upsert\"\nkey = [\"imdb_id\"]", "mode = \"append\"");
    }
    let ids = film_ids(4);
    let knobs = serde_json::json!({
        "fail_ids": {
            ids[0].clone(): { "status": 500, "endpoint": "omdb" },
            ids[1].clone(): { "status": 503, "endpoint": "business" },
            ids[2].clone(): { "status": 403 },
        },
        "body_ids": { ids[3].clone(): "<html>" },
    });
    origin.knobs(&knobs.to_string());
    let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    ended.saying("published 116 rows, 4 records left out: a request failed");
    origin.knobs(r#"{"fail_ids": {}, "body_ids": {}}"#);
    job.to_str().unwrap().to_owned()
}

/// Pairs without success, as id's place in the list, endpoint and kind.
fn failed(sandbox: &Sandbox) -> Vec<String> {
    let sql = "SELECT ordinal, endpoint, coalesce(http_status::VARCHAR, kind) FROM requests
               WHERE status = 'failed' ORDER BY ALL";
    sandbox.query("small", sql)
}

#[test]
fn a_retry_asks_what_it_is_told_and_merge_publishes_what_is_new() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    run_with_failures(&sandbox, &origin, "upsert");
    let all =
        ["0,omdb,500", "1,business,503", "2,business,403", "2,omdb,403", "3,business,200", "3,omdb,200"];
    assert_eq!(failed(&sandbox), all);
    let before = origin.counts()["total"].as_u64().unwrap();

    let ended = sandbox.run(["retry", "small", "--status", "5xx", "--endpoint", "omdb"]).with_code(0);
    let ended = ended.saying("round 1: asking 1 request again").saying("1 ok, 0 missing, 0 failed");
    ended.saying("hint: `windrow merge small` publishes what is new");
    assert_eq!(failed(&sandbox), all[1..]);
    sandbox
        .run(["merge", "small"])
        .with_code(0)
        .saying("published 1 row, 3 records left out")
        .saying("the table has 117");

    sandbox.run(["retry", "small", "--kind", "not_json"]).with_code(0).saying("asking 2 requests again");
    sandbox.run(["retry", "small", "--status", "403,418"]).with_code(0).saying("asking 2 requests again");
    assert_eq!(failed(&sandbox), ["1,business,503"]);
    sandbox
        .run(["merge", "small"])
        .with_code(0)
        .saying("published 2 rows, 1 record left out")
        .saying("the table has 119");

    sandbox.run(["retry", "small"]).with_code(0).saying("asking 1 request again");
    sandbox.run(["retry", "small"]).with_code(0).saying("nothing left to ask");
    assert_eq!(failed(&sandbox), [""; 0]);
    sandbox.run(["merge", "small"]).with_code(0).saying("published 1 row;").saying("the table has 120");
    assert_eq!(origin.counts()["total"].as_u64().unwrap(), before + 6, "what succeeded is not asked again");

    // The table is that of an undisturbed run.
    let calm = Sandbox::new();
    let job = small_job(&calm, &origin, FILMS, "", "");
    calm.run(["run", job.to_str().unwrap()]).with_code(0);
    let films = |sandbox: &Sandbox| published_films(&sandbox.path().join("small.duckdb"));
    assert_eq!(films(&sandbox), films(&calm));
    let ledger = "SELECT count(*), max(round) FROM all_requests";
    assert_eq!(sandbox.query("small", ledger), ["246,4"]);
}

#[test]
fn merging_twice_changes_nothing_in_any_mode() {
    for mode in ["upsert", "append"] {
        let sandbox = Sandbox::new();
        let origin = Origin::start(&[]);
        run_with_failures(&sandbox, &origin, mode);
        let database = sandbox.path().join("small.duckdb");
        let before = published_films(&database);
        for _ in 0..2 {
            let ended = sandbox.run(["merge", "small"]).with_code(0);
            ended.saying("already published, nothing to do; the table has 116 rows");
        }
        assert_eq!(published_films(&database), before);
        sandbox.run(["retry", "small"]).with_code(0);
        sandbox.run(["merge", "small"]).with_code(0).saying("published 4 rows").saying("the table has 120");
        sandbox.run(["merge", "small"]).with_code(0).saying("already published");
        let films = published_films(&database);
        assert_eq!(films.len(), 120);
        assert!(before.iter().all(|film| films.contains(film)));
    }
}

#[test]
fn a_retry_that_fails_again_is_a_round_like_any_other() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    run_with_failures(&sandbox, &origin, "upsert");
    origin.knobs(r#"{"rate_500": 1.0}"#);
    sandbox.run(["retry", "small"]).with_code(0).saying("asking 6 requests again").saying("6 failed");
    sandbox.run(["merge", "small"]).with_code(0).saying("the table has 116");
    origin.knobs(r#"{"rate_500": 0}"#);
    sandbox.run(["retry", "small"]).with_code(0).saying("round 2: asking 6 requests again").saying("6 ok");
    sandbox.run(["merge", "small"]).with_code(0).saying("the table has 120");
}

#[test]
fn a_retry_whose_server_is_not_there_is_gone_on_with() {
    let sandbox = Sandbox::new();
    let mut origin = Origin::start(&[]);
    let job = run_with_failures(&sandbox, &origin, "upsert");
    origin.kill();
    let ended = sandbox.run(["retry", "small", "--status", "5xx"]).with_code(75);
    ended.saying("nothing succeeds (connect: ").saying("hint: ");
    sandbox.run(["merge", "small"]).with_code(75).saying("is not finished");
    let _back = Origin::on_port(origin.port, &[]);
    sandbox.run(["retry", "small"]).with_code(0).saying("continuing round 1").saying("2 ok");
    sandbox.run(["merge", "small"]).with_code(0).saying("the table has 118");
    // What was published is finished: the next run is a new one.
    let ended = sandbox.run(["run", &job]).with_code(0);
    assert!(!ended.stderr.contains("continuing"), "{}", ended.stderr);
}

#[test]
fn what_a_retry_cannot_be_told_is_refused_with_what_it_can() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    run_with_failures(&sandbox, &origin, "upsert");
    let before = origin.counts()["total"].clone();
    sandbox
        .run(["retry", "small", "--endpoint", "omdn"])
        .with_code(2)
        .saying("the run has no endpoint \"omdn\"");
    sandbox.run(["retry", "small", "--status", "700"]).with_code(2).saying("hint: write 429, or 5xx");
    sandbox
        .run(["retry", "small", "--kind", "tiemout"])
        .with_code(2)
        .saying("kinds are dns, connect, tls, timeout");
    sandbox.run(["retry", "small", "--status", "418"]).with_code(0).saying("nothing left to ask");
    assert_eq!(origin.counts()["total"], before);
}

#[test]
fn a_committed_shard_ends_at_once_and_an_unknown_one_is_refused() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 50, "", "");
    sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    sandbox.run(["shard", "small", "0"]).with_code(0);
    let before = origin.counts()["total"].clone();
    assert_eq!(before, 100);
    origin.knobs(r#"{"down": true}"#);
    sandbox.run(["shard", "small", "0"]).with_code(0);
    let folder = sandbox.newest_run("small");
    sandbox.run(["shard", folder.to_str().unwrap(), "0"]).with_code(0);
    sandbox
        .run(["shard", "small", "7"])
        .with_code(2)
        .saying("the run has no shard 7")
        .saying("hint: its shards are 0 to 0");
    assert_eq!(origin.counts()["total"], before);
    let status = sandbox.run(["status"]).with_code(0).stdout;
    assert!(status.contains("fetched"), "fetched, and not yet published: {status}");
    sandbox.run(["merge", "small"]).with_code(0).saying("published 50 rows");
}

#[test]
fn a_shard_in_portions_pauses_with_its_own_code() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 50, "", "");
    sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    sandbox.run(["shard", "small", "0", "--max-requests", "30"]).with_code(7).saying("paused");
    assert_eq!(origin.counts()["total"], 30);
    // The block is whole, with what was deferred; the run asks that in a further round.
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0).saying("waiting").saying("published 50 rows");
    assert_eq!(origin.counts()["total"], 100);
}
