//! Kept answers: which are, and `windrow extract`, which makes the columns anew without a request.

use super::{found, job, ledger, run};
use crate::support::{Origin, Sandbox, ended, film_ids, published, small_job};

#[test]
fn answers_that_failed_are_kept_unless_the_job_says_otherwise() {
    for (bodies, kept) in [
        ("", 1),
        ("keep_answers = \"failed\"", 1),
        ("keep_answers = \"all\"", 2),
        ("keep_answers = \"none\"", 0),
    ] {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let endpoint = "url = \"ORIGIN/echo/{id}\"\ncolumns = { n = { jq = \".target\", type = \"bigint\", regex = '(\\d+|bad)$' } }";
        job(&sandbox, &origin, &["7", "bad"], &format!("retry_rounds = 0\n{bodies}"), endpoint, "");
        run(&sandbox);
        assert_eq!(ledger(&sandbox, "id, status, kind"), ["7,ok,", "bad,failed,convert"]);
        let bodies = sandbox.query(
            "apis",
            "SELECT ordinal, endpoint, http_status, body LIKE '%/echo/%' FROM answers ORDER BY 1",
        );
        let expected = ["0,one,200,true", "1,one,200,true"];
        let shown = sandbox.run(["failures", "apis", "--answers", "--format", "json"]).with_code(0).stdout;
        assert_eq!(shown.contains("/echo/bad"), kept > 0, "{shown}");
        assert_eq!(
            bodies,
            expected[2 - kept..].iter().copied().filter(|_| kept > 0).collect::<Vec<_>>(),
            "{kept}"
        );
    }
}

#[test]
fn columns_are_made_anew_from_kept_answers_without_a_request() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let ids = film_ids(700);
    origin.knobs(&format!(r#"{{"fail_ids": {{"{}": {{"status": 500}}}}}}"#, ids[5]));
    let job = small_job(&sandbox, &origin, 700, "keep_answers = \"all\"\nretry_rounds = 0", "");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let before = origin.counts()["total"].as_u64();
    let first = sandbox.newest_run("small");
    let text = std::fs::read_to_string(&job).unwrap();
    // Another column, another type.
    let more = text
        .replace("title = \".Title\"", "title = \".Title\", rated = \".Rated\"")
        .replace("type = \"integer\"", "type = \"bigint\"");
    sandbox.write("small.toml", more.replace("small.duckdb", "again.duckdb"));
    sandbox.run(["extract", "small"]).with_code(0).saying("no request");
    let second = sandbox.newest_run("small");
    assert_ne!(first, second, "the earlier run stays as it is");
    sandbox.run(["merge", "small"]).with_code(0);
    assert_eq!(origin.counts()["total"].as_u64(), before, "nobody was asked");
    // The same films, the same ledger; and what a new run of the changed job would have found.
    let select = "SELECT concat_ws('|', imdb_id, title, year, budget) FROM films ORDER BY 1";
    let films = |file: &str| published(&sandbox.path().join(file), select);
    assert_eq!(films("again.duckdb"), films("small.duckdb"));
    let lines = "SELECT ordinal, endpoint, status, kind, http_status, attempts, requests, bytes, finished_at FROM requests ORDER BY ALL";
    let of = |run: &std::path::Path| sandbox.query(run.to_str().unwrap(), lines);
    assert_eq!(of(&first), of(&second));
    let rated = "SELECT count(*) > 300 AND bool_and(rated IS NULL OR rated <> 'N/A') FROM films WHERE rated IS NOT NULL";
    assert_eq!(published(&sandbox.path().join("again.duckdb"), rated), ["true"]);
    // What failed for good reason can still be asked, in the new run.
    origin.knobs(r#"{"fail_ids": {}}"#);
    sandbox.run(["retry", "small"]).with_code(0);
    sandbox.run(["merge", "small"]).with_code(0);
    assert_eq!(films("again.duckdb").len(), 700);
}

#[test]
fn pages_batches_and_rows_are_extracted_as_they_were_fetched() {
    let lists = "url = \"ORIGIN/lists/{id}?limit=7&page=1\"\nrows = \".items[]\"\npages = { link = true }\ncolumns = { item = \".id\" }";
    let items = "url = \"ORIGIN/items\"\nparams = { ids = \"{id}\" }\nbatch = { size = 3, split = \".data[]\", match = \".id\", on_absent = \"alone\" }\ncolumns = { item = \".name\" }";
    for endpoint in [lists, items] {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        job(
            &sandbox,
            &origin,
            &["30", "8", "0", "5", "7", "11", "12"],
            "keep_answers = \"all\"",
            endpoint,
            "mode = \"replace\"",
        );
        run(&sandbox);
        let (rows, before) = (found(&sandbox, "concat(id, item)"), origin.counts()["total"].clone());
        let lines = ledger(&sandbox, "id, status, rows, pages, requests");
        sandbox.run(["extract", "apis"]).with_code(0);
        sandbox.run(["merge", "apis"]).with_code(0);
        assert_eq!(found(&sandbox, "concat(id, item)"), rows);
        assert_eq!(ledger(&sandbox, "id, status, rows, pages, requests"), lines);
        assert_eq!(origin.counts()["total"], before);
    }
}

/// Records of a batch that came with different rounds and answers: the first is absent and asked alone, another failed
/// and was asked again.
#[test]
fn a_shared_answer_is_found_by_all_that_shared_it() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let is_known = |id: &u32| !origin.truth(&format!("items/{id}")).is_null();
    let absent = (1..1000).find(|id| !is_known(id)).unwrap();
    let mut ids: Vec<u32> = vec![absent];
    ids.extend((1000..).filter(is_known).take(59));
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let endpoint = "url = \"ORIGIN/items\"\nparams = { ids = \"{id}\" }\n\
                    batch = { size = 20, split = \".data[]\", match = \".id\", on_absent = \"alone\" }\ncolumns = { item = \".name\" }";
    // The second batch fails at first, and comes with a later round.
    origin.knobs(&format!(r#"{{"fail_ids": {{"{}": {{"status": 503, "times": 3}}}}}}"#, ids[25]));
    job(&sandbox, &origin, &names, "keep_answers = \"all\"", endpoint, "mode = \"replace\"");
    run(&sandbox).saying("round 1: asking 20 failed requests again");
    let facts = "id, status, rows, http_status";
    let (rows, lines) = (found(&sandbox, "concat(id, item)"), ledger(&sandbox, facts));
    let bodies = "SELECT count(*) FROM answers";
    let kept = sandbox.query("apis", bodies);
    sandbox.run(["extract", "apis"]).with_code(0);
    sandbox.run(["merge", "apis"]).with_code(0);
    assert_eq!((found(&sandbox, "concat(id, item)"), ledger(&sandbox, facts)), (rows, lines));
    assert!(sandbox.query("apis", bodies)[0].parse::<u32>().unwrap() <= kept[0].parse::<u32>().unwrap());
}

#[test]
fn a_secret_that_a_server_repeats_is_not_kept() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let endpoint = "url = \"ORIGIN/echo/{id}\"\nheaders = { authorization = \"Bearer ${TOKEN}\" }\n\
                    params = { key = \"${TOKEN}\" }\ncolumns = { said = \".target\" }";
    job(&sandbox, &origin, &["a"], "keep_answers = \"all\"", endpoint, "");
    sandbox.write("env", "TOKEN=very-secret-word\n");
    sandbox.asks_for_secrets();
    sandbox.run(["run", "job.toml", "--env-file", "env"]).with_code(0);
    let bodies = sandbox.query("apis", "SELECT body FROM answers");
    assert!(bodies[0].contains("${TOKEN}") && !bodies[0].contains("very-secret"), "{bodies:?}");
}

#[test]
fn what_cannot_be_extracted_is_said() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 20, "", "");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    sandbox.run(["extract", "small"]).with_code(0).saying("nothing to make anew");
    sandbox.edit("small.toml", "name = \"small\"", "name = \"small\"\nkeep_answers = \"all\"");
    sandbox.run(["run", job.to_str().unwrap(), "--new"]).with_code(0);
    sandbox.edit("small.toml", "name = \"business\"", "name = \"money\"");
    sandbox.run(["extract", "small"]).with_code(2).saying("the job's endpoints are omdb, money");
    sandbox.edit("small.toml", "name = \"money\"", "name = \"business\"");
    sandbox.edit("small.toml", "i = \"{imdb_id}\"", "i = \"{imdb_id}\", c = \"{country}\"");
    sandbox.run(["extract", "small"]).with_code(2);
    let left = std::fs::read_dir(sandbox.path().join("shards/small")).unwrap();
    let runs = left.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(runs, 2, "a refusal leaves nothing behind");
}

