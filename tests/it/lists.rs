//! Bad lists, odd ids and bad job files, as a person meets them: each ends in words and an exit code, or in lines of
//! the requests, never in a panic or a lost record.

use std::collections::BTreeMap;
use std::path::Path;

use percent_encoding::percent_decode_str;

use crate::support::{Origin, Sandbox, seeded};

/// A port of this machine that nobody serves: what is refused before the first request never finds out.
const NOBODY: &str = "http://127.0.0.1:9";

/// A job that asks the echo twice about each id: in the path, and in the query.
fn echo_job(sandbox: &Sandbox, server: &str, input: &str, min_success: f64) {
    sandbox.write(
        "echo.toml",
        format!(
            r#"
[job]
name = "echo"

[input]
{input}

[[endpoint]]
name = "path"
url = "{server}/echo/{{id}}"
columns = {{ in_path = ".target" }}

[[endpoint]]
name = "query"
url = "{server}/echo/fixed"
params = {{ q = "{{id}}", last = "1" }}
columns = {{ in_query = ".target" }}

[table]
to = "duckdb:echo.duckdb"
name = "echoes"
mode = "append"

[publish]
min_success = {min_success}
"#
        ),
    );
}

/// What `windrow run` says of a list, which must be refused before there is a run.
#[track_caller]
fn refusal(sandbox: &Sandbox, input: &str) -> String {
    echo_job(sandbox, NOBODY, input, 1.0);
    let ended = sandbox.run(["run", "echo.toml"]).with_code(2);
    assert_eq!(ended.stdout, "");
    sandbox.run(["status"]).with_code(0).saying("no runs in shards");
    assert!(!sandbox.path().join("echo.duckdb").exists(), "nothing is made of a bad list");
    ended.stderr
}

/// A list's file as it is written, and what must be said of it: what is wrong, and what to do.
#[track_caller]
fn refused(file: &str, content: impl AsRef<[u8]>, says: &str, hint: &str) {
    let sandbox = Sandbox::new();
    sandbox.write(file, content);
    let said = refusal(&sandbox, &format!("file = \"{file}\"\nid = \"id\""));
    assert!(said.contains(says) && said.contains(&format!("hint: {hint}")), "{file}: {said}");
    assert!(said.contains(file), "the list is named: {said}");
}

#[test]
fn a_list_that_is_not_there_is_named_with_its_whole_path() {
    let sandbox = Sandbox::new();
    let said = refusal(&sandbox, "file = \"lists/none.csv\"\nid = \"id\"");
    let path = sandbox.path().canonicalize().unwrap().join("lists/none.csv");
    assert!(said.contains(&format!("no list at {}", path.display())), "{said}");
    assert!(said.contains("hint: a relative path counts from the job file's folder"), "{said}");
    std::fs::create_dir_all(path).unwrap();
    let said = refusal(&sandbox, "file = \"lists/none.csv\"\nid = \"id\"");
    assert!(said.contains("is a folder, not a list"), "{said}");
}

#[test]
fn what_is_no_list_is_refused_in_words() {
    refused("empty.csv", "", "holds no records", "where an empty list is no error, say allow_empty = true");
    refused("head.csv", "id,country\n", "holds no records", "where an empty list");
    refused("other.csv", "Id,country\n1,de\n", "has no column \"id\"; it has \"Id\"", "did you mean \"Id\"?");
    refused("semicolon.csv", "id;country\n1;de\n", "has no column \"id\"", "say delimiter = \";\"");
    refused("binary.csv", b"\x00\x01\x02\x03\n\xff\xfe", "is a binary file", "name the list");
    refused(
        "list.txt",
        b"\x1f\x8b\x08\x00rest",
        "cannot be decompressed to its end (gzip)",
        "it is damaged, or",
    );
    refused(
        "list.csv.gz",
        "",
        "cannot be decompressed to its end (gzip): it ends too early",
        "it is damaged, or",
    );
    refused("list.txt", b"\xfd7zXZ\x00rest", "is compressed with xz", "decompress it first");
    refused("sheet.csv", b"PK\x03\x04rest", "is a ZIP archive or a spreadsheet", "unpack it, or save");
    refused(
        "utf16.csv",
        b"i\x00d\x00\n\x007\x00",
        "is UTF-16 text without a byte order mark",
        "say encoding = \"utf-16le\"",
    );
    refused("latin1.csv", b"id\n1\ncaf\xe9\n", "line 3: not valid UTF-8", "say the encoding under [input]");
    refused(
        "heroes.tsv",
        "id\n\"Heroes\n3\nother\"\n",
        "line 2: a quoted field goes on to line 4",
        "where quotes are text",
    );
    refused("ab.csv", "id\n1\n\"a\"b\n", "line 3: text behind a closing quote", "where quotes are text");
    refused("inch.csv", "id,size\n1,5\" pipe\n", "line 2: a quote within a field", "where quotes are text");
    refused(
        "quote.csv",
        "id\n1\n\"2\n3\n",
        "line 3: a quoted field that begins here never ends",
        "where quotes are text like any other, say quote = \"none\"",
    );
    refused("ragged.csv", "id,x\n1,2\n3\n", "line 3: 1 fields, but the header has 2", "put quotes around");
    refused("hole.csv", "id,x\n1,2\n,3\n", "line 3: no \"id\", but every record needs its id", "give it one");
    refused("list.parquet", "id\n1\n", "is not a Parquet file", "say which format it has");
    refused("list.jsonl", "{\"id\": 1}\n{\"id\":\n", "line 2: ", "jsonl holds one JSON object a line");
}

