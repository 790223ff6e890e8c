//! An owner and helpers of one shard, started by hand.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::site::{IN_FLIGHT, Site, names, writers};
use crate::support::faults::{self, Fault, Strike};
use crate::support::processes::until;
use crate::support::{ended, wait};

/// No answer comes within a test.
const ENDLESS: &str = r#"{"latency_ms": 30000}"#;
const AT_ONCE: &str = r#"{"latency_ms": 0}"#;
/// Longest wait for what comes soon.
const SOON: Duration = Duration::from_secs(20);
/// So long is looked at what is not to happen.
const A_WHILE: Duration = Duration::from_millis(600);
/// Films of one block: as many pairs as a process has lanes.
const BLOCK: usize = 64;

fn send(process: &Child, signal: Signal) {
    kill(Pid::from_raw(process.id() as i32), signal).unwrap();
}

fn is_alive(process: &mut Child) -> bool {
    process.try_wait().unwrap().is_none()
}

/// A helper that has claimed the only block and waits for answers, and an owner that waits for the helper.
fn held_up() -> (Site, Child, Child) {
    let site = Site::new(BLOCK, ENDLESS);
    let helper = site.helper();
    until(SOON, "the helper asks", || site.asked() == IN_FLIGHT);
    let mut owner = site.owner();
    std::thread::sleep(A_WHILE);
    assert!(is_alive(&mut owner), "an owner does not end before its shard is committed");
    assert_eq!(site.asked(), IN_FLIGHT, "what a helper asks nobody else does");
    (site, owner, helper)
}

