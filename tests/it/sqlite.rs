//! SQLite as the destination: publishing is killed at random moments, then repeated; nothing is lost, nothing doubled,
//! nothing half there. A list comes out of the file that was filled.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::faults::{self, Fault, Strike};
use crate::support::processes::kill_9;
use crate::support::{Origin, Sandbox, ended, film_ids, is_soak, seeded, wait};

/// Moments at which something dies, in `make soak` and otherwise; `WINDROW_MOMENTS` says otherwise.
const MOMENTS: [usize; 2] = [48, 24];
/// Records of the run.
const FILMS: usize = 3_000;
/// The ways of writing, and the journals that a file may have.
const MODES: [&str; 4] = ["append", "upsert", "replace", "replace_ids"];
const JOURNALS: [&str; 2] = ["WAL", "DELETE"];

/// A fetched run that can be published again and again.
struct Stage {
    sandbox: Sandbox,
    origin: Origin,
}

impl Stage {
    fn new() -> Stage {
        let stage = Stage { sandbox: Sandbox::new(), origin: Origin::start(&[]) };
        stage.sandbox.write("ids.txt", film_ids(FILMS).join("\n"));
        stage.reset("append", "WAL");
        stage.sandbox.run(["run", "films.toml"]).with_code(0);
        stage
    }

    fn file(&self) -> PathBuf {
        self.sandbox.path().join("films.sqlite")
    }

    fn write_job(&self, mode: &str) {
        let key = if mode == "upsert" { "key = \"imdb_id\"" } else { "" };
        let url = self.origin.url();
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
url = "{url}/"
params = {{ i = "{{imdb_id}}" }}
missing = '.Response == "False"'
nulls = ["N/A"]
columns = {{ title = ".Title", year = {{ jq = ".Year", type = "integer" }}, plot = ".Plot" }}

[table]
to = "sqlite:films.sqlite"
name = "films"
mode = "{mode}"
{key}
"#
            ),
        );
    }

    /// The answer of Python's own SQLite, a line for each row.
    fn sql(&self, sql: &str) -> Vec<String> {
        self.sql_of(&self.file(), sql)
    }

    fn sql_of(&self, file: &Path, sql: &str) -> Vec<String> {
        let script = "import sqlite3, sys\n\
             connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n\
             for statement in sys.argv[2].split(';'):\n  \
               for row in connection.execute(statement): print(*row, sep='|')";
        let output = Command::new("python3").args(["-c", script]).arg(file).arg(sql).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// The run as if it had never been published; the table with old rows: of every second id of the list, and of one
    /// that is not in it.
    fn reset(&self, mode: &str, journal: &str) {
        self.write_job(mode);
        let ids = film_ids(FILMS);
        let old = ids.iter().step_by(2).map(|id| format!("('{id}')")).collect::<Vec<_>>().join(",");
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(self.sandbox.path().join(format!("films.sqlite{ending}")));
        }
        self.sql(&format!(
            "PRAGMA journal_mode = {journal}; \
             CREATE TABLE films (serial INTEGER PRIMARY KEY AUTOINCREMENT, imdb_id TEXT, title TEXT, year INT, plot TEXT); \
             CREATE INDEX by_id ON films (imdb_id); \
             INSERT INTO films (imdb_id, title) SELECT column1, 'old' FROM (VALUES {old}, ('other'))"
        ));
        if let Ok(entries) = std::fs::read_dir(self.sandbox.path().join("shards/films")) {
            for entry in entries.flatten() {
                let _ = std::fs::remove_file(entry.path().join("merged.json"));
            }
        }
    }

    /// The table in a line, the serial numbers aside.
    fn table(&self) -> String {
        self.sql("SELECT imdb_id, title, year, plot FROM films ORDER BY 1, 2, 3, 4").join("\n")
    }

    fn runs(&self) -> String {
        if self.sql("SELECT 1 FROM sqlite_schema WHERE name = 'windrow_runs'").is_empty() {
            return "no run".into();
        }
        self.sql("SELECT coalesce(group_concat(rounds || ':' || \"rows\"), 'no run') FROM windrow_runs")
            .join(" ")
    }
}

