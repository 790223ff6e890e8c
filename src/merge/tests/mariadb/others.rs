//! What users of other tools met: servers that are set up oddly, tables of MariaDB's own kinds, rows of any length.

use super::super::engines::statement;
use super::super::sandbox::{NOW, Sandbox, Values, all_ok};
use super::{of_values, refused, run_of, text};
use crate::job::{Destination, Mode, OnFailure, OnUnlisted, ServerUrl};
use crate::mariadb_server::MariaDbServer;
use crate::merge::{End, check_destination};
use crate::value::{Type, Value};

const COLUMNS: &str = "id varchar(20), title text, votes bigint, budget int, facts json";

/// Publishes into a server's own database instead.
fn onto(mut sandbox: Sandbox, server: &MariaDbServer, database: &str) -> Sandbox {
    let url = ServerUrl::parse(&server.url(database)).unwrap();
    sandbox.job.table.to = Destination::Server(url);
    sandbox
}

/// What a server may be set to for all; each alone has kept some tool from working.
const SETTINGS: [&str; 16] = [
    "autocommit = 0",
    "sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,EMPTY_STRING_IS_NULL'",
    "sql_mode = 'ORACLE,SIMULTANEOUS_ASSIGNMENT,HIGH_NOT_PRECEDENCE'",
    "completion_type = 'CHAIN'",
    "tx_isolation = 'SERIALIZABLE'",
    "innodb_snapshot_isolation = ON",
    "default_storage_engine = MyISAM",
    "idle_write_transaction_timeout = 1",
    "tx_read_only = ON",
    "innodb_default_row_format = compact",
    "sql_safe_updates = ON",
    "sql_select_limit = 1",
    "max_statement_time = 0.0001",
    "group_concat_max_len = 4",
    "collation_server = 'ucs2_general_ci'",
    "init_connect = 'SET autocommit = 0, sql_mode = ANSI'",
];

#[tokio::test]
async fn whatever_the_server_is_set_to_the_same_is_published() {
    let server = MariaDbServer::start(&["--log-bin", "--binlog-format=STATEMENT"]);
    for setting in SETTINGS {
        for (mode, expected) in [(Mode::Append, "5|10"), (Mode::Upsert, "6|10"), (Mode::ReplaceIds, "5|10")] {
            let name = server.database().name;
            if mode != Mode::Append {
                server.rows(&name, &format!(
                    "CREATE TABLE films (number int AUTO_INCREMENT PRIMARY KEY, {COLUMNS}, UNIQUE KEY (id)) CHARACTER SET utf8mb4;
                     INSERT INTO films (id, title) VALUES ('tt0001', 'old'), ('tt0009', 'old')"
                ));
            }
            let mut sandbox = onto(Sandbox::of_one_round(5, &all_ok).await.mode(mode), &server, &name);
            if mode == Mode::ReplaceIds {
                sandbox.job.table.on_unlisted = OnUnlisted::Delete;
            }
            server.rows("", &format!("SET GLOBAL {setting}"));
            check_destination(&sandbox.job, &sandbox.place()).await.unwrap();
            let published = sandbox.publish().await;
            let variable = setting.split(' ').next().unwrap();
            let usual = if variable == "init_connect" { "''" } else { "DEFAULT" };
            server.rows("", &format!("SET GLOBAL {variable} = {usual}"));
            published.unwrap_or_else(|error| panic!("{setting} {mode:?}: {error}"));
            let found = server.rows(&name, "SELECT count(*), sum(votes) FROM films");
            assert_eq!(found, [expected], "{setting} {mode:?}");
        }
    }
}

