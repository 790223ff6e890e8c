//! `status`, `failures` and `query`: what they print, and that they print it while a run is not finished.

use std::io::Write;
use std::process::Stdio;

use crate::support::{Ended, Origin, Sandbox, film_ids, small_job, wait};

/// What was printed, with what differs from run to run in words.
fn redacted(sandbox: &Sandbox, text: &str) -> String {
    let here = sandbox.path().canonicalize().unwrap();
    let text = text.replace(here.to_str().unwrap(), "[here]");
    let run = regex::Regex::new(r"\d{8}T\d{6}-[0-9a-f]{13}")
        .unwrap()
        .replace_all(&text, "YYYYMMDDTHHMMSS-XXXXXXXXXXXXX")
        .into_owned();
    let took = regex::Regex::new(r"in [\d.]+ (s|min[ \d]+s)\n")
        .unwrap()
        .replace_all(&run, "in [time]\n")
        .into_owned();
    let took = regex::Regex::new(r"\d+/s, p50 [^,]+, p95 [^,]+")
        .unwrap()
        .replace_all(&took, "[rate]/s, p50 [time], p95 [time]")
        .into_owned();
    let started = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d [A-Z]+")
        .unwrap()
        .replace_all(&took, "[started]")
        .into_owned();
    let took = regex::Regex::new(r"(\[started\](, took|  )?)\s*[\d.]+ s")
        .unwrap()
        .replace_all(&started, "$1 [took]")
        .into_owned();
    let took = regex::Regex::new(r"\d\d:\d\d:\d\d").unwrap().replace_all(&took, "[time]").into_owned();
    took.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A run of one shard: one film is not there, one fails in both questions.
fn run(sandbox: &Sandbox, origin: &Origin) -> Ended {
    let job = small_job(sandbox, origin, 20, "retry_rounds = 0", "");
    let ids = film_ids(20);
    let knobs = serde_json::json!({
        "fail_ids": { ids[4].clone(): { "status": 403 } },
        "body_ids": { ids[9].clone(): r#"{"Response":"False"}"# },
    });
    origin.knobs(&knobs.to_string());
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0)
}

#[test]
fn a_run_tells_its_beginning_and_its_end() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let ended = run(&sandbox, &origin);
    insta::assert_snapshot!(redacted(&sandbox, &ended.stderr), @r#"
    small: 20 records, 40 requests, 1 shard, run shards/small/YYYYMMDDTHHMMSS-XXXXXXXXXXXXX

    endpoint  ok  missing  failed  not_asked  waiting
    omdb      18        1       1          0        0
    business  19        0       1          0        0


    small: published 19 rows, 1 record left out: a request failed; the table has 19, in [time]
    table  films in small.duckdb
    asked  40 requests, [rate]/s, p50 [time], p95 [time], 21.6 kB
    failed 1 status 403 of business, such as tt4721367: 403 Forbidden: {"error":"Forbidden"}
    failed 1 status 403 of omdb, such as tt4721367: 403 Forbidden: {"error":"Forbidden"}
    run    shards/small/YYYYMMDDTHHMMSS-XXXXXXXXXXXXX
    hint: status 403 of business: `missing = [404, 403]` in the endpoint if that says that the id does not exist there, then `windrow extract small`; or `windrow retry small --status 403` once the server lets it in
    hint: status 403 of omdb: `missing = [403, '.Response == "False"']` in the endpoint if that says that the id does not exist there, then `windrow extract small`; or `windrow retry small --status 403` once the server lets it in
    hint: `windrow failures small --list` lists all of it; `windrow merge small` then publishes what is new
    hint: `windrow query small` shows the rows, `duckdb small.duckdb` the table
    "#);
    insta::assert_snapshot!(redacted(&sandbox, &ended.stdout), @r#"
    imdb_id    title                       year  budget
    tt0000001  The Land Girls              1998  8000000
    tt6180338  First Love, Last Rites      1998   300000
    tt2360684  I Married a Strange Person  1998   250000
    tt8541021  Let's Talk About Sex        1998   300000
    tt0901713  Mississippi Mermaid         1999  1600000
    "#);
}

#[test]
fn status_shows_runs_and_shards() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    sandbox
        .run(["status"])
        .with_code(0)
        .saying("no runs in shards")
        .saying("hint: `windrow run JOB` makes one");
    run(&sandbox, &origin);
    sandbox.run(["plan", "small.toml"]).with_code(0);
    let status = |words: &[&str]| redacted(&sandbox, &sandbox.run(words).with_code(0).stdout);
    insta::assert_snapshot!(status(&["status"]), @r#"
    JOB    RUN                            STARTED               TOOK   RECORDS  ROWS  FAILED  WAITING  STATE
    small  YYYYMMDDTHHMMSS-XXXXXXXXXXXXX  [started]              20             0        0  unfinished: nothing is asked yet
    small  YYYYMMDDTHHMMSS-XXXXXXXXXXXXX  [started]   [took]       20    19       2        0  published
    "#);
    insta::assert_snapshot!(status(&["status", "small"]), @r#"
    small YYYYMMDDTHHMMSS-XXXXXXXXXXXXX: unfinished, 20 records
    started [started]
    shards/small/YYYYMMDDTHHMMSS-XXXXXXXXXXXXX
    nothing is asked yet
    ROUND  SHARD  RECORDS  BLOCKS  OK  MISSING  FAILED  WAITING  REQUESTS  FIRST  LAST
        0      0       20     0/1   0        0       0        0         0               unfinished
    "#);
    let runs = sandbox.run(["status"]).with_code(0).stdout;
    let published = runs.lines().find(|line| line.contains("published")).unwrap();
    let id = published.split_whitespace().nth(1).unwrap();
    insta::assert_snapshot!(status(&["status", id]), @r#"
    small YYYYMMDDTHHMMSS-XXXXXXXXXXXXX: published, 20 records
    started [started], took [took]
    shards/small/YYYYMMDDTHHMMSS-XXXXXXXXXXXXX
    published 19 rows into films of duckdb:[here]/small.duckdb
    ROUND  SHARD  RECORDS  BLOCKS  OK  MISSING  FAILED  WAITING  REQUESTS  FIRST     LAST
        0      0       20     1/1  37        1       2        0        40  [time]  [time]
    "#);
    sandbox.run(["status", "smal"]).with_code(2).saying("no run of job \"smal\" in shards").saying("hint: ");
}

#[test]
fn what_waits_is_not_shown_as_failed() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 200, "retry_rounds = 0", "");
    sandbox.run(["run", job.to_str().unwrap(), "--max-requests", "150"]).with_code(7);
    let status = sandbox.run(["status", "small"]).with_code(0).stdout;
    let sum = |column: usize| {
        let shards = status.lines().skip_while(|line| !line.starts_with("ROUND")).skip(1);
        let cells = shards.map(|line| line.split_whitespace().nth(column).unwrap().parse::<u64>().unwrap());
        cells.sum::<u64>()
    };
    let of = |status: &str| {
        let sql = format!("SELECT count(*) FROM requests WHERE status = '{status}'");
        sandbox.query("small", &sql)[0].parse::<u64>().unwrap()
    };
    assert_eq!((sum(6), sum(7)), (of("failed"), of("waiting")), "{status}");
    assert!(of("waiting") > 0, "{status}");
}

#[test]
fn failures_are_shown_by_kind_and_one_by_one() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    run(&sandbox, &origin);
    let ended = sandbox.run(["failures", "small", "--format", "markdown"]).with_code(0);
    insta::assert_snapshot!(ended.stdout, @r#"
    | endpoint | status | kind   | http | requests | example_id | example                              |
    |----------|--------|--------|------|----------|------------|--------------------------------------|
    | business | failed | status | 403  | 1        | tt4721367  | 403 Forbidden: {"error":"Forbidden"} |
    | omdb     | failed | status | 403  | 1        | tt4721367  | 403 Forbidden: {"error":"Forbidden"} |
    "#);
    let hints: Vec<&str> = ended.stderr.lines().collect();
    insta::assert_snapshot!(hints.join("\n"), @r#"
    hint: status 403 of business: the server refuses who asks, or what is asked (HTTP 403): `missing = [404, 403]` in the endpoint if that says that the id does not exist there, then `windrow extract small`; or `windrow retry small --status 403` once the server lets it in
    hint: status 403 of omdb: the server refuses who asks, or what is asked (HTTP 403): `missing = [403, '.Response == "False"']` in the endpoint if that says that the id does not exist there, then `windrow extract small`; or `windrow retry small --status 403` once the server lets it in
    hint: --list lists every request that failed, --answers with what was answered
    "#);
    let ended = sandbox.run(["failures", "small", "--list", "--format", "csv"]).with_code(0);
    insta::assert_snapshot!(ended.stdout, @r#"
    imdb_id,endpoint,status,kind,http,attempts,detail
    tt4721367,business,failed,status,403,1,"403 Forbidden: {""error"":""Forbidden""}"
    tt4721367,omdb,failed,status,403,1,"403 Forbidden: {""error"":""Forbidden""}"
    "#);
    origin.knobs(r#"{"fail_ids": {}}"#);
    sandbox.run(["retry", "small"]).with_code(0);
    let ended = sandbox.run(["failures", "small"]).with_code(0).saying("small: nothing failed");
    assert_eq!(ended.stdout, "");
}

/// Values that spoil a table if they are printed as they are.
const ODD: &str =
    "SELECT 1 AS n, NULL AS nothing, 'a|b,\"c\"' || chr(10) || 'd' AS text, '' AS empty, 1.50 AS price,
                   9007199254740993 AS big, true AS yes, 'x' || chr(27) || '[31m' AS steering";

#[test]
fn answers_are_printed_in_four_formats() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    run(&sandbox, &origin);
    let printed = |format: &str| sandbox.run(["query", "small", ODD, "--format", format]).with_code(0).stdout;
    insta::assert_snapshot!(printed("table"), @r#"
    n  nothing  text        empty  price  big               yes   steering
    1  NULL     a|b,"c"\nd         1.50   9007199254740993  true  x\u{1b}[31m
    "#);
    insta::assert_snapshot!(printed("markdown"), @r#"
    | n | nothing | text       | empty | price | big              | yes  | steering    |
    |---|---------|------------|-------|-------|------------------|------|-------------|
    | 1 | NULL    | a\|b,"c" d |       | 1.50  | 9007199254740993 | true | x\u{1b}[31m |
    "#);
    let csv = printed("csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let row: Vec<String> = reader.records().next().unwrap().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(row, ["1", "", "a|b,\"c\"\nd", "", "1.50", "9007199254740993", "true", "x\u{1b}[31m"]);
    let json: serde_json::Value = serde_json::from_str(&printed("json")).unwrap();
    let expected = serde_json::json!([{
        "n": 1, "nothing": null, "text": "a|b,\"c\"\nd", "empty": "", "price": "1.50",
        "big": 9_007_199_254_740_993_u64, "yes": true, "steering": "x\u{1b}[31m",
    }]);
    assert_eq!(json, expected);
    sandbox
        .run(["query", "small", "SELECT 1", "--format", "xml"])
        .with_code(2)
        .saying("choose table, csv, json");
}

#[test]
fn queries_come_from_standard_input_too_and_their_mistakes_are_told() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    run(&sandbox, &origin);
    let mut command = sandbox.command(["query", "small", "-", "--format", "csv"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"SELECT status, count(*) AS n FROM requests GROUP BY ALL ORDER BY ALL;\n")
        .unwrap();
    assert_eq!(wait(child).with_code(0).stdout, "status,n\nfailed,2\nmissing,1\nok,37\n");
    let ended = sandbox.run(["query", "small", "SELECT * FROM request"]).with_code(2);
    let ended =
        ended.saying("Table with name request does not exist").saying("LINE 1: SELECT * FROM request");
    ended.saying(
        "hint: the views of this run are rows, requests, all_requests, input, rejected, answers, omdb, business",
    );
}

#[test]
fn an_unfinished_run_can_be_asked() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 200, "", "");
    sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    for (view, columns) in [("rows", "imdb_id,title,year,budget"), ("omdb", "ordinal,imdb_id,title,year")] {
        let ended = sandbox.run(["query", "small", &format!("FROM {view}"), "--format", "csv"]).with_code(0);
        assert_eq!(ended.stdout.trim_end(), columns);
    }
    assert_eq!(sandbox.query("small", "SELECT count(*) FROM input"), ["200"]);
    sandbox.run(["shard", "small", "0"]).with_code(0);
    let done = sandbox.query("small", "SELECT count(*) FROM rows");
    assert_eq!(sandbox.query("small", "SELECT count(*) / 2 FROM requests"), [format!("{}.0", done[0])]);
    assert_ne!(done, ["0"]);
    sandbox.run(["failures", "small"]).with_code(0);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    run(&sandbox, &origin);
    let many = "SELECT range, repeat('x', 100) FROM range(10000)";
    for words in [
        &["query", "small", many, "--format", "csv"][..],
        &["status"],
        &["status", "small"],
        &["schema"],
        &["plan", "small.toml"],
    ] {
        let mut command = sandbox.command(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = wait(child);
        assert!(!ended.stderr.contains("panicked"), "{words:?}: {}", ended.stderr);
        assert!(matches!(ended.code, Some(0) | None), "{words:?}: {:?}", ended);
    }
}

/// On a full disk only a command whose output is what was asked for says that it is lost; what others do is done.
#[test]
fn no_command_ends_otherwise_because_nobody_can_read_what_it_says() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    run(&sandbox, &origin);
    let code_of = |words: &[&str], streams: &str| {
        let _ = std::fs::remove_file(sandbox.path().join("mine.toml"));
        let mut shell = std::process::Command::new("sh");
        sandbox.confine(&mut shell);
        let command = format!("exec \"$0\" \"$@\" {streams}");
        shell.args(["-c", &command, env!("CARGO_BIN_EXE_windrow")]).args(words);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        wait(shell.spawn().unwrap()).code
    };
    for (words, is_asked_for) in [
        (&["run", "small.toml", "--new"][..], false),
        (&["merge", "small"], false),
        (&["retry", "small", "--status", "403"], false),
        (&["prune", "small", "--older-than", "1d"], false),
        (&["init", "mine"], false),
        (&["limits"], false),
        (&["failures", "small"], true),
        (&["plan", "small.toml"], true),
        (&["check", "small.toml"], true),
        (&["status", "small"], true),
        (&["query", "small", "SELECT 1"], true),
        (&["query", "small", "SELECT 1", "--format", "csv"], true),
        (&["schema"], true),
        (&["--help"], true),
        (&["--version"], true),
    ] {
        assert_eq!(code_of(words, ""), Some(0), "{words:?}");
        assert_eq!(code_of(words, ">&- 2>&-"), Some(0), "{words:?}");
        assert_eq!(
            code_of(words, ">/dev/full 2>/dev/full"),
            Some(if is_asked_for { 4 } else { 0 }),
            "{words:?}"
        );
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_named_and_does_not_keep_what_is_done() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    run(&sandbox, &origin);
    sandbox.run(["run", "small.toml", "--new"]).with_code(0);
    let to_full = |words: &[&str]| {
        let mut command = sandbox.command(words);
        command.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
        wait(command.stderr(Stdio::piped()).spawn().unwrap())
    };
    let named = "cannot write to standard output: No space left on device";
    to_full(&["status", "small"]).with_code(4).saying(named);
    to_full(&["prune", "small", "--keep", "1", "--dry-run"]).with_code(4).saying(named);
    to_full(&["prune", "small", "--keep", "1"]).with_code(0).saying("removed 1 run");
    sandbox.run(["prune", "small", "--keep", "1"]).with_code(0).saying("nothing to remove");
}

/// What a server wrote must not steer the terminal, nor turn what is read around; programs get it byte by byte.
#[test]
fn nothing_steers_the_terminal_but_programs_get_what_came() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    run(&sandbox, &origin);
    let text = "chr(27) || '[2J' || chr(8238) || 'x'";
    for format in ["table", "markdown"] {
        let shown = sandbox.run(["query", "small", &format!("SELECT {text} AS t"), "--format", format]);
        let shown = shown.with_code(0).stdout;
        assert!(shown.contains(r"\u{1b}[2J\u{202e}x") && !shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }
    let exact =
        sandbox.run(["query", "small", &format!("SELECT {text} AS t"), "--format", "csv"]).with_code(0);
    assert_eq!(exact.stdout, "t\n\u{1b}[2J\u{202e}x\n");
    let wrong = sandbox.run(["query", "small", &format!("SELECT error({text})")]).with_code(2).stderr;
    assert!(wrong.contains(r"\u{1b}[2J\u{202e}x") && !wrong.contains(['\u{1b}', '\u{202e}']), "{wrong:?}");
}

/// The same of what went wrong, wherever it is written: a program or a server has worded it.
#[test]
fn no_detail_in_a_file_steers_the_terminal_of_its_reader() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    sandbox.write(
        "words.py",
        "import json, sys\n\
         for line in sys.stdin:\n    \
             print(json.dumps({'ordinal': json.loads(line)['ordinal'], 'error': '\\x1b[2J\\u202ewrong'}), flush=True)\n",
    );
    sandbox.write("ids.txt", film_ids(3).join("\n"));
    let url = origin.url();
    sandbox.write(
        "words.toml",
        format!(
            "job.name = \"words\"\ninput = {{ file = \"ids.txt\", id = \"imdb_id\" }}\n\
             table = {{ to = \"duckdb:words.duckdb\", name = \"words\", mode = \"append\" }}\n\
             [[endpoint]]\nname = \"omdb\"\nurl = \"{url}/\"\nparams = {{ i = \"{{imdb_id}}\" }}\n\
             pipe = [\"python3\", \"words.py\"]\ncolumns = {{ text = \".text\" }}\n"
        ),
    );
    sandbox.run(["run", "words.toml"]).with_code(1);
    let details = sandbox.query("words", "SELECT DISTINCT detail FROM requests");
    assert_eq!(details.len(), 1, "{details:?}");
    assert!(
        details[0].ends_with(r"[2J\u{202e}wrong") && !details[0].contains(['\u{1b}', '\u{202e}']),
        "{details:?}"
    );
}
