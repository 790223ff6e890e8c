//! A fetched run that only has to be published, again and again.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::postgres_server::{self, TestDatabase};
use crate::support::faults::{self, Call, Strike};
use crate::support::{Ended, Origin, Sandbox, ended, film_ids, published};

/// Films of the run.
pub const FILMS: usize = 40;

/// Where the run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    DuckDb,
    Postgres,
    Parquet,
    Csv,
}

/// A job whose run is fetched.
pub struct Stage {
    pub sandbox: Sandbox,
    pub origin: Origin,
    to: To,
    database: Option<TestDatabase<'static>>,
    /// Outside of the sandbox, whose calls are written there.
    log: tempfile::TempDir,
}

impl Stage {
    /// The job, planned and fetched; `more` is put at its end.
    pub fn new(to: To, more: &str) -> Stage {
        Stage::with(to, (to == To::Postgres).then(postgres_server::database), "", more)
    }

    /// The same into a database of a server that the test stops.
    pub fn on_server(url: &str) -> Stage {
        Stage::with(To::Postgres, None, url, "")
    }

    fn with(to: To, database: Option<TestDatabase<'static>>, url: &str, more: &str) -> Stage {
        let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
        let log = tempfile::tempdir().unwrap();
        let stage = Stage { sandbox, origin, to, database, log };
        let url = stage.database.as_ref().map_or_else(|| url.to_owned(), TestDatabase::url);
        stage.write_job(&url, more);
        stage.sandbox.run(["plan", "films.toml"]).with_code(0);
        stage.fetch();
        stage.copy("shards", "fetched");
        stage
    }

    fn write_job(&self, url: &str, more: &str) {
        self.sandbox.write("ids.txt", film_ids(FILMS).join("\n"));
        let (origin, table) = (self.origin.url(), self.table(url));
        self.sandbox.write(
            "films.toml",
            format!(
                r#"
[job]
name = "films"

[input]
file = "ids.txt"
id = "imdb_id"

[[endpoint]]
name = "omdb"
url = "{origin}/"
params = {{ i = "{{imdb_id}}" }}
missing = '.Response == "False"'
columns = {{ title = ".Title" }}

[table]
{table}

[[publish.after]]
sql = "SELECT count(*) AS films FROM films"
file = "report.csv"
{more}
"#
            ),
        );
    }

    fn table(&self, url: &str) -> String {
        let (to, mode) = match self.to {
            To::DuckDb => ("duckdb:films.duckdb", "mode = \"append\""),
            To::Postgres => (url, "mode = \"append\""),
            To::Parquet => ("parquet:films.parquet", "mode = \"upsert\"\nkey = [\"imdb_id\"]"),
            To::Csv => ("csv:films.csv", "mode = \"upsert\"\nkey = [\"imdb_id\"]"),
        };
        format!("to = \"{to}\"\nname = \"films\"\n{mode}")
    }

    /// Fetches what is planned, and publishes nothing.
    pub fn fetch(&self) {
        for shard in 0..shards(&self.sandbox.newest_run("films")) {
            self.sandbox.run(["shard", "films", &shard.to_string()]).with_code(0);
        }
    }

    /// As if the run had never been published.
    pub fn reset(&self) {
        self.sandbox.write("ids.txt", film_ids(FILMS).join("\n"));
        for name in ["films.duckdb", "films.duckdb.wal", "films.parquet", "films.csv", "report.csv"] {
            let _ = std::fs::remove_file(self.path(name));
        }
        if let Some(database) = &self.database {
            database.execute("DROP TABLE IF EXISTS films, windrow_runs");
        }
        std::fs::remove_dir_all(self.path("shards")).unwrap();
        self.copy("fetched", "shards");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path().join(name)
    }

    fn copy(&self, from: &str, to: &str) {
        let copied = Command::new("cp").arg("-a").arg(self.path(from)).arg(self.path(to)).status().unwrap();
        assert!(copied.success());
    }