#[tokio::test]
async fn what_no_load_can_live_with_is_told_before_the_first_request() {
    let server = MariaDbServer::start(&["--innodb-force-primary-key=ON"]);
    let name = server.database().name;
    let sandbox = onto(Sandbox::new(1).await.mode(Mode::Append), &server, &name);
    for (setting, words) in [
        ("sql_notes = 1", "no table without a primary key (innodb_force_primary_key)"),
        ("enforce_storage_engine = Aria", "makes tables of Aria only (enforce_storage_engine)"),
    ] {
        server.rows("", &format!("SET GLOBAL {setting}"));
        let said = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
}

/// What stands behind the columns, the unique key and the character set of a table.
const KINDS: [(&str, &str); 9] = [
    ("", "WITH SYSTEM VERSIONING"),
    ("n bigint INVISIBLE AUTO_INCREMENT PRIMARY KEY, m text INVISIBLE DEFAULT 'x', ", ""),
    (
        "a date NOT NULL DEFAULT '2020-01-01', b date NOT NULL DEFAULT '2021-01-01', PERIOD FOR app(a, b), ",
        "",
    ),
    ("t text NOT NULL DEFAULT uuid(), ", ""),
    ("t timestamp NOT NULL DEFAULT current_timestamp ON UPDATE current_timestamp, ", ""),
    ("v bigint AS (votes + 1) VIRTUAL, UNIQUE KEY (v), ", ""),
    ("", "PARTITION BY KEY (id) PARTITIONS 3"),
    ("FULLTEXT (title), ", "ROW_FORMAT=COMPRESSED"),
    ("", "COLLATE utf8mb4_unicode_520_nopad_ci"),
];

#[tokio::test]
async fn tables_of_every_kind_are_filled() {
    for (further, kind) in KINDS {
        for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
            let sandbox = run_of(4, mode).await;
            sandbox.execute(&format!(
                "CREATE TABLE films ({COLUMNS}, {further} UNIQUE KEY (id)) CHARACTER SET utf8mb4 {kind};
                 INSERT INTO films (id, votes) VALUES ('tt0001', -1)"
            ));
            let published =
                sandbox.publish().await.unwrap_or_else(|error| panic!("{kind} {mode:?}: {error}"));
            assert_eq!((published.rows, published.replaced), (4, 1), "{kind} {mode:?}");
            assert_eq!(sandbox.rows("SELECT count(*), sum(votes) FROM films"), ["4|6"], "{kind} {mode:?}");
            if kind.contains("VERSIONING") {
                let old = "SELECT votes FROM films FOR SYSTEM_TIME ALL WHERE votes < 0";
                assert_eq!(sandbox.rows(old), ["-1"], "history is kept");
            }
        }
    }
    let sandbox = run_of(1, Mode::Append).await;
    sandbox.execute("CREATE SEQUENCE films");
    let said = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
    assert!(said.contains("it is no ordinary table"), "{said}");
}

#[tokio::test]
async fn zero_dates_that_a_table_has_or_gives_stay() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (1, 1) { End::Failed } else { End::Ok });
    for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut sandbox = Sandbox::of_one_round(3, &ends).await.mode(mode).on_mariadb();
        sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
        sandbox.execute(&format!(
            "SET sql_mode = '';
             CREATE TABLE films ({COLUMNS}, n int AUTO_INCREMENT PRIMARY KEY,
                 made datetime NOT NULL DEFAULT '0000-00-00 00:00:00', UNIQUE KEY (id)) CHARACTER SET utf8mb4;
             INSERT INTO films (id, budget) VALUES ('tt0001', 7)"
        ));
        sandbox.publish().await.unwrap();
        let found = sandbox.rows("SELECT id, made, budget = 7 FROM films WHERE id = 'tt0001'");
        assert_eq!(found, ["tt0001|0000-00-00 00:00:00|1"], "{mode:?}");
    }
}

#[tokio::test]
async fn a_partition_that_is_missing_names_its_record() {
    let sandbox = run_of(4, Mode::Append).await;
    sandbox.execute(&format!(
        "CREATE TABLE films ({COLUMNS}) CHARACTER SET utf8mb4 PARTITION BY RANGE (votes) (PARTITION few VALUES LESS THAN (3))"
    ));
    let said = refused(&sandbox).await.to_string();
    assert!(said.contains("\n  record 3, id \"tt0003\": Table has no partition for value 3"), "{said}");
}

#[tokio::test]
async fn names_are_as_they_are_written_whatever_the_case_of_tables() {
    for name in ["\"a.b\"", "\"a`b\"", "\"a b\"", "a?b", "\"it's\"", "Films", "a:b", "a\\b", "select"] {
        let mut sandbox = run_of(3, Mode::Upsert).await;
        sandbox.job.table.name = name.into();
        check_destination(&sandbox.job, &sandbox.place()).await.unwrap();
        assert_eq!(sandbox.publish().await.unwrap().rows, 3, "{name}");
    }
    let server = MariaDbServer::start(&["--lower-case-table-names=1"]);
    server.rows(
        "",
        &format!(
            "CREATE DATABASE Shop; CREATE TABLE Shop.Films ({COLUMNS}, UNIQUE KEY (ID)) CHARACTER SET utf8mb4"
        ),
    );
    for (database, name) in [("Shop", "Films"), ("mysql", "SHOP.FILMS")] {
        server.rows("shop", "DELETE FROM films; DROP TABLE IF EXISTS windrow_runs");
        let mut sandbox = onto(Sandbox::of_one_round(3, &all_ok).await.mode(Mode::Upsert), &server, database);
        sandbox.job.table.name = name.into();
        assert_eq!(sandbox.publish().await.unwrap().rows, 3);
        assert!(sandbox.publish().await.unwrap().already, "{database} {name}");
    }
}

