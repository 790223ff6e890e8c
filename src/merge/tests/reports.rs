//! Reports of `[[publish.after]]` as Parquet: types, nulls and texts as other programs read them, in every database.

use std::path::{Path, PathBuf};

use super::sandbox::{Sandbox, all_ok};
use crate::handoff::Exit;
use crate::job::{Mode, Statement};

/// Six films, published with a report of that query.
async fn with_report(sandbox: fn(Sandbox) -> Sandbox, sql: &str) -> (Sandbox, PathBuf) {
    let mut sandbox = sandbox(Sandbox::of_one_round(6, &all_ok).await.mode(Mode::Append));
    let path = sandbox.run.folder().with_file_name("report.parquet");
    sandbox.job.after = vec![Statement { sql: sql.into(), file: Some(path.clone()), key: Vec::new() }];
    (sandbox, path)
}

async fn published(sandbox: fn(Sandbox) -> Sandbox, sql: &str) -> (Vec<String>, Vec<String>) {
    let (sandbox, path) = with_report(sandbox, sql).await;
    sandbox.publish().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    read(&path)
}

/// What DuckDB reads: columns as `name type`, rows with null as `~`.
fn read(path: &Path) -> (Vec<String>, Vec<String>) {
    let connection = duckdb::Connection::open_in_memory().unwrap();
    connection.execute_batch("SET TimeZone = 'UTC'").unwrap();
    // DuckDB takes the sandbox's own path for a pattern.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("report.parquet");
    std::fs::copy(path, &copy).unwrap();
    let file = format!("read_parquet('{}')", copy.display());
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut texts = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let width = row.as_ref().column_count();
            texts.push((0..width).map(|at| row.get::<_, String>(at).unwrap()).collect::<Vec<_>>().join("|"));
        }
        texts
    };
    let columns =
        texts(&format!("SELECT column_name || ' ' || column_type FROM (DESCRIBE SELECT * FROM {file})"));
    let rows = texts(&format!("SELECT ifnull(CAST(COLUMNS(*) AS VARCHAR), '~') FROM {file}"));
    (columns, rows)
}

fn duckdb(sandbox: Sandbox) -> Sandbox {
    sandbox
}

const ENGINES: [fn(Sandbox) -> Sandbox; 4] =
    [duckdb, Sandbox::on_postgres, Sandbox::on_mariadb, Sandbox::on_sqlite];

