//! One bash for a whole page: what a block exports or changes into holds for the next.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::Sandbox;

/// Ends what a command has printed; its exit code and the number of commands in it that failed follow.
const MARK: &str = "that-was-all-of-it";

/// A page takes no longer, in seconds.
const PATIENCE: &str = "240";

/// A shell that waits for commands.
pub struct Shell {
    child: Child,
    words: Option<ChildStdin>,
    printed: BufReader<ChildStdout>,
}

/// What a command did.
pub struct Said {
    pub printed: String,
    pub code: i32,
    /// Whether any command in it failed, not only the last.
    pub is_failed: bool,
}

impl Shell {
    /// Starts one in the sandbox, with the program on its path.
    pub fn start(sandbox: &Sandbox) -> Shell {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", PATIENCE, "taskset", "--cpu-list", &core()]);
        command.args(["bash", "--norc", "--noprofile"]);
        sandbox.confine(&mut command);
        command.env("PATH", path()).env("WINDROW_PROGRESS", "none").env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("bash starts");
        let printed = BufReader::new(child.stdout.take().unwrap());
        let mut shell = Shell { words: child.stdin.take(), child, printed };
        shell.write("exec 2>&1; set -o pipefail; trap 'failed=1' ERR\n");
        shell
    }

    fn write(&mut self, words: &str) {
        self.words.as_mut().unwrap().write_all(words.as_bytes()).expect("bash reads");
    }

    /// Runs something to its end.
    pub fn run(&mut self, command: &str) -> Said {
        let quoted = command.replace('\'', r"'\''");
        self.write(&format!(
            "failed=0; eval '{quoted}' </dev/null; printf '\\n{MARK} %d %d\\n' $? $failed\n"
        ));
        let mut printed = String::new();
        loop {
            let mut line = Vec::new();
            let read = self.printed.read_until(b'\n', &mut line).expect("bash prints");
            let line = String::from_utf8_lossy(&line);
            assert!(read > 0, "bash has ended, or took longer than {PATIENCE} s: {command}\n{printed}");
            if let Some(codes) = line.strip_prefix(MARK) {
                let (code, failed) = codes.trim().split_once(' ').expect("two numbers");
                printed.pop();
                return Said { printed, code: code.parse().unwrap(), is_failed: failed == "1" };
            }
            printed += &line;
        }
    }
}

impl Drop for Shell {
    /// Whatever it has started ends, too: `timeout` leads a process group of its own.
    fn drop(&mut self) {
        drop(self.words.take());
        let _ = Command::new("kill")
            .args(["-9", "--", &format!("-{}", self.child.id())])
            .stderr(Stdio::null())
            .status();
        let _ = self.child.wait();
    }
}

/// One core of those that this process may use. On one, shards are worked and loaded one after the other, so that the rows which a
/// command shows are the same each time, where there is one shard (up to 1,024 records).
fn core() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("what the system says of this process");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("its cores");
    let cores: Vec<&str> = allowed.trim().split([',', '-']).collect();
    cores[std::process::id() as usize % cores.len()].to_owned()
}

fn path() -> OsString {
    let program = Path::new(env!("CARGO_BIN_EXE_windrow")).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::iter::once(program).chain(std::env::split_paths(&others)).collect();
    std::env::join_paths(folders).unwrap()
}

#[test]
fn a_shell_goes_on_from_command_to_command() {
    let sandbox = Sandbox::new();
    let mut shell = Shell::start(&sandbox);
    let said = shell.run("export A='it'\"'\"'s'; printf %s \"$A\"");
    assert_eq!((said.printed.as_str(), said.code, said.is_failed), ("it's", 0, false));
    let said = shell.run("false\necho \"$A\" >&2");
    assert_eq!((said.printed.as_str(), said.code, said.is_failed), ("it's\n", 0, true));
    assert_eq!(shell.run("cat; exit_code() { return 3; }; exit_code").code, 3);
    assert_eq!(shell.run("windrow --version | cut -d' ' -f1").printed, "windrow\n");
}
