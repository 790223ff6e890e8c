//! `on_new_column = "add"`, as only MariaDB has it: tables of its own kinds, character sets.

use super::super::adding::{NARROW, adding};
use super::super::engines::Engine;
use super::{of_values, text};
use crate::job::{Mode, OnNewColumn};
use crate::value::Type;

#[tokio::test]
async fn odd_tables_gain_columns() {
    let with_words = NARROW.replace("owner text", "owner text, FULLTEXT KEY (title)");
    for more in
        ["PARTITION BY KEY (id) PARTITIONS 3", "PAGE_COMPRESSED=1", "ROW_FORMAT=REDUNDANT", "FULLTEXT"]
    {
        let table = if more == "FULLTEXT" { with_words.clone() } else { format!("{NARROW} {more}") };
        let sandbox = adding(Engine::MariaDb, Mode::Replace, &table).await;
        assert_eq!(sandbox.checked().await, "fits", "{more}");
        assert_eq!(sandbox.publish().await.unwrap().total, Some(4), "{more}");
    }
}

#[tokio::test]
async fn a_text_has_every_letter_whatever_the_table_has() {
    let all = |_, ordinal: u64, _, _| vec![text(["😀", "ä "][ordinal as usize])];
    let mut sandbox = of_values(Type::Text, all, 2).await.mode(Mode::Append);
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    sandbox
        .execute("CREATE TABLE films (id varchar(20) CHARACTER SET utf8mb4, name text) CHARACTER SET latin1");
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT value FROM films ORDER BY id"), ["😀", "ä "]);
}
