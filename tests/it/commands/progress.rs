//! What a person sees on a terminal while a run works, as an emulator of a terminal shows it.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use vt100::Parser;

use crate::postgres_server;
use crate::support::processes::until;
use crate::support::{Origin, Sandbox, ended, is_soak, small_job, wait};

/// How soon it is to be seen; ten times as long on a busy machine.
const SOON: Duration = Duration::from_secs(2);

/// A terminal with a command on it.
struct Terminal {
    screen: Arc<Mutex<Parser>>,
    master: File,
    run: Child,
}

impl Terminal {
    fn of(sandbox: &Sandbox, width: u16) -> Terminal {
        Terminal::with(sandbox, width, &["run", "small.toml"])
    }

    fn with(sandbox: &Sandbox, width: u16, words: &[&str]) -> Terminal {
        let terminal = openpty(&size(width), None).unwrap();
        let mut command = sandbox.command(words);
        command.env("TERM", "xterm").env("LC_ALL", if width == 60 { "C" } else { "C.UTF-8" });
        command.stdout(Stdio::null()).stderr(Stdio::from(terminal.slave));
        let run = command.spawn().unwrap();
        drop(command);
        let screen = Arc::new(Mutex::new(Parser::new(24, width, 0)));
        let master = File::from(terminal.master);
        let (drawn, mut reading) = (screen.clone(), master.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of a terminal that nobody writes to any more is an error.
            while let Ok(count @ 1..) = reading.read(&mut bytes) {
                drawn.lock().unwrap().process(&bytes[..count]);
            }
        });
        Terminal { screen, master, run }
    }

    /// The window is so wide from now on.
    fn resize(&self, width: u16) {
        // SAFETY: the descriptor is open and the size lives through the call, which only reads it.
        let done = unsafe { nix::libc::ioctl(self.master.as_raw_fd(), nix::libc::TIOCSWINSZ, &size(width)) };
        assert_eq!(done, 0);
        self.screen.lock().unwrap().screen_mut().set_size(24, width);
    }

    fn lines(&self) -> Vec<String> {
        let parser = self.screen.lock().unwrap();
        let (_, width) = parser.screen().size();
        parser.screen().rows(0, width).collect()
    }

    fn shows(&self, text: &str) -> bool {
        self.lines().iter().any(|line| line.contains(text))
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        until(SOON, &format!("{text} is seen"), || self.shows(text));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:#?}", self.lines());
        }
        // It has ended, but for a test that fails.
        let _ = self.run.kill();
        let _ = self.run.wait();
    }
}

fn size(width: u16) -> Winsize {
    Winsize { ws_row: 24, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 }
}

#[test]
fn a_server_that_goes_away_is_named_with_the_reason_until_it_is_back() {
    let sandbox = Sandbox::new();
    let mut origin = Origin::start(&["--latency-ms", "100"]);
    small_job(&sandbox, &origin, 1200, "in_flight = 16", "");
    let mut terminal = Terminal::of(&sandbox, 100);
    terminal.wait_for("16 in flight");
    terminal.wait_for("held by: in_flight (8 in each process)");
    assert!(!terminal.shows("waiting: "), "{:#?}", terminal.lines());
    origin.kill();
    let waiting = format!("waiting: 127.0.0.1:{} does not answer (no connection); given up in ", origin.port);
    terminal.wait_for(&waiting);
    let _back = Origin::on_port(origin.port, &["--latency-ms", "1"]);
    until(SOON, "it is there again", || !terminal.shows("waiting: "));
    assert_eq!(terminal.run.wait().unwrap().code(), Some(0), "{:#?}", terminal.lines());
}

#[test]
fn what_holds_a_run_back_is_one_line_of_those_that_fit_the_terminal() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--latency-ms", "20"]);
    for width in [60, 80, 100, 200] {
        small_job(&sandbox, &origin, 1200, "", "limit = \"slow\"");
        sandbox.edit("small.toml", "[defaults]", "[limit.slow]\nrate = \"100/s\"\n\n[defaults]");
        let mut terminal = Terminal::of(&sandbox, width);
        terminal.wait_for("held by: the limit 100/s of slow");
        terminal.wait_for("0 failed");
        let lines = terminal.lines();
        let title = lines.iter().position(|line| line.starts_with("small   run ")).expect("a title");
        let bar = &lines[title + 1];
        let wide = usize::from(width).min(80);
        assert_eq!(bar.trim_end().chars().count(), wide, "a bar, and a share: {lines:#?}");
        assert_eq!(bar.is_ascii(), width == 60, "as the locale can show it: {bar}");
        assert!(lines[title + 2].contains(" of 2,400 requests done, "), "{lines:#?}");
        assert!(lines[title + 3].starts_with("0 failed"), "{lines:#?}");
        assert!(lines[title + 4].contains(" shards done; at work: "), "{lines:#?}");
        assert!(lines[title + 5].starts_with("held by: "), "{lines:#?}");
        assert!(lines[title + 6..].iter().all(String::is_empty), "no line is wrapped or torn: {lines:#?}");
        signal(&terminal.run, Signal::SIGTERM);
        terminal.run.wait().unwrap();
        sandbox.run(["prune", "small", "--unfinished"]);
    }
}

