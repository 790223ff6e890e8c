//! The figures of a summary are those of the ledger and of the table.

use super::{are_valid, summary};
use crate::support::{Origin, Sandbox, film_ids, published, small_job};

#[test]
fn figures_are_those_of_the_ledger() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 60, "retry_rounds = 0", "");
    sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 0.5\n\n[table]");
    let ids = film_ids(60);
    let fail = format!(
        r#"{{"fail_ids": {{"{}": {{"status": 500}}, "{}": {{"status": 403, "endpoint": "business"}},
             "{}": {{"status": 403, "endpoint": "business"}}, "{}": {{"status": 503, "times": 1}} }},
            "body_ids": {{"{}": "<html>sorry"}} }}"#,
        ids[3], ids[5], ids[7], ids[9], ids[11]
    );
    origin.knobs(&fail);
    let told = summary(&sandbox, &["run", "small.toml"], 0);
    assert_eq!(told["rows"]["published"], 56, "{told:#}");
    assert_eq!(told["rows"]["skipped"], 4);
    assert_eq!(told["rows"]["table"], 56);

    let line = |sql: &str| sandbox.query("small", sql);
    for endpoint in told["endpoints"].as_array().unwrap() {
        let name = endpoint["endpoint"].as_str().unwrap();
        let of = |status: &str| {
            let sql =
                format!("SELECT count(*) FROM requests WHERE endpoint = '{name}' AND status = '{status}'");
            (endpoint[status].to_string(), line(&sql).remove(0))
        };
        for status in ["ok", "missing", "failed", "waiting", "not_asked"] {
            let (told, counted) = of(status);
            assert_eq!(told, counted, "{name}: {status}");
        }
        let sent =
            line(&format!("SELECT sum(requests) FROM all_requests WHERE endpoint = '{name}'")).remove(0);
        assert_eq!(endpoint["requests"].to_string(), sent, "{name}");
    }
    let sums = "SELECT sum(requests), sum(greatest(attempts - 1, 0)), sum(bytes) FROM all_requests";
    let requests = &told["requests"];
    let sums_told = [&requests["sent"], &requests["repeats"], &requests["bytes"]].map(ToString::to_string);
    assert_eq!(sums_told.join(","), line(sums).remove(0));
    assert_eq!(requests["sent"], origin.counts()["total"]);
    let (p50, p95) = (requests["latency"]["p50"].as_f64(), requests["latency"]["p95"].as_f64());
    assert!(p50 > Some(0.0) && p95 >= p50, "{requests}");

    let kinds: Vec<String> = told["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| {
            format!(
                "{} {} {} {} {} {}",
                failure["status"].as_str().unwrap(),
                failure["kind"].as_str().unwrap(),
                failure["endpoint"].as_str().unwrap(),
                failure["http_status"],
                failure["count"],
                failure["example"]["id"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        format!("failed status business 403 2 {}", ids[5]),
        format!("failed status business 500 1 {}", ids[3]),
        format!("failed not_json business 200 1 {}", ids[11]),
        format!("failed not_json omdb 200 1 {}", ids[11]),
        format!("failed status omdb 500 1 {}", ids[3]),
    ];
    let mut sorted = (kinds, expected.to_vec());
    sorted.0.sort();
    sorted.1.sort();
    assert_eq!(sorted.0, sorted.1);
    are_valid(&[told]);
}

#[test]
fn what_the_table_refuses_is_told_as_rejected() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 30, "", "");
    let database = sandbox.path().join("small.duckdb");
    let table = "CREATE TABLE films (imdb_id VARCHAR PRIMARY KEY, title VARCHAR CHECK (length(title) < 12), year INTEGER, \
                 budget BIGINT)";
    duckdb::Connection::open(&database).unwrap().execute_batch(table).unwrap();
    sandbox.edit("small.toml", "[table]", "[publish]\nmax_rejected = 1000\nmin_success = 0\n\n[table]");
    let told = summary(&sandbox, &["run", "small.toml"], 0);
    let rejected = told["rows"]["rejected"].as_u64().unwrap();
    assert!(rejected > 0, "{told:#}");
    let rows = published(&database, "SELECT count(*) FROM films")[0].parse::<u64>().unwrap();
    assert_eq!((told["rows"]["published"].as_u64(), rows + rejected), (Some(rows), 30));
    let failures = told["failures"].as_array().unwrap();
    let of = failures.iter().find(|failure| failure["kind"] == "rejected").expect("a kind of its own");
    assert_eq!((of["count"].as_u64(), &of["endpoint"]), (Some(rejected), &serde_json::Value::Null));
    are_valid(&[told]);
}

/// A round of the person's own is told by how the run stands after it, and what a folder of an earlier version has is none.
#[test]
fn rounds_add_up_and_a_folder_without_a_summary_is_a_run_as_well() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 30, "retry_rounds = 0", "");
    sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 0.5\n\n[table]");
    let id = film_ids(30).remove(4);
    origin.knobs(&format!(r#"{{"fail_ids": {{"{id}": {{"status": 500}} }} }}"#));
    let first = summary(&sandbox, &["run", "small.toml"], 0);
    assert_eq!(first["endpoints"][0]["failed"], 1);
    std::fs::remove_file(sandbox.newest_run("small").join("summary.json")).unwrap();
    sandbox.run(["status"]).with_code(0);
    origin.knobs(r#"{"fail_ids": {}}"#);
    let second = summary(&sandbox, &["retry", "small"], 0);
    let endpoint = &second["endpoints"][0];
    assert_eq!((&endpoint["failed"], &endpoint["ok"]), (&0.into(), &30.into()), "{second:#}");
    assert!(endpoint["requests"].as_u64() > first["endpoints"][0]["requests"].as_u64());
    assert!(second["failures"].as_array().unwrap().is_empty());
    let merged = summary(&sandbox, &["merge", "small"], 0);
    assert_eq!((&merged["state"], &merged["rows"]["table"]), (&"published".into(), &30.into()));
    are_valid(&[first, second, merged]);
}

/// A name that is spelled wrong makes a column of nulls, which looks like a success.
#[test]
fn a_column_without_any_value_is_told_with_what_the_answers_have_instead() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 20, "keep_answers = \"all\"", "");
    sandbox.edit("small.toml", "jq = \".Year\"", "jq = \".Yaer\"");
    let told = summary(&sandbox, &["run", "small.toml"], 0);
    let expected = serde_json::json!([
        { "column": "year", "endpoint": "omdb", "looks_for": ".Yaer", "did_you_mean": ".Year" }
    ]);
    assert_eq!(told["null_columns"], expected);
    let again = sandbox.run(["merge", "small"]).with_code(0);
    again.saying("empty  year has a value in no row: `.Yaer` found nothing (did you mean `.Year`?)");
    sandbox.edit("small.toml", "keep_answers = \"all\"", "keep_answers = \"none\"");
    sandbox.run(["run", "small.toml", "--new"]).saying("`.Yaer` found nothing\n");
    are_valid(&[told]);
}
