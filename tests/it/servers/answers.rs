//! What each bad answer ends as, in the requests: one line for every pair, of the right kind, and no lost record.

use std::io::Write;
use std::sync::LazyLock;
use std::time::Duration;

use super::raw::{Raw, http};
use crate::support::{Origin, Sandbox, ended, film_ids, published_films, seed, small_job};

/// Packed before anybody waits for it: on a busy machine that takes longer than the job's timeout.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&vec![b' '; 64 << 20]));

/// One id a line of the table below, named after what the server answers it.
fn answer(path: &str) -> Vec<u8> {
    let good = r#"{"v":"yes"}"#;
    match path.trim_start_matches('/') {
        "good" => http("200 OK", "", good),
        "good_gzip" => http("200 OK", "content-encoding: gzip\r\n", gzip(good.as_bytes())),
        "redirected" => http("302 Found", "location: /good\r\n", ""),
        "html" => http("200 OK", "content-type: text/html\r\n", "<html><body>We'll be back</body></html>"),
        "text_that_is_no_json" => http("200 OK", "", "[1,2"),
        "no_utf8" => http("200 OK", "", b"{\"v\":\"\xff\"}"),
        "nothing" => http("200 OK", "", ""),
        "no_content" => b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec(),
        "not_found" => http("404 Not Found", "", r#"{"error":"no such id"}"#),
        "gone" => http("410 Gone", "", ""),
        "forbidden" => http("403 Forbidden", "", ""),
        "broken" => http("500 Internal Server Error", "", "oops"),
        "busy" => http("503 Service Unavailable", "", ""),
        "limited" => http("429 Too Many Requests", "", ""),
        "no_http" => b"\x16\x03\x01 this is no HTTP\r\n\r\n".to_vec(),
        "hangs_up" => Vec::new(),
        "half_a_head" => b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
        "half_a_body" => {
            let whole = http("200 OK", "", good);
            whole[..whole.len() - 5].to_vec()
        }
        "wrong_gzip" => http("200 OK", "content-encoding: gzip\r\n", good),
        "coding_of_old" => http("200 OK", "content-encoding: compress\r\n", good),
        "no_coding" => http("200 OK", "content-encoding: utf-8\r\n", good),
        "padded_gzip" => {
            let padded = [gzip(good.as_bytes()), vec![0; 3]].concat();
            http("200 OK", "content-encoding: gzip\r\n", padded)
        }
        "labelled_latin1" => {
            http("200 OK", "content-type: application/json; charset=ISO-8859-1\r\n", "{\"v\":\"für €\"}")
        }
        "no_charset" => http("200 OK", "content-type: application/json; charset=none\r\n", good),
        "utf_16" => http("200 OK", "", good.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        "gzip_transferred" => transferred("gzip, chunked", &gzip(good.as_bytes())),
        "chunked_and_more" => transferred("chunked, identity", good.as_bytes()),
        "a_pdf" => http("200 OK", "content-type: application/json\r\n", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"),
        "gzip_bomb" => http("200 OK", "content-encoding: gzip\r\n", &*BOMB),
        "huge_body" => http("200 OK", "", vec![b' '; 3 << 20]),
        "huge_head" => http("200 OK", &format!("x: {}\r\n", "y".repeat(2 << 20)), good),
        "deep" => http("200 OK", "", format!("{{\"v\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000))),
        "no_number" => http("200 OK", "", r#"{"v":"yes","n":"many"}"#),
        "round_and_round" => http("302 Found", "location: /round_and_round\r\n", ""),
        "to_nowhere" => http("302 Found", "", ""),
        "slow" => {
            std::thread::sleep(Duration::from_secs(3));
            http("200 OK", "", good)
        }
        other => panic!("nobody asks for {other}"),
    }
}

/// An answer of one chunk.
fn transferred(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: {coding}\r\n\r\n");
    [head.as_bytes(), format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Id, status, kind, HTTP status, attempts, whether repeating may mend it. Attempts are 2 wherever it may.
const ENDS: [&str; 36] = [
    "good,ok,,200,1,",
    "good_gzip,ok,,200,1,",
    "redirected,ok,,200,1,",
    "html,failed,not_json,200,1,false",
    "text_that_is_no_json,failed,not_json,200,1,false",
    "no_utf8,failed,not_json,200,1,false",
    "nothing,failed,not_json,200,1,false",
    "no_content,failed,not_json,204,1,false",
    "not_found,failed,status,404,1,false",
    "gone,missing,,410,1,",
    "forbidden,failed,status,403,1,false",
    "broken,failed,status,500,2,true",
    "busy,failed,status,503,2,true",
    "limited,failed,status,429,2,true",
    "no_http,failed,protocol,,1,false",
    "hangs_up,failed,reset,,2,true",
    "half_a_head,failed,reset,,2,true",
    "half_a_body,failed,reset,200,2,true",
    "wrong_gzip,failed,decode,200,1,false",
    "coding_of_old,failed,decode,200,1,false",
    "no_coding,ok,,200,1,",
    "padded_gzip,ok,,200,1,",
    "labelled_latin1,ok,,200,1,",
    "no_charset,ok,,200,1,",
    "utf_16,ok,,200,1,",
    "gzip_transferred,ok,,200,1,",
    "chunked_and_more,failed,protocol,200,1,false",
    "a_pdf,failed,not_json,200,1,false",
    "gzip_bomb,failed,too_large,200,1,false",
    "huge_body,failed,too_large,200,1,false",
    "huge_head,failed,too_large,,1,false",
    "deep,failed,too_deep,200,1,false",
    "no_number,failed,convert,200,1,false",
    "round_and_round,failed,redirect,302,1,false",
    "to_nowhere,failed,redirect,302,1,false",
    "slow,failed,timeout,,2,true",
];

fn id_of(end: &str) -> &str {
    end.split(',').next().unwrap()
}

fn job(sandbox: &Sandbox, server: &Raw) {
    let url = server.url();
    sandbox.write("ids.txt", ENDS.map(id_of).join("\n"));
    sandbox.write(
        "bad.toml",
        format!(
            r#"
[job]
name = "bad"
retry_rounds = 0

[input]
file = "ids.txt"
id = "id"

[[endpoint]]
name = "one"
url = "{url}/{{id}}"
missing = [410]
timeout = "600ms"
max_answer = "2MiB"
retry = {{ attempts = 2, backoff = "1ms", max_retry_after = "30s" }}
columns = {{ v = ".v", n = {{ jq = ".n", type = "integer" }} }}

[table]
to = "duckdb:bad.duckdb"
name = "bad"
mode = "append"
"#
        ),
    );
}

#[test]
fn every_bad_answer_is_one_line_of_its_kind() {
    let sandbox = Sandbox::new();
    LazyLock::force(&BOMB);
    let server = Raw::serve(answer);
    job(&sandbox, &server);
    let left_out = ENDS.iter().filter(|end| end.contains(",failed,")).count();
    let ended = sandbox.run(["run", "bad.toml"]).with_code(0);
    ended.saying(&format!("published 10 rows, {left_out} records left out: a request failed"));
    let ends = sandbox.query(
        "bad",
        "SELECT id, status, kind, http_status, attempts, worth_repeating FROM requests JOIN input USING (ordinal)
         ORDER BY ordinal",
    );
    assert_eq!(ends, ENDS);
    let rows = sandbox.query("bad", "SELECT id, v FROM rows ORDER BY id");
    let yes = [
        "good",
        "good_gzip",
        "gzip_transferred",
        "no_charset",
        "no_coding",
        "padded_gzip",
        "redirected",
        "utf_16",
    ];
    let mut expected = vec!["gone,".to_owned(), "labelled_latin1,für €".to_owned()];
    expected.extend(yes.map(|id| format!("{id},yes")));
    expected.sort();
    assert_eq!(rows, expected);
    let sent = sandbox.query("bad", "SELECT sum(requests) FROM requests");
    assert_eq!(sent, [server.asked().to_string()], "every request is accounted for");
    let wordless = "SELECT count(*) FROM requests WHERE status = 'failed' AND coalesce(detail, '') = ''";
    assert_eq!(sandbox.query("bad", wordless), ["0"], "every failure is told in words");
}

#[test]
fn a_server_on_a_bad_day_still_gives_the_same_table() {
    let (calm, stormy) = (Sandbox::new(), Sandbox::new());
    let origin = Origin::start(&["--seed", &seed().to_string()]);
    let job = small_job(&calm, &origin, 400, "", "");
    calm.run(["run", job.to_str().unwrap()]).with_code(0);
    origin.knobs(
        r#"{"rate_429": 0.1, "rate_500": 0.1, "error_rate": 0.1, "rate_reset": 0.1, "rate_truncate": 0.1,
            "rate_redirect": 0.1, "jitter_ms": 5, "gzip": true}"#,
    );
    let job = small_job(&stormy, &origin, 400, "", "");
    stormy.edit("small.toml", "attempts = 3", "attempts = 20");
    stormy.run(["run", job.to_str().unwrap()]).with_code(0).saying("published 400 rows");
    let films = published_films(&stormy.path().join("small.duckdb"));
    assert_eq!(films.len(), 400);
    assert_eq!(films, published_films(&calm.path().join("small.duckdb")));
    let ends = stormy
        .query("small", "SELECT count(*), max(attempts) > 2, bool_or(requests > attempts) FROM requests");
    assert_eq!(ends, ["800,true,true"], "it was a bad day, with redirects");
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for() {
    for as_date in [false, true] {
        let sandbox = Sandbox::new();
        let origin = Origin::start(&[]);
        let job = small_job(&sandbox, &origin, 5, "retry_rounds = 0", "");
        let limited = &film_ids(5)[2];
        let fail = serde_json::json!({ limited.as_str(): { "status": 429, "times": 1, "endpoint": "omdb" } });
        let knobs = serde_json::json!({ "retry_after": 2, "retry_after_date": as_date, "fail_ids": fail });
        origin.knobs(&knobs.to_string());
        sandbox.run(["run", job.to_str().unwrap()]).with_code(0).saying("published 5 rows");
        // A date has whole seconds: of two seconds, at least one is left.
        let waited = format!(
            "SELECT attempts, requests, finished_at - started_at >= INTERVAL '{} ms' FROM requests
             JOIN input USING (ordinal) WHERE imdb_id = '{limited}' AND endpoint = 'omdb'",
            if as_date { 1000 } else { 2000 }
        );
        assert_eq!(sandbox.query("small", &waited), ["2,2,true"]);
        assert_eq!(origin.count("omdb", limited), 2);
    }
}

#[test]
fn a_server_that_asks_to_wait_longer_than_anybody_waits_makes_the_run_pause() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 200, "", "");
    let fail =
        serde_json::json!({ film_ids(5)[2].as_str(): { "status": 429, "times": 1, "endpoint": "omdb" } });
    origin.knobs(&serde_json::json!({ "retry_after": 4000, "fail_ids": fail }).to_string());
    let job = job.to_str().unwrap();
    sandbox.run(["run", job]).with_code(7).saying("paused: a quota is used up").saying("hint: `windrow run");
    let before = origin.counts()["total"].as_u64().unwrap();
    sandbox.run(["run", job]).with_code(7).saying("continuing run");
    assert_eq!(origin.counts()["total"].as_u64().unwrap(), before, "nothing is asked until the time is over");
    // Another machine, or another state, knows nothing of it: the run goes on where it stopped.
    let mut elsewhere = sandbox.command(["run", job]);
    elsewhere.env("WINDROW_STATE", sandbox.path().join("elsewhere"));
    ended(elsewhere).with_code(0).saying("published 200 rows");
}
