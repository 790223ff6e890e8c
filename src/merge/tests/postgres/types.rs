//! Values into columns of other types, exactly; keys as the table compares them.

use super::super::sandbox::{NOW, Sandbox, Values, all_ok};
use super::{of_values, refused, run_of, text};
use crate::handoff::Exit;
use crate::job::{Mode, OnUnlisted, Statement};
use crate::value::{Type, Value};

/// What a table of that column type holds of these values, straight and by way of staging: it must be the same.
async fn held(column: &str, ty: Type, values: Values, records: u64) -> Vec<String> {
    let mut found = Vec::new();
    for staged in [false, true] {
        let mut sandbox = of_values(ty, values, records).await;
        let name = &sandbox.postgres().name;
        sandbox.execute(&format!("ALTER DATABASE {name} SET timezone = 'America/New_York'"));
        sandbox.execute(&format!(
            "CREATE EXTENSION citext; CREATE TYPE color AS ENUM ('red', 'light blue');
             CREATE DOMAIN short AS varchar(5) CHECK (value <> 'bad');
             CREATE TABLE films (id text, value {column})"
        ));
        if staged {
            sandbox.job.after = vec![Statement { sql: "SELECT FROM windrow_rows".into(), file: None }];
        }
        sandbox.publish().await.unwrap();
        found.push(sandbox.rows("SELECT value FROM films ORDER BY id"));
    }
    assert_eq!(found[0], found[1], "straight and staged, as {column}");
    found.remove(0)
}

#[tokio::test]
async fn texts_go_into_every_type_of_text() {
    let words: Values = |_, o, _, _| vec![text(["red", "light blue"][o as usize % 2])];
    for column in ["text", "varchar(10)", "citext", "color", "varchar(10) COLLATE \"C\""] {
        assert_eq!(held(column, Type::Text, words, 2).await, ["red", "light blue"], "{column}");
    }
    let odd: Values = |_, o, _, _| vec![text(["", "😀\t\n\\.\"", "ok\u{7f}"][o as usize])];
    assert_eq!(held("text", Type::Text, odd, 3).await.concat(), "😀\t\\.\"ok\u{7f}");
    assert_eq!(held("short", Type::Text, |_, _, _, _| vec![text("12345")], 1).await, ["12345"]);
    let uuids: Values = |_, _, _, _| vec![text("A0EEBC999c0b4ef8bb6d6bb9bd380a11")];
    assert_eq!(held("uuid", Type::Text, uuids, 1).await, ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]);
}

#[tokio::test]
async fn numbers_go_into_wider_ones_exactly() {
    let ends: Values = |_, o, _, _| vec![Value::Integer([i32::MIN, i32::MAX, 0][o as usize])];
    for column in ["integer", "bigint", "numeric", "numeric(10)", "double precision"] {
        assert_eq!(
            held(column, Type::Integer, ends, 3).await,
            ["-2147483648", "2147483647", "0"],
            "{column}"
        );
    }
    let wide: Values = |_, o, _, _| vec![Value::Bigint([i64::MIN, i64::MAX][o as usize])];
    for column in ["bigint", "numeric(19)"] {
        assert_eq!(
            held(column, Type::Bigint, wide, 2).await,
            ["-9223372036854775808", "9223372036854775807"]
        );
    }
    let doubles: Values =
        |_, o, _, _| vec![Value::Double([f64::MAX, f64::MIN_POSITIVE, 5e-324, -0.0, 0.1 + 0.2][o as usize])];
    assert_eq!(
        held("double precision", Type::Double, doubles, 5).await,
        ["1.7976931348623157e+308", "2.2250738585072014e-308", "5e-324", "-0", "0.30000000000000004"]
    );
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
    for column in ["numeric", "numeric(38,10)"] {
        let ty = Type::Decimal { precision: 38, scale: 10 };
        assert_eq!(held(column, ty, values, 5).await, expected, "{column}");
    }
}

