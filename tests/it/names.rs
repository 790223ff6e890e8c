//! Names that windrow has itself, that need quotes, or that a destination folds or cuts: of columns, endpoints and
//! tables, into every destination in every mode, over a table that has them already, through retry, query and the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::postgres_server::{self, TestDatabase};
use crate::servers::raw::{Raw, http};
use crate::support::Sandbox;

/// The list's columns: a composite id, what is kept, and one that only a template uses.
const LISTED: [&str; 6] = ["rowid", "status", "ask", "requests.größe", " spaced ", "STATUS"];
/// Answers of the endpoint `requests`, one row each.
const ONE: [&str; 12] = [
    "ordinal",
    "größe",
    "price-eur",
    "say \"x\"",
    "it's",
    "a.b",
    "two\nlines",
    "windrow_ordinal",
    "select",
    "%41",
    "record",
    "filename",
];
/// Answers of the endpoint `rows`, two rows each.
const MANY: [&str; 8] = [
    "part",
    "windrow_part",
    "windrow_failed_1",
    "endpoint",
    "key rowid",
    "answer1",
    "standing",
    "file_row_number",
];
/// Columns that differ from others in capitals only.
const TWINS: [&str; 3] = ["Ordinal", "ASK", "Größe"];

/// Records of the list; the first fails at the endpoint `rows` until the server is told otherwise.
const RECORDS: usize = 4;

/// A table's name in SQL, and as the job writes it.
const TABLE: (&str, &str) =
    ("\"my-schema\".\"my \"\"table\"\".x\"", "\\\"my-schema\\\".\\\"my \\\"\\\"table\\\"\\\".x\\\"");