#[test]
fn a_secret_that_an_answer_repeats_stands_in_no_detail() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let endpoint =
        "url = \"ORIGIN/echo/{id}?key=${KEY}\"\ncolumns = { n = { jq = \".target\", type = \"bigint\" } }";
    job(&sandbox, &origin, &["7", "8"], "retry_rounds = 0", endpoint, "");
    let mut command = sandbox.command(["run", "job.toml"]);
    command.env("KEY", "hush-hush-99");
    let said = ended(command).with_code(1);
    let failures = sandbox.run(["failures", "apis", "--list", "--format", "json"]).with_code(0).stdout;
    let details = ledger(&sandbox, "kind || ' ' || detail").join("\n");
    for text in [&said.stderr, &said.stdout, &failures, &details] {
        assert!(!text.contains("hush-hush"), "{text}");
    }
    assert!(details.contains("convert ") && details.contains("/echo/7?key=${KEY}"), "{details}");
}

/// What a run was told to wait for then holds up nobody who asks nothing.
#[test]
fn what_waited_then_waits_still_and_ends_no_extraction() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 40, "keep_answers = \"all\"", "");
    sandbox.plan_on_one_core(job.to_str().unwrap());
    sandbox.run(["run", job.to_str().unwrap(), "--max-requests", "30"]).with_code(7);
    let waiting = "SELECT count(*) FILTER (WHERE status = 'waiting'), count(*) FROM requests";
    let then = sandbox.query("small", waiting);
    assert_ne!(then, ["0,80"]);
    sandbox.run(["extract", "small"]).with_code(0);
    assert_eq!(sandbox.query("small", waiting), then);
    sandbox.run(["retry", "small"]).with_code(0);
    assert_eq!(sandbox.query("small", waiting), ["0,80"]);
}
