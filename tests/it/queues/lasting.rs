//! How soon a job is taken up, and what is left after many batches: memory, folders, tables.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::on_both;
use super::stage::{Server, Stage, end};
use crate::support::processes::until;
use crate::support::{alone, at_most, is_soak};

on_both!(a_job_is_taken_up_within_a_second, batch_after_batch_leaves_nothing_behind,);

/// Bounds of the histogram, in milliseconds.
const BOUNDS: [u64; 12] = [50, 100, 150, 200, 250, 300, 400, 500, 700, 1000, 2000, u64::MAX];

/// From the INSERT to the answer, and to the COMMIT of the result, by the database's clock but for the answer.
fn a_job_is_taken_up_within_a_second(on: Server) {
    let _alone = alone();
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"\n", "");
    stage.change("mode = \"append\"", "mode = \"append\"\nstamp = { asked_at = \"record.fetched_at\" }");
    let now = on.own(["clock_timestamp()", "sysdate(6)"]);
    stage.change("done = \"state = 'done'\"", &format!("done = \"state = 'done', done_at = {now}\""));
    let worker = stage.start();
    stage.insert([1]);
    stage.wait_for("done", 1);
    let jobs: u64 = if is_soak() { 600 } else { 60 };
    for number in 2..=jobs {
        stage.insert([number]);
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..60)));
    }
    stage.wait_for("done", jobs);
    end(worker);
    stage.is_settled(jobs);
    for (what, until) in [("answered", "asked_at"), ("committed", "done_at")] {
        let took = latencies(&stage, until);
        println!("{on:?}, from INSERT until it is {what}:\n{}", histogram(&took));
        let p99 = Duration::from_millis(took[took.len() * 99 / 100]);
        assert!(p99 < at_most(Duration::from_secs(1)), "{what}: p99 is {p99:?}");
    }
}

/// Milliseconds, sorted, without those of the first job, which waited for the program's start.
fn latencies(stage: &Stage, until: &str) -> Vec<u64> {
    let between = stage.on.own([
        format!("(extract(epoch FROM {until} - inserted_at) * 1000)::bigint"),
        format!("timestampdiff(MICROSECOND, inserted_at, {until}) DIV 1000"),
    ]);
    let sql = format!("SELECT {between} FROM jobs JOIN results USING (id) WHERE id > 1 ORDER BY 1");
    stage.sql(&sql).iter().map(|row| row.parse().unwrap_or(0)).collect()
}

fn histogram(sorted: &[u64]) -> String {
    let at = |share: usize| sorted[(sorted.len() * share / 100).min(sorted.len() - 1)];
    let mut text =
        format!("  p50 {} ms, p90 {} ms, p99 {} ms, {} jobs\n", at(50), at(90), at(99), sorted.len());
    let mut from = 0;
    for bound in BOUNDS {
        let count = sorted.iter().filter(|&&took| (from..bound).contains(&took)).count();
        let bar = "#".repeat(60 * count / sorted.len());
        if count > 0 {
            writeln!(text, "  from {from:>4} ms {count:>5} {bar}").unwrap();
        }
        from = bound;
    }
    text
}

/// What there is of a worker at a moment.
#[derive(Debug, Clone, Copy)]
struct Weight {
    /// Resident memory of the parent, in KiB.
    memory: u64,
    /// Open files of the parent.
    files: usize,
    folders: usize,
    claims: u64,
    runs_noted: u64,
    dead: usize,
}

fn weight(stage: &Stage, worker: u32) -> Weight {
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    Weight {
        memory: line.trim().strip_suffix(" kB").unwrap().parse().unwrap(),
        files: std::fs::read_dir(format!("/proc/{worker}/fd")).unwrap().count(),
        folders: super::stage::runs(stage.sandbox.path()).len(),
        claims: stage.claims(),
        runs_noted: stage.number("SELECT count(*) FROM windrow_runs"),
        dead: stage.dead().len(),
    }
}

/// How long: of a soak as many minutes as `WINDROW_QUEUE_MINUTES` says, an hour without it.
fn time() -> Duration {
    if !is_soak() {
        return Duration::from_secs(12);
    }
    let minutes = std::env::var("WINDROW_QUEUE_MINUTES").ok().and_then(|minutes| minutes.parse().ok());
    Duration::from_secs(60 * minutes.unwrap_or(60))
}

/// However slow the machine is: what is left is asked about here, not how fast it goes.
fn wait_for_done(stage: &Stage, jobs: u64) {
    until(Duration::from_secs(300), "those jobs are done", || stage.count("done") >= jobs);
}

/// Some jobs fail at first, some for good. A warm-up comes first: what is cached once is no leak.
fn batch_after_batch_leaves_nothing_behind(on: Server) {
    let stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 5\nparallel = 2\nattempts = 3");
    stage.origin.knobs(&super::stage::failing((1..2000).map(|number| number * 97), 500, Some(1)));
    let worker = stage.start();
    let (began, time, mut jobs) = (Instant::now(), time(), 0);
    let mut produce_until = |end: Duration| {
        while began.elapsed() < end {
            stage.insert(jobs + 1..=jobs + 10);
            jobs += 10;
            std::thread::sleep(Duration::from_millis(50));
            if jobs % 500 == 0 {
                wait_for_done(&stage, jobs - 200);
            }
        }
        wait_for_done(&stage, jobs);
        (weight(&stage, worker.id()), jobs)
    };
    let (before, warm) = produce_until(time / 4);
    let (after, all) = produce_until(time);
    end(worker);
    println!("{on:?}: after {warm} jobs {before:?}\nafter {all} jobs {after:?}");
    stage.is_settled_after_failures(all);
    assert!(after.memory < before.memory * 5 / 4 + 16 * 1024, "memory grows: {before:?}, {after:?}");
    assert!(after.files <= before.files + 8, "open files: {before:?}, {after:?}");
    assert_eq!((after.claims, after.dead), (0, 0));
    // Of runs in which something failed.
    assert!(after.folders <= 520, "{after:?}");
    // Those of the last hour.
    assert!(after.runs_noted <= all, "{after:?}");
}
