//! What each database is told, word by word. Where a text changes, it was meant to.

use std::time::Duration;

use super::*;
use crate::merge::covered::Covered;
use crate::merge::policy::Policy;
use crate::merge::runs::{self, Ledger, Publication};
use crate::merge::tests::sandbox;

/// `windrow_runs` in a database's words.
fn ledger(spelling: &dyn Spelling) -> String {
    let plan = sandbox::plan(1, &[("film", vec![])]);
    let runs = format!("main.{}", spelling.identifier(runs::TABLE));
    let create = runs::create(spelling, &runs);
    let ledger = Ledger { dialect: spelling, runs, plan: &plan, table: "Bob's films" };
    let publication = Publication {
        covered: Covered::Rounds(2),
        digest: "5f0c7a11".into(),
        rows: 0,
        policy: Policy::now(&plan, None),
        rejected: Default::default(),
    };
    let [renew, claim] = ledger.claim(&publication, &[], 1_795_417_800_000_001);
    let count = ledger.count(&publication, &[], 7, None);
    [create, ledger.publications(), renew, claim, count].join("\n")
}

/// What a load does there.
fn load(dialect: &dyn Dialect) -> String {
    let (id, text) = (dialect.identifier("id"), dialect.staged_type(Type::Text, None, true));
    let table = ["my \"schema\"", "films"].map(|name| dialect.identifier(name)).join(".");
    let twins = Twins {
        table: &table,
        identity: &["old.n".to_owned()],
        alias: "old",
        key: "old.id",
        order: "old.at DESC",
        condition: "old.n > 1",
    };
    [
        dialect.begin().to_owned(),
        dialect.begin_reading().to_owned(),
        dialect.settings().to_owned(),
        dialect.wait_for_rivals("windrow it's films"),
        dialect.lock(&table).unwrap_or_default(),
        dialect.wait_for_locks(Duration::from_secs(60)).unwrap_or_default(),
        dialect.take_at_most(Duration::ZERO).unwrap_or_default(),
        dialect.check_constraints_now(&table).unwrap_or_default(),
        dialect.make_temporary(&Temporary {
            name: "windrow_rows",
            columns: &[(id.clone(), text)],
            identity: &[],
            is_unique: true,
            sought: std::slice::from_ref(&id),
        }),
        dialect.keep_temporary("windrow_kept", &[vec![id.clone()]], "SELECT 1"),
        dialect.index_temporary("windrow_rows", &id).unwrap_or_default(),
        dialect.analyze(&dialect.temporary("windrow_rows")).unwrap_or_default(),
        dialect.row_id("old").join(", "),
        dialect.place("old").unwrap_or_default(),
        dialect.update(&table, &[("a".into(), "new.a".into())], "windrow_rows AS new", "old.id = new.id"),
        dialect.meets_none(&table, "windrow_rows", "old.id = new.id"),
        dialect.delete(&table, "old.id = 7"),
        dialect.delete_twins(&twins).join("\n"),
        dialect.count_twins(&twins).unwrap_or_default(),
    ]
    .join("\n")
}

