use super::*;
use crate::merge::tests::sandbox::Values;
use crate::value::{Field, Type, Value};

/// A run with one endpoint of one column, whose values are given, into a table made by hand.
async fn of_values(ty: Type, values: Values, records: u64, column: &str) -> Sandbox {
    let fields = vec![Field { name: "value".into(), ty }];
    let mut sandbox =
        Sandbox::with(records, vec![("answer", fields)], values).await.mode(Mode::Upsert).on_sqlite();
    sandbox.add_round(1, &all_ok).await;
    sandbox.execute(&format!("CREATE TABLE films (id TEXT PRIMARY KEY, value {column})"));
    sandbox
}

const TEXTS: [&str; 4] = ["007", "1.10", "1e3", "12345678901234567890123"];

fn texts(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<Value> {
    vec![Value::Text(TEXTS[ordinal as usize].into())]
}

#[tokio::test]
async fn texts_that_look_like_numbers_stay_texts() {
    for column in ["TEXT", "VARCHAR(3)", "BLOB", ""] {
        let sandbox = of_values(Type::Text, texts, 4, column).await;
        sandbox.publish().await.unwrap();
        let expected = TEXTS.map(|text| format!("{text}|text"));
        assert_eq!(sandbox.rows("SELECT value, typeof(value) FROM films ORDER BY id"), expected, "{column}");
    }
    for column in ["INTEGER", "NUMERIC", "DATE", "STRING", "DECIMAL(9,2)", "REAL"] {
        let sandbox = of_values(Type::Text, texts, 4, column).await;
        let told = told(&sandbox).await;
        assert!(
            told.contains(&format!("column \"value\" is {column}")) && told.contains("text in the job"),
            "{told}"
        );
    }
}

fn decimals(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<Value> {
    vec![Value::Decimal([1, 110, 99_999_999_999_999_999_999_999_999_999_999_999_999][ordinal as usize])]
}

#[tokio::test]
async fn decimals_never_become_doubles() {
    let ty = Type::Decimal { precision: 38, scale: 2 };
    let told = told(&of_values(ty, decimals, 3, "DECIMAL(38,2)").await).await;
    assert!(
        told.contains("DECIMAL(38,2) (NUMERIC by its affinity) there, decimal(38,2) in the job"),
        "{told}"
    );
}

fn moments(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<Value> {
    vec![Value::Timestamp(ordinal as i64 * 1_500_000)]
}

#[tokio::test]
async fn moments_are_texts_in_a_column_of_any_affinity() {
    for column in ["DATETIME", "TEXT", "TIMESTAMP", "INTEGER", ""] {
        let sandbox = of_values(Type::Timestamp, moments, 2, column).await;
        sandbox.publish().await.unwrap();
        let expected = ["1970-01-01T00:00:00Z|text", "1970-01-01T00:00:01.5Z|text"];
        let found = sandbox.rows("SELECT value, typeof(value) FROM films ORDER BY id");
        assert_eq!(found, expected, "{column}");
    }
}

fn jsons(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<Value> {
    vec![Value::Json(["{\"n\": 1.10}", "null", "[1.10]", "1.10"][ordinal as usize].into())]
}

/// A column that is declared JSON is one for numbers, by its affinity.
#[tokio::test]
async fn json_stays_as_it_is_and_a_bare_number_is_refused_where_it_would_not() {
    let sandbox = of_values(Type::Json, jsons, 4, "TEXT").await;
    sandbox.publish().await.unwrap();
    assert_eq!(
        sandbox.rows("SELECT value FROM films ORDER BY id"),
        ["{\"n\": 1.10}", "null", "[1.10]", "1.10"]
    );
    let sandbox = of_values(Type::Json, jsons, 3, "JSON").await;
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT value FROM films ORDER BY id"), ["{\"n\": 1.10}", "null", "[1.10]"]);
    let sandbox = of_values(Type::Json, jsons, 4, "JSON").await;
    insta::assert_snapshot!(refused(&sandbox).await.to_string().replace(&sandbox.folder().display().to_string(), "…"), @r#"
    sqlite:…/it's films.sqlite: table main.films refuses rows of the run; nothing was published
      record 3, id "tt0003", value = "1.10": the column would make a number of the text
    hint: mend them or leave them out with [[publish.before]] (UPDATE or DELETE … windrow_rows), change the table (a wider type, another condition), let mode = "upsert" replace rows of the same key, or let max_rejected under [publish] leave a few out; then repeat `windrow merge`: nothing is asked again
    "#);
}

#[tokio::test]
async fn integers_do_not_go_where_they_would_not_stay_whole() {
    let numbers: Values = |_, o, _, _| vec![Value::Bigint(o as i64)];
    for column in ["REAL", "TEXT"] {
        let told = told(&of_values(Type::Bigint, numbers, 4, column).await).await;
        assert!(told.contains(&format!("column \"value\" is {column} there, bigint in the job")), "{told}");
    }
}

#[tokio::test]
async fn keys_are_compared_as_the_table_compares_them() {
    for (collation, ids, standing, rows) in [
        ("NOCASE", ["a", "A", "ä", "Ä"], "('A', 'old'), ('Ä', 'old')", 3),
        ("RTRIM", ["a", "a  ", "b", "c"], "('a ', 'old')", 3),
        ("BINARY", ["a", "A", "ä", "a "], "('b', 'old')", 4),
    ] {
        for key in ["PRIMARY KEY", ""] {
            let mut sandbox = Sandbox::new(4).await.mode(Mode::Upsert).on_sqlite();
            sandbox.ids = ids.map(str::to_owned).to_vec();
            sandbox.add_round(1, &all_ok).await;
            sandbox.execute(&format!(
                "CREATE TABLE films (id TEXT COLLATE {collation} {key}, title TEXT, votes INT, budget INT, facts TEXT); \
                 INSERT INTO films (id, title) VALUES {standing}"
            ));
            let published = sandbox.publish().await.unwrap();
            assert_eq!((published.rows, published.duplicates.rows), (rows, 4 - rows), "{collation} {key}");
            let old = sandbox.rows("SELECT id FROM films WHERE title = 'old'");
            assert_eq!(old, if collation == "BINARY" { vec!["b"] } else { vec![] }, "{collation} {key}");
        }
    }
}

#[tokio::test]
async fn a_collation_that_only_another_program_knows_is_told() {
    let sandbox = run_of(1, Mode::Upsert).await;
    sandbox.execute(
        "CREATE TABLE films (id TEXT COLLATE NOCASE, title, votes, budget, facts); PRAGMA writable_schema = ON; \
         UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'german')",
    );
    let told = told(&sandbox).await;
    assert!(told.contains("german") || told.contains("GERMAN"), "{told}");
}
