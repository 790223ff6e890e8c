//! A run in which nothing succeeded, or nothing came, leaves everything as yesterday's left it: in every destination,
//! whatever the server answers instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::servers::raw::{Raw, http};
use crate::support::{Ended, Sandbox};

/// What a server answers instead of what it should, and what is then told of it.
const FAULTS: [(&str, fn() -> Vec<u8>, &str); 7] = [
    (
        "401",
        || http("401 Unauthorized", "", "no"),
        "0 % of the records succeeded (0 of 40); without min_success",
    ),
    (
        "403",
        || http("403 Forbidden", "", "no"),
        "0 % of the records succeeded (0 of 40); without min_success",
    ),
    ("410", || http("410 Gone", "", "no"), "0 % of the records succeeded (0 of 40); without min_success"),
    (
        "redirect",
        || http("302 Found", "location: /login\r\n", ""),
        "0 % of the records succeeded (0 of 40); without min_success",
    ),
    (
        "login page",
        || http("200 OK", "content-type: text/html\r\n", "<html><form>Log in</form></html>"),
        "0 % of the records succeeded (0 of 40); without min_success",
    ),
    ("404", || http("404 Not Found", "", "no"), "every record is missing (40 of 40); without min_success"),
    (
        "empty",
        || http("200 OK", "", r#"{"items": []}"#),
        "no answer brings a row (40 records); without min_success",
    ),
];

/// A server that is well until it is told to answer one of the faults.
struct Server {
    raw: Raw,
    fault: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Server {
        let fault = Arc::new(AtomicUsize::new(FAULTS.len()));
        let now = fault.clone();
        let raw = Raw::serve(move |_| match FAULTS.get(now.load(Ordering::SeqCst)) {
            Some((_, answer, _)) => answer(),
            None => http("200 OK", "", r#"{"items": [{"v": 1}]}"#),
        });
        Server { raw, fault }
    }

    fn answers(&self, fault: usize) {
        self.fault.store(fault, Ordering::SeqCst);
    }
}

fn job(sandbox: &Sandbox, server: &Server, to: &str, table: &str, publish: &str) {
    sandbox.write("ids.txt", (0..40).map(|id| format!("{id}\n")).collect::<String>());
    let text = format!(
        "[job]\nname = \"daily\"\nretry_rounds = 0\n\n[input]\nfile = \"ids.txt\"\nid = \"id\"\n\n\
         [[endpoint]]\nname = \"one\"\nurl = \"{}/{{id}}\"\nrows = \".items[]\"\nmissing = [404]\n\
         columns = {{ v = {{ jq = \".v\", type = \"integer\" }} }}\n\n\
         [table]\nto = \"{to}\"\nname = \"daily\"\n{table}\n\n[publish]\n{publish}\n",
        server.raw.url()
    );
    sandbox.write("daily.toml", text);
}

#[track_caller]
fn run(sandbox: &Sandbox) -> Ended {
    sandbox.run(["run", "daily.toml"])
}

/// Every file below a path with its bytes.
fn content(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if path.is_file() {
        return vec![(path.to_owned(), std::fs::read(path).unwrap())];
    }
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.flat_map(|path| content(&path)).collect();
    found.sort();
    found
}

#[test]
fn yesterdays_rows_stay_where_nothing_comes_today() {
    let places = [
        ("duckdb:daily.duckdb", "daily.duckdb", ""),
        ("csv:daily.csv", "daily.csv", ""),
        ("parquet:daily.parquet", "daily.parquet", ""),
        ("parquet:daily/", "daily", "partition_by = \"v\""),
    ];
    for (to, file, more) in places {
        let (sandbox, server) = (Sandbox::new(), Server::start());
        job(&sandbox, &server, to, &format!("mode = \"replace\"\n{more}"), "");
        run(&sandbox).with_code(0).saying("published 40 rows");
        let before = content(&sandbox.path().join(file));
        for (at, (name, _, told)) in FAULTS.iter().enumerate() {
            server.answers(at);
            run(&sandbox).with_code(1).saying(told).saying("since mode = \"replace\" takes away");
            assert_eq!(content(&sandbox.path().join(file)), before, "{name} into {to}");
            let status = sandbox.run(["status", "daily"]).with_code(0).stdout;
            assert!(status.contains("refused"), "{status}");
        }
        server.answers(FAULTS.len());
        run(&sandbox).with_code(0).saying("published 40 rows");
    }
}

#[test]
fn another_destination_and_a_retry_pass_the_same_gate() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    job(&sandbox, &server, "duckdb:daily.duckdb", "mode = \"replace\"", "");
    server.answers(0);
    run(&sandbox).with_code(1);
    let elsewhere = ["merge", "daily", "--to", "csv:elsewhere.csv"];
    sandbox.run(elsewhere).with_code(1).saying("0 % of the records succeeded");
    sandbox.run(["retry", "daily"]).with_code(0).saying("40 failed");
    sandbox.run(["merge", "daily"]).with_code(1).saying("0 % of the records succeeded");
    assert!(!sandbox.path().join("elsewhere.csv").exists());
    let ended = sandbox.run(["merge", "daily", "--to", "csv:elsewhere.csv", "--anyway"]).with_code(0);
    ended.saying("published 0 rows").saying("although 0 % of the records succeeded (0 of 40)");
    server.answers(FAULTS.len());
    sandbox.run(["retry", "daily"]).with_code(0).saying("40 ok");
    sandbox.run(["merge", "daily"]).with_code(0).saying("published 40 rows");
}

#[test]
fn a_written_share_keeps_its_meaning_and_plan_says_what_holds() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    for (table, publish, told) in [
        ("mode = \"append\"", "", "if one record succeeds (min_success under [publish] asks for more)"),
        (
            "mode = \"replace_ids\"",
            "",
            "if 90 % of the records succeed, since mode = \"replace_ids\" takes away what the table has (min_success \
             under [publish] says otherwise)",
        ),
        (
            "mode = \"replace\"",
            "min_success = 0",
            "if 0 % of the records succeed (min_success under [publish])",
        ),
    ] {
        job(&sandbox, &server, "duckdb:daily.duckdb", table, publish);
        let planned = sandbox.run(["plan", "daily.toml"]).with_code(0).stdout;
        assert!(planned.contains(&format!("publish   {told}\n")), "{planned}");
    }
    run(&sandbox).with_code(0).saying("published 40 rows");
    server.answers(0);
    run(&sandbox).with_code(0).saying("published 0 rows").saying("the table has 0");
}

#[test]
fn nothing_is_nulled_where_nothing_succeeds_and_a_trial_is_free() {
    let (sandbox, server) = (Sandbox::new(), Server::start());
    job(&sandbox, &server, "duckdb:daily.duckdb", "mode = \"upsert\"\nkey = [\"id\"]", "");
    sandbox.edit("daily.toml", "rows = \".items[]\"\nmissing = [404]", "on_failure = \"null\"");
    sandbox.edit("daily.toml", "\".v\"", "\".items[0].v\"");
    run(&sandbox).with_code(0).saying("published 40 rows");
    let before = content(&sandbox.path().join("daily.duckdb"));
    server.answers(1);
    run(&sandbox)
        .with_code(1)
        .saying("on_failure = \"null\" with mode = \"upsert\" takes away what the table has");
    assert_eq!(content(&sandbox.path().join("daily.duckdb")), before);
    sandbox.run(["run", "daily.toml", "--sample", "10"]).with_code(0).saying("published 10 rows");
    assert_eq!(content(&sandbox.path().join("daily.duckdb")), before);
}
