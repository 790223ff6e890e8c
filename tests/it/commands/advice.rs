//! What `windrow failures` advises for each kind is followed word for word: the keys that it names are written into the job,
//! its commands are run, and afterwards nothing fails.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::servers::raw::{Raw, http};
use crate::support::{Ended, Origin, Sandbox, ended};

const GOOD: &str = r#"{"v":"7","ok":true,"items":[1]}"#;

/// A kind of failure, how it comes about, and what the advice leaves to people.
struct Case {
    /// The id that fails: it says how the server answers.
    id: &'static str,
    /// The kind, and its status, as the advice is labelled.
    label: &'static str,
    /// Further keys of the endpoint.
    endpoint: &'static str,
    /// Further keys of the column.
    column: &'static str,
    /// What else is otherwise in the job from the beginning: text, and what stands in its place.
    job: &'static [(&'static str, &'static str)],
    /// Which alternative of the advice is followed.
    alternative: usize,
    /// What the person changes in the job: text, and what stands in its place.
    person: &'static [(&'static str, &'static str)],
    /// What the advice leaves to the server.
    once: &'static str,
}

const CASE: Case =
    Case { id: "", label: "", endpoint: "", column: "", job: &[], alternative: 0, person: &[], once: "" };

/// `/{id}`: what is wrong with an answer until the server is mended.
fn answer(path: &str, is_mended: bool) -> Vec<u8> {
    let good = || http("200 OK", "", GOOD);
    let (id, query) =
        path.trim_start_matches('/').split_once('?').unwrap_or((path.trim_start_matches('/'), ""));
    let to = |place: &str| http("302 Found", &format!("location: {place}\r\n"), "");
    match id {
        "slow" => {
            std::thread::sleep(Duration::from_millis(2600));
            good()
        }
        "deep" => http("200 OK", "", format!("{{\"v\":\"7\",\"d\":{}{}}}", "[".repeat(10), "]".repeat(10))),
        "large" => http("200 OK", "", format!("{{\"v\":\"7\",\"d\":\"{}\"}}", "x".repeat(3000))),
        "not_found" => http("404 Not Found", "", r#"{"error":"no such id"}"#),
        "bad_request" => http("400 Bad Request", "", r#"{"error":"write /ok/{id}"}"#),
        "moved" => http("302 Found", "", ""),
        "far" => to("/1"),
        "1" | "2" | "3" | "4" | "5" | "6" => to(&format!("/{}", id.parse::<u32>().unwrap() + 1)),
        "posted" => to("/good"),
        "no_value" => http("200 OK", "", r#"{"v":"N/A"}"#),
        "thousands" => http("200 OK", "", r#"{"v":"1,071"}"#),
        "day" => http("200 OK", "", r#"{"v":"24 Mar 1972"}"#),
        "odd" => http("200 OK", "", r#"{"v":"x"}"#),
        "null" => http("200 OK", "", r#"{"v":null}"#),
        "many_pages" => {
            let page: u32 = query.rsplit('=').next().and_then(|page| page.parse().ok()).unwrap_or(1);
            let next =
                if page < 5 { format!(r#","next":"/many_pages?page={}""#, page + 1) } else { String::new() };
            http("200 OK", "", format!(r#"{{"items":[{page}]{next}}}"#))
        }
        _ if is_mended => good(),
        "hangs_up" => Vec::new(),
        "no_http" => b"\x16\x03\x01 this is no HTTP\r\n\r\n".to_vec(),
        "wrong_gzip" => http("200 OK", "content-encoding: gzip\r\n", GOOD),
        "maintenance" => {
            http("200 OK", "content-type: text/html\r\n", "<html><body>We'll be back</body></html>")
        }
        "pdf" => http("200 OK", "", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"),
        "busy" => http("200 OK", "", r#"{"v":"7","ok":false}"#),
        "broken" => http("503 Service Unavailable", "", ""),
        "limited" => http("429 Too Many Requests", "", ""),
        "later" => http("202 Accepted", "", ""),
        "circle" => http("200 OK", "", r#"{"items":[1],"next":"/circle"}"#),
        _ => good(),
    }
}

/// Every kind that one answer brings about.
const CASES: &[Case] = &[
    Case { id: "slow", label: "timeout", endpoint: "timeout = \"2s\"", ..CASE },
    Case { id: "hangs_up", label: "reset", once: "once the server is well", ..CASE },
    Case {
        id: "hangs_up",
        label: "reset",
        endpoint: "method = \"POST\"\nbody = \"x\"",
        once: "once you know that the server has not acted on it",
        ..CASE
    },
    Case { id: "no_http", label: "protocol", once: "once the server is mended", ..CASE },
    Case { id: "wrong_gzip", label: "decode", once: "once the server is mended", ..CASE },
    Case { id: "maintenance", label: "not_json", once: "once the server answers JSON again", ..CASE },
    Case {
        id: "busy",
        label: "not_ok",
        endpoint: "ok = \".ok\"",
        once: "once the server answers as it should",
        ..CASE
    },
    Case { id: "broken", label: "status 503", once: "once the server is well", ..CASE },
    Case { id: "limited", label: "status 429", once: "once the server takes more", ..CASE },
    Case { id: "later", label: "status 202", once: "once the server has it", ..CASE },
    Case {
        id: "limited",
        label: "status 429",
        endpoint: "method = \"POST\"\nbody = \"x\"",
        once: "once the server takes more",
        ..CASE
    },
    Case { id: "bad_request", label: "status 400", person: &[("/{id}", "/ok/{id}")], ..CASE },
    Case { id: "moved", label: "redirect", person: &[("/{id}", "/ok/{id}")], ..CASE },
    Case { id: "far", label: "redirect", ..CASE },
    Case { id: "posted", label: "redirect", endpoint: "method = \"POST\"\nbody = \"x\"", ..CASE },
    Case { id: "large", label: "too_large", endpoint: "max_answer = \"1KiB\"", ..CASE },
    Case { id: "deep", label: "too_deep", endpoint: "max_depth = 4", ..CASE },
    Case {
        id: "pdf",
        label: "content_type",
        endpoint: "format = \"text\"",
        alternative: 1,
        once: "once the server is mended",
        job: &[("{ jq = \".v\" }", "'(.*)'")],
        ..CASE
    },
    Case {
        id: "odd",
        label: "extract",
        job: &[("\".v\"", "\".v | tonumber\"")],
        person: &[("\".v | tonumber\"", "\".v\"")],
        ..CASE
    },
    Case {
        id: "null",
        label: "null",
        column: ", not_null = true",
        person: &[(", not_null = true", "")],
        ..CASE
    },
    Case { id: "not_found", label: "status 404", ..CASE },
    Case { id: "no_value", label: "convert", column: ", type = \"bigint\"", ..CASE },
    Case { id: "thousands", label: "convert", column: ", type = \"bigint\"", ..CASE },
    Case { id: "day", label: "convert", column: ", type = \"date\"", ..CASE },
];

/// A server, and what mends it.
fn server() -> (Raw, Arc<AtomicBool>) {
    let mended = Arc::new(AtomicBool::new(false));
    let flag = mended.clone();
    (Raw::serve(move |path| answer(path, flag.load(Ordering::SeqCst))), mended)
}

fn write_job(sandbox: &Sandbox, url: &str, settings: &str, endpoint: &str, column: &str) {
    let job = format!(
        r#"[job]
name = "shop"
retry_rounds = 0
patience = "1s"
{settings}

[input]
file = "ids.csv"

[[endpoint]]
url = "{url}"
retry = {{ attempts = 1 }}
{endpoint}
[endpoint.columns]
v = {{ jq = ".v"{column} }}

[table]
to = "duckdb:shop.duckdb"

[publish]
min_success = 0
"#
    );
    sandbox.write("shop.toml", job);
}

/// What is advised, by its label; of several alternatives each.
#[track_caller]
fn advised(failures: &Ended, label: &str) -> Vec<String> {
    let begin = format!("hint: {label}: ");
    let line = failures.stderr.lines().find_map(|line| line.strip_prefix(&begin));
    let line = line.unwrap_or_else(|| panic!("no advice for {label} in\n{}", failures.stderr));
    let (_, todo) = line.split_once(": ").expect("what it means, and what to do");
    todo.split("; or ").map(str::to_owned).collect()
}

/// What stands in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Writes the keys that are advised to where it says.
#[track_caller]
fn change(sandbox: &Sandbox, advice: &str) {
    for key in quoted(advice).filter(|word| word.contains(" = ")) {
        if advice.contains("in column v") {
            sandbox.edit("shop.toml", "v = { jq = \".v\"", &format!("v = {{ jq = \".v\", {key}"));
        } else if advice.contains("in `pages`") {
            sandbox.edit("shop.toml", "max = 3", key);
        } else {
            assert!(advice.contains("in the endpoint"), "{advice}");
            let name = key.split(' ').next().unwrap();
            let job = std::fs::read_to_string(sandbox.path().join("shop.toml")).unwrap();
            let without: Vec<&str> =
                job.lines().filter(|line| !line.starts_with(&format!("{name} = "))).collect();
            sandbox.write("shop.toml", without.join("\n"));
            sandbox.edit("shop.toml", "[endpoint.columns]", &format!("{key}\n[endpoint.columns]"));
        }
    }
}

/// Runs the commands that are advised, and publishes; nothing fails any more.
#[track_caller]
fn follow(sandbox: &Sandbox, advice: &str) {
    let commands: Vec<&str> = quoted(advice).filter_map(|word| word.strip_prefix("windrow ")).collect();
    assert!(!commands.is_empty(), "{advice}");
    for command in &commands {
        sandbox.run(command.split_whitespace()).with_code(0);
    }
    if commands.iter().any(|command| command.starts_with("retry") || command.starts_with("extract")) {
        sandbox.run(["merge", "shop"]).with_code(0).saying("published");
    }
    sandbox.run(["failures", "shop"]).with_code(0).saying("shop: nothing failed");
    assert_eq!(
        sandbox.query("shop", "SELECT count(*) FROM requests WHERE status NOT IN ('ok', 'missing')"),
        ["0"]
    );
}

/// The advice for what failed in the newest run.
#[track_caller]
fn failures(sandbox: &Sandbox) -> Ended {
    let failures = sandbox.run(["failures", "shop"]).with_code(0);
    assert_eq!(failures.stderr.matches("--list lists").count(), 1, "{}", failures.stderr);
    failures
}

#[track_caller]
fn is_followed(case: &Case) {
    let (sandbox, (server, mended)) = (Sandbox::new(), server());
    let good = if case.id == "day" { "null" } else { "ok" };
    sandbox.write("ids.csv", format!("id\n{good}\n{}\n", case.id));
    let url = format!("{}/{{id}}", server.url());
    write_job(&sandbox, &url, "", case.endpoint, case.column);
    for (text, instead) in case.job {
        sandbox.edit("shop.toml", text, instead);
    }
    sandbox.run(["run", "shop.toml"]).with_code(0);
    let advice = advised(&failures(&sandbox), case.label);
    let advice = advice.get(case.alternative).unwrap_or_else(|| panic!("{advice:?}"));
    assert!(advice.contains(case.once), "{advice}");
    change(&sandbox, advice);
    for (text, instead) in case.person {
        sandbox.edit("shop.toml", text, instead);
    }
    mended.store(!case.once.is_empty(), Ordering::SeqCst);
    follow(&sandbox, advice);
}

#[test]
fn what_is_advised_for_each_kind_ends_well() {
    for case in CASES {
        println!("{} of {}", case.label, case.id);
        is_followed(case);
    }
}

/// Runs a job of one bad id and follows the advice for it, `mend` in between.
#[track_caller]
fn is_followed_by(sandbox: &Sandbox, label: &str, alternative: usize, mend: impl FnOnce()) {
    let advice = advised(&failures(sandbox), label);
    let advice = advice.get(alternative).unwrap_or_else(|| panic!("{advice:?}"));
    change(sandbox, advice);
    mend();
    follow(sandbox, advice);
}

#[test]
fn where_nothing_is_at_any_url_the_url_is_mended() {
    let (sandbox, (server, _)) = (Sandbox::new(), server());
    sandbox.write("ids.csv", "id\na\nb\n");
    write_job(&sandbox, &format!("{}/not_found?{{id}}", server.url()), "", "", "");
    sandbox.run(["run", "shop.toml"]).with_code(0);
    let advice = advised(&failures(&sandbox), "status 404");
    assert!(advice[0].starts_with("all are: mend `url`"), "{advice:?}");
    is_followed_by(&sandbox, "status 404", 0, || sandbox.edit("shop.toml", "/not_found?", "/"));
}

#[test]
fn a_secret_that_is_refused_is_named() {
    let (sandbox, (server, _)) = (Sandbox::new(), letting_in());
    sandbox.write("ids.csv", "id\na\nb\n");
    let auth = "auth = { bearer = \"${SHOP_TOKEN}\" }";
    write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", auth, "");
    sandbox.write("wrong.env", "SHOP_TOKEN=not-the-token\n");
    sandbox.write("shop.env", "SHOP_TOKEN=the-token-itself\n");
    sandbox.run(["run", "shop.toml", "--env-file", "wrong.env"]).with_code(0);
    let advice = advised(&failures(&sandbox), "status 401");
    assert_eq!(advice[0], "asked with ${SHOP_TOKEN}: set it right, then `windrow retry shop --status 401`");
    sandbox.run(["retry", "shop", "--status", "401", "--env-file", "shop.env"]).with_code(0);
    sandbox.run(["failures", "shop"]).with_code(0).saying("shop: nothing failed");
}

/// A server that wants a token.
fn letting_in() -> (Raw, ()) {
    let serve = |head: &str| match head.contains("the-token-itself") {
        true => http("200 OK", "", GOOD),
        false => http("401 Unauthorized", "", ""),
    };
    (Raw::serve_heads(serve), ())
}

/// A job over whole URLs, of which one is at a host of its own.
fn job_over(sandbox: &Sandbox, good: &Raw, bad: &str, endpoint: &str) {
    sandbox.write("ids.csv", format!("id,page\na,{}/a\nb,{bad}\n", good.url()));
    let hosts = "hosts = [\"127.0.0.1\", \"localhost\", \"*.invalid\"]";
    write_job(sandbox, "{page:url}", "", &format!("{hosts}\n{endpoint}"), "");
    sandbox.edit("shop.toml", "[[endpoint]]", "id = \"id\"\n[[endpoint]]");
    sandbox.run(["run", "shop.toml"]).with_code(0);
}

#[test]
fn a_host_that_is_not_found_is_mended_in_the_list() {
    let (sandbox, (server, _)) = (Sandbox::new(), server());
    job_over(&sandbox, &server, "http://nowhere.invalid/b", "");
    let list = format!("id,page\na,{0}/a\nb,{0}/b\n", server.url());
    is_followed_by(&sandbox, "dns", 1, || drop(sandbox.write("ids.csv", list)));
}

#[test]
fn a_host_that_comes_back_is_asked_again() {
    let (sandbox, (server, _)) = (Sandbox::new(), server());
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    job_over(&sandbox, &server, &format!("http://127.0.0.1:{port}/b"), "");
    is_followed_by(&sandbox, "connect", 0, || serve_good_on(port));
}

#[test]
fn a_host_that_was_down_all_the_time_is_asked_again() {
    let (sandbox, (server, _)) = (Sandbox::new(), server());
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    job_over(&sandbox, &server, &format!("http://127.0.0.1:{port}/b"), "");
    let more: String = (0..40).map(|id| format!("c{id},http://127.0.0.1:{port}/{id}\n")).collect();
    sandbox.write("ids.csv", format!("id,page\na,{}/a\n{more}", server.url()));
    // So few at once that most are left until it is known that the host is down.
    sandbox.edit("shop.toml", "patience", "in_flight = 2\npatience");
    sandbox.run(["run", "shop.toml", "--new"]).with_code(0);
    let told = failures(&sandbox);
    let advice = advised(&told, "host_down");
    assert_eq!(advice, ["`windrow retry shop --kind host_down` once the server is back"]);
    serve_good_on(port);
    sandbox.run(["retry", "shop", "--kind", "host_down"]).with_code(0);
    if told.stderr.contains("hint: connect: ") {
        // Those that found out that it is down.
        sandbox.run(["retry", "shop", "--kind", "connect"]).with_code(0);
    }
    sandbox.run(["failures", "shop"]).with_code(0).saying("shop: nothing failed");
}

#[test]
fn a_record_that_ended_its_process_is_asked_again_as_advised() {
    for alternative in [0, 1] {
        let (sandbox, (server, _)) = (Sandbox::new(), server());
        sandbox.write("ids.csv", "id\na\nb\n");
        write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", "", "");
        sandbox.run(["plan", "shop.toml"]).with_code(0);
        // As its supervisor starts it when the record has ended two processes.
        sandbox.run(["shard", "shop", "0", "--crashed", "1:shop"]).with_code(0);
        sandbox.run(["run", "shop.toml"]).with_code(0);
        is_followed_by(&sandbox, "crashed", alternative, || {});
    }
}

#[test]
fn a_run_that_waits_for_a_token_goes_on_as_advised() {
    let sandbox = Sandbox::new();
    let mended = Arc::new(AtomicBool::new(false));
    let gives = mended.clone();
    let server = Raw::serve(move |path| match path {
        "/token" if gives.load(Ordering::SeqCst) => {
            http("200 OK", "", r#"{"access_token":"t","token_type":"Bearer","expires_in":600}"#)
        }
        "/token" => http("503 Service Unavailable", "", ""),
        _ => http("200 OK", "", GOOD),
    });
    sandbox.write("ids.csv", "id\na\nb\n");
    sandbox.write("shop.env", "SHOP_SECRET=nobody-knows-it\n");
    write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", "auth = \"shop\"", "");
    let auth = format!(
        "[auth.shop]\ngrant_type = \"client_credentials\"\ntoken_url = \"{}/token\"\nclient_id = \"me\"\n\
         client_secret = \"${{SHOP_SECRET}}\"\n\n[table]",
        server.url()
    );
    sandbox.edit("shop.toml", "[table]", &auth);
    sandbox
        .run(["run", "shop.toml", "--env-file", "shop.env"])
        .with_code(75)
        .saying("`windrow run shop.toml` goes on");
    mended.store(true, Ordering::SeqCst);
    sandbox.run(["run", "shop.toml", "--env-file", "shop.env"]).with_code(0);
    sandbox.run(["failures", "shop"]).with_code(0).saying("shop: nothing failed");
}

/// A server that comes back on its port.
fn serve_good_on(port: u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            // The head of a request comes in one piece.
            let read = stream.read(&mut head);
            let _ = read.and_then(|_| stream.write_all(&http("200 OK", "", GOOD)));
        }
    });
}

#[test]
fn an_authority_of_ones_own_is_trusted_as_advised() {
    let (sandbox, (server, _)) = (Sandbox::new(), server());
    let origin = Origin::start(&["--tls"]);
    job_over(&sandbox, &server, &format!("https://localhost:{}/business/tt0000001", origin.port), "");
    is_followed_by(&sandbox, "tls", 1, || {
        sandbox.write("ca.pem", std::fs::read(&origin.authority).unwrap());
    });
}

#[test]
fn pages_that_are_too_many_or_go_round_are_mended() {
    for (id, alternative) in [("many_pages", 0), ("circle", 1)] {
        let (sandbox, (server, mended)) = (Sandbox::new(), server());
        sandbox.write("ids.csv", format!("id\n{id}\n"));
        let pages = "rows = \".items[]\"\npages = { next = \".next\", max = 3 }";
        write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", pages, "");
        sandbox.edit("shop.toml", "\".v\"", "\".\"");
        sandbox.edit("shop.toml", "[table]", "[table]\nmode = \"append\"");
        sandbox.run(["run", "shop.toml"]).with_code(0);
        is_followed_by(&sandbox, "pages", alternative, || mended.store(true, Ordering::SeqCst));
    }
}

#[test]
fn a_program_and_a_list_are_mended_by_who_wrote_them() {
    let (sandbox, (server, _)) = (Sandbox::new(), server());
    sandbox.write("ids.csv", "id\na\n");
    let reply = "import json, sys\nfor line in sys.stdin:\n    asked = json.loads(line)\n    ";
    let program = |reply_with: &str| {
        format!("{reply}print(json.dumps({{'ordinal': asked['ordinal'], {reply_with}}}), flush=True)\n")
    };
    sandbox.write("parse.py", program("'error': 'no idea'"));
    let pipe = "pipe = [\"python3\", \"parse.py\"]";
    write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", pipe, "");
    sandbox.run(["run", "shop.toml"]).with_code(0);
    is_followed_by(&sandbox, "pipe", 0, || drop(sandbox.write("parse.py", program("'answer': {'v': 1}"))));

    let (sandbox, url) = (Sandbox::new(), format!("{}/{{id}}", server.url()));
    sandbox.write("ids.csv", "id\na\n\"b\u{7f}c\"\n");
    write_job(&sandbox, &url, "", "headers = { x-id = \"{id}\" }", "");
    sandbox.run(["run", "shop.toml"]).with_code(0);
    is_followed_by(&sandbox, "template", 0, || drop(sandbox.write("ids.csv", "id\na\nbc\n")));
}

#[test]
fn what_depends_on_a_failure_is_asked_again_with_it() {
    let (sandbox, (server, mended)) = (Sandbox::new(), server());
    sandbox.write("ids.csv", "id\na\nbroken\n");
    write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", "name = \"one\"", "");
    let second = format!(
        "[[endpoint]]\nname = \"two\"\nurl = \"{}/{{one.v}}\"\ncolumns = {{ w = \".v\" }}\n\n[table]",
        server.url()
    );
    sandbox.edit("shop.toml", "[table]", &second);
    sandbox.edit("shop.toml", "file = \"ids.csv\"", "file = \"ids.csv\"\nid = \"id\"");
    sandbox.run(["run", "shop.toml"]).with_code(0);
    let advice = advised(&failures(&sandbox), "dependency of two");
    assert_eq!(advice, ["see to what it depends on: it is asked again together with that"]);
    is_followed_by(&sandbox, "status 503 of one", 0, || mended.store(true, Ordering::SeqCst));
}

/// What waits has a line of its own, is no failure, and goes on by the command that is named.
#[track_caller]
fn goes_on(sandbox: &Sandbox, waits: &str) {
    let ended = sandbox.run(["failures", "shop"]).with_code(0).saying("shop: nothing failed").saying(waits);
    assert_eq!(ended.stdout, "");
    assert!(!ended.stderr.contains("windrow retry"), "{}", ended.stderr);
    let hint = ended.stderr.lines().find(|line| line.ends_with(" goes on")).expect("a hint");
    assert_eq!(hint, "hint: `windrow run shop.toml` goes on");
}

#[test]
fn what_waits_goes_on_as_advised() {
    let (sandbox, (server, _)) = (Sandbox::new(), server());
    sandbox.write("ids.csv", "id\na\nb\nc\n");
    write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", "", "");
    sandbox.run(["run", "shop.toml", "--max-requests", "1"]).with_code(7);
    goes_on(&sandbox, "shop: 2 requests wait: --max-requests was used up");
    follow(&sandbox, "`windrow run shop.toml`");
}

#[test]
fn a_quota_is_named_with_the_time_when_it_renews() {
    let (sandbox, (server, _)) = (Sandbox::new(), server());
    sandbox.write("ids.csv", "id\na\nb\nc\n");
    write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", "limit = \"shop\"", "");
    sandbox.edit("shop.toml", "[table]", "[limit.shop]\nquota = \"2/day\"\n\n[table]");
    sandbox.run(["run", "shop.toml"]).with_code(7);
    goes_on(&sandbox, "shop: 1 request waits: the quota of shop is used up until 20");
    sandbox.edit("shop.toml", "2/day", "20/day");
    follow(&sandbox, "`windrow run shop.toml`");
}

#[test]
fn a_command_can_be_pasted_though_paths_have_spaces() {
    let (sandbox, (server, mended)) = (Sandbox::new(), server());
    sandbox.write("my jobs/ids.csv", "id\nok\nbroken\n");
    write_job(&sandbox, &format!("{}/{{id}}", server.url()), "", "", "");
    let job = std::fs::read_to_string(sandbox.path().join("shop.toml")).unwrap();
    sandbox.write("my jobs/it's.toml", job);
    std::fs::remove_file(sandbox.path().join("shop.toml")).unwrap();
    sandbox.run(["run", "my jobs/it's.toml"]).with_code(0);
    let failures = sandbox.run(["failures", "my jobs/it's.toml"]).with_code(0);
    let advice = advised(&failures, "status 503");
    let command = quoted(&advice[0]).find(|word| word.starts_with("windrow ")).unwrap();
    assert!(command.contains("'my jobs/shards/shop/"), "{command}");
    mended.store(true, Ordering::SeqCst);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &command.replacen("windrow", env!("CARGO_BIN_EXE_windrow"), 1)]);
    sandbox.confine(&mut shell);
    ended(shell).with_code(0);
    sandbox.run(["failures", "my jobs/it's.toml"]).with_code(0).saying("shop: nothing failed");
}
