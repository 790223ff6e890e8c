//! How work ends, and what it frees: signals, a quota that is used up, a host that is down, a refused secret, clauses that
//! settle nothing.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::on_both;
use super::stage::{Server, Stage, end, send};
use crate::support::processes::{naming, until};
use crate::support::{Origin, at_most, wait};

on_both!(
    the_first_signal_publishes_what_was_asked_and_frees_the_rest,
    the_second_signal_ends_it_at_once_and_the_lease_brings_the_jobs_back,
    a_quota_that_is_used_up_frees_the_jobs_until_it_renews,
    a_host_that_is_down_is_no_attempt,
    a_secret_that_is_refused_ends_the_work,
    clauses_that_leave_a_job_waiting_are_an_error,
    a_server_that_goes_away_for_a_while_is_waited_for,
    a_worker_that_stood_still_publishes_nothing_that_others_have,
);

fn the_first_signal_publishes_what_was_asked_and_frees_the_rest(on: Server) {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        let stage = Stage::new(on);
        stage.change("name = \"jobs\"", "name = \"jobs\"\nin_flight = 20");
        stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 100\nparallel = 2");
        stage.origin.knobs(r#"{"latency_ms": 700, "jitter_ms": 600}"#);
        stage.insert(1..=1000);
        let worker = stage.start();
        stage.wait_until_asked(30);
        send(&worker, signal);
        let ended = wait(worker).with_code(code);
        assert!(naming(stage.sandbox.path()).is_empty(), "no child is left");
        let (asked, done) = (stage.asked(), stage.count("done"));
        assert_eq!(
            (done, stage.claims()),
            (asked, 0),
            "what was asked is done, the rest is free: {}",
            ended.stderr
        );
        assert!(asked < 1000, "{asked}");
        stage.has_one_result_each(asked);
        stage.has_no_runs(&stage.sandbox);
        stage.origin.knobs(r#"{"latency_ms": 0, "jitter_ms": 0}"#);
        stage.work().with_code(0);
        stage.is_settled(1000);
        assert_eq!(stage.asked(), 1000, "none is asked twice");
    }
}

fn the_second_signal_ends_it_at_once_and_the_lease_brings_the_jobs_back(on: Server) {
    let stage = Stage::new(on);
    stage.origin.knobs(r#"{"latency_ms": 60000}"#);
    stage.insert(1..=10);
    let worker = stage.start();
    stage.wait_until_asked(10);
    send(&worker, Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(300));
    let second = Instant::now();
    send(&worker, Signal::SIGINT);
    wait(worker).with_code(130);
    assert!(second.elapsed() < at_most(Duration::from_secs(2)), "{:?}", second.elapsed());
    assert!(naming(stage.sandbox.path()).is_empty(), "no child is left");
    stage.origin.knobs(r#"{"latency_ms": 0}"#);
    // On another machine, which knows nothing of the first.
    let machine = crate::support::Sandbox::new();
    stage.job(&machine, &[]);
    let other = stage.start_in(&machine);
    stage.wait_for("done", 10);
    end(other);
    stage.has_one_result_each(10);
    assert_eq!((stage.claims(), stage.dead().len()), (0, 0));
}

/// The shortened day lasts 8 seconds.
fn a_quota_that_is_used_up_frees_the_jobs_until_it_renews(on: Server) {
    let stage = Stage::new(on);
    let quota = format!("[limit.\"127.0.0.1:{}\"]\nquota = \"30/8s\"\n\n[defaults]", stage.origin.port);
    stage.change("[defaults]", &quota);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nclaim = 20\nattempts = 1");
    stage.insert(1..=70);
    let worker = stage.start();
    stage.wait_for("done", 30);
    let left = "SELECT count(*), max(attempts) FROM windrow_claims WHERE run = ''";
    until(Duration::from_secs(20), "some rest until the quota is new", || {
        let rows = stage.sql(left);
        rows[0].ends_with("|0") && !rows[0].starts_with("0|")
    });
    assert!(stage.count("done") < 70);
    until(Duration::from_secs(60), "all are done", || stage.count("done") == 70);
    end(worker);
    stage.is_settled(70);
    assert_eq!(stage.asked(), 70, "within the quota, and none twice");
}

fn a_host_that_is_down_is_no_attempt(on: Server) {
    let mut stage = Stage::new(on);
    stage.change("poll = \"50ms\"", "poll = \"50ms\"\nattempts = 1\nclaim = 10");
    stage.change("name = \"jobs\"", "name = \"jobs\"\npatience = \"1s\"");
    let port = stage.origin.port;
    stage.insert(1..=25);
    stage.origin.kill();
    let worker = stage.start();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!((stage.count("new"), stage.dead().len()), (25, 0), "none has failed");
    stage.origin = Origin::on_port(port, &[]);
    stage.wait_for("done", 25);
    end(worker);
    stage.is_settled(25);
}

fn a_secret_that_is_refused_ends_the_work(on: Server) {
    let stage = Stage::new(on);
    let url = stage.origin.url();
    let auth = format!(
        "[auth.store]\ngrant_type = \"refresh_token\"\ntoken_url = \"{url}/oauth/token\"\nclient_id = \"shop\"\n\
         client_secret = \"${{STORE_CLIENT_SECRET}}\"\nrefresh_token = \"${{STORE_REFRESH_TOKEN}}\"\n\n[defaults]"
    );
    stage.change("[defaults]", &auth);
    stage.change("columns = {", "auth = \"store\"\ncolumns = {");
    stage.sandbox.write("store.env", "STORE_CLIENT_SECRET=wrong-secret\nSTORE_REFRESH_TOKEN=wrong-refresh\n");
    stage.insert(1..=10);
    let ended = stage.sandbox.run(["work", "jobs.toml", "--env-file", "store.env"]);
    ended.with_code(2).saying("invalid_client");
    assert_eq!((stage.count("new"), stage.claims(), stage.dead().len()), (10, 0, 0), "free, and not failed");
    stage.has_no_runs(&stage.sandbox);
}

/// A job would be asked over and over.
fn clauses_that_leave_a_job_waiting_are_an_error(on: Server) {
    for (old, new, fails) in [
        ("state = 'done'", "state = 'new'", None),
        ("state = 'done'", "done_at = now()", None),
        ("state = 'failed'", "done_at = now()", Some(failing_all())),
    ] {
        let stage = Stage::new(on);
        stage.change(old, new);
        fails.iter().for_each(|knobs| stage.origin.knobs(knobs));
        stage.insert(1..=3);
        let ended = stage.sandbox.run(["work", "jobs.toml", "--until-empty"]);
        assert!([2, 5].contains(&ended.code.unwrap_or(-1)), "{new}: {:?}\n{}", ended.code, ended.stderr);
        assert!(ended.stderr.contains("hint: "), "{new}: {}", ended.stderr);
        // Once more where they were freed while the next claim was under way.
        assert!(stage.asked() <= 6, "{new}: {} requests for 3 jobs", stage.asked());
        assert_eq!((stage.count("new"), stage.results()), (3, 0), "{new}: nothing is written");
    }
}

fn failing_all() -> String {
    super::stage::failing(1..=3, 404, None)
}

/// The database is gone for some seconds while requests are under way, and while nothing waits.
fn a_server_that_goes_away_for_a_while_is_waited_for(on: Server) {
    let stage = Stage::apart(on);
    stage.origin.knobs(r#"{"latency_ms": 1000}"#);
    stage.insert(1..=20);
    let worker = stage.start();
    stage.wait_until_asked(20);
    stage.restart(true);
    until(Duration::from_secs(60), "all are done", || stage.count("done") == 20);
    stage.restart(false);
    stage.insert(21..=40);
    until(Duration::from_secs(60), "all are done", || stage.count("done") == 40);
    end(worker);
    stage.is_settled(40);
}

/// Its process goes on asking, and has its answers long before it wakes; the other one is still asking then.
fn a_worker_that_stood_still_publishes_nothing_that_others_have(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=10);
    stage.origin.knobs(r#"{"latency_ms": 1000}"#);
    let still = stage.start();
    stage.wait_until_asked(10);
    send(&still, Signal::SIGSTOP);
    // Longer than the lease, which is renewed at every third of it.
    std::thread::sleep(Duration::from_secs(6));
    stage.origin.knobs(r#"{"latency_ms": 4000}"#);
    let machine = crate::support::Sandbox::new();
    stage.job(&machine, &[]);
    let other = stage.start_in(&machine);
    stage.wait_until_asked(20);
    send(&still, Signal::SIGCONT);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((stage.results(), stage.count("new")), (0, 10), "the other one has them");
    stage.wait_for("done", 10);
    end(still).saying("10 of the 10 jobs of run").saying("are another worker's by now; it is not published");
    end(other);
    stage.is_settled(10);
}
