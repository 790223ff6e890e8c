//! Several jobs into one DuckDB file.

use std::time::Duration;

use super::stage::{FILMS, Stage, To};
use crate::support::{published, wait};

#[test]
fn jobs_that_end_at_the_same_time_publish_into_one_file_one_after_the_other() {
    const JOBS: usize = 4;
    let stage = Stage::new(To::DuckDb, "");
    let text = std::fs::read_to_string(stage.path("films.toml")).unwrap();
    let name = |at: usize| format!("job{at}");
    for at in 0..JOBS {
        let text =
            text.replace("name = \"films\"\n\n[input]", &format!("name = \"{}\"\n\n[input]", name(at)));
        stage
            .sandbox
            .write(&format!("{}.toml", name(at)), text.replace("report.csv", &format!("report{at}.csv")));
    }
    let jobs: Vec<_> =
        (0..JOBS).map(|at| stage.sandbox.start(["run", &format!("{}.toml", name(at))])).collect();
    for job in jobs {
        wait(job).with_code(0).saying("published 40 rows");
    }
    let rows = published(
        &stage.path("films.duckdb"),
        "SELECT count(*) || ' ' || count(DISTINCT imdb_id) FROM films",
    );
    assert_eq!(rows, [format!("{} {FILMS}", JOBS * FILMS)]);
}

#[test]
fn a_file_that_is_in_use_is_waited_for_before_the_first_request_and_before_commit() {
    let stage = Stage::new(To::DuckDb, "");
    let database = stage.path("films.duckdb");
    let held = duckdb::Connection::open(&database).unwrap();
    held.execute_batch("CREATE TABLE mine AS SELECT 1 AS one").unwrap();
    let run = stage.sandbox.start(["run", "films.toml"]);
    std::thread::sleep(Duration::from_secs(2));
    drop(held);
    let said = format!(
        "is in use, waiting up to 60 s for it: IO Error: Could not set lock on file \"{}\"",
        database.display()
    );
    let ended = wait(run).with_code(0).saying("published 40 rows").saying(&said);
    ended.saying(&format!("(PID {})", std::process::id()));
    stage.is_settled("before the first request");

    stage.reset();
    stage.sandbox.run(["run", "films.toml", "--max-requests", "1"]).with_code(0);
    let held = duckdb::Connection::open(&database).unwrap();
    let merge = stage.sandbox.start(["merge", "films"]);
    std::thread::sleep(Duration::from_secs(2));
    drop(held);
    wait(merge).with_code(0).saying("already published").saying("waiting up to 60 s");
}

#[test]
fn who_reads_the_file_when_the_first_rows_are_to_be_shown_is_in_nobodys_way() {
    let stage = Stage::new(To::DuckDb, "");
    let run = stage.sandbox.newest_run("films");
    let child = stage.sandbox.start(["run", "films.toml"]);
    crate::support::processes::until(Duration::from_secs(60), "it is published", || {
        run.join("merged.json").exists()
    });
    // Perhaps in time, perhaps just after it: the exit code is the same.
    let held = duckdb::Connection::open(stage.path("films.duckdb"));
    wait(child).with_code(0).saying("published 40 rows");
    drop(held);
    stage.is_settled("read");
}
