//! Values into columns of other types, exactly; keys as the table compares them; LOAD DATA and INSERT alike.

use super::super::sandbox::{NOW, Sandbox, Values, all_ok};
use super::{of_values, refused, text};
use crate::job::{Mode, OnUnlisted};
use crate::value::{Type, Value};

/// What a table of that column type holds of these values.
async fn held(column: &str, ty: Type, values: Values, records: u64) -> Vec<String> {
    let sandbox = of_values(ty, values, records).await;
    sandbox.execute(&format!("CREATE TABLE films (id varchar(20), value {column}) CHARACTER SET utf8mb4"));
    sandbox.publish().await.unwrap();
    sandbox.rows("SELECT value FROM films ORDER BY id")
}

#[tokio::test]
async fn texts_go_into_every_type_of_text() {
    let words: Values = |_, o, _, _| vec![text(["red", "light blue"][o as usize % 2])];
    for column in [
        "text",
        "varchar(10)",
        "char(10)",
        "longtext",
        "enum('red', 'light blue')",
        "varchar(10) COLLATE utf8mb4_bin",
    ] {
        assert_eq!(held(column, Type::Text, words, 2).await, ["red", "light blue"], "{column}");
    }
    let odd: Values = |_, o, _, _| vec![text(["", "😀\t\n\\.\"'", "\\N", "a\0b\r", "NULL"][o as usize])];
    let sandbox = of_values(Type::Text, odd, 5).await;
    sandbox.publish().await.unwrap();
    let hex = ["", "F09F9880090A5C2E2227", "5C4E", "6100620D", "4E554C4C"];
    assert_eq!(sandbox.rows("SELECT hex(value) FROM films ORDER BY id"), hex);
}

/// The server cuts blanks at the end off, strict or not, and notes it only.
#[tokio::test]
async fn blanks_that_do_not_fit_are_refused_like_other_characters() {
    let words: Values = |_, o, _, _| vec![text(["abc", "ab ", "abc  "][o as usize])];
    for mode in [Mode::Append, Mode::Replace, Mode::ReplaceIds, Mode::Upsert] {
        let sandbox = of_values(Type::Text, words, 3).await.mode(mode);
        sandbox.execute(
            "CREATE TABLE films (id varchar(20) PRIMARY KEY, value varchar(3)) CHARACTER SET utf8mb4",
        );
        let said = refused(&sandbox).await.to_string();
        assert!(
            said.contains("id \"tt0002\", value = \"abc  \": Data truncated for column 'value'"),
            "{mode:?}: {said}"
        );
        assert_eq!(sandbox.rejected().await, [2], "{mode:?}");
        assert_eq!(
            sandbox.rows("SELECT concat('<', value, '>') FROM films ORDER BY id"),
            ["<abc>", "<ab >"],
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn numbers_go_into_wider_ones_exactly() {
    let ends: Values = |_, o, _, _| vec![Value::Integer([i32::MIN, i32::MAX, 0][o as usize])];
    for column in ["integer", "bigint", "decimal(10)", "double"] {
        assert_eq!(
            held(column, Type::Integer, ends, 3).await,
            ["-2147483648", "2147483647", "0"],
            "{column}"
        );
    }
    let wide: Values = |_, o, _, _| vec![Value::Bigint([i64::MIN, i64::MAX][o as usize])];
    for column in ["bigint", "decimal(19)"] {
        assert_eq!(
            held(column, Type::Bigint, wide, 2).await,
            ["-9223372036854775808", "9223372036854775807"]
        );
    }
    let doubles: Values =
        |_, o, _, _| vec![Value::Double([f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1 + 0.2][o as usize])];
    assert_eq!(
        held("double", Type::Double, doubles, 4).await,
        ["1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "0.30000000000000004"]
    );
    let yes: Values = |_, o, _, _| vec![Value::Boolean(o == 0)];
    assert_eq!(held("tinyint(1)", Type::Boolean, yes, 2).await, ["1", "0"]);
}

const NINES: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

#[tokio::test]
async fn decimals_arrive_digit_by_digit() {
    let values: Values =
        |_, o, _, _| vec![Value::Decimal([NINES, -NINES, 1, 0, -10_000_000_000][o as usize])];
    let expected = [
        "9999999999999999999999999999.9999999999",
        "-9999999999999999999999999999.9999999999",
        "0.0000000001",
        "0.0000000000",
        "-1.0000000000",
    ];
    for column in ["decimal(38,10)", "decimal(65,10)"] {
        let ty = Type::Decimal { precision: 38, scale: 10 };
        assert_eq!(held(column, ty, values, 5).await, expected, "{column}");
    }
}

#[tokio::test]
async fn days_and_moments_are_utc_whatever_the_server_thinks() {
    let days: Values = |_, o, _, _| vec![Value::Date([-1, 0, -719_162, 19_000][o as usize])];
    let expected = ["1969-12-31", "1970-01-01", "0001-01-01", "2022-01-08"];
    assert_eq!(held("date", Type::Date, days, 4).await, expected);
    let moments: Values = |_, o, _, _| vec![Value::Timestamp([-1, NOW + 123_456][o as usize])];
    let expected = ["1969-12-31 23:59:59.999999", "2026-11-23 00:00:00.123456"];
    assert_eq!(held("datetime(6)", Type::Timestamp, moments, 2).await, expected);
    let later: Values = |_, _, _, _| vec![Value::Timestamp(NOW)];
    assert_eq!(held("timestamp(6)", Type::Timestamp, later, 1).await, ["2026-11-23 00:00:00.000000"]);
}

#[tokio::test]
async fn a_value_that_the_column_cannot_hold_refuses_all_and_is_named() {
    let words: Values = |_, o, _, _| vec![text(["short", "too long"][o as usize])];
    for (column, said) in [
        ("varchar(5)", "Data too long for column 'value'"),
        ("enum('short')", "Data truncated for column 'value'"),
    ] {
        let sandbox = of_values(Type::Text, words, 2).await;
        sandbox
            .execute(&format!("CREATE TABLE films (id varchar(20), value {column}) CHARACTER SET utf8mb4"));
        let error = refused(&sandbox).await.to_string();
        assert!(
            error.contains(&format!("\n  record 1, id \"tt0001\", value = \"too long\": {said}")),
            "{error}"
        );
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
    }
    let numbers: Values = |_, o, _, _| vec![Value::Integer(o as i32 - 1)];
    let sandbox = of_values(Type::Integer, numbers, 2).await;
    sandbox.execute("CREATE TABLE films (id varchar(20), value int unsigned) CHARACTER SET utf8mb4");
    let error = refused(&sandbox).await.to_string();
    assert!(
        error.contains("record 0, id \"tt0000\", value = \"-1\": Out of range value for column 'value'"),
        "{error}"
    );
}

/// A run of these ids into a table by hand whose id is of that type.
async fn with_ids(ids: &[&str], id: &str, mode: Mode) -> Sandbox {
    let mut sandbox = Sandbox::new(ids.len() as u64).await.mode(mode);
    sandbox.ids = ids.iter().map(|id| (*id).to_owned()).collect();
    sandbox.add_round(1, &all_ok).await;
    let sandbox = sandbox.on_mariadb();
    sandbox.execute(&format!(
        "CREATE TABLE films (number int AUTO_INCREMENT PRIMARY KEY, id {id}, title text, votes bigint, budget int, facts json,
             {} KEY (id)) CHARACTER SET utf8mb4",
        if mode == Mode::Upsert { "UNIQUE" } else { "" }
    ));
    sandbox
}

const COARSE: &str = "varchar(20) COLLATE utf8mb4_general_ci NOT NULL";

#[tokio::test]
async fn keys_that_the_table_finds_alike_are_one_the_latest_wins_and_it_is_told() {
    let sandbox = with_ids(&["a", "A", "ä", "a ", "b"], COARSE, Mode::Upsert).await;
    sandbox.execute("INSERT INTO films (id, title) VALUES ('B', 'old'), ('c', 'old')");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.duplicates.rows), (2, 1, 3));
    assert_eq!(sandbox.rows("SELECT hex(id), votes FROM films ORDER BY number"), ["62|4", "63|~", "6120|3"]);
}

#[tokio::test]
async fn rows_are_replaced_and_unlisted_ones_deleted_as_the_table_compares_ids() {
    let mut sandbox = with_ids(&["a", "b"], COARSE, Mode::ReplaceIds).await;
    sandbox.job.table.on_unlisted = OnUnlisted::Delete;
    sandbox.execute(
        "INSERT INTO films (id, title) VALUES ('A', 'old'), ('A ', 'old'), ('B', 'old'), ('c', 'old')",
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.gone, published.total), (2, 3, 1, Some(2)));
}

