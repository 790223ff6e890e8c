use super::*;
use crate::job::Input;
use crate::mariadb_server::{self, TestDatabase};

fn server(database: &TestDatabase<'_>, query: &str) -> Job {
    job(Database::Server(ServerUrl::parse(&database.url()).unwrap()), query)
}

/// The same, with a further column that is taken.
fn with_value(database: &TestDatabase<'_>, query: &str) -> Job {
    let job = server(database, query);
    Job { input: Input { columns: vec!["value".into()], ..job.input.clone() }, ..job }
}

#[test]
fn rows_come_in_the_order_of_the_query() {
    let database = mariadb_server::database();
    database.execute("CREATE TABLE n AS SELECT CAST((seq * 7919) % 5003 AS SIGNED) AS id FROM seq_1_to_5000");
    let list = read(&server(&database, "SELECT id, 'x' AS other FROM n ORDER BY id DESC;\n")).unwrap();
    let found = frame(&list).column("id").unwrap().i64().unwrap().into_no_null_iter().collect::<Vec<_>>();
    assert_eq!(found.len(), 5000);
    assert!(found.is_sorted_by(|a, b| a > b), "descending");
}

#[test]
fn two_columns_of_one_name_are_no_matter_where_neither_is_needed() {
    let database = mariadb_server::database();
    database.execute("CREATE TABLE a (id int, n int); CREATE TABLE b (key_of int, n int); INSERT INTO a VALUES (1, 2); INSERT INTO b VALUES (1, 3)");
    let list =
        read(&server(&database, "SELECT a.*, b.* FROM a JOIN b ON b.key_of = a.id -- a remark")).unwrap();
    assert_eq!(list.records(), 1);
}

/// A column's type and what stands in it, our type for it, and how it then reads.
const VALUES: [(&str, &str, Type, &str); 25] = [
    ("tinyint(1)", "1", Type::Integer, "1"),
    ("smallint", "-32768", Type::Integer, "-32768"),
    ("mediumint unsigned", "16777215", Type::Integer, "16777215"),
    ("int", "-2147483648", Type::Integer, "-2147483648"),
    ("int unsigned", "4294967295", Type::Bigint, "4294967295"),
    ("bigint", "-9223372036854775808", Type::Bigint, "-9223372036854775808"),
    (
        "bigint unsigned",
        "18446744073709551615",
        Type::Decimal { precision: 20, scale: 0 },
        "18446744073709551615",
    ),
    ("year", "2026", Type::Integer, "2026"),
    ("bit(1)", "1", Type::Bigint, "1"),
    ("bit(40)", "b'1000000000000000000000000000000000000001'", Type::Bigint, "549755813889"),
    ("float", "16777216", Type::Double, "16777216"),
    ("float", "0.1", Type::Double, "0.1"),
    ("double", "-1.5e-7", Type::Double, "-0.00000015"),
    ("decimal(9,2)", "1234.50", Type::Decimal { precision: 9, scale: 2 }, "1234.50"),
    ("decimal(9,2) unsigned", "1234.50", Type::Decimal { precision: 9, scale: 2 }, "1234.50"),
    (
        "decimal(38,0)",
        "99999999999999999999999999999999999999",
        Type::Decimal { precision: 38, scale: 0 },
        "99999999999999999999999999999999999999",
    ),
    ("decimal(65,30)", "1.5", Type::Text, "1.500000000000000000000000000000"),
    ("date", "'0001-01-01'", Type::Date, "0001-01-01"),
    ("datetime(6)", "'1969-12-31 23:59:59.999999'", Type::Timestamp, "1969-12-31T23:59:59.999999Z"),
    ("timestamp", "'2024-01-01 00:00:00'", Type::Timestamp, "2024-01-01T00:00:00Z"),
    ("time(3)", "'-838:59:58.999'", Type::Text, "-838:59:58.999"),
    ("enum('sad', 'happy')", "'happy'", Type::Text, "happy"),
    ("text CHARACTER SET utf8mb4", "'é𝄞'", Type::Text, "é𝄞"),
    ("varchar(9) CHARACTER SET latin1", "'é'", Type::Text, "é"),
    ("json", "'{\"a\":  1}'", Type::Text, "{\"a\":  1}"),
];

#[test]
fn every_type_is_kept_or_becomes_text() {
    let database = mariadb_server::database();
    for (column, sql, ty, expected) in VALUES {
        database.execute(&format!(
            "CREATE OR REPLACE TABLE films (id int, value {column}); SET NAMES utf8mb4; INSERT INTO films VALUES (1, {sql})"
        ));
        let list = read(&with_value(&database, "SELECT id, value FROM films"));
        let list = list.unwrap_or_else(|error| panic!("{column}: {error}"));
        assert_eq!((type_of(&list, "value"), value(&list, "value").as_str()), (ty, expected), "{column}");
    }
}

#[test]
fn moments_are_utc_whatever_the_servers_zone() {
    let server = mariadb_server::MariaDbServer::start(&["--default-time-zone=+09:00"]);
    let database = server.database();
    database.execute(
        "CREATE TABLE films (id int, value timestamp); INSERT INTO films VALUES (1, '2024-01-01 00:00:00')",
    );
    let list = read(&with_value(&database, "SELECT id, value FROM films")).unwrap();
    assert_eq!(value(&list, "value"), "2024-01-01T00:00:00Z", "the client that wrote it was in UTC");
}

