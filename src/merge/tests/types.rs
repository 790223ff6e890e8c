//! Values into columns of other types, exactly; keys as the table compares them.

use super::engines::{Engine, on_each, statement, text};
use super::sandbox::{NOW, Sandbox, Values, all_ok};
use crate::handoff::Exit;
use crate::job::{Mode, OnUnlisted};
use crate::value::{Type, Value};

on_each! {
    [postgres, mariadb, sqlite]
    numbers_go_into_wider_ones_exactly,
    decimals_arrive_digit_by_digit,
    days_and_moments_are_utc_whatever_the_server_thinks,
    keys_that_the_table_finds_alike_are_one_and_the_later_record_wins,
    rows_are_replaced_and_unlisted_ones_deleted_as_the_table_compares_ids,
    keys_of_numbers_are_found_in_wider_columns;
    [postgres, mariadb]
    doubles_keep_every_bit,
    a_value_that_the_column_cannot_hold_refuses_all_and_is_named;
}

/// What a table of that column type holds of these values, straight and by way of staging: it must be the same.
pub async fn held(on: Engine, column: &str, ty: Type, values: Values, records: u64) -> Vec<String> {
    let mut found = Vec::new();
    for staged in [false, true] {
        let mut sandbox = on.of_values(ty, values, records).await;
        if on == Engine::Postgres {
            let name = &sandbox.postgres().name;
            sandbox.execute(&format!("ALTER DATABASE {name} SET timezone = 'America/New_York'"));
            sandbox.execute(
                "CREATE EXTENSION citext; CREATE TYPE color AS ENUM ('red', 'light blue');
                 CREATE DOMAIN short AS varchar(5) CHECK (value <> 'bad')",
            );
        }
        sandbox.execute(&format!("CREATE TABLE films (id varchar(20), value {column})"));
        if staged {
            sandbox.job.after = vec![statement("SELECT count(*) FROM windrow_rows")];
        }
        sandbox.publish().await.unwrap();
        found.push(sandbox.rows("SELECT value FROM films ORDER BY id"));
    }
    assert_eq!(found[0], found[1], "{on:?}: straight and staged, as {column}");
    found.remove(0)
}

async fn all_hold(on: Engine, columns: &[&str], ty: Type, values: Values, expected: &[&str]) {
    for column in columns {
        assert_eq!(held(on, column, ty, values, expected.len() as u64).await, expected, "{on:?}: {column}");
    }
}

async fn numbers_go_into_wider_ones_exactly(on: Engine) {
    let ends: Values = |_, o, _, _| vec![Value::Integer([i32::MIN, i32::MAX, 0][o as usize])];
    let columns: &[&str] = match on {
        Engine::Postgres => &["integer", "bigint", "numeric", "numeric(10)", "double precision"],
        Engine::MariaDb => &["integer", "bigint", "decimal(10)", "double"],
        _ => &["INTEGER", "BIGINT", "DECIMAL(20)", ""],
    };
    all_hold(on, columns, Type::Integer, ends, &["-2147483648", "2147483647", "0"]).await;
    let wide: Values = |_, o, _, _| vec![Value::Bigint([i64::MIN, i64::MAX, -1, (1 << 53) + 1][o as usize])];
    let columns: &[&str] = match on {
        Engine::Postgres => &["bigint", "numeric(19)"],
        Engine::MariaDb => &["bigint", "decimal(19)"],
        _ => &["INTEGER", "BIGINT", "DECIMAL(20)", ""],
    };
    let expected = ["-9223372036854775808", "9223372036854775807", "-1", "9007199254740993"];
    all_hold(on, columns, Type::Bigint, wide, &expected).await;
    let yes: Values = |_, o, _, _| vec![Value::Boolean(o == 0)];
    let (column, expected) =
        on.own([("boolean", ["t", "f"]), ("tinyint(1)", ["1", "0"]), ("INTEGER", ["1", "0"])]);
    all_hold(on, &[column], Type::Boolean, yes, &expected).await;
}

async fn doubles_keep_every_bit(on: Engine) {
    let doubles: Values =
        |_, o, _, _| vec![Value::Double([f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1 + 0.2, -0.0][o as usize])];
    let expected =
        ["1.7976931348623157e+308", "2.2250738585072014e-308", "5e-324", "0.30000000000000004", "-0"];
    let (column, expected) = match on {
        Engine::Postgres => ("double precision", expected.to_vec()),
        // It keeps no sign of 0.
        _ => ("double", [&["1.7976931348623157e308"], &expected[1..4]].concat()),
    };
    all_hold(on, &[column], Type::Double, doubles, &expected).await;
}

