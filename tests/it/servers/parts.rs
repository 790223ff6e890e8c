//! Successes that are not the answer: a part of it (206), none yet (202), one that breaks off. None becomes a row.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::raw::{Raw, http};
use crate::support::Sandbox;

const GOOD: &str = r#"{"v":"yes","state":"done"}"#;

/// What each id is answered; `turn` counts the requests for it from 0.
fn answer(id: &str, turn: usize) -> Vec<u8> {
    let part = |range: &str| http("206 Partial Content", &format!("content-range: {range}\r\n"), GOOD);
    let length = GOOD.len();
    match (id, turn) {
        ("part", _) => part(&format!("bytes 0-{}/1000", length - 1)),
        ("part_of_items", _) => part("items 0-24/100"),
        ("part_unsaid", _) => http("206 Partial Content", "", GOOD),
        ("part_that_is_all", _) => part(&format!("bytes 0-{}/{length}", length - 1)),
        ("later" | "later_empty", 0) => http("202 Accepted", "retry-after: 0\r\n", ""),
        ("later", 1) => http("202 Accepted", "", "{ }"),
        ("later", 2) => http("202 Accepted", "", "[]\n"),
        ("never", _) => http("202 Accepted", "", "{}"),
        ("accepted", _) => http("202 Accepted", "", GOOD),
        ("pending", 0) => http("202 Accepted", "", r#"{"v":"no","state":"pending"}"#),
        ("pending", _) => http("202 Accepted", "", GOOD),
        ("redirected", 0) => http("302 Found", "location: /busy\r\n", ""),
        ("authoritative", _) => http("203 Non-Authoritative Information", "", GOOD),
        ("created", _) => http("201 Created", "", GOOD),
        ("no_content", _) => b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec(),
        ("reset_content", _) => http("205 Reset Content", "", ""),
        ("choices", _) => http("300 Multiple Choices", "", GOOD),
        ("not_modified", _) => b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec(),
        ("unended_chunks", _) => chunked(GOOD, "5\r\nhal"),
        ("no_end_of_trailers", _) => chunked(GOOD, "0\r\n"),
        ("no_last_chunk", _) => chunked(GOOD, ""),
        ("shorter_than_said", _) => {
            format!("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{GOOD}").into_bytes()
        }
        ("until_closed", _) => format!("HTTP/1.0 200 OK\r\n\r\n{GOOD}").into_bytes(),
        ("until_closed_cut", _) => format!("HTTP/1.0 200 OK\r\n\r\n{}", &GOOD[..9]).into_bytes(),
        ("twice", _) => http("200 OK", "", [GOOD, GOOD].concat()),
        _ => http("200 OK", "", GOOD),
    }
}

fn chunked(body: &str, rest: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n{rest}")
        .into_bytes()
}

/// Asks for these ids and gives the ends: id, status, kind, HTTP status, attempts.
fn ends(ids: &[&'static str], endpoint: &str) -> (Sandbox, Vec<String>) {
    ends_of(ids, "", endpoint)
}

/// The same, with further lines of `[job]`.
fn ends_of(ids: &[&'static str], settings: &str, endpoint: &str) -> (Sandbox, Vec<String>) {
    let known: Vec<(&str, AtomicUsize)> = ids.iter().map(|id| (*id, AtomicUsize::new(0))).collect();
    let server = Raw::serve(move |path| {
        let id = path.trim_start_matches('/');
        let turn = known
            .iter()
            .find(|(known, _)| *known == id)
            .map_or(0, |(_, turn)| turn.fetch_add(1, Ordering::SeqCst));
        answer(id, turn)
    });
    let (sandbox, url) = (Sandbox::new(), server.url());
    sandbox.write("ids.txt", ids.join("\n"));
    sandbox.write(
        "parts.toml",
        format!(
            "[job]\nname = \"parts\"\nretry_rounds = 0\n{settings}\n\n[input]\nfile = \"ids.txt\"\nid = \"id\"\n\n\
             [[endpoint]]\nname = \"one\"\nurl = \"{url}/{{id}}\"\n{endpoint}\ncolumns = {{ v = \".v\" }}\n\n\
             [table]\nto = \"duckdb:parts.duckdb\"\nname = \"parts\"\nmode = \"append\"\n"
        ),
    );
    sandbox.run(["run", "parts.toml"]).with_code(0);
    let sql = "SELECT id, status, kind, http_status, attempts FROM requests JOIN input USING (ordinal) ORDER BY ordinal";
    let ends = sandbox.query("parts", sql);
    (sandbox, ends)
}

fn retry(on: &str) -> String {
    format!("retry = {{ attempts = 4, backoff = \"1ms\"{on} }}")
}

#[test]
fn a_success_that_is_no_answer_is_no_row() {
    let expected = [
        "good,ok,,200,1",
        "part,failed,status,206,1",
        "part_of_items,failed,status,206,1",
        "part_unsaid,failed,status,206,1",
        "part_that_is_all,ok,,206,1",
        "later,ok,,200,4",
        "never,failed,status,202,4",
        "accepted,ok,,202,1",
        "authoritative,ok,,203,1",
        "created,ok,,201,1",
        "no_content,failed,not_json,204,1",
        "reset_content,failed,not_json,205,1",
        "choices,failed,status,300,1",
        "not_modified,failed,status,304,1",
        "unended_chunks,failed,reset,200,4",
        "no_last_chunk,failed,reset,200,4",
        "no_end_of_trailers,failed,reset,200,4",
        "shorter_than_said,failed,reset,200,4",
        "until_closed,ok,,200,1",
        "until_closed_cut,failed,not_json,200,1",
        "twice,failed,not_json,200,1",
    ];
    let ids = expected.map(|end| end.split(',').next().unwrap());
    let (sandbox, ends) = ends(&ids, &retry(""));
    assert_eq!(ends, expected);
    let details = "SELECT detail FROM requests WHERE http_status IN (202, 206) ORDER BY ordinal";
    let said = sandbox.query("parts", details);
    assert_eq!(said[1], "206 Partial Content: only the range items 0-24/100 of the answer");
    assert_eq!(said[4], "202 Accepted: no answer yet");
}

#[test]
fn a_job_says_which_successes_are_no_answer_and_which_are() {
    let named = retry(", on = [202, 302]");
    let (_, ends_named) = ends(&["good", "later", "accepted", "redirected"], &named);
    assert_eq!(
        ends_named,
        ["good,ok,,200,1", "later,ok,,200,4", "accepted,failed,status,202,4", "redirected,ok,,200,2"]
    );
    let vouched = format!("{named}\nok = '.state == \"done\"'");
    let (sandbox, vouched) = ends(&["pending", "accepted", "never"], &vouched);
    assert_eq!(vouched, ["pending,ok,,202,2", "accepted,ok,,202,1", "never,failed,status,202,4"]);
    assert_eq!(sandbox.query("parts", "SELECT DISTINCT v FROM rows"), ["yes"]);
    let (_, unlisted) = ends(&["good", "later_empty"], &retry(", on = [429]"));
    assert_eq!(unlisted, ["good,ok,,200,1", "later_empty,failed,status,202,1"]);
    let (_, asked_for) = ends(&["part"], "headers = { range = \"bytes=0-25\" }");
    assert_eq!(asked_for, ["part,ok,,206,1"], "a range that the job asks for");
}

#[test]
fn what_was_no_answer_is_none_when_kept_answers_are_read_again() {
    let (sandbox, _) = ends_of(&["good", "part", "never"], "keep_answers = \"all\"", &retry(""));
    sandbox.run(["extract", "parts"]).with_code(0);
    let ends = sandbox.query("parts", "SELECT status, kind FROM requests ORDER BY ordinal");
    assert_eq!(ends, ["ok,", "failed,status", "failed,status"]);
}
