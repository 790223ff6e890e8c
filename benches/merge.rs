//! What proof and load cost beside DuckDB alone: `cargo bench --bench merge [-- RECORDS…]`.
//!
//! For every size a run of two endpoints and twelve columns is made, in blocks as `plan` cuts them. Then, each
//! in a process of its own and on the same files, three times in turn, the best time of each:
//!
//! - `CREATE TABLE AS SELECT … FROM read_parquet([…]) JOIN read_parquet([…])`, by DuckDB as it comes;
//! - prove and publish the run into a new table (append), then into one that holds all its keys (upsert) or ids
//!   (replace_ids).
//!
//! Times run from opening the database to its being closed.

#[path = "run/mod.rs"]
mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use windrow::handoff::RunStore;
use windrow::job::{Destination, Mode};
use windrow::merge::{ResolvedDestination, Terms, prove, publish};

use run::{job, make_run, peak_mb, select};

const TRIES: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [measured, folder] = &arguments[..]
        && let Some(measured) = Measured::of(measured)
    {
        return measured.print(Path::new(folder));
    }
    let sizes: Vec<u64> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100_000, 1_000_000, 10_000_000] } else { sizes };
    println!(
        "{:>9} {:>7} | {:>8} {:>8} | {:>8} {:>8} {:>6} | {:>8} {:>8} | {:>8} {:>8} | {:>8}",
        "records",
        "blocks",
        "ctas s",
        "peak MB",
        "append s",
        "peak MB",
        "ratio",
        "upsert s",
        "peak MB",
        "ids s",
        "peak MB",
        "proof s"
    );
    sizes.into_iter().for_each(compare);
}

/// One line of the table.
fn compare(records: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let blocks = make_run(folder.path(), records);
    let mut best: BTreeMap<&str, [f64; 3]> = BTreeMap::new();
    for _ in 0..TRIES {
        for measured in ["ctas", "append", "upsert", "replace_ids"] {
            let now = in_own_process(measured, folder.path());
            let best = best.entry(measured).or_insert(now);
            (0..3).for_each(|at| best[at] = best[at].min(now[at]));
        }
    }
    let ([ctas, ctas_peak, _], [append, append_peak, proof], [upsert, upsert_peak, _]) =
        (best["ctas"], best["append"], best["upsert"]);
    let [ids, ids_peak, _] = best["replace_ids"];
    println!(
        "{records:>9} {blocks:>7} | {ctas:>8.2} {ctas_peak:>8.0} | {append:>8.2} {append_peak:>8.0} {:>6.2} | {upsert:>8.2} {upsert_peak:>8.0} | {ids:>8.2} {ids_peak:>8.0} | {proof:>8.2}",
        append / ctas
    );
}

/// Seconds, peak memory in MB, seconds of the proof.
fn in_own_process(measured: &str, folder: &Path) -> [f64; 3] {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this).arg(measured).arg(folder).output().expect("a child");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{measured}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[derive(Clone, Copy)]
enum Measured {
    Ctas,
    Append,
    Upsert,
    ReplaceIds,
}

impl Measured {
    fn of(word: &str) -> Option<Measured> {
        Some(match word {
            "ctas" => Measured::Ctas,
            "append" => Measured::Append,
            "upsert" => Measured::Upsert,
            "replace_ids" => Measured::ReplaceIds,
            _ => return None,
        })
    }

    fn print(self, folder: &Path) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (load, proof) = match self {
            Measured::Ctas => (ctas(folder), Duration::ZERO),
            Measured::Append => runtime.block_on(merge(folder, Mode::Append)),
            Measured::Upsert => runtime.block_on(merge(folder, Mode::Upsert)),
            Measured::ReplaceIds => runtime.block_on(merge(folder, Mode::ReplaceIds)),
        };
        println!("{} {} {}", load.as_secs_f64(), peak_mb(), proof.as_secs_f64());
    }
}

fn new_database(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let _ = std::fs::remove_file(&path);
    path
}

fn ctas(folder: &Path) -> Duration {
    let path = new_database(folder, "ctas.duckdb");
    let sql = format!("CREATE TABLE films AS {}", select(folder));
    let started = Instant::now();
    let connection = duckdb::Connection::open(path).expect("a database");
    connection.execute_batch(&sql).expect("the table");
    drop(connection);
    started.elapsed()
}

/// Load and proof. What replaces rows comes upon a table that an append has filled.
async fn merge(folder: &Path, mode: Mode) -> (Duration, Duration) {
    let run = RunStore::open(&folder.join("run")).await.expect("the run");
    let plan = run.plan().await.expect("the plan");
    let append = folder.join("append.duckdb");
    let path = match mode {
        Mode::Append => new_database(folder, "append.duckdb"),
        _ => new_database(folder, "replaced.duckdb"),
    };
    if mode != Mode::Append {
        std::fs::copy(append, &path).expect("a copy");
        let connection = duckdb::Connection::open(&path).expect("a database");
        connection.execute_batch("DELETE FROM windrow_runs").expect("a run to merge anew");
    }
    let started = Instant::now();
    let proof = prove(&run).await.expect("a proof");
    let proved = started.elapsed();
    let started = Instant::now();
    let terms = Terms { now_micros: 0, anyway: false, again: false, sent: None };
    let to = ResolvedDestination::DuckDb(path.clone());
    let published = publish(
        &run,
        &job(Destination::DuckDb(path.clone()), &plan, mode),
        &to,
        &proof,
        &terms,
        std::future::pending(),
    )
    .await
    .expect("a table");
    assert_eq!((published.rows, published.total), (plan.records, Some(plan.records)));
    (started.elapsed(), proved)
}
