//! Hand-made ledgers and answers, and the pairs that a retry makes of them.

use std::collections::BTreeMap;

use polars::prelude::*;
use proptest::prelude::*;

use super::*;
use crate::handoff::digest;
use crate::handoff::{Block, ChunkFile, Commit, Content, Round, layout};
use crate::job::{ChunkFormat, Format, Part, Template, When};
use crate::plan::frames;
use crate::plan::sandbox::{Frozen, Sandbox, answer_column, endpoint, numbers, options, texts, wait};
use crate::record::{Kind, Status};
use crate::value::Type;

/// How the test lets a pair end.
type End = (Status, Option<Kind>, Option<i32>, bool);

const OK: End = (Status::Ok, None, Some(200), false);
const MISSING: End = (Status::Missing, None, Some(404), false);
const TIMEOUT: End = (Status::Failed, Some(Kind::Timeout), None, true);
const UNAVAILABLE: End = (Status::Failed, Some(Kind::Status), Some(503), true);
const GONE: End = (Status::Failed, Some(Kind::Status), Some(410), false);
const EXTRACT: End = (Status::Failed, Some(Kind::Extract), Some(200), false);
const NOT_ASKED: End = (Status::NotAsked, Some(Kind::Dependency), None, false);
/// Its `when` said no.
const EXEMPT: End = (Status::NotAsked, None, None, false);
const WAITING: End = (Status::Waiting, Some(Kind::Interrupted), None, true);

/// A job of two endpoints; the second uses the title that the first gives.
fn job(sandbox: &Sandbox, records: usize) -> Job {
    let lines: Vec<String> = (0..records).map(|number| format!("id-{number}")).collect();
    let mut job = sandbox.job(Format::Lines, lines.join("\n").as_bytes());
    job.endpoints[0].columns = vec![answer_column("year", Type::Integer), answer_column("title", Type::Text)];
    let mut second = endpoint("two", "https://example.org/two/{id}");
    second.params.push((
        "t".into(),
        Template { parts: vec![Part::Answer { endpoint: 0, column: 1, name: String::new() }] },
    ));
    second.after = vec![0];
    job.endpoints.push(second);
    job
}

/// Commits every block of a round: each pair ends as `end(ordinal, endpoint)` says, and the first endpoint's title is
/// `title <ordinal> of round <n>`.
fn commit_round(frozen: &Frozen, round: &Round, format: ChunkFormat, end: impl Fn(i64, usize) -> End) {
    for shard in &round.shards {
        for block in &shard.blocks {
            commit_block(frozen, round, shard, block, format, &end);
        }
    }
}

fn commit_block(
    frozen: &Frozen,
    round: &Round,
    shard: &Shard,
    block: &Block,
    format: ChunkFormat,
    end: &impl Fn(i64, usize) -> End,
) {
    let lines = frozen.block(shard, block);
    let mut pairs: Vec<(i64, usize)> = Vec::new();
    for (ordinal, ask) in numbers(&lines, "ordinal").into_iter().zip(numbers(&lines, "ask")) {
        pairs.extend((0..2).filter(|endpoint| ask >> endpoint & 1 == 1).map(|endpoint| (ordinal, endpoint)));
    }
    let ends: Vec<End> = pairs.iter().map(|(ordinal, endpoint)| end(*ordinal, *endpoint)).collect();
    let answered: Vec<i64> = (0..pairs.len())
        .filter(|at| pairs[*at].1 == 0 && [Status::Ok, Status::Missing].contains(&ends[*at].0))
        .map(|at| pairs[at].0)
        .collect();
    let ledger = ledger(&pairs, &ends);
    let files = vec![
        put(frozen, shard, Content::Requests, &format!("{:09}.x.requests.parquet", block.first), ledger),
        put_rows(frozen, shard, block, format, rows(&answered, round.number)),
    ];
    let commit = Commit {
        version: VERSION,
        run: frozen.plan.run.clone(),
        shard: shard.number,
        first: block.first,
        records: block.records,
        attempt: "x".into(),
        files,
        tally: BTreeMap::new(),
        at: 0,
        answered_by: Vec::new(),
    };
    wait(frozen.run.commit(&commit)).unwrap();
}

