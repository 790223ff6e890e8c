//! The database that a queue lies in: rights, settings, other queues, what is done already; the public issue beside its test.

use std::time::{Duration, Instant};

use super::on_both;
use super::stage::{SOON, Server, Stage, end};
use crate::support::processes::until;
use crate::support::{Sandbox, at_most, wait};

on_both!(
    rights_to_read_and_update_the_jobs_are_enough,
    two_queues_of_one_database_know_nothing_of_each_other,
    many_jobs_that_are_done_make_no_claim_slower,
    what_the_database_is_set_to_changes_nothing,
    a_database_that_takes_no_writes_for_a_while_loses_nothing,
);

fn rights_to_read_and_update_the_jobs_are_enough(on: Server) {
    let stage = Stage::new(on);
    let database = stage.url().rsplit('/').next().unwrap().to_owned();
    let root = stage.on.own(["postgres@", "root@"]);
    let user = format!("w_{database}");
    match on {
        Server::Postgres => stage.sql(&format!(
            "CREATE ROLE {user} LOGIN; GRANT SELECT, UPDATE ON jobs TO {user}; GRANT SELECT, INSERT ON results TO {user}; \
             GRANT CREATE, USAGE ON SCHEMA public TO {user}"
        )),
        Server::MariaDb => stage.sql(&format!(
            "CREATE USER {user}@'127.0.0.1'; GRANT CREATE TEMPORARY TABLES ON {database}.* TO {user}@'127.0.0.1'; \
             GRANT SELECT, UPDATE ON {database}.jobs TO {user}@'127.0.0.1'; \
             GRANT SELECT, INSERT ON {database}.results TO {user}@'127.0.0.1'; \
             GRANT CREATE, SELECT, INSERT, UPDATE, DELETE, INDEX ON {database}.windrow_runs TO {user}@'127.0.0.1'; \
             GRANT CREATE, SELECT, INSERT, UPDATE, DELETE, INDEX ON {database}.windrow_claims TO {user}@'127.0.0.1'; \
             GRANT CREATE, SELECT, INSERT, UPDATE, DELETE, INDEX ON {database}.windrow_dead TO {user}@'127.0.0.1'"
        )),
    };
    stage.change(root, &format!("{user}@"));
    stage.origin.knobs(&super::stage::failing([2], 404, None));
    stage.insert(1..=5);
    stage.work().with_code(0);
    assert_eq!((stage.count("done"), stage.count("failed"), stage.claims()), (4, 1, 0));
    stage.has_one_result_each(4);
    // Without the right to change a job nothing is asked.
    let asked = stage.asked();
    let who = stage.on.own([user.clone(), format!("{user}@'127.0.0.1'")]);
    stage.sql(&format!(
        "REVOKE UPDATE ON {} FROM {who}",
        stage.on.own(["jobs".to_owned(), format!("{database}.jobs")])
    ));
    stage.insert(6..=8);
    let refused = stage.work();
    assert!([2, 5].contains(&refused.code.unwrap_or(-1)), "{:?}\n{}", refused.code, refused.stderr);
    assert!(refused.stderr.contains("UPDATE"), "{}", refused.stderr);
    assert_eq!((stage.asked(), stage.count("new")), (asked, 3));
}

