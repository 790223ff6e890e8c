//! What each database is told of a queue, word by word. Where a text changes, it was meant to.

use std::time::Duration;

use crate::job::Queue;
use crate::merge::dialect;
use crate::merge::outside::queue::{Death, JobId, Rest, Sql, Tables};
use crate::value::{Field, Type};

fn queue(url: &str) -> Queue {
    let order = Some("priority DESC, id".into());
    Queue { table: "shop.jobs".into(), order, ..Queue::sample(url) }
}

fn statements(url: &str, id: &[&str]) -> String {
    let queue = queue(url);
    let to = crate::job::Destination::Server(queue.database.clone());
    let dialect = dialect::of_destination(&to).unwrap();
    let own = dialect.queue().unwrap();
    let quoted = |table: &str| format!("{}.{}", dialect.identifier("shop"), dialect.identifier(table));
    let field = |name: &str, ty| Field { name: name.to_owned(), ty };
    let columns: Vec<String> = id.iter().chain(&["url"]).map(|name| (*name).to_owned()).collect();
    let tables = Tables {
        name: "shop.jobs".into(),
        jobs_table: "jobs".into(),
        jobs: quoted("jobs"),
        jobs_id: "1".into(),
        claims: quoted("windrow_claims"),
        dead: quoted("windrow_dead"),
        runs: quoted("windrow_runs"),
        runs_table: "windrow_runs".into(),
        schema: "shop".into(),
        fields: columns
            .iter()
            .map(|name| field(name, if name == "id" { Type::Bigint } else { Type::Text }))
            .collect(),
        columns,
        id_columns: id.len(),
        index: "PRIMARY".into(),
        created: None,
    };
    let sql = Sql { dialect, own, tables: &tables, queue: &queue };
    let texts = |text: &str| vec![text.to_owned(); id.len()];
    let (one, two) = (texts("9007199254740993"), texts("it's"));
    let jobs = [JobId { key: "9007199254740993", id: &one }, JobId { key: "it's", id: &two }];
    let keys = || jobs.iter().map(|job| job.key);
    let rest = Rest {
        key: "7",
        attempts: 2,
        rest: Duration::from_millis(1_500),
        kind: Some("status"),
        detail: Some("it's 503"),
    };
    let death = Death { key: "8", attempts: 5, kind: "status", detail: "404" };
    let [claims, index] = sql.create_claims();
    let [release, rests] = sql.release("r1");
    [
        own.begin_read_committed().to_owned(),
        claims,
        index,
        sql.create_dead(),
        sql.nothing(),
        sql.next(2),
        sql.claim("r1", keys()),
        sql.claimed("r1"),
        sql.renew("r1"),
        sql.settled("r1"),
        release,
        rests,
        sql.lock_jobs(&jobs),
        sql.lock_claims("r1", keys()),
        sql.set(&queue.done, &jobs),
        sql.still_waiting(&jobs),
        sql.drop_claims(keys()),
        sql.rest(&[rest]),
        sql.bury("r1", &[death]),
        sql.exhume(keys()),
    ]
    .join("\n")
}