fn sql(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn all_sql(names: &[&str]) -> String {
    names.iter().map(|name| sql(name)).collect::<Vec<_>>().join(", ")
}

/// A name as a TOML key.
fn toml(name: &str) -> String {
    serde_json::to_string(name).unwrap()
}

/// A server whose second endpoint fails for the first record while the flag is up.
fn server(fails: &Arc<AtomicBool>) -> Raw {
    let fails = Arc::clone(fails);
    Raw::serve(move |path| {
        let value =
            |number: usize, part: usize| (format!("k{number}"), json!(format!("{path} {number} {part}")));
        let row = |part| serde_json::Value::Object((0..16).map(|number| value(number, part)).collect());
        match path {
            many if many.starts_with("/many") => {
                let down = fails.load(Ordering::SeqCst) && many.starts_with("/many/0/");
                let status = if down { "503 Unavailable" } else { "200 OK" };
                http(status, "content-type: application/json\r\n", json!([row(0), row(1)]).to_string())
            }
            _ => http("200 OK", "content-type: application/json\r\n", row(0).to_string()),
        }
    })
}

struct Stage {
    sandbox: Sandbox,
    _server: Raw,
    fails: Arc<AtomicBool>,
    database: Option<TestDatabase<'static>>,
    to: &'static str,
    one: Vec<&'static str>,
    explodes: bool,
}

impl Stage {
    /// A job that is not run yet; `settings` go into `[table]`.
    fn new(to: &'static str, settings: &str, explodes: bool) -> Stage {
        let fails = Arc::new(AtomicBool::new(true));
        let (sandbox, server) = (Sandbox::new(), server(&fails));
        let header = LISTED.map(sql).join(",");
        let line = |at: usize| format!("{at},s{at},a{at},g{at},p{at},u{at}\n");
        sandbox.write("list.csv", format!("{header}\n{}", (0..RECORDS).map(line).collect::<String>()));
        let database = (to == "postgres").then(postgres_server::database);
        let mut one = ONE.to_vec();
        one.extend(TWINS.iter().filter(|_| database.is_some()));
        let columns = |names: &[&str]| {
            let column = |(at, name): (usize, &&str)| format!("{} = \".k{at}\"\n", toml(name));
            names.iter().enumerate().map(column).collect::<String>()
        };
        let address = database.as_ref().map_or_else(|| to.to_owned(), TestDatabase::url);
        let rows = if explodes { "rows = \".[]\"" } else { "" };
        let many = columns(&MANY);
        let many = if rows.is_empty() { many.replace("\".k", "\".[0].k") } else { many };
        let url = server.url();
        let job = format!(
            "[job]\nname = \"names\"\nkeep_answers = \"all\"\nretry_rounds = 0\n\
             [input]\nfile = \"list.csv\"\nid = [\"rowid\", \"status\"]\ncolumns = [\"ask\", \"requests.größe\", \" spaced \"]\n\
             [defaults]\nretry = {{ attempts = 1 }}\n\
             [[endpoint]]\nname = \"requests\"\nurl = '{url}/one/{{rowid}}/{{STATUS}}/{{\"requests.größe\"}}'\n\
             [endpoint.columns]\n{}\
             [[endpoint]]\nname = \"rows\"\nurl = '{url}/many/{{rowid}}/{{requests.\"price-eur\"}}{{requests.\"say \"\"x\"\"\"}}'\n\
             {rows}\non_failure = \"keep\"\n[endpoint.columns]\n{many}\
             [table]\nto = \"{address}\"\nname = \"{}\"\n{settings}\n[publish]\nmin_success = 0.0\n",
            columns(&one),
            TABLE.1,
        );
        sandbox.write("names.toml", job);
        Stage { sandbox, _server: server, fails, database, to, one, explodes }
    }

    fn columns(&self) -> Vec<&'static str> {
        LISTED[..5].iter().chain(&self.one).chain(&MANY).copied().collect()
    }

    /// The rows of a run in which nothing fails.
    fn expected(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for at in 0..RECORDS {
            let first = format!("/one/{at}/u{at}/g{at}");
            let encoded =
                |number: usize| format!("{first} {number} 0").replace('/', "%2F").replace(' ', "%20");
            let second = format!("/many/{at}/{}{}", encoded(2), encoded(3));
            for part in 0..if self.explodes { 2 } else { 1 } {
                let mut row: Vec<String> =
                    ["", "s", "a", "g", "p"].iter().map(|of| format!("{of}{at}")).collect();
                row.extend((0..self.one.len()).map(|number| format!("{first} {number} 0")));
                row.extend((0..MANY.len()).map(|number| format!("{second} {number} {part}")));
                rows.push(row.join("|"));
            }
        }
        rows.sort();
        rows
    }

    /// What is published, every column under its name.
    fn published(&self) -> Vec<String> {
        let columns = all_sql(&self.columns());
        let path = |name: &str| self.sandbox.path().join(name).display().to_string();
        let read = |from: String| {
            let connection = duckdb::Connection::open_in_memory().unwrap();
            connection
                .execute_batch(&format!("ATTACH '{}' AS t (READ_ONLY)", path("t.duckdb")))
                .unwrap_or_default();
            let query = format!("SELECT concat_ws('|', {columns}) FROM {from}");
            let mut statement = connection.prepare(&query).unwrap();
            let found = statement.query_map([], |row| row.get(0)).unwrap();
            found.collect::<Result<Vec<String>, _>>().unwrap()
        };
        let mut rows = match self.to {
            "postgres" => {
                let text = format!("SELECT concat_ws('|', {columns}) FROM {}", TABLE.0);
                self.database.as_ref().unwrap().rows(&text)
            }
            "duckdb:t.duckdb" => read(format!("t.{}", TABLE.0)),
            "csv:t.csv" => {
                // Taken for what it is, DuckDB would trim the header's names.
                let mut lines = csv::Reader::from_path(path("t.csv")).unwrap();
                assert_eq!(lines.headers().unwrap().iter().collect::<Vec<_>>(), self.columns());
                lines.records().map(|line| line.unwrap().iter().collect::<Vec<_>>().join("|")).collect()
            }
            "parquet:t.parquet" => read(format!("read_parquet('{}')", path("t.parquet"))),
            _ => {
                let files = format!("read_parquet('{}/**/*.parquet', hive_partitioning = true)", path("t"));
                read(format!(
                    "(SELECT * RENAME (\"requests.gr%C3%B6%C3%9Fe\" AS \"requests.größe\", \"%20spaced%20\" AS \" spaced \") FROM {files})"
                ))
            }
        };
        rows.sort();
        rows
    }

    /// The whole life of a job: a failure, a retry, and a second run over the table that stands.
    fn lives(&self) {
        let records = RECORDS * if self.explodes { 2 } else { 1 };
        self.sandbox.run(["run", "names.toml"]).with_code(0);
        let failures = self.sandbox.run(["failures", "names", "--answers", "--format", "csv"]).with_code(0);
        assert!(failures.stdout.starts_with("rowid,status,endpoint,status_1,kind,"), "{}", failures.stdout);
        assert!(failures.stdout.contains("\n0,s0,rows,failed,status,503,"), "{}", failures.stdout);
        self.fails.store(false, Ordering::SeqCst);
        self.sandbox.run(["retry", "names"]).with_code(0).saying("asking 1 request again").saying("1 ok");
        self.sandbox.run(["merge", "names"]).with_code(0);
        let published = self.published();
        match published.len() == records {
            true => assert_eq!(published, self.expected()),
            // What was appended with nulls stays so.
            false => assert_eq!(published.len(), records, "{published:?}"),
        }
    }

    fn lives_again(&self, rows: usize) {
        self.sandbox.run(["run", "names.toml", "--new"]).with_code(0);
        let mut published = self.published();
        published.dedup();
        assert_eq!(published, self.expected());
        assert_eq!(self.published().len(), rows);
    }
}