#[tokio::test]
async fn a_row_may_be_longer_than_the_server_takes_at_once() {
    let long: Values = |_, o, _, _| vec![text("é".repeat([1, 9_000_000][o as usize]))];
    let sandbox = of_values(Type::Text, long, 2).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
    assert_eq!(sandbox.rows("SELECT char_length(value) FROM films ORDER BY id"), ["1", "9000000"]);
    // Not where it comes by INSERT; there many rows with much to escape still fit.
    let server = MariaDbServer::start(&["--local-infile=0", "--max-allowed-packet=1M"]);
    let name = server.database().name;
    let sandbox = onto(of_values(Type::Text, long, 2).await, &server, &name);
    let said = sandbox.publish().await.unwrap_err().to_string();
    assert!(said.contains("a row is longer than the server takes (max_allowed_packet)"), "{said}");
    let quotes: Values = |_, _, _, _| vec![text("'".repeat(2000))];
    let name = server.database().name;
    let sandbox = onto(of_values(Type::Text, quotes, 3000).await, &server, &name);
    assert_eq!(sandbox.publish().await.unwrap().rows, 3000);
}

/// What a server of MariaDB before 10.10 does unless it is told otherwise.
#[tokio::test]
async fn a_null_does_not_become_now_in_a_timestamp() {
    let server = MariaDbServer::start(&["--explicit-defaults-for-timestamp=OFF"]);
    let moments: Values =
        |_, o, _, _| vec![[Value::Timestamp(NOW + 123_456), Value::Null][o as usize].clone()];
    for mode in [Mode::Append, Mode::Upsert] {
        let name = server.database().name;
        let sandbox = of_values(Type::Timestamp, moments, 2).await.mode(mode);
        let mut sandbox = onto(sandbox, &server, &name);
        server.rows(
            &name,
            "CREATE TABLE films (id varchar(20) PRIMARY KEY, value timestamp(6)) CHARACTER SET utf8mb4",
        );
        let said = sandbox.publish().await.unwrap_err().to_string();
        let why = "it is null, and the server would make up a moment, now";
        assert!(said.contains("id \"tt0001\", value = null: ") && said.contains(why), "{mode:?}: {said}");
        sandbox.job.publish.max_rejected = 1;
        sandbox.publish().await.unwrap();
        let held = server.rows(&name, "SELECT id, value FROM films");
        assert_eq!(held, ["tt0000|2026-11-23 00:00:00.123456"], "{mode:?}");
    }
}

#[tokio::test]
async fn a_foreign_key_of_another_database_is_seen() {
    let sandbox = run_of(2, Mode::Replace).await;
    let own = sandbox.rows("SELECT DATABASE()").join("");
    sandbox.execute(&format!(
        "CREATE TABLE films ({COLUMNS}, UNIQUE KEY (id)) CHARACTER SET utf8mb4; CREATE DATABASE `Other.``Db`;
         CREATE TABLE `Other.``Db`.`re.views` (id varchar(20)) CHARACTER SET utf8mb4;
         ALTER TABLE `Other.``Db`.`re.views` ADD FOREIGN KEY (id) REFERENCES {own}.films (id) ON DELETE CASCADE"
    ));
    let said = check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string();
    assert!(
        said.contains("`Other.``Db`.`re.views` (foreign key re.views_ibfk_1, ON DELETE CASCADE)"),
        "{said}"
    );
}

#[tokio::test]
async fn what_a_statement_sets_holds_for_itself_only() {
    let mut sandbox = run_of(3, Mode::Append).await;
    sandbox.execute("CREATE TABLE films (id varchar(20), title varchar(10), votes bigint, budget int, facts json) CHARACTER SET utf8mb4");
    sandbox.job.before = vec![statement("SET sql_mode = '', time_zone = '+09:00', foreign_key_checks = 0")];
    let said = refused(&sandbox).await.to_string();
    assert!(said.contains("Data too long for column 'title'"), "{said}");
}