fn pid(child: &Child) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap())
}

/// A run that takes long enough to be looked at.
fn slow_run() -> (Sandbox, Origin) {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&["--latency-ms", "100"]));
    small_job(&sandbox, &origin, 2400, "in_flight = 16", "");
    (sandbox, origin)
}

fn until_it_has_begun(sandbox: &Sandbox) {
    until(SOON, "it has begun", || log_has(sandbox, "\"in_flight\":16"));
}

/// Whether a line of a run's pulses has this.
fn log_has(sandbox: &Sandbox, text: &str) -> bool {
    let runs = std::fs::read_dir(sandbox.path().join("shards/small")).into_iter().flatten().flatten();
    let mut logs = runs.filter_map(|run| std::fs::read_to_string(run.path().join("pulse.jsonl")).ok());
    logs.any(|log| log.contains(text))
}

fn signal(child: &Child, signal: Signal) {
    kill(pid(child), signal).unwrap();
}

#[test]
fn a_window_that_becomes_narrower_shows_each_line_once() {
    let (sandbox, _origin) = slow_run();
    let mut terminal = Terminal::of(&sandbox, 120);
    terminal.wait_for("16 in flight");
    for width in [60, 90] {
        terminal.resize(width);
        let is_whole = || {
            let lines = terminal.lines();
            let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
            let wide = usize::from(width).min(80);
            let has_bar = lines
                .iter()
                .any(|line| line.starts_with(['█', '░', '#', '.']) && line.chars().count() == wide);
            ["small   run ", " requests done, ", " shards done", "held by: "].map(count) == [1; 4] && has_bar
        };
        until(SOON, &format!("{width}: {:#?}", terminal.lines()), is_whole);
    }
    signal(&terminal.run, Signal::SIGTERM);
    terminal.run.wait().unwrap();
}

#[test]
fn a_server_that_asks_for_pauses_is_named_with_how_many() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--latency-ms", "50", "--rate-429", "0.05", "--retry-after", "2"]);
    small_job(&sandbox, &origin, 1200, "in_flight = 16", "");
    let mut terminal = Terminal::of(&sandbox, 100);
    terminal.wait_for(&format!("waiting: 127.0.0.1:{} asks for a pause; asked again in ", origin.port));
    terminal.wait_for("(2 pauses, ");
    assert!(terminal.shows(", p50 5"), "{:#?}", terminal.lines());
    signal(&terminal.run, Signal::SIGTERM);
    terminal.run.wait().unwrap();
}

#[test]
fn a_quota_that_will_not_do_is_told_with_what_is_left() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--latency-ms", "100"]);
    small_job(&sandbox, &origin, 1200, "in_flight = 4", "limit = \"shop\"");
    sandbox.edit("small.toml", "[defaults]", "[limit.shop]\nquota = \"1000/day\"\n\n[defaults]");
    let mut terminal = Terminal::of(&sandbox, 100);
    terminal.wait_for(" of 1,000 left at shop; then it pauses, and there is a new one on ");
    signal(&terminal.run, Signal::SIGTERM);
    terminal.run.wait().unwrap();
}

#[test]
fn the_first_signal_says_at_once_what_it_does() {
    let (sandbox, _origin) = slow_run();
    let mut terminal = Terminal::of(&sandbox, 100);
    terminal.wait_for("16 in flight");
    signal(&terminal.run, Signal::SIGINT);
    terminal.wait_for("stopping: what is in flight is finished, and kept; another signal stops at once");
    terminal.wait_for("hint: `windrow run small.toml` goes on");
    assert_eq!(terminal.run.wait().unwrap().code(), Some(130));
}

#[test]
fn a_signal_asks_how_things_are() {
    let (sandbox, _origin) = slow_run();
    let path = sandbox.write("told.txt", "");
    let mut command = sandbox.command(["run", "small.toml", "--progress", "none"]);
    let file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    let mut run = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
    until_it_has_begun(&sandbox);
    signal(&run, Signal::SIGUSR1);
    let told = || std::fs::read_to_string(&path).unwrap();
    until(SOON, "it is told", || told().contains("held by: in_flight (8 in each process)\n"));
    signal(&run, Signal::SIGTERM);
    assert_eq!(run.wait().unwrap().code(), Some(143));
    assert_eq!(told().matches(" of 4,800 requests done, ").count(), 1, "once: {}", told());
}

