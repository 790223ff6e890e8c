//! Characters that steer a terminal, turn around what is read, or are not seen: in everything that a server, a list, a job file,
//! a file's name or a word of the command line may bring. None reaches a stream, whether that is a terminal or not; values for
//! programs (CSV) stay as they are.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use nix::pty::openpty;
use regex::Regex;

use crate::servers::raw::{Raw, http};
use crate::support::{Sandbox, ended};

/// An escape sequence, a bell, a carriage return, C1, directions, what is not seen, and a tag.
const STEERING: &str = "\u{1b}]0;PWN\u{7}\r\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}\u{7f}\u{e0041}";

fn without_return() -> String {
    STEERING.replace('\r', "")
}

/// What of it a header, a file's name or an argument may hold.
const IN_HEADERS: &str = "\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}";

/// What of it a path or a name in a job may hold.
const IN_NAMES: &str = "\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}";

/// Fails the test where a stream has one of them. On a terminal windrow moves the cursor and colors its words itself.
#[track_caller]
fn assert_harmless(what: &str, stream: &[u8], is_terminal: bool) {
    let text = String::from_utf8(stream.to_vec()).expect("a stream is UTF-8");
    let own = Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]|\r").unwrap();
    let text = if is_terminal { own.replace_all(&text, "") } else { text.into() };
    let steers = |letter: &char| {
        letter.is_control() && !matches!(letter, '\n' | '\t')
            || STEERING.contains(*letter) && !letter.is_ascii()
    };
    let found: Vec<char> = text.chars().filter(steers).collect();
    assert!(found.is_empty(), "{what}: {found:?} in\n{}", text.escape_debug());
}

/// Runs a command as in a script, and as on a terminal.
#[track_caller]
fn try_both(sandbox: &Sandbox, arguments: &[&str]) {
    let what = format!("{arguments:?}");
    let ended = ended(sandbox.command(arguments));
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert_harmless(&what, ended.stdout.as_bytes(), false);
    assert_harmless(&what, ended.stderr.as_bytes(), false);
    let terminal = openpty(None, None).unwrap();
    let mut command = sandbox.command(arguments);
    let end = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut child = command.env("TERM", "xterm").stdout(end()).stderr(end()).spawn().unwrap();
    drop(command);
    let master = File::from(terminal.master);
    let reading = std::thread::spawn(move || {
        let mut told = Vec::new();
        // The end of a terminal that nobody writes to any more is an error.
        let _ = (&master).read_to_end(&mut told);
        told
    });
    child.wait().unwrap();
    drop(terminal.slave);
    assert_harmless(&format!("{what} on a terminal"), &reading.join().unwrap(), true);
}

/// One thing after the other that a server may say, by the number that an id begins with.
fn serve() -> Raw {
    let json = |value: &str| serde_json::json!({ "v": value, "n": 1 }).to_string();
    Raw::serve(move |target| {
        let number: String =
            target.trim_start_matches("/one/").chars().take_while(char::is_ascii_digit).collect();
        let page = http("200 OK", "", json("fine"));
        match number.parse::<usize>().unwrap_or(99) {
            0 => http("200 OK", "", json(STEERING)),
            1 => http("422 No", "", STEERING),
            2 => http("302 Found", &format!("location: /{IN_HEADERS}\r\n"), ""),
            3 => http("302 Found", &format!("location: http://{IN_HEADERS}.test/\r\n"), ""),
            4 => http("302 Found", &format!("location: ftp://h/{IN_HEADERS}\r\n"), ""),
            5 => http("200 OK", &format!("content-type: text/{IN_HEADERS}\r\n"), STEERING),
            6 => http(
                "200 OK",
                &format!("content-type: application/json; charset={IN_HEADERS}\r\n"),
                json("x"),
            ),
            7 => http("200 OK", &format!("content-encoding: {IN_HEADERS}\r\n"), json("x")),
            8 => http("200 OK", "", format!("{{\"v\": \"{STEERING}\"")),
            9 => http("200 OK", "", serde_json::json!({ "v": STEERING, "n": STEERING }).to_string()),
            10 => http("200 OK", "", serde_json::json!({ STEERING: STEERING }).to_string()),
            11 => format!("{STEERING}\r\n\r\n").into_bytes(),
            12 => http(&format!("299 {IN_HEADERS}"), &format!("x-{IN_HEADERS}: {STEERING}\r\n"), json("x")),
            13 => http("206 Part", &format!("content-range: bytes {IN_HEADERS}\r\n"), json("x")),
            14 => http(
                "302 Found",
                &format!(
                    "location: /one/14\r\nset-cookie: {IN_HEADERS}=1\r\nset-cookie: a{IN_HEADERS}=1\r\n"
                ),
                "",
            ),
            15 => http(
                "200 OK",
                &format!("content-disposition: attachment; filename=\"{IN_HEADERS}\"\r\n"),
                "%PDF-1.4",
            ),
            16 => http("429 Slow", &format!("retry-after: {IN_HEADERS}\r\n"), STEERING),
            17 => http("503 Down", &format!("x-squid-error: {IN_HEADERS}\r\n"), STEERING),
            _ => page,
        }
    })
}