const NINES: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

async fn decimals_arrive_digit_by_digit(on: Engine) {
    let values: Values =
        |_, o, _, _| vec![Value::Decimal([NINES, -NINES, 1, 0, -10_000_000_000][o as usize])];
    let expected = [
        "9999999999999999999999999999.9999999999",
        "-9999999999999999999999999999.9999999999",
        "0.0000000001",
        "0.0000000000",
        "-1.0000000000",
    ];
    let columns: &[&str] = match on {
        Engine::Postgres => &["numeric", "numeric(38,10)"],
        Engine::MariaDb => &["decimal(38,10)", "decimal(65,10)"],
        _ => &["TEXT", ""],
    };
    all_hold(on, columns, Type::Decimal { precision: 38, scale: 10 }, values, &expected).await;
}

async fn days_and_moments_are_utc_whatever_the_server_thinks(on: Engine) {
    let days: Values = |_, o, _, _| vec![Value::Date([-1, 0, -719_162, 19_000][o as usize])];
    let dates = ["1969-12-31", "1970-01-01", "0001-01-01", "2022-01-08"];
    all_hold(on, &["date"], Type::Date, days, &dates).await;
    let moments: Values =
        |_, o, _, _| vec![Value::Timestamp([-1, NOW + 123_456, -62_135_596_800_000_000][o as usize])];
    let expected = match on {
        Engine::Sqlite => {
            ["1969-12-31T23:59:59.999999Z", "2026-11-23T00:00:00.123456Z", "0001-01-01T00:00:00Z"]
        }
        Engine::MariaDb => {
            ["1969-12-31 23:59:59.999999", "2026-11-23 00:00:00.123456", "0001-01-01 00:00:00.000000"]
        }
        _ => ["1969-12-31 23:59:59.999999", "2026-11-23 00:00:00.123456", "0001-01-01 00:00:00"],
    };
    let column = on.own(["timestamp", "datetime(6)", "DATETIME"]);
    all_hold(on, &[column], Type::Timestamp, moments, &expected).await;
    if on == Engine::MariaDb {
        let later: Values = |_, _, _, _| vec![Value::Timestamp(NOW)];
        all_hold(on, &["timestamp(6)"], Type::Timestamp, later, &["2026-11-23 00:00:00.000000"]).await;
    }
    if on == Engine::Postgres {
        let zoned = expected.map(|moment| format!("{moment}+00"));
        assert_eq!(held(on, "timestamptz(6)", Type::Timestamp, moments, 3).await, zoned);
        let midnight = dates.map(|day| format!("{day} 00:00:00"));
        assert_eq!(held(on, "timestamp", Type::Date, days, 4).await, midnight);
        let zoned = midnight.map(|moment| format!("{moment}+00"));
        assert_eq!(held(on, "timestamptz", Type::Date, days, 4).await, zoned);
    }
}

async fn a_value_that_the_column_cannot_hold_refuses_all_and_is_named(on: Engine) {
    let words: Values = |_, o, _, _| vec![text(["short", "too long"][o as usize])];
    let numbers: Values = |_, o, _, _| vec![Value::Integer(1 - 2 * o as i32)];
    let cases = match on {
        Engine::Postgres => vec![
            ("varchar(5)", "value too long for type character varying(5)"),
            ("color", "invalid input value for enum color"),
            ("uuid", "invalid input syntax for type uuid"),
        ],
        _ => vec![
            ("varchar(5)", "Data too long for column 'value'"),
            ("enum('short')", "Data truncated for column 'value'"),
            ("int unsigned", "Out of range value for column 'value'"),
        ],
    };
    for (column, why) in cases {
        let (ty, values, value) = match column {
            "int unsigned" => (Type::Integer, numbers, "-1"),
            _ => (Type::Text, words, "too long"),
        };
        let sandbox = on.of_values(ty, values, 2).await;
        if on == Engine::Postgres {
            sandbox.execute("CREATE TYPE color AS ENUM ('short')");
        }
        sandbox.execute(&format!("CREATE TABLE films (id varchar(20), value {column})"));
        let error = sandbox.refused().await;
        let named = format!("\n  record 1, id \"tt0001\", value = \"{value}\": {why}");
        assert!(error.to_string().contains(&named), "{on:?} {column}: {error}");
        assert_eq!(error.exit(), Exit::Database);
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
    }
}

