//! `on_new_column = "add"`: what stands in the way is told before the first request; who waits for whom.

use std::time::{Duration, Instant};

use super::super::sandbox::Sandbox;
use super::{of_values, run_of, text};
use crate::database::Session;
use crate::handoff::Exit;
use crate::job::{Destination, Mode, OnNewColumn, ServerUrl};
use crate::merge::{ResolvedDestination, check_destination};
use crate::value::Type;

async fn adding(mode: Mode, table: &str) -> Sandbox {
    let mut sandbox = run_of(4, mode).await;
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    sandbox.execute(table);
    sandbox
}

async fn checked(sandbox: &Sandbox) -> String {
    let checked = check_destination(&sandbox.job, &sandbox.place()).await;
    checked.map_or_else(|error| error.to_string(), |_| "fits".into())
}

const NARROW: &str =
    "CREATE TABLE films (id varchar(20), title text, votes bigint, owner text) CHARACTER SET utf8mb4";

#[tokio::test]
async fn what_stands_in_the_way_is_told_before_the_first_request() {
    let many: String = (0..1013).map(|n| format!(", c{n} tinyint")).collect();
    let long: String = (0..4).map(|n| format!(", c{n} varchar(4089)")).collect();
    let table = |more: &str| {
        format!("CREATE TABLE films (id varchar(20), title text, votes bigint{more}) CHARACTER SET utf8mb4")
    };
    for (table, words) in [
        (table(&many), "with 2 new columns it would have too many: InnoDB takes 1017"),
        (table(&long), "columns cannot be added to it: Row size too large"),
        (format!("{} WITH SYSTEM VERSIONING", table("")), "it keeps its history (SYSTEM VERSIONING)"),
        ("CREATE VIEW films AS SELECT 'a' AS id".to_owned(), "it is a view"),
    ] {
        let sandbox = adding(Mode::Append, &table).await;
        let said = checked(&sandbox).await;
        assert!(said.contains(words), "{said}");
        assert_eq!(said.matches("\n  ").count(), 1, "{said}");
        assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
    }
}

#[tokio::test]
async fn odd_tables_gain_columns() {
    let with_words = NARROW.replace("owner text", "owner text, FULLTEXT KEY (title)");
    for more in
        ["PARTITION BY KEY (id) PARTITIONS 3", "PAGE_COMPRESSED=1", "ROW_FORMAT=REDUNDANT", "FULLTEXT"]
    {
        let table = if more == "FULLTEXT" { with_words.clone() } else { format!("{NARROW} {more}") };
        let sandbox = adding(Mode::Replace, &table).await;
        assert_eq!(checked(&sandbox).await, "fits", "{more}");
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

#[tokio::test]
async fn the_right_to_alter_is_asked_for() {
    let mut sandbox = adding(Mode::Append, NARROW).await;
    let user = format!("user_{}", sandbox.rows("SELECT DATABASE()")[0]);
    let at = format!("{user}@'127.0.0.1'");
    sandbox.execute(&format!(
        "CREATE USER {at}; GRANT SELECT, INSERT, UPDATE, CREATE, CREATE TEMPORARY TABLES ON * TO {at}"
    ));
    let url = sandbox.server.as_ref().unwrap().url().replace("root@", &format!("{user}@"));
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&url).unwrap());
    let said = checked(&sandbox).await;
    assert!(said.contains("columns cannot be added to it: ALTER command denied to user"), "{said}");
    assert_eq!(said.matches("\n  ").count(), 1, "{said}");
    sandbox.execute(&format!("GRANT ALTER ON films TO {at}"));
    assert_eq!(checked(&sandbox).await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
}

async fn connect(sandbox: &Sandbox) -> Session {
    let ResolvedDestination::Server(server) = sandbox.place() else { panic!("a server") };
    server.connect().await.unwrap()
}

#[tokio::test]
async fn a_reader_who_does_not_end_is_waited_for_a_while_and_then_told() {
    let sandbox = adding(Mode::Append, NARROW).await;
    let reader = connect(&sandbox).await;
    reader.run("START TRANSACTION; SELECT * FROM films").await.unwrap();
    let since = Instant::now();
    let error = sandbox.publish().await.unwrap_err();
    assert!((2..20).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    let said = error.to_string();
    assert!(said.contains("column \"budget\" cannot be added: Lock wait timeout exceeded"), "{said}");
    assert!(said.contains("others that use the table were waited for, 3 s"), "{said}");
    assert_eq!(error.exit(), Exit::Database);
    let ends = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        reader.run("COMMIT").await.unwrap();
    };
    let (published, ()) = tokio::join!(sandbox.publish(), ends);
    assert_eq!(published.unwrap().rows, 4);
}
