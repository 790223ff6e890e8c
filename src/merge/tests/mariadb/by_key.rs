//! Upserts whose rows are staged by their key: what the table finds alike, what no key has room for, what is spelled otherwise.

use super::super::sandbox::{Sandbox, Values, all_ok};
use super::{of_values, run_of, text};
use crate::job::{Destination, Mode, ServerUrl};
use crate::mariadb_server::MariaDbServer;
use crate::merge::ResolvedDestination;
use crate::value::{Type, Value};

const COLUMNS: &str = "title text, votes bigint, budget int, facts json";

/// A table with a serial number, and triggers that note what happens to its rows.
fn noting(id: &str) -> String {
    format!(
        "CREATE TABLE films (n int AUTO_INCREMENT PRIMARY KEY, id {id} NOT NULL, {COLUMNS}, UNIQUE KEY (id)) CHARACTER SET utf8mb4;
         CREATE TABLE seen (what varchar(40));
         CREATE TRIGGER i AFTER INSERT ON films FOR EACH ROW INSERT INTO seen VALUES (concat('new ', NEW.id));
         CREATE TRIGGER u AFTER UPDATE ON films FOR EACH ROW INSERT INTO seen VALUES (concat('was ', OLD.id));"
    )
}

async fn of_ids(ids: &[&str]) -> Sandbox {
    let mut sandbox = Sandbox::new(ids.len() as u64).await.mode(Mode::Upsert);
    sandbox.ids = ids.iter().map(|id| (*id).to_owned()).collect();
    sandbox.add_round(1, &all_ok).await;
    sandbox.on_mariadb()
}

#[tokio::test]
async fn a_key_that_is_spelled_otherwise_is_written_anew_and_each_row_is_updated_once() {
    for collation in ["utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_nopad_bin"] {
        let sandbox = of_ids(&["a", "b", "c ", "d"]).await;
        sandbox.execute(&noting(&format!("varchar(20) COLLATE {collation}")));
        sandbox.execute("INSERT INTO films (id) VALUES ('a'), ('B'), ('c'), ('x'); DELETE FROM seen");
        let published = sandbox.publish().await.unwrap();
        let found =
            sandbox.rows("SELECT concat(id, '|'), votes FROM films WHERE votes IS NOT NULL ORDER BY n");
        let seen = sandbox.rows("SELECT what FROM seen ORDER BY what");
        let (rows, what): (&[&str], &[&str]) = match collation {
            "utf8mb4_general_ci" => {
                (&["a||0", "b||1", "c ||2", "d||3"], &["new d", "was a", "was B", "was c"])
            }
            "utf8mb4_bin" => (&["a||0", "c ||2", "b||1", "d||3"], &["new b", "new d", "was a", "was c"]),
            _ => (&["a||0", "b||1", "c ||2", "d||3"], &["new b", "new c ", "new d", "was a"]),
        };
        assert_eq!(found, rows, "{collation}");
        assert_eq!(seen, what, "{collation}");
        assert_eq!(published.replaced, what.iter().filter(|what| what.starts_with("was")).count() as u64);
    }
}

/// Another server than the shared one: it takes no LOCAL, and says by an error what is a warning else.
#[tokio::test]
async fn keys_that_are_one_for_the_table_or_too_long_for_it_come_to_the_same_by_insert() {
    let server = MariaDbServer::start(&["--local-infile=0"]);
    for with_local in [false, true] {
        let sandbox = of_ids(&["a", "A", "ä", "b", "b "]).await;
        let name = server.database().name;
        let sandbox = onto(sandbox, &server, &name, with_local);
        let execute = |sql: &str| match with_local {
            true => sandbox.rows(sql),
            false => server.rows(&name, sql),
        };
        execute(&noting("varchar(20) COLLATE utf8mb4_general_ci"));
        execute("INSERT INTO films (id) VALUES ('B')");
        let published = sandbox.publish().await.unwrap();
        assert_eq!(
            (published.rows, published.replaced, published.duplicates.rows),
            (2, 1, 3),
            "{with_local}"
        );
        assert_eq!(
            execute("SELECT hex(id), votes FROM films ORDER BY n"),
            ["6220|4", "C3A4|2"],
            "{with_local}"
        );
        execute(
            "DROP TABLE windrow_runs; DELETE FROM films; ALTER TABLE films MODIFY id varchar(1) NOT NULL",
        );
        execute("INSERT INTO films (id) VALUES ('z')");
        let said = sandbox.publish().await.unwrap_err().to_string();
        assert!(said.contains("record 4, id \"b \", id = \"b \": Data"), "{with_local}: {said}");
        assert_eq!(execute("SELECT id FROM films"), ["z"], "{with_local}");
    }
}