/// A run of these ids into a table by hand whose id is of that type.
pub async fn with_ids(on: Engine, ids: &[&str], id: &str, mode: Mode) -> Sandbox {
    let mut sandbox = Sandbox::new(ids.len() as u64).await.mode(mode);
    sandbox.ids = ids.iter().map(|id| (*id).to_owned()).collect();
    sandbox.add_round(1, &all_ok).await;
    let sandbox = sandbox.on(on);
    let number = match on {
        Engine::Postgres => {
            sandbox.execute(
                "CREATE EXTENSION citext; CREATE TYPE color AS ENUM ('red', 'blue'); \
                 CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            );
            "serial"
        }
        Engine::MariaDb => "int AUTO_INCREMENT PRIMARY KEY",
        _ => "int",
    };
    sandbox.execute(&format!(
        "CREATE TABLE films (number {number}, id {id}, title text, votes bigint, budget int, facts json)"
    ));
    sandbox
}

/// Types of ids that find `a` and `A` alike, with a key or without.
fn coarse(on: Engine) -> &'static [&'static str] {
    match on {
        Engine::Postgres => {
            &["citext PRIMARY KEY", "citext", "text COLLATE loose", "varchar COLLATE loose PRIMARY KEY"]
        }
        Engine::MariaDb => &["varchar(40) COLLATE utf8mb4_general_ci NOT NULL UNIQUE"],
        _ => &["TEXT COLLATE NOCASE PRIMARY KEY", "TEXT COLLATE NOCASE"],
    }
}

async fn keys_that_the_table_finds_alike_are_one_and_the_later_record_wins(on: Engine) {
    for id in coarse(on) {
        let sandbox = with_ids(on, &["tt1", "TT1", "tt2", "Tt1"], id, Mode::Upsert).await;
        sandbox.execute("INSERT INTO films (id, title) VALUES ('TT2', 'old'), ('tt3', 'old')");
        let published = sandbox.publish().await.unwrap();
        let counts = (published.rows, published.replaced, published.duplicates.rows);
        assert_eq!(counts, (2, 1, 2), "{on:?} {id}");
        let mut left = sandbox.rows("SELECT id, votes FROM films");
        left.sort();
        assert_eq!(left, ["Tt1|3", "tt2|2", "tt3|~"], "{on:?} {id}");
    }
}

async fn rows_are_replaced_and_unlisted_ones_deleted_as_the_table_compares_ids(on: Engine) {
    let coarse = coarse(on)[0].replace(" PRIMARY KEY", "").replace(" UNIQUE", "");
    let mut sandbox = with_ids(on, &["a", "b"], &coarse, Mode::ReplaceIds).await;
    sandbox.job.table.on_unlisted = OnUnlisted::Delete;
    let padded = if on == Engine::MariaDb { "A " } else { "A" };
    sandbox.execute(&format!(
        "INSERT INTO films (id, title) VALUES ('A', 'old'), ('{padded}', 'old'), ('B', 'old'), ('c', 'old')"
    ));
    let published = sandbox.publish().await.unwrap();
    let counts = (published.rows, published.replaced, published.gone, published.total);
    assert_eq!(counts, (2, 3, 1, Some(2)), "{on:?}");
}

async fn keys_of_numbers_are_found_in_wider_columns(on: Engine) {
    for column in on.own([
        ["bigint", "numeric", "double precision"],
        ["bigint UNIQUE", "decimal(20) UNIQUE", "double UNIQUE"],
        ["BIGINT", "NUMERIC", "INTEGER UNIQUE"],
    ]) {
        let mut sandbox = Sandbox::of_one_round(3, &all_ok).await.mode(Mode::Upsert);
        sandbox.job.table.key = vec!["budget".into()];
        let sandbox = sandbox.on(on);
        sandbox.execute(&format!(
            "CREATE TABLE films (id varchar(20), title text, votes bigint, budget {column}, facts json);
             INSERT INTO films (id, title, votes, budget) VALUES ('old', 'old', 0, 10), ('other', 'old', 0, 99)"
        ));
        let published = sandbox.publish().await.unwrap();
        let counts = (published.rows, published.replaced, published.total);
        assert_eq!(counts, (3, 1, Some(4)), "{on:?} {column}");
    }
}
