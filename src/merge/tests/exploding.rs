//! One endpoint whose answers give any number of rows.

use std::future::pending;

use super::sandbox::{BlockContent, Sandbox, TERMS, all_ok};
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure, Stamp};
use crate::merge::{End, publish, query};

/// Record *n* of `money` has *n* rows; the last one is missing there.
async fn run(records: u64, mode: Mode, csv: bool) -> Sandbox {
    let mut sandbox = Sandbox::new(records).await.exploding(1, |_, ordinal| ordinal as u32).await.mode(mode);
    if csv {
        sandbox = sandbox.csv().await;
    }
    let last = records - 1;
    let ends = |o: u64, e: usize| Some(if (o, e) == (last, 1) { End::Missing } else { End::Ok });
    sandbox.add_round(2, &ends).await;
    sandbox
}

/// Record 1 fails at `money`; the others have `rows` rows there.
async fn one_fails(parts: u32, mode: Mode, policy: OnFailure) -> Sandbox {
    let mut sandbox = Sandbox::new(3).await.exploding(1, move |_, _| parts).await.mode(mode);
    sandbox.on_failure([OnFailure::Skip, policy]);
    sandbox.add_round(1, &|o, e| Some(if (o, e) == (1, 1) { End::Failed } else { End::Ok })).await;
    sandbox
}

fn again(ordinal: u64, endpoint: usize) -> Option<End> {
    ((ordinal, endpoint) == (1, 1)).then_some(End::Ok)
}

const STANDING: &str = "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
    INSERT INTO films VALUES ('tt0001', 'old', 1, 1, NULL), ('tt0001', 'old', 1, 2, NULL), ('x', 'old', 1, 3, NULL)";

#[tokio::test]
async fn the_columns_of_the_others_are_repeated_on_each_row() {
    for csv in [false, true] {
        for mode in [Mode::Append, Mode::Replace, Mode::ReplaceIds] {
            let mut sandbox = run(4, mode, csv).await;
            sandbox.job.table.stamp = vec![("nr".into(), Stamp::Ordinal), ("came".into(), Stamp::FetchedAt)];
            let published = sandbox.publish().await.unwrap();
            assert_eq!((published.rows, published.left_out, published.duplicates.rows), (3, 0, 0));
            assert_eq!(
                sandbox.rows("SELECT id, title, budget, nr, came::TIME FROM films ORDER BY ALL"),
                [
                    "tt0001|film 1 of round 0|10|1|00:00:00.000001",
                    "tt0002|film 2 of round 0|20|2|00:00:00.000001",
                    "tt0002|film 2 of round 0|1020|2|00:00:00.000001",
                ]
            );
        }
    }
}

#[tokio::test]
async fn of_rows_with_one_key_the_last_part_of_the_last_record_wins() {
    let mut sandbox = Sandbox::new(4).await.exploding(1, |_, _| 2).await.mode(Mode::Upsert);
    sandbox.ids[3] = "tt0001".into();
    sandbox.add_round(1, &all_ok).await;
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.duplicates.rows), (3, 5));
    assert_eq!(
        sandbox.rows("SELECT id, budget FROM films ORDER BY 1"),
        ["tt0000|1000", "tt0001|1030", "tt0002|1020"]
    );

    let mut sandbox = run(6, Mode::Upsert, false).await;
    sandbox.job.table.key.push("budget".into());
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.duplicates.rows), (10, 0));
}

#[tokio::test]
async fn no_rows_are_no_failure() {
    let mut sandbox = one_fails(0, Mode::Append, OnFailure::Null).await;
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.left_out), (1, 0));
    assert_eq!(sandbox.table(), ["tt0001|film 1 of round 0|1|~"]);
    sandbox.add_round(1, &again).await;
    // What was appended stays, though it is known by now that there is nothing.
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.late, published.total.unwrap()), (0, 1, 1));
    let proof = sandbox.prove().await.unwrap();
    assert_eq!((proof.complete, proof.latest["money"][&End::Ok]), (3, 3));
}

