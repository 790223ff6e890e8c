//! A folder of its own for a test, and the program run in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::canaries;

/// Longest time that a command may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(300);

/// A folder that vanishes with the test. Before that, no file in it may hold a [secret](canaries).
pub struct Sandbox {
    folder: tempfile::TempDir,
    /// Where the program keeps what all its processes share: how much of each limit is used.
    state: Arc<tempfile::TempDir>,
    /// Files of the test itself.
    wrote: Mutex<BTreeSet<PathBuf>>,
    asks_for_secrets: AtomicBool,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Fails the test, showing everything, unless the command ended with this code, and without a panic.
    #[track_caller]
    pub fn with_code(self, code: i32) -> Ended {
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless standard error contains this.
    #[track_caller]
    pub fn saying(self, text: &str) -> Ended {
        assert!(self.stderr.contains(text), "{text:?} is not in\n{}", self.stderr);
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Sandbox {
    pub fn new() -> Sandbox {
        let folder = || tempfile::tempdir().expect("a temporary folder");
        Sandbox {
            folder: folder(),
            state: Arc::new(folder()),
            wrote: Mutex::default(),
            asks_for_secrets: AtomicBool::default(),
        }
    }

    /// Says that a column of the test's job is what a server repeats of a secret: chunks of rows and tables may hold it.
    pub fn asks_for_secrets(&self) {
        self.asks_for_secrets.store(true, Ordering::Relaxed);
    }

    /// Another folder on the same machine: its processes share their limits with those of this one.
    pub fn beside(&self) -> Sandbox {
        let mut beside = Sandbox::new();
        beside.state = Arc::clone(&self.state);
        beside
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the program keeps what all its processes share.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// The files of limits (`limit-…`) and hosts (`host-…`) that the processes share.
    pub fn budgets(&self, kind: &str) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.state.path().join("limits")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(kind));
        files
    }

    /// A file of this sandbox, written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        self.wrote.lock().unwrap().insert(path.clone());
        path
    }

    /// Puts `new` in place of `old` in a file of this sandbox.
    #[track_caller]
    pub fn edit(&self, name: &str, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.path().join(name)).unwrap();
        assert!(text.contains(old), "{old:?} is not in {name}:\n{text}");
        self.write(name, text.replace(old, new));
    }

    /// A program's environment and folder: nothing outside the sandbox is used or changed.
    pub fn confine(&self, command: &mut Command) {
        command.current_dir(self.path()).env("WINDROW_STATE", self.state.path());
        // Who runs the tests may be behind a proxy.
        for name in
            ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"]
        {
            command.env_remove(name);
        }
    }

    /// The program, to be started in this folder.
    pub fn command<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windrow"));
        self.confine(&mut command);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Starts the program; [`wait`] reads what it says.
    pub fn start<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Child {
        let mut command = self.command(arguments);
        canaries::note(&command);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        ended(self.command(arguments))
    }

    /// Plans as on a machine with one core: how many shards a list is cut into goes by the cores.
    #[track_caller]
    pub fn plan_on_one_core(&self, job: &str) {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0", env!("CARGO_BIN_EXE_windrow"), "plan", job]).stdin(Stdio::null());
        self.confine(&mut command);
        ended(command).with_code(0);
    }

    /// The rows of a query over a run, as CSV without its header.
    #[track_caller]
    pub fn query(&self, run: &str, sql: &str) -> Vec<String> {
        let ended = self.run(["query", run, sql, "--format", "csv"]).with_code(0);
        ended.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// The newest run of a job, without the trials.
    pub fn newest_run(&self, job: &str) -> PathBuf {
        let mut runs: Vec<PathBuf> = std::fs::read_dir(self.path().join("shards").join(job))
            .expect("the job has runs")
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("plan.json").is_file())
            .collect();
        runs.sort();
        runs.pop().expect("the job has a run")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let asks = self.asks_for_secrets.load(Ordering::Relaxed);
            canaries::search_files([self.path(), self.state.path()], &self.wrote.lock().unwrap(), asks);
        }
    }
}

/// Runs a command to its end; one that takes too long is killed and fails the test.
#[track_caller]
pub fn ended(mut command: Command) -> Ended {
    canaries::note(&command);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // What a query is asked for is its answer: that is not searched.
    let ended = gathered(child);
    let is_query = command.get_args().any(|word| word == "query");
    if let Some(folder) = command.get_current_dir().filter(|_| !is_query) {
        canaries::search_streams(folder, &[&ended.stdout, &ended.stderr]);
    }
    ended
}

/// Waits for a child and gathers its output, which is read meanwhile.
#[track_caller]
pub fn wait(child: Child) -> Ended {
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    // Nothing of a process that has ended.
    let folder = std::fs::read_link(process.join("cwd"));
    let words = std::fs::read_to_string(process.join("cmdline")).unwrap_or_default();
    let ended = gathered(child);
    if let Ok(folder) = folder
        && !words.split('\0').any(|word| word == "query")
    {
        canaries::search_streams(&folder, &[&ended.stdout, &ended.stderr]);
    }
    ended
}

#[track_caller]
fn gathered(child: Child) -> Ended {
    let pid = child.id();
    let started = Instant::now();
    let gather = std::thread::spawn(move || child.wait_with_output());
    while !gather.is_finished() {
        if started.elapsed() > PATIENCE {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            let output = gather.join().unwrap().unwrap();
            panic!("no end within {PATIENCE:?}; stderr:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    gather.join().unwrap().unwrap().into()
}