fn onto(mut sandbox: Sandbox, server: &MariaDbServer, name: &str, with_local: bool) -> Sandbox {
    if !with_local {
        sandbox.job.table.to = Destination::Server(ServerUrl::parse(&server.url(name)).unwrap());
    }
    sandbox
}

/// Of how many rows stand beside those that come depends which table the server goes through.
#[tokio::test]
async fn few_rows_among_many_and_many_among_few_are_counted_exactly() {
    let comes = 40;
    for (stands, met) in [(5000, 20), (30, 15), (0, 0), (54, 40), (53, 40)] {
        let sandbox = run_of(comes, Mode::Upsert).await;
        sandbox.execute(&format!(
            "{} INSERT INTO films (id, votes) SELECT concat('TT', lpad(seq, 4, '0'), IF(seq < {met}, '', 'x')), -1 \
               FROM seq_0_to_9999 WHERE seq < {stands}; UPDATE films SET id = lower(id) WHERE n % 2; DELETE FROM seen",
            noting("varchar(20) COLLATE utf8mb4_general_ci")
        ));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced), (comes, met), "{stands}");
        assert_eq!(published.total, Some(stands + comes - met), "{stands}");
        let found = sandbox.rows("SELECT count(*), sum(votes) FROM films WHERE id NOT LIKE '%x'");
        assert_eq!(found, [format!("{comes}|{}", comes * (comes - 1) / 2)], "{stands}");
        let seen = sandbox.rows("SELECT count(*), sum(what LIKE 'was%') FROM seen");
        assert_eq!(seen, [format!("{comes}|{met}")], "{stands}");
    }
}

/// Keys of other types, and tables without anything beside the key.
#[tokio::test]
async fn keys_are_of_any_type() {
    let numbers: Values = |_, o, _, _| vec![Value::Bigint([-1, 0, 1][o as usize])];
    let moments: Values = |_, o, _, _| vec![Value::Timestamp(1_000_000_000_000_000 + o as i64)];
    let money: Values = |_, o, _, _| vec![Value::Decimal(o as i128 * 150)];
    let zero: Values = |_, o, _, _| vec![Value::Double([-0.0, 1.5, 1e300][o as usize])];
    let words: Values = |_, o, _, _| vec![text(["red", "Blue", "blue "][o as usize])];
    let decimal = Type::Decimal { precision: 9, scale: 2 };
    for (ty, values, column, stands, expected) in [
        (Type::Bigint, numbers, "bigint", "0", "-1 0 1"),
        (Type::Bigint, numbers, "decimal(20,0)", "0", "-1 0 1"),
        (Type::Timestamp, moments, "datetime(6)", "'2001-09-09 01:46:40.000001'", ""),
        (decimal, money, "decimal(12,4)", "1.5", "0.0000 1.5000 3.0000"),
        (Type::Double, zero, "double", "0", "0 1.5 1e300"),
        (Type::Text, words, "char(10) COLLATE utf8mb4_nopad_bin", "'red'", "Blue blue red"),
        (Type::Text, words, "enum('red', 'Blue', 'blue ') COLLATE utf8mb4_nopad_bin", "'red'", ""),
        (Type::Text, words, "varchar(2000) COLLATE utf8mb4_nopad_bin", "'red'", "Blue blue  red"),
    ] {
        let mut sandbox = of_values(ty, values, 3).await.mode(Mode::Upsert);
        sandbox.job.table.key = vec!["value".into()];
        sandbox.execute(&format!(
            "CREATE TABLE films (value {column} NOT NULL, id varchar(20), UNIQUE KEY (value)) CHARACTER SET utf8mb4;
             INSERT INTO films VALUES ({stands}, 'old')"
        ));
        let published = sandbox.publish().await.unwrap_or_else(|error| panic!("{column}: {error}"));
        assert_eq!((published.rows, published.replaced, published.total), (3, 1, Some(3)), "{column}");
        let found = sandbox.rows("SELECT value FROM films ORDER BY value").join(" ");
        assert!(expected.is_empty() || found == expected, "{column}: {found}");
    }
    let mut sandbox = of_values(Type::Bigint, numbers, 3).await.mode(Mode::Upsert);
    sandbox.job.table.key = vec!["id".into(), "value".into()];
    sandbox.execute(
        "CREATE TABLE films (id varchar(20), value bigint, PRIMARY KEY (value, id)) CHARACTER SET utf8mb4;
         INSERT INTO films VALUES ('TT0001', 0), ('tt0002', 7)",
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (3, 1, Some(4)));
    let found = sandbox.rows("SELECT id, value FROM films ORDER BY value");
    assert_eq!(found, ["tt0000|-1", "tt0001|0", "tt0002|1", "tt0002|7"]);
}