#[tokio::test]
async fn a_server_that_takes_no_local_files_gets_inserts() {
    let server =
        crate::mariadb_server::MariaDbServer::start(&["--local-infile=0", "--max-allowed-packet=2M"]);
    let name = server.database().name;
    let odd: Values = |_, o, _, _| {
        vec![text(["it's", "😀\t\n\\.\"'", "\\N", "a\0b\r", &"x".repeat(300_000)][o as usize % 5])]
    };
    let mut sandbox = of_values(Type::Text, odd, 20).await;
    let url = crate::job::ServerUrl::parse(&server.url(&name)).unwrap();
    sandbox.job.table.to = crate::job::Destination::Server(url);
    assert_eq!(sandbox.publish().await.unwrap().rows, 20);
    let rows = server.rows(&name, "SELECT hex(value) FROM films WHERE id <= 'tt0003' ORDER BY id");
    assert_eq!(rows, ["69742773", "F09F9880090A5C2E2227", "5C4E", "6100620D"]);
    assert_eq!(
        server.rows(&name, "SELECT sum(length(value)) FROM films"),
        [(4 * (4 + 10 + 2 + 4 + 300_000)).to_string()]
    );
}

/// A server whose log for replicas has statements warns of LOAD DATA, which says nothing of the values.
#[tokio::test]
async fn a_warning_that_is_not_about_values_is_none() {
    let server = crate::mariadb_server::MariaDbServer::start(&["--log-bin=log", "--binlog-format=STATEMENT"]);
    let name = server.database().name;
    let values: Values = |_, o, _, _| vec![text(o.to_string())];
    let mut sandbox = of_values(Type::Text, values, 20).await;
    let url = crate::job::ServerUrl::parse(&server.url(&name)).unwrap();
    sandbox.job.table.to = crate::job::Destination::Server(url);
    assert_eq!(sandbox.publish().await.unwrap().rows, 20);
}
