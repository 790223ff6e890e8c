use super::sandbox::{BlockContent, Ends, Sandbox, all_ok};
use crate::handoff::{Content, Exit, Round, layout};
use crate::merge::error::Unfinished;
use crate::merge::{End, MergeError, Proof};

/// Some of everything: every fourth pair of `money` fails, some ids are missing at `film`.
fn mixed(ordinal: u64, endpoint: usize) -> Option<End> {
    Some(match (endpoint, ordinal % 4) {
        (0, 1) => End::Missing,
        (1, 0) => End::Failed,
        (1, 2) if ordinal > 8 => End::Waiting,
        _ => End::Ok,
    })
}

/// What `mixed` left is asked again, half of it with success.
fn again(ordinal: u64, endpoint: usize) -> Option<End> {
    match mixed(ordinal, endpoint) {
        Some(End::Failed | End::Waiting) if ordinal.is_multiple_of(8) => Some(End::Failed),
        Some(End::Failed | End::Waiting) => Some(End::Ok),
        _ => None,
    }
}

async fn sandbox(records: u64, shards: usize, rounds: u32, csv: bool) -> Sandbox {
    let mut sandbox = Sandbox::new(records).await;
    if csv {
        sandbox = sandbox.csv().await;
    }
    sandbox.add_round(shards, &mixed).await;
    if rounds == 2 {
        sandbox.add_round(shards, &again).await;
    }
    sandbox
}

fn counted(records: u64, proof: &Proof, rounds: u32) {
    let end = |ordinal, endpoint| match rounds {
        2 => again(ordinal, endpoint).or_else(|| mixed(ordinal, endpoint)),
        _ => mixed(ordinal, endpoint),
    };
    let succeeded = |status| matches!(status, Some(End::Ok | End::Missing));
    let complete = (0..records).filter(|o| succeeded(end(*o, 0)) && succeeded(end(*o, 1))).count();
    let retried = (0..records).filter(|o| again(*o, 1).is_some()).count() as u64;
    assert_eq!((proof.records, proof.complete), (records, complete as u64));
    assert_eq!(proof.pairs, records * 2 + if rounds == 2 { retried } else { 0 });
    for (at, name) in ["film", "money"].into_iter().enumerate() {
        for status in [End::Ok, End::Missing, End::Failed, End::Waiting] {
            let expected = (0..records).filter(|o| end(*o, at) == Some(status)).count() as u64;
            assert_eq!(proof.latest[name].get(&status).copied().unwrap_or(0), expected, "{name} {status:?}");
        }
    }
}

#[tokio::test]
async fn whole_runs_are_proven_and_counted() {
    for (shards, rounds, csv) in [(1, 1, false), (2, 2, true), (3, 2, false), (3, 1, true)] {
        let sandbox = sandbox(23, shards, rounds, csv).await;
        let proof = sandbox.prove().await.unwrap();
        counted(23, &proof, rounds);
        assert_eq!(proof.digest, sandbox.prove().await.unwrap().digest);
    }
}

#[tokio::test]
async fn a_run_without_records_is_proven() {
    let sandbox = sandbox(0, 1, 1, false).await;
    let proof = sandbox.prove().await.unwrap();
    assert_eq!((proof.records, proof.complete, proof.pairs), (0, 0, 0));
}

#[tokio::test]
async fn gaps_that_left_out_duplicates_leave_are_no_gaps() {
    let mut sandbox = Sandbox::new(9).await;
    let odd = |ordinal: u64, _: usize| (ordinal % 2 == 1).then_some(End::Ok);
    sandbox.add_round(2, &odd).await;
    sandbox.plan.records = 4;
    sandbox.plan.left_out = 5;
    sandbox.run.put_plan(&sandbox.plan).await.unwrap();
    assert_eq!(sandbox.prove().await.unwrap().complete, 4);
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
}

#[tokio::test]
async fn other_commits_give_another_digest() {
    let one = sandbox(10, 1, 1, false).await.prove().await.unwrap().digest;
    let other = Sandbox::of_one_round(10, &all_ok).await.prove().await.unwrap().digest;
    assert_ne!(one, other);
}