/// The same value in each database: what comes out has the same type and the same value.
#[tokio::test]
async fn columns_have_types_and_null_is_no_empty_text() {
    let plain =
        "CAST('2024-02-29' AS date) AS day, '' AS empty, CAST(NULL AS char(3)) AS absent, 'ä''\"\n' AS text";
    let cases: [(fn(Sandbox) -> Sandbox, String, &str, &str); 4] = [
        (
            duckdb,
            format!(
                "SELECT 7::TINYINT AS i, sum(votes) AS big, 1.50::DECIMAL(9,2) AS money, true AS flag, 0.1::DOUBLE AS number, \
                 TIMESTAMP '2024-05-31 10:00:00.123456' AS moment, '{{\"a\": 1}}'::JSON AS json, \
                 '00000000-0000-0000-0000-000000000001'::UUID AS other, {} FROM films",
                plain.replace("char(3)", "VARCHAR")
            ),
            "i INTEGER,big DECIMAL(38,0),money DECIMAL(9,2),flag BOOLEAN,number DOUBLE,moment TIMESTAMP WITH TIME ZONE,json VARCHAR,other VARCHAR",
            "7|15|1.50|true|0.1|2024-05-31 10:00:00.123456+00|{\"a\": 1}|00000000-0000-0000-0000-000000000001",
        ),
        (
            Sandbox::on_postgres,
            format!(
                "SELECT 7::smallint AS i, count(votes) AS big, 1.50::numeric(9,2) AS money, true AS flag, 0.1::float4 AS number, \
                 timestamptz '2024-05-31 12:00:00.123456+02' AS moment, '{{\"a\": 1}}'::jsonb AS json, \
                 avg(votes) AS other, {plain} FROM films"
            ),
            "i INTEGER,big BIGINT,money DECIMAL(9,2),flag BOOLEAN,number DOUBLE,moment TIMESTAMP WITH TIME ZONE,json VARCHAR,other VARCHAR",
            "7|6|1.50|true|0.1|2024-05-31 10:00:00.123456+00|{\"a\": 1}|2.5000000000000000",
        ),
        (
            Sandbox::on_mariadb,
            format!(
                "SELECT year('2024-01-01') AS i, sum(votes) AS big, CAST('1.5' AS decimal(9,2)) AS money, 1 = 1 AS flag, \
                 CAST(0.1 AS double) AS number, CAST('2024-05-31 10:00:00.123456' AS datetime(6)) AS moment, \
                 JSON_OBJECT('a', 1) AS json, CAST('10:00' AS time) AS other, {plain} FROM films"
            ),
            "i INTEGER,big DECIMAL(38,0),money DECIMAL(9,2),flag INTEGER,number DOUBLE,moment TIMESTAMP WITH TIME ZONE,json VARCHAR,other VARCHAR",
            "2024|15|1.50|1|0.1|2024-05-31 10:00:00.123456+00|{\"a\": 1}|10:00:00",
        ),
        (
            Sandbox::on_sqlite,
            format!(
                "SELECT 7 AS i, sum(votes) AS big, d.money, d.flag, 0.1 AS number, d.moment, '{{\"a\": 1}}' AS json, \
                 x'0102' AS other, d.day, {} FROM films, declared d",
                plain
                    .replace("CAST('2024-02-29' AS date) AS day, ", "")
                    .replace("CAST(NULL AS char(3))", "NULL")
            ),
            "i BIGINT,big BIGINT,money DECIMAL(9,2),flag BOOLEAN,number DOUBLE,moment TIMESTAMP WITH TIME ZONE,json VARCHAR,other VARCHAR",
            "7|15|1.50|true|0.1|2024-05-31 10:00:00.123456+00|{\"a\": 1}|x0102",
        ),
    ];
    for (engine, sql, columns, row) in cases {
        let (sandbox, path) = with_report(engine, &sql).await;
        if sql.contains("declared") {
            sandbox.execute(
                "CREATE TABLE declared (money DECIMAL(9,2), flag BOOLEAN, moment TIMESTAMP, day DATE); \
                 INSERT INTO declared VALUES ('1.50', 1, '2024-05-31T10:00:00.123456Z', '2024-02-29')",
            );
        }
        sandbox.publish().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let (found, rows) = read(&path);
        let all = format!("{columns},day DATE,empty VARCHAR,absent VARCHAR,text VARCHAR");
        assert_eq!(found, all.split_inclusive(')').flat_map(apart).collect::<Vec<_>>(), "{sql}");
        assert_eq!(rows, [format!("{row}|2024-02-29||~|ä'\"\n")], "{sql}");
    }
}

/// The columns of `a INTEGER,b DECIMAL(9,2),c DATE`, whose types may hold a comma.
fn apart(piece: &str) -> Vec<String> {
    let piece = piece.trim_start_matches(',');
    match piece.split_once('(') {
        None => piece.split(',').map(str::to_owned).collect(),
        Some((before, within)) => {
            let mut columns: Vec<String> = before.split(',').map(str::to_owned).collect();
            let last = columns.pop().unwrap_or_default();
            columns.push(format!("{last}({within}"));
            columns
        }
    }
}

#[tokio::test]
async fn an_answer_without_rows_is_a_file_with_its_columns() {
    for engine in ENGINES {
        let (columns, rows) = published(
            engine,
            "SELECT id, title, CAST(votes AS DECIMAL(9,2)) AS votes FROM films WHERE 1 = 0;",
        )
        .await;
        assert_eq!((columns.len(), rows.len()), (3, 0), "{columns:?}");
        assert_eq!(columns[..2], ["id VARCHAR", "title VARCHAR"]);
    }
    let (columns, _) = published(
        Sandbox::on_sqlite,
        "SELECT CAST(count(*) AS INTEGER) AS n FROM films GROUP BY id HAVING 0",
    )
    .await;
    assert_eq!(columns, ["n BIGINT"], "a CAST says it where no row does");
}

