//! Two living writers of one shard, neither of which sees the other's lock.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::site::{IN_FLIGHT, Site, names};
use crate::support::faults::{self, Fault, Strike};
use crate::support::processes::until;
use crate::support::wait;

/// No answer comes within a test.
const ENDLESS: &str = r#"{"latency_ms": 30000}"#;
const AT_ONCE: &str = r#"{"latency_ms": 0}"#;
/// Longest wait for what comes soon.
const SOON: Duration = Duration::from_secs(20);
/// Films of one block.
const BLOCK: usize = 64;

fn send(process: &Child, signal: Signal) {
    kill(Pid::from_raw(process.id() as i32), signal).unwrap();
}

/// A block of which all chunks are there and no commit: its writer is stopped there.
fn stopped_before_a_commit(site: &Site, writer: &Child) -> u64 {
    let between = || {
        let names = names(&site.folder());
        let written = names.iter().filter_map(|name| name.split_once('.'));
        let whole = written.filter(|(_, rest)| rest.ends_with(".requests.parquet")).map(|(block, _)| block);
        whole.filter(|block| !names.contains(&format!("{block}.json"))).find_map(|block| block.parse().ok())
    };
    let since = Instant::now();
    while since.elapsed() < SOON {
        if between().is_some() {
            send(writer, Signal::SIGSTOP);
            std::thread::sleep(Duration::from_millis(50));
            match between() {
                Some(block) => return block,
                None => send(writer, Signal::SIGCONT),
            }
        }
    }
    panic!("no block was seen between its chunks and its commit");
}

/// As on two machines whose locks do not reach each other: neither writer knows of the other.
fn forget_lock(site: &Site) {
    std::fs::remove_file(site.folder().join("shard.lock")).unwrap();
}

#[test]
fn a_process_that_starts_keeps_the_chunks_of_a_rival_that_it_cannot_see() {
    let site = Site::new(16 * BLOCK, r#"{"latency_ms": 20}"#);
    let first = site.start();
    let block = stopped_before_a_commit(&site, &first);
    forget_lock(&site);
    site.origin.knobs(ENDLESS);
    let asked = site.asked();
    let mut second = site.start();
    until(SOON, "the second one asks", || site.asked() == asked + IN_FLIGHT);
    site.origin.knobs(AT_ONCE);
    send(&first, Signal::SIGCONT);
    until(SOON, "the first one commits", || site.commits().contains_key(&block));
    second.kill().unwrap();
    second.wait().unwrap();
    wait(first).with_code(0);
    site.is_whole();
}

#[test]
fn of_two_that_do_not_see_each_other_one_commits_each_block_and_both_end_well() {
    let site = Site::new(16 * BLOCK, r#"{"latency_ms": 30, "jitter_ms": 30}"#);
    let first = site.start();
    until(SOON, "the first one asks", || site.asked() >= IN_FLIGHT);
    forget_lock(&site);
    let second = site.start();
    wait(first).with_code(0);
    wait(second).with_code(0);
    assert_eq!(site.most_asked(), 2, "they did not see each other");
    site.is_whole();
}

/// The sweep of one that is done may take a file from under another's hands.
#[test]
fn a_writer_whose_chunk_vanishes_ends_well_where_its_block_is_committed() {
    let site = Site::new(BLOCK, r#"{"latency_ms": 1500}"#);
    let gone = Strike { call: "rename", from: 1, to: usize::MAX, fault: Fault::Error(Errno::ENOENT) };
    let mut command = site.command();
    let log = site.sandbox.path().join("calls");
    faults::watch(&mut command, &site.folder(), &log, std::slice::from_ref(&gone));
    let first = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(SOON, "the first one asks", || site.asked() == IN_FLIGHT);
    forget_lock(&site);
    site.origin.knobs(AT_ONCE);
    wait(site.start()).with_code(0);
    assert_eq!(site.commits().len(), 1, "before the first one has its answers");
    wait(first).with_code(0);
    assert!(faults::calls(&log).iter().any(|made| made.call == "rename"), "it tried to write");
    site.is_whole();
}
