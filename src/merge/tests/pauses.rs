use std::future::pending;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::sandbox::{Ends, NOW, Sandbox, all_ok, job};
use crate::handoff::{Block, Exit, RunStore};
use crate::job::{Destination, Mode, OnFailure, OnUnlisted};
use crate::merge::{End, ResolvedDestination, publish_partial};
use crate::seed::seeded;

/// Records 0 to 2 succeed but for one that waits at `money`; so of every block of three the last.
fn partly_waiting(ordinal: u64, endpoint: usize) -> Option<End> {
    Some(if ordinal % 3 == 2 && endpoint == 1 { End::Waiting } else { End::Ok })
}

fn asked_after_waiting(ordinal: u64, endpoint: usize) -> Option<End> {
    (ordinal % 3 == 2 && endpoint == 1).then_some(End::Ok)
}

/// The blocks of the last round with their shards.
fn blocks(sandbox: &Sandbox) -> Vec<(u32, Block)> {
    let shards = &sandbox.rounds.last().unwrap().shards;
    shards.iter().flat_map(|shard| shard.blocks.iter().map(|block| (shard.number, *block))).collect()
}

/// Commits some blocks of the last round.
async fn commit(sandbox: &Sandbox, places: &[usize], ends: Ends<'_>) {
    let blocks = blocks(sandbox);
    for place in places {
        let (shard, block) = &blocks[*place];
        sandbox.commit_block(sandbox.rounds.len() as u32 - 1, *shard, block, ends).await;
    }
}

/// A run of 18 records in two shards of three blocks each, of which these are committed.
async fn paused(mode: Mode, places: &[usize]) -> Sandbox {
    let mut sandbox = Sandbox::new(18).await.mode(mode);
    sandbox.plan_round(2, &partly_waiting).await;
    commit(&sandbox, places, &partly_waiting).await;
    sandbox
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    sandbox.rows("SELECT substr(id, 3)::INTEGER FROM films ORDER BY ALL")
}

fn ledger(sandbox: &Sandbox) -> Vec<String> {
    sandbox.rows("SELECT rounds, \"rows\", blocks FROM windrow_runs ORDER BY rounds DESC")
}

#[tokio::test]
async fn a_pause_publishes_what_has_succeeded_everywhere_and_the_run_stays_unfinished() {
    for mode in [Mode::Append, Mode::Upsert] {
        let sandbox = paused(mode, &[0, 3]).await;
        let part = sandbox.publish_partial().await.unwrap();
        assert_eq!((part.rows, part.so_far, part.total.unwrap()), (4, 4, 4));
        assert_eq!(ids(&sandbox), ["0", "1", "9", "10"]);
        assert!(sandbox.run.outcome().await.unwrap().is_none());
        assert_eq!(sandbox.prove().await.map(|_| ()).unwrap_err().exit(), Exit::TryAgain);
        assert_eq!(ledger(&sandbox), ["-1|4|0:0 1:0"]);
    }
}

#[tokio::test]
async fn every_pause_and_the_whole_run_publish_what_is_new_once() {
    for mode in [Mode::Append, Mode::Upsert] {
        let mut sandbox = paused(mode, &[0, 3]).await;
        sandbox.publish_partial().await.unwrap();
        sandbox.execute("UPDATE films SET title = 'edited'");
        commit(&sandbox, &[5, 1], &partly_waiting).await;
        let part = sandbox.publish_partial().await.unwrap();
        assert_eq!((part.rows, part.replaced, part.so_far), (4, 0, 8));
        commit(&sandbox, &[2, 4], &partly_waiting).await;
        // All blocks are committed, and the run still has waiting pairs: that is a pause like any other.
        assert_eq!(sandbox.publish_partial().await.unwrap().so_far, 12);
        sandbox.plan_round(1, &asked_after_waiting).await;
        commit(&sandbox, &[1], &asked_after_waiting).await;
        assert_eq!(sandbox.publish_partial().await.unwrap().rows, 3);
        commit(&sandbox, &[0], &asked_after_waiting).await;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.at_pauses, published.total.unwrap()), (3, 15, 18));
        let all = ["-1|4|0:0 1:0", "-2|4|0:0-1 1:0,2", "-3|4|0:0-2 1:0-2", "-4|3|0:0-2 1:0-2 2:1"];
        assert_eq!(ledger(&sandbox), [&["2|3|~"], &all[..]].concat());
        assert_eq!(sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["18|18"]);
        // What had been published was left alone.
        assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE title = 'edited'"), ["4"]);
        assert!(sandbox.run.outcome().await.unwrap().unwrap().published);
    }
}

