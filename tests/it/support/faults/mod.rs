//! Faults in the program's calls on files, struck by a small library that is loaded into it (`preloaded.rs`).
//!
//! It counts over all threads of a process: strace counts each thread's calls apart, and which thread
//! writes a file is chance.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What befalls some calls: `count`ed from 1 among the calls of that name within the folder.
#[derive(Debug, Clone)]
pub struct Strike {
    /// `open`, `write`, `fsync`, `close`, `rename`, `linkat` or `unlink`.
    pub call: &'static str,
    pub from: usize,
    pub to: usize,
    pub fault: Fault,
}

/// How a call is struck.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The process is killed right before it.
    Kill,
    /// It does nothing and fails with this error (`errno(3)`).
    Error(nix::errno::Errno),
}

/// A call on a file of the folder; the folder's own name is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub call: String,
    pub name: String,
}

/// Watches the program's calls within a folder: they are written to `log`, and some of them struck.
pub fn watch(command: &mut Command, folder: &Path, log: &Path, strikes: &[Strike]) {
    let words = |strike: &Strike| {
        let error = match strike.fault {
            Fault::Kill => 0,
            Fault::Error(error) => error as i32,
        };
        format!("{} {} {} {error}", strike.call, strike.from, strike.to)
    };
    command.env("LD_PRELOAD", library());
    command.env("FAULTS_FOLDER", folder.canonicalize().unwrap()).env("FAULTS_LOG", log);
    command.env("FAULTS_STRIKES", strikes.iter().map(words).collect::<Vec<_>>().join(";"));
}

/// The calls that were written down.
pub fn calls(log: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(log).unwrap();
    let call = |line: &str| {
        let (call, name) = line.split_once(' ').unwrap();
        Call { call: call.to_owned(), name: name.to_owned() }
    };
    text.lines().map(call).collect()
}

/// The library, compiled once per test process.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/faults/preloaded.rs");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("preloaded.so");
        let modified = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
        if modified(&built) <= modified(&source) {
            let staged = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let staged = staged.path().join("preloaded.so");
            let mut rustc = Command::new("rustc");
            rustc.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-O", "-o"]);
            assert!(rustc.arg(&staged).arg(&source).status().unwrap().success());
            std::fs::rename(staged, &built).unwrap();
        }
        built
    })
}