#[test]
fn a_program_reads_how_a_run_goes_line_by_line() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--latency-ms", "20", "--rate-garbage", "0.1"]);
    small_job(&sandbox, &origin, 1200, "in_flight = 16", "");
    let mut command = sandbox.command(["run", "small.toml"]);
    command.env("WINDROW_PROGRESS", "json");
    let told = ended(command).with_code(0).stderr;
    let pulses: Vec<Value> = told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let last = pulses.iter().rfind(|pulse| pulse["phase"] == "ended").expect("an end");
    assert!(pulses.len() >= 3, "{told}");
    assert!(pulses.iter().all(|pulse| pulse["version"] == 1 && pulse["job"] == "small"), "{told}");
    assert_eq!(
        (&last["phase"], &last["planned"], &last["done"]),
        (&json!("ended"), &json!(2400), &json!(2400))
    );
    assert!(last["failed"]["not_json"].as_u64().is_some_and(|count| count > 50), "{last}");
    assert!(last["latency"]["p50"].as_f64().is_some_and(|time| time >= 20.0), "{last}");
    let logged = std::fs::read_to_string(sandbox.newest_run("small").join("pulse.jsonl")).unwrap();
    let logged: Vec<Value> = logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logged.last().unwrap()["phase"], "loading");
}

#[test]
fn a_run_is_watched_from_another_terminal_until_it_ends() {
    let (sandbox, _origin) = slow_run();
    let run = sandbox.start(["run", "small.toml", "--progress", "none"]);
    until_it_has_begun(&sandbox);
    let mut watching = Terminal::with(&sandbox, 100, &["status", "small", "--watch"]);
    watching.wait_for("16 in flight");
    watching.wait_for("held by: in_flight (8 in each process)");
    signal(&run, Signal::SIGTERM);
    wait(run).with_code(143);
    until(SOON, "it ends", || watching.run.try_wait().unwrap().is_some());
    assert!(!watching.shows("in flight"), "{:#?}", watching.lines());
}

#[test]
fn what_is_done_after_the_last_request_is_told_while_it_takes_time() {
    let database = postgres_server::database();
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    small_job(&sandbox, &origin, 100, "", "");
    sandbox.edit("small.toml", "to = \"duckdb:small.duckdb\"", &format!("to = {:?}", database.url()));
    let slow = "[[publish.before]]\nsql = \"SELECT pg_sleep(4)\"\n\n[table]";
    sandbox.edit("small.toml", "[table]", slow);
    let mut terminal = Terminal::of(&sandbox, 100);
    terminal.wait_for("loading the rows of 100 records: 100 rows sent, ");
    let watching = Terminal::with(&sandbox, 100, &["status", "small", "--watch"]);
    watching.wait_for("loading the rows");
    assert_eq!(terminal.run.wait().unwrap().code(), Some(0), "{:#?}", terminal.lines());
    until(SOON, "it is published", || terminal.shows("small: published 100 rows"));
    assert!(!terminal.shows("loading the rows"), "{:#?}", terminal.lines());
}

#[test]
fn that_requests_wait_to_be_sent_again_is_told_with_how_they_failed() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--rate-reset", "1"]);
    small_job(&sandbox, &origin, 16, "", "");
    sandbox.edit(
        "small.toml",
        "backoff = \"10ms\", max_backoff = \"50ms\"",
        "backoff = \"8s\", max_backoff = \"8s\"",
    );
    let terminal = Terminal::of(&sandbox, 100);
    terminal.wait_for("waiting: requests that failed (connections break) are sent again soon");
}

/// A job that takes a while, and how it is slowed down.
struct Slow {
    name: &'static str,
    origin: &'static [&'static str],
    films: usize,
    settings: &'static str,
    limit: &'static str,
    /// The part of what is told from a quarter on that is to be within a third of the truth.
    right: f64,
}

const SLOW: [Slow; 5] = [
    Slow {
        name: "steady",
        origin: &["--latency-ms", "100"],
        films: 2000,
        settings: "in_flight = 8",
        limit: "",
        right: 0.95,
    },
    Slow {
        name: "faulty",
        origin: &["--latency-ms", "100", "--rate-429", "0.01", "--retry-after", "1", "--rate-500", "0.02"],
        films: 1800,
        settings: "in_flight = 8",
        limit: "",
        right: 0.9,
    },
    Slow {
        name: "limited",
        origin: &["--latency-ms", "20"],
        films: 1800,
        settings: "",
        limit: "rate = \"40/s\"",
        right: 0.95,
    },
    Slow {
        name: "quota",
        origin: &["--latency-ms", "100"],
        films: 700,
        settings: "in_flight = 4",
        limit: "quota = \"500/25s\"",
        right: 0.75,
    },
    // Of a long tail nobody knows beforehand.
    Slow {
        name: "tail",
        origin: &["--latency-ms", "50", "--jitter-ms", "400"],
        films: 1500,
        settings: "in_flight = 16",
        limit: "",
        right: 0.0,
    },
];