    /// Another list than the one that was asked: the job is not what the run was planned from.
    pub fn change_list(&self) {
        self.sandbox.write("ids.txt", film_ids(FILMS - 1).join("\n"));
    }

    /// Runs a command, striking some of its calls on files; what it called.
    pub fn struck(&self, arguments: &[&str], strikes: &[Strike]) -> (Ended, Vec<Call>) {
        let log = self.log.path().join("calls");
        let _ = std::fs::remove_file(&log);
        let mut command = self.sandbox.command(arguments);
        faults::watch(&mut command, self.sandbox.path(), &log, strikes);
        let ended = ended(command);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        (ended, faults::calls(&log))
    }

    /// `windrow run` until it ends with 0, as a person or cron would; what the last one said.
    #[track_caller]
    pub fn repeat(&self, case: &str) -> Ended {
        for _ in 0..3 {
            let ended = self.sandbox.run(["run", "films.toml"]);
            if ended.code == Some(0) {
                return ended;
            }
        }
        let ended = self.sandbox.run(["run", "films.toml"]);
        assert_eq!(ended.code, Some(0), "{case}: {}", ended.stderr);
        ended
    }

    /// Rows of the table, and films among them.
    pub fn rows(&self) -> [usize; 2] {
        let sql = "SELECT count(*) || ' ' || count(DISTINCT imdb_id) FROM";
        let text = match self.to {
            To::DuckDb if !self.path("films.duckdb").exists() => return [0, 0],
            To::DuckDb => {
                let there = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'films'";
                if published(&self.path("films.duckdb"), there) == ["0"] {
                    return [0, 0];
                }
                published(&self.path("films.duckdb"), &format!("{sql} films"))
            }
            To::Postgres => {
                let database = self.database.as_ref().unwrap();
                if database.rows("SELECT to_regclass('films') IS NULL") == ["t"] {
                    return [0, 0];
                }
                database.rows(&format!("{sql} films"))
            }
            To::Parquet | To::Csv => return self.rows_of_file(),
        };
        let mut figures = text[0].split(' ').map(|figure| figure.parse().unwrap());
        [figures.next().unwrap(), figures.next().unwrap()]
    }

    fn rows_of_file(&self) -> [usize; 2] {
        let path = self.path(if self.to == To::Csv { "films.csv" } else { "films.parquet" });
        if !path.exists() {
            return [0, 0];
        }
        let sql = format!("SELECT count(*), count(DISTINCT imdb_id) FROM '{}'", path.display());
        let row = |row: &duckdb::Row<'_>| Ok([row.get::<_, usize>(0)?, row.get::<_, usize>(1)?]);
        duckdb::Connection::open_in_memory().unwrap().query_row(&sql, [], row).unwrap()
    }

    /// Runs that there are.
    pub fn runs(&self) -> usize {
        let runs = std::fs::read_dir(self.path("shards/films")).unwrap().flatten();
        runs.filter(|entry| entry.path().join("plan.json").is_file()).count()
    }

    /// The table has each film once, the report says so, and nobody is left untold.
    #[track_caller]
    pub fn is_settled(&self, case: &str) {
        assert_eq!(self.rows(), [FILMS, FILMS], "{case}");
        assert_eq!(
            std::fs::read_to_string(self.path("report.csv")).unwrap(),
            format!("films\n{FILMS}\n"),
            "{case}"
        );
        let run = self.sandbox.newest_run("films");
        assert!(!run.join("publishing.json").exists(), "{case}");
        let outcome = std::fs::read_to_string(run.join("merged.json")).unwrap();
        assert!(outcome.contains("\"published\": true"), "{case}: {outcome}");
        let left = std::fs::read_dir(self.sandbox.path()).unwrap().flatten();
        let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(".windrow-report"));
        assert_eq!(left.count(), 0, "{case}");
    }
}

fn shards(run: &Path) -> usize {
    let entries = std::fs::read_dir(run).unwrap().flatten();
    entries.filter(|entry| entry.path().join("input.parquet").is_file()).count()
}
