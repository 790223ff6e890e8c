//! Values into columns of other types, exactly; keys as the table compares them; LOAD DATA and INSERT alike.

use super::super::engines::{Engine, MODES};
use super::super::sandbox::Values;
use super::super::types::with_ids;
use super::{of_values, refused, text};
use crate::job::Mode;
use crate::value::Type;

async fn held(column: &str, ty: Type, values: Values, records: u64) -> Vec<String> {
    super::super::types::held(Engine::MariaDb, column, ty, values, records).await
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
    for mode in MODES {
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
async fn letters_and_blanks_that_the_table_finds_alike_are_one() {
    const COARSE: &str = "varchar(20) COLLATE utf8mb4_general_ci NOT NULL UNIQUE";
    let sandbox = with_ids(Engine::MariaDb, &["a", "A", "ä", "a ", "b"], COARSE, Mode::Upsert).await;
    sandbox.execute("INSERT INTO films (id, title) VALUES ('B', 'old'), ('c', 'old')");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.duplicates.rows), (2, 1, 3));
    assert_eq!(sandbox.rows("SELECT hex(id), votes FROM films ORDER BY number"), ["62|4", "63|~", "6120|3"]);
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
