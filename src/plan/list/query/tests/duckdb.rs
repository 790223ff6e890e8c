use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// A DuckDB file, made and closed.
fn made(path: &Path, sql: &str) {
    let connection = ::duckdb::Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn over_files(query: &str, folder: &Path) -> Job {
    let mut job = job(Database::DuckDb(None), query);
    job.folder = folder.to_owned();
    job
}

#[test]
fn a_file_is_read_in_order_and_in_its_own_types() {
    let sandbox = Sandbox::new();
    let path = sandbox.path().join("films.duckdb");
    made(
        &path,
        "CREATE TABLE films AS SELECT 'f' || i AS id, i::INTEGER AS year, (i / 4)::DECIMAL(9,2) AS score,
         TIMESTAMPTZ '2024-05-31 12:00:00.5+02' AS seen, [i] AS tags FROM range(5000) t(i)",
    );
    let mut job = job(Database::DuckDb(Some(path)), "FROM films ORDER BY year DESC;");
    job.input.columns = ["year", "score", "seen", "tags"].map(str::to_owned).to_vec();
    let list = read(&job).unwrap();
    assert_eq!(list.records(), 5000);
    assert_eq!((ids(&list)[0].as_str(), ids(&list)[4999].as_str()), ("f4999", "f0"));
    assert_eq!(type_of(&list, "year"), Type::Integer);
    assert_eq!(type_of(&list, "score"), Type::Decimal { precision: 9, scale: 2 });
    assert_eq!(value(&list, "score"), "1249.75");
    assert_eq!(value(&list, "seen"), "2024-05-31T10:00:00.5Z");
    assert_eq!(value(&list, "tags"), "[4999]");
    assert_eq!(list.sha256, digest_now(&job));
}

const VALUES: [(&str, Type, &str); 15] = [
    ("true", Type::Boolean, "true"),
    ("255::UTINYINT", Type::Integer, "255"),
    ("4294967295::UINTEGER", Type::Bigint, "4294967295"),
    ("18446744073709551615::UBIGINT", Type::Text, "18446744073709551615"),
    ("(-1)::HUGEINT", Type::Text, "-1"),
    ("0.1::FLOAT", Type::Double, "0.1"),
    ("-1.5e-7::DOUBLE", Type::Double, "-0.00000015"),
    ("-0.05::DECIMAL(38,2)", Type::Decimal { precision: 38, scale: 2 }, "-0.05"),
    ("DATE '1969-12-31'", Type::Date, "1969-12-31"),
    ("TIMESTAMP '1969-12-31 23:59:59.999999'", Type::Timestamp, "1969-12-31T23:59:59.999999Z"),
    ("TIMESTAMP_NS '2024-01-01 00:00:00.123456'", Type::Timestamp, "2024-01-01T00:00:00.123456Z"),
    ("TIMESTAMP_NS '2024-01-01 00:00:00.123456789'", Type::Timestamp, "2024-01-01T00:00:00.123456Z"),
    ("'{\"a\":  1}'::JSON", Type::Json, "{\"a\":  1}"),
    ("'b'::ENUM('a', 'b')", Type::Text, "b"),
    ("{'a': 1}", Type::Text, "{'a': 1}"),
];

#[test]
fn every_type_is_kept_or_becomes_text() {
    for (sql, ty, expected) in VALUES {
        let mut job = job(Database::DuckDb(None), &format!("SELECT 1 AS id, {sql} AS value"));
        job.input.columns = vec!["value".into()];
        let list = read(&job).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!((type_of(&list, "value"), value(&list, "value").as_str()), (ty, expected), "{sql}");
    }
    for sql in ["DATE 'infinity'", "'nan'::DOUBLE", "'inf'::FLOAT"] {
        let mut job = job(Database::DuckDb(None), &format!("SELECT 1 AS id, {sql} AS value"));
        job.input.columns = vec!["value".into()];
        let said = mistake(&job);
        assert!(said.starts_with("duckdb:, row 1, column \"value\": "), "{said}");
    }
}

#[test]
fn paths_in_the_query_count_from_the_jobs_folder() {
    let sandbox = Sandbox::new();
    let parquet = frames::to_parquet(df!("id" => ["a", "b"]).unwrap()).unwrap();
    std::fs::create_dir(sandbox.path().join("it's")).unwrap();
    let folder = sandbox.path().join("it's");
    std::fs::write(folder.join("list.parquet"), parquet).unwrap();
    for query in ["FROM read_parquet('list.parquet')", "FROM 'list.parquet'", "FROM '*.parquet'"] {
        assert_eq!(ids(&read(&over_files(query, &folder)).unwrap()), ["a", "b"], "{query}");
    }
    let said = mistake(&over_files("FROM 'gone.parquet'", &folder));
    assert!(said.contains("gone.parquet") && said.contains("hint: "), "{said}");
    // Tests are run in the package's folder, which has a file of that name.
    let said = mistake(&over_files("SELECT 'a' AS id FROM read_text('Cargo.toml')", &folder));
    assert!(said.contains("Cargo.toml, of the working folder\nhint: relative paths count"), "{said}");
}

#[test]
fn a_mistake_points_into_the_query() {
    let said = mistake(&job(Database::DuckDb(None), "SELECT 1 AS id,\n  nme\nFROM (SELECT 2 AS name)"));
    assert!(said.contains("\"nme\" not found in FROM clause"), "{said}");
    assert!(said.contains("\n    nme\n    ^\nhint: "), "{said}");
    for query in
        ["SELECT 1 AS id; SELECT 2 AS id", "SELECT 1 AS id WHERE 1 = ?", "", "CREATE TABLE t (id INT)"]
    {
        let said = mistake(&job(Database::DuckDb(None), query));
        assert!(said.contains("hint: write one SELECT"), "{query}: {said}");
    }
    let said = mistake(&job(Database::DuckDb(None), "SELECT CAST('x' || range AS INT) AS id FROM range(10)"));
    assert!(said.contains("Conversion Error") && said.contains("hint: correct `sql`"), "{said}");
    let said = mistake(&job(Database::DuckDb(None), "SELECT 1 AS id, 2 AS id"));
    assert!(said.contains("more than one column \"id\""), "{said}");
}

#[test]
fn nothing_is_written() {
    let sandbox = Sandbox::new();
    let path = sandbox.path().join("films.duckdb");
    made(&path, "CREATE TABLE films AS SELECT 'a' AS id");
    let before = std::fs::read(&path).unwrap();
    let ask = |query: &str| job(Database::DuckDb(Some(path.clone())), query);
    mistake(&ask("SELECT 'a' AS id; DROP TABLE films"));
    mistake(&ask("DELETE FROM films RETURNING id"));
    assert_eq!(read(&ask("FROM films")).unwrap().records(), 1);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let left: Vec<_> =
        std::fs::read_dir(sandbox.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["films.duckdb"]);
}

#[test]
fn what_is_no_database_is_told() {
    let sandbox = Sandbox::new();
    let ask = |name: &str| job(Database::DuckDb(Some(sandbox.path().join(name))), "SELECT 1 AS id");
    assert!(mistake(&ask("gone.duckdb")).starts_with("no list at "));
    std::fs::write(sandbox.path().join("list.csv"), "id\n1\n".repeat(5000)).unwrap();
    let error = refused(&ask("list.csv"));
    assert_eq!(error.exit(), Exit::Database);
    assert!(
        error.to_string().contains("\nhint: `database = \"duckdb:…\"` must name a DuckDB file"),
        "{error}"
    );
    let mut newer = vec![0; 12_288];
    for (at, bytes) in NEWER {
        newer[at..at + bytes.len()].copy_from_slice(bytes);
    }
    std::fs::write(sandbox.path().join("newer.duckdb"), newer).unwrap();
    let error = refused(&ask("newer.duckdb")).to_string();
    assert!(
        error.contains("newer version of DuckDB") && error.contains("hint: open it with the DuckDB"),
        "{error}"
    );
}

/// The headers of a file that DuckDB 2.0.0 made, where it is not zero: (offset, bytes).
const NEWER: [(usize, &[u8]); 8] = [
    (0, b"U\xf9\xbf3\xc9\x18\x25\xacDUCK\xe7\x03"),
    (52, b"v2\x2e0\x2e0"),
    (84, b"d54cbbe3df"),
    (124, b"\xe9:\xc6Y\x97\xe0\xa4`L\xb2\xf6\xfb?\xdb\x85E"),
    (4096, b"\xd87xx\x1c[D?\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\x08\0\0\0\0\0\0E"),
    (8192, b"\x92^\x8a\xa8\x22J\xd2\x7e\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\x08\0\0\0\0\0\0E"),
    (8276, b"d54cbbe3df"),
    (8316, b"\xe9:\xc6Y\x97\xe0\xa4`L\xb2\xf6\xfb?\xdb\x85E"),
];

const HELD: &str = "WINDROW_TEST_HOLDS_LIST";

/// Not a test of its own: the other process of the next one.
#[test]
fn holds_a_list_for_another_test() {
    let Ok(path) = std::env::var(HELD) else { return };
    let connection = ::duckdb::Connection::open(path).unwrap();
    connection.execute_batch("CREATE TABLE films AS SELECT 'a' AS id").unwrap();
    println!("\nholding");
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_file_that_another_process_writes_to_is_in_use() {
    let sandbox = Sandbox::new();
    let path = sandbox.path().join("films.duckdb");
    let this = "plan::list::query::tests::duckdb::holds_a_list_for_another_test";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this, "--nocapture"])
        .env(HELD, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"));
    let job = job(Database::DuckDb(Some(path)), "FROM films");
    let error = refused(&job);
    assert_eq!(error.exit(), Exit::Database);
    assert!(error.to_string().contains("hint: another process writes to it"), "{error}");
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(read(&job).unwrap().records(), 1);
}

/// Peak memory, measured by hand as for PostgreSQL.
#[test]
#[ignore = "a measurement"]
fn memory_is_flat() {
    measured(&job(
        Database::DuckDb(None),
        &format!(
            "SELECT 'https://example.org/page/' || i AS id, i AS n FROM range({}) t(i)",
            rows_to_measure()
        ),
    ));
}
