//! What a worker tells over HTTP while it works, how it is run as a service, and what its runs do not pay for.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use super::on_both;
use super::stage::{SOON, Server, Stage, end, failing};
use crate::support::processes::until;
use crate::support::{Sandbox, ended, free_port};

on_both!(
    its_figures_are_what_it_did,
    a_worker_that_cannot_look_at_its_queue_is_ill_for_as_long,
    an_address_that_is_taken_is_told_before_anything_is_claimed,
    a_run_of_jobs_is_not_synced,
);

impl Stage {
    /// Has the worker answer there.
    fn listening(&self, port: u16) {
        self.change("[job]\n", &format!("[job]\nlisten = \"127.0.0.1:{port}\"\n"));
    }
}

/// The status and the body of an answer; none while nobody listens.
fn asked(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, body.to_owned()))
}

fn is_well(port: u16) -> bool {
    asked(port, "/healthz").is_some_and(|answer| answer == (200, "ok\n".to_owned()))
}

/// A figure of the worker.
fn figure(port: u16, name: &str) -> Option<f64> {
    let (status, text) = asked(port, "/metrics")?;
    assert_eq!(status, 200);
    let start = format!("windrow_queue_{name}{{windrow_job=\"jobs\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok())
}

fn its_figures_are_what_it_did(on: Server) {
    let (stage, port) = (Stage::new(on), free_port());
    stage.listening(port);
    // One fails twice and is done then, one is refused for good.
    stage.origin.knobs(&failing([3], 503, Some(2)));
    stage.insert(1..=5);
    stage.sql("INSERT INTO jobs (id, target) VALUES (6, 'a/../b')");
    let worker = stage.start();
    stage.wait_for("done", 5);
    let of = |name: &str| figure(port, name).unwrap_or(-1.0);
    until(SOON, "all are settled, and counted", || of("jobs_done_total") + of("jobs_died_total") == 6.0);
    let done = [of("jobs_done_total"), of("jobs_died_total"), of("failed_attempts_total")];
    let counted = stage.states();
    assert_eq!(done[0] as u64, counted["done"], "{counted:?}");
    assert_eq!(done[1] as u64, counted.get("failed").copied().unwrap_or(0), "{counted:?}");
    assert!(done[2] >= 2.0, "{done:?}");
    assert_eq!(of("http_requests_total") as u64, stage.asked());
    assert_eq!((of("database_up"), of("batches_dropped_total")), (1.0, 0.0));
    // Each batch took its time, and its process was seen to begin.
    let batches = of("batch_seconds_count");
    assert!(batches >= 3.0 && of("batch_seconds_sum") > 0.0, "{batches}");
    assert_eq!(of("pick_up_seconds_count"), batches);
    until(SOON, "none is under way", || of("batches_under_way") == 0.0);
    assert!(is_well(port));
    end(worker).saying(&format!("http://127.0.0.1:{port}/healthz and /metrics tell how it goes"));
    assert_eq!(asked(port, "/healthz"), None, "nobody listens any more");
}

/// sidekiq/sidekiq#6179, que-rb/que#260: nothing answers about work that is stuck, or "ok" is said while nothing is looked at.
fn a_worker_that_cannot_look_at_its_queue_is_ill_for_as_long(on: Server) {
    let (stage, port) = (Stage::new(on), free_port());
    stage.listening(port);
    let worker = stage.start();
    // Its table is there before it has looked at the queue: what is locked until then keeps it from beginning.
    stage.insert([1]);
    stage.wait_for("done", 1);
    assert!(is_well(port));
    let held = on.own([
        "BEGIN; LOCK TABLE windrow_claims IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(14); COMMIT",
        "LOCK TABLES windrow_claims WRITE; DO SLEEP(14); UNLOCK TABLES",
    ]);
    let mut jobs = 1;
    std::thread::scope(|scope| {
        scope.spawn(|| stage.sql(held));
        // Nobody claims where no job waits.
        until(SOON, "it is ill", || {
            jobs += 1;
            stage.insert([jobs]);
            std::thread::sleep(Duration::from_millis(200));
            asked(port, "/healthz").is_some_and(|(status, why)| {
                status == 503
                    && (why.contains("was not looked at") || why.contains("the database has failed"))
            })
        });
    });
    until(SOON, "it is well again", || is_well(port));
    stage.wait_for("done", jobs);
    end(worker);
}

/// prometheus/client_python#667, dramatiq's middleware: a second worker with the same port dies of it, amid its jobs.
fn an_address_that_is_taken_is_told_before_anything_is_claimed(on: Server) {
    let stage = Stage::new(on);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    stage.listening(taken.local_addr().unwrap().port());
    stage.insert(1..=2);
    let told = stage.work().with_code(2).saying("cannot listen on 127.0.0.1:");
    told.saying("Address already in use").saying("hint: another process listens there");
    assert_eq!((stage.asked(), stage.count("new"), stage.claims()), (0, 2, 0));
}

/// What a lease brings back need not be on the disk: a batch of one job would wait for it some twenty times.
fn a_run_of_jobs_is_not_synced(on: Server) {
    let stage = Stage::new(on);
    stage.insert(1..=3);
    let synced = synced_in_runs(&stage.sandbox, &["work", "jobs.toml", "--until-empty"]);
    assert!(synced.is_empty(), "{synced:?}");
    stage.is_settled(3);
    // That of a list is.
    let list = "[job]\nname = \"list\"\n[input]\nids = [\"1\"]\nid = \"id\"\n[[endpoint]]\nname = \"echo\"\n\
                url = \"ORIGIN/echo/{id}\"\ncolumns = { target = \".target\" }\n[table]\nto = \"duckdb:list.duckdb\"\n";
    stage.sandbox.write("list.toml", list.replace("ORIGIN", &stage.origin.url()));
    let synced = synced_in_runs(&stage.sandbox, &["run", "list.toml"]);
    assert!(synced.iter().any(|path| path.contains("000000000.json")), "its commit: {synced:?}");
}

/// What of the folders of runs was synced while the program ran.
#[track_caller]
fn synced_in_runs(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let calls = sandbox.path().join("calls");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-y", "-e", "trace=fsync,fdatasync,sync_file_range,syncfs", "-o"]);
    command.arg(&calls).arg(env!("CARGO_BIN_EXE_windrow")).args(arguments);
    sandbox.confine(&mut command);
    ended(command).with_code(0);
    let text = std::fs::read_to_string(calls).unwrap();
    text.lines().filter(|line| line.contains("/shards/")).map(str::to_owned).collect()
}

const UNIT: &str = include_str!("../../../docs/windrow-work@.service");

/// The service that the documentation hands out is one that systemd takes, with this program in it.
#[test]
fn systemd_takes_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("windrow-work@jobs.service");
    std::fs::write(&file, UNIT.replace("/usr/local/bin/windrow", env!("CARGO_BIN_EXE_windrow"))).unwrap();
    let mut verify = Command::new("systemd-analyze");
    let told = verify.arg("verify").arg(&file).output().expect("`make test-needs` installs systemd");
    let words = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.status.success() && words.is_empty(), "{words}");
    // It stops with the signal's code, and is not started again over a mistake in the job.
    for line in ["SuccessExitStatus=129 130 143", "RestartPreventExitStatus=2", "KillMode=mixed"] {
        assert!(UNIT.lines().any(|of| of == line), "{line}");
    }
}

