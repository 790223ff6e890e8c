//! A hostile world: some thousand answers that servers should not give, or that look so, through the whole program.
//! What each ends as is listed in `ends.txt`, for a reader to doubt.
//!
//! | file | answers |
//! |---|---|
//! | `heads` | status lines, statuses, headers, what is no HTTP |
//! | `framing` | lengths, chunks, bodies cut off at every byte, bodies that never end |
//! | `codings` | gzip and its like: cut off, damaged, under a wrong name, bombs |
//! | `json` | JSON, numbers and JSON lines, good and bad |
//! | `pages` | HTML and texts |
//! | `redirects` | where a server leads |
//! | `large` | (a test of its own: ten million keys) |
//!
//! Each case says in the code what it must end as; `ends.txt` has the words besides. After a change that is meant,
//! `WINDROW_WRITE_ENDS=1` writes it anew.

mod cases;
mod codings;
mod framing;
mod heads;
mod json;
mod large;
mod pages;
mod redirects;

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use self::cases::{Case, End};
use crate::servers::raw::Raw;
use crate::support::Sandbox;
use crate::support::processes::wait_with_peak_memory;

/// Characters of a value or a detail that the list shows.
const SHOWN: usize = 150;

/// Memory that a process of the run may take: 64 answers of up to 2 MiB in flight, and a page that makes the most of it.
const MOST_MEMORY_KIB: u64 = 400 << 10;

const JOB: &str = r#"
[job]
name = "hostile"
retry_rounds = 0

[input]
file = "list.csv"
id = "id"

[defaults]
max_answer = "2MiB"
idle_timeout = "20s"
timeout = "60s"
missing = [404]
retry = { attempts = 1 }

[[endpoint]]
name = "json"
url = "{URL}/{id}"
when = '.reader == "json"'
columns = { v_json = ".v" }

[[endpoint]]
name = "drip"
url = "{URL}/{id}"
when = '.reader == "drip"'
columns = { v_drip = ".v" }
idle_timeout = "1500ms"
timeout = "4s"

[[endpoint]]
name = "jq"
url = "{URL}/{id}"
when = '.reader == "jq"'
columns = { v_jq = "first(.v)" }

[[endpoint]]
name = "bigint"
url = "{URL}/{id}"
when = '.reader == "bigint"'
columns = { v_bigint = { jq = ".v", type = "bigint" } }

[[endpoint]]
name = "double"
url = "{URL}/{id}"
when = '.reader == "double"'
columns = { v_double = { jq = ".v", type = "double" } }

[[endpoint]]
name = "decimal"
url = "{URL}/{id}"
when = '.reader == "decimal"'
columns = { v_decimal = { jq = ".v", type = "decimal(20,4)" } }

[[endpoint]]
name = "lines"
format = "jsonl"
url = "{URL}/{id}"
when = '.reader == "lines"'
columns = { v_lines = { jq = "[.[].v]", type = "json" } }

[[endpoint]]
name = "html"
format = "html"
url = "{URL}/{id}"
when = '.reader == "html"'
columns = { v_html = "h1" }

[[endpoint]]
name = "text"
format = "text"
url = "{URL}/{id}"
when = '.reader == "text"'
columns = { v_text = '(?s)(.*)' }

[table]
to = "duckdb:hostile.duckdb"
name = "hostile"
mode = "append"

[publish]
min_success = 0.0
"#;

const ENDS: &str = "
    SELECT id, requests.status, kind, http_status, worth_repeating, detail,
           coalesce(v_json, v_drip, v_jq, v_bigint::text, v_double::text, v_decimal::text, v_lines::text, v_html, v_text) AS v, v IS NULL AS is_null
    FROM requests JOIN input USING (ordinal) LEFT JOIN rows USING (id)
    WHERE requests.status <> 'not_asked' ORDER BY id";

/// What one answer ended as.
struct Ended {
    status: String,
    kind: String,
    http_status: String,
    may_be_mended: bool,
    detail: String,
    value: Option<String>,
}

