//! Several records in one request, and the answer given back to each.

use super::{found, job, ledger, run};
use crate::support::{Origin, Sandbox, seeded};

const COLUMNS: &str = "columns = { price = { jq = \".price\", type = \"decimal(9,2)\" } }";

/// The same batch, asked in four ways.
const WAYS: [&str; 4] = [
    "url = \"ORIGIN/items\"\nparams = { ids = \"{id}\" }\nbatch = { size = 20, split = \".data[]\", match = \".id\", on_absent = \"ABSENT\" }",
    "url = \"ORIGIN/items?id={id}\"\nbatch = { size = 20, join = \"&id=\", split = \".data[]\", match = \".id\", on_absent = \"ABSENT\" }",
    "url = \"ORIGIN/items\"\njson = { ids = \"{id}\" }\nidempotent = true\nbatch = { size = 20, split = \".data[]\", match = \".id\", on_absent = \"ABSENT\" }",
    "url = \"ORIGIN/items\"\nbody = '{{\"ids\": [{id}]}}'\nheaders = { content-type = \"application/json\" }\nidempotent = true\nbatch = { size = 20, split = \".data[]\", match = \".id\", on_absent = \"ABSENT\" }",
];

/// What the origin says that an item costs.
fn price(origin: &Origin, id: &str) -> Option<String> {
    origin.truth(&format!("items/{id}")).as_str().map(str::to_owned)
}

fn expected(origin: &Origin, ids: &[&str]) -> Vec<String> {
    let row = |id: &&str| format!("{id}|{}", price(origin, id).unwrap_or_default());
    let mut rows: Vec<String> = ids.iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn every_record_gets_its_own_item_however_the_batch_is_sent() {
    let mut rng = seeded();
    let ids: Vec<String> = (0..130).map(|at| (at * 1000 + rng.u32(..1000)).to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let origin = Origin::start(&[]);
    for way in WAYS {
        for absent in ["missing", "alone"] {
            let sandbox = Sandbox::new();
            let endpoint = format!("{}\n{COLUMNS}", way.replace("ABSENT", absent));
            job(&sandbox, &origin, &ids, "", &endpoint, "");
            origin.reset();
            run(&sandbox);
            let rows: Vec<String> = found(&sandbox, "concat(id, '|', price)");
            assert_eq!(rows, expected(&origin, &ids), "{way}");
            let lines = ledger(&sandbox, "id, status");
            assert_eq!(lines.len(), ids.len(), "a line for each record");
            let absentees = ids.iter().filter(|id| price(&origin, id).is_none()).count() as u64;
            let missing = lines.iter().filter(|line| line.ends_with(",missing")).count() as u64;
            assert_eq!(missing, absentees);
            let requests: u64 = ledger(&sandbox, "requests").iter().map(|n| n.parse::<u64>().unwrap()).sum();
            assert_eq!(
                origin.counts()["total"].as_u64(),
                Some(requests),
                "the ledger counts the requests: {way}"
            );
            let together = (ids.len() as u64).div_ceil(20);
            let alone = if absent == "alone" { absentees } else { 0 };
            assert!(requests <= together + alone + 4, "{requests} requests: {way}");
        }
    }
}

#[test]
fn one_record_that_spoils_the_batch_is_found_by_asking_each_alone() {
    let ids: Vec<String> = (1..=40).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let origin = Origin::start(&[]);
    origin.knobs(r#"{"fail_ids": {"7": {"status": 422}}}"#);
    for (absent, failed) in [("alone", 1), ("missing", 20)] {
        let sandbox = Sandbox::new();
        job(
            &sandbox,
            &origin,
            &ids,
            "retry_rounds = 0",
            &format!("{}\n{COLUMNS}", WAYS[0].replace("ABSENT", absent)),
            "",
        );
        run(&sandbox);
        let lines = ledger(&sandbox, "id, status, kind, http_status");
        let failures: Vec<&String> = lines.iter().filter(|line| line.contains(",failed,")).collect();
        assert_eq!(failures.len(), failed, "{absent}: {failures:?}");
        assert!(failures.contains(&&"7,failed,status,422".to_owned()));
    }
}

#[test]
fn a_batch_that_fails_for_a_while_is_asked_again_as_one() {
    let ids: Vec<String> = (1..=40).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    origin.knobs(r#"{"fail_ids": {"7": {"status": 503, "times": 4}}}"#);
    job(&sandbox, &origin, &ids, "", &format!("{}\n{COLUMNS}", WAYS[0].replace("ABSENT", "alone")), "");
    run(&sandbox).saying("round 1: asking 20 failed requests again");
    assert_eq!(found(&sandbox, "concat(id, '|', price)"), expected(&origin, &ids));
}

#[test]
fn an_answer_that_cannot_be_split_fails_every_record_of_it() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let endpoint =
        format!("{}\n{COLUMNS}", WAYS[0].replace("ABSENT", "missing").replace(".data[]", ".data.x[]"));
    job(&sandbox, &origin, &["1", "2", "3"], "", &endpoint, "");
    sandbox.run(["run", "job.toml"]).with_code(1).saying("0 % of the records succeeded (0 of 3)");
    assert_eq!(ledger(&sandbox, "status, kind"), ["failed,extract"; 3]);
}

#[test]
fn a_value_that_cannot_be_sent_fails_alone_and_a_url_that_is_too_long_is_halved() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let long: Vec<String> = (0..19).map(|at| format!("{at}{}", "x".repeat(2000))).collect();
    let mut ids: Vec<&str> = long.iter().map(String::as_str).collect();
    ids.push("a\nb");
    job(&sandbox, &origin, &ids, "", &format!("{}\n{COLUMNS}", WAYS[0].replace("ABSENT", "missing")), "");
    run(&sandbox);
    let kinds =
        sandbox.query("apis", "SELECT coalesce(kind, 'none'), count(*) FROM requests GROUP BY 1 ORDER BY 1");
    assert_eq!(kinds, ["none,19", "template,1"]);
    let requests = origin.counts()["total"].as_u64().unwrap();
    assert!((3..=8).contains(&requests), "{requests} requests of 16 KiB at most");
}

#[test]
fn a_record_that_crashes_its_process_is_told_from_those_that_share_its_request() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let known: Vec<String> =
        (1..200).map(|id| id.to_string()).filter(|id| price(&origin, id).is_some()).collect();
    let ids: Vec<&str> = known.iter().take(60).map(String::as_str).collect();
    // The first of a batch, and one amid another.
    let bombs = [ids[20], ids[33]];
    let bomb = format!(
        "def f: [f]; if .name == \"Item {}\" or .name == \"Item {}\" then f else .name end",
        bombs[0], bombs[1]
    );
    let columns = format!("columns = {{ item = '{bomb}' }}");
    job(&sandbox, &origin, &ids, "", &format!("{}\n{columns}", WAYS[0].replace("ABSENT", "missing")), "");
    run(&sandbox).saying("or of one that shares its request: each is asked alone");
    let failed = sandbox.query("apis", "SELECT id, status, kind FROM requests JOIN input USING (ordinal) WHERE kind IS NOT NULL ORDER BY ordinal");
    assert_eq!(failed, bombs.map(|id| format!("{id},failed,crashed")));
    assert_eq!(found(&sandbox, "id").len(), 58);
}