#[tokio::test]
async fn a_failure_says_nothing_about_the_rows_that_stand() {
    for (mode, policy, table) in [
        (Mode::Append, OnFailure::Skip, ["tt0001|1", "tt0001|2", "x|3", "tt0000|0", "tt0002|20"].as_slice()),
        (Mode::Append, OnFailure::Keep, &["tt0001|1", "tt0001|2", "x|3", "tt0000|0", "tt0002|20"]),
        (Mode::Upsert, OnFailure::Keep, &["tt0001|1", "tt0001|2", "x|3", "tt0000|0", "tt0002|20"]),
        (Mode::Replace, OnFailure::Skip, &["tt0000|0", "tt0002|20"]),
        (Mode::Replace, OnFailure::Keep, &["tt0001|1", "tt0001|2", "tt0000|0", "tt0002|20"]),
        (Mode::Replace, OnFailure::Null, &["tt0000|0", "tt0001|~", "tt0002|20"]),
        (Mode::ReplaceIds, OnFailure::Skip, &["tt0001|1", "tt0001|2", "x|3", "tt0000|0", "tt0002|20"]),
        (Mode::ReplaceIds, OnFailure::Keep, &["tt0001|1", "tt0001|2", "x|3", "tt0000|0", "tt0002|20"]),
        (Mode::ReplaceIds, OnFailure::Null, &["tt0000|0", "tt0001|~", "tt0002|20", "x|3"]),
    ] {
        let mut sandbox = one_fails(1, mode, policy).await;
        sandbox.execute(STANDING);
        let published = sandbox.publish().await.unwrap();
        let mut expected = table.to_vec();
        expected.sort();
        assert_eq!(
            sandbox.rows("SELECT id, budget FROM films ORDER BY ALL"),
            expected,
            "{mode:?} {policy:?}"
        );
        assert_eq!(published.left_out, u64::from(policy != OnFailure::Null));

        sandbox.add_round(1, &again).await;
        let published = sandbox.publish().await.unwrap();
        let found = sandbox.rows("SELECT budget FROM films WHERE id = 'tt0001' ORDER BY ALL");
        let expected = if mode == Mode::Append { ["1", "2", "11"].as_slice() } else { &["11"] };
        assert_eq!(found, expected, "{mode:?} {policy:?}");
        assert_eq!(published.left_out, 0);
    }
}

#[tokio::test]
async fn rows_that_are_left_as_they_stand_are_not_touched() {
    let sandbox = one_fails(1, Mode::Replace, OnFailure::Keep).await;
    sandbox.execute(STANDING);
    sandbox.execute("ALTER TABLE films ADD COLUMN note TEXT DEFAULT 'new'; UPDATE films SET note = 'mine'");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total.unwrap()), (2, 1, 4));
    assert_eq!(
        sandbox.rows("SELECT id, budget, note FROM films ORDER BY ALL"),
        ["tt0000|0|new", "tt0001|1|mine", "tt0001|2|mine", "tt0002|20|new"]
    );
}

#[tokio::test]
async fn an_answered_record_decides_over_another_with_its_id() {
    let mut sandbox = Sandbox::new(3).await.exploding(1, |_, _| 1).await.mode(Mode::Replace);
    sandbox.ids[2] = "tt0001".into();
    sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
    sandbox.add_round(1, &|o, e| Some(if (o, e) == (1, 1) { End::Failed } else { End::Ok })).await;
    sandbox.execute(STANDING);
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT id, budget FROM films ORDER BY ALL"), ["tt0000|0", "tt0001|20"]);
}

#[tokio::test]
async fn a_file_that_changes_between_proof_and_load_is_not_published() {
    let sandbox = run(6, Mode::Append, false).await;
    let proof = sandbox.prove().await.unwrap();
    let shard = &sandbox.rounds[0].shards[0];
    let mut content = sandbox.content(0, &shard.blocks[0], &all_ok);
    content.rows[1].pop();
    sandbox.put_block(0, &shard.blocks[0], content).await;
    let error =
        publish(&sandbox.run, &sandbox.job, &sandbox.place(), &proof, &TERMS, pending()).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Integrity);
    assert!(error.to_string().contains("9 rows were loaded, the proof has 10"), "{error}");
}

