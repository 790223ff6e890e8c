//! What is known of limits and hosts is shown, and goes: by itself, or when somebody says so.

use std::time::Duration;

use super::{Films, all_answered, wait_for_arrivals};
use crate::support::processes::{children_of, kill_9, until};
use crate::support::{Origin, Sandbox};

#[test]
fn a_pause_of_thirty_days_is_shown_and_lifted() {
    let (origin, sandbox) = (Origin::start(&[]), Sandbox::new());
    let job = Films { count: 50, settings: "in_flight = 1", ..Films::default() };
    job.write(&sandbox, &origin);
    origin.knobs(r#"{"refuse_next": 1, "retry_after": 2592000}"#);
    sandbox.run(["run", "films.toml"]).with_code(7).saying("`windrow limits` shows what it waits for");
    let asked = origin.counts()["total"].clone();
    sandbox.run(["run", "films.toml"]).with_code(7);
    assert_eq!(origin.counts()["total"], asked, "nobody asks it");
    let shown = sandbox.run(["limits"]).with_code(0).stdout;
    let name = format!("127.0.0.1:{}", origin.port);
    let line = shown.lines().find(|line| line.starts_with(&name)).unwrap_or_else(|| panic!("{shown}"));
    assert!(line.contains("host") && line.contains("paused: it is asked again on "), "{line}");
    sandbox.run(["prune", "films", "--keep", "1"]).with_code(0);
    assert_eq!(sandbox.budgets("host-").len(), 1, "a pause that holds is not swept");
    sandbox.run(["limits", "--forget", "127.0.0.1"]).with_code(0).saying(&format!("{name}: forgotten"));
    sandbox.run(["limits"]).with_code(0).saying("no limit is used");
    sandbox.run(["run", "films.toml"]).with_code(0);
    all_answered(&sandbox, 50);
    assert!(sandbox.budgets("").is_empty());
    sandbox.run(["limits", "--forget", &name]).with_code(2).saying("nothing is known of 127.0.0.1");
}

#[test]
fn a_quota_is_shown_with_what_is_left_and_outlives_everything() {
    let (origin, sandbox) = (Origin::start(&[]), Sandbox::new());
    Films { count: 50, limit: "quota = \"100000/day\"", ..Films::default() }.write(&sandbox, &origin);
    sandbox.run(["run", "films.toml"]).with_code(0);
    sandbox.run(["prune", "films", "--keep", "1"]).with_code(0);
    let name = format!("127.0.0.1:{}", origin.port);
    sandbox.run(["limits", "--forget", &name]).with_code(2).saying("a quota is not forgotten");
    let shown = sandbox.run(["limits"]).with_code(0).stdout;
    let line = shown.lines().find(|line| line.starts_with(&name)).unwrap_or_else(|| panic!("{shown}"));
    assert!(
        line.contains("limit") && line.contains("quota: 50 used, 99,950 left of 100,000; a new one on "),
        "{line}"
    );
}

#[test]
fn what_killed_processes_leave_of_a_host_is_swept() {
    let (origin, sandbox) = (Origin::start(&["--arrivals", "--latency-ms", "50"]), Sandbox::new());
    let limit = "quota = \"100000/day\"";
    Films { count: 2000, limit, settings: "in_flight = 8", ..Films::default() }.write(&sandbox, &origin);
    let mut run = sandbox.start(["run", "films.toml"]);
    wait_for_arrivals(&origin, 100);
    sandbox.run(["prune", "films", "--keep", "1"]).with_code(0);
    assert_eq!(sandbox.budgets("host-").len(), 1, "it is asked");
    let children = children_of(run.id());
    children.into_iter().for_each(kill_9);
    run.kill().unwrap();
    run.wait().unwrap();
    until(Duration::from_secs(10), "all children are gone", || {
        sandbox.run(["limits"]).with_code(0).stdout.lines().all(|line| !line.contains(" host "))
    });
    assert_eq!(sandbox.budgets("host-").len(), 1);
    let dry = sandbox.run(["prune", "films", "--keep", "1", "--dry-run"]).with_code(0);
    dry.saying("1 file of hosts that nobody asks would be removed");
    assert_eq!(sandbox.budgets("host-").len(), 1);
    sandbox
        .run(["prune", "films", "--keep", "1"])
        .with_code(0)
        .saying("1 file of hosts that nobody asks removed");
    assert_eq!((sandbox.budgets("host-").len(), sandbox.budgets("limit-").len()), (0, 1));
}