const KEY: &str = "key = [\"rowid\", \"status\"]";

#[test]
fn any_name_is_published_retried_and_published_again() {
    for to in ["duckdb:t.duckdb", "postgres", "csv:t.csv", "parquet:t.parquet", "parquet:t/"] {
        let by = if to.ends_with('/') { "partition_by = [\"requests.größe\", \" spaced \"]" } else { "" };
        for (mode, explodes) in [("upsert", false), ("replace", false), ("replace_ids", true)] {
            println!("{to} {mode}");
            let key = if mode == "replace_ids" { "" } else { KEY };
            let stage = Stage::new(to, &format!("mode = \"{mode}\"\n{key}\n{by}"), explodes);
            stage.lives();
            stage.lives_again(stage.expected().len());
        }
    }
}

#[test]
fn what_is_appended_swapped_or_pruned_may_have_any_name() {
    let cases = [
        ("duckdb:t.duckdb", "mode = \"append\"", false),
        ("postgres", "mode = \"append\"", true),
        ("postgres", "mode = \"replace\"\nswap = true", false),
        ("duckdb:t.duckdb", "mode = \"replace_ids\"\non_unlisted = \"delete\"", true),
        ("postgres", "mode = \"upsert\"\non_unlisted = \"delete\"", false),
    ];
    for (to, settings, explodes) in cases {
        println!("{to} {settings}");
        let key = if settings.contains("replace_ids") { "" } else { KEY };
        let stage = Stage::new(to, &format!("{settings}\n{key}"), explodes);
        stage.sandbox.edit("names.toml", "retry_rounds = 0", "retry_rounds = 0\nchunks = \"csv\"");
        stage.fails.store(settings.contains("replace"), Ordering::SeqCst);
        if settings.contains("replace") {
            stage.lives();
        } else {
            stage.sandbox.run(["run", "names.toml"]).with_code(0);
            assert_eq!(stage.published(), stage.expected());
        }
        let runs = if settings.contains("append") { 2 } else { 1 };
        stage.lives_again(stage.expected().len() * runs);
    }
}

