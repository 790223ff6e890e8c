//! Where a summary goes: a file that is replaced, a pipe, nowhere that it cannot.

use std::process::Stdio;

use serde_json::Value;

use super::{are_valid, kept};
use crate::support::{Origin, Sandbox, ended, small_job, wait};

fn read(path: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_file_is_replaced_and_standard_output_is_the_persons() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 20, "", "");
    let file = sandbox.write("told/s.json", "{\"version\": 0}");
    let run = ["run", "small.toml", "--summary", "json=told/s.json"];
    let told = sandbox.run(run).with_code(0);
    assert!(told.stdout.contains("imdb_id"), "the first rows: {}", told.stdout);
    let summary = read(&file);
    assert_eq!(Some(&summary), kept(&sandbox.newest_run("small")).as_ref());
    assert_eq!(std::fs::read_dir(sandbox.path().join("told")).unwrap().count(), 1, "nothing stays beside it");

    // The other way to write it.
    sandbox.run(["run", "small.toml", "--summary=json=told/s.json"]).with_code(0);
    assert_ne!(read(&file)["run"], summary["run"]);
    are_valid(&[summary, read(&file)]);
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is_asked_or_changes_nothing() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 20, "", "");
    for to in ["yaml", "json=nowhere/s.json", "json=.", "json="] {
        sandbox.run(["run", "small.toml", "--summary", to]).with_code(2).saying("--summary");
    }
    assert_eq!(origin.counts()["total"], 0);
    // Standard output that is full: the exit code is that of the run.
    let mut command = sandbox.command(["run", "small.toml", "--summary", "json"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    wait(child).with_code(0).saying("the summary cannot be written").saying("published 20 rows");
}

#[test]
fn a_pipe_is_written_into_and_one_that_nobody_reads_holds_nobody_up() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 20, "", "");
    let pipe = sandbox.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR).unwrap();
    let path = pipe.clone();
    let reader = std::thread::spawn(move || read(&path));
    sandbox.run(["run", "small.toml", "--summary", "json=pipe"]).with_code(0);
    assert_eq!(reader.join().unwrap()["state"], "published");
    let began = std::time::Instant::now();
    let told = sandbox.run(["merge", "small", "--summary", "json=pipe"]);
    told.with_code(0).saying("pipe: nobody reads it");
    assert!(began.elapsed().as_secs() >= 9, "it was waited for");
}

/// A name or a value of an answer may hold what steers a terminal, and a server may repeat a secret.
#[test]
fn nothing_in_it_steers_a_terminal_or_is_secret() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let secret = "hv5Qz8w1Lk-secret";
    sandbox.write("ids.txt", "a\nb\u{1b}[2Jc\n");
    sandbox.write(
        "echo.toml",
        format!(
            "[input]\nfile = \"ids.txt\"\nid = \"id\"\nformat = \"lines\"\n[defaults]\nretry = {{ attempts = 1 }}\n\
             [[endpoint]]\nname = \"echo\"\nurl = \"{}/echo/x\"\nheaders = {{ x-key = \"${{ECHO_KEY}}\", x-id = \"{{id}}\" }}\n\
             [endpoint.columns]\nyear = {{ jq = '.headers | tostring', type = \"integer\" }}\n\
             [table]\nto = \"duckdb:echo.duckdb\"\n[publish]\nmin_success = 0\n[job]\nretry_rounds = 0\n",
            origin.url()
        ),
    );
    let mut command = sandbox.command(["run", "echo.toml", "--summary", "json"]);
    command.env("ECHO_KEY", secret);
    let told = ended(command);
    assert!(!told.stdout.contains('\u{1b}'), "{:?}", told.stdout);
    let summary: Value = serde_json::from_str(&told.stdout).unwrap();
    let failures = summary["failures"].to_string();
    assert!(failures.contains("convert") && !failures.contains(secret), "{summary:#}\n{}", told.stderr);
    are_valid(&[summary]);
}