/// What that service lets a program call: all that a worker and its processes do.
#[test]
fn the_unit_lets_a_worker_call_what_it_calls() {
    let stage = Stage::new(Server::Postgres);
    stage.listening(free_port());
    stage.insert(1..=2);
    let calls = stage.sandbox.path().join("calls");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-c", "-U", "name", "-o"]).arg(&calls).arg(env!("CARGO_BIN_EXE_windrow"));
    command.args(["work", "jobs.toml", "--until-empty"]);
    stage.sandbox.confine(&mut command);
    ended(command).with_code(0);
    let sets = UNIT.lines().find_map(|line| line.strip_prefix("SystemCallFilter=")).expect("a filter");
    let allowed: Vec<String> = sets.split(' ').flat_map(allowed).collect();
    let made = std::fs::read_to_string(calls).unwrap();
    let made = made.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains(' '));
    let made: Vec<&str> =
        made.filter(|call| !["syscall", "total"].contains(call) && !call.starts_with('-')).collect();
    assert!(made.len() > 30, "{made:?}");
    let refused: Vec<&&str> = made.iter().filter(|call| !allowed.iter().any(|one| one == **call)).collect();
    assert!(refused.is_empty(), "the unit would refuse {refused:?}");
}

/// The calls of a set of systemd's, with those of the sets in it.
fn allowed(set: &str) -> Vec<String> {
    let listed = Command::new("systemd-analyze").args(["syscall-filter", set]).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    let words = text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    words.flat_map(|word| if word.starts_with('@') { allowed(word) } else { vec![word.to_owned()] }).collect()
}