/// A job beside its list, both in a folder with such a name.
fn stage(server: &Raw, columns: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let folder = format!("steer{IN_HEADERS}\u{1b}]0;PWN\u{7}");
    // No line break may stand in a URL: only what is asked for no more has one.
    let id = |number: usize| {
        format!("{number}{}", if number < 19 { without_return() } else { STEERING.to_owned() })
    };
    let lines: String = (0..20).map(|number| format!("\"{}\",\"{STEERING}\"\n", id(number))).collect();
    let list = format!("id,name{IN_NAMES}\n{lines}");
    sandbox.write(&format!("{folder}/list{IN_NAMES}.csv"), list);
    let url = server.url();
    let job = format!(
        "[job]\nname = \"steer\"\nkeep_answers = \"all\"\nretry_rounds = 0\n\
         [input]\nfile = \"list{IN_NAMES}.csv\"\nid = \"id\"\ncolumns = [\"name{IN_NAMES}\"]\n\
         [[endpoint]]\nname = \"one\"\nurl = \"{url}/one/{{id}}\"\nretry = {{ attempts = 1 }}\n\
         columns = {{ {columns} }}\n[table]\nto = \"duckdb:steer{IN_NAMES}.duckdb\"\nname = \"steer\"\n[publish]\nmin_success = 0.01\n"
    );
    let job = sandbox.write(&format!("{folder}/steer.toml"), job);
    let job = job.strip_prefix(sandbox.path()).unwrap().to_str().unwrap().to_owned();
    (sandbox, job)
}

/// Everything that a person may look at a run with.
fn look(sandbox: &Sandbox, runs: &str) {
    for words in [
        &["status"][..],
        &["status", "steer"],
        &["failures", "steer"],
        &["failures", "steer", "--list"],
        &["failures", "steer", "--answers"],
        &["failures", "steer", "--list", "--format", "json"],
        &["query", "steer", "FROM rows"],
        &["query", "steer", "FROM requests", "--format", "json"],
        &["query", "steer", "FROM answers", "--format", "markdown"],
        &["query", "steer", "SELECT error(name) FROM input"],
        &["merge", "steer"],
        &["retry", "steer"],
        &["extract", "steer"],
        &["limits"],
    ] {
        try_both(sandbox, &[words, &["--runs", runs]].concat());
    }
    let exact =
        sandbox.run(["query", "steer", "SELECT id FROM input LIMIT 1", "--format", "csv", "--runs", runs]);
    assert!(exact.with_code(0).stdout.contains(&without_return()), "values for programs stay");
}

#[test]
fn nothing_that_a_server_or_a_list_says_steers_the_terminal() {
    let server = serve();
    for columns in [
        "v = \".v\", n = { jq = \".n\", type = \"bigint\", on_error = \"fail\" }",
        "v = { jq = \"error(.v)\" }",
        "v = { jq = \".v\", regex = \"^[a-z]+$\" }",
        "v = { jq = \".v\", type = \"date\", format = \"%d %b %Y\" }",
    ] {
        let (sandbox, job) = stage(&server, columns);
        let runs = Path::new(&job).with_file_name("shards");
        let runs = runs.to_str().unwrap();
        try_both(&sandbox, &["check", &job]);
        try_both(&sandbox, &["plan", &job]);
        let ran = sandbox.run(["run", &job]);
        assert!(sandbox.path().join(runs).join("steer").is_dir(), "{}", ran.stderr);
        try_both(&sandbox, &["run", &job, "--new"]);
        if columns.contains("on_error") {
            look(&sandbox, runs);
        }
    }
}