#[test]
fn an_owner_and_helpers_share_a_shard_and_ask_nothing_twice() {
    let site = Site::new(2560, r#"{"latency_ms": 50}"#);
    let processes = [site.owner(), site.helper(), site.helper()];
    for process in processes {
        wait(process).with_code(0);
    }
    assert_eq!((site.asked(), site.most_asked()), (site.pairs(), 1));
    let commits = site.commits();
    let first = commits.values().next().unwrap().attempt.clone();
    let writers = writers(&commits);
    assert!(writers.len() > 1, "helpers committed some of the {} blocks", commits.len());
    assert!(!writers[1..].contains(&first), "the owner from the front, helpers from the back: {writers:?}");
    site.is_whole();
}

#[test]
fn a_helper_alone_works_from_the_last_block_on_and_leaves_nothing_to_ask() {
    let site = Site::new(2560, r#"{"latency_ms": 50}"#);
    let helper = site.helper();
    until(SOON, "a block is committed", || !site.commits().is_empty());
    let first_record = *site.commits().keys().next().unwrap();
    assert!(first_record >= 2560 / 2, "it begins at the end, not at {first_record}");
    wait(helper).with_code(0);
    site.sandbox.run(["shard", site.run.to_str().unwrap(), "0"]).with_code(0);
    assert_eq!((site.asked(), site.most_asked()), (site.pairs(), 1));
    site.is_whole();
}

#[test]
fn an_owner_takes_over_what_a_helper_dies_on() {
    let (site, owner, mut helper) = held_up();
    site.origin.knobs(AT_ONCE);
    helper.kill().unwrap();
    helper.wait().unwrap();
    wait(owner).with_code(0);
    assert_eq!((site.asked(), site.most_asked()), (site.pairs() + IN_FLIGHT, 2));
    site.is_whole();
}

#[test]
fn an_owner_ends_when_a_helper_has_committed_what_it_waited_for() {
    let site = Site::new(BLOCK, r#"{"latency_ms": 500}"#);
    let helper = site.helper();
    until(SOON, "the helper asks", || site.asked() == IN_FLIGHT);
    let owner = site.owner();
    wait(owner).with_code(0);
    wait(helper).with_code(0);
    assert_eq!((site.asked(), site.most_asked()), (site.pairs(), 1));
    site.is_whole();
}

#[test]
fn an_owner_that_is_told_to_stop_does_not_wait_for_helpers() {
    let (site, owner, mut helper) = held_up();
    send(&owner, Signal::SIGTERM);
    wait(owner).with_code(143).saying("interrupted");
    assert!(is_alive(&mut helper));
    helper.kill().unwrap();
    helper.wait().unwrap();
    site.origin.knobs(AT_ONCE);
    wait(site.owner()).with_code(0);
    site.is_whole();
}

#[test]
fn a_helper_that_is_told_to_stop_commits_what_it_has_and_leaves_the_rest() {
    let site = Site::new(2560, r#"{"latency_ms": 200, "jitter_ms": 200}"#);
    let helper = site.helper();
    until(SOON, "requests arrive", || site.asked() >= 3 * IN_FLIGHT);
    send(&helper, Signal::SIGINT);
    wait(helper).with_code(130).saying("interrupted");
    let kept = site.sandbox.query("small", "SELECT count(*) FROM requests WHERE status IN ('ok', 'missing')");
    assert_eq!(kept, [site.asked().to_string()], "every answer is in the ledger");
    site.origin.knobs(AT_ONCE);
    wait(site.owner()).with_code(0);
    assert_eq!(site.most_asked(), 1);
}

#[test]
fn an_owner_does_not_sweep_what_a_living_helper_may_be_writing() {
    let site = Site::new(BLOCK, ENDLESS);
    let mut helper = site.helper();
    until(SOON, "the helper asks", || site.asked() == IN_FLIGHT);
    let chunk = "000000000.0123abcd.omdb.parquet".to_owned();
    std::fs::write(site.folder().join(&chunk), "not committed yet").unwrap();
    let owner = site.owner();
    std::thread::sleep(A_WHILE);
    assert!(names(&site.folder()).contains(&chunk));
    // When all is committed it is a leftover, which the owner removes at its end.
    site.origin.knobs(AT_ONCE);
    helper.kill().unwrap();
    helper.wait().unwrap();
    wait(owner).with_code(0);
    site.is_whole();
}

/// The owner's next block of which all chunks are there and no commit: the owner is stopped there.
fn stopped_before_a_commit(site: &Site, owner: &Child) -> u64 {
    let between = || {
        let names = names(&site.folder());
        let written = names.iter().filter_map(|name| name.split_once('.'));
        let whole = written.filter(|(_, rest)| rest.ends_with(".requests.parquet")).map(|(block, _)| block);
        whole.filter(|block| !names.contains(&format!("{block}.json"))).find_map(|block| block.parse().ok())
    };
    let since = Instant::now();
    while since.elapsed() < SOON {
        if between().is_some() {
            send(owner, Signal::SIGSTOP);
            std::thread::sleep(Duration::from_millis(50));
            match between() {
                Some(block) => return block,
                None => send(owner, Signal::SIGCONT),
            }
        }
    }
    panic!("no block was seen between its chunks and its commit");
}

/// As on two machines whose locks do not reach each other: neither writer knows of the other.
fn forget_locks(site: &Site) {
    for name in ["shard.lock", "blocks.lock"] {
        std::fs::remove_file(site.folder().join(name)).unwrap();
    }
}

#[test]
fn an_owner_that_starts_keeps_the_chunks_of_a_rival_that_it_cannot_see() {
    let site = Site::new(40 * BLOCK, r#"{"latency_ms": 20}"#);
    let first = site.owner();
    let block = stopped_before_a_commit(&site, &first);
    forget_locks(&site);
    site.origin.knobs(ENDLESS);
    let asked = site.asked();
    let mut second = site.owner();
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
fn of_two_owners_that_do_not_see_each_other_one_commits_each_block_and_both_end_well() {
    let site = Site::new(20 * BLOCK, r#"{"latency_ms": 10, "jitter_ms": 20}"#);
    let first = site.owner();
    until(SOON, "the first one asks", || site.asked() == IN_FLIGHT);
    forget_locks(&site);
    let second = site.owner();
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
    let mut command = site.command(&[]);
    let log = site.sandbox.path().join("calls");
    faults::watch(&mut command, &site.folder(), &log, std::slice::from_ref(&gone));
    let first = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(SOON, "the first one asks", || site.asked() == IN_FLIGHT);
    forget_locks(&site);
    site.origin.knobs(AT_ONCE);
    wait(site.owner()).with_code(0);
    assert_eq!(site.commits().len(), 1, "before the first one has its answers");
    wait(first).with_code(0);
    assert!(faults::calls(&log).iter().any(|made| made.call == "rename"), "it tried to write");
    site.is_whole();
}

#[test]
fn an_owner_that_died_leaves_its_blocks_to_the_next_one_though_a_helper_lives() {
    let site = Site::new(2560, ENDLESS);
    let (mut owner, mut helper) = (site.owner(), site.helper());
    until(SOON, "both ask", || site.asked() == 2 * IN_FLIGHT);
    owner.kill().unwrap();
    owner.wait().unwrap();
    site.origin.knobs(AT_ONCE);
    let owner = site.owner();
    until(SOON, "all but the helper's blocks are committed", || site.commits().len() >= 32);
    assert!(is_alive(&mut helper));
    helper.kill().unwrap();
    helper.wait().unwrap();
    wait(owner).with_code(0);
    assert_eq!((site.asked(), site.most_asked()), (site.pairs() + 2 * IN_FLIGHT, 2));
    site.is_whole();
}

#[test]
fn where_there_are_no_such_locks_an_owner_works_alone_and_nobody_helps() {
    let site = Site::new(BLOCK, AT_ONCE);
    let none = Strike { call: "lock", from: 1, to: usize::MAX, fault: Fault::Error(Errno::ENOLCK) };
    for (role, asks) in [(&["--helper"][..], 0), (&[], site.pairs())] {
        let mut command = site.command(role);
        let log = site.sandbox.path().join("calls");
        faults::watch(&mut command, &site.folder(), &log, std::slice::from_ref(&none));
        ended(command).with_code(0);
        assert!(faults::calls(&log).iter().any(|made| made.call == "lock"), "it tried to");
        assert_eq!(site.asked(), asks);
    }
    site.is_whole();
}
