//! Secrets that a server refuses: the run stops, says which, and once they are right goes on as if nothing had been.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::raw::{Raw, http};
use crate::support::{Ended, Sandbox, ended, published};

const RIGHT: &str = "right-0123456789";
const WRONG: &str = "wrong-9876543210";

/// A server that answers `{"v": 1}` to whoever has the right token, and this status to others.
fn guarded(refusal: &'static str) -> Raw {
    Raw::serve_heads(move |head| {
        if head.contains(RIGHT) {
            http("200 OK", "", r#"{"v": 1}"#)
        } else {
            http(refusal, "", r#"{"error": "no"}"#)
        }
    })
}

/// An endpoint that is asked with `${TOKEN}`.
fn with_header(name: &str, url: &str, more: &str) -> String {
    format!(
        "[[endpoint]]\nname = \"{name}\"\nurl = \"{url}/{name}/{{id}}\"\nheaders = {{ authorization = \"Bearer \
         ${{TOKEN}}\" }}\ncolumns = {{ {name} = \".v\" }}\n{more}\n"
    )
}

/// A job over so many ids into a DuckDB file.
fn job(sandbox: &Sandbox, ids: usize, settings: &str, endpoints: &str) {
    sandbox.write("ids.txt", (0..ids).map(|id| format!("{id}\n")).collect::<String>());
    let text = format!(
        "[job]\nname = \"keys\"\nin_flight = 4\n{settings}\n\n[input]\nfile = \"ids.txt\"\nid = \"id\"\n\n{endpoints}\n\
         [table]\nto = \"duckdb:keys.duckdb\"\nname = \"keys\"\nmode = \"upsert\"\nkey = [\"id\"]\n"
    );
    sandbox.write("keys.toml", text);
}

/// A command with these secrets.
#[track_caller]
fn with<const N: usize>(sandbox: &Sandbox, arguments: [&str; N], secrets: &[(&str, &str)]) -> Ended {
    let mut command = sandbox.command(arguments);
    command.envs(secrets.iter().copied());
    ended(command)
}

#[track_caller]
fn run(sandbox: &Sandbox, token: &str) -> Ended {
    with(sandbox, ["run", "keys.toml"], &[("TOKEN", token)])
}

/// Rows of the table.
fn rows(sandbox: &Sandbox) -> String {
    published(&sandbox.path().join("keys.duckdb"), "SELECT count(*) FROM keys").remove(0)
}

/// What became of the pairs, as their last round left them.
fn ends(sandbox: &Sandbox) -> Vec<String> {
    sandbox.query(
        "keys",
        "SELECT endpoint, status, http_status, count(*) FROM requests GROUP BY ALL ORDER BY ALL",
    )
}

#[track_caller]
fn stopped(ended: Ended, url: &str, secret: &str) -> Ended {
    let said = format!(
        "keys: stopped: the first 20 answers of {url}, asked with {secret}, were all 401 or 403; nothing is published"
    );
    let ended = ended.with_code(2).saying(&said).saying("hint: set the secret right and repeat the command");
    assert!(!ended.stderr.contains("shard "), "it is told once: {}", ended.stderr);
    ended
}

#[test]
fn a_secret_that_is_refused_stops_the_run_and_a_right_one_goes_on_with_it() {
    for refusal in ["401 Unauthorized", "403 Forbidden"] {
        let sandbox = Sandbox::new();
        let server = guarded(refusal);
        job(&sandbox, 500, "", &with_header("one", &server.url(), ""));
        stopped(run(&sandbox, WRONG), &server.url(), "${TOKEN}");
        assert!(server.asked() < 300, "{} requests", server.asked());
        assert!(!sandbox.path().join("keys.duckdb").exists());
        // Whoever repeats it without mending the secret is told again.
        stopped(run(&sandbox, WRONG), &server.url(), "${TOKEN}");
        let before = server.asked();
        run(&sandbox, RIGHT).with_code(0).saying("continuing run").saying("published 500 rows");
        assert_eq!((server.asked() - before, ends(&sandbox)), (500, vec!["one,ok,200,500".to_owned()]));
        assert!(!sandbox.newest_run("keys").join("secrets.accepted").exists());
    }
}

#[test]
fn a_secret_in_the_query_or_the_payload_is_one_too() {
    let server = guarded("401 Unauthorized");
    for place in
        ["params = { key = \"${TOKEN}\" }", "form = { key = \"${TOKEN}\", id = \"{id}\" }\nidempotent = true"]
    {
        let sandbox = Sandbox::new();
        let url = server.url();
        let endpoint = format!(
            "[[endpoint]]\nname = \"one\"\nurl = \"{url}/one\"\ncolumns = {{ one = \".v\" }}\n{place}\n"
        );
        let endpoint = if place.starts_with("query") {
            endpoint.replace("params = {", "params = { id = \"{id}\",")
        } else {
            endpoint
        };
        job(&sandbox, 100, "", &endpoint);
        stopped(run(&sandbox, WRONG), &url, "${TOKEN}");
    }
}

/// 64 records share a request, and a shard has 64 records: each process has one answer.
#[test]
fn shards_with_an_answer_each_stop_together() {
    let sandbox = Sandbox::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let server = Raw::serve_heads(move |head| {
        if !head.contains(RIGHT) {
            return http("401 Unauthorized", "", "");
        }
        counter.fetch_add(1, Ordering::SeqCst);
        let (_, query) = head.split_once("ids=").unwrap();
        let ids = query.split([' ', '&']).next().unwrap();
        let items: Vec<String> = ids
            .split("%2C")
            .flat_map(|ids| ids.split(','))
            .map(|id| format!(r#"{{"id": "{id}", "v": 1}}"#))
            .collect();
        http("200 OK", "", format!("[{}]", items.join(",")))
    });
    let url = server.url();
    let endpoint = format!(
        "[[endpoint]]\nname = \"one\"\nurl = \"{url}/?ids={{id}}\"\nheaders = {{ x-key = \"${{TOKEN}}\" }}\n\
         columns = {{ one = \".v\" }}\nbatch = {{ size = 64, split = \".[]\", match = \".id\", on_absent = \"missing\" }}\n"
    );
    job(&sandbox, 64 * 40, "shard_size = 64", &endpoint);
    stopped(run(&sandbox, WRONG), &url, "${TOKEN}");
    assert!((20..40).contains(&server.asked()), "{} requests", server.asked());
    run(&sandbox, RIGHT).with_code(0).saying("published 2,560 rows");
    assert_eq!((asked.load(Ordering::SeqCst), ends(&sandbox)), (40, vec!["one,ok,200,2560".to_owned()]));
}

#[test]
fn of_two_secrets_the_one_that_is_refused_is_named_and_the_other_answers_stay() {
    let sandbox = Sandbox::new();
    let server = guarded("403 Forbidden");
    let url = server.url();
    let other = with_header("two", &url, "on_failure = \"null\"").replace("${TOKEN}", "${OTHER}");
    job(&sandbox, 64, "", &(with_header("one", &url, "") + &other));
    let secrets = [("TOKEN", RIGHT), ("OTHER", WRONG)];
    stopped(with(&sandbox, ["run", "keys.toml"], &secrets), &url, "${OTHER}");
    // The only block is committed for the answers of the other, and what was refused waits.
    let refused = sandbox.query("keys", "SELECT DISTINCT status FROM requests WHERE endpoint = 'two'");
    assert_eq!(refused, ["waiting"]);
    stopped(with(&sandbox, ["run", "keys.toml"], &secrets), &url, "${OTHER}");
    let secrets = [("TOKEN", RIGHT), ("OTHER", RIGHT)];
    with(&sandbox, ["run", "keys.toml"], &secrets).with_code(0).saying("published 64 rows");
    assert_eq!(ends(&sandbox), ["one,ok,200,64", "two,ok,200,64"]);
}

#[test]
fn a_server_that_has_taken_the_secret_may_refuse_single_records() {
    let sandbox = Sandbox::new();
    let server = Raw::serve_heads(|head| {
        if head.contains("/open/") {
            http("200 OK", "", r#"{"v": 1}"#)
        } else {
            http("403 Forbidden", "", "")
        }
    });
    let closed = with_header("closed", &server.url(), "on_failure = \"null\"");
    job(&sandbox, 100, "", &(with_header("open", &server.url(), "") + &closed));
    run(&sandbox, RIGHT).with_code(0).saying("published 100 rows");
    assert_eq!(ends(&sandbox), ["closed,failed,403,100", "open,ok,200,100"]);
    // Asked again, as a person may, they are as right as before.
    let retried = with(&sandbox, ["retry", "keys", "--status", "403"], &[("TOKEN", RIGHT)]);
    retried.with_code(0).saying("100 failed");
    assert_eq!(server.asked(), 300);
}

#[test]
fn what_the_job_calls_missing_or_passing_is_no_refusal() {
    let sandbox = Sandbox::new();
    let server = guarded("403 Forbidden");
    job(&sandbox, 100, "", &with_header("one", &server.url(), "missing = [403]"));
    run(&sandbox, WRONG).with_code(0).saying("published 100 rows");
    assert_eq!(ends(&sandbox), ["one,missing,403,100"]);
    let sandbox = Sandbox::new();
    let limit = Raw::serve_heads(|_| http("403 Forbidden", "retry-after: 60\r\n", ""));
    job(&sandbox, 100, "", &with_header("one", &limit.url(), ""));
    run(&sandbox, RIGHT).with_code(1).saying("0 % of the records succeeded (0 of 100)");
}

#[test]
fn a_list_that_is_too_short_to_tell_names_the_secret_with_its_failures() {
    let sandbox = Sandbox::new();
    let server = guarded("401 Unauthorized");
    job(&sandbox, 19, "", &with_header("one", &server.url(), ""));
    let ended = run(&sandbox, WRONG).with_code(1);
    ended.saying("0 % of the records succeeded (0 of 19)").saying("401 Unauthorized, asked with ${TOKEN}");
    assert_eq!(server.asked(), 19);
    assert_eq!(ends(&sandbox), ["one,failed,401,19"]);
}

#[test]
fn a_secret_that_is_withdrawn_is_found_by_the_command_that_goes_on() {
    let sandbox = Sandbox::new();
    let server = guarded("401 Unauthorized");
    job(&sandbox, 300, "", &with_header("one", &server.url(), ""));
    let paused = with(&sandbox, ["run", "keys.toml", "--max-requests", "150"], &[("TOKEN", RIGHT)]);
    paused.with_code(7);
    stopped(run(&sandbox, WRONG), &server.url(), "${TOKEN}");
    let before = server.asked();
    run(&sandbox, RIGHT).with_code(0).saying("published 300 rows");
    assert!(server.asked() - before < 300, "what was committed is not asked again");
    assert_eq!((rows(&sandbox), ends(&sandbox)), ("300".to_owned(), vec!["one,ok,200,300".to_owned()]));
}

#[test]
fn a_shard_that_is_typed_by_hand_says_so_too() {
    let sandbox = Sandbox::new();
    let server = guarded("401 Unauthorized");
    job(&sandbox, 100, "", &with_header("one", &server.url(), ""));
    sandbox.run(["plan", "keys.toml"]).with_code(0);
    let ended = with(&sandbox, ["shard", "keys", "0"], &[("TOKEN", WRONG)]).with_code(2);
    ended.saying("asked with ${TOKEN}, were all 401 or 403").saying("hint: set the secret right");
    run(&sandbox, RIGHT).with_code(0).saying("published 100 rows");
    // A trial of enough records is told as well, and publishes nothing.
    let ended = with(&sandbox, ["run", "keys.toml", "--sample", "50"], &[("TOKEN", WRONG)]);
    ended.with_code(2).saying("asked with ${TOKEN}, were all 401 or 403");
}

#[test]
fn an_origin_that_is_sent_no_secret_is_not_suspected() {
    let sandbox = Sandbox::new();
    let other = Raw::serve_heads(|head| {
        assert!(!head.contains(RIGHT));
        http("401 Unauthorized", "", "")
    });
    let place = format!("location: {}/login\r\n", other.url().replace("127.0.0.1", "localhost"));
    let server = Raw::serve_heads(move |_| http("302 Found", &place, ""));
    job(&sandbox, 60, "", &with_header("one", &server.url(), ""));
    run(&sandbox, RIGHT).with_code(1).saying("0 % of the records succeeded (0 of 60)");
}

/// The value is the job's, and in the table; what is printed of it is for people.
#[test]
fn a_secret_that_an_answer_has_as_a_value_is_published_and_not_printed() {
    let server = Raw::serve_heads(|_| http("200 OK", "", format!(r#"{{"v": "sent: {RIGHT}"}}"#)));
    let sandbox = Sandbox::new();
    sandbox.asks_for_secrets();
    job(&sandbox, 3, "", &with_header("one", &server.url(), ""));
    let secrets = [("TOKEN", RIGHT)];
    let shown = |ended: &Ended| ended.stdout.matches("sent: ${TOKEN}").count();
    assert_eq!(
        shown(&with(&sandbox, ["check", "keys.toml"], &secrets).with_code(0)),
        7,
        "bodies, values and an example"
    );
    assert_eq!(shown(&with(&sandbox, ["run", "keys.toml"], &secrets).with_code(0)), 3);
    let database = sandbox.path().join("keys.duckdb");
    assert_eq!(published(&database, "SELECT DISTINCT one FROM keys"), [format!("sent: {RIGHT}")]);
    let short =
        "DROP TABLE keys; CREATE TABLE keys (id VARCHAR PRIMARY KEY, one VARCHAR CHECK (length(one) < 9))";
    duckdb::Connection::open(&database).unwrap().execute_batch(short).unwrap();
    let refused = with(&sandbox, ["run", "keys.toml", "--new"], &secrets).with_code(5);
    assert_eq!(refused.stderr.matches(r#"one = "sent: ${TOKEN}""#).count(), 3, "{}", refused.stderr);
}