#[test]
fn ids_that_come_twice_are_refused_or_kept_or_left_out() {
    let list = "a\nb\na\nc\nb\n";
    refused(
        "ids.txt",
        list,
        "id \"a\" comes twice, in line 1 and line 3, and 1 more",
        "on_duplicate = \"first\"",
    );
    for (policy, records, of_a) in [("keep", 5, 2), ("first", 3, 1)] {
        let sandbox = Sandbox::new();
        let origin = Origin::start(&[]);
        sandbox.write("ids.txt", list);
        let input = format!("file = \"ids.txt\"\nid = \"id\"\non_duplicate = \"{policy}\"");
        echo_job(&sandbox, &origin.url(), &input, 1.0);
        let ended = sandbox.run(["run", "echo.toml"]).with_code(0);
        let left_out = ended.stderr.contains("3 records (2 repeated ids left out)");
        assert_eq!(left_out, policy == "first", "{}", ended.stderr);
        assert_eq!(sandbox.query("echo", "SELECT count(*) FROM rows"), [records.to_string()]);
        assert_eq!(origin.count("echo", "a"), of_a);
    }
}

#[test]
fn an_empty_list_can_be_allowed() {
    let sandbox = Sandbox::new();
    sandbox.write("ids.txt", "");
    echo_job(&sandbox, NOBODY, "file = \"ids.txt\"\nid = \"id\"\nallow_empty = true", 1.0);
    sandbox.run(["run", "echo.toml"]).with_code(0).saying("published 0 rows");
    assert_eq!(sandbox.query("echo", "SELECT count(*) FROM rows"), ["0"]);
}

/// Ids that a URL bears once they are encoded.
const BEARABLE: [&str; 26] = [
    "plain",
    "a/b",
    "a?b",
    "a#b",
    "50%",
    "%41",
    "a%2Fb",
    "a@b",
    "user:pass@host",
    "a b",
    " before",
    "after ",
    "a+b",
    "a&b=c;d",
    "\"quoted\"",
    "it's",
    "back\\slash",
    "{x}",
    "${HOME}",
    "[1]",
    "//evil.example/",
    "../up/..",
    "🎬 film",
    "e\u{301}",
    "<script>",
    "\u{7f}\u{1b}[31m",
];

/// Ids that no path bears, whether encoded or not.
const NO_PATH: [&str; 4] = [".", "..", "%2e%2E", "%2e."];

/// Ids that no URL bears.
fn unbearable() -> Vec<String> {
    let mut ids: Vec<String> = ["line\nbreak", "line\r\nbreak", "\r", "nul\0byte"].map(str::to_owned).into();
    ids.push("x".repeat(64 * 1024));
    ids
}

fn write_csv(path: &Path, ids: &[String]) {
    let mut list = csv::Writer::from_path(path).unwrap();
    list.write_record(["id"]).unwrap();
    ids.iter().for_each(|id| list.write_record([id]).unwrap());
    list.flush().unwrap();
}

fn all_odd_ids() -> Vec<String> {
    BEARABLE.iter().chain(&NO_PATH).map(|id| id.to_string()).chain(unbearable()).collect()
}

/// What the server received for each id, at one endpoint.
fn received(sandbox: &Sandbox, endpoint: &str, column: &str) -> BTreeMap<String, String> {
    let sql = format!("SELECT id, {column} FROM {endpoint}");
    let ended = sandbox.run(["query", "echo", &sql, "--format", "json"]).with_code(0);
    let rows: Vec<BTreeMap<String, String>> = serde_json::from_str(&ended.stdout).unwrap();
    rows.into_iter().map(|mut row| (row.remove("id").unwrap(), row.remove(column).unwrap())).collect()
}