/// More rows than a row group, and than a batch on its way.
#[tokio::test]
async fn rows_come_all_and_in_their_order() {
    let numbers = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000) SELECT";
    for engine in ENGINES {
        let sql = format!("{numbers} n, concat('film ', n) AS text FROM n ORDER BY n DESC");
        let (mut sandbox, path) = with_report(engine, &sql).await;
        sandbox.job.before = vec![Statement { sql: "SELECT 1".into(), file: None, key: Vec::new() }];
        if sandbox.is_on_mariadb() {
            sandbox.job.after[0].sql =
                sql.replace("WITH", "SET STATEMENT max_recursive_iterations = 100000 FOR WITH");
        }
        sandbox.publish().await.unwrap();
        let rows = read(&path).1;
        let expected: Vec<String> = (1..=20_000).rev().map(|n| format!("{n}|film {n}")).collect();
        assert!(rows == expected, "{} rows, first {:?}", rows.len(), rows.first());
    }
}

/// A value that its column's type does not have is told with its place; nothing is published, and the old report stays.
#[tokio::test]
async fn what_no_type_holds_is_refused_and_never_changed() {
    let twice = "SELECT id, title AS id FROM films";
    let cases: [(fn(Sandbox) -> Sandbox, &str, &str); 18] = [
        (duckdb, "SELECT 1 AS n; COMMIT", "syntax error"),
        (Sandbox::on_postgres, "SELECT 1 AS n; COMMIT", "multiple commands"),
        (Sandbox::on_mariadb, "SELECT 1 AS n; COMMIT", "error in your SQL syntax"),
        (Sandbox::on_sqlite, "SELECT 1 AS n; COMMIT", "Multiple statements"),
        (duckdb, twice, "two columns are called \"id\""),
        (Sandbox::on_postgres, twice, "two columns are called \"id\""),
        (Sandbox::on_mariadb, twice, "two columns are called \"id\""),
        (Sandbox::on_sqlite, twice, "two columns are called \"id\""),
        (Sandbox::on_postgres, "UPDATE films SET title = 'x'", "it is no query: it gives no columns"),
        (Sandbox::on_mariadb, "UPDATE films SET title = 'x'", "it is no query: it gives no columns"),
        (duckdb, "SELECT DATE 'infinity' AS day", "column \"day\": an infinite date"),
        (duckdb, "SELECT 170141183460469231731687303715884105727::HUGEINT AS n", "DECIMAL(38,0)"),
        (
            Sandbox::on_postgres,
            "SELECT date '2024-01-01' AS day UNION ALL SELECT 'infinity'",
            "row 2: column \"day\": \"infinity\" is not a date",
        ),
        (
            Sandbox::on_postgres,
            "SELECT 'NaN'::numeric(9,2) AS money",
            "column \"money\": \"NaN\" is not a decimal(9,2)",
        ),
        (
            Sandbox::on_mariadb,
            "SELECT DATE_SUB('0000-00-00', INTERVAL 0 DAY) AS day, zero FROM zeros",
            "column \"zero\": \"0000-00-00\" is not a date",
        ),
        (
            Sandbox::on_mariadb,
            "SELECT UNHEX('FF00') AS bytes",
            "row 1: column \"bytes\" has bytes that are no text: write HEX(bytes)",
        ),
        (Sandbox::on_sqlite, "SELECT number FROM odd", "row 2: column \"number\": \"many\" is not a bigint"),
        (
            Sandbox::on_sqlite,
            "SELECT CAST(x'ff00' AS TEXT) AS text",
            "row 1: column \"text\" has a text that is not UTF-8",
        ),
    ];
    for (engine, sql, says) in cases {
        let (mut sandbox, path) = with_report(engine, sql).await;
        std::fs::write(&path, "old").unwrap();
        match sql {
            _ if sql.contains("zeros") => sandbox.execute(
                "CREATE TABLE zeros (zero date); SET sql_mode = ''; INSERT INTO zeros VALUES ('0000-00-00')",
            ),
            _ if sql.contains("odd") => {
                sandbox.execute("CREATE TABLE odd (number INT); INSERT INTO odd VALUES (1), ('many')")
            }
            _ => {}
        }
        let error = sandbox.publish().await.unwrap_err();
        assert!(error.to_string().contains(says), "{sql}: {error}");
        assert_eq!(error.exit(), Exit::Usage, "{sql}: {error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap())
                .unwrap()
                .filter(|entry| entry
                    .as_ref()
                    .is_ok_and(|entry| entry.file_name().to_string_lossy().contains("report-")))
                .count(),
            0
        );
        sandbox.job.after.clear();
        assert!(!sandbox.publish().await.unwrap().already, "{sql}");
    }
}