fn ledger(pairs: &[(i64, usize)], ends: &[End]) -> Vec<u8> {
    let frame = df!(
        "ordinal" => pairs.iter().map(|(ordinal, _)| *ordinal).collect::<Vec<_>>(),
        "endpoint" => pairs.iter().map(|(_, endpoint)| ["one", "two"][*endpoint]).collect::<Vec<_>>(),
        "status" => ends.iter().map(|end| end.0.word()).collect::<Vec<_>>(),
        "kind" => ends.iter().map(|end| end.1.map(Kind::word)).collect::<Vec<_>>(),
        "http_status" => ends.iter().map(|end| end.2).collect::<Vec<_>>(),
        "worth_repeating" => ends.iter().map(|end| end.1.map(|_| end.3)).collect::<Vec<_>>(),
    );
    frames::to_parquet(frame.unwrap()).unwrap()
}

fn rows(ordinals: &[i64], round: u32) -> DataFrame {
    let title = |ordinal: &i64| match ordinal % 5 {
        0 => None,
        1 => Some(String::new()),
        _ => Some(format!("title {ordinal} of \"round\" {round}\n")),
    };
    df!(
        "ordinal" => ordinals.to_vec(),
        "part" => vec![0i32; ordinals.len()],
        "id" => ordinals.iter().map(|ordinal| format!("id-{ordinal}")).collect::<Vec<_>>(),
        "year" => ordinals.iter().map(|ordinal| *ordinal as i32).collect::<Vec<_>>(),
        "title" => ordinals.iter().map(title).collect::<Vec<_>>(),
    )
    .unwrap()
}

fn put_rows(
    frozen: &Frozen,
    shard: &Shard,
    block: &Block,
    format: ChunkFormat,
    mut rows: DataFrame,
) -> ChunkFile {
    let (ending, bytes) = match format {
        ChunkFormat::Parquet => ("parquet", frames::to_parquet(rows).unwrap()),
        ChunkFormat::Csv => {
            let mut bytes = Vec::new();
            CsvWriter::new(&mut bytes).with_quote_style(QuoteStyle::Necessary).finish(&mut rows).unwrap();
            ("csv", bytes)
        }
    };
    put(frozen, shard, Content::Rows("one".into()), &format!("{:09}.x.one.{ending}", block.first), bytes)
}

fn put(frozen: &Frozen, shard: &Shard, content: Content, name: &str, bytes: Vec<u8>) -> ChunkFile {
    let (length, sha256) = (bytes.len() as u64, digest::sha256(&bytes));
    wait(frozen.run.put_shard_file(shard.number, name, bytes.into())).unwrap();
    ChunkFile { content, name: name.into(), rows: 0, bytes: length, text_bytes: 0, sha256 }
}

fn retry(job: &Job, frozen: &Frozen, filter: &RetryFilter) -> Result<Option<Round>, PlanError> {
    wait(write_retry(job, &frozen.run, filter, &options()))
}

/// (ordinal, mask, carried title) of every line of a round.
fn planned(frozen: &Frozen, round: &Round) -> Vec<(i64, i64, Option<String>)> {
    let lines = frozen.lines(round);
    let titles = texts(&lines, "one.title");
    let keys = numbers(&lines, "ordinal").into_iter().zip(numbers(&lines, "ask"));
    keys.zip(titles).map(|((ordinal, ask), title)| (ordinal, ask, title)).collect()
}

#[test]
fn failed_and_waiting_pairs_are_asked_again_with_what_depends_on_them() {
    let sandbox = Sandbox::new();
    let job = job(&sandbox, 8);
    let frozen = sandbox.plan(&job, &options());
    let ends = [
        [OK, OK],
        [OK, TIMEOUT],
        [TIMEOUT, NOT_ASKED],
        [MISSING, NOT_ASKED],
        [OK, WAITING],
        [WAITING, WAITING],
        [EXTRACT, NOT_ASKED],
        [GONE, NOT_ASKED],
    ];
    commit_round(&frozen, &frozen.round, ChunkFormat::Parquet, |ordinal, endpoint| {
        ends[ordinal as usize][endpoint]
    });
    let round = retry(&job, &frozen, &RetryFilter::default()).unwrap().unwrap();
    let carried = |ordinal: i64| Some(format!("title {ordinal} of \"round\" 0\n"));
    let expected = [
        (1, 0b10, Some(String::new())),
        (2, 0b11, None),
        (4, 0b10, carried(4)),
        (5, 0b11, None),
        (7, 0b11, None),
    ];
    assert_eq!(planned(&frozen, &round), expected);
    assert_eq!((round.number, round.created_at), (1, 7));
    assert_eq!(round.shards.iter().map(|shard| (shard.number, shard.pairs)).collect::<Vec<_>>(), [(1, 8)]);
    assert_eq!(round.shards[0].blocks, [Block { first: 1, line: 0, records: 5 }]);
    let ids: Vec<_> = texts(&frozen.lines(&round), "id").into_iter().flatten().collect();
    assert_eq!(ids, ["id-1", "id-2", "id-4", "id-5", "id-7"]);
    assert_eq!(wait(frozen.run.rounds()).unwrap(), [frozen.round.clone(), round]);
}