/// Rewrites the first block of records 0, 1 and 2 as a faulty worker would; what the proof says.
async fn broken(csv: bool, change: impl Fn(&mut BlockContent)) -> String {
    let sandbox = run(6, Mode::Append, csv).await;
    let ends = |ordinal: u64, endpoint: usize| match (ordinal, endpoint) {
        (1, 0) => Some(End::Exempt),
        (1, 1) => Some(End::Missing),
        _ => Some(End::Ok),
    };
    let shard = &sandbox.rounds[0].shards[0];
    let mut content = sandbox.content(0, &shard.blocks[0], &ends);
    change(&mut content);
    sandbox.put_block(0, &shard.blocks[0], content).await;
    match sandbox.prove().await {
        Ok(proof) => format!("proven: {} pairs", proof.pairs),
        Err(error) => {
            assert_eq!(error.exit(), Exit::Integrity, "{error}");
            error.to_string()
        }
    }
}

#[tokio::test]
async fn every_row_of_an_answer_is_proven() {
    let changes: [(&str, fn(&mut BlockContent)); 11] = [
        ("proven: 12 pairs", |_| {}),
        ("row 2 of record 2 is not there", |content| drop(content.rows[1].pop())),
        ("the row of record 2 is not there", |content| drop(content.rows[1].remove(0))),
        ("record 2 has a row too many", |content| content.rows[1].extend_from_within(1..)),
        ("the row of record 2 is not there", |content| content.rows[1].swap(0, 1)),
        ("row 2 of record 2 is not there", |content| content.rows[1][1].1 = 2),
        ("the row of record 0 is not there", |content| content.rows[0][0].1 = 1),
        ("record 1 at money is missing with 1 rows", |content| content.lines[3].rows = 1),
        ("record 1 at film is not_asked with 0 rows", |content| content.lines[2].rows = 0),
        ("record 1 at film is not_asked with 1 rows", |content| {
            content.lines[2].failure =
                Some(crate::record::Failure::passing(crate::record::Kind::Dependency, ""));
        }),
        ("the row of record 0 is not there", |content| content.lines[1].rows = 2_000_000_000),
    ];
    for csv in [false, true] {
        for (words, change) in changes {
            let said = broken(csv, change).await;
            assert!(said.contains(words), "{words:?} is not in {said:?}");
        }
    }
}

async fn ask(sandbox: &Sandbox, sql: &str) -> Vec<String> {
    let result = query(&sandbox.run, Some(&sandbox.job), sql, None).await.unwrap();
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "~".into());
    result.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

#[tokio::test]
async fn views_show_every_row() {
    for csv in [false, true] {
        let mut sandbox = run(5, Mode::Append, csv).await;
        assert_eq!(
            ask(&sandbox, "SELECT * EXCLUDE facts FROM money WHERE ordinal = 2").await,
            ["2|0|tt0002|20", "2|1|tt0002|1020"]
        );
        assert_eq!(ask(&sandbox, "SELECT count(*) FROM film").await, ["5"]);
        let ledger = "SELECT status, \"rows\", batch FROM requests WHERE endpoint = 'money' ORDER BY ordinal";
        assert_eq!(ask(&sandbox, ledger).await, ["ok|0|~", "ok|1|~", "ok|2|~", "ok|3|~", "missing|0|~"]);
        for policy in [OnFailure::Skip, OnFailure::Null, OnFailure::Keep] {
            sandbox.on_failure([OnFailure::Null, policy]);
            sandbox.publish().await.unwrap();
            let asked = ask(&sandbox, "FROM rows ORDER BY ALL").await;
            assert_eq!((asked.len(), &asked), (6, &sandbox.rows("FROM films ORDER BY ALL")));
            sandbox.execute("DROP TABLE films; DROP TABLE windrow_runs");
        }
    }
}
