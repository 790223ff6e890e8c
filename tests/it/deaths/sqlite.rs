//! SQLite. A list comes out of the file that was filled.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Death, FILMS, Ground, Stage};
use crate::support::ended;
use crate::support::faults::{self, Fault, Strike};

/// The journals that a file may have.
const JOURNALS: [&str; 2] = ["WAL", "DELETE"];

struct Sqlite {
    file: PathBuf,
}

fn stage() -> Stage<Sqlite> {
    Stage::new(|folder| Sqlite { file: folder.join("films.sqlite") })
}

/// The answer of Python's own SQLite, a line for each row.
fn sql_of(file: &Path, sql: &str) -> Vec<String> {
    let script = "import sqlite3, sys\n\
         connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)\n\
         for statement in sys.argv[2].split(';'):\n  \
           for row in connection.execute(statement): print(*row, sep='|')";
    let output = Command::new("python3").args(["-c", script]).arg(file).arg(sql).output().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

impl Ground for Sqlite {
    fn to(&self) -> String {
        "sqlite:films.sqlite".to_owned()
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        sql_of(&self.file, sql)
    }

    fn make_table(&self, _: &str, ids: &str, moment: usize) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(self.file.with_file_name(format!("films.sqlite{ending}")));
        }
        self.sql(&format!(
            "PRAGMA journal_mode = {}; \
             CREATE TABLE films (serial INTEGER PRIMARY KEY AUTOINCREMENT, imdb_id TEXT, title TEXT, year INT, plot TEXT); \
             CREATE INDEX by_id ON films (imdb_id); \
             INSERT INTO films (imdb_id, title) SELECT column1, 'old' FROM (VALUES {ids})",
            JOURNALS[moment / 2 % 2]
        ));
    }

    fn summary(&self) -> &'static str {
        "SELECT count(*) || ' rows, ' || count(DISTINCT imdb_id) || ' ids, ' FROM films; \
         SELECT imdb_id, title, year, plot FROM films ORDER BY 1, 2, 3, 4"
    }

    fn runs(&self) -> String {
        if self.sql("SELECT 1 FROM sqlite_schema WHERE name = 'windrow_runs'").is_empty() {
            return "no run".into();
        }
        self.sql("SELECT coalesce(group_concat(rounds || ':' || \"rows\"), 'no run') FROM windrow_runs")
            .join(" ")
    }

    fn deaths(&self) -> &'static [Death] {
        &[Death::Merge, Death::Run]
    }

    fn is_whole(&self) -> bool {
        self.sql("PRAGMA integrity_check") == ["ok"]
    }
}

#[test]
fn a_death_at_any_moment_loses_nothing_and_doubles_nothing() {
    stage().let_all_die();
}

#[test]
fn records_that_the_table_refuses_are_left_out_and_named_and_come_when_it_takes_them() {
    stage().refuse_and_widen();
}

/// Whichever of the calls that bring it to the disk fails, COMMIT's among them: nothing is published, that is told, and the
/// next merge publishes.
#[test]
fn a_disk_that_does_not_keep_what_is_written_publishes_nothing() {
    let stage = stage();
    let (log, folder) = (tempfile::tempdir().unwrap(), stage.sandbox.path().join("db"));
    std::fs::create_dir(&folder).unwrap();
    stage.sandbox.edit("films.toml", "sqlite:films.sqlite", "sqlite:db/films.sqlite");
    let mut failed = 0;
    for journal in JOURNALS {
        for nth in 1..8 {
            for ending in ["", "-wal", "-shm", "-journal"] {
                let _ = std::fs::remove_file(folder.join(format!("films.sqlite{ending}")));
            }
            let sql = |sql: &str| sql_of(&folder.join("films.sqlite"), sql);
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
    let stage = stage();
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
    assert_eq!(stage.ground.sql("SELECT count(*) FROM again"), [FILMS.to_string()]);
}