#[tokio::test]
async fn days_and_moments_are_utc_whatever_the_server_thinks() {
    let days: Values = |_, o, _, _| vec![Value::Date([-1, 0, -719_162, 19_000][o as usize])];
    let expected = ["1969-12-31", "1970-01-01", "0001-01-01", "2022-01-08"];
    assert_eq!(held("date", Type::Date, days, 4).await, expected);
    let midnight: Vec<String> = expected.iter().map(|day| format!("{day} 00:00:00")).collect();
    assert_eq!(held("timestamp", Type::Date, days, 4).await, midnight);
    let zoned: Vec<String> = midnight.iter().map(|moment| format!("{moment}+00")).collect();
    assert_eq!(held("timestamptz", Type::Date, days, 4).await, zoned);
    let moments: Values =
        |_, o, _, _| vec![Value::Timestamp([-1, NOW + 123_456, -62_135_596_800_000_000][o as usize])];
    let expected = ["1969-12-31 23:59:59.999999", "2026-11-23 00:00:00.123456", "0001-01-01 00:00:00"];
    assert_eq!(held("timestamp", Type::Timestamp, moments, 3).await, expected);
    let zoned: Vec<String> = expected.iter().map(|moment| format!("{moment}+00")).collect();
    assert_eq!(held("timestamptz(6)", Type::Timestamp, moments, 3).await, zoned);
}

#[tokio::test]
async fn json_goes_into_every_type_of_json() {
    let values: Values = |_, _, _, _| vec![Value::Json("{\"b\": [1,2.50], \"ä\":null}".into())];
    for column in ["json", "text"] {
        assert_eq!(held(column, Type::Json, values, 1).await, ["{\"b\": [1,2.50], \"ä\":null}"], "{column}");
    }
    assert_eq!(held("jsonb", Type::Json, values, 1).await, ["{\"b\": [1, 2.50], \"ä\": null}"]);
}

#[tokio::test]
async fn a_value_that_the_column_cannot_hold_refuses_all_and_is_named() {
    let words: Values = |_, o, _, _| vec![text(["short", "too long"][o as usize])];
    for (column, name) in [("varchar(5)", "varying(5)"), ("color", "enum color"), ("uuid", "type uuid")] {
        let sandbox = of_values(Type::Text, words, 2).await;
        sandbox.execute(&format!(
            "CREATE TYPE color AS ENUM ('short'); CREATE TABLE films (id text, value {column})"
        ));
        let error = refused(&sandbox).await;
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.to_string().contains("\n  record 1, id \"tt0001\", value = \"too long\": "), "{error}");
        assert_eq!(error.exit(), Exit::Database);
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
    }
    let sandbox = of_values(Type::Text, |_, o, _, _| vec![text(["fine", "a\0b"][o as usize])], 2).await;
    let said = refused(&sandbox).await.to_string();
    assert!(said.contains("column \"value\" of id \"tt0001\" has the character U+0000"), "{said}");
}

