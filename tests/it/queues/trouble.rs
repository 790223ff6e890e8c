//! What other queues were told of in public, each rebuilt here; the issue stands beside its test.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::on_both;
use super::stage::{SOON, Server, Stage, end, send};
use crate::support::processes::{kill_9, until};
use crate::support::{Sandbox, at_most, wait};

on_both!(
    a_job_that_takes_longer_than_the_lease_is_asked_once,
    a_claim_whose_worker_died_before_it_began_is_taken_over,
    a_worker_that_is_killed_at_the_last_attempt_leaves_no_job_behind,
    a_killed_worker_that_starts_again_at_the_same_place_takes_up_its_jobs,
    a_job_file_that_asks_otherwise_asks_anew,
    a_run_that_a_power_cut_has_damaged_is_asked_anew,
    an_order_without_an_index_is_told_and_every_worker_goes_on,
    producers_meet_no_deadlock,
    workers_meet_no_deadlock,
    an_answer_that_no_column_can_hold_harms_its_job_alone,
    no_transaction_is_open_while_a_request_is_under_way,
    a_row_that_somebody_else_has_locked_holds_up_nobody,
    a_row_that_is_locked_when_it_is_settled_is_waited_for,
    an_idle_worker_ends_at_once,
    a_job_that_is_set_back_by_its_own_statement_is_no_change,
);

/// celery/celery#5306, #5935, taskforcesh/bullmq#439: the lease ends while the job is still asked, and another worker asks too.
fn a_job_that_takes_longer_than_the_lease_is_asked_once(on: Server) {
    let stage = Stage::new(on);
    stage.make_tables("id bigint PRIMARY KEY", "id bigint");
    stage.origin.knobs(r#"{"latency_ms": 9000}"#);
    let machine = Sandbox::new();
    stage.job(&machine, &[]);
    stage.insert(1..=6);
    let workers = [&stage.sandbox, &machine].map(|sandbox| stage.start_in(sandbox));
    until(3 * SOON, "all are done", || stage.count("done") == 6);
    let told = workers.map(end);
    assert_eq!(stage.asked(), 6, "{}\n{}", told[0].stderr, told[1].stderr);
    stage.is_settled(6);
}

/// schmittjoh/JMSJobQueueBundle#258, rafidahmed870/queue-jobs-worker#1.
fn a_claim_whose_worker_died_before_it_began_is_taken_over(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=1);
    stage.work().with_code(0);
    stage.insert(2..=4);
    let schema = stage.sql(stage.on.own(["SELECT current_schema()", "SELECT database()"])).concat();
    let past = stage.on.own(["now() - INTERVAL '1 s'", "now(6) - INTERVAL 1 SECOND"]);
    let key = stage.key();
    for id in [3, 4, 99] {
        stage.sql(&format!(
            "INSERT INTO windrow_claims (queue, {key}, run, until, attempts) \
             VALUES ('{schema}.jobs', '{id}', 'a run of nobody', {past}, 0)"
        ));
    }
    stage.work().with_code(0);
    assert_eq!(stage.count("done"), 4);
    stage.has_one_result_each(4);
    assert_eq!(
        stage.number("SELECT count(*) FROM windrow_claims WHERE run = 'a run of nobody' AND attempts > 0"),
        0
    );
}