#[test]
fn duckdb() {
    insta::assert_snapshot!(ledger(&DuckDb), @r#"
    CREATE TABLE main."windrow_runs" (run_id VARCHAR NOT NULL, rounds integer NOT NULL, job VARCHAR NOT NULL, table_name VARCHAR NOT NULL, digest VARCHAR NOT NULL, "rows" bigint NOT NULL, published_at TIMESTAMP NOT NULL, on_failure VARCHAR NOT NULL, blocks VARCHAR, rejected VARCHAR, jobs bigint, PRIMARY KEY (run_id, table_name, rounds))
    SELECT CAST("rounds" AS VARCHAR), CAST("digest" AS VARCHAR), CAST("rows" AS VARCHAR), CAST("on_failure" AS VARCHAR), CAST("blocks" AS VARCHAR), CAST("rejected" AS VARCHAR) FROM main."windrow_runs" AS noted WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND lower(table_name) = lower('Bob''s films') AND "rows" >= 0 ORDER BY noted.rounds
    UPDATE main."windrow_runs" SET "job" = 'films', "digest" = '5f0c7a11', "rows" = -1, "published_at" = CAST('2026-11-23T07:10:00.000001Z' AS TIMESTAMP), "on_failure" = 'film=skip', "blocks" = NULL, "rejected" = NULL, "jobs" = NULL WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND lower(table_name) = lower('Bob''s films') AND rounds = 2 AND "rows" < 0
    INSERT INTO main."windrow_runs" ("run_id", "rounds", "job", "table_name", "digest", "rows", "published_at", "on_failure", "blocks", "rejected", "jobs") VALUES ('20261123T000000-4f2a9c81d3f60', 2, 'films', 'Bob''s films', '5f0c7a11', -1, CAST('2026-11-23T07:10:00.000001Z' AS TIMESTAMP), 'film=skip', NULL, NULL, NULL)
    UPDATE main."windrow_runs" SET "rows" = 7 WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND lower(table_name) = lower('Bob''s films') AND rounds = 2
    "#);
}

#[test]
fn postgres() {
    insta::assert_snapshot!(ledger(&Postgres), @r#"
    CREATE TABLE main."windrow_runs" (run_id text NOT NULL, rounds integer NOT NULL, job text NOT NULL, table_name text NOT NULL, digest text NOT NULL, "rows" bigint NOT NULL, published_at timestamptz NOT NULL, on_failure text NOT NULL, blocks text, rejected text, jobs bigint, PRIMARY KEY (run_id, table_name, rounds))
    SELECT CAST("rounds" AS text), CAST("digest" AS text), CAST("rows" AS text), CAST("on_failure" AS text), CAST("blocks" AS text), CAST("rejected" AS text) FROM main."windrow_runs" AS noted WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND table_name = 'Bob''s films' AND "rows" >= 0 ORDER BY noted.rounds
    UPDATE main."windrow_runs" SET "job" = 'films', "digest" = '5f0c7a11', "rows" = -1, "published_at" = CAST('2026-11-23T07:10:00.000001Z' AS timestamptz), "on_failure" = 'film=skip', "blocks" = NULL, "rejected" = NULL, "jobs" = NULL WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND table_name = 'Bob''s films' AND rounds = 2 AND "rows" < 0
    INSERT INTO main."windrow_runs" ("run_id", "rounds", "job", "table_name", "digest", "rows", "published_at", "on_failure", "blocks", "rejected", "jobs") VALUES ('20261123T000000-4f2a9c81d3f60', 2, 'films', 'Bob''s films', '5f0c7a11', -1, CAST('2026-11-23T07:10:00.000001Z' AS timestamptz), 'film=skip', NULL, NULL, NULL)
    UPDATE main."windrow_runs" SET "rows" = 7 WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND table_name = 'Bob''s films' AND rounds = 2
    "#);
    insta::assert_snapshot!(load(&Postgres), @r#"
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL temp_buffers = '64MB'
    BEGIN READ ONLY; SET LOCAL standard_conforming_strings = on
    SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3; SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL tcp_keepalives_idle = 20; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 3; SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'; SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'; SELECT set_config(name, '10s', true) FROM pg_settings WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%'
    SELECT pg_advisory_xact_lock(hashtextextended('windrow it''s films', 0))
    LOCK TABLE "my ""schema"""."films" IN SHARE ROW EXCLUSIVE MODE
    SET LOCAL lock_timeout = 60000
    SET LOCAL statement_timeout = 1
    SET CONSTRAINTS ALL IMMEDIATE
    CREATE TEMP TABLE windrow_rows ("id" text) ON COMMIT DROP
    DROP TABLE IF EXISTS pg_temp.windrow_kept; CREATE TEMP TABLE windrow_kept ON COMMIT DROP AS SELECT 1

    ANALYZE pg_temp.windrow_rows
    old.tableoid, old.ctid
    old.ctid
    UPDATE "my ""schema"""."films" AS old SET a = new.a FROM windrow_rows AS new WHERE old.id = new.id
    NOT EXISTS (SELECT 1 FROM "my ""schema"""."films" AS old WHERE old.id = new.id)
    DELETE FROM "my ""schema"""."films" AS old WHERE old.id = 7
    DELETE FROM "my ""schema"""."films" AS twin USING (SELECT old.tableoid AS part, old.ctid AS row, row_number() OVER (PARTITION BY old.id ORDER BY old.at DESC) AS place FROM "my ""schema"""."films" AS old WHERE old.n > 1) AS placed WHERE twin.tableoid = placed.part AND twin.ctid = placed.row AND placed.place > 1
    "#);
}

#[test]
fn mysql() {
    insta::assert_snapshot!(ledger(&MySql), @r#"
    CREATE TABLE main.`windrow_runs` (run_id varchar(255) NOT NULL, rounds integer NOT NULL, job longtext NOT NULL, table_name varchar(255) NOT NULL, digest longtext NOT NULL, `rows` bigint NOT NULL, published_at datetime(6) NOT NULL, on_failure longtext NOT NULL, blocks longtext, rejected longtext, jobs bigint, PRIMARY KEY (run_id, table_name, rounds)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 /*M! COLLATE=utf8mb4_nopad_bin */ /*!80017 COLLATE=utf8mb4_0900_bin */
    SELECT CAST(`rounds` AS char), CAST(`digest` AS char), CAST(`rows` AS char), CAST(`on_failure` AS char), CAST(`blocks` AS char), CAST(`rejected` AS char) FROM main.`windrow_runs` AS noted WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND table_name = 'Bob''s films' AND `rows` >= 0 ORDER BY noted.rounds
    UPDATE main.`windrow_runs` SET `job` = 'films', `digest` = '5f0c7a11', `rows` = -1, `published_at` = CAST('2026-11-23T07:10:00.000001' AS datetime(6)), `on_failure` = 'film=skip', `blocks` = NULL, `rejected` = NULL, `jobs` = NULL WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND table_name = 'Bob''s films' AND rounds = 2 AND `rows` < 0
    INSERT INTO main.`windrow_runs` (`run_id`, `rounds`, `job`, `table_name`, `digest`, `rows`, `published_at`, `on_failure`, `blocks`, `rejected`, `jobs`) VALUES ('20261123T000000-4f2a9c81d3f60', 2, 'films', 'Bob''s films', '5f0c7a11', -1, CAST('2026-11-23T07:10:00.000001' AS datetime(6)), 'film=skip', NULL, NULL, NULL)
    UPDATE main.`windrow_runs` SET `rows` = 7 WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND table_name = 'Bob''s films' AND rounds = 2
    "#);
    insta::assert_snapshot!(load(&MySql), @r#"
    SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ WRITE
    SET NAMES utf8mb4; SET SESSION TRANSACTION READ WRITE; SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', SESSION time_zone = '+00:00', SESSION foreign_key_checks = 1, SESSION unique_checks = 1, SESSION sql_safe_updates = 0, SESSION sql_select_limit = 18446744073709551615, SESSION sql_big_selects = 1, SESSION completion_type = 'NO_CHAIN', SESSION group_concat_max_len = 1048576, SESSION max_error_count = 65535, SESSION wait_timeout = 86400, SESSION net_read_timeout = 3600, SESSION net_write_timeout = 3600 /*M! , SESSION max_statement_time = 0, SESSION idle_transaction_timeout = 0, SESSION idle_write_transaction_timeout = 0 */
    SET NAMES utf8mb4; SET SESSION TRANSACTION READ WRITE; SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', SESSION time_zone = '+00:00', SESSION foreign_key_checks = 1, SESSION unique_checks = 1, SESSION sql_safe_updates = 0, SESSION sql_select_limit = 18446744073709551615, SESSION sql_big_selects = 1, SESSION completion_type = 'NO_CHAIN', SESSION group_concat_max_len = 1048576, SESSION max_error_count = 65535, SESSION wait_timeout = 86400, SESSION net_read_timeout = 3600, SESSION net_write_timeout = 3600 /*M! , SESSION max_statement_time = 0, SESSION idle_transaction_timeout = 0, SESSION idle_write_transaction_timeout = 0 */
    SELECT GET_LOCK(CONCAT('windrow ', SHA1('windrow it''s films')), 31536000)

    SET SESSION innodb_lock_wait_timeout = 60, SESSION lock_wait_timeout = 60
    SET SESSION innodb_lock_wait_timeout = 1 /*M! , SESSION max_statement_time = 1 */

    DROP TEMPORARY TABLE IF EXISTS windrow_rows; CREATE TEMPORARY TABLE windrow_rows (`id` longtext, KEY (`id`(768))) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 /*M! COLLATE=utf8mb4_nopad_bin */ /*!80017 COLLATE=utf8mb4_0900_bin */
    DROP TEMPORARY TABLE IF EXISTS windrow_kept; CREATE TEMPORARY TABLE windrow_kept (KEY (`id`)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC AS SELECT 1




    UPDATE `my "schema"`.`films` AS old, windrow_rows AS new SET old.a = new.a WHERE old.id = new.id
    NOT EXISTS (SELECT 1 FROM `my "schema"`.`films` AS old WHERE old.id = new.id)
    DELETE old FROM `my "schema"`.`films` AS old WHERE old.id = 7
    DROP TEMPORARY TABLE IF EXISTS windrow_twins; CREATE TEMPORARY TABLE windrow_twins (KEY (id_0)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC AS SELECT id_0 FROM (SELECT old.n AS id_0, row_number() OVER (PARTITION BY old.id ORDER BY old.at DESC) AS place FROM `my "schema"`.`films` AS old WHERE old.n > 1) AS placed WHERE place > 1
    DELETE old FROM `my "schema"`.`films` AS old JOIN windrow_twins AS twin ON twin.id_0 = old.n
    SELECT count(*) - count(DISTINCT old.id) FROM `my "schema"`.`films` AS old WHERE old.n > 1
    "#);
}

#[test]
fn sqlite() {
    insta::assert_snapshot!(ledger(&Sqlite), @r#"
    CREATE TABLE main."windrow_runs" (run_id TEXT NOT NULL, rounds integer NOT NULL, job TEXT NOT NULL, table_name TEXT NOT NULL, digest TEXT NOT NULL, "rows" bigint NOT NULL, published_at TEXT NOT NULL, on_failure TEXT NOT NULL, blocks TEXT, rejected TEXT, jobs bigint, PRIMARY KEY (run_id, table_name, rounds))
    SELECT "rounds", "digest", "rows", "on_failure", "blocks", "rejected" FROM main."windrow_runs" AS noted WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND lower(table_name) = lower('Bob''s films') AND "rows" >= 0 ORDER BY noted.rounds
    UPDATE main."windrow_runs" SET "job" = 'films', "digest" = '5f0c7a11', "rows" = -1, "published_at" = CAST('2026-11-23T07:10:00.000001Z' AS TEXT), "on_failure" = 'film=skip', "blocks" = NULL, "rejected" = NULL, "jobs" = NULL WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND lower(table_name) = lower('Bob''s films') AND rounds = 2 AND "rows" < 0
    INSERT INTO main."windrow_runs" ("run_id", "rounds", "job", "table_name", "digest", "rows", "published_at", "on_failure", "blocks", "rejected", "jobs") VALUES ('20261123T000000-4f2a9c81d3f60', 2, 'films', 'Bob''s films', '5f0c7a11', -1, CAST('2026-11-23T07:10:00.000001Z' AS TEXT), 'film=skip', NULL, NULL, NULL)
    UPDATE main."windrow_runs" SET "rows" = 7 WHERE run_id = '20261123T000000-4f2a9c81d3f60' AND lower(table_name) = lower('Bob''s films') AND rounds = 2
    "#);
    insta::assert_snapshot!(load(&Sqlite), @r#"
    BEGIN IMMEDIATE
    BEGIN
    PRAGMA ignore_check_constraints = OFF; PRAGMA writable_schema = OFF; PRAGMA query_only = OFF
    SELECT 1



    SELECT windrow_refuse(why) FROM (SELECT 'FOREIGN KEY constraint failed: (' || (SELECT group_concat("from", ', ') FROM pragma_foreign_key_list('films') WHERE id = f.fkid) || ') REFERENCES ' || f.parent AS why, count(*) OVER () AS broken FROM sqlite_schema AS s CROSS JOIN pragma_foreign_key_check('films') AS f WHERE s.type = 'table' AND s.name = 'films' AND s.sql LIKE '%INITIALLY%DEFERRED%' ORDER BY f.rowid DESC LIMIT 1) WHERE broken > (SELECT broken FROM temp.windrow_references)
    CREATE TEMP TABLE windrow_rows ("id" TEXT)
    DROP TABLE IF EXISTS temp.windrow_kept; CREATE TEMP TABLE windrow_kept AS SELECT 1
    CREATE INDEX temp."windrow_rows_id" ON windrow_rows ("id")
    ANALYZE temp.windrow_rows
    old._rowid_
    old._rowid_
    UPDATE "my ""schema"""."films" AS old SET a = new.a FROM windrow_rows AS new WHERE old.id = new.id
    new._rowid_ NOT IN (SELECT new._rowid_ FROM windrow_rows AS new JOIN "my ""schema"""."films" AS old ON old.id = new.id)
    DELETE FROM "my ""schema"""."films" AS old WHERE old.id = 7
    DELETE FROM "my ""schema"""."films" WHERE (n) IN (SELECT r0 FROM (SELECT old.n AS r0, row_number() OVER (PARTITION BY old.id ORDER BY old.at DESC) AS place FROM "my ""schema"""."films" AS old WHERE old.n > 1) AS placed WHERE placed.place > 1)
    "#);
}

/// What only a database has that finds rows by their key in a way of its own.
#[test]
fn upserts_by_key() {
    let varchar = StandingType {
        name: "varchar".into(),
        shown: "varchar(40)".into(),
        cast: "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci".into(),
        modifier: 40,
        ..StandingType::default()
    };
    let number = StandingType {
        name: "int unsigned".into(),
        shown: "int(10) unsigned".into(),
        ..StandingType::default()
    };
    let types = MySql.staged_key_types(&[&varchar, &number]).unwrap();
    assert_eq!(types, ["varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "int(10) unsigned"]);
    for (name, modifier) in [("varchar", 769), ("text", 10), ("longtext", 0), ("json", 0)] {
        let long = StandingType { name: name.into(), modifier, ..varchar.clone() };
        assert_eq!(MySql.staged_key_types(&[&number, &long]), None, "{name}");
    }
    let one_of = StandingType { name: "enum".into(), is_enum: true, ..varchar.clone() };
    assert_eq!(MySql.staged_key_types(&[&one_of]), None);
    assert_eq!(MySql.is_same("old.id", "new.id"), "CAST(old.id AS binary) = CAST(new.id AS binary)");
    let set = [("a".to_owned(), "new.a".to_owned())];
    let along = |along| MySql.update_by_key("films", &set, "windrow_rows AS new", "old.id = new.id", along);
    assert_eq!(
        along(true),
        "UPDATE films AS old STRAIGHT_JOIN windrow_rows AS new SET old.a = new.a WHERE old.id = new.id"
    );
    assert_eq!(
        along(false),
        "UPDATE windrow_rows AS new STRAIGHT_JOIN films AS old SET old.a = new.a WHERE old.id = new.id"
    );
    assert_eq!(
        Sqlite.write_over(&["id".into(), "at".into()], &["a".into(), "b".into()]).unwrap(),
        "ON CONFLICT (id, at) DO UPDATE SET a = excluded.a, b = excluded.b WHERE windrow_count()"
    );
}