#[test]
fn an_endpoint_that_stands_before_what_it_depends_on_is_asked_again_with_it() {
    let sandbox = Sandbox::new();
    let mut job = job(&sandbox, 3);
    job.endpoints[1].params.clear();
    job.endpoints[1].after.clear();
    job.endpoints[0].after = vec![1];
    let frozen = sandbox.plan(&job, &options());
    let ends = [[NOT_ASKED, TIMEOUT], [OK, OK], [TIMEOUT, OK]];
    let end = |ordinal: i64, endpoint: usize| ends[ordinal as usize][endpoint];
    commit_round(&frozen, &frozen.round, ChunkFormat::Parquet, end);
    let round = retry(&job, &frozen, &RetryFilter::default()).unwrap().unwrap();
    let asked =
        numbers(&frozen.lines(&round), "ordinal").into_iter().zip(numbers(&frozen.lines(&round), "ask"));
    assert_eq!(asked.collect::<Vec<_>>(), [(0, 0b11), (2, 0b01)]);
}

#[test]
fn what_its_when_skipped_is_settled() {
    let sandbox = Sandbox::new();
    let mut job = job(&sandbox, 5);
    job.endpoints[1].params.clear();
    let when = When { jq: ".one.year == 1".into(), inputs: vec![], answers: vec![(0, 0), (0, 1)] };
    job.endpoints[1].when = Some(when);
    let frozen = sandbox.plan(&job, &options());
    let ends = [[OK, EXEMPT], [TIMEOUT, NOT_ASKED], [OK, TIMEOUT], [EXEMPT, OK], [EXEMPT, EXEMPT]];
    let end = |ordinal: i64, endpoint: usize| ends[ordinal as usize][endpoint];
    commit_round(&frozen, &frozen.round, ChunkFormat::Parquet, end);
    let round = retry(&job, &frozen, &RetryFilter::default()).unwrap().unwrap();
    let carried = Some("title 2 of \"round\" 0\n".to_owned());
    assert_eq!(planned(&frozen, &round), [(1, 0b11, None), (2, 0b10, carried)]);
    let years = frozen.lines(&round).column("one.year").unwrap().i32().unwrap().iter().collect::<Vec<_>>();
    assert_eq!(years, [None, Some(2)]);
    commit_round(&frozen, &round, ChunkFormat::Parquet, |ordinal, _| if ordinal == 1 { OK } else { EXEMPT });
    assert_eq!(retry(&job, &frozen, &RetryFilter::default()).unwrap(), None);
}

#[test]
fn a_filter_narrows_what_is_asked_again() {
    let sandbox = Sandbox::new();
    let job = job(&sandbox, 5);
    let ends =
        [[TIMEOUT, NOT_ASKED], [UNAVAILABLE, NOT_ASKED], [GONE, NOT_ASKED], [OK, UNAVAILABLE], [OK, WAITING]];
    let asked = |filter: RetryFilter| {
        let other = Sandbox::new();
        let frozen = other.plan(&job, &options());
        commit_round(&frozen, &frozen.round, ChunkFormat::Parquet, |ordinal, index| {
            ends[ordinal as usize][index]
        });
        let round = retry(&job, &frozen, &filter).unwrap();
        let lines = round.map(|round| planned(&frozen, &round)).unwrap_or_default();
        lines.into_iter().map(|(ordinal, ask, _)| (ordinal, ask)).collect::<Vec<_>>()
    };
    let none = RetryFilter::default;
    let server = vec!["5xx".parse().unwrap()];
    assert_eq!(asked(RetryFilter { statuses: server.clone(), ..none() }), [(1, 0b11), (3, 0b10), (4, 0b10)]);
    assert_eq!(asked(RetryFilter { kinds: vec![Kind::Timeout], ..none() }), [(0, 0b11), (4, 0b10)]);
    assert_eq!(asked(RetryFilter { endpoints: vec!["two".into()], ..none() }), [(3, 0b10), (4, 0b10)]);
    let repeating = RetryFilter { worth_repeating_only: true, ..none() };
    assert_eq!(asked(repeating), [(0, 0b11), (1, 0b11), (3, 0b10), (4, 0b10)]);
    assert_eq!(asked(RetryFilter { endpoints: vec!["three".into()], ..none() }), []);
}

