//! Values that are large: what a load holds in memory is bounded by bytes, not by rows.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::kinds::Kind;
use super::sandbox::{Sandbox, TERMS, Values, all_ok, films, rows};
use crate::handoff::Exit;
use crate::job::{Destination, Mode};
use crate::merge::{MergeError, ResolvedDestination, publish};
use crate::value::Value;

/// Characters of a value.
const LONG: usize = 6000;

/// A text that hardly compresses.
fn long(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..LONG).map(|_| random.alphanumeric()).collect()
}

fn values(_: u32, ordinal: u64, endpoint: usize, _: u32) -> Vec<Value> {
    match endpoint {
        0 => vec![Value::Text(long(ordinal)), Value::Bigint(ordinal as i64)],
        _ => vec![Value::Integer(ordinal as i32), Value::Null],
    }
}

/// A run whose values are large.
async fn sandbox(records: u64, mode: Mode) -> Sandbox {
    sandbox_of(records, mode, values).await
}

async fn sandbox_of(records: u64, mode: Mode, values: Values) -> Sandbox {
    let mut sandbox = Sandbox::with(records, films(), values).await.mode(mode);
    sandbox.block = 500;
    sandbox.add_round(1, &all_ok).await;
    sandbox
}

#[tokio::test]
async fn large_values_lie_in_small_row_groups() {
    for mode in [Mode::Append, Mode::Replace, Mode::Upsert] {
        let sandbox = sandbox(2500, mode).await;
        assert_eq!(sandbox.publish().await.unwrap().rows, 2500);
        let groups = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('films')";
        assert_eq!(sandbox.rows(groups), ["2"], "{mode:?}: of 2,048 and 452 rows");
        let lengths = "SELECT count(*), sum(length(title)), count(DISTINCT title) FROM films";
        assert_eq!(sandbox.rows(lengths), [format!("2500|{}|2500", 2500 * LONG)]);
    }
}

/// The same text in every row, which its file has once.
fn one_value(_: u32, ordinal: u64, endpoint: usize, _: u32) -> Vec<Value> {
    match endpoint {
        0 => vec![Value::Text(long(0)), Value::Bigint(ordinal as i64)],
        _ => values(0, ordinal, endpoint, 0),
    }
}

#[tokio::test]
async fn what_compresses_well_is_as_large_in_memory() {
    let sandbox = sandbox_of(2500, Mode::Append, one_value).await;
    let files = sandbox.prove().await.unwrap().files;
    assert_eq!((files.are_wide(), files.row_group()), (false, Some(2048)));
    assert_eq!(sandbox.publish().await.unwrap().rows, 2500);
    let groups = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('films')";
    assert_eq!(sandbox.rows(groups), ["2"]);
}

#[tokio::test]
async fn many_short_rows_of_a_record_are_not_large() {
    let mut sandbox = Sandbox::new(6).await.exploding(0, |_, _| 1000).await;
    sandbox.add_round(1, &all_ok).await;
    assert_eq!(sandbox.prove().await.unwrap().files.row_group(), None);
}

/// Publishes large values into a file of that name; what came of it, and what lies beside the file since.
async fn published_into(file: &OsString) -> (Result<u64, MergeError>, Vec<OsString>) {
    let mut sandbox = sandbox(600, Mode::Append).await;
    let folder = sandbox.folder().join("named as it likes");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join(file);
    sandbox.job.table.to = Destination::DuckDb(path.clone());
    let (to, proof) = (ResolvedDestination::DuckDb(path.clone()), sandbox.prove().await.unwrap());
    let published = publish(&sandbox.run, &sandbox.job, &to, &proof, &TERMS, std::future::pending()).await;
    if published.is_ok() {
        let database = duckdb::Connection::open(&path).unwrap();
        assert_eq!(rows(&database, "SELECT count(*) FROM films"), ["600"]);
    }
    let entries = std::fs::read_dir(&folder).unwrap();
    let beside = entries.map(|entry| entry.unwrap().file_name()).collect();
    (published.map(|published| published.rows), beside)
}

#[tokio::test]
async fn a_database_of_large_values_may_be_named_as_it_likes() {
    for file in ["temp.duckdb", "Memory.db", "system", ".duckdb", "it's \"a\" b.c.duckdb"].map(OsString::from)
    {
        let (published, beside) = published_into(&file).await;
        assert_eq!(published.unwrap_or_else(|error| panic!("{file:?}: {error}")), 600);
        assert_eq!(beside, [file], "and nothing is left beside it");
    }
}

/// DuckDB opens none that is no text; one that looks like it is another one's.
#[tokio::test]
async fn a_name_that_is_no_text_leads_to_no_other_file() {
    let file = OsString::from_vec(b"no \xff text.duckdb".to_vec());
    let (published, beside) = published_into(&file).await;
    assert_eq!(published.unwrap_err().exit(), Exit::Database);
    assert!(beside.iter().all(|name| *name == file), "{beside:?}");
}

#[tokio::test]
async fn large_values_are_whole_in_files() {
    for kind in [Kind::Csv, Kind::Parquet] {
        let sandbox = sandbox(2500, Mode::Replace).await.into_kind(kind);
        assert_eq!(sandbox.publish().await.unwrap().rows, 2500);
        assert_eq!(sandbox.table().len(), 2500);
        assert!(sandbox.table()[7].contains(&long(7)));
    }
}

#[tokio::test]
async fn usual_values_lie_in_row_groups_of_duckdbs_own() {
    let sandbox = Sandbox::of_one_round(9, &all_ok).await;
    let files = sandbox.prove().await.unwrap().files;
    assert_eq!((files.are_wide(), files.row_group()), (false, None));
}