/// The server cuts them off without a word, as SQL says, in COPY as well.
#[tokio::test]
async fn blanks_that_do_not_fit_are_refused_like_other_characters() {
    let words: Values = |_, o, _, _| vec![text(["four ", "five   ", "     "][o as usize])];
    for column in ["varchar(5)", "short", "varchar(5) COLLATE loose"] {
        let table = format!(
            "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
             CREATE DOMAIN short AS varchar(5); CREATE TABLE films (id text, value {column})"
        );
        let mut sandbox = of_values(Type::Text, words, 3).await;
        sandbox.execute(&table);
        let said = refused(&sandbox).await.to_string();
        let named = "record 1, id \"tt0001\", value = \"five   \": \
                     it has 7 characters, and varchar(5) would cut off the blanks at its end";
        assert!(said.contains(named), "{column}: {said}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
        sandbox.job.publish.max_rejected = 1;
        sandbox.publish().await.unwrap();
        let held = sandbox.rows("SELECT '<' || value || '>' FROM films ORDER BY id");
        assert_eq!(held, ["<four >", "<     >"], "{column}");
    }
    assert_eq!(held("char(5)", Type::Text, words, 3).await, ["four ", "five ", "     "]);
}

/// A run of these ids into a table by hand whose id is of that type.
async fn with_ids(ids: &[&str], id: &str, mode: Mode) -> Sandbox {
    let mut sandbox = Sandbox::new(ids.len() as u64).await.mode(mode);
    sandbox.ids = ids.iter().map(|id| (*id).to_owned()).collect();
    sandbox.add_round(1, &all_ok).await;
    let sandbox = sandbox.on_postgres();
    sandbox.execute(&format!(
        "CREATE EXTENSION citext; CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE films (id {id}, title text, votes bigint, budget integer, facts json)"
    ));
    sandbox
}

#[tokio::test]
async fn keys_that_the_table_finds_alike_are_one_and_the_later_record_wins() {
    for id in ["citext PRIMARY KEY", "citext", "text COLLATE loose", "varchar COLLATE loose PRIMARY KEY"] {
        let sandbox = with_ids(&["tt1", "TT1", "tt2", "Tt1"], id, Mode::Upsert).await;
        sandbox.execute("INSERT INTO films VALUES ('TT2', 'old'), ('tt3', 'old')");
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.duplicates.rows), (2, 1, 2), "{id}");
        assert_eq!(
            sandbox.rows("SELECT id, votes FROM films ORDER BY lower(id::text)"),
            ["Tt1|3", "tt2|2", "tt3|~"]
        );
    }
    let sandbox = with_ids(&["ab", "ab  "], "char(6)", Mode::Upsert).await;
    sandbox.execute("INSERT INTO films VALUES ('ab', 'old')");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.duplicates.rows, published.total), (1, 1, Some(1)));
}

const A: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
const A_AGAIN: &str = "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}";
const B: &str = "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

#[tokio::test]
async fn uuids_are_compared_as_uuids_in_any_of_their_spellings() {
    let sandbox = with_ids(&[A_AGAIN, B], "uuid", Mode::Upsert).await;
    sandbox.execute(&format!("INSERT INTO films VALUES ('{A}', 'old')"));
    assert_eq!(sandbox.publish().await.unwrap().total, Some(2));
    assert_eq!(sandbox.rows("SELECT id, votes FROM films ORDER BY 1"), [format!("{A}|0"), format!("{B}|1")]);
}

#[tokio::test]
async fn rows_whose_ids_are_gone_are_found_though_the_list_has_ids_that_are_none() {
    for (id, listed, gone) in [("uuid", A, B), ("color", "red", "blue"), ("varchar(40)", A, B)] {
        let ends = |o: u64, e: usize| {
            Some(if (o, e) == (1, 0) { crate::merge::End::Failed } else { crate::merge::End::Ok })
        };
        let mut sandbox = Sandbox::new(2).await.mode(Mode::ReplaceIds);
        sandbox.job.table.on_unlisted = OnUnlisted::Delete;
        sandbox.ids = vec![listed.into(), "no uuid, and no color".into()];
        sandbox.add_round(1, &ends).await;
        let sandbox = sandbox.on_postgres();
        sandbox.execute(&format!(
            "CREATE TYPE color AS ENUM ('red', 'blue');
             CREATE TABLE films (id {id}, title text, votes bigint, budget integer, facts json);
             INSERT INTO films VALUES ('{listed}', 'old'), ('{gone}', 'old')"
        ));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.gone), (1, 1, 1), "{id}");
        assert_eq!(sandbox.rows("SELECT id, title FROM films"), [format!("{listed}|film 0 of round 0")]);
    }
}

#[tokio::test]
async fn keys_of_numbers_are_found_in_wider_columns() {
    for column in ["bigint", "numeric", "double precision"] {
        let mut sandbox = run_of(3, Mode::Upsert).await;
        sandbox.job.table.key = vec!["budget".into()];
        sandbox.execute(&format!(
            "CREATE TABLE films (id text, title text, votes bigint, budget {column}, facts json);
             INSERT INTO films VALUES ('old', 'old', 0, 10), ('other', 'old', 0, 99)"
        ));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.total), (3, 1, Some(4)), "{column}");
    }
}