/// What stands under a key that no row of the run can have is no matter; a null is none.
#[tokio::test]
async fn a_null_in_the_key_that_stands_meets_nothing() {
    let sandbox = run_of(2, Mode::Upsert).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (id varchar(20), {COLUMNS}, UNIQUE KEY (id)) CHARACTER SET utf8mb4;
         INSERT INTO films (id, votes) VALUES (NULL, 5), (NULL, 6), ('TT0001', 7)"
    ));
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (2, 1, Some(4)));
    assert_eq!(sandbox.rows("SELECT sum(votes) FROM films WHERE id IS NULL"), ["11"]);
}

#[tokio::test]
async fn a_moment_of_the_last_change_changes_only_where_something_did() {
    let sandbox = run_of(2, Mode::Upsert).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (id varchar(20) PRIMARY KEY, {COLUMNS}, note text,
             at datetime NOT NULL DEFAULT '2000-01-01' ON UPDATE current_timestamp) CHARACTER SET utf8mb4"
    ));
    sandbox.publish().await.unwrap();
    sandbox.execute("DROP TABLE windrow_runs; UPDATE films SET votes = 9, note = 'mine' WHERE id = 'tt0000'; UPDATE films SET at = '2000-01-01'");
    let published = sandbox.publish().await.unwrap();
    assert_eq!(published.replaced, 2);
    let found = sandbox.rows("SELECT id, at > '2020-01-01', note FROM films ORDER BY id");
    assert_eq!(found, ["tt0000|1|mine", "tt0001|0|~"]);
}

/// Of whole tables that are gone through every row is locked: where many of them do not come, none of these is.
#[tokio::test]
async fn a_row_that_does_not_come_and_somebody_else_changes_is_not_waited_for() {
    let sandbox = run_of(40, Mode::Upsert).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (id varchar(20) PRIMARY KEY, {COLUMNS}) CHARACTER SET utf8mb4;
         INSERT INTO films (id) SELECT concat('tt', lpad(seq, 4, '0')) FROM seq_0_to_53"
    ));
    let ResolvedDestination::Server(server) = sandbox.place() else { panic!("a server") };
    let rival = server.connect().await.unwrap();
    rival.run("START TRANSACTION; UPDATE films SET title = 'mine' WHERE id = 'tt0050'").await.unwrap();
    let publishing = tokio::time::timeout(std::time::Duration::from_secs(30), sandbox.publish());
    let published = publishing.await.expect("no wait").unwrap();
    assert_eq!((published.rows, published.replaced), (40, 40));
    rival.run("COMMIT").await.unwrap();
    assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE title LIKE 'film %'"), ["40"]);
}
