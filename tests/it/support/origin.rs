//! The origin: a process of its own that ends with the test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// A running origin.
pub struct Origin {
    child: Child,
    pub port: u16,
    _folder: tempfile::TempDir,
    /// The certificate authority's file, where it serves TLS.
    pub authority: PathBuf,
}

/// When it was asked, with the knob `arrivals`. Times are microseconds since its start.
#[derive(Debug, Deserialize)]
pub struct Arrivals {
    pub count: u64,
    pub first_us: Option<u64>,
    pub last_us: Option<u64>,
    /// Most within any second, wherever it begins.
    pub most_in_1s: u64,
    /// Arrivals per second between the first and the last.
    pub mean_rate: f64,
    /// Arrivals of each 100 ms.
    pub per_100ms: Vec<u64>,
    /// Most requests that waited for their answer.
    pub max_in_flight: u64,
    pub marks: Vec<Mark>,
}

/// A 429 or 503.
#[derive(Debug, Deserialize)]
pub struct Mark {
    pub status: u16,
    /// When its last byte was handed to the system.
    pub written_us: Option<u64>,
}

impl Origin {
    /// Starts one on a free port.
    pub fn start(arguments: &[&str]) -> Origin {
        Origin::on_port(0, arguments)
    }

    /// Starts one on a port: where one was killed, it comes back.
    pub fn on_port(port: u16, arguments: &[&str]) -> Origin {
        let folder = tempfile::tempdir().unwrap();
        let port_file = folder.path().join("port");
        let authority = folder.path().join("ca.pem");
        let mut command = Command::new(program());
        command.args(["--port", &port.to_string(), "--exit-on-stdin-eof", "--port-file"]);
        command.arg(&port_file).args(arguments);
        if arguments.contains(&"--tls") {
            command.arg("--cert-out").arg(&authority);
        }
        let child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the origin starts");
        let port = wait_for_port(&port_file);
        Origin { child, port, _folder: folder, authority }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Changes how it behaves.
    #[track_caller]
    pub fn knobs(&self, json: &str) {
        let answer = self.ask("POST", "/_admin/knobs", json);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Forgets how often it was asked.
    #[track_caller]
    pub fn reset(&self) {
        let answer = self.ask("POST", "/_admin/reset", "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// How often it was asked, as JSON.
    pub fn counts(&self) -> serde_json::Value {
        self.told("counts?full=1")
    }

    /// When it was asked.
    pub fn arrivals(&self) -> Arrivals {
        self.arrivals_within(0, u64::MAX)
    }

    /// When it was asked from one time to before another.
    pub fn arrivals_within(&self, from: u64, to: u64) -> Arrivals {
        self.told(&format!("arrivals?from={from}&to={to}"))
    }

    /// What it says that its documents hold, told in another way.
    pub fn truth(&self, path: &str) -> serde_json::Value {
        self.told(&format!("truth/{path}"))
    }

    /// How often an endpoint was asked for an id.
    pub fn count(&self, endpoint: &str, id: &str) -> u64 {
        self.counts()["by_endpoint"][endpoint]["counts"][id].as_u64().unwrap_or(0)
    }

    /// What it says of itself.
    fn told<T: serde::de::DeserializeOwned>(&self, what: &str) -> T {
        let answer = self.ask("GET", &format!("/_admin/{what}"), "");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer with a body");
        serde_json::from_str(body).expect("JSON")
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: origin\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends it, as a machine that goes down does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example beside this test's own program.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples").join("origin")
}

fn wait_for_port(file: &std::path::Path) -> u16 {
    let started = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return text.trim().parse().expect("a port");
        }
        assert!(started.elapsed() < Duration::from_secs(20), "the origin does not serve");
        std::thread::sleep(Duration::from_millis(5));
    }
}
