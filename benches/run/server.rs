//! Proof and load into a database, in a process of its own.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use windrow::handoff::RunStore;
use windrow::job::{Destination, Mode, ServerUrl};
use windrow::merge::{ResolvedDestination, Terms, prove, publish};
use windrow::secrets::Secrets;

use super::run::{job, peak_mb};

/// Publishes the run in a process of its own: seconds, and peak memory in MB.
pub fn in_own_process(mode: &str, folder: &Path, url: &str) -> (f64, f64) {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this).arg(mode).arg(folder).arg(url).output().expect("a child");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [seconds, peak] => (seconds, peak),
        _ => panic!("{mode}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// What that process does.
pub fn publish_once(mode: &str, folder: &Path, url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mode = if mode == "append" { Mode::Append } else { Mode::Upsert };
    let took = runtime.block_on(proof_and_load(folder, url, mode));
    println!("{} {}", took.as_secs_f64(), peak_mb());
}

async fn proof_and_load(folder: &Path, url: &str, mode: Mode) -> Duration {
    let started = Instant::now();
    let run = RunStore::open(&folder.join("run")).await.expect("the run");
    let plan = run.plan().await.expect("the plan");
    let to = match url.strip_prefix("sqlite:") {
        Some(path) => Destination::Sqlite(path.into()),
        None => Destination::Server(ServerUrl::parse(url).expect("a URL")),
    };
    let job = job(to, &plan, mode);
    let place = ResolvedDestination::of(&run, &plan, &job, &Secrets::default()).expect("a server");
    let proof = prove(&run).await.expect("a proof");
    let terms = Terms { now_micros: 0, anyway: false, again: false, sent: None };
    let published =
        publish(&run, &job, &place, &proof, &terms, std::future::pending()).await.expect("a table");
    assert_eq!(published.rows, plan.records);
    started.elapsed()
}
