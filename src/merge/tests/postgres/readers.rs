//! What readers see meanwhile, and what is left of a load.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::sandbox::{Sandbox, TERMS, all_ok};
use super::run_of;
use crate::database::Session;
use crate::job::{Mode, Statement};
use crate::merge::{MergeError, publish};

const RECORDS: u64 = 20_000;

/// A table of as many rows, all of them to be replaced.
async fn large(mode: Mode) -> Sandbox {
    let mut sandbox = Sandbox::new(RECORDS).await.mode(mode);
    sandbox.block = 5_000;
    sandbox.add_round(1, &all_ok).await;
    let sandbox = sandbox.on_postgres();
    sandbox.execute(&format!(
        "CREATE TABLE films (id text, title text, votes bigint, budget integer, facts json);
         INSERT INTO films SELECT 'tt' || lpad(n::text, greatest(4, length(n::text)), '0'), 'old', -1
             FROM generate_series(0, {} - 1) n",
        RECORDS
    ));
    sandbox
}

const LOOK: &str = "SELECT count(*) || ' ' || sum(votes) FROM films";

async fn look(session: &Session) -> String {
    session.row(LOOK).await.unwrap().text(0)
}

/// What a reader sees again and again until it is told to stop.
async fn poll(session: Session, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        seen.push(look(&session).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    seen.push(look(&session).await);
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_the_old_table_or_the_new_one() {
    let old = format!("{RECORDS} -{RECORDS}");
    let new = format!("{RECORDS} {}", RECORDS * (RECORDS - 1) / 2);
    for (mode, swap) in
        [(Mode::Replace, false), (Mode::Replace, true), (Mode::ReplaceIds, false), (Mode::Upsert, false)]
    {
        let mut sandbox = large(mode).await;
        sandbox.job.table.swap = swap;
        let stop = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn(poll(sandbox.connect().await, stop.clone()));
        let snapshot = sandbox.connect().await;
        if !swap {
            snapshot.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
            assert_eq!(look(&snapshot).await, old);
        }
        // A statement that takes readers' locks would wait for this one's snapshot.
        tokio::time::timeout(Duration::from_secs(60), sandbox.publish()).await.unwrap().unwrap();
        if !swap {
            assert_eq!(look(&snapshot).await, old, "{mode:?}");
            snapshot.run("COMMIT").await.unwrap();
        }
        assert_eq!(look(&snapshot).await, new);
        stop.store(true, Ordering::Relaxed);
        let mut seen = reader.await.unwrap();
        assert!(seen.len() > 5, "the reader hardly looked");
        seen.dedup();
        assert_eq!(seen, [old.clone(), new.clone()], "{mode:?}");
    }
}

/// Waits until nothing of a load is left on the server.
async fn nothing_is_left(sandbox: &Sandbox) {
    let since = Instant::now();
    let ours = "SELECT pid, state, query FROM pg_stat_activity \
                WHERE datname = current_database() AND application_name = 'windrow'";
    while !sandbox.rows(ours).is_empty() {
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", sandbox.rows(ours));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let temporary = "SELECT relname FROM pg_class WHERE relpersistence = 't'";
    let locks = "SELECT * FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 WHERE d.datname = current_database() AND l.pid <> pg_backend_pid()";
    let made = "SELECT relname FROM pg_class WHERE relname LIKE 'windrow_swap%'";
    for query in [temporary, locks, made] {
        assert_eq!(sandbox.rows(query), [""; 0], "{query}");
    }
}

/// A load that is at work on the server until it is stopped.
async fn endless() -> Sandbox {
    let mut sandbox = run_of(3, Mode::Upsert).await;
    sandbox.execute(
        "CREATE TABLE films (id text, title text, votes bigint, budget integer, facts json);
         INSERT INTO films VALUES ('tt0001', 'old', -1, -1)",
    );
    sandbox.job.after = vec![Statement {
        sql: "SELECT count(*) FROM windrow_rows, windrow_input; SELECT pg_sleep(60)".into(),
        file: None,
        key: Vec::new(),
    }];
    sandbox
}

/// Waits until the server is at that.
async fn is_at_work(sandbox: &Sandbox) {
    let at_work =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    while sandbox.rows(at_work).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_load_that_ended() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut sandbox = run_of(3, mode).await;
        sandbox.job.after =
            vec![Statement { sql: "SELECT FROM windrow_input".into(), file: None, key: Vec::new() }];
        sandbox.job.publish.min_rows = Some(4);
        sandbox.publish().await.unwrap_err();
        nothing_is_left(&sandbox).await;
        assert!(!sandbox.has_table());
        sandbox.job.publish.min_rows = None;
        sandbox.publish().await.unwrap();
        nothing_is_left(&sandbox).await;
        assert!(sandbox.publish().await.unwrap().already);
        nothing_is_left(&sandbox).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_load_ends_at_once_and_leaves_nothing() {
    let sandbox = endless().await;
    let since = Instant::now();
    let proof = sandbox.prove().await.unwrap();
    let place = sandbox.place();
    let stop = is_at_work(&sandbox);
    let error = publish(&sandbox.run, &sandbox.job, &place, &proof, &TERMS, stop).await.unwrap_err();
    assert!(matches!(error, MergeError::Interrupted), "{error}");
    nothing_is_left(&sandbox).await;
    assert!(since.elapsed() < Duration::from_secs(30));
    assert_eq!(sandbox.table(), ["tt0001|old|-1|-1"]);
    assert_eq!(sandbox.rows("SELECT to_regclass('windrow_runs')"), ["~"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_nobody_waits_for_any_more_leaves_nothing() {
    let sandbox = endless().await;
    let (proof, place) = (sandbox.prove().await.unwrap(), sandbox.place());
    tokio::select! {
        published = publish(&sandbox.run, &sandbox.job, &place, &proof, &TERMS, pending()) => {
            panic!("{published:?}");
        }
        () = is_at_work(&sandbox) => {}
    }
    nothing_is_left(&sandbox).await;
    assert_eq!(sandbox.table(), ["tt0001|old|-1|-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_waits_for_a_lock_can_be_interrupted() {
    let sandbox = endless().await;
    let holder = sandbox.connect().await;
    holder.run("BEGIN; LOCK TABLE films IN ROW EXCLUSIVE MODE").await.unwrap();
    let waits = async {
        let waiting = "SELECT pid FROM pg_locks WHERE relation = 'films'::regclass AND NOT granted";
        while sandbox.rows(waiting).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (proof, place) = (sandbox.prove().await.unwrap(), sandbox.place());
    let ended = publish(&sandbox.run, &sandbox.job, &place, &proof, &TERMS, waits).await;
    assert!(matches!(ended, Err(MergeError::Interrupted)), "{ended:?}");
    holder.close().await;
    nothing_is_left(&sandbox).await;
}
