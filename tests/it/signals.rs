//! SIGINT, SIGTERM and SIGHUP: the first drains and commits, the second stops at once; a supervisor takes its children
//! with it; and what is being worked on is nobody else's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgid};

use crate::support::processes::{children_of, naming, until};
use crate::support::{
    Ended, Origin, Sandbox, film_ids, films_job, published, published_films, small_job, wait,
};

const FILMS: usize = 600;
/// Two endpoints.
const PAIRS: u64 = 2 * FILMS as u64;
/// Longest wait for what comes soon.
const SOON: Duration = Duration::from_secs(20);
/// No answer comes within a test.
const ENDLESS: &str = r#"{"latency_ms": 30000}"#;
/// Answers come one by one, so that a signal finds some pairs of a block asked and others not, and all take long enough
/// for one that comes late on a busy machine.
const SLOW: &str = r#"{"latency_ms": 1000, "jitter_ms": 2000}"#;
/// Requests in flight at once that a job has by default.
const IN_FLIGHT: u64 = 128;

/// A job whose requests come to nothing by themselves within the test, or slowly.
struct Slow {
    sandbox: Sandbox,
    origin: Origin,
    job: PathBuf,
}

impl Slow {
    fn new(knobs: &str) -> Slow {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let job = small_job(&sandbox, &origin, FILMS, "", "");
        origin.knobs(knobs);
        Slow { sandbox, origin, job }
    }

    /// A planned run, to be worked by hand.
    fn planned(knobs: &str) -> (Slow, PathBuf) {
        let slow = Slow::new(knobs);
        slow.sandbox.run(["plan", "small.toml"]).with_code(0);
        let run = slow.sandbox.newest_run("small");
        (slow, run)
    }

    fn start(&self, arguments: [&str; 2]) -> Child {
        let mut command = std::process::Command::new("env");
        self.sandbox.confine(&mut command);
        // The tests themselves may run under `nohup`.
        command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_windrow")]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn start_run(&self) -> Child {
        self.start(["run", self.job.to_str().unwrap()])
    }