#[test]
fn nothing_left_to_ask_makes_no_round() {
    let sandbox = Sandbox::new();
    let job = job(&sandbox, 100);
    let frozen = sandbox.plan(&job, &options());
    commit_round(
        &frozen,
        &frozen.round,
        ChunkFormat::Parquet,
        |ordinal, _| if ordinal % 2 == 0 { OK } else { MISSING },
    );
    assert_eq!(retry(&job, &frozen, &RetryFilter::default()).unwrap(), None);
    assert_eq!(wait(frozen.run.rounds()).unwrap().len(), 1);
}

#[test]
fn an_unfinished_shard_is_named() {
    let sandbox = Sandbox::new();
    let job = job(&sandbox, 200);
    let frozen = sandbox.plan(&job, &options());
    commit_round(&frozen, &frozen.round, ChunkFormat::Parquet, |_, _| TIMEOUT);
    let last = frozen.round.shards[1].blocks[1].first;
    std::fs::remove_file(frozen.run.local_path(1, &layout::commit(last))).unwrap();
    let error = retry(&job, &frozen, &RetryFilter::default()).unwrap_err();
    assert!(error.to_string().starts_with("shard 1 is not finished: 1 of its 2 blocks"), "{error}");
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn a_changed_chunk_is_damage() {
    let sandbox = Sandbox::new();
    let job = job(&sandbox, 3);
    let frozen = sandbox.plan(&job, &options());
    commit_round(&frozen, &frozen.round, ChunkFormat::Parquet, |_, _| TIMEOUT);
    let path = frozen.run.local_path(0, "000000000.x.requests.parquet");
    let other = ledger(&[(0, 0)], &[OK]);
    std::fs::write(path, other).unwrap();
    let error = retry(&job, &frozen, &RetryFilter::default()).unwrap_err();
    assert!(error.to_string().contains("its digest does not match"), "{error}");
    assert_eq!(error.exit(), Exit::Integrity);
}

#[test]
fn a_pair_without_a_line_is_found() {
    let sandbox = Sandbox::new();
    let mut job = job(&sandbox, 3);
    let frozen = sandbox.plan(&job, &options());
    let block = frozen.round.shards[0].blocks[0];
    let ledger = ledger(&[(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)], &[OK; 5]);
    let files = vec![put(&frozen, &frozen.round.shards[0], Content::Requests, "r.parquet", ledger)];
    let commit = Commit {
        version: VERSION,
        run: String::new(),
        shard: 0,
        first: block.first,
        records: block.records,
        attempt: "x".into(),
        files,
        tally: BTreeMap::new(),
        at: 0,
        answered_by: Vec::new(),
    };
    wait(frozen.run.commit(&commit)).unwrap();
    let error = retry(&job, &frozen, &RetryFilter::default()).unwrap_err();
    assert_eq!(error.to_string(), "record 1 has no line for endpoint two in the requests");
    assert_eq!(error.exit(), Exit::Integrity);
    job.endpoints.pop();
    let error = retry(&job, &frozen, &RetryFilter::default()).unwrap_err();
    assert!(error.to_string().contains("hint: `windrow run --new`"), "{error}");
}

#[test]
fn a_trial_is_retried_in_one_shard() {
    let sandbox = Sandbox::new();
    let job = job(&sandbox, 400);
    let frozen = sandbox.plan(&job, &PlanOptions { sample: Some(200), ..options() });
    commit_round(&frozen, &frozen.round, ChunkFormat::Parquet, |_, _| TIMEOUT);
    let round = retry(&job, &frozen, &RetryFilter::default()).unwrap().unwrap();
    assert_eq!((round.shards.len(), round.shards[0].pairs), (1, 400));
}

/// A first endpoint that gave a title and then, asked once more, could not: the old title does not count.
#[test]
fn an_answer_that_a_later_round_lost_is_not_carried() {
    let sandbox = Sandbox::new();
    let job = job(&sandbox, 3);
    let frozen = sandbox.plan(&job, &options());
    let ends = |ordinal: i64, endpoint: usize| if (ordinal, endpoint) == (2, 1) { TIMEOUT } else { OK };
    commit_round(&frozen, &frozen.round, ChunkFormat::Parquet, ends);
    let mut again = frozen.lines(&frozen.round).slice(2, 1);
    again.replace("ask", df!("ask" => [1i64]).unwrap().column("ask").unwrap().clone()).unwrap();
    let shards = wait(write_shards(&frozen.run, &Cut::whole(1), 1, |_| Ok(again.clone()))).unwrap();
    let by_hand = Round { version: VERSION, number: 1, created_at: 0, shards, from_kept: false };
    wait(frozen.run.put_round(&by_hand)).unwrap();
    commit_round(&frozen, &by_hand, ChunkFormat::Parquet, |_, _| EXTRACT);
    let round = retry(&job, &frozen, &RetryFilter::default()).unwrap().unwrap();
    assert_eq!(planned(&frozen, &round), [(2, 0b10, None)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Three rounds over runs of several shards, in both formats: after each, exactly the pairs that stand failed or
    /// waiting are planned, with what depends on them, and titles come from the round that counts.
    #[test]
    fn rounds_ask_exactly_what_is_left(
        records in 1usize..500,
        shard_size in 64u64..200,
        seed: u64,
        csv: bool,
    ) {
        let format = if csv { ChunkFormat::Csv } else { ChunkFormat::Parquet };
        let sandbox = Sandbox::new();
        let mut job = job(&sandbox, records);
        job.settings.shard_size = shard_size;
        let frozen = sandbox.plan(&job, &options());
        let mut round = frozen.round.clone();
        // For each record: how both pairs stand, and the round that the first was asked in.
        let mut stand = vec![([OK, OK], 0); records];
        let mut asked: Vec<(i64, i64)> = (0..records as i64).map(|ordinal| (ordinal, 0b11)).collect();
        for number in 0..3u32 {
            let fate = |ordinal: i64, endpoint: usize| {
                let hash = xxhash_rust::xxh3::xxh3_64(format!("{seed} {number} {ordinal} {endpoint}").as_bytes());
                let fates = [OK, OK, MISSING, TIMEOUT, WAITING, EXTRACT, EXEMPT];
                // The first endpoint has no condition.
                fates[(hash % (6 + endpoint as u64)) as usize]
            };
            for (ordinal, mask) in &asked {
                let (ends, asked_in) = &mut stand[*ordinal as usize];
                if mask & 1 == 1 {
                    ends[0] = fate(*ordinal, 0);
                    *asked_in = number;
                }
                if mask & 2 == 2 {
                    ends[1] = if ends[0] == OK { fate(*ordinal, 1) } else { NOT_ASKED };
                }
            }
            commit_round(&frozen, &round, format, |ordinal, endpoint| stand[ordinal as usize].0[endpoint]);
            let expected: Vec<(i64, i64, Option<String>)> = (0i64..)
                .zip(&stand)
                .filter_map(|(ordinal, (ends, asked_in))| {
                    let again = |end: End| [TIMEOUT, WAITING].contains(&end);
                    let mask = if again(ends[0]) { 0b11 } else if again(ends[1]) { 0b10 } else { return None };
                    let title = rows(&[ordinal], *asked_in).column("title").unwrap().str().unwrap().get(0).map(str::to_owned);
                    Some((ordinal, mask, if mask == 0b10 { title } else { None }))
                })
                .collect();
            let next = retry(&job, &frozen, &RetryFilter::default()).unwrap();
            let Some(next) = next else {
                prop_assert!(expected.is_empty());
                break;
            };
            prop_assert_eq!(planned(&frozen, &next), expected.clone());
            prop_assert_eq!(next.number, number + 1);
            let least = round.shards.last().map_or(0, |shard| shard.number + 1);
            prop_assert_eq!(next.shards[0].number, least);
            asked = expected.into_iter().map(|(ordinal, mask, _)| (ordinal, mask)).collect();
            round = next;
        }
    }
}
