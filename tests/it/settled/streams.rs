//! Nobody reads what the command says, any more or for now; signals; a server that restarts.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{FlowArg, tcflow};
use nix::unistd::Pid;

use super::stage::{FILMS, Stage, To};
use crate::postgres_server::PostgresServer;
use crate::support::processes::until;
use crate::support::{Origin, Sandbox, ended, published_films, seeded, small_job, wait};

#[test]
fn a_full_or_closed_standard_output_is_none_of_the_runs_affair() {
    let stage = Stage::new(To::DuckDb, "");
    let mut command = stage.sandbox.command(["run", "films.toml"]);
    // Not `ended`, which pipes both streams.
    let full = File::options().write(true).open("/dev/full").unwrap();
    let status = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&status.stderr).into_owned();
    assert_eq!(status.status.code(), Some(0), "{said}");
    assert!(said.contains("published 40 rows") && said.contains("the first rows cannot be shown"), "{said}");
    stage.is_settled("/dev/full");

    stage.reset();
    let mut child = stage.sandbox.start(["run", "films.toml"]);
    drop(child.stdout.take());
    wait(child).with_code(0).saying("published 40 rows");
    stage.is_settled("closed");
}

#[test]
fn nobody_reads_standard_error_any_more_and_the_run_is_published_all_the_same() {
    let stage = Stage::new(To::DuckDb, "");
    let mut child = stage.sandbox.start(["run", "films.toml"]);
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    // It goes on with the run; from then on there is nothing to be said before COMMIT.
    lines.read_line(&mut String::new()).unwrap();
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    stage.is_settled("closed");
}

/// A pipe that is full, and whose reader does not read.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = io::pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while writer.write(&[b'.'; 4096]).is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    (reader, writer.into())
}

/// Both streams: it waits up to 10 s for somebody to read the first rows, and 10 s for the last words.
#[test]
fn a_reader_that_reads_no_more_does_not_hold_up_the_run() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 100, "", "");
    let ((output, full_output), (mut error, full_error)) = (full_pipe(), full_pipe());
    let mut command = sandbox.command(["run", "small.toml"]);
    let mut child = command.stdout(full_output).stderr(full_error).spawn().unwrap();
    // Else this process can write there, too, and there is no end of it to be read.
    drop(command);
    let mut exit = None;
    until(Duration::from_secs(60), "the run ends", || {
        exit = child.try_wait().unwrap();
        exit.is_some()
    });
    assert_eq!(exit.unwrap().code(), Some(0));
    assert_eq!(published_films(&sandbox.path().join("small.duckdb")).len(), 100);
    drop(output);
    let mut told = Vec::new();
    error.read_to_end(&mut told).unwrap();
    assert!(told.iter().all(|byte| *byte == b'.'), "nothing was read: {}", String::from_utf8_lossy(&told));
}

#[test]
fn a_reader_that_reads_late_misses_nothing() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 100, "", "");
    let (mut error, full_error) = full_pipe();
    let mut command = sandbox.command(["run", "small.toml"]);
    let mut child = command.stdout(Stdio::null()).stderr(full_error).spawn().unwrap();
    drop(command);
    let database = sandbox.path().join("small.duckdb");
    until(Duration::from_secs(60), "it is published", || database.exists());
    let mut told = String::new();
    error.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(told.contains("small: 100 records") && told.contains("small: published 100 rows"), "{told}");
}

#[test]
fn the_first_signal_drains_a_run_of_which_nobody_reads() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&["--latency-ms", "100"]));
    small_job(&sandbox, &origin, 5000, "in_flight = 4", "");
    let (_reader, full) = full_pipe();
    let mut child =
        sandbox.command(["run", "small.toml"]).stdout(Stdio::null()).stderr(full).spawn().unwrap();
    until(Duration::from_secs(60), "it asks", || origin.counts()["total"].as_u64() >= Some(20));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    let mut exit = None;
    until(Duration::from_secs(20), "the run ends", || {
        exit = child.try_wait().unwrap();
        exit.is_some()
    });
    assert_eq!(exit.unwrap().code(), Some(143));
}

/// As after `^S`.
#[test]
fn a_terminal_that_stands_still_does_not_hold_up_the_run() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&["--latency-ms", "20"]));
    small_job(&sandbox, &origin, 1000, "in_flight = 8", "");
    let terminal = openpty(None, None).unwrap();
    tcflow(&terminal.slave, FlowArg::TCOOFF).unwrap();
    let mut command = sandbox.command(["run", "small.toml"]);
    command.env("TERM", "xterm").stdout(Stdio::null()).stderr(terminal.slave.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    drop(command);
    let database = sandbox.path().join("small.duckdb");
    until(Duration::from_secs(60), "it is published", || database.exists());
    tcflow(&terminal.slave, FlowArg::TCOON).unwrap();
    drop(terminal.slave);
    let mut told = Vec::new();
    // The end of a terminal that nobody writes to any more is an error.
    let _ = File::from(terminal.master).read_to_end(&mut told);
    let told = String::from_utf8_lossy(&told);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(told.contains("of 2,000 requests done") && told.contains("published 1,000 rows"), "{told}");
    assert_eq!(published_films(&database).len(), 1000);
}

#[test]
fn a_signal_at_any_moment_doubles_nothing() {
    let stage = Stage::new(To::DuckDb, "");
    let started = Instant::now();
    stage.sandbox.run(["run", "films.toml"]).with_code(0);
    let longest = started.elapsed();
    let mut random = seeded();
    for signal in ["-HUP", "-TERM", "-INT", "-PIPE", "-HUP", "-TERM", "-HUP", "-QUIT"] {
        stage.reset();
        let child = stage.sandbox.start(["run", "films.toml"]);
        std::thread::sleep(longest.mul_f64(random.f64()));
        // It may just have ended by itself.
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        let died = wait(child);
        let case = format!("{signal}: {:?}\n{}", died.code, died.stderr);
        if died.code != Some(0) {
            stage.repeat(&case);
        }
        stage.is_settled(&case);
        assert_eq!(stage.runs(), 1, "{case}");
    }
}

#[test]
fn a_server_that_goes_away_after_commit_changes_nothing() {
    let mut server = PostgresServer::start(&[("fsync", "off")]);
    let database = server.database().name;
    let stage = Stage::on_server(&server.url(&database));
    let run = stage.sandbox.newest_run("films");
    let mut child = stage.sandbox.start(["run", "films.toml"]);
    until(Duration::from_secs(60), "it is published", || {
        run.join("merged.json").exists() || child.try_wait().unwrap().is_some()
    });
    server.stop_immediately();
    wait(child).with_code(0).saying("published 40 rows");
    server.launch();
    server.wait_until_it_answers();
    assert_eq!(
        server.rows(&database, "SELECT count(*), count(DISTINCT imdb_id) FROM films"),
        [format!("{FILMS}|{FILMS}")]
    );
}

#[test]
fn a_column_named_rowid_is_published_and_shown() {
    let stage = Stage::new(To::DuckDb, "");
    stage.sandbox.edit("films.toml", "title = \".Title\"", "rowid = \".Title\"");
    let mut command = stage.sandbox.command(["run", "films.toml", "--new"]);
    command.stdin(Stdio::null());
    let shown = ended(command).with_code(0).saying("published 40 rows");
    assert!(shown.stdout.contains("rowid"), "{}", shown.stdout);
    let listed = stage.sandbox.query("films", "SELECT imdb_id, rowid FROM rows ORDER BY ALL");
    assert_eq!(listed.len(), FILMS);
}