#[tokio::test]
async fn missing_commits_are_named_as_unfinished() {
    let sandbox = sandbox(23, 3, 2, false).await;
    for (shard, first) in [(0, 0), (0, 3), (2, 16)] {
        let path = sandbox.run.local_path(shard, &layout::commit(first));
        std::fs::remove_file(path).unwrap();
    }
    let error = sandbox.prove().await.unwrap_err();
    let MergeError::NotFinished { shards, .. } = &error else { panic!("{error}") };
    let blocks = 3;
    assert_eq!(
        shards[..],
        [Unfinished { shard: 0, missing: 2, blocks }, Unfinished { shard: 2, missing: 1, blocks }]
    );
    assert_eq!(error.exit(), Exit::TryAgain);
}

#[tokio::test]
async fn a_round_that_was_only_planned_is_unfinished() {
    let mut sandbox = sandbox(23, 2, 1, false).await;
    sandbox.plan_round(1, &again).await;
    assert!(matches!(sandbox.prove().await, Err(MergeError::NotFinished { .. })));
}

/// The error must be of integrity and say all of `words`.
async fn refused(sandbox: &Sandbox, words: &[&str]) {
    let error = sandbox.prove().await.map(|proof| proof.digest).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.exit(), Exit::Integrity, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}

#[tokio::test]
async fn a_flipped_bit_is_found_in_every_file() {
    for csv in [false, true] {
        let sandbox = sandbox(8, 2, 2, csv).await;
        let mut flipped = 0;
        for shard in sandbox.rounds.iter().flat_map(|round| &round.shards) {
            let folder = sandbox.run.local_path(shard.number, "");
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if layout::committed_block(&name).is_some() {
                    continue;
                }
                let whole = std::fs::read(&path).unwrap();
                for at in [0, whole.len() / 2, whole.len() - 1] {
                    let mut broken = whole.clone();
                    broken[at] ^= 1;
                    std::fs::write(&path, &broken).unwrap();
                    refused(&sandbox, &[&name, "SHA-256", "hint: "]).await;
                }
                std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
                refused(&sandbox, &[&name]).await;
                std::fs::remove_file(&path).unwrap();
                refused(&sandbox, &[&name, "not there"]).await;
                std::fs::write(&path, &whole).unwrap();
                flipped += 1;
            }
        }
        assert!(flipped > 12);
        sandbox.prove().await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_of_something_else_is_refused() {
    let sandbox = sandbox(8, 2, 1, false).await;
    let whole = sandbox.run.commits(1).await.unwrap()[&4].clone();
    let changes: [(&str, &dyn Fn(&mut crate::handoff::Commit)); 10] = [
        ("of run other", &|commit| commit.run = "other".into()),
        ("of 4 records", &|commit| commit.records = 4),
        ("names no requests", &|commit| commit.files.retain(|file| file.content != Content::Requests)),
        ("names no rows of film", &|commit| {
            commit.files.retain(|file| file.content != Content::Rows("film".into()))
        }),
        ("which is no file's name", &|commit| commit.files[0].name = "../00000/input.parquet".into()),
        ("not of this block", &|commit| {
            commit.files[0].name = commit.files[0].name.replace("000000004", "000000000");
        }),
        ("not of this block", &|commit| commit.files[0].content = Content::Rows("other".into())),
        ("twice", &|commit| commit.files.push(commit.files[0].clone())),
        ("rows, its commit says", &|commit| commit.files[2].rows += 1),
        ("requests of film as ok", &|commit| commit.tally.clear()),
    ];
    for (words, change) in changes {
        let mut commit = whole.clone();
        change(&mut commit);
        sandbox.put_commit(&commit).await;
        refused(&sandbox, &["00001/", words]).await;
    }
    sandbox.put_commit(&whole).await;
    sandbox.prove().await.unwrap();
    let path = sandbox.run.local_path(1, &layout::commit(4));
    std::fs::write(path, "{").unwrap();
    refused(&sandbox, &["damaged"]).await;
}

/// Rewrites the first block as a faulty worker would: digests and counts are right, the content is not.
async fn rewrite(sandbox: &Sandbox, ends: Ends<'_>, change: &dyn Fn(&mut BlockContent)) {
    let shard = &sandbox.rounds[0].shards[0];
    let mut content = sandbox.content(0, &shard.blocks[0], ends);
    change(&mut content);
    sandbox.put_block(shard.number, &shard.blocks[0], content).await;
}

#[tokio::test]
async fn a_ledger_that_is_not_the_plan_is_refused() {
    let sandbox = sandbox(8, 2, 1, false).await;
    let changes: [(&str, &dyn Fn(&mut BlockContent)); 7] = [
        ("record 1 at film", &|content| drop(content.lines.remove(2))),
        ("ends before record 2 at money", &|content| drop(content.lines.pop())),
        ("the plan has record 1 at film", &|content| content.lines.insert(2, content.lines[1].clone())),
        ("line 2 is of record 1 at film", &|content| content.lines.swap(1, 2)),
        ("was not planned", &|content| content.lines.push(content.lines[5].clone())),
        ("ok with 2 rows", &|content| content.lines[0].rows = 2),
        ("failed with 1 rows", &|content| content.lines[1].rows = 1),
    ];
    for (words, change) in changes {
        rewrite(&sandbox, &mixed, change).await;
        refused(&sandbox, &["requests.parquet", words]).await;
    }
}

#[tokio::test]
async fn rows_that_are_not_the_ledgers_are_refused() {
    for csv in [false, true] {
        let sandbox = sandbox(8, 2, 1, csv).await;
        let changes: [(&str, &dyn Fn(&mut BlockContent)); 5] = [
            ("row of record 1 is not there", &|content| drop(content.rows[0].remove(1))),
            ("row of record 2 is not there", &|content| drop(content.rows[0].pop())),
            ("record 2 has a row too many", &|content| content.rows[0].extend_from_within(2..)),
            ("row of record 0 is not there", &|content| content.rows[0].swap(0, 1)),
            ("row of record 1 is not there", &|content| content.rows[0][1].0 = 7),
        ];
        for (words, change) in changes {
            rewrite(&sandbox, &mixed, change).await;
            refused(&sandbox, &[".film.", words]).await;
        }
    }
}

#[tokio::test]
async fn a_round_may_only_ask_what_is_open() {
    let mut sandbox = sandbox(8, 2, 1, false).await;
    let answered = |ordinal: u64, endpoint: usize| (ordinal == 3 && endpoint == 0).then_some(End::Ok);
    sandbox.add_round(1, &answered).await;
    refused(&sandbox, &["record 3 at film was ok already"]).await;
}

#[tokio::test]
async fn round_0_asks_everything_of_every_record_once() {
    let mut sandbox = Sandbox::new(8).await;
    sandbox.add_round(2, &|ordinal, endpoint| (ordinal != 3 || endpoint == 0).then_some(End::Ok)).await;
    refused(&sandbox, &["record 3 plans endpoints 0b1 of 0b11"]).await;

    let mut sandbox = Sandbox::new(8).await;
    sandbox.add_round(2, &|ordinal, _| (ordinal != 3).then_some(End::Ok)).await;
    refused(&sandbox, &["have 7 records, the plan has 8"]).await;
}

#[tokio::test]
async fn a_plan_that_does_not_add_up_is_refused() {
    let sandbox = sandbox(8, 2, 1, false).await;
    let whole = sandbox.rounds[0].clone();
    let changes: [(&str, &dyn Fn(&mut Round)); 3] = [
        ("plans 8 requests, it says 9", &|round| round.shards[0].pairs = 9),
        ("is not where it must be", &|round| round.shards[0].blocks[1].line = 2),
        ("is not where it must be", &|round| round.shards.swap(0, 1)),
    ];
    for (words, change) in changes {
        let mut round = whole.clone();
        change(&mut round);
        sandbox.run.put_round(&round).await.unwrap();
        refused(&sandbox, &[words]).await;
    }
}
