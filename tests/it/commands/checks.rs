//! `windrow check`: what a person sees of requests, answers and columns, and lines that ask the same with curl.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use super::screens::printed;
use crate::servers::raw::{Raw, http};
use crate::support::{Ended, Sandbox};

const JSON: &str = "content-type: application/json\r\n";

/// A job of one endpoint about these ids.
fn write_job(sandbox: &Sandbox, ids: &[&str], endpoint: &str) {
    let job = format!(
        "input = {{ ids = {ids:?}, id = \"id\" }}\ntable = {{ to = \"duckdb:t.duckdb\", mode = \"append\" }}\n\
         [[endpoint]]\nretry = {{ attempts = 1 }}\n{endpoint}\n"
    );
    sandbox.write("films.toml", job);
}

/// What was printed, without port and times.
fn steady(text: &str, port: u16) -> String {
    let line = |line: &str| match line.rsplit_once(", ") {
        Some((begin, time)) if time.ends_with(" ms") => format!("{begin}, TIME"),
        _ => line.replace(&format!("127.0.0.1:{port}"), "HOST"),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn films() -> Raw {
    Raw::serve(|path| match path {
        "/tt2" => http("404 Not Found", "content-type: text/plain\r\n", "no such film\x1b[31m"),
        _ => {
            http("200 OK", JSON, r#"{"Title": "The Godfather", "Year": 1972, "Genres": ["Crime", "Drama"]}"#)
        }
    })
}

const FILMS: &str = "missing = [404]\nheaders = { x-id = \"{id}\", x-key = \"${KEY}\" }\n[endpoint.columns]\n\
                     title = \".Title\"\nyear = { jq = \".Yaer\", type = \"integer\" }";

fn checked(sandbox: &Sandbox, words: &[&str], secrets: &[(&str, &str)]) -> Ended {
    let mut command = sandbox.command(words);
    command.envs(secrets.iter().copied());
    crate::support::ended(command)
}

#[test]
fn requests_answers_and_columns_are_laid_out() {
    let (sandbox, server) = (Sandbox::new(), films());
    sandbox.asks_for_secrets();
    write_job(
        &sandbox,
        &["tt1", "tt2"],
        &format!("name = \"films\"\nurl = \"{}/{{id}}\"\n{FILMS}", server.url()),
    );
    let key = [("KEY", "s3cr3tkey")];
    checked(&sandbox, &["check", "films.toml", "--curl"], &key)
        .with_code(0)
        .saying("hint: the curl lines read KEY from the shell's environment: export it");
    let ended = checked(&sandbox, &["check", "films.toml"], &key).with_code(0);
    insta::assert_snapshot!(steady(&ended.stdout, server.port), @r#"
    films: sent with every request
        > host: HOST
        > user-agent: windrow/0.1.0
        > accept: application/json, */*;q=0.5
        > accept-encoding: gzip, br, zstd, deflate
        > x-key: (secret)

    id = tt1

      films
        > GET http://HOST/tt1
        > x-id: tt1
        200, 70 B, application/json, TIME
        < {
        <   "Title": "The Godfather",
        <   "Year": 1972,
        <   "Genres": ["Crime", "Drama"]
        < }
        title  The Godfather
        year   NULL

    id = tt2

      films
        > GET http://HOST/tt2
        > x-id: tt2
        404, 17 B, text/plain, TIME
        missing
        < no such film\u{1b}[31m
        title  NULL
        year   NULL

    films: columns over 1 row
      column  type     looks for  nulls   example
      title   text     .Title     0 of 1  The Godfather
      year    integer  .Yaer      1 of 1
    "#);
    insta::assert_snapshot!(ended.stderr, @r"
    windrow: year is null in the only row: .Yaer found nothing; the answers have .Year
    films: the job is valid, but 1 column is null in every row; nothing was written
    next: windrow run films.toml --sample 10
    ");
}

#[test]
fn colours_are_for_terminals_that_show_them() {
    let (sandbox, server) = (Sandbox::new(), films());
    sandbox.asks_for_secrets();
    write_job(
        &sandbox,
        &["tt1", "tt2"],
        &format!("name = \"films\"\nurl = \"{}/{{id}}\"\n{FILMS}", server.url()),
    );
    let on_terminal = |variables: &[(&str, &str)]| {
        let mut command = sandbox.command(["check", "films.toml"]);
        command
            .env("KEY", "s3cr3tkey")
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied());
        printed(command, 80)
    };
    let colours = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("\u{1b}[").count();
    let shown = on_terminal(&[]);
    let text = String::from_utf8_lossy(&shown.bytes).into_owned();
    assert!(text.contains("\u{1b}[1m    > GET http://"), "{text:?}");
    assert!(text.contains("\u{1b}[31m    404, ") && !text.contains("no such film\u{1b}"), "{text:?}");
    assert!(shown.lines().iter().any(|line| line.contains("year    integer  .Yaer")), "{:#?}", shown.lines());
    assert_eq!(colours(&on_terminal(&[("NO_COLOR", "1")]).bytes), 0);
    assert_eq!(colours(&on_terminal(&[("TERM", "dumb")]).bytes), 0);
    let piped = checked(&sandbox, &["check", "films.toml"], &[("KEY", "s3cr3tkey"), ("TERM", "xterm")]);
    assert_eq!(colours(piped.with_code(0).stdout.as_bytes()), 0);
}

/// Wherever columns are taken from.
#[test]
fn a_column_that_is_null_everywhere_is_told_with_what_is_meant() {
    let sandbox = Sandbox::new();
    let server = Raw::serve(|path| match path {
        "/rows" => http("200 OK", JSON, r#"{"data":{"list":[{"Name":"a"},{"Name":"b"}]}}"#),
        "/nest" => http("200 OK", JSON, r#"{"ratings":{"imdb_votes":7}}"#),
        "/null" => http("200 OK", JSON, r#"{"x":null}"#),
        _ => http("200 OK", JSON, r#"{"items":[{"id":"a","Size":1},{"id":"b","Size":2}]}"#),
    });
    let url = server.url();
    for (ids, endpoint, expected, verdict) in [
        (
            &["rows"][..],
            format!("url = \"{url}/{{id}}\"\nrows = \".data.list[]\"\ncolumns = {{ n = \".name\" }}"),
            "windrow: n is null in all 2 rows: .name found nothing; the answers have .Name\n",
            "but 1 column is null in every row; nothing was written",
        ),
        (
            &["nest"],
            format!("url = \"{url}/{{id}}\"\ncolumns = {{ v = \".rating.imdb_votes\", w = \".x\" }}"),
            "windrow: v is null in the only row: .rating.imdb_votes found nothing; the answers have .ratings.imdb_votes\n\
             windrow: w is null in the only row: .x found nothing\n",
            "but 2 columns are null in every row",
        ),
        (
            &["a", "b"],
            format!(
                "url = \"{url}/?ids={{id}}\"\nbatch = {{ size = 10, column = \"id\", split = \".items[]\", match = \".id\" }}\n\
                 columns = {{ s = \".size\" }}"
            ),
            "windrow: s is null in all 2 rows: .size found nothing; the answers have .Size\n",
            "but 1 column is null in every row",
        ),
        (
            &["null"],
            format!("url = \"{url}/{{id}}\"\ncolumns = {{ x = \".x\" }}"),
            "x is null in the only row",
            "",
        ),
    ] {
        write_job(&sandbox, ids, &format!("name = \"films\"\n{endpoint}"));
        sandbox.run(["check", "films.toml"]).with_code(0).saying(expected).saying(verdict);
    }
    let told = sandbox.run(["check", "films.toml", "-f", "json"]).with_code(0).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let x = &told["columns"][0];
    assert_eq!(
        (&x["column"], &x["nulls"], &x["rows"], &x["type"]),
        (&"x".into(), &1.into(), &1.into(), &"text".into())
    );
}

/// A server that notes whole requests.
struct Recorder {
    port: u16,
    seen: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Recorder {
    fn start() -> Recorder {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let noted = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // One that is only opened.
                let Some(request) = whole_request(&mut stream) else { continue };
                noted.lock().unwrap().push(request);
                stream.write_all(&http("200 OK", JSON, r#"{"v": 1}"#)).unwrap();
            }
        });
        Recorder { port, seen }
    }

    fn taken(&self) -> Vec<Vec<String>> {
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap());
        seen.sort();
        seen
    }
}

/// The request line, its headers in order of their names, but for those that are each client's own, and the body.
fn whole_request(stream: &mut TcpStream) -> Option<Vec<String>> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().lines();
    let line = lines.next().unwrap().to_owned();
    let lower = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}:{value}", name.to_lowercase())
    };
    let mut headers: Vec<String> = lines.map(lower).collect();
    let length = headers.iter().find_map(|header| header.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    headers.retain(|header| !header.starts_with("accept-encoding:") && !header.starts_with("connection:"));
    headers.sort();
    Some([vec![line], headers, vec![String::from_utf8(body).unwrap()]].concat())
}

/// Secrets that are spelled otherwise in URLs, forms and JSON.
const SECRETS: [(&str, &str); 3] =
    [("KEY", "s3 cr/t&+\"\\~*é$x`'%41!()"), ("ASCII", "k\"e'y $(x) \\n!"), ("PLAIN", "sesame-open_1.2")];

#[test]
fn lines_for_curl_ask_what_windrow_asks() {
    let ids =
        ["it's", "a b", "ü", "$HOME", "`id`", "\"q\"", "[1-3]", "{a,b}", "!x", "-d", "@films.toml", "a\\b"];
    let large = "x'\u{e9}".repeat(60_000);
    for endpoint in [
        "url = \"ORIGIN/f/{id}\"\nparams = { q = \"{id}\", \"filter[x]\" = \"${KEY}\", p = \"${PLAIN}\" }".to_owned(),
        "url = \"ORIGIN/f\"\nauth = { bearer = \"${PLAIN}\" }\njson = { a = \"{id} ${KEY}\", b = [1, \"${PLAIN}\"] }".to_owned(),
        "url = \"ORIGIN/f\"\nauth = { basic = \"me:${ASCII}\" }\nform = { a = \"{id}\", b = \"${KEY}\" }".to_owned(),
        "url = \"ORIGIN/f\"\nheaders = { x-key = \"a ${ASCII}'b\", accept = \"text/x, */*\", accept-encoding = \"gzip\" }\n\
         body = \"@{id}\\n\\t\\u001b[31m\\r\\n!\\\\n \\u202e\\u0085'\\\"$(id)\"".to_owned(),
        "url = \"ORIGIN/f?i={id}\"\nmethod = \"POST\"".to_owned(),
        "url = \"ORIGIN/f?i={id}\"\nmethod = \"PUT\"\nheaders = { content-type = \"text/x\" }".to_owned(),
        "url = \"ORIGIN/f?i={id}\"\nmethod = \"DELETE\"".to_owned(),
        format!("url = \"ORIGIN/f?i={{id}}\"\nmethod = \"PATCH\"\nbody = \"{large}\""),
    ] {
        let (sandbox, recorder) = (Sandbox::new(), Recorder::start());
        sandbox.asks_for_secrets();
        let endpoint = endpoint.replace("ORIGIN", &format!("http://127.0.0.1:{}", recorder.port));
        let few = if endpoint.len() > 1000 { &ids[..1] } else { &ids[..] };
        write_job(&sandbox, few, &format!("name = \"films\"\n{endpoint}\ncolumns = {{ v = \".v\" }}"));
        let shown = checked(&sandbox, &["check", "films.toml", "--curl", "--sample", "20"], &SECRETS).with_code(0).stdout;
        for (name, value) in SECRETS {
            assert!(!shown.contains(value), "{name}");
        }
        let lines: Vec<&str> = shown
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with("curl ") || line.starts_with("printf "))
            .collect();
        assert_eq!(lines.len(), few.len(), "{shown}");
        let asked = recorder.taken();
        assert_eq!(asked.len(), few.len());
        sandbox.write("lines.sh", lines.join("\n"));
        let mut bash = Command::new("bash");
        sandbox.confine(&mut bash);
        bash.arg("-e").arg("lines.sh").envs(SECRETS).env("LC_ALL", "C").current_dir(sandbox.path());
        let said = bash.output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let curled = recorder.taken();
        for (ours, theirs) in asked.iter().zip(&curled) {
            assert!(ours == theirs, "{ours:#?}\n{theirs:#?}\n{}", if large.len() < shown.len() { "" } else { &shown });
        }
        assert_eq!(asked.len(), curled.len());
    }
}

#[test]
fn what_no_line_can_ask_is_said() {
    let (sandbox, recorder) = (Sandbox::new(), Recorder::start());
    let url = format!("url = \"http://127.0.0.1:{}/f?i={{id}}\"", recorder.port);
    write_job(
        &sandbox,
        &["a"],
        &format!("name = \"films\"\n{url}\nbody = \"a\\u0000b\"\ncolumns = {{ v = \".v\" }}"),
    );
    let shown = sandbox.run(["check", "films.toml", "--curl"]).with_code(0).stdout;
    assert!(shown.contains("/f?i=a: no curl line: it holds the character U+0000"), "{shown}");
}