/// From the refusal to the widened table, as a person would.
#[test]
fn records_that_the_table_refuses_are_left_out_and_named_and_come_when_it_takes_them() {
    let stage = Stage::new();
    stage.reset("upsert", "WAL");
    let refused = film_ids(FILMS)[7].clone();
    stage.sql(&format!(
        "DROP TABLE films; CREATE TABLE films (imdb_id TEXT PRIMARY KEY CHECK (imdb_id <> '{refused}'), title TEXT, year INTEGER, plot TEXT)"
    ));
    let told = stage.sandbox.run(["merge", "films"]).with_code(5);
    told.saying(&format!("record 7, id \"{refused}\", imdb_id = \"{refused}\""));
    stage.sandbox.edit("films.toml", "[table]", "[publish]\nmax_rejected = 1\n\n[table]");
    let merged = stage.sandbox.run(["merge", "films"]).with_code(0);
    merged.saying("published 2,999 rows, 1 record rejected by the table; the table has 2,999");
    let status = stage.sandbox.run(["status", "films"]).with_code(0).stdout;
    assert!(status.contains("1 record rejected by it"), "{status}");
    let failures = stage.sandbox.run(["failures", "films", "--list", "-f", "csv"]).with_code(0).stdout;
    assert!(failures.contains(&format!("{refused},,rejected,rejected,,,")), "{failures}");
    stage.sql(
        "CREATE TABLE kept AS SELECT * FROM films; DROP TABLE films; \
               CREATE TABLE films (imdb_id TEXT PRIMARY KEY, title TEXT, year INTEGER, plot TEXT); \
               INSERT INTO films SELECT * FROM kept",
    );
    let merged = stage.sandbox.run(["merge", "films"]).with_code(0);
    merged.saying("published 1 row; the table has 3,000");
    stage.sandbox.run(["merge", "films"]).with_code(0).saying("already published, nothing to do");
    assert_eq!(stage.sql("SELECT count(*), count(DISTINCT imdb_id) FROM films"), ["3000|3000"]);
}

