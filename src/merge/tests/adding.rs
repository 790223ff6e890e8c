//! `on_new_column = "add"`: what stands in the way is told before the first request; who waits for whom.

use std::time::{Duration, Instant};

use super::engines::{Engine, on_each};
use super::sandbox::Sandbox;
use crate::handoff::Exit;
use crate::job::{Mode, OnNewColumn};

on_each! {
    [postgres, mariadb, sqlite]
    what_stands_in_the_way_is_told_before_the_first_request;
    [postgres, mariadb]
    the_right_to_alter_is_asked_for,
    a_reader_who_does_not_end_is_waited_for_a_while_and_then_told;
}

/// A run of four records whose job adds `budget` and `facts`.
pub async fn adding(on: Engine, mode: Mode, table: &str) -> Sandbox {
    let mut sandbox = on.run_of(4, mode).await;
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    sandbox.execute(table);
    sandbox
}

pub const NARROW: &str = "CREATE TABLE films (id varchar(20), title text, votes bigint, owner text)";

/// Tables that cannot be given them, and why.
fn obstacles(on: Engine) -> Vec<(String, &'static str)> {
    let columns = |from: usize, ty: &str| -> String { (0..from).map(|n| format!(", c{n} {ty}")).collect() };
    let films = |more: &str| format!("CREATE TABLE films (id varchar(20), title text, votes bigint{more})");
    let own = match on {
        Engine::Postgres => vec![
            (
                "CREATE TYPE film AS (id text, title text, votes bigint); CREATE TABLE films OF film"
                    .to_owned(),
                "it is of the type film, which says its columns",
            ),
            (
                "CREATE TABLE parent (id text, title text, votes bigint) PARTITION BY LIST (id);
                 CREATE TABLE films PARTITION OF parent DEFAULT"
                    .to_owned(),
                "it is a part of parent, which alone can be given columns",
            ),
            (
                films(&(columns(1595, "boolean") + ", gone int, away int"))
                    + "; ALTER TABLE films DROP gone, DROP away",
                "with 2 new columns it would have too many: PostgreSQL counts to 1600",
            ),
            (
                format!("{NARROW}; CREATE TABLE part (budget text) INHERITS (films)"),
                "its part part has a column budget already, of the type text",
            ),
            (films(", facts json, \"BUDGET\" integer"), "it has no column \"budget\", but \"BUDGET\""),
        ],
        Engine::MariaDb => vec![
            (
                films(&columns(1013, "tinyint")),
                "with 2 new columns it would have too many: InnoDB takes 1017",
            ),
            (films(&columns(4, "varchar(4089)")), "columns cannot be added to it: Row size too large"),
            (films("") + " WITH SYSTEM VERSIONING", "it keeps its history (SYSTEM VERSIONING)"),
        ],
        _ => vec![
            (films(&columns(1996, "")), "with 2 new columns it would have too many: SQLite takes 2000"),
            ("CREATE VIRTUAL TABLE films USING fts5 (id, title, votes)".to_owned(), "it is a virtual table"),
            (films(", budget INTEGER AS (1)"), "column \"budget\" is generated and cannot be filled"),
        ],
    };
    own.into_iter().chain([("CREATE VIEW films AS SELECT 'a' AS id".to_owned(), "it is a view")]).collect()
}

async fn what_stands_in_the_way_is_told_before_the_first_request(on: Engine) {
    for (table, words) in obstacles(on) {
        let sandbox = adding(on, Mode::Append, &table).await;
        let said = sandbox.checked().await;
        assert!(said.contains(words), "{on:?}: {said}");
        assert_eq!(said.matches("\n  ").count(), 1, "{on:?}: {said}");
        assert_eq!(sandbox.refused().await.to_string(), said, "{on:?}");
    }
}

async fn the_right_to_alter_is_asked_for(on: Engine) {
    let mut sandbox = adding(on, Mode::Append, NARROW).await;
    let user = sandbox.as_new_user();
    let (rights, more, words) = match on {
        Engine::Postgres => (
            format!("GRANT SELECT, INSERT ON films TO {user}; GRANT CREATE ON SCHEMA public TO {user}"),
            format!("ALTER TABLE films OWNER TO {user}"),
            "this user may not add columns to films: its owner may, postgres",
        ),
        _ => (
            format!("GRANT SELECT, INSERT, UPDATE, CREATE, CREATE TEMPORARY TABLES ON * TO {user}"),
            format!("GRANT ALTER ON films TO {user}"),
            "columns cannot be added to it: ALTER command denied to user",
        ),
    };
    sandbox.execute(&rights);
    let said = sandbox.checked().await;
    assert!(said.contains(words), "{on:?}: {said}");
    assert_eq!(said.matches("\n  ").count(), 1, "{on:?}: {said}");
    sandbox.execute(&more);
    assert_eq!(sandbox.checked().await, "fits", "{on:?}");
    assert_eq!(sandbox.publish().await.unwrap().rows, 4, "{on:?}");
}

async fn a_reader_who_does_not_end_is_waited_for_a_while_and_then_told(on: Engine) {
    let sandbox = adding(on, Mode::Append, NARROW).await;
    let reader = sandbox.connect().await;
    reader.run("START TRANSACTION; SELECT * FROM films").await.unwrap();
    let since = Instant::now();
    let error = sandbox.publish().await.unwrap_err();
    assert!((2..20).contains(&since.elapsed().as_secs()), "{on:?}: {:?}", since.elapsed());
    let (said, why) = (
        error.to_string(),
        match on {
            Engine::Postgres => "canceling statement due to lock timeout",
            _ => "Lock wait timeout exceeded",
        },
    );
    assert!(said.contains(&format!("column \"budget\" cannot be added: {why}")), "{on:?}: {said}");
    assert!(said.contains("others that use the table were waited for, 3 s"), "{on:?}: {said}");
    assert_eq!(error.exit(), Exit::Database);
    // One who ends in time is only waited for.
    let ends = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        reader.run("COMMIT").await.unwrap();
    };
    let (published, ()) = tokio::join!(sandbox.publish(), ends);
    assert_eq!(published.unwrap().rows, 4, "{on:?}");
}
