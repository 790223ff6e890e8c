//! The wheel in a fresh environment of Python's: program, children, module, and nothing left when it goes.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, Origin, Sandbox, ended, films_job, published, small_job};

struct Environment {
    sandbox: Sandbox,
    folder: PathBuf,
}

impl Environment {
    /// With the wheel and nothing else; no index is asked.
    fn new() -> Environment {
        let sandbox = Sandbox::new();
        let folder = sandbox.path().join("environment");
        let environment = Environment { sandbox, folder };
        environment.ended("python3", &["-m", "venv", "environment"]);
        assert_eq!(environment.files(), Vec::<PathBuf>::new());
        let wheel = environment.wheel();
        environment.pip(&["install", "--no-index", &wheel.display().to_string()]);
        environment
    }

    fn wheel(&self) -> PathBuf {
        if let Some(wheel) = std::env::var_os("WINDROW_WHEEL") {
            return wheel.into();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/python/wheel.py");
        let words = [&script.display().to_string(), env!("CARGO_BIN_EXE_windrow"), "wheels"];
        let told = self.ended("python3", &words);
        self.sandbox.path().join(told.stdout.trim_end())
    }

    fn command(&self, program: impl AsRef<Path>, words: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        self.sandbox.confine(&mut command);
        command.args(words).env_remove("LD_LIBRARY_PATH").env_remove("PYTHONPATH");
        command
    }

    fn ended(&self, program: &str, words: &[&str]) -> Ended {
        ended(self.command(program, words)).with_code(0)
    }

    fn bin(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    fn pip(&self, words: &[&str]) {
        let words = [&["-m", "pip", "--disable-pip-version-check", "--quiet"], words].concat();
        ended(self.command(self.bin("python"), &words)).with_code(0);
    }

    fn python(&self, script: &str) -> Ended {
        ended(self.command(self.bin("python"), &["-c", script]))
    }

    /// What is installed, without what Python compiles as it goes.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found.retain(|path| path.to_string_lossy().contains("windrow"));
        found
    }

    /// Lends it the tests' own pandas, polars and pyarrow.
    fn lend(&self) {
        let script = "import sysconfig; print(sysconfig.get_path('purelib'))";
        let theirs = self.ended("python3", &["-c", script]).stdout;
        let own = self.python(script).with_code(0).stdout;
        std::fs::write(Path::new(own.trim_end()).join("lent.pth"), theirs).unwrap();
    }
}

/// What the columns hold, as Python's own values.
const FRAMES: &str = r#"
import datetime, decimal, json, windrow
import polars, pandas
utc = datetime.timezone.utc
big = "SELECT 9007199254740993::BIGINT AS big, 12.3400::DECIMAL(18,4) AS money, TIMESTAMP '2026-11-23 14:05:00.25' AS at, " \
      "NULL::INTEGER AS none, 'é'::TEXT AS text, '\\x00\\xFF'::BLOB AS bytes, sum(2::BIGINT) AS total, DATE '2026-11-23' AS day"
table = windrow.frame("movies", big)
expected = [9007199254740993, decimal.Decimal("12.3400"), datetime.datetime(2026, 11, 23, 14, 5, 0, 250000, utc), None,
            "é", b"\x00\xff", decimal.Decimal(2), datetime.date(2026, 11, 23)]
row = list(table.to_pylist()[0].values())
assert row == expected, row
assert list(polars.from_arrow(table).row(0)) == expected
frame = table.to_pandas()
assert frame["big"].dtype == "int64" and frame["big"][0] == 9007199254740993
assert frame["money"][0] == decimal.Decimal("12.3400") and str(frame["at"].dtype) == "datetime64[us, UTC]"
assert pandas.isna(frame["none"][0])
rows = windrow.frame("movies")
assert rows.num_rows == 25 and rows.schema.field("imdb_votes").type == "int64", rows.schema
assert windrow.frame("movies", "SELECT * FROM rows WHERE false").schema.names == rows.schema.names
try:
    windrow.frame("movies", "SELECT nothing FROM rows")
except windrow.WindrowError as error:
    assert error.exit == 2 and "nothing" in str(error), error
else:
    raise AssertionError("no error")
"#;

const RUNS: &str = r#"
import pickle, windrow
ids = [line.split(",")[0] for line in open("schemas/movie_ids.csv")][1:3]
summary = windrow.run("schemas/movies.toml", ids=ids, progress="none", quiet=True)
assert summary.ok and summary.exit == 0 and summary.state == "published" and summary.trial, summary
assert summary.records == summary["records"] == 2, summary
assert summary.rows.published == summary.to_dict()["rows"]["published"] == 2, summary
try:
    summary.no_such_thing
except AttributeError as error:
    assert "it has version, windrow, command" in str(error)
for words in [("schemas/none.toml",), ("-x",)]:
    try:
        windrow.run(*words)
    except windrow.WindrowError as error:
        again = pickle.loads(pickle.dumps(error))
        assert again.exit == error.exit == 2 and "cannot be read" in str(again), error
    else:
        raise AssertionError(words)
failed = windrow.run("schemas/none.toml", check=False, quiet=True)
assert not failed.ok and failed.exit == 2
for ids in [["a,b"]]:
    try:
        windrow.run("schemas/movies.toml", ids=ids)
    except ValueError as error:
        assert "a,b" in str(error)
    else:
        raise AssertionError(ids)
"#;

/// Told to stop alone, as notebooks may tell it: what it started must not go on unseen.
const INTERRUPTED: &str = r#"
import os, signal, threading, time, windrow
def interrupt():
    while not os.path.exists("shards/small"):
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
began = time.monotonic()
try:
    windrow.run("small.toml")
except KeyboardInterrupt:
    assert time.monotonic() - began < 60
else:
    raise AssertionError("it went on")
"#;

#[test]
fn the_wheel_runs_the_films_and_hands_them_to_frames_and_leaves_nothing() {
    let environment = Environment::new();
    let (sandbox, origin) = (&environment.sandbox, Origin::start(&[]));
    let by_name = ended(environment.command(environment.bin("windrow"), &["--version"])).with_code(0).stdout;
    assert_eq!(by_name, concat!("windrow ", env!("CARGO_PKG_VERSION"), "\n"));
    let python = environment.bin("python");
    let by_module = ended(environment.command(&python, &["-m", "windrow", "--version"])).with_code(0).stdout;
    assert_eq!(by_module, by_name);
    environment.python("import sys, windrow; assert 'pyarrow' not in sys.modules").with_code(0);

    films_job(sandbox, &origin);
    let list = std::fs::read_to_string(sandbox.path().join("schemas/movie_ids.csv")).unwrap();
    sandbox.write(
        "schemas/movie_ids.csv",
        list.lines().take(26).map(|line| format!("{line}\n")).collect::<String>(),
    );
    // Another version of the library that goes first: it is not ours.
    sandbox.write("other/libduckdb.so", "no library");
    let mut run = environment.command(environment.bin("windrow"), &["run", "movies", "--processes", "2"]);
    if std::env::var_os("WINDROW_WHEEL").is_some() {
        run.env("LD_LIBRARY_PATH", sandbox.path().join("other"));
    }
    ended(run).with_code(0).saying("published 25 rows");
    assert_eq!(published(&sandbox.path().join("movies.duckdb"), "SELECT count(*) FROM movies"), ["25"]);

    environment.python(RUNS).with_code(0);
    environment
        .python("import windrow; windrow.frame('movies')")
        .saying("windrow.frame needs pyarrow: pip install pyarrow");
    environment.lend();
    environment.python(FRAMES).with_code(0);

    small_job(sandbox, &origin, 500, "", "");
    let limit = format!("[limit.\"127.0.0.1:{}\"]\nrate = \"2/s\"\n\n[defaults]", origin.port);
    sandbox.edit("small.toml", "[defaults]", &limit);
    let mut interrupted = environment.command(&python, &["-c", INTERRUPTED]);
    // Apart from the terminal, if the tests have one.
    interrupted.process_group(0);
    ended(interrupted).with_code(0).saying("interrupted");

    environment.pip(&["uninstall", "--yes", "windrow-cli"]);
    assert_eq!(environment.files(), Vec::<PathBuf>::new());
}