/// graphile/worker#254: locked for ever at its last attempt.
fn a_worker_that_is_killed_at_the_last_attempt_leaves_no_job_behind(on: Server) {
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nattempts = 1");
    stage.origin.knobs(r#"{"latency_ms": 60000}"#);
    stage.insert(1..=3);
    for _ in 0..2 {
        let before = stage.asked();
        let worker = stage.start();
        stage.wait_until_asked(before + 3);
        kill_9(worker.id().cast_signed());
        wait(worker);
    }
    stage.origin.knobs(r#"{"latency_ms": 0}"#);
    stage.work().with_code(0);
    stage.is_settled(3);
}

/// oban-bg/oban#862: who starts again under the same name takes its own jobs for living ones.
fn a_killed_worker_that_starts_again_at_the_same_place_takes_up_its_jobs(on: Server) {
    let stage = Stage::new(on);
    stage.change("lease = \"5s\"", "lease = \"1h\"");
    stage.origin.knobs(r#"{"latency_ms": 300, "slow_ids_every": 40, "slow_ms": 60000}"#);
    stage.insert(1..=200);
    let worker = stage.start();
    stage.wait_until_asked(200);
    kill_9(worker.id().cast_signed());
    wait(worker);
    stage.origin.knobs(r#"{"latency_ms": 0, "slow_ms": 0}"#);
    let began = Instant::now();
    stage.work().with_code(0);
    assert!(began.elapsed() < at_most(Duration::from_secs(20)), "the lease of an hour is not waited for");
    stage.is_settled(200);
}

/// A queue's runs are not synced: any file may be empty afterwards.
fn a_run_that_a_power_cut_has_damaged_is_asked_anew(on: Server) {
    let stage = Stage::new(on);
    stage.change("lease = \"5s\"", "lease = \"1h\"");
    for (number, damaged) in
        ["input.parquet", ".requests.parquet", "plan.json", "round-000.json"].iter().enumerate()
    {
        stage.origin.knobs(r#"{"slow_ids_every": 150, "slow_ms": 60000}"#);
        let first = 200 * number as u64;
        let asked = stage.asked();
        stage.insert(first + 1..=first + 200);
        let worker = stage.start();
        stage.wait_until_asked(asked + 200);
        let folder = stage.sandbox.path().join("shards/jobs");
        until(SOON, "blocks are committed", || {
            files(&folder).iter().any(|file| file.ends_with("000000000.json"))
        });
        kill_9(worker.id().cast_signed());
        wait(worker);
        let found: Vec<_> =
            files(&folder).into_iter().filter(|file| file.to_string_lossy().ends_with(damaged)).collect();
        assert!(!found.is_empty(), "{damaged}");
        found.iter().for_each(|file| std::fs::write(file, "").unwrap());
        stage.origin.knobs(r#"{"slow_ms": 0}"#);
        stage.work().with_code(0);
        stage.is_settled(first + 200);
    }
}

/// The files below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.flat_map(|entry| match entry.path() {
        path if path.is_dir() => files(&path),
        path => vec![path],
    });
    below.collect()
}

/// What the worker that was killed has committed was made by another job file.
fn a_job_file_that_asks_otherwise_asks_anew(on: Server) {
    let stage = Stage::new(on);
    stage.change("lease = \"5s\"", "lease = \"1h\"");
    stage.origin.knobs(r#"{"slow_ids_every": 40, "slow_ms": 60000}"#);
    stage.insert(1..=200);
    let worker = stage.start();
    stage.wait_until_asked(200);
    kill_9(worker.id().cast_signed());
    wait(worker);
    stage.origin.knobs(r#"{"slow_ms": 0}"#);
    stage.change(r#"target = ".target""#, r#"target = '.target + "!"'"#);
    let ended = stage.work();
    ended.with_code(0).saying("the job file asks otherwise by now");
    assert_eq!(
        stage.number("SELECT count(*) FROM results WHERE target LIKE '%!'"),
        200,
        "all by the new one"
    );
    assert_eq!((stage.claims(), stage.count("done")), (0, 200));
}

/// OneUptime/oneuptime#3117: a sort locks all that waits, and the second worker gets nothing.
fn an_order_without_an_index_is_told_and_every_worker_goes_on(on: Server) {
    let stage = Stage::new(on);
    stage.sql(stage.on.own(["DROP INDEX waiting", "DROP INDEX waiting ON jobs"]));
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 10\nparallel = 1\norder = \"inserted_at\"");
    stage.origin.knobs(r#"{"latency_ms": 300}"#);
    stage.insert(1..=200);
    let machine = Sandbox::new();
    machine.write("jobs.toml", std::fs::read(stage.sandbox.path().join("jobs.toml")).unwrap());
    let workers = [&stage.sandbox, &machine].map(|sandbox| stage.start_in(sandbox));
    stage.wait_for("done", 200);
    let told = workers.map(end);
    if on == Server::MariaDb {
        assert!(told.iter().all(|one| one.stderr.contains("index")), "{}", told[0].stderr);
    }
    stage.is_settled(200);
    assert_eq!(stage.asked(), 200);
}

/// rails/solid_queue#162, #531, laravel/ideas#1364, apache/airflow#13668: a statement of the producer that failed would fail here.
fn producers_meet_no_deadlock(on: Server) {
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"10ms\"\nclaim = 20");
    let machine = Sandbox::new();
    machine.write("jobs.toml", std::fs::read(stage.sandbox.path().join("jobs.toml")).unwrap());
    let workers = [&stage.sandbox, &machine].map(|sandbox| stage.start_in(sandbox));
    std::thread::scope(|scope| {
        for producer in 0..4 {
            let stage = &stage;
            scope.spawn(move || {
                for part in 0..25 {
                    let first = producer * 1000 + part * 20 + 1;
                    // Mixed up: the index that waiting jobs are found by is written at many places.
                    stage.insert((first..first + 20).rev().map(|number| number * 7919 % 10_007));
                }
            });
        }
    });
    stage.wait_for("done", 2000);
    let told = workers.map(end);
    stage.is_settled(2000);
    for one in told {
        assert!(!one.stderr.to_lowercase().contains("deadlock"), "{}", one.stderr);
    }
}

/// rails/solid_queue#164: a table that is small is scanned to delete some of its rows, and what others have is waited for.
fn workers_meet_no_deadlock(on: Server) {
    let stage = Stage::apart(on);
    stage.change("poll = \"50ms\"", "poll = \"10ms\"\nclaim = 20\nparallel = 4");
    let machine = Sandbox::new();
    machine.write("jobs.toml", std::fs::read(stage.sandbox.path().join("jobs.toml")).unwrap());
    stage.insert(1..=1500);
    let workers = [&stage.sandbox, &machine].map(|sandbox| stage.start_in(sandbox));
    until(3 * SOON, "all are done", || stage.count("done") == 1500);
    workers.into_iter().for_each(|worker| drop(end(worker)));
    stage.is_settled(1500);
    let deadlocks = stage.on.own([
        "SELECT sum(deadlocks) FROM pg_stat_database",
        "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'INNODB_DEADLOCKS'",
    ]);
    assert_eq!(stage.number(deadlocks), 0);
}

/// oban-bg/oban: U+0000 in what is kept; delayed_job: a message that is too long for its column, so that the job never failed.
fn an_answer_that_no_column_can_hold_harms_its_job_alone(on: Server) {
    let stage = Stage::new(on);
    stage.sql(stage.on.own([
        "ALTER TABLE results ALTER COLUMN target TYPE varchar(200)",
        "ALTER TABLE results MODIFY target varchar(200)",
    ]));
    let long = "x".repeat(100_000);
    stage.origin.knobs(&format!(
        r#"{{"body_ids": {{"t2": "{{\"target\": \"a\\u0000b\"}}", "t3": "{{\"target\": \"{long}\"}}", "t4": "{{\"target\": \"\\ud800\"}}", "t5": "{long}"}}}}"#
    ));
    stage.insert(1..=8);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nattempts = 2");
    stage.work().with_code(0);
    assert_eq!(stage.claims(), 0);
    let done = stage.count("done");
    assert_eq!(done + stage.count("failed"), 8, "{:?}", stage.states());
    assert_eq!((stage.results(), stage.dead().len() as u64), (done, 8 - done));
    let neighbours = "SELECT count(*) FROM results JOIN jobs USING (id) WHERE id IN (1, 6, 7, 8) AND \
         results.target = concat('/echo/', jobs.target)";
    assert_eq!(stage.number(neighbours), 4);
    assert!(stage.dead().iter().any(|dead| dead.starts_with("3|")), "too long: {:?}", stage.dead());
    assert!(stage.dead().iter().any(|dead| dead.starts_with("5|")), "no JSON: {:?}", stage.dead());
}

/// Row locks that are held over the work: vacuum, `idle_in_transaction_session_timeout`, poolers (bensheldon/good_job, que).
fn no_transaction_is_open_while_a_request_is_under_way(on: Server) {
    let stage = Stage::apart(on);
    stage.origin.knobs(r#"{"latency_ms": 4000}"#);
    stage.insert(1..=5);
    let worker = stage.start();
    stage.wait_until_asked(5);
    let open = stage.on.own([
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'windrow' AND xact_start < now() - INTERVAL '500 ms'",
        "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_started < now() - INTERVAL 1 SECOND",
    ]);
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(stage.number(open), 0);
    }
    stage.wait_for("done", 5);
    end(worker);
    stage.is_settled(5);
}

/// While `statement` of another session holds its locks for six seconds, something is done.
fn while_locked(stage: &Stage, statement: &str, check: impl FnOnce()) {
    let sleep = stage.on.own(["SELECT pg_sleep(6)", "SELECT SLEEP(6)"]);
    let sql = match stage.on {
        Server::Postgres => format!("{statement}; {sleep}"),
        Server::MariaDb => format!("START TRANSACTION; {statement}; {sleep}; COMMIT"),
    };
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| stage.sql(&sql));
        std::thread::sleep(Duration::from_millis(500));
        check();
        holder.join().unwrap();
    });
}

/// collectiveidea/delayed_job: a worker waits for a row that an application's transaction has.
fn a_row_that_somebody_else_has_locked_holds_up_nobody(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=30);
    let mut worker = None;
    while_locked(&stage, "SELECT id FROM jobs WHERE id = 2 FOR UPDATE", || {
        let began = Instant::now();
        worker = Some(stage.start());
        stage.wait_for("done", 29);
        println!("{:?}", began.elapsed());
        let held = stage.sql("SELECT id FROM jobs WHERE state = 'new'");
        assert!(began.elapsed() > Duration::from_secs(5) || held == ["2"], "{held:?}");
    });
    stage.wait_for("done", 30);
    end(worker.unwrap());
    stage.is_settled(30);
    assert_eq!(stage.asked(), 30);
}

fn a_row_that_is_locked_when_it_is_settled_is_waited_for(on: Server) {
    let stage = Stage::new(on);
    stage.origin.knobs(r#"{"latency_ms": 1000}"#);
    stage.insert(1..=10);
    let worker = stage.start();
    stage.wait_until_asked(10);
    while_locked(&stage, "SELECT id FROM jobs WHERE id = 2 FOR UPDATE", || {});
    stage.wait_for("done", 10);
    end(worker);
    stage.is_settled(10);
}

/// sidekiq, solid_queue: a stop that waits for the next poll, or for a time limit.
fn an_idle_worker_ends_at_once(on: Server) {
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"1h\"");
    stage.insert(1..=3);
    let worker = stage.start();
    stage.wait_for("done", 3);
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    send(&worker, Signal::SIGTERM);
    wait(worker).with_code(143);
    assert!(began.elapsed() < at_most(Duration::from_secs(1)), "{:?}", began.elapsed());
    stage.is_settled(3);
}

/// A producer that upserts the same job again while it is asked changes nothing.
fn a_job_that_is_set_back_by_its_own_statement_is_no_change(on: Server) {
    let stage = Stage::new(on);
    stage.origin.knobs(r#"{"latency_ms": 1000}"#);
    stage.insert(1..=4);
    let worker = stage.start();
    stage.wait_until_asked(4);
    stage.sql("UPDATE jobs SET state = 'new', target = 't2' WHERE id = 2");
    stage.wait_for("done", 4);
    end(worker);
    stage.is_settled(4);
    assert_eq!(stage.asked(), 4);
}
