//! A job that is served, the program that serves it, and who asks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::processes::{kill_9, until};
use crate::support::{Ended, Origin, Sandbox, free_port};

/// Longest wait for what comes soon.
pub const SOON: Duration = Duration::from_secs(10);

/// What [`Stage::new`] writes; each test changes what it is about.
const JOB: &str = r#"
[job]
name = "prices"

[input]
ids = ["a", "b", "c"]
id = "id"

[defaults]
retry = { attempts = 1 }

[[endpoint]]
name = "echo"
url = "ORIGIN/echo/{id}"
[endpoint.columns]
target = ".target"

[table]
to = "parquet:prices.parquet"
mode = "upsert"
stamp = { run = "run.id", fetched_at = "record.fetched_at" }
"#;

/// The job `prices.toml`, the origin, and a folder.
pub struct Stage {
    pub sandbox: Sandbox,
    pub origin: Origin,
}

impl Stage {
    pub fn new() -> Stage {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        sandbox.write("prices.toml", JOB.replace("ORIGIN", &origin.url()));
        Stage { sandbox, origin }
    }

    /// Changes the job.
    pub fn change(&self, old: &str, new: &str) {
        self.sandbox.edit("prices.toml", old, new);
    }

    /// `windrow run`.
    pub fn run(&self) -> Ended {
        self.sandbox.run(["run", "prices.toml"])
    }

    /// Serves the job, and runs it as it says.
    pub fn serve(&self) -> Serving {
        Serving::start(&self.sandbox, &["prices.toml"])
    }

    /// Serves it, and runs nothing.
    pub fn serve_only(&self) -> Serving {
        Serving::start(&self.sandbox, &["prices.toml", "--no-runs"])
    }
}

/// The job has run, and is served.
pub fn served() -> (Stage, Serving) {
    let stage = Stage::new();
    stage.run().with_code(0);
    let serving = stage.serve_only();
    serving.wait_for("/prices.json");
    (stage, serving)
}

/// The program, at work.
pub struct Serving {
    pub child: Child,
    pub address: SocketAddr,
    log: std::path::PathBuf,
}

impl Serving {
    /// `windrow serve` with these arguments, at a free port.
    pub fn start(sandbox: &Sandbox, arguments: &[&str]) -> Serving {
        let listen = format!("127.0.0.1:{}", free_port());
        let all = [&["serve"], arguments, &["--listen", &listen]].concat();
        Serving::of(sandbox, &all, listen.parse().unwrap())
    }

    /// `windrow` with these arguments, which answers there.
    pub fn of(sandbox: &Sandbox, arguments: &[&str], address: SocketAddr) -> Serving {
        let log = sandbox.path().join("serve.log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = sandbox.command(arguments);
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Serving::started(child, address, sandbox)
    }

    /// A process that is to answer there.
    pub fn started(child: Child, address: SocketAddr, sandbox: &Sandbox) -> Serving {
        let serving = Serving { child, address, log: sandbox.path().join("serve.log") };
        until(SOON, "it answers", || serving.try_get("/healthz").is_some());
        serving
    }

    /// What it has told.
    pub fn told(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The answer to a question.
    pub fn get(&self, path: &str) -> Answer {
        self.ask(path, &[])
    }

    /// The same with headers.
    #[track_caller]
    pub fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let answer = ask(self.address, "GET", path, headers);
        answer.unwrap_or_else(|| panic!("no answer to {path}: {}", self.told()))
    }

    /// The same, or nothing.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        ask(self.address, "GET", path, &[])
    }

    /// Waits until a table has rows to show.
    pub fn wait_for(&self, path: &str) -> Answer {
        until(SOON, &format!("{path} is served"), || self.get(path).status == 200);
        self.get(path)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Ends it in order.
    #[track_caller]
    pub fn end(mut self) -> String {
        self.signal(Signal::SIGTERM);
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(143), "{}", self.told());
        self.told()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            kill_9(self.child.id().cast_signed());
            let _ = self.child.wait();
        }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// With this status.
    #[track_caller]
    pub fn with_status(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// Asks once, by a connection of its own. `None` where nobody answers, or not to the end.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let host = if headers.iter().any(|(name, _)| *name == "Host") { "" } else { "Host: localhost\r\n" };
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{more}\r\n").ok()?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).ok()?;
    let end = all.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(all[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: BTreeMap<String, String> = lines.filter_map(header).collect();
    let body = all[end + 4..].to_vec();
    let length = headers.get("content-length").and_then(|length| length.parse::<usize>().ok());
    // A body that is cut off is none.
    let is_whole = method == "HEAD" || length.is_none_or(|length| length == body.len());
    is_whole.then_some(Answer { status, headers, body })
}