impl Slow {
    /// Of what was told from a quarter on, the part that was within a third of the truth.
    fn told(&self) -> f64 {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(self.origin));
        let limit = if self.limit.is_empty() { "" } else { "limit = \"slow\"" };
        small_job(&sandbox, &origin, self.films, self.settings, limit);
        if !self.limit.is_empty() {
            sandbox.edit("small.toml", "[defaults]", &format!("[limit.slow]\n{}\n\n[defaults]", self.limit));
        }
        let told = sandbox.run(["run", "small.toml", "--wait", "--progress", "json"]).with_code(0).stderr;
        let pulses: Vec<Value> = told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let second = |pulse: &Value| {
            pulse["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond() as f64 / 1e3
        };
        let end = pulses.iter().rfind(|pulse| pulse["phase"] == "ended").map(second).unwrap();
        let is_late = |pulse: &&Value| {
            let (done, planned) = (pulse["done"].as_f64().unwrap(), pulse["planned"].as_f64().unwrap());
            let is_early = pulse["round"] == 0 && done < planned / 4.0;
            !is_early && pulse["phase"] == "fetching" && end - second(pulse) >= 5.0
        };
        let told: Vec<(f64, f64)> = pulses
            .iter()
            .filter(is_late)
            .filter_map(|pulse| Some((pulse["seconds_left"].as_f64()?, end - second(pulse))))
            .collect();
        assert!(told.len() >= 10, "{}: {told:?}", self.name);
        let right = told.iter().filter(|(left, truth)| (left / truth - 1.0).abs() <= 1.0 / 3.0).count();
        let shown: Vec<_> = told.iter().step_by(told.len().div_ceil(6)).collect();
        println!("{}: {right} of {} within a third: {shown:.0?}", self.name, told.len());
        right as f64 / told.len() as f64
    }
}

/// A minute of runs that hardly work; what the figures come from is tested without them.
#[test]
fn the_time_left_is_what_is_left() {
    if !is_soak() {
        return;
    }
    let runs = SLOW.map(|slow| std::thread::spawn(move || (slow.name, slow.told(), slow.right)));
    for run in runs {
        let (name, right, least) = run.join().unwrap();
        assert!(right >= least, "{name}: {right:.2}");
    }
}

#[test]
fn colors_are_for_who_wants_them() {
    let sandbox = Sandbox::new();
    sandbox.write("small.toml", "[input]\nfiles = \"ids.txt\"\n");
    for (name, value, is_colored) in
        [("TERM", "xterm", true), ("NO_COLOR", "1", false), ("TERM", "dumb", false)]
    {
        let terminal = openpty(&size(80), None).unwrap();
        let mut command = sandbox.command(["run", "small.toml"]);
        command
            .env("TERM", "xterm")
            .env(name, value)
            .stdout(Stdio::null())
            .stderr(Stdio::from(terminal.slave));
        assert_eq!(command.status().unwrap().code(), Some(2));
        drop(command);
        let mut told = String::new();
        // The end of a terminal that nobody writes to any more is an error.
        let _ = File::from(terminal.master).read_to_string(&mut told);
        assert!(told.contains("files"), "{told}");
        assert_eq!(told.contains('\x1b'), is_colored, "{name}={value}: {told:?}");
    }
}

#[test]
fn who_wants_to_hear_little_hears_what_wants_attention() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--rate-garbage", "0.1"]);
    small_job(&sandbox, &origin, 200, "retry_rounds = 0", "");
    let quiet = |words: &[&str]| sandbox.run(words.iter().copied().chain(["-q"]));
    let told = quiet(&["run", "small.toml"]).with_code(0);
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", ""));
    let told = quiet(&["retry", "small"]).with_code(0);
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", ""));
    let told = quiet(&["merge", "small"]).with_code(0);
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", ""));
    sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 1.0\n\n[table]");
    let told = quiet(&["run", "small.toml", "--new"]).with_code(1).stderr;
    assert!(told.starts_with("small: not published: ") && told.lines().count() <= 3, "{told}");
}

#[test]
fn a_run_that_waits_for_a_quota_says_so_on_another_terminal() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    small_job(&sandbox, &origin, 100, "", "limit = \"shop\"");
    sandbox.edit("small.toml", "[defaults]", "[limit.shop]\nquota = \"20/day\"\n\n[defaults]");
    let run = sandbox.start(["run", "small.toml", "--wait", "--progress", "none"]);
    until(SOON, "it waits", || log_has(&sandbox, "\"waiting\""));
    let watching = Terminal::with(&sandbox, 100, &["status", "small", "--watch"]);
    watching.wait_for("waiting: a quota is used up; there is a new one on ");
    signal(&run, Signal::SIGTERM);
    wait(run).with_code(143);
}
