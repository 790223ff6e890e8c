//! Conditions of publishing, and what is published when a run pauses.

use crate::support::{Origin, Sandbox, film_ids, published, published_films, small_job};

/// Films of the tests here; the first two fail while the origin says so.
const FILMS: usize = 120;

/// The small job with these lines under `[publish]`; its path.
fn job(sandbox: &Sandbox, origin: &Origin, publish: &str) -> String {
    let job = small_job(sandbox, origin, FILMS, "retry_rounds = 0", "");
    let key = "key = [\"imdb_id\"]\n";
    sandbox.edit("small.toml", key, &format!("{key}[publish]\n{publish}\n"));
    job.to_str().unwrap().to_owned()
}

fn fail_two(origin: &Origin) {
    let ids = film_ids(2);
    let knobs = serde_json::json!({
        "fail_ids": { ids[0].clone(): { "status": 500 }, ids[1].clone(): { "status": 403, "endpoint": "omdb" } },
    });
    origin.knobs(&knobs.to_string());
}

fn count(sandbox: &Sandbox, sql: &str) -> u64 {
    published(&sandbox.path().join("small.duckdb"), sql)[0].parse().unwrap()
}

#[test]
fn a_run_that_is_refused_says_all_of_why_and_what_to_do() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = job(&sandbox, &origin, "min_success = 0.99\nmax_failed = 1\nmin_rows = 119\nmax_change = 0.1");
    sandbox.edit("small.toml", "missing = [404]\n", "missing = [404]\nmin_success = 1\n");
    fail_two(&origin);
    let ended = sandbox.run(["run", &job]).with_code(1);
    let ended = ended
        .saying("small: not published:\n  98.33 % of the records succeeded (118 of 120), the job asks for 99 % (min_success under [publish])\n")
        .saying("\n  99.16 % of the records succeeded at business (119 of 120), the job asks for 100 % (min_success of the endpoint)\n")
        .saying("\n  2 records had no success at some endpoint, the job allows 1 (max_failed under [publish])\n")
        .saying("\n  the run brings 118 rows, the job asks for at least 119 (min_rows under [publish])\nhint: ");
    let run = sandbox.newest_run("small");
    let run = run.file_name().unwrap().to_str().unwrap();
    let ended = ended.saying(&format!("`windrow failures {run}`")).saying(&format!("`windrow retry {run}`"));
    ended.saying(&format!("`windrow merge {run} --anyway`"));
    let status = sandbox.run(["status", "small"]).with_code(0).stdout;
    assert!(status.contains("refused") && status.contains("the job allows 1 (max_failed"), "{status}");
    // What it says can be done.
    sandbox.run(["merge", "small"]).with_code(1).saying("not published:");
    sandbox.run(["failures", run]).with_code(0);
    origin.knobs(r#"{"fail_ids": {}}"#);
    sandbox.run(["retry", run]).with_code(0);
    sandbox.run(["merge", run]).with_code(0).saying("published 120 rows");
}

#[test]
fn anyway_publishes_what_was_refused_and_says_so() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = job(&sandbox, &origin, "min_success = 0.99");
    fail_two(&origin);
    sandbox.run(["run", &job]).with_code(1).saying("not published: 98.33 % of the records succeeded");
    let ended = sandbox.run(["merge", "small", "--anyway"]).with_code(0);
    ended
        .saying("published 118 rows, 2 records left out")
        .saying("\nalthough 98.33 % of the records succeeded (118 of 120), the job asks for 99 %");
    let status = sandbox.run(["status", "small"]).with_code(0).stdout;
    assert!(status.contains("published 118 rows"), "{status}");
    sandbox.run(["merge", "small"]).with_code(0).saying("already published");
}

#[test]
fn a_table_that_would_change_too_much_stays_as_it_is() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = job(&sandbox, &origin, "max_change = 0.2");
    sandbox.run(["run", &job]).with_code(0).saying("published 120 rows");
    let before = published_films(&sandbox.path().join("small.duckdb"));
    sandbox.write("ids.txt", film_ids(160).join("\n"));
    let ended = sandbox.run(["run", &job]).with_code(1);
    ended.saying("the table would grow by 33.34 %, from 120 rows to 160, the job allows 20 % (max_change");
    assert_eq!(published_films(&sandbox.path().join("small.duckdb")), before);
    sandbox.run(["merge", "small", "--anyway"]).with_code(0).saying("the table has 160");
}

/// Runs the job in portions until it is done; the rows of the table after each pause.
fn in_portions(sandbox: &Sandbox, job: &str) -> Vec<u64> {
    let mut rows = Vec::new();
    loop {
        let ended = sandbox.run(["run", job, "--max-requests", "50"]);
        if ended.code == Some(0) {
            ended.saying("published before, at its pauses").saying("; the table has 120");
            return rows;
        }
        let so_far = count(sandbox, "SELECT count(*) FROM films");
        ended.with_code(7).saying("paused").saying(&format!("published {so_far} rows so far"));
        let status = sandbox.run(["status"]).with_code(0).stdout;
        assert!(!status.contains("published"), "a paused run is no finished one: {status}");
        rows.push(so_far);
        assert!(rows.len() < 20, "{rows:?}");
    }
}

#[test]
fn each_pause_publishes_what_there_is_and_the_end_what_is_missing() {
    for mode in ["upsert", "append"] {
        let sandbox = Sandbox::new();
        let origin = Origin::start(&[]);
        let job = job(&sandbox, &origin, "on_pause = \"publish\"\nmin_success = 1");
        if mode == "append" {
            sandbox.edit("small.toml", "mode = \"upsert\"\nkey = [\"imdb_id\"]", "mode = \"append\"");
        }
        let rows = in_portions(&sandbox, &job);
        assert!(rows.len() > 2 && rows.is_sorted() && rows[0] < 120, "{rows:?}");
        assert_eq!(origin.counts()["total"], 240, "nothing is asked twice");
        assert_eq!(count(&sandbox, "SELECT count(DISTINCT imdb_id) FROM films"), 120);
        assert_eq!(count(&sandbox, "SELECT sum(\"rows\")::BIGINT FROM windrow_runs"), 120);
        let calm = Sandbox::new();
        let undisturbed = small_job(&calm, &origin, FILMS, "", "");
        calm.run(["run", undisturbed.to_str().unwrap()]).with_code(0);
        let films = |sandbox: &Sandbox| published_films(&sandbox.path().join("small.duckdb"));
        assert_eq!(films(&sandbox), films(&calm), "{mode}");
    }
}

#[test]
fn without_each_pause_nothing_is_published_before_the_end() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = job(&sandbox, &origin, "on_pause = \"wait\"");
    let ended = sandbox.run(["run", &job, "--max-requests", "50"]).with_code(7);
    ended.saying("paused").saying("nothing is published");
    sandbox.run(["run", &job]).with_code(0).saying("published 120 rows;");
}

#[test]
fn a_pause_that_would_change_the_table_too_much_is_still_a_pause() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = job(&sandbox, &origin, "on_pause = \"publish\"\nmax_change = 0.01");
    sandbox.run(["run", &job, "--max-requests", "60"]).with_code(7).saying("rows so far");
    let before = count(&sandbox, "SELECT count(*) FROM films");
    let ended = sandbox.run(["run", &job, "--max-requests", "100"]).with_code(7);
    ended.saying("nothing more is published").saying("not published: the table would grow by");
    assert_eq!(count(&sandbox, "SELECT count(*) FROM films"), before);
    sandbox.edit("small.toml", "max_change = 0.01", "max_change = 100");
    sandbox.run(["run", &job]).with_code(0).saying("; the table has 120");
}