#[test]
fn a_death_at_any_moment_loses_nothing_and_doubles_nothing() {
    let mut random = seeded();
    let usual = if is_soak() { MOMENTS[0] } else { MOMENTS[1] };
    let moments = std::env::var("WINDROW_MOMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let stage = Stage::new();
    let (mut refuses, mut expected) = (Duration::ZERO, Vec::new());
    for mode in MODES {
        stage.reset(mode, "WAL");
        let (old, started) = (stage.table(), Instant::now());
        stage.sandbox.run(["merge", "films"]).with_code(0);
        refuses = refuses.max(started.elapsed());
        expected.push((mode, old, stage.table(), stage.runs()));
    }
    let mut outcomes = std::collections::BTreeMap::<String, u32>::new();
    for moment in 0..moments {
        let (mode, old, new, runs) = &expected[moment % MODES.len()];
        let journal = JOURNALS[moment / MODES.len() % JOURNALS.len()];
        let after = refuses.mul_f64(random.f64() * 1.1);
        let case = format!("moment {moment}: {mode}, {journal}, after {after:?}");
        stage.reset(mode, journal);
        let arguments = if random.bool() { ["merge", "films"] } else { ["run", "films.toml"] };
        let child = stage.sandbox.start(arguments);
        std::thread::sleep(after);
        kill_9(child.id() as i32);
        let died = wait(child);
        let (table, runs_now) = (stage.table(), stage.runs());
        assert!(table == *old || table == *new, "{case}: half a table\n{}", died.stderr);
        let is_new = table == *new;
        assert_eq!(runs_now != "no run", is_new, "{case}: table and runs do not agree\n{}", died.stderr);
        assert!(died.code != Some(0) || is_new, "{case}: said to be published\n{}", died.stderr);
        assert_eq!(stage.sql("PRAGMA integrity_check"), ["ok"], "{case}");
        *outcomes.entry(format!("{journal}, {}", if is_new { "new" } else { "old" })).or_default() += 1;
        stage.sandbox.run(["merge", "films"]).with_code(0);
        assert_eq!((&stage.table(), &stage.runs()), (new, runs), "{case}: after it was repeated");
    }
    println!("{outcomes:#?}");
}

/// Whichever of the calls that bring it to the disk fails, COMMIT's among them: nothing is published, that is told, and the
/// next merge publishes.
#[test]
fn a_disk_that_does_not_keep_what_is_written_publishes_nothing() {
    let stage = Stage::new();
    let (log, folder) = (tempfile::tempdir().unwrap(), stage.sandbox.path().join("db"));
    std::fs::create_dir(&folder).unwrap();
    stage.sandbox.edit("films.toml", "sqlite:films.sqlite", "sqlite:db/films.sqlite");
    let mut failed = 0;
    for journal in JOURNALS {
        for nth in 1..8 {
            for ending in ["", "-wal", "-shm", "-journal"] {
                let _ = std::fs::remove_file(folder.join(format!("films.sqlite{ending}")));
            }
            let sql = |sql: &str| stage.sql_of(&folder.join("films.sqlite"), sql);
            sql(&format!(
                "PRAGMA journal_mode = {journal}; CREATE TABLE films (imdb_id, title TEXT, year INT, plot TEXT)"
            ));
            let mut command = stage.sandbox.command(["merge", "films"]);
            let strike = Strike {
                call: "fsync",
                from: nth,
                to: nth + 99,
                fault: Fault::Error(nix::errno::Errno::EIO),
            };
            faults::watch(&mut command, &folder, &log.path().join("log"), &[strike]);
            let died = ended(command);
            let case = format!("{journal}, from fsync {nth} on");
            if died.code != Some(0) {
                failed += 1;
                let died = died.with_code(4).saying("disk I/O error");
                assert!(died.stderr.contains("nothing was published"), "{case}: {}", died.stderr);
                assert_eq!(sql("SELECT count(*) FROM films"), ["0"], "{case}");
                stage.sandbox.run(["merge", "films"]).with_code(0);
            }
            assert_eq!(sql("SELECT count(*) FROM films"), [FILMS.to_string()], "{case}");
            let runs = stage.sandbox.newest_run("films");
            std::fs::remove_file(runs.join("merged.json")).unwrap();
        }
    }
    assert!(failed > 3, "{failed}");
}

/// What was published is a list, and its table looks the same to a person as in any other destination.
#[test]
fn what_was_published_is_a_list_and_is_shown() {
    let stage = Stage::new();
    let ended = stage.sandbox.run(["run", "films.toml"]).with_code(0);
    assert!(ended.stderr.contains("films.sqlite"), "{}", ended.stderr);
    let status = stage.sandbox.run(["status", "films"]).with_code(0);
    assert!(status.stdout.contains("sqlite:"), "{}", status.stdout);
    let url = stage.origin.url();
    stage.sandbox.write(
        "again.toml",
        format!(
            "[input]\ndatabase = \"sqlite:films.sqlite\"\nsql = \"SELECT DISTINCT imdb_id FROM films WHERE imdb_id <> 'other'\"\n\
             id = \"imdb_id\"\n[[endpoint]]\nname = \"omdb\"\nurl = \"{url}/\"\nparams = {{ i = \"{{imdb_id}}\" }}\n\
             missing = '.Response == \"False\"'\ncolumns = {{ title = \".Title\" }}\n\
             [table]\nto = \"sqlite:films.sqlite\"\nname = \"again\"\n"
        ),
    );
    let plan = stage.sandbox.run(["plan", "again.toml"]).with_code(0);
    assert!(plan.stdout.contains("STRICT"), "{}", plan.stdout);
    stage.sandbox.run(["run", "again.toml"]).with_code(0);
    assert_eq!(stage.sql("SELECT count(*) FROM again"), [FILMS.to_string()]);
}
