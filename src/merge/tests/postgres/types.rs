//! Values into columns of other types, exactly; keys as the table compares them.

use super::super::engines::Engine;
use super::super::sandbox::{Sandbox, Values};
use super::super::types::with_ids;
use super::{of_values, refused, text};
use crate::job::{Mode, OnUnlisted};
use crate::value::{Type, Value};

async fn held(column: &str, ty: Type, values: Values, records: u64) -> Vec<String> {
    super::super::types::held(Engine::Postgres, column, ty, values, records).await
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
async fn json_goes_into_every_type_of_json() {
    let values: Values = |_, _, _, _| vec![Value::Json("{\"b\": [1,2.50], \"ä\":null}".into())];
    for column in ["json", "text"] {
        assert_eq!(held(column, Type::Json, values, 1).await, ["{\"b\": [1,2.50], \"ä\":null}"], "{column}");
    }
    assert_eq!(held("jsonb", Type::Json, values, 1).await, ["{\"b\": [1, 2.50], \"ä\": null}"]);
}

#[tokio::test]
async fn a_text_that_a_database_cannot_hold_is_named() {
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

#[tokio::test]
async fn keys_are_padded_where_their_column_pads() {
    let sandbox = with_ids(Engine::Postgres, &["ab", "ab  "], "char(6)", Mode::Upsert).await;
    sandbox.execute("INSERT INTO films (id, title) VALUES ('ab', 'old')");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.duplicates.rows, published.total), (1, 1, Some(1)));
}

const A: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
const A_AGAIN: &str = "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}";
const B: &str = "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

#[tokio::test]
async fn uuids_are_compared_as_uuids_in_any_of_their_spellings() {
    let sandbox = with_ids(Engine::Postgres, &[A_AGAIN, B], "uuid", Mode::Upsert).await;
    sandbox.execute(&format!("INSERT INTO films (id, title) VALUES ('{A}', 'old')"));
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