#[test]
fn odd_ids_reach_the_server_exactly_or_end_as_failed() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let ids = all_odd_ids();
    write_csv(&sandbox.path().join("ids.csv"), &ids);
    echo_job(&sandbox, &origin.url(), "file = \"ids.csv\"\nquote = '\"'\nid = \"id\"", 0.7);
    sandbox.run(["run", "echo.toml"]).with_code(0).saying("published 26 rows, 9 records left out");

    let in_path = received(&sandbox, "path", "in_path");
    assert_eq!(in_path.len(), BEARABLE.len());
    for id in BEARABLE {
        let segment = in_path[id].strip_prefix("/echo/").unwrap_or_else(|| panic!("{id:?}: {}", in_path[id]));
        assert!(!segment.contains(['/', '?', '#', ' ', '\\']), "{id:?} changed the path: {segment}");
        assert_eq!(percent_decode_str(segment).decode_utf8().unwrap(), id);
    }
    let in_query = received(&sandbox, "query", "in_query");
    assert_eq!(in_query.len(), BEARABLE.len() + NO_PATH.len());
    for id in BEARABLE.iter().chain(&NO_PATH) {
        let target = &in_query[*id];
        let value = target.strip_prefix("/echo/fixed?q=").and_then(|rest| rest.strip_suffix("&last=1"));
        let value = value.unwrap_or_else(|| panic!("{id:?} changed the query: {target}"));
        assert!(!value.contains(['&', '=', '#', '+', ' ']), "{id:?}: {target}");
        assert_eq!(percent_decode_str(value).decode_utf8().unwrap(), *id);
    }
    let asked = origin.counts()["by_endpoint"]["echo"]["total"].as_u64().unwrap() as usize;
    assert_eq!(asked, in_path.len() + in_query.len(), "one request for each answer, and no other");
}

#[test]
fn ids_that_cannot_be_carried_are_accounted_for_without_a_request() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let ids = all_odd_ids();
    write_csv(&sandbox.path().join("ids.csv"), &ids);
    echo_job(&sandbox, &origin.url(), "file = \"ids.csv\"\nquote = '\"'\nid = \"id\"", 0.9);
    sandbox
        .run(["run", "echo.toml"])
        .with_code(1)
        .saying("echo: not published: 74.28 % of the records succeeded (26 of 35)");
    assert!(!sandbox.path().join("echo.duckdb").exists(), "the gate is shut before the database is made");
    assert_eq!(sandbox.query("echo", "SELECT count(*), count(DISTINCT ordinal) FROM requests"), ["70,35"]);
    assert_eq!(
        sandbox.query(
            "echo",
            "SELECT endpoint, status, kind, attempts, requests, worth_repeating, count(*) FROM requests
             WHERE status <> 'ok' GROUP BY ALL ORDER BY ALL"
        ),
        ["path,failed,template,0,0,false,9", "query,failed,template,0,0,false,5"]
    );
    let why = "SELECT DISTINCT regexp_replace(detail, '\\d+', 'N', 'g') FROM requests WHERE status <> 'ok' ORDER BY ALL";
    assert_eq!(
        sandbox.query("echo", why),
        [
            "\"column id gives `.` or `..`, which would change the URL's path\"",
            "column id holds a line break or NUL",
            "\"column id is N bytes long: at most N go into a URL, few servers take more\"",
        ]
    );
    // The ids themselves came through unharmed, the long one included.
    let lengths = "SELECT sum(strlen(id)) FROM input";
    assert_eq!(sandbox.query("echo", lengths), [ids.iter().map(String::len).sum::<usize>().to_string()]);
    // A retry does not ask what lies with the list, unless it is named.
    let before = origin.counts()["total"].clone();
    sandbox.run(["retry", "echo"]).with_code(0).saying("nothing left to ask");
    sandbox.run(["retry", "echo", "--kind", "template"]).with_code(0).saying("14 failed");
    assert_eq!(origin.counts()["total"], before);
}