#[tokio::test]
async fn the_same_pause_twice_changes_nothing() {
    let sandbox = paused(Mode::Append, &[0, 4]).await;
    sandbox.publish_partial().await.unwrap();
    let before = ledger(&sandbox);
    let part = sandbox.publish_partial().await.unwrap();
    assert_eq!((part.rows, part.so_far, part.total.unwrap()), (0, 4, 4));
    assert_eq!((ledger(&sandbox), ids(&sandbox).len()), (before, 4));
}

#[tokio::test]
async fn where_nothing_is_complete_no_database_is_made() {
    let sandbox = paused(Mode::Append, &[]).await;
    assert_eq!(sandbox.publish_partial().await.unwrap().so_far, 0);
    commit(&sandbox, &[0], &|_, endpoint| Some(if endpoint == 0 { End::Ok } else { End::Failed })).await;
    assert_eq!(sandbox.publish_partial().await.unwrap().so_far, 0);
    assert!(!sandbox.database().exists());
}

/// An endpoint that says `null` or `keep` may yet be answered: its record waits.
#[tokio::test]
async fn no_row_is_published_that_a_later_answer_would_change() {
    for policy in [OnFailure::Null, OnFailure::Keep] {
        let mut sandbox = paused(Mode::Append, &[0]).await;
        sandbox.on_failure([OnFailure::Skip, policy]);
        assert_eq!(sandbox.publish_partial().await.unwrap().rows, 2);
        commit(&sandbox, &[1, 2, 3, 4, 5], &partly_waiting).await;
        sandbox.publish_partial().await.unwrap();
        sandbox.add_round(1, &|o, e| if o < 9 { asked_after_waiting(o, e) } else { None }).await;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.late, published.total.unwrap()), (6, 0, 18));
        let nulls = "SELECT substr(id, 3)::INTEGER FROM films WHERE budget IS NULL ORDER BY 1";
        assert_eq!(sandbox.rows(nulls), ["11", "14", "17"]);
    }
}

#[tokio::test]
async fn a_pause_does_not_settle_the_whole_run() {
    let mut sandbox = paused(Mode::Append, &[0, 1, 2, 3, 4, 5]).await;
    assert_eq!(sandbox.publish_partial().await.unwrap().rows, 12);
    sandbox.job.publish.min_success = Some(0.9);
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    assert!(error.to_string().contains("66.66 % of the records succeeded (12 of 18)"), "{error}");
    let published = sandbox.publish_anyway().await.unwrap();
    assert_eq!((published.already, published.rows, published.total.unwrap()), (false, 0, 12));
    assert_eq!(ledger(&sandbox), ["1|0|~", "-1|12|0:0-2 1:0-2"]);
}

#[tokio::test]
async fn of_the_gate_only_the_change_is_looked_at_by_each_pause() {
    let mut sandbox = paused(Mode::Append, &[0]).await;
    sandbox.job.publish.min_success = Some(1.0);
    sandbox.job.endpoints[1].min_success = 1.0;
    sandbox.job.publish.max_failed = Some(0);
    sandbox.job.publish.min_rows = Some(18);
    sandbox.job.publish.max_change = Some(1.0);
    // The first finds no table; the next doubles it; the third would do more.
    assert_eq!(sandbox.publish_partial().await.unwrap().total.unwrap(), 2);
    commit(&sandbox, &[1], &partly_waiting).await;
    assert_eq!(sandbox.publish_partial().await.unwrap().total.unwrap(), 4);
    commit(&sandbox, &[2, 3, 4], &partly_waiting).await;
    let before = (ledger(&sandbox), ids(&sandbox));
    let error = sandbox.publish_partial().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    assert!(error.to_string().contains("grow by 150 %, from 4 rows to 10"), "{error}");
    assert_eq!((ledger(&sandbox), ids(&sandbox)), before);
    assert!(sandbox.run.outcome().await.unwrap().is_none(), "the run goes on");
    sandbox.job.publish.max_change = Some(1.5);
    assert_eq!(sandbox.publish_partial().await.unwrap().total.unwrap(), 10);
}

