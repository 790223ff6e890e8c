//! The parts of a batch's answer: those that say of themselves that they are none, those that are not there, and those
//! that are somebody else's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::servers::raw::{Raw, http};
use crate::support::{Ended, Sandbox, published};

/// A server of batches: it is asked `/?ids=a,b`, and each request is noted.
struct Api {
    server: Raw,
    asked: Arc<Mutex<Vec<(Instant, Vec<String>)>>>,
}

impl Api {
    /// Answers ids, and how often each was asked with this time, with a status and a body.
    fn serve(
        answer: impl Fn(&[String], &BTreeMap<String, usize>) -> (u16, Value) + Send + Sync + 'static,
    ) -> Api {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        let server = Raw::serve(move |path| {
            let ids: Vec<String> =
                path.split_once("ids=").map_or("", |(_, ids)| ids).split(',').map(str::to_owned).collect();
            let mut noted = noted.lock().unwrap();
            noted.push((Instant::now(), ids.clone()));
            let all = noted.iter().flat_map(|(_, ids): &(Instant, Vec<String>)| ids);
            let times = all.fold(BTreeMap::new(), |mut times: BTreeMap<String, usize>, id| {
                *times.entry(id.clone()).or_default() += 1;
                times
            });
            let (status, body) = answer(&ids, &times);
            http(&format!("{status} x"), "content-type: application/json\r\n", body.to_string())
        });
        Api { server, asked }
    }

    fn asked(&self) -> Vec<Vec<String>> {
        self.asked.lock().unwrap().iter().map(|(_, ids)| ids.clone()).collect()
    }

    fn sizes(&self) -> Vec<usize> {
        self.asked().iter().map(Vec::len).collect()
    }
}

/// The job over some ids: value `v` of each part, `batch` and whatever else the endpoint has.
fn job(sandbox: &Sandbox, api: &Api, ids: &[&str], batch: &str, more: &str) {
    let ids: Vec<String> = ids.iter().map(|id| format!("{id:?}")).collect();
    sandbox.write(
        "job.toml",
        format!(
            "[job]\nname = \"apis\"\nretry_rounds = 0\nkeep_answers = \"all\"\n\n[input]\nids = [{}]\nid = \"id\"\n\n\
             [[endpoint]]\nname = \"one\"\nurl = \"{}/\"\nparams = {{ ids = \"{{id}}\" }}\n\
             retry = {{ attempts = 3, backoff = \"5ms\", max_backoff = \"20ms\" }}\n\
             batch = {{ size = 50, split = \".[]\", match = \".id\"{batch} }}\n{more}\ncolumns = {{ v = \".v\" }}\n\n\
             [table]\nto = \"duckdb:found.duckdb\"\nname = \"found\"\nmode = \"replace\"\n\n\
             [publish]\nmin_success = 0\n",
            ids.join(", "),
            api.server.url(),
        ),
    );
}

#[track_caller]
fn run(sandbox: &Sandbox) -> Ended {
    sandbox.run(["run", "job.toml"]).with_code(0)
}

fn found(sandbox: &Sandbox) -> Vec<String> {
    let select = "SELECT concat(id, '|', coalesce(v, 'NULL')) FROM found ORDER BY ALL";
    published(&sandbox.path().join("found.duckdb"), select)
}

fn ledger(sandbox: &Sandbox, columns: &str) -> Vec<String> {
    let sql = format!("SELECT {columns} FROM requests JOIN input USING (ordinal) ORDER BY ordinal");
    sandbox.query("apis", &sql)
}

/// Why each record failed, without quotes.
fn details(sandbox: &Sandbox) -> Vec<String> {
    ledger(sandbox, "replace(coalesce(detail, ''), '\"', '')")
}

/// A part that has a value: `v-ID`.
fn part(id: &str) -> Value {
    json!({ "id": id, "v": format!("v-{id}") })
}

/// Parts that have a status of their own.
fn judged(id: &str, time: usize) -> Value {
    let refused = |status: u16| json!({ "id": id, "status": status, "v": null });
    match (id, time) {
        ("busy", 1) => json!({ "id": id, "status": 429, "headers": { "Retry-After": "1" } }),
        ("shaky", 1) => refused(503),
        ("down", _) => refused(500),
        ("gone", _) => refused(404),
        ("secret", _) => refused(403),
        ("text", _) => json!({ "id": id, "status": "200", "v": "v-text" }),
        ("silent", _) => part(id),
        _ => json!({ "id": id, "status": 200, "v": format!("v-{id}") }),
    }
}

