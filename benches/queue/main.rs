//! What a table of jobs costs to work, beside the script that people write: `cargo bench --bench queue [-- JOBS]`.
//!
//! Servers of the bench's own, with everything as it comes (each commit reaches the disk). The origin answers at once. All jobs
//! wait when the clock starts; they are worked to the end, in turns, three times, the best of each:
//!
//! - **windrow work** with `claim` 1 (each job committed alone), 20 and 200, and `parallel` 4;
//! - **python3**: 32 threads, each with a connection: SELECT … FOR UPDATE SKIP LOCKED, ask, INSERT and UPDATE, one commit a job.
//!   It holds a transaction over each request, and loses nothing either; it neither rests, nor limits, nor tells.
//!
//! What is in the tables is looked at each time.

#[path = "../../tests/databases/mod.rs"]
#[expect(dead_code, reason = "only tests share and stop servers")]
mod databases;
#[path = "../job/site.rs"]
#[expect(dead_code, reason = "the bench `job` serves files, too")]
mod site;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use databases::AnyServer;
use databases::mariadb::MariaDbServer;
use databases::postgres::PostgresServer;
use site::Origin;

type Outcome<T> = Result<T, Box<dyn Error>>;

const TRIES: usize = 3;
/// Jobs, where the command line does not say.
const JOBS: usize = 20_000;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/queue/thread_pool.py");

/// What works the jobs.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// `windrow work`, so many jobs a batch.
    Windrow(usize),
    ThreadPool,
}

const WAYS: [Way; 4] = [Way::ThreadPool, Way::Windrow(1), Way::Windrow(20), Way::Windrow(200)];

fn main() -> Outcome<()> {
    let jobs = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(JOBS);
    let postgres = PostgresServer::start(&[]);
    compare("PostgreSQL", &postgres, jobs)?;
    drop(postgres);
    compare("MariaDB", &MariaDbServer::start(&[]), jobs)
}

fn compare(name: &str, server: &dyn AnyServer, jobs: usize) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let origin = Origin::start(folder.path(), &beside("examples/origin")?, &[])?;
    println!("\n{name}, {jobs} jobs (a tenth of them one by one): jobs a second");
    let mut best = [0f64; WAYS.len()];
    for _ in 0..TRIES {
        for (way, best) in WAYS.into_iter().zip(&mut best) {
            *best = best.max(rate(way, server, folder.path(), origin.port, jobs)?);
        }
    }
    for (way, rate) in WAYS.into_iter().zip(best) {
        let name = match way {
            Way::Windrow(claim) => format!("windrow work, claim = {claim}"),
            Way::ThreadPool => "python3, 32 threads, one commit each".to_owned(),
        };
        println!("  {name:<40} {rate:>8.0} {:>6.2}", rate / best[0]);
    }
    Ok(())
}

/// Jobs a second, from the start of the program to its end.
fn rate(way: Way, server: &dyn AnyServer, folder: &Path, origin: u16, jobs: usize) -> Outcome<f64> {
    let jobs = if let Way::Windrow(1) = way { jobs / 10 } else { jobs };
    let (url, database) = server.new_database();
    let sql = |sql: &str| server.rows(&database, sql);
    sql("CREATE TABLE jobs (id bigint PRIMARY KEY, state varchar(10) NOT NULL)");
    sql("CREATE TABLE results (id bigint PRIMARY KEY, target varchar(200))");
    sql("CREATE INDEX waiting ON jobs (state, id)");
    for first in (1..=jobs).step_by(1000) {
        let rows: Vec<String> =
            (first..first + 1000).take(jobs + 1 - first).map(|id| format!("({id}, 'new')")).collect();
        sql(&format!("INSERT INTO jobs VALUES {}", rows.join(",")));
    }
    let place = tempfile::tempdir_in(folder)?;
    let started = Instant::now();
    let mut command = match way {
        Way::Windrow(claim) => windrow(place.path(), &url, origin, claim)?,
        Way::ThreadPool => {
            let mut command = Command::new("python3");
            command.args([SCRIPT, &url, &format!("http://127.0.0.1:{origin}/echo/")]);
            command
        }
    };
    let done = command.current_dir(place.path()).output()?;
    let seconds = started.elapsed().as_secs_f64();
    if !done.status.success() {
        return Err(format!("{way:?}: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    let found =
        sql("SELECT count(*), sum(CASE WHEN state = 'done' THEN 1 END) FROM jobs JOIN results USING (id)");
    assert_eq!(found, [format!("{jobs}|{jobs}")], "{way:?}");
    Ok(jobs as f64 / seconds)
}

fn windrow(folder: &Path, url: &str, origin: u16, claim: usize) -> Outcome<Command> {
    let job = format!(
        r#"
[input]
id = "id"
[input.queue]
table = "jobs"
where = "state = 'new'"
done = "state = 'done'"
failed = "state = 'failed'"
claim = {claim}
parallel = 4
[[endpoint]]
name = "echo"
url = "http://127.0.0.1:{origin}/echo/{{id}}"
columns = {{ target = ".target" }}
[table]
to = "{url}"
name = "results"
mode = "append"
"#
    );
    std::fs::write(folder.join("jobs.toml"), job)?;
    let mut command = Command::new(beside("windrow")?);
    command.args(["work", "jobs.toml", "--until-empty"]).env("WINDROW_STATE", folder.join("state"));
    Ok(command)
}

/// A program of this build.
fn beside(name: &str) -> Outcome<PathBuf> {
    let here = std::env::current_exe()?;
    let release = here.parent().and_then(Path::parent).ok_or("no folder above this program's")?;
    let program = release.join(name);
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("{} is not there: run `make build` first", program.display()).into())
    }
}
