//! `-f json` of the commands that look: one document with a version, which says what people are told; and `check --offline`,
//! which shows kept answers, each its own record's.

use serde_json::Value;

use crate::support::{Ended, Origin, Sandbox, film_ids, small_job};

#[track_caller]
fn document(ended: &Ended) -> Value {
    let value: Value = serde_json::from_str(&ended.stdout).expect("one JSON document");
    assert_eq!(value["version"], 1);
    value
}

/// A job of which some films fail in several ways, and its run.
fn failing() -> (Sandbox, Origin) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 60, "retry_rounds = 0", "");
    let ids = film_ids(60);
    let fail: serde_json::Map<String, Value> = [(11, 404), (33, 503), (34, 503), (59, 403)]
        .into_iter()
        .map(|(at, status)| (ids[at].clone(), serde_json::json!({ "status": status })))
        .collect();
    let odd = serde_json::json!({ ids[7].clone(): "{\"Title\": \"x\", \"Year\": \"19,98\"}" });
    origin.knobs(&serde_json::json!({ "fail_ids": fail, "body_ids": odd }).to_string());
    sandbox.run(["run", "small.toml"]).with_code(0);
    (sandbox, origin)
}

#[test]
fn failures_are_told_to_programs_as_to_people() {
    let (sandbox, _origin) = failing();
    let told = document(&sandbox.run(["failures", "small", "-f", "json"]).with_code(0));
    let people = sandbox.run(["failures", "small", "-f", "csv"]).with_code(0);
    assert_eq!((&told["job"], &told["waiting"]), (&"small".into(), &Value::Null));
    let mut lines = csv::Reader::from_reader(people.stdout.as_bytes());
    let names = lines.headers().unwrap().clone();
    let rows = told["failures"].as_array().unwrap();
    let as_text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let lines: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), rows.len());
    for (line, row) in lines.iter().zip(rows) {
        names.iter().zip(line).for_each(|(name, cell)| assert_eq!(as_text(&row[name]), cell, "{name}"));
    }
    let advice = told["what_to_do"].as_array().unwrap();
    assert!(advice.len() >= 3, "{advice:#?}");
    for advice in advice {
        let [about, means, todo] = ["about", "means", "todo"].map(|key| advice[key].as_str().unwrap());
        assert!(people.stderr.contains(&format!("hint: {about}: {means}: {todo}\n")), "{}", people.stderr);
        let command = advice["command"].as_str().unwrap();
        assert!(command.starts_with("windrow ") && todo.contains(&format!("`{command}`")), "{todo}");
    }
    let all = document(&sandbox.run(["failures", "small", "--list", "-f", "json"]).with_code(0));
    let number: u64 = rows.iter().map(|row| row["requests"].as_u64().unwrap()).sum();
    assert_eq!(all["failures"].as_array().unwrap().len() as u64, number);
}

#[test]
fn what_waits_is_told_to_programs_and_is_no_failure() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = small_job(&sandbox, &origin, 200, "", "");
    sandbox.run(["run", job.to_str().unwrap(), "--max-requests", "150"]).with_code(7);
    let told = document(&sandbox.run(["failures", "small", "-f", "json"]).with_code(0));
    assert_eq!((&told["failures"], &told["what_to_do"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    let waiting = &told["waiting"];
    assert_eq!(waiting["reason"], "--max-requests was used up");
    assert_eq!(waiting["todo"], "`windrow run small.toml` goes on");
    let sql = "SELECT count(*) FROM requests WHERE status = 'waiting'";
    assert_eq!(waiting["requests"].to_string(), sandbox.query("small", sql)[0]);
}

#[test]
fn a_plan_is_told_to_programs_as_to_people() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 100, "", "limit = \"films\"");
    sandbox.edit("small.toml", "[table]", "[limit.films]\nrate = \"10/s\"\nquota = \"60/day\"\n\n[table]");
    sandbox.run(["plan", "small.toml"]).with_code(0);
    let text = sandbox.run(["plan", "small.toml"]).with_code(0).stdout;
    let told = document(&sandbox.run(["plan", "small.toml", "-f", "json"]).with_code(0));
    for line in told["lines"].as_array().unwrap() {
        let [label, said] = ["label", "text"].map(|key| line[key].as_str().unwrap());
        assert!(text.contains(&format!("{label:<8}  {said}\n")), "{line} is not in\n{text}");
    }
    assert_eq!((&told["records"], &told["records_left"]), (&100.into(), &100.into()));
    let price = &told["price"];
    assert_eq!((&price["requests_at_least"], &price["quotas"][0]["periods"]), (&200.into(), &2.into()));
    assert!(price["seconds_at_least"].as_f64().unwrap() > 5.0, "{price}");
    assert!(told["ddl"].as_str().is_some_and(|ddl| text.contains(ddl)), "{told:#}");
    let wrong = sandbox.run(["plan", "nothing.toml", "-f", "json"]).with_code(2);
    assert_eq!(wrong.stdout, "");
}