/// What is put in place of what of a job file.
fn mistakes() -> Vec<(&'static str, String)> {
    let seen = without_return();
    vec![
        ("[job]", format!("# {seen}\n[job]\nunknown = 1 # {seen}")),
        ("[job]", format!("[job]\n\"{seen}\" = 1")),
        ("[job]", format!("[job{seen}]")),
        ("[job]", format!("[job]\nxx{IN_HEADERS} = 1")),
        ("name = \"steer\"", format!("name = \"{IN_HEADERS}\"")),
        ("name = \"one\"", format!("name = \"{IN_HEADERS}\"")),
        ("url = \"http", format!("url = \"{IN_HEADERS}http")),
        ("url = \"http", format!("hosts = [\"{IN_HEADERS}/\"]\nurl = \"http")),
        ("retry = ", format!("headers = {{ \"x-{IN_HEADERS}\" = \"1\" }}\nretry = ")),
        ("retry = ", format!("headers = {{ x-a = \"{IN_HEADERS}\" }}\nretry = ")),
        ("retry = ", format!("params = {{ x = \"{{{IN_HEADERS}}}\" }}\nretry = ")),
        ("retry = ", format!("params = {{ x = \"${{{IN_HEADERS}}}\" }}\nretry = ")),
        ("retry = ", format!("when = \"{IN_HEADERS}\"\nretry = ")),
        ("retry = ", format!("ok = \"{IN_HEADERS}\"\nretry = ")),
        ("v = \".v\"", format!("\"{IN_HEADERS}\" = \".v\"")),
        ("v = \".v\"", format!("v = \".{IN_HEADERS}\"")),
        ("v = \".v\"", format!("v = {{ jq = \".v\", regex = \"({IN_HEADERS}\" }}")),
        ("v = \".v\"", format!("v = {{ jq = \".v\", type = \"{IN_HEADERS}\" }}")),
        ("v = \".v\"", format!("v = {{ css = \"<{IN_HEADERS}\" }}")),
        ("to = \"duckdb:", format!("to = \"{IN_HEADERS}:")),
        ("to = \"duckdb:", format!("to = \"duckdb:/none/{IN_HEADERS}/")),
        ("to = \"duckdb:", format!("to = \"postgres://u@127.0.0.1:1/{IN_HEADERS}")),
        ("name = \"steer\"\n[publish]", format!("name = \"{IN_HEADERS}\"\n[publish]")),
        ("file = \"list", format!("file = \"none{IN_HEADERS}")),
        ("id = \"id\"", format!("id = \"{IN_HEADERS}\"")),
        ("min_success", format!("before = \"SELECT '{IN_HEADERS}\"\nmin_success")),
        ("[publish]", format!("[publish]\n\"{IN_HEADERS}\" = 1")),
    ]
}

#[test]
fn nothing_in_a_job_file_or_a_word_steers_the_terminal() {
    let server = serve();
    let (sandbox, job) = stage(&server, "v = \".v\"");
    sandbox.run(["plan", &job]).with_code(0);
    let text = std::fs::read_to_string(sandbox.path().join(&job)).unwrap();
    for (old, new) in mistakes() {
        assert!(text.contains(old), "{old:?} is not in\n{text}");
        sandbox.write(&job, text.replacen(old, &new, 1));
        try_both(&sandbox, &["plan", &job, "--new"]);
        try_both(&sandbox, &["run", &job, "--new"]);
    }
    sandbox.write(&job, &text);
    sandbox.run(["run", &job]);
    let word = IN_HEADERS.to_owned() + "\u{1b}]0;PWN\u{7}\r";
    sandbox.write("bad.env", format!("A='{word}'\n{word}\n"));
    let runs = Path::new(&job).with_file_name("shards");
    let runs = runs.to_str().unwrap();
    type_words(&sandbox, &job, &word, runs);
}

/// The word wherever one may stand.
fn type_words(sandbox: &Sandbox, job: &str, word: &str, runs: &str) {
    for words in [
        &[word][..],
        &["run", word],
        &["run", job, "--ids", word],
        &["run", job, "--env-file", word],
        &["run", job, "--env-file", "bad.env"],
        &["run", job, "--processes", word],
        &["check", job, word],
        &["check", job, "--ids", word],
        &["status", word],
        &["status", "steer", "--runs", word],
        &["failures", "steer", "--runs", runs, "--kind", word],
        &["retry", "steer", "--runs", runs, "--status", word],
        &["query", "steer", word, "--runs", runs],
        &["query", "steer", &format!("SELECT '{word}"), "--runs", runs],
        &["query", "steer", &format!("SELECT 1 AS \"{word}\""), "--runs", runs],
        &["query", "steer", &format!("SELECT 1 AS \"{word}\""), "--runs", runs, "--format", "json"],
        &["merge", "steer", "--runs", runs, "--to", word],
        &["merge", "steer", "--runs", runs, "--to", &format!("csv:{IN_HEADERS}.csv")],
        &["limits", word],
        &["init", word],
        &["shard", "steer", word, "--runs", runs],
        &["--help", word],
    ] {
        try_both(sandbox, words);
    }
}
