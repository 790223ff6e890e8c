//! Servers that are down, slow or failing: the run ends in time, with every pair accounted for.

use std::time::{Duration, Instant};

use super::{Films, all_answered, pairs, rows, wait_for_arrivals};
use crate::support::processes::until;
use crate::support::{Ended, Origin, Sandbox, alone, at_most, is_soak, wait};

/// Runs the job, which must end within the bound, on a busy machine ten times that.
#[track_caller]
fn run_within(bound: Duration, sandbox: &Sandbox) -> Ended {
    let started = Instant::now();
    let ended = sandbox.run(["run", "films.toml"]);
    assert!(started.elapsed() <= at_most(bound), "{:?}\n{}", started.elapsed(), ended.stderr);
    ended
}

/// Down for 3 s: 1,500 films at some 1,600 a second, and 12 s to notice that it is back, the pauses
/// of those that were lost included.
#[test]
fn a_server_that_is_down_for_a_while_is_waited_for_and_left_alone() {
    let (_alone, origin, sandbox) =
        (alone(), Origin::start(&["--arrivals", "--latency-ms", "20"]), Sandbox::new());
    Films { count: 1500, settings: "in_flight = 32", ..Films::default() }.write(&sandbox, &origin);
    let run = sandbox.start(["run", "films.toml"]);
    wait_for_arrivals(&origin, 300);
    origin.knobs(r#"{"down": true}"#);
    std::thread::sleep(Duration::from_millis(500));
    let before = origin.arrivals().count;
    std::thread::sleep(Duration::from_millis(2500));
    let knocks = origin.arrivals().count - before;
    origin.knobs(r#"{"down": false}"#);
    let back = Instant::now();
    wait(run).with_code(0);
    assert!(
        back.elapsed() <= at_most(Duration::from_secs(12)),
        "{:?} after the server was back",
        back.elapsed()
    );
    assert!(knocks <= 100, "a server that is down was asked {knocks} times in 2.5 s");
    all_answered(&sandbox, 1500);
}

/// Some 20 of 2,000 ids take a minute, which nobody waits for: two attempts in each of two rounds, 2 s each and all at
/// once, the rest within 3 s.
#[test]
fn ids_that_are_always_slow_do_not_hold_up_the_rest() {
    let arguments = ["--slow-ids-every", "100", "--slow-ms", "60000", "--latency-ms", "5"];
    let (_alone, origin, sandbox) = (alone(), Origin::start(&arguments), Sandbox::new());
    let endpoint = "timeout = \"2s\"\nretry = { attempts = 2, backoff = \"100ms\" }";
    Films { count: 2000, endpoint, ..Films::default() }.write(&sandbox, &origin);
    run_within(Duration::from_secs(16), &sandbox).with_code(0);
    let slow = pairs(&sandbox, "status = 'failed' AND kind = 'timeout'");
    assert!((5..=50).contains(&slow), "{slow} slow ids");
    assert_eq!(pairs(&sandbox, "status IN ('ok', 'missing')"), 2000 - slow);
    assert_eq!(pairs(&sandbox, "true"), 2000);
    assert_eq!(rows(&sandbox), 2000 - slow);
    let repeated = &origin.counts()["by_endpoint"]["omdb"]["repeated"];
    let repeated = repeated.as_object().unwrap();
    assert_eq!(repeated.len(), slow);
    assert!(repeated.values().all(|times| *times == 4), "two attempts in each of two rounds: {repeated:?}");
}

/// One process at a time for eight shards, in each some ids that nobody answers within 4 s: one after the other they would
/// take 32 s. With all processes together there are never more requests in flight than the job says.
#[test]
fn the_slow_ids_of_one_shard_do_not_keep_the_next_from_beginning() {
    let arguments = ["--slow-ids-every", "100", "--slow-ms", "60000", "--latency-ms", "5"];
    let (_alone, origin, sandbox) = (alone(), Origin::start(&arguments), Sandbox::new());
    let endpoint = "timeout = \"4s\"\nretry = { attempts = 1 }";
    let settings = "in_flight = 64\nretry_rounds = 0";
    Films { count: 2000, endpoint, settings, ..Films::default() }.write(&sandbox, &origin);
    let started = Instant::now();
    sandbox.run(["run", "films.toml", "--processes", "1"]).with_code(0);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(if is_soak() { 14 } else { 24 }), "{took:?}");
    let slow = pairs(&sandbox, "status = 'failed' AND kind = 'timeout'");
    assert!((9..=50).contains(&slow), "{slow} slow ids");
    assert_eq!(pairs(&sandbox, "status IN ('ok', 'missing')"), 2000 - slow);
    let most = origin.counts()["max_in_flight"].as_u64().unwrap();
    assert!((9..=64).contains(&most), "{most} in flight");
}

/// A tenth of 503s: nobody is left behind, and the server's failures do not stop the run.
#[test]
fn a_server_that_fails_one_request_in_ten_is_asked_until_all_is_there() {
    let arguments = ["--error-rate", "0.1", "--latency-ms", "5"];
    let (_alone, origin, sandbox) = (alone(), Origin::start(&arguments), Sandbox::new());
    let endpoint = "retry = { on = [503], attempts = 6, backoff = \"50ms\", deadline = \"10s\" }";
    Films { count: 2000, endpoint, ..Films::default() }.write(&sandbox, &origin);
    run_within(Duration::from_secs(12), &sandbox).with_code(0);
    all_answered(&sandbox, 2000);
    let asked = origin.counts()["total"].as_u64().unwrap();
    assert!((2100..=2400).contains(&asked), "{asked} requests");
}

/// What is not among `on` is not repeated.
#[test]
fn a_failure_that_the_job_does_not_name_is_final() {
    let (origin, sandbox) = (Origin::start(&["--error-rate", "0.1"]), Sandbox::new());
    let endpoint = "retry = { on = [429, \"timeout\"], attempts = 6, backoff = \"50ms\" }";
    Films { count: 500, settings: "retry_rounds = 0", endpoint, ..Films::default() }.write(&sandbox, &origin);
    sandbox.run(["run", "films.toml"]).with_code(0);
    assert_eq!(origin.counts()["total"], 500);
    let failed = pairs(&sandbox, "status = 'failed' AND http_status = 503 AND attempts = 1");
    assert!((25..=80).contains(&failed), "{failed}");
    assert_eq!(pairs(&sandbox, "status IN ('ok', 'missing')"), 500 - failed);
}

/// 8 at a time, 50 ms each: 160 a second at the most, 800 films in 5 s, and 9 s more
/// for the start, the end and what is in vain. With the 128 in flight that the job would allow,
/// an answer takes 800 ms, beyond the timeout: most work would be thrown away and done again.
#[test]
fn a_server_that_slows_down_under_load_is_not_driven_into_timeouts() {
    let arguments = ["--capacity", "8", "--latency-ms", "50"];
    let (_alone, origin, sandbox) = (alone(), Origin::start(&arguments), Sandbox::new());
    let endpoint = "timeout = \"700ms\"";
    Films { count: 800, endpoint, ..Films::default() }.write(&sandbox, &origin);
    run_within(Duration::from_secs(14), &sandbox).with_code(0);
    all_answered(&sandbox, 800);
    let asked = origin.counts()["total"].as_u64().unwrap();
    assert!(!is_soak() || asked <= 960, "{asked} requests: more than a fifth was in vain");
}

/// A second endpoint, of another host, whose failures leave nulls.
fn at_another_host(gone: &Origin) -> String {
    format!(
        "on_failure = \"null\"\n\n[[endpoint]]\nname = \"business\"\nurl = \"{}/business/{{imdb_id}}\"\n\
         missing = [404]\non_failure = \"null\"\nretry = {{ attempts = 3, backoff = \"50ms\" }}\n\
         columns = {{ budget = \".budget[0]\" }}",
        gone.url()
    )
}

/// Two endpoints of which one is nowhere: the other's answers are all there, and the run ends.
#[test]
fn a_host_that_is_gone_for_good_does_not_hold_up_the_other() {
    let (_alone, origin, sandbox) = (alone(), Origin::start(&["--latency-ms", "5"]), Sandbox::new());
    let mut gone = Origin::start(&[]);
    let dead = at_another_host(&gone);
    let job = Films { count: 600, settings: "patience = \"2s\"", endpoint: &dead, ..Films::default() };
    job.write(&sandbox, &origin);
    gone.kill();
    run_within(Duration::from_secs(14), &sandbox).with_code(0);
    assert_eq!(pairs(&sandbox, "endpoint = 'omdb' AND status IN ('ok', 'missing')"), 600);
    assert_eq!(origin.counts()["by_endpoint"]["omdb"]["repeated"], serde_json::json!({}));
    let failed = "endpoint = 'business' AND status = 'failed' AND kind IN ('connect', 'host_down') AND worth_repeating";
    assert_eq!((pairs(&sandbox, failed), pairs(&sandbox, "true"), rows(&sandbox)), (600, 1200, 600));
    let _back = Origin::on_port(gone.port, &[]);
    sandbox.run(["retry", "films"]).with_code(0);
    assert_eq!(pairs(&sandbox, "endpoint = 'business' AND status IN ('ok', 'missing')"), 600);
}

/// The other goes on to its end; then the one that went away is waited for.
#[test]
fn a_host_that_goes_away_is_left_to_the_end_and_waited_for() {
    let (_alone, origin, sandbox) = (alone(), Origin::start(&["--latency-ms", "20"]), Sandbox::new());
    let mut gone = Origin::start(&["--latency-ms", "20"]);
    let other = at_another_host(&gone);
    // Longer than the other may take on a busy machine.
    let settings = "patience = \"10m\"\nin_flight = 32";
    let job = Films { count: 3000, settings, endpoint: &other, ..Films::default() };
    job.write(&sandbox, &origin);
    let run = sandbox.start(["run", "films.toml"]);
    until(Duration::from_secs(20), "both answer", || gone.counts()["total"].as_u64() >= Some(300));
    gone.kill();
    until(Duration::from_secs(15), "the other goes on", || origin.counts()["total"].as_u64() == Some(3000));
    // Longer than the processes of the next round, which never heard of it themselves, wait for one that nobody ever did.
    std::thread::sleep(Duration::from_secs(5));
    let _back = Origin::on_port(gone.port, &[]);
    wait(run).with_code(0);
    assert_eq!(pairs(&sandbox, "status IN ('ok', 'missing')"), 6000);
    assert_eq!((pairs(&sandbox, "true"), rows(&sandbox)), (6000, 3000));
}