#[tokio::test]
async fn the_rows_of_pauses_count_for_the_whole_run() {
    let mut sandbox = paused(Mode::Append, &[0, 1, 2]).await;
    sandbox.publish_partial().await.unwrap();
    commit(&sandbox, &[3, 4, 5], &partly_waiting).await;
    sandbox.job.publish.min_rows = Some(13);
    let error = sandbox.publish().await.unwrap_err();
    assert!(error.to_string().contains("the run brings 12 rows"), "{error}");
    sandbox.job.publish.min_rows = Some(12);
    assert_eq!(sandbox.publish().await.unwrap().rows, 6);
}

#[tokio::test]
async fn what_replaces_a_whole_is_not_published_in_parts() {
    for mode in [Mode::Replace, Mode::ReplaceIds] {
        let error = paused(mode, &[0]).await.publish_partial().await.unwrap_err();
        assert!(error.to_string().contains("only append and upsert"), "{error}");
    }
}

#[tokio::test]
async fn ids_that_are_gone_stay_until_the_run_is_whole() {
    let mut sandbox = paused(Mode::Upsert, &[0]).await;
    sandbox.job.table.on_unlisted = OnUnlisted::Delete;
    sandbox.execute(
        "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         INSERT INTO films VALUES ('tt0099', 'old', 1, 1, NULL), ('tt0001', 'old', 1, 1, NULL)",
    );
    let part = sandbox.publish_partial().await.unwrap();
    assert_eq!((part.rows, part.replaced), (2, 1));
    assert_eq!(ids(&sandbox), ["0", "1", "99"]);
    commit(&sandbox, &[1, 2, 3, 4, 5], &partly_waiting).await;
    assert_eq!(sandbox.publish().await.unwrap().gone, 1);
}

#[tokio::test]
async fn a_pause_proves_what_it_publishes() {
    let sandbox = paused(Mode::Append, &[0, 3]).await;
    let path = sandbox.run.local_path(1, "000000009.a1.film.parquet");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[1..]).unwrap();
    assert_eq!(sandbox.publish_partial().await.unwrap_err().exit(), Exit::Integrity);
    std::fs::write(&path, &whole).unwrap();
    // A ledger that is not the plan, with right digests.
    let (shard, block) = blocks(&sandbox)[0];
    let mut content = sandbox.content(0, &block, &partly_waiting);
    content.lines.pop();
    sandbox.put_block(shard, &block, content).await;
    let error = sandbox.publish_partial().await.unwrap_err();
    assert!(error.to_string().contains("ends before record 2 at money"), "{error}");
    assert!(!sandbox.database().exists());
}

#[tokio::test]
async fn a_run_that_changed_after_a_pause_is_not_published_any_more() {
    for whole in [false, true] {
        let sandbox = paused(Mode::Append, &[0, 1]).await;
        sandbox.publish_partial().await.unwrap();
        // Of a block that was published another one is committed; or it is not there any more.
        let (shard, block) = blocks(&sandbox)[1];
        commit(&sandbox, &[1, 2, 3, 4, 5], &all_ok).await;
        let refused = async || {
            if whole {
                sandbox.publish().await.map(|_| ()).unwrap_err()
            } else {
                sandbox.publish_partial().await.map(|_| ()).unwrap_err()
            }
        };
        let error = refused().await;
        assert_eq!(error.exit(), Exit::Integrity);
        assert!(
            error
                .to_string()
                .contains("a part of run 20261123T000000-4f2a9c81d3f60 published from other files")
        );
        commit(&sandbox, &[1], &partly_waiting).await;
        if whole {
            assert_eq!(sandbox.publish().await.unwrap().total.unwrap(), 4 + 2 + 12 - 2)
        } else {
            std::fs::remove_file(sandbox.run.local_path(shard, &crate::handoff::layout::commit(block.first)))
                .unwrap();
            assert_eq!(refused().await.exit(), Exit::Integrity);
        }
    }
}