const IDS: [&str; 8] = ["a", "busy", "shaky", "down", "gone", "secret", "text", "silent"];

#[test]
fn each_part_has_the_outcome_that_its_own_status_says() {
    let api = Api::serve(|ids, times| (207, ids.iter().map(|id| judged(id, times[id])).collect()));
    let sandbox = Sandbox::new();
    let status = ", status = \".status\", retry_after = '.headers[\"Retry-After\"]?'";
    job(&sandbox, &api, &IDS, status, "missing = [404]");
    run(&sandbox);
    assert_eq!(
        ledger(&sandbox, "id, status, kind, http_status, attempts, rows"),
        [
            "a,ok,,200,1,1",
            "busy,ok,,200,2,1",
            "shaky,ok,,200,2,1",
            "down,failed,status,500,3,0",
            "gone,missing,,404,1,1",
            "secret,failed,status,403,1,0",
            "text,ok,,200,1,1",
            "silent,failed,extract,207,1,0",
        ]
    );
    assert_eq!(found(&sandbox), ["a|v-a", "busy|v-busy", "gone|NULL", "shaky|v-shaky", "text|v-text"]);
    // Those that failed are asked again together, after the longest pause that any of them names.
    let asked = api.asked();
    assert_eq!(asked[1..], [vec!["busy", "shaky", "down"], vec!["down"]]);
    let times: Vec<Instant> = api.asked.lock().unwrap().iter().map(|(at, _)| *at).collect();
    assert!(times[1] - times[0] >= Duration::from_secs(1), "{:?}", times[1] - times[0]);
    let requests: usize = ledger(&sandbox, "requests").iter().map(|n| n.parse::<usize>().unwrap()).sum();
    assert_eq!(requests, asked.len(), "each request is counted once");
    let details = details(&sandbox);
    assert!(details[3].contains("a part of the batch's answer says 500"), "{details:?}");
    assert!(details[7].contains("batch.status: nothing is no HTTP status"), "{details:?}");
    // The same from the answers that were kept, without a request.
    let before = (found(&sandbox), ledger(&sandbox, "id, status, kind, http_status, attempts, requests"));
    sandbox.run(["extract", "apis"]).with_code(0);
    sandbox.run(["merge", "apis"]).with_code(0);
    let after = (found(&sandbox), ledger(&sandbox, "id, status, kind, http_status, attempts, requests"));
    assert_eq!((before, asked), (after, api.asked()));
}