/// A double is one that a Parquet file has, whatever it is.
#[tokio::test]
async fn numbers_without_end_and_those_that_are_none_are_kept() {
    let found = published(
        Sandbox::on_postgres,
        "SELECT 'NaN'::float8 AS a, '-Infinity'::float8 AS b, 'Infinity'::float4 AS c, 1e-300::float8 AS d",
    );
    assert_eq!(found.await.1, ["nan|-inf|inf|1e-300"]);
    let found = published(Sandbox::on_sqlite, "SELECT 9e999 AS a, -9e999 AS b, 1e-300 AS c, 5 / 2.0 AS d");
    assert_eq!(found.await.1, ["inf|-inf|1e-300|2.5"]);
}

/// Integers and fractions in one column of SQLite's are doubles where every integer is one, and else texts.
#[tokio::test]
async fn a_computed_column_of_sqlite_has_the_type_of_its_values() {
    let (column, union) = ("SELECT 1 AS v", "UNION ALL SELECT");
    for (sql, ty, rows) in [
        (format!("{column} {union} 2.5 {union} NULL"), "v DOUBLE", vec!["1.0", "2.5", "~"]),
        (format!("{column} {union} 'a'"), "v VARCHAR", vec!["1", "a"]),
        (
            format!("{column} {union} 2.5 {union} 9007199254740993"),
            "v VARCHAR",
            vec!["1", "2.5", "9007199254740993"],
        ),
        ("SELECT NULL AS v".to_owned(), "v VARCHAR", vec!["~"]),
    ] {
        let (columns, found) = published(Sandbox::on_sqlite, &sql).await;
        assert_eq!(
            (columns, found),
            (vec![ty.to_owned()], rows.into_iter().map(str::to_owned).collect()),
            "{sql}"
        );
    }
}

/// What others wrote as 1970, as 0 or as an empty text, or could not read: null in a column of every type, first and alone.
#[tokio::test]
async fn null_is_null_in_every_type() {
    let postgres = "SELECT NULL::timestamptz AS a, NULL::timestamp AS b, NULL::numeric(9,2) AS c, NULL::date AS d, NULL::int AS e, \
         NULL::boolean AS f, NULL::float8 AS g, NULL::jsonb AS h UNION ALL SELECT now(), now(), 1, '1877-01-01', 1, true, 1, '1'";
    let cases: [(fn(Sandbox) -> Sandbox, String, usize); 4] = [
        (Sandbox::on_postgres, postgres.to_owned(), 8),
        (duckdb, postgres.replace("jsonb", "JSON"), 8),
        (
            Sandbox::on_mariadb,
            "SELECT t, d, c, i, b, f FROM (SELECT 1 AS n, CAST(NULL AS datetime(6)) AS t, CAST(NULL AS date) AS d, \
             CAST(NULL AS decimal(9,2)) AS c, CAST(NULL AS signed) AS i, CAST(NULL AS char) AS b, CAST(NULL AS double) AS f \
             UNION ALL SELECT 2, now(6), '1877-01-01', 1, 1, '', 1) AS x ORDER BY n"
                .to_owned(),
            6,
        ),
        (Sandbox::on_sqlite, "SELECT a, b, c, d, e FROM nulls".to_owned(), 5),
    ];
    for (engine, sql, width) in cases {
        let (sandbox, path) = with_report(engine, &sql).await;
        if sql.contains("FROM nulls") {
            sandbox.execute(
                "CREATE TABLE nulls (a TIMESTAMP, b DECIMAL(9,2), c NUMERIC, d BOOLEAN, e REAL); \
                 INSERT INTO nulls (a) VALUES (NULL); \
                 INSERT INTO nulls VALUES ('2024-05-31 12:00:00+02:00', '1.50', 2.5, 0, 1000000.0)",
            );
        }
        sandbox.publish().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let (columns, rows) = read(&path);
        assert_eq!(rows[0], vec!["~"; width].join("|"), "{columns:?}");
        assert!(!rows[1].contains('~'), "{rows:?}");
        if sql.contains("FROM nulls") {
            assert_eq!(columns[2..], ["c DOUBLE", "d BOOLEAN", "e DOUBLE"]);
            assert_eq!(rows[1], "2024-05-31 10:00:00+00|1.50|2.5|false|1000000.0");
        }
    }
}