#[test]
fn all_mistakes_of_a_job_file_are_told_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("ids.txt", "a\n");
    echo_job(&sandbox, NOBODY, "file = \"ids.txt\"\nid = \"id\"", 1.0);
    sandbox.edit("echo.toml", "params = { q", "parms = { q");
    sandbox.edit("echo.toml", "/echo/{id}", "/echo/{idd}");
    sandbox.edit("echo.toml", "\".target\" }\n\n[[", "\".target[\" }\n\n[[");
    sandbox.edit("echo.toml", "\"append\"", "\"merge\"");
    sandbox.edit("echo.toml", "min_success = 1", "min_success = 98");
    let said = sandbox.run(["run", "echo.toml"]).with_code(2).stderr;
    assert!(said.starts_with("5 mistakes in job file "), "{said}");
    for (line, hint) in [
        ("parms = {", "did you mean `params`?"),
        ("/echo/{idd}", "only `{id}` is there"),
        (".target[", "hint: "),
        ("unknown word \"merge\"", "write \"upsert\""),
        ("98 is not a share", "write a number from 0 to 1"),
    ] {
        assert!(said.contains(line) && said.contains(hint), "{line}: {said}");
    }
    assert!(!sandbox.path().join("shards").exists());
}

#[test]
fn a_credential_without_a_value_and_a_destination_that_is_none_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("ids.txt", "a\n");
    echo_job(&sandbox, NOBODY, "file = \"ids.txt\"\nid = \"id\"", 1.0);
    let section = "[[endpoint]]\nname = \"query\"";
    sandbox.edit("echo.toml", section, &format!("{section}\nauth = {{ bearer = \"${{NO_TOKEN}}\" }}"));
    let ended = sandbox.run(["run", "echo.toml"]).with_code(2);
    ended.saying("secret ${NO_TOKEN} is not set").saying("hint: export it in the environment");
    sandbox.edit("echo.toml", "auth = { bearer = \"${NO_TOKEN}\" }", "");
    sandbox.edit("echo.toml", "duckdb:echo.duckdb", "oracle://somewhere/db");
    sandbox.run(["run", "echo.toml"]).with_code(2).saying("unknown destination \"oracle://…\"");
}

#[test]
fn a_job_file_that_is_none_is_refused_in_words() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["run", "none.toml"])
        .with_code(2)
        .saying("none.toml: cannot be read")
        .saying("hint: check the path");
    sandbox.run(["run", "."]).with_code(2).saying("is a directory").saying("hint: ");
    sandbox.write("binary.toml", b"\x00\xff\xfe");
    sandbox.run(["run", "binary.toml"]).with_code(2).saying("is not UTF-8").saying("hint: ");
    sandbox.write("broken.toml", "[job\nname = \"x");
    sandbox.run(["run", "broken.toml"]).with_code(2).saying("not TOML").saying("hint: ");
    sandbox.write("bare.toml", "");
    sandbox.run(["run", "bare.toml"]).with_code(2).saying("mistakes in job file").saying("hint: ");
    sandbox.write("ids.txt", "a\n");
    echo_job(&sandbox, NOBODY, "file = \"ids.txt\"\nid = \"id\"", 1.0);
    sandbox.edit("echo.toml", "last = \"1\"", "last = \"${WINDROW_TEST_KEY} ${WINDROW_TEST_TOKEN}\"");
    let ended = sandbox.run(["run", "echo.toml"]).with_code(2);
    let ended = ended.saying("${WINDROW_TEST_KEY} is not set").saying("${WINDROW_TEST_TOKEN} is not set");
    ended.saying("hint: export them in the environment, or put them into a file for --env-file");
}

/// The footer says where everything lies: damage there is what leads a reader astray.
#[test]
fn a_damaged_parquet_list_ends_in_words_and_never_in_a_panic() {
    let (sandbox, mut random) = (Sandbox::new(), seeded());
    let list = sandbox.path().join("list.parquet");
    let made = format!(
        "COPY (SELECT 'id' || range AS id FROM range(4000)) TO '{}' (FORMAT parquet, ROW_GROUP_SIZE 2048)",
        list.display()
    );
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&made).unwrap();
    echo_job(&sandbox, NOBODY, "file = \"list.parquet\"\nid = \"id\"", 1.0);
    sandbox.run(["plan", "echo.toml"]).with_code(0);
    let good = std::fs::read(&list).unwrap();
    let end = good.len() - 8;
    let footer = end - u32::from_le_bytes(good[end..end + 4].try_into().unwrap()) as usize;
    for _ in 0..150 {
        let mut bad = good.clone();
        for _ in 0..random.usize(1..4) {
            bad[random.usize(footer..end)] = *random.choice(&[0, 0x7f, 0x80, 0xff]).unwrap();
        }
        std::fs::write(&list, bad).unwrap();
        let ended = sandbox.run(["plan", "echo.toml"]);
        assert!(matches!(ended.code, Some(0 | 2)), "{:?}: {}", ended.code, ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}
