//! Nobody reads what the command says; signals; a server that restarts.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::stage::{FILMS, Stage, To};
use crate::postgres_server::PostgresServer;
use crate::support::processes::until;
use crate::support::{ended, seeded, wait};

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
