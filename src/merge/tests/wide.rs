//! Values that are large: what a load holds in memory is bounded by bytes, not by rows.

use super::kinds::Kind;
use super::sandbox::{Sandbox, TERMS, all_ok, films};
use crate::job::{Destination, Mode};
use crate::merge::{ResolvedDestination, publish};
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

/// A run of more records than a vector of DuckDB's has.
async fn sandbox(records: u64, mode: Mode) -> Sandbox {
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

#[tokio::test]
async fn a_database_of_large_values_may_be_named_as_it_likes() {
    for file in ["temp.duckdb", "Memory.db", "system", ".duckdb", "it's \"a\" b.c.duckdb"] {
        let mut sandbox = sandbox(600, Mode::Append).await;
        let path = sandbox.database().with_file_name(file);
        sandbox.job.table.to = Destination::DuckDb(path.clone());
        let (to, proof) = (ResolvedDestination::DuckDb(path), sandbox.prove().await.unwrap());
        let stop = std::future::pending();
        let published = publish(&sandbox.run, &sandbox.job, &to, &proof, &TERMS, stop);
        assert_eq!(published.await.unwrap_or_else(|error| panic!("{file}: {error}")).rows, 600);
    }
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