/// The same ids in both.
fn two_queues_of_one_database_know_nothing_of_each_other(on: Server) {
    let stage = Stage::new(on);
    stage.sql(
        stage.on.own(["CREATE TABLE others (LIKE jobs INCLUDING ALL)", "CREATE TABLE others LIKE jobs"]),
    );
    stage.sql(
        stage.on.own(["CREATE TABLE found (LIKE results INCLUDING ALL)", "CREATE TABLE found LIKE results"]),
    );
    let other = Sandbox::new();
    stage.job(
        &other,
        &[
            ("name = \"jobs\"", "name = \"others\""),
            ("table = \"jobs\"", "table = \"others\""),
            ("\"results\"", "\"found\""),
        ],
    );
    stage.origin.knobs(r#"{"latency_ms": 500}"#);
    stage.insert(1..=50);
    stage.sql("INSERT INTO others (id, target) SELECT id, concat('o', id) FROM jobs");
    let workers = [&stage.sandbox, &other].map(|sandbox| stage.start_in(sandbox));
    stage.wait_for("done", 50);
    until(SOON, "the others are done", || {
        stage.number("SELECT count(*) FROM others WHERE state = 'done'") == 50
    });
    workers.into_iter().for_each(|worker| drop(end(worker)));
    stage.is_settled(50);
    assert_eq!(stage.number("SELECT count(*) FROM found WHERE target = concat('/echo/o', id)"), 50);
}

/// que-rb/que, bensheldon/good_job: each claim reads all that was ever done.
fn many_jobs_that_are_done_make_no_claim_slower(on: Server) {
    let stage = Stage::new(on);
    let (from, number) =
        stage.on.own([("generate_series(1000, 120000) n", "n"), ("seq_1000_to_120000", "seq")]);
    stage.sql(&format!("INSERT INTO jobs (id, target, state) SELECT {number}, 'x', 'done' FROM {from}"));
    stage.sql(stage.on.own(["ANALYZE jobs", "ANALYZE TABLE jobs"]));
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 1\nparallel = 1");
    let reads = |stage: &Stage| {
        stage.number(stage.on.own([
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relname = 'jobs'",
            "SELECT sum(variable_value) FROM information_schema.global_status WHERE variable_name IN \
             ('HANDLER_READ_RND_NEXT', 'HANDLER_READ_NEXT')",
        ]))
    };
    stage.insert(1..=1);
    stage.work().with_code(0);
    std::thread::sleep(Duration::from_secs(1));
    let before = reads(&stage);
    stage.insert(2..=21);
    stage.work().with_code(0);
    std::thread::sleep(Duration::from_secs(1));
    let read = reads(&stage) - before;
    assert!(read < 119_000, "{read} rows are read for 20 jobs");
    assert_eq!(stage.number("SELECT count(*) FROM results"), 21);
}

/// apache/airflow#23361 (another isolation), and sessions that print moments otherwise, so that one job has two keys.
fn what_the_database_is_set_to_changes_nothing(on: Server) {
    let stage = Stage::apart(on);
    let id = on.own(["id timestamptz PRIMARY KEY", "id datetime(6) PRIMARY KEY"]);
    stage.make_tables(id, id);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 5");
    stage.origin.knobs(&super::stage::failing(0..40, 500, Some(1)));
    let moments: Vec<String> =
        (0..40).map(|number| format!("('2026-10-25 02:{number:02}:00.5', 't{number}')")).collect();
    stage.sql(&format!("INSERT INTO jobs (id, target) VALUES {}", moments.join(", ")));
    let worker = stage.start();
    stage.wait_until_asked(20);
    let database = stage.url().rsplit('/').next().unwrap().to_owned();
    match on {
        Server::Postgres => {
            for set in [
                "default_transaction_isolation = 'serializable'",
                "timezone = 'Asia/Kathmandu'",
                "datestyle = 'German, DMY'",
                "standard_conforming_strings = off",
            ] {
                stage.sql(&format!("ALTER DATABASE {database} SET {set}"));
            }
        }
        Server::MariaDb => drop(stage.sql(
            "SET GLOBAL tx_isolation = 'SERIALIZABLE'; SET GLOBAL time_zone = '+05:45'; \
             SET GLOBAL sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'",
        )),
    }
    // Whose sessions all begin after it.
    let machine = Sandbox::new();
    machine.write("jobs.toml", std::fs::read(stage.sandbox.path().join("jobs.toml")).unwrap());
    let other = stage.start_in(&machine);
    until(3 * SOON, "all are done", || stage.count("done") == 40);
    end(worker);
    end(other);
    stage.is_settled_after_failures(40);
    assert_eq!(stage.asked(), 80, "each fails once");
}

/// graphile/worker#449: after a restart into recovery a job was locked by nobody, and never taken again.
fn a_database_that_takes_no_writes_for_a_while_loses_nothing(on: Server) {
    let stage = Stage::apart(on);
    stage.origin.knobs(r#"{"latency_ms": 500}"#);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 10");
    stage.insert(1..=60);
    let mut worker = stage.start();
    stage.wait_until_asked(20);
    // On PostgreSQL only a standby takes none at all: a trigger says the same.
    stage.sql(on.own([
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN RAISE EXCEPTION ''cannot execute UPDATE in a read-only transaction'' USING ERRCODE = ''25006''; END'; \
         CREATE TRIGGER refuse BEFORE UPDATE ON jobs EXECUTE FUNCTION refuse()",
        "SET GLOBAL read_only = 1",
    ]));
    std::thread::sleep(Duration::from_secs(3));
    stage.sql(on.own(["DROP TRIGGER refuse ON jobs", "SET GLOBAL read_only = 0"]));
    let began = Instant::now();
    while stage.count("done") < 60 {
        assert!(began.elapsed() < at_most(Duration::from_secs(30)), "{:?}", stage.states());
        // It may have ended with an error, after which somebody starts it again.
        if let Some(status) = worker.try_wait().unwrap() {
            assert!([Some(2), Some(5)].contains(&status.code()), "{status}");
            wait(worker);
            worker = stage.start();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    end(worker);
    stage.is_settled(60);
}
