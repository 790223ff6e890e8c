//! An owner and helpers of one shard, started by hand.

use std::process::Child;
use std::time::Duration;

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
    // Once the helper is dead it is a leftover, which the owner removes at its end.
    site.origin.knobs(AT_ONCE);
    helper.kill().unwrap();
    helper.wait().unwrap();
    wait(owner).with_code(0);
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