#[test]
fn the_jobs_own_statements_find_their_columns_and_ours() {
    for to in ["duckdb:t.duckdb", "postgres", "csv:t.csv"] {
        println!("{to}");
        let stage = Stage::new(to, &format!("mode = \"replace\"\n{KEY}"), false);
        let other = if to == "postgres" { "STATUS" } else { "STATUS_" };
        let more = format!(
            "[[publish.before]]\nsql = '''DELETE FROM windrow_rows WHERE windrow_ordinal_ = 3;\n\
             UPDATE windrow_rows SET \"windrow_ordinal\" = 'mine', \"windrow_part\" = windrow_part_ WHERE windrow_ordinal_ = 1'''\n\
             [[publish.after]]\nfile = \"failures.csv\"\n\
             sql = '''SELECT \"rowid\", status, status_, endpoint, ordinal FROM windrow_failures'''\n\
             [[publish.after]]\nfile = \"input.csv\"\n\
             sql = '''SELECT ordinal, rowid, ask, \"requests.größe\", \"{other}\" FROM windrow_input ORDER BY ordinal'''\n",
        );
        stage.sandbox.edit("names.toml", "[publish]", &format!("{more}[publish]"));
        stage.sandbox.run(["run", "names.toml"]).with_code(0).saying("published 3 rows");
        let read = |name: &str| std::fs::read_to_string(stage.sandbox.path().join(name)).unwrap();
        assert_eq!(read("failures.csv"), "rowid,status,status_,endpoint,ordinal\n0,s0,failed,rows,0\n");
        let lines = ["0,0,a0,g0,u0", "1,1,a1,g1,u1", "2,2,a2,g2,u2", "3,3,a3,g3,u3"].join("\n");
        assert_eq!(read("input.csv"), format!("ordinal,rowid,ask,requests.größe,{other}\n{lines}\n"));
        let found = stage.published();
        assert!(found.iter().any(|row| row.contains("|mine|") && row.contains("|0|")), "{found:#?}");
        assert!(found[0].starts_with("0|s0|") && found[2].starts_with("2|s2|"), "{found:#?}");
    }
}

#[test]
fn the_views_of_a_run_have_theirs_under_their_names_and_ours_beside() {
    let stage = Stage::new("postgres", "mode = \"replace_ids\"", true);
    stage.sandbox.run(["run", "names.toml"]).with_code(0);
    for (sql, expected) in [
        (
            "SELECT ordinal__, ordinal, \"Ordinal_\" FROM requests WHERE ordinal__ = 2",
            vec!["2,/one/2/u2/g2 0 0,/one/2/u2/g2 12 0"],
        ),
        (
            "SELECT ordinal, part_, right(part, 4), right(windrow_part, 4) FROM rows WHERE ordinal = 1 ORDER BY part_",
            vec!["1,0, 0 0, 1 0", "1,1, 0 1, 1 1"],
        ),
        (
            "SELECT ordinal, rowid, status, \"STATUS_\", ask, \"requests.größe\", \" spaced \" FROM input WHERE ordinal = 3",
            vec!["3,3,s3,u3,a3,g3,p3"],
        ),
        ("SELECT count(*), count(DISTINCT part), max(right(\"Größe_\", 5)) FROM rows_", vec!["6,6, 14 0"]),
        (
            "SELECT windrow_ordinal_, windrow_part_, right(windrow_part, 4) FROM windrow_rows ORDER BY ALL LIMIT 1",
            vec!["1,0, 1 0"],
        ),
        (
            "SELECT ordinal, rowid, status, endpoint, status_, http_status FROM windrow_failures",
            vec!["0,0,s0,rows,failed,503"],
        ),
        ("SELECT endpoint, count(*) FROM requests_ GROUP BY ALL ORDER BY ALL", vec!["requests,4", "rows,4"]),
        ("SELECT count(*) FROM all_requests", vec!["8"]),
        ("SELECT count(*) FROM answers WHERE endpoint = 'requests'", vec!["4"]),
        (
            "SELECT rowid, \"ROWID_\" FROM (SELECT rowid, 2 AS rowid_ FROM input) ORDER BY 1 LIMIT 1",
            vec!["0,2"],
        ),
    ] {
        assert_eq!(stage.sandbox.query("names", sql), expected, "{sql}");
    }
    stage.fails.store(false, Ordering::SeqCst);
    let checked = stage.sandbox.run(["check", "names.toml", "--sample", "1"]).with_code(0);
    for line in ["rowid = 0, status = s0", "    two lines ", "    ordinal ", "    say \"x\" "] {
        assert!(checked.stdout.contains(line), "{line}: {}", checked.stdout);
    }
    stage.sandbox.run(["extract", "names"]).with_code(0).saying("7 ok, 0 missing, 1 failed");
    stage.sandbox.run(["merge", "names"]).with_code(0).saying("published 6 rows");
    assert_eq!(stage.published(), stage.expected()[2..]);
}