#[test]
fn a_part_that_asks_for_a_long_wait_is_left_to_a_later_run() {
    let api = Api::serve(|ids, _| {
        let part = |id: &String| json!({ "id": id, "v": "x", "status": 429, "wait": 4000 });
        (200, ids.iter().map(part).collect())
    });
    let sandbox = Sandbox::new();
    job(&sandbox, &api, &["a", "b"], ", status = \".status\", retry_after = \".wait\"", "");
    let ended = sandbox.run(["run", "job.toml"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(api.asked().len(), 1, "everybody keeps the pause that a part asks for");
    assert!(!sandbox.path().join("found.duckdb").exists());
}

#[test]
fn what_the_server_did_not_process_is_asked_again() {
    let api = Api::serve(|ids, times| {
        let (left, done): (Vec<&String>, Vec<&String>) =
            ids.iter().partition(|id| id.starts_with('u') && times[*id] == 1 || *id == "never");
        let parts: Vec<Value> = done.into_iter().map(|id| part(id)).collect();
        (200, json!({ "parts": parts, "UnprocessedKeys": left }))
    });
    let sandbox = Sandbox::new();
    job(&sandbox, &api, &["a", "u1", "u2", "never"], ", unprocessed = \".UnprocessedKeys[]?\"", "");
    sandbox.edit("job.toml", "split = \".[]\"", "split = \".parts[]\"");
    run(&sandbox);
    assert_eq!(found(&sandbox), ["a|v-a", "u1|v-u1", "u2|v-u2"]);
    assert_eq!(
        ledger(&sandbox, "id, status, kind, attempts"),
        ["a,ok,,1", "u1,ok,,2", "u2,ok,,2", "never,failed,not_ok,3"]
    );
    assert_eq!(api.asked(), [vec!["a", "u1", "u2", "never"], vec!["u1", "u2", "never"], vec!["never"]]);
}

/// A POST that may not be sent twice: only what the server says that it has not worked on.
#[test]
fn a_part_of_a_request_that_may_not_be_sent_twice_is_asked_again_only_if_it_was_turned_away() {
    let api = Api::serve(|ids, times| (200, ids.iter().map(|id| judged(id, times[id])).collect()));
    let sandbox = Sandbox::new();
    let status = ", status = \".status\", retry_after = '.headers[\"Retry-After\"]?'";
    job(&sandbox, &api, &["a", "busy", "shaky"], status, "method = \"POST\"");
    run(&sandbox);
    assert_eq!(ledger(&sandbox, "id, status, attempts"), ["a,ok,1", "busy,ok,2", "shaky,failed,1"]);
    assert_eq!(api.asked(), [vec!["a", "busy", "shaky"], vec!["busy"]]);
}

/// The API answers 20 of a batch, and each that is asked alone; some it does not know.
#[test]
fn who_is_not_in_the_batchs_answer_is_asked_alone_before_it_counts_as_missing() {
    let ids: Vec<String> = (0..50).map(|at| format!("i{at:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let api = Api::serve(|ids, _| {
        let known = ids.iter().filter(|id| !id.ends_with('9'));
        (200, known.take(20).map(|id| part(id)).collect())
    });
    let sandbox = Sandbox::new();
    job(&sandbox, &api, &ids, "", "");
    let planned = sandbox.run(["plan", "job.toml"]).with_code(0);
    let priced = "1 at least, and up to 50 more for ids that their batch does not answer";
    assert!(planned.stdout.contains(priced), "{}", planned.stdout);
    run(&sandbox);
    let value = |id: &&str| if id.ends_with('9') { format!("{id}|NULL") } else { format!("{id}|v-{id}") };
    assert_eq!(found(&sandbox), ids.iter().map(value).collect::<Vec<_>>());
    assert_eq!(api.sizes(), [vec![50], vec![1; 30]].concat());
    let (sandbox, before) = (Sandbox::new(), api.sizes().len());
    job(&sandbox, &api, &ids, ", on_absent = \"missing\"", "");
    run(&sandbox);
    assert_eq!(found(&sandbox).iter().filter(|row| row.ends_with("NULL")).count(), 30, "the job says so");
    assert_eq!(api.sizes().len(), before + 1);
}

/// One id that is not known makes the whole batch a 404.
#[test]
fn a_status_that_means_missing_is_not_taken_for_that_of_a_whole_batch() {
    let api = Api::serve(|ids, _| {
        if ids.iter().any(|id| id == "gone") {
            (404, json!({ "error": "gone is not known" }))
        } else {
            (200, ids.iter().map(|id| part(id)).collect())
        }
    });
    let sandbox = Sandbox::new();
    job(&sandbox, &api, &["a", "gone", "b"], "", "missing = [404]");
    run(&sandbox);
    assert_eq!(found(&sandbox), ["a|v-a", "b|v-b", "gone|NULL"]);
}

/// What is there for an id that nobody asked for may be what was asked for, written in another way.
#[test]
fn an_id_that_comes_back_written_in_another_way_is_a_failure_and_no_row_of_nulls() {
    type Way = fn(&str) -> Value;
    let ways: [(Way, [&str; 3]); 6] = [
        (|id| json!(id.to_lowercase()), ["ABC", "D-1", "zz"]),
        (|id| json!(format!("{id} ")), ["ABC", "D-1", "zz"]),
        (|id| json!(id.parse::<u64>().ok()), ["007", "01", "12"]),
        (|id| json!(format!("{id}/")), ["x.example", "y.example", "z.example"]),
        (|id| json!(id.replace('-', "")), ["a-1", "b-2", "cc"]),
        (|id| json!({ "id": id }), ["a", "b", "c"]),
    ];
    for absent in ["", ", on_absent = \"missing\""] {
        for (at, (way, ids)) in ways.into_iter().enumerate() {
            let api = Api::serve(move |ids, _| {
                let written = |id: &String| match id.as_str() {
                    "zz" | "12" | "cc" => part(id),
                    _ => json!({ "id": way(id), "v": format!("v-{id}") }),
                };
                (200, ids.iter().map(written).collect())
            });
            let sandbox = Sandbox::new();
            job(&sandbox, &api, &ids, absent, "");
            sandbox.run(["run", "job.toml"]);
            let statuses = ledger(&sandbox, "status");
            assert!(statuses.iter().all(|status| status != "missing"), "{at} {absent}: {statuses:?}");
            assert_eq!(statuses[0], "failed", "{at} {absent}");
            let details = details(&sandbox);
            assert!(details[0].contains("let batch.key say"), "{at} {absent}: {details:?}");
        }
    }
}

#[test]
fn a_number_is_the_text_that_it_is_written_as() {
    let api = Api::serve(|ids, _| {
        let part = |id: &String| json!({ "id": id.parse::<u64>().unwrap(), "v": format!("v-{id}") });
        (200, ids.iter().map(part).collect())
    });
    let sandbox = Sandbox::new();
    job(&sandbox, &api, &["1", "12", "9007199254740993"], "", "");
    run(&sandbox);
    assert_eq!(found(&sandbox), ["12|v-12", "1|v-1", "9007199254740993|v-9007199254740993"]);
}

/// Parts that nobody asked for, without a key, null, and twice, amid those that were asked for.
#[test]
fn nobody_gets_a_part_that_is_not_its_own() {
    let api = Api::serve(|ids, _| {
        let mut parts = vec![Value::Null, json!({ "id": null, "v": "nobody's" })];
        parts.extend(ids.iter().rev().filter(|id| *id != "absent").map(|id| part(id)));
        parts.push(json!({ "id": "other", "v": "another's" }));
        parts.extend(ids.iter().filter(|id| *id == "twice" || *id == "torn").map(|id| part(id)));
        if ids.iter().any(|id| id == "torn") {
            parts.push(json!({ "id": "torn", "v": null }));
        }
        (200, parts.into())
    });
    let sandbox = Sandbox::new();
    job(&sandbox, &api, &["a", "twice", "torn", "absent", "b"], "", "");
    run(&sandbox);
    assert_eq!(found(&sandbox), ["a|v-a", "b|v-b", "twice|v-twice"]);
    let details = details(&sandbox);
    assert!(details[2].contains("two different parts for torn"), "{details:?}");
    assert!(details[3].contains("no part for absent, and one for other"), "{details:?}");
    // With `missing` what is there for somebody else says nothing, where others have their parts.
    let sandbox = Sandbox::new();
    job(&sandbox, &api, &["a", "absent", "b"], ", on_absent = \"missing\"", "");
    run(&sandbox);
    assert_eq!(found(&sandbox), ["absent|NULL", "a|v-a", "b|v-b"]);
}

/// A part that failed and does not say whose it is may be anybody's who has none.
#[test]
fn a_failed_part_without_a_key_leaves_nobody_missing() {
    let api = Api::serve(|ids, _| {
        let part = |id: &String| match id.as_str() {
            "lost" => json!({ "id": null, "status": 400 }),
            _ => json!({ "id": id, "status": 200, "v": format!("v-{id}") }),
        };
        (200, ids.iter().map(part).collect())
    });
    for absent in ["", ", on_absent = \"missing\""] {
        let sandbox = Sandbox::new();
        job(&sandbox, &api, &["a", "lost"], &format!(", status = \".status\"{absent}"), "");
        run(&sandbox);
        assert_eq!(
            ledger(&sandbox, "id, status, kind, http_status"),
            ["a,ok,,200", "lost,failed,status,400"]
        );
        assert_eq!(found(&sandbox), ["a|v-a"]);
    }
}

#[test]
fn check_asks_about_parts_that_look_like_failures() {
    let api = Api::serve(|ids, times| (200, ids.iter().map(|id| judged(id, times[id])).collect()));
    let sandbox = Sandbox::new();
    job(&sandbox, &api, &["a", "gone"], "", "missing = [404]");
    sandbox
        .run(["check", "job.toml"])
        .saying("endpoint one: a part has .status 404: is that a failure?")
        .saying("hint: batch = { …, status = '.status // 200' } judges each part by itself");
    job(&sandbox, &api, &["a", "gone"], ", status = \".status // 200\"", "missing = [404]");
    let checked = sandbox.run(["check", "job.toml"]).with_code(0);
    assert!(!checked.stderr.contains("is that a failure"), "{}", checked.stderr);
}