#[tokio::test]
async fn a_later_pause_does_not_undo_what_a_newer_run_wrote() {
    let sandbox = paused(Mode::Upsert, &[0]).await;
    sandbox.publish_partial().await.unwrap();
    sandbox.execute("UPDATE films SET title = 'newer' WHERE id = 'tt0001'");
    commit(&sandbox, &[1, 2, 3, 4, 5], &partly_waiting).await;
    sandbox.publish_partial().await.unwrap();
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.table()[1], "tt0001|newer|1|10");
}

/// Blocks need not be committed in order: the record that wins in the whole run wins in the table.
#[tokio::test]
async fn of_two_records_with_one_key_the_later_wins_whichever_came_first() {
    for order in [[0, 3], [3, 0]] {
        let mut sandbox = Sandbox::new(18).await.mode(Mode::Upsert);
        sandbox.ids[9] = "tt0001".into();
        sandbox.plan_round(2, &all_ok).await;
        for place in order {
            commit(&sandbox, &[place], &all_ok).await;
            sandbox.publish_partial().await.unwrap();
        }
        commit(&sandbox, &[1, 2, 4, 5], &all_ok).await;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.duplicates.rows, published.total.unwrap()), (1, 17));
        assert_eq!(sandbox.table()[1], "tt0001|film 9 of round 0|9|90");
    }
}

/// What the killed process of the next test runs.
const KILLED: &str = "WINDROW_TEST_PAUSES";

/// Not a test of its own.
#[tokio::test]
async fn publishes_a_part_for_another_test() {
    let Ok(folder) = std::env::var(KILLED) else { return };
    let run = RunStore::open(Path::new(&folder)).await.unwrap();
    let plan = run.plan().await.unwrap();
    let database = run.folder().join("films.duckdb");
    println!("\nstarting");
    let (place, job) = (ResolvedDestination::DuckDb(database.clone()), job(database, &plan));
    publish_partial(&run, &job, &place, NOW, pending()).await.unwrap();
}

/// Starts the other process.
fn publisher(sandbox: &Sandbox) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "merge::tests::pauses::publishes_a_part_for_another_test", "--nocapture"])
        .env(KILLED, sandbox.run.folder())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "starting"));
    child
}

/// Killed wherever it is, also just after COMMIT: the row tells, and all rows come once.
#[tokio::test]
async fn killed_at_any_moment_of_any_pause_all_is_published_once() {
    let mut random = seeded();
    let mut took = None;
    for attempt in 0..6 {
        let mut sandbox = Sandbox::new(12_000).await;
        sandbox.block = 1_000;
        let database = sandbox.run.folder().join("films.duckdb");
        sandbox.job.table.to = Destination::DuckDb(database);
        sandbox.plan_round(2, &partly_waiting).await;
        for places in [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9, 10, 11]] {
            commit(&sandbox, &places, &partly_waiting).await;
            let started = Instant::now();
            let mut child = publisher(&sandbox);
            match (attempt, took) {
                (0, _) | (_, None) => {
                    child.wait().unwrap();
                    took = Some(started.elapsed());
                }
                (_, Some(took)) => {
                    std::thread::sleep(took.mul_f64(random.f64()));
                    child.kill().unwrap();
                    child.wait().unwrap();
                }
            }
            let rows = places.len() as u64 * 2 * 1_000 / 3;
            let part = sandbox.publish_partial().await.unwrap();
            assert!(part.rows == 0 || part.rows.abs_diff(rows) < 7, "{part:?}");
        }
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.at_pauses, published.rows, published.total.unwrap()), (8_000, 0, 8_000));
        assert_eq!(sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["8000|8000"]);
    }
}