#[test]
fn postgresql_is_told_so() {
    insta::assert_snapshot!(statements("postgres://db/shop", &["id"]), @r#"
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE
    CREATE TABLE "shop"."windrow_claims" ("queue" text NOT NULL, "key" text NOT NULL, "run" text NOT NULL, "until" timestamptz NOT NULL, "attempts" integer NOT NULL DEFAULT 0, "kind" text, "detail" text, PRIMARY KEY ("queue", "key"))
    CREATE INDEX windrow_claims_run ON "shop"."windrow_claims" ("run")
    CREATE TABLE "shop"."windrow_dead" ("queue" text NOT NULL, "key" text NOT NULL, "run" text NOT NULL, "attempts" integer NOT NULL, "kind" text NOT NULL, "detail" text NOT NULL, "died_at" timestamptz NOT NULL, PRIMARY KEY ("queue", "key"))
    SELECT "jobs"."id", "jobs"."url" FROM "shop"."jobs" WHERE 1 = 0
    SELECT CAST("jobs"."id" AS text) AS windrow_key, "jobs"."id", "jobs"."url" FROM "shop"."jobs" WHERE (state = 'new') AND NOT EXISTS (SELECT 1 FROM "shop"."windrow_claims" AS windrow_claim WHERE windrow_claim."queue" = 'shop.jobs' AND windrow_claim."key" = CAST("jobs"."id" AS text) AND windrow_claim."until" > clock_timestamp()) ORDER BY priority DESC, id LIMIT 2 FOR NO KEY UPDATE SKIP LOCKED
    INSERT INTO "shop"."windrow_claims" AS old ("queue", "key", "run", "until") VALUES ('shop.jobs', '9007199254740993', 'r1', clock_timestamp() + interval '60000000 microseconds'), ('shop.jobs', 'it''s', 'r1', clock_timestamp() + interval '60000000 microseconds') ON CONFLICT ("queue", "key") DO UPDATE SET "run" = excluded."run", "until" = excluded."until" WHERE old."until" <= clock_timestamp()
    SELECT "key", "attempts" FROM "shop"."windrow_claims" WHERE "queue" = 'shop.jobs' AND "run" = 'r1'
    UPDATE "shop"."windrow_claims" SET "until" = clock_timestamp() + interval '60000000 microseconds' WHERE "queue" = 'shop.jobs' AND "run" = 'r1'
    SELECT count(*) FROM "shop"."windrow_runs" WHERE "run_id" = 'r1' AND "rows" >= 0
    DELETE FROM "shop"."windrow_claims" WHERE "queue" = 'shop.jobs' AND "run" = 'r1' AND "attempts" = 0
    UPDATE "shop"."windrow_claims" SET "run" = '', "until" = clock_timestamp() WHERE "queue" = 'shop.jobs' AND "run" = 'r1'
    SELECT CAST("jobs"."id" AS text), CASE WHEN (state = 'new') THEN 1 ELSE 0 END, "jobs"."id", "jobs"."url" FROM "shop"."jobs" WHERE "jobs"."id" IN ('9007199254740993', 'it''s') AND CAST("jobs"."id" AS text) IN ('9007199254740993', 'it''s') FOR NO KEY UPDATE
    SELECT "key" FROM "shop"."windrow_claims" WHERE "queue" = 'shop.jobs' AND "key" IN ('9007199254740993', 'it''s') AND "run" = 'r1' FOR UPDATE
    UPDATE "shop"."jobs" SET state = 'done' WHERE "jobs"."id" IN ('9007199254740993', 'it''s') AND CAST("jobs"."id" AS text) IN ('9007199254740993', 'it''s')
    SELECT count(*) FROM "shop"."jobs" WHERE "jobs"."id" IN ('9007199254740993', 'it''s') AND CAST("jobs"."id" AS text) IN ('9007199254740993', 'it''s') AND (state = 'new')
    DELETE FROM "shop"."windrow_claims" WHERE "queue" = 'shop.jobs' AND "key" IN ('9007199254740993', 'it''s')
    INSERT INTO "shop"."windrow_claims" AS old ("queue", "key", "run", "attempts", "kind", "detail", "until") VALUES ('shop.jobs', '7', '', 2, 'status', 'it''s 503', clock_timestamp() + interval '1500000 microseconds') ON CONFLICT ("queue", "key") DO UPDATE SET "run" = excluded."run", "attempts" = excluded."attempts", "kind" = excluded."kind", "detail" = excluded."detail", "until" = excluded."until"
    INSERT INTO "shop"."windrow_dead" AS old ("queue", "key", "run", "attempts", "kind", "detail", "died_at") VALUES ('shop.jobs', '8', 'r1', 5, 'status', '404', clock_timestamp()) ON CONFLICT ("queue", "key") DO UPDATE SET "run" = excluded."run", "attempts" = excluded."attempts", "kind" = excluded."kind", "detail" = excluded."detail", "died_at" = excluded."died_at"
    DELETE FROM "shop"."windrow_dead" WHERE "queue" = 'shop.jobs' AND "key" IN ('9007199254740993', 'it''s')
    "#);
}

#[test]
fn mariadb_is_told_so() {
    insta::assert_snapshot!(statements("mysql://db/shop", &["id"]), @r#"
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION READ WRITE
    CREATE TABLE `shop`.`windrow_claims` (`queue` varchar(255) NOT NULL, `key` varchar(512) NOT NULL, `run` varchar(255) NOT NULL, `until` datetime(6) NOT NULL, `attempts` integer NOT NULL DEFAULT 0, `kind` longtext, `detail` longtext, PRIMARY KEY (`queue`, `key`)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 /*M! COLLATE=utf8mb4_nopad_bin */ /*!80017 COLLATE=utf8mb4_0900_bin */
    CREATE INDEX windrow_claims_run ON `shop`.`windrow_claims` (`run`)
    CREATE TABLE `shop`.`windrow_dead` (`queue` varchar(255) NOT NULL, `key` varchar(512) NOT NULL, `run` varchar(255) NOT NULL, `attempts` integer NOT NULL, `kind` longtext NOT NULL, `detail` longtext NOT NULL, `died_at` datetime(6) NOT NULL, PRIMARY KEY (`queue`, `key`)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 /*M! COLLATE=utf8mb4_nopad_bin */ /*!80017 COLLATE=utf8mb4_0900_bin */
    SELECT `jobs`.`id`, `jobs`.`url` FROM `shop`.`jobs` WHERE 1 = 0
    SELECT CONVERT(`jobs`.`id` USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */ AS windrow_key, `jobs`.`id`, `jobs`.`url` FROM `shop`.`jobs` WHERE (state = 'new') AND NOT EXISTS (SELECT 1 FROM `shop`.`windrow_claims` AS windrow_claim WHERE windrow_claim.`queue` = 'shop.jobs' AND windrow_claim.`key` = CONVERT(`jobs`.`id` USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */ AND windrow_claim.`until` > UTC_TIMESTAMP(6)) ORDER BY priority DESC, id LIMIT 2 FOR UPDATE SKIP LOCKED
    INSERT INTO `shop`.`windrow_claims` (`queue`, `key`, `run`, `until`) VALUES ('shop.jobs', '9007199254740993', 'r1', UTC_TIMESTAMP(6) + INTERVAL 60000000 MICROSECOND), ('shop.jobs', 'it''s', 'r1', UTC_TIMESTAMP(6) + INTERVAL 60000000 MICROSECOND) ON DUPLICATE KEY UPDATE `run` = IF(`until` <= UTC_TIMESTAMP(6), VALUES(`run`), `run`), `until` = IF(`until` <= UTC_TIMESTAMP(6), VALUES(`until`), `until`)
    SELECT `key`, `attempts` FROM `shop`.`windrow_claims` WHERE `queue` = 'shop.jobs' AND `run` = 'r1'
    UPDATE `shop`.`windrow_claims` FORCE INDEX (`PRIMARY`) SET `until` = UTC_TIMESTAMP(6) + INTERVAL 60000000 MICROSECOND WHERE `queue` = 'shop.jobs' AND `run` = 'r1'
    SELECT count(*) FROM `shop`.`windrow_runs` WHERE `run_id` = 'r1' AND `rows` >= 0
    DELETE FROM `shop`.`windrow_claims` WHERE `queue` = 'shop.jobs' AND `run` = 'r1' AND `attempts` = 0
    UPDATE `shop`.`windrow_claims` SET `run` = '', `until` = UTC_TIMESTAMP(6) WHERE `queue` = 'shop.jobs' AND `run` = 'r1'
    SELECT CONVERT(`jobs`.`id` USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */, CASE WHEN (state = 'new') THEN 1 ELSE 0 END, `jobs`.`id`, `jobs`.`url` FROM `shop`.`jobs` FORCE INDEX (`PRIMARY`) WHERE `jobs`.`id` IN (9007199254740993, 'it''s') AND CONVERT(`jobs`.`id` USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */ IN ('9007199254740993', 'it''s') FOR UPDATE
    SELECT `key` FROM `shop`.`windrow_claims` FORCE INDEX (`PRIMARY`) WHERE `queue` = 'shop.jobs' AND `key` IN ('9007199254740993', 'it''s') AND `run` = 'r1' FOR UPDATE
    UPDATE `shop`.`jobs` FORCE INDEX (`PRIMARY`) SET state = 'done' WHERE `jobs`.`id` IN (9007199254740993, 'it''s') AND CONVERT(`jobs`.`id` USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */ IN ('9007199254740993', 'it''s')
    SELECT count(*) FROM `shop`.`jobs` FORCE INDEX (`PRIMARY`) WHERE `jobs`.`id` IN (9007199254740993, 'it''s') AND CONVERT(`jobs`.`id` USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */ IN ('9007199254740993', 'it''s') AND (state = 'new')
    DELETE FROM `shop`.`windrow_claims` WHERE `queue` = 'shop.jobs' AND `key` = '9007199254740993'; DELETE FROM `shop`.`windrow_claims` WHERE `queue` = 'shop.jobs' AND `key` = 'it''s'
    INSERT INTO `shop`.`windrow_claims` (`queue`, `key`, `run`, `attempts`, `kind`, `detail`, `until`) VALUES ('shop.jobs', '7', '', 2, 'status', 'it''s 503', UTC_TIMESTAMP(6) + INTERVAL 1500000 MICROSECOND) ON DUPLICATE KEY UPDATE `run` = VALUES(`run`), `attempts` = VALUES(`attempts`), `kind` = VALUES(`kind`), `detail` = VALUES(`detail`), `until` = VALUES(`until`)
    INSERT INTO `shop`.`windrow_dead` (`queue`, `key`, `run`, `attempts`, `kind`, `detail`, `died_at`) VALUES ('shop.jobs', '8', 'r1', 5, 'status', '404', UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE `run` = VALUES(`run`), `attempts` = VALUES(`attempts`), `kind` = VALUES(`kind`), `detail` = VALUES(`detail`), `died_at` = VALUES(`died_at`)
    DELETE FROM `shop`.`windrow_dead` WHERE `queue` = 'shop.jobs' AND `key` = '9007199254740993'; DELETE FROM `shop`.`windrow_dead` WHERE `queue` = 'shop.jobs' AND `key` = 'it''s'
    "#);
}

#[test]
fn an_id_of_several_columns_is_a_json_array() {
    let texts = ["postgres://db/shop", "mysql://db/shop"].map(|url| {
        let statements = statements(url, &["shop", "id"]);
        statements.lines().filter(|line| line.contains("FOR UPDATE")).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(texts.join("\n\n"), @r#"
    SELECT "key" FROM "shop"."windrow_claims" WHERE "queue" = 'shop.jobs' AND "key" IN ('9007199254740993', 'it''s') AND "run" = 'r1' FOR UPDATE

    SELECT CONVERT(JSON_ARRAY(CONVERT(`jobs`.`shop` USING utf8mb4), CONVERT(`jobs`.`id` USING utf8mb4)) USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */ AS windrow_key, `jobs`.`shop`, `jobs`.`id`, `jobs`.`url` FROM `shop`.`jobs` WHERE (state = 'new') AND NOT EXISTS (SELECT 1 FROM `shop`.`windrow_claims` AS windrow_claim WHERE windrow_claim.`queue` = 'shop.jobs' AND windrow_claim.`key` = CONVERT(JSON_ARRAY(CONVERT(`jobs`.`shop` USING utf8mb4), CONVERT(`jobs`.`id` USING utf8mb4)) USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */ AND windrow_claim.`until` > UTC_TIMESTAMP(6)) ORDER BY priority DESC, id LIMIT 2 FOR UPDATE SKIP LOCKED
    SELECT CONVERT(JSON_ARRAY(CONVERT(`jobs`.`shop` USING utf8mb4), CONVERT(`jobs`.`id` USING utf8mb4)) USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */, CASE WHEN (state = 'new') THEN 1 ELSE 0 END, `jobs`.`shop`, `jobs`.`id`, `jobs`.`url` FROM `shop`.`jobs` FORCE INDEX (`PRIMARY`) WHERE ((`jobs`.`shop` = '9007199254740993' AND `jobs`.`id` = 9007199254740993) OR (`jobs`.`shop` = 'it''s' AND `jobs`.`id` = 'it''s')) AND CONVERT(JSON_ARRAY(CONVERT(`jobs`.`shop` USING utf8mb4), CONVERT(`jobs`.`id` USING utf8mb4)) USING utf8mb4) COLLATE /*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */ IN ('9007199254740993', 'it''s') FOR UPDATE
    SELECT `key` FROM `shop`.`windrow_claims` FORCE INDEX (`PRIMARY`) WHERE `queue` = 'shop.jobs' AND `key` IN ('9007199254740993', 'it''s') AND `run` = 'r1' FOR UPDATE
    "#);
}