#[test]
fn what_no_column_holds_is_told_with_its_row() {
    let database = mariadb_server::database();
    database.execute(
        "CREATE TABLE films (id int, value date, bytes varbinary(9));
         SET sql_mode = ''; INSERT INTO films VALUES (1, '2026-01-01', 'x'), (2, '0000-00-00', 'y')",
    );
    let said = mistake(&with_value(&database, "SELECT id, value FROM films ORDER BY id"));
    assert!(said.contains("row 2: column \"value\" has a date with a zero"), "{said}");
    let list =
        read(&with_value(&database, "SELECT id, NULLIF(value, 0) AS value FROM films ORDER BY id")).unwrap();
    assert_eq!(list.records(), 2);
    let said = mistake(&with_value(&database, "SELECT id, bytes AS value FROM films"));
    assert!(said.contains("column \"value\" is binary") && said.contains("HEX(column)"), "{said}");
    assert_eq!(
        read(&with_value(&database, "SELECT id, HEX(bytes) AS value FROM films")).unwrap().records(),
        2
    );
}

#[test]
fn mistakes_are_the_jobs_and_nothing_is_written() {
    let database = mariadb_server::database();
    database.execute("CREATE TABLE films (id int); INSERT INTO films VALUES (1)");
    for (query, words) in [
        ("SELECT nme FROM films", "Unknown column 'nme'"),
        ("SELECT id FROM films WHERE id = ?", "the query has a parameter"),
        ("SELECT id FROM films; DELETE FROM films", "error in your SQL syntax"),
        ("DELETE FROM films", "READ ONLY transaction"),
        ("DELETE FROM films RETURNING id", "READ ONLY transaction"),
        ("SHOW TABLES", "error in your SQL syntax"),
        ("SELECT id FROM films) AS x; -- ", "error in your SQL syntax"),
    ] {
        let said = mistake(&server(&database, query));
        assert!(said.contains(words), "{query}: {said}");
    }
    assert_eq!(database.rows("SELECT count(*) FROM films"), ["1"]);
}

/// A list that is cut short is refused, by whatever means it was cut.
#[test]
fn a_list_that_the_server_cuts_is_not_whole() {
    let server = mariadb_server::MariaDbServer::start(&[]);
    let database = server.database();
    let query = "SELECT seq AS id, repeat('x', 1000) AS value FROM seq_1_to_1000000";
    for kill in ["KILL QUERY", "KILL"] {
        let asked = job(Database::Server(ServerUrl::parse(&database.url()).unwrap()), query);
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| refused(&asked).to_string());
            let busy =
                "SELECT id FROM information_schema.processlist WHERE info LIKE '/**/SELECT seq AS id%'";
            let id = loop {
                if let Some(id) = database.rows(busy).first() {
                    break id.clone();
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            };
            std::thread::sleep(std::time::Duration::from_millis(300));
            database.execute(&format!("{kill} {id}"));
            let said = reading.join().unwrap();
            assert!(said.contains("interrupted") || said.contains("lost"), "{kill}: {said}");
        });
    }
}

#[test]
fn what_the_server_would_cut_is_whole_or_told() {
    let server = mariadb_server::MariaDbServer::start(&["--max-error-count=0"]);
    server.rows("", "SET GLOBAL sql_select_limit = 1, GLOBAL group_concat_max_len = 4");
    let database = server.database();
    let query =
        "SELECT seq AS id, (SELECT group_concat(seq) FROM seq_1_to_9) AS value FROM seq_1_to_5 ORDER BY 1";
    let list = read(&with_value(&database, query)).unwrap();
    assert_eq!((list.records(), value(&list, "value").as_str()), (5, "1,2,3,4,5,6,7,8,9"));
    for query in [
        "WITH RECURSIVE n AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM n WHERE id < 5000) SELECT id FROM n",
        "SELECT seq AS id FROM seq_1_to_5000 LIMIT ROWS EXAMINED 100",
    ] {
        let said = mistake(&super::job(Database::Server(ServerUrl::parse(&database.url()).unwrap()), query));
        assert!(said.contains("The query result may be incomplete"), "{said}");
    }
}

#[test]
fn a_colon_in_a_text_or_a_comment_is_no_parameter() {
    let database = mariadb_server::database();
    for query in [
        r"SELECT 1 AS id, 'C:\\' AS value FROM DUAL WHERE 'see :here' <> ''",
        r"SELECT 1 AS id, 'C:\\' AS value FROM DUAL WHERE 'is it? yes' <> ''",
        "SELECT 1 AS id, 'C:\\\\' AS value -- don't :ask\n FROM DUAL # nor :here",
        "SELECT 1 AS id, 'C:\\\\' AS value /** don't :ask **/ FROM DUAL WHERE ':b' = ':b'",
    ] {
        let list = read(&with_value(&database, query)).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(value(&list, "value"), "C:\\", "{query}");
    }
    let said = mistake(&server(&database, "SELECT 1 AS id FROM DUAL WHERE 1 = :one"));
    assert!(said.contains("error in your SQL syntax"), "{said}");
}

#[test]
fn types_and_tables_of_mariadbs_own_are_lists() {
    let database = mariadb_server::database();
    database.execute(
        "CREATE TABLE odd (id int, u uuid, six inet6, four inet4, hidden text INVISIBLE DEFAULT 'x', n int zerofill)
             WITH SYSTEM VERSIONING;
         INSERT INTO odd (id, u, six, four, n)
             VALUES (1, '123e4567-e89b-12d3-a456-426614174000', '::1', '1.2.3.4', 7)",
    );
    for (column, expected) in [
        ("u", "123e4567-e89b-12d3-a456-426614174000"),
        ("six", "::1"),
        ("four", "1.2.3.4"),
        ("hidden", "x"),
        ("n", "7"),
    ] {
        let list = read(&with_value(&database, &format!("SELECT id, {column} AS value FROM odd"))).unwrap();
        assert_eq!(value(&list, "value"), expected);
    }
}