fn all(port: u16) -> Vec<Case> {
    [
        heads::cases(),
        framing::cases(),
        codings::cases(),
        json::cases(),
        pages::cases(),
        redirects::cases(port),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A server of all cases, by the names in their paths.
fn serve() -> (Raw, Arc<OnceLock<HashMap<String, Case>>>) {
    let cases: Arc<OnceLock<HashMap<String, Case>>> = Arc::default();
    let served = cases.clone();
    let server = Raw::serve_streams(move |path, out| {
        let name = path.trim_start_matches('/').split(['?', '/']).next().unwrap_or_default();
        match served.get().and_then(|cases| cases.get(&name.replace("%2E", "."))) {
            Some(case) => case.answer(path, out),
            None => out.write_all(&cases::http("410 Gone", "", "")),
        }
    });
    let all = all(server.port);
    let number = all.len();
    let by_name: HashMap<String, Case> = all.into_iter().map(|case| (case.name.clone(), case)).collect();
    assert_eq!(by_name.len(), number, "two cases have one name");
    assert!(cases.set(by_name).is_ok());
    (server, cases)
}

fn ends(sandbox: &Sandbox) -> HashMap<String, Ended> {
    let ended = sandbox.run(["query", "hostile", ENDS, "--format", "csv"]).with_code(0);
    let mut lines = csv::Reader::from_reader(ended.stdout.as_bytes());
    let lines = lines.records().map(|line| {
        let line = line.unwrap();
        let field = |at: usize| line[at].to_owned();
        let (status, kind, detail) = (field(1), field(2), field(5));
        let value = (status == "ok" && &line[7] == "false").then(|| field(6));
        (
            field(0),
            Ended { status, kind, http_status: field(3), may_be_mended: &line[4] == "true", detail, value },
        )
    });
    lines.collect()
}

/// A line of the list.
fn listed(name: &str, ended: &Ended, port: u16) -> String {
    let Ended { status, kind, http_status, may_be_mended, detail, value } = ended;
    // What the system says, and which limit runs out first, is not the same everywhere.
    let detail = if matches!(&**kind, "dns" | "timeout") { "…" } else { detail };
    let told = match value {
        Some(value) => format!("ok = {value:?}"),
        None if status == "failed" => {
            let again = if *may_be_mended { ", again" } else { "" };
            let http_status = if http_status.is_empty() { "-" } else { http_status };
            format!("{kind} {http_status}{again}: {detail:?}")
        }
        None if status == "ok" => "ok = null".to_owned(),
        None => status.clone(),
    };
    let told: String = told.replace(&format!(":{port}"), ":PORT").chars().take(SHOWN).collect();
    format!("{name:45} {told}")
}

#[test]
fn every_hostile_answer_ends_as_a_value_or_a_line_of_its_kind() {
    let (server, cases) = serve();
    let (sandbox, cases) = (Sandbox::new(), cases.get().unwrap());
    sandbox.write("hostile.toml", JOB.replace("{URL}", &server.url()));
    let list = cases.values().map(|case| format!("{},{}\n", case.name, case.reader)).collect::<String>();
    sandbox.write("list.csv", format!("id,reader\n{list}"));
    let (ended, most) = wait_with_peak_memory(sandbox.start(["run", "hostile.toml"]));
    ended.with_code(0);
    let ends = ends(&sandbox);
    assert_eq!(ends.len(), cases.len(), "a line for each");
    let wrong: Vec<String> = cases.values().filter_map(|case| misjudged(case, &ends[&case.name])).collect();
    let mut list: Vec<String> = ends.iter().map(|(name, ended)| listed(name, ended, server.port)).collect();
    list.sort();
    let list = list.join("\n") + "\n";
    if std::env::var_os("WINDROW_WRITE_ENDS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hostile/ends.txt"), &list).unwrap();
    }
    assert!(wrong.is_empty(), "{} of {} end otherwise:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(difference(include_str!("ends.txt"), &list), "", "ends.txt says otherwise");
    assert!((1..MOST_MEMORY_KIB).contains(&most), "{most} KiB");
}

/// Where a case ended as something else than it must.
fn misjudged(case: &Case, ended: &Ended) -> Option<String> {
    let is_right = match &case.end {
        End::Value(Some(value)) => ended.value.as_ref() == Some(value),
        End::Value(None) => matches!(&*ended.status, "ok" | "missing") && ended.value.is_none(),
        End::Fails(kind) => ended.status == "failed" && ended.kind == *kind && !ended.detail.is_empty(),
    };
    (!is_right).then(|| format!("{:?}\n    is {}", short(&case.end), listed(&case.name, ended, 0)))
}

fn short(end: &End) -> String {
    format!("{end:?}").chars().take(SHOWN).collect()
}

/// The lines that only one of two lists has.
fn difference(expected: &str, found: &str) -> String {
    let mut told = String::new();
    for (sign, lines, others) in [("-", expected, found), ("+", found, expected)] {
        let others: std::collections::HashSet<&str> = others.lines().collect();
        for line in lines.lines().filter(|line| !others.contains(line)) {
            writeln!(told, "{sign} {line}").unwrap();
        }
    }
    told
}