    fn start_shard(&self, run: &std::path::Path) -> Child {
        let mut command = self.sandbox.command(["shard", run.to_str().unwrap(), "0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn asked(&self) -> u64 {
        self.origin.counts()["total"].as_u64().unwrap()
    }

    fn wait_until_asked(&self, requests: u64) {
        until(SOON, "requests arrive", || self.asked() >= requests);
    }

    /// Pairs of the ledger by status.
    fn pairs(&self) -> BTreeMap<String, u64> {
        let lines = self.sandbox.query("small", "SELECT status, count(*) FROM requests GROUP BY 1");
        let pair = |line: &String| {
            let (status, count) = line.split_once(',').unwrap();
            (status.to_owned(), count.parse().unwrap())
        };
        lines.iter().map(pair).collect()
    }

    /// The job goes on and ends well: everything is there.
    #[track_caller]
    fn finishes(&self) {
        self.origin.knobs(r#"{"latency_ms": 0, "jitter_ms": 0}"#);
        let run = self.sandbox.newest_run("small");
        self.sandbox.run(["run", self.job.to_str().unwrap()]).with_code(0).saying("continuing run");
        assert_eq!(self.sandbox.newest_run("small"), run);
        assert_eq!(published_films(&self.sandbox.path().join("small.duckdb")).len(), FILMS);
        let pairs = self.pairs();
        assert_eq!(pairs.values().sum::<u64>(), PAIRS);
        assert!(pairs.keys().all(|status| ["ok", "missing"].contains(&status.as_str())), "{pairs:?}");
    }

    /// How often each film was asked for, the most often asked pair first.
    fn most_asked(&self) -> u64 {
        let counts = self.origin.counts();
        let of =
            |endpoint: &str, id: &String| counts["by_endpoint"][endpoint]["counts"][id].as_u64().unwrap();
        let ids = film_ids(FILMS);
        ids.iter().flat_map(|id| [of("omdb", id), of("business", id)]).max().unwrap()
    }
}

fn send(process: &Child, signal: Signal) {
    kill(Pid::from_raw(process.id() as i32), signal).unwrap();
}

/// What a drained process leaves: every answer that came is kept, what was not asked is deferred or unopened.
#[track_caller]
fn drained(slow: &Slow, ended: Ended, code: i32) {
    ended.with_code(code);
    let (asked, pairs) = (slow.asked(), slow.pairs());
    let kept = pairs.get("ok").unwrap_or(&0) + pairs.get("missing").unwrap_or(&0);
    assert_eq!(kept, asked, "every request that was sent is in the ledger: {pairs:?}");
    let deferred = pairs.get("waiting").copied().unwrap_or(0);
    assert!(deferred > 0, "some pairs of open blocks had not been asked: {pairs:?}");
    assert_eq!(kept + deferred, pairs.values().sum::<u64>(), "and nothing failed: {pairs:?}");
}

#[track_caller]
fn a_signal_drains_a_run(signal: Signal, code: i32) {
    let slow = Slow::new(SLOW);
    let run = slow.start_run();
    slow.wait_until_asked(150);
    send(&run, signal);
    drained(&slow, wait(run).saying("nothing is published, what was fetched is kept"), code);
    assert!(naming(slow.sandbox.path()).is_empty(), "no child is left");
    slow.finishes();
    assert_eq!((slow.asked(), slow.most_asked()), (PAIRS, 1), "nothing is asked twice");
}

#[test]
fn sigint_drains_a_run_and_the_next_one_asks_only_for_the_rest() {
    a_signal_drains_a_run(Signal::SIGINT, 130);
}

#[test]
fn sigterm_drains_a_run_and_the_next_one_asks_only_for_the_rest() {
    a_signal_drains_a_run(Signal::SIGTERM, 143);
}

/// The kernel and the shell may both tell that a terminal is closed.
#[test]
fn a_closed_terminal_drains_a_run_however_often_it_is_told() {
    let slow = Slow::new(SLOW);
    let mut run = slow.start_run();
    slow.wait_until_asked(150);
    drop((run.stdout.take(), run.stderr.take()));
    for _ in 0..3 {
        send(&run, Signal::SIGHUP);
        // Long enough to be dealt with; the answers that are under way take longer.
        std::thread::sleep(Duration::from_millis(30));
    }
    drained(&slow, wait(run), 129);
    slow.finishes();
    assert_eq!((slow.asked(), slow.most_asked()), (PAIRS, 1), "nothing is asked twice");
}

#[test]
fn a_closed_terminal_is_nothing_to_a_run_under_nohup() {
    let slow = Slow::new(r#"{"latency_ms": 50}"#);
    let mut shell = std::process::Command::new("sh");
    slow.sandbox.confine(&mut shell);
    // As `nohup` does it.
    shell.args(["-c", "trap '' HUP; exec \"$0\" run small.toml", env!("CARGO_BIN_EXE_windrow")]);
    let run = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    slow.wait_until_asked(50);
    let told = children_of(run.id()).into_iter().chain([run.id() as i32]);
    told.for_each(|process| kill(Pid::from_raw(process), Signal::SIGHUP).unwrap());
    wait(run).with_code(0).saying("published 600 rows");
}

#[track_caller]
fn a_signal_drains_a_shard(signal: Signal, code: i32) {
    let (slow, folder) = Slow::planned(SLOW);
    let shard = slow.start_shard(&folder);
    slow.wait_until_asked(100);
    send(&shard, signal);
    drained(&slow, wait(shard).saying("interrupted"), code);
    slow.finishes();
    assert_eq!((slow.asked(), slow.most_asked()), (PAIRS, 1), "nothing is asked twice");
}

#[test]
fn sigint_drains_a_shard_run_by_hand() {
    a_signal_drains_a_shard(Signal::SIGINT, 130);
}

#[test]
fn sigterm_drains_a_shard_run_by_hand() {
    a_signal_drains_a_shard(Signal::SIGTERM, 143);
}

/// Two signals. The process lives on after the first, and ends at the second long before an answer comes.
#[track_caller]
fn ends_at_the_second(mut process: Child, signal: Signal, code: i32) {
    send(&process, signal);
    std::thread::sleep(Duration::from_millis(300));
    assert!(process.try_wait().unwrap().is_none(), "the first signal waits for what is under way");
    send(&process, signal);
    until(Duration::from_secs(1), "the second signal ends it", || process.try_wait().unwrap().is_some());
    wait(process).with_code(code);
}

/// And then nothing is lost.
#[track_caller]
fn stopped_at_once(slow: &Slow, process: Child, signal: Signal, code: i32) {
    ends_at_the_second(process, signal, code);
    until(Duration::from_secs(2), "no child is left", || naming(slow.sandbox.path()).is_empty());
    slow.finishes();
    assert!(slow.most_asked() <= 2, "what was in flight is asked once more");
}

#[test]
fn the_second_signal_stops_a_run_at_once() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let slow = Slow::new(ENDLESS);
        let run = slow.start_run();
        slow.wait_until_asked(50);
        stopped_at_once(&slow, run, signal, code);
    }
}

#[test]
fn the_second_signal_ends_even_a_list_that_does_not_end() {
    let slow = Slow::new(ENDLESS);
    let text = std::fs::read_to_string(&slow.job).unwrap();
    slow.sandbox.write("small.toml", text.replace(r#"file = "ids.txt""#, r#"file = "-""#));
    let mut command = slow.sandbox.command(["run", slow.job.to_str().unwrap()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    // It has begun to read once it has made room for the run.
    until(SOON, "the run is planned", || slow.sandbox.path().join("shards/small").exists());
    ends_at_the_second(run, Signal::SIGINT, 130);
}

#[test]
fn the_second_signal_stops_a_shard_at_once() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let (slow, folder) = Slow::planned(ENDLESS);
        let shard = slow.start_shard(&folder);
        slow.wait_until_asked(50);
        stopped_at_once(&slow, shard, signal, code);
    }
}

#[test]
fn the_children_of_a_killed_supervisor_are_gone_within_two_seconds() {
    let slow = Slow::new(ENDLESS);
    let mut run = slow.start_run();
    slow.wait_until_asked(50);
    let children = children_of(run.id());
    assert!(!children.is_empty());
    assert_eq!(naming(slow.sandbox.path()).len(), children.len() + 1);
    run.kill().unwrap();
    run.wait().unwrap();
    until(Duration::from_secs(2), "the children end", || naming(slow.sandbox.path()).is_empty());
    slow.finishes();
}

#[test]
fn a_key_pressed_at_the_terminal_reaches_the_supervisor_alone() {
    let slow = Slow::new(ENDLESS);
    let mut run = slow.start_run();
    slow.wait_until_asked(50);
    let group = |pid: i32| getpgid(Some(Pid::from_raw(pid))).unwrap();
    for child in children_of(run.id()) {
        assert_ne!(group(child), group(run.id() as i32));
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn a_child_whose_supervisor_is_gone_does_not_begin() {
    let (slow, run) = Slow::planned(ENDLESS);
    let orphan = slow.sandbox.run(["shard", run.to_str().unwrap(), "0", "--supervised-by", "1"]);
    orphan.with_code(2).saying("the supervisor (process 1) is gone");
    assert_eq!(slow.asked(), 0);
}

#[test]
fn a_run_that_goes_on_is_left_alone_by_everyone_else() {
    let slow = Slow::new(ENDLESS);
    let mut run = slow.start_run();
    slow.wait_until_asked(50);
    let folder = slow.sandbox.newest_run("small");
    // One child may ask as much as both before the other has begun.
    until(SOON, "the first shard is worked on", || {
        std::fs::read(folder.join("00000/shard.lock")).is_ok_and(|holder| !holder.is_empty())
    });
    let job = slow.job.to_str().unwrap();
    slow.sandbox.run(["run", job]).with_code(3).saying("is in use by another windrow process");
    slow.sandbox.run(["merge", "small"]).with_code(3).saying("is in use by another windrow process");
    let shard = slow.sandbox.run(["shard", folder.to_str().unwrap(), "0"]).with_code(3);
    shard.saying("shard 0 of run").saying("is in use by another windrow process");
    assert!(slow.asked() <= IN_FLIGHT, "nobody else asked anything");
    assert_eq!(slow.sandbox.newest_run("small"), folder, "nor planned a second run");
    run.kill().unwrap();
    run.wait().unwrap();
    until(SOON, "the children end", || naming(slow.sandbox.path()).is_empty());
    slow.finishes();
}

#[test]
fn a_shard_worked_by_hand_is_left_alone_by_everyone_else() {
    let (slow, folder) = Slow::planned(ENDLESS);
    let mut shard = slow.start_shard(&folder);
    slow.wait_until_asked(50);
    let second = slow.sandbox.run(["shard", folder.to_str().unwrap(), "0"]).with_code(3);
    second.saying("is in use by another windrow process").saying("hint: wait for it to end");
    shard.kill().unwrap();
    shard.wait().unwrap();
    slow.finishes();
}

#[test]
fn a_shard_whose_last_holder_is_still_dying_is_waited_for() {
    let (slow, folder) = Slow::planned(r#"{"latency_ms": 0}"#);
    let dying = std::fs::File::create(folder.join("00000/shard.lock")).unwrap();
    dying.lock().unwrap();
    let shard = slow.start_shard(&folder);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(slow.asked(), 0);
    drop(dying);
    wait(shard).with_code(0);
    slow.finishes();
}

/// The database is open, and the load has hardly begun: the process stands still until `meanwhile` is done.
fn amid_the_load(process: &Child, database: &str, meanwhile: impl FnOnce()) {
    let opened = || {
        let files = std::fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap();
        files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|path| path.ends_with(database)))
    };
    let deadline = Instant::now() + SOON;
    while !opened() {
        assert!(Instant::now() < deadline, "{database} is not opened");
        std::thread::sleep(Duration::from_millis(1));
    }
    send(process, Signal::SIGSTOP);
    meanwhile();
    send(process, Signal::SIGCONT);
}

#[test]
fn a_signal_amid_the_load_publishes_nothing() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = films_job(&sandbox, &origin);
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let merge = ["merge", "movies", "--to", "duckdb:other.duckdb"];
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let mut command = sandbox.command(merge);
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        amid_the_load(&process, "other.duckdb", || send(&process, signal));
        wait(process).with_code(code).saying("interrupted; nothing is published");
        let tables =
            published(&sandbox.path().join("other.duckdb"), "SELECT table_name FROM duckdb_tables()");
        assert_eq!(tables, Vec::<String>::new());
    }
    sandbox.run(merge).with_code(0).saying("published 22,305 rows");
}