#[test]
fn a_check_is_told_to_programs_as_to_people() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 30, "", "");
    let text = sandbox.run(["check", "small.toml"]).with_code(0).stdout;
    let told = document(&sandbox.run(["check", "small.toml", "-f", "json"]).with_code(0));
    assert_eq!((&told["offline"], &told["failed"]), (&false.into(), &0.into()));
    let records = told["records"].as_array().unwrap();
    assert_eq!(records.len(), 3);
    for record in records {
        assert!(text.contains(&format!("imdb_id = {}\n", record["id"]["imdb_id"].as_str().unwrap())));
        for endpoint in record["endpoints"].as_array().unwrap() {
            assert!(text.contains(&format!("    > {}\n", endpoint["requests"][0][0].as_str().unwrap())));
            let received = &endpoint["received"][0];
            assert_eq!(received["http_status"], 200);
            assert!(received["content_type"].as_str().unwrap().starts_with("application/json"), "{received}");
            let names: Vec<&str> = received["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|header| header["name"].as_str().unwrap())
                .collect();
            assert!(
                names.contains(&"content-type") && received["latency_ms"].as_f64() > Some(0.0),
                "{received}"
            );
            assert!(
                endpoint["curl"][0].as_str().unwrap().starts_with("curl 'http://127.0.0.1:"),
                "{endpoint}"
            );
            assert!(endpoint["then"].is_null() && endpoint["http_status"] == 200);
        }
        assert_eq!(told["columns"][1]["nulls"], 0, "{told:#}");
        let title = record["endpoints"][0]["rows_made"][0]["title"].as_str().unwrap();
        assert!(text.contains(title), "{title}");
    }
}

#[test]
fn kept_answers_are_shown_each_with_its_own_record_and_nobody_is_asked() {
    let (sandbox, origin) = failing();
    let (before, run) = (origin.counts()["total"].clone(), sandbox.newest_run("small"));
    let run = run.file_name().unwrap().to_str().unwrap().to_owned();
    sandbox.edit("small.toml", "type = \"integer\"", "type = \"integer\", remove = \",\"");
    // One that is only planned has none, and the list may be another by now.
    sandbox.run(["plan", "small.toml", "--new"]).with_code(0);
    sandbox.write("ids.txt", "tt1\ntt2\n");
    let shown = sandbox.run(["check", "small.toml", "--offline", "--sample", "4"]).with_code(1);
    shown.stdout.lines().for_each(|line| assert!(!line.contains("> ") && !line.contains("asked"), "{line}"));
    assert!(shown.stdout.contains(&format!("    kept by run {run}: HTTP 200, ")), "{}", shown.stdout);
    assert!(shown.stdout.contains("    then: failed (convert): column year: \"19,98\""), "{}", shown.stdout);
    assert!(shown.stdout.contains("    now:  ok\n"), "{}", shown.stdout);
    let shown = shown.saying("nobody was asked, and nothing was written");
    assert!(shown.stderr.contains("then `windrow check small.toml --offline`"), "{}", shown.stderr);
    assert!(!shown.stderr.contains("windrow retry"), "{}", shown.stderr);
    let told = sandbox.run(["check", "small.toml", "--offline", "--sample", "4", "-f", "json"]).with_code(1);
    let told = document(&told);
    assert_eq!((&told["offline"], &told["answers_of"]), (&true.into(), &run.as_str().into()));
    let ids = film_ids(60);
    let mut seen = Vec::new();
    for record in told["records"].as_array().unwrap() {
        let id = record["id"]["imdb_id"].as_str().unwrap().to_owned();
        for endpoint in record["endpoints"].as_array().unwrap() {
            let then = |key: &str| endpoint["then"][key].as_str().unwrap_or_default();
            let sql = format!(
                "SELECT requests.status, coalesce(kind, '') FROM requests JOIN input USING (ordinal)
                 WHERE imdb_id = '{id}' AND endpoint = '{}'",
                endpoint["endpoint"].as_str().unwrap()
            );
            let truth = sandbox.query(&run, &sql)[0].trim_end_matches(',').replace(",\"\"", "");
            assert_eq!(format!("{},{}", then("status"), then("kind")).trim_end_matches(','), truth, "{id}");
        }
        seen.push(id);
    }
    // One of each cause comes first.
    let causes = [7, 11, 33, 59].map(|at| ids[at].clone());
    assert!(causes.iter().all(|id| seen.contains(id)), "{seen:?}");
    assert_eq!(origin.counts()["total"], before, "nobody was asked");
}