/// Numbers of MariaDB's that others cut or take for a truth value.
#[tokio::test]
async fn numbers_without_a_sign_and_bits_are_what_they_are() {
    let sql = "SELECT a, b, c, d, e, f, g FROM numbers";
    let (sandbox, path) = with_report(Sandbox::on_mariadb, sql).await;
    sandbox.execute(
        "CREATE TABLE numbers (a tinyint(1), b tinyint unsigned, c bigint unsigned, d bit(1), e bit(64), f int unsigned, \
         g decimal(40,2)); INSERT INTO numbers VALUES \
         (5, 255, 18446744073709551615, b'1', 0xFFFFFFFFFFFFFFFF, 4294967295, 12345678901234567890123456789012345.25)",
    );
    sandbox.publish().await.unwrap();
    let (columns, rows) = read(&path);
    let types = ["INTEGER", "INTEGER", "DECIMAL(20,0)", "BIGINT", "DECIMAL(20,0)", "BIGINT", "DECIMAL(38,2)"];
    let expected: Vec<String> =
        "abcdefg".chars().zip(types).map(|(name, ty)| format!("{name} {ty}")).collect();
    assert_eq!(columns, expected);
    assert_eq!(
        rows,
        [
            "5|255|18446744073709551615|1|18446744073709551615|4294967295|12345678901234567890123456789012345.25"
        ]
    );
}

/// A number of seconds in a column for timestamps is no timestamp; a time zone of a statement before holds for that one only.
#[tokio::test]
async fn moments_are_never_guessed() {
    let (mut sandbox, path) = with_report(Sandbox::on_sqlite, "SELECT at FROM seconds").await;
    sandbox.execute("CREATE TABLE seconds (at DATETIME); INSERT INTO seconds VALUES (1717149600)");
    let error = sandbox.publish().await.unwrap_err().to_string();
    assert!(error.contains("row 1: column \"at\": \"1717149600\" is not a timestamp"), "{error}");
    sandbox.job.after[0].sql =
        "SELECT datetime(at, 'unixepoch') AS at, CAST(at AS TEXT) AS text FROM seconds".to_owned();
    sandbox.publish().await.unwrap();
    assert_eq!(
        read(&path),
        (vec!["at VARCHAR".into(), "text VARCHAR".into()], vec!["2024-05-31 10:00:00|1717149600".into()])
    );
    let (mut sandbox, path) = with_report(Sandbox::on_mariadb, "SELECT at FROM moments").await;
    sandbox.execute(
        "CREATE TABLE moments (at timestamp NULL); INSERT INTO moments VALUES ('2024-05-31 10:00:00')",
    );
    let zone = Statement { sql: "SET time_zone = '+09:00'".into(), file: None, key: Vec::new() };
    sandbox.job.after.insert(0, zone);
    sandbox.publish().await.unwrap();
    assert_eq!(read(&path).1, ["2024-05-31 10:00:00+00"]);
}
