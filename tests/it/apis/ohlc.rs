//! The ohlc job: a thousand symbols of a hundred days each into an SQLite file, while other processes read it all the time.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::example;
use crate::support::{Origin, Sandbox};

/// Reads all the time until a file is there; what it could not read, and what no publication wrote. It opens the file anew each
/// time, with the patience that Python's connections have by themselves: whoever opens a file in the moment in which another
/// closes it as the last one waits.
const READER: &str = r#"
import os, sqlite3, sys, time
path, stop = sys.argv[1:]
reads, torn, failed = 0, 0, []
# Until it is told, or the test has failed.
while not os.path.exists(stop) and os.path.isdir(os.path.dirname(stop)):
    if not os.path.exists(path):
        continue
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'ohlc'").fetchone():
            found = connection.execute("SELECT count(*), count(DISTINCT symbol) FROM ohlc").fetchone()
            torn += found != (100000, 1000)
            reads += 1
        connection.close()
        time.sleep(0.005)
    except sqlite3.OperationalError as error:
        failed.append(str(error))
print(reads, torn, sorted(set(failed)))
"#;

fn reader(file: &Path, stop: &Path) -> Child {
    let mut python = Command::new("python3");
    python.args(["-c", READER]).args([file, stop]).stdout(Stdio::piped());
    python.spawn().expect("python3 runs")
}

fn rows(file: &Path, sql: &str) -> Vec<String> {
    let script = "import sqlite3, sys; [print(*row, sep='|') for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]";
    let output =
        Command::new("python3").args(["-c", script]).arg(file).arg(sql).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn all_days_of_all_symbols_are_there_and_nobody_is_locked_out() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = example(&sandbox, &origin, "ohlc", "ohlc_symbols.csv");
    let (file, stop) = (sandbox.path().join("ohlc.sqlite"), sandbox.path().join("stop"));
    let readers = [(); 3].map(|()| reader(&file, &stop));
    for round in 0..2 {
        let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
        assert!(!ended.stderr.contains("locked"), "{round}: {}", ended.stderr);
    }
    std::fs::write(&stop, "").unwrap();
    for reader in readers {
        let told = String::from_utf8(reader.wait_with_output().unwrap().stdout).unwrap();
        let (reads, rest) = told.split_once(' ').unwrap();
        assert!(reads.parse::<u64>().unwrap() > 0 && rest.trim() == "0 []", "{told}");
    }
    assert_eq!(rows(&file, "SELECT count(*), count(DISTINCT symbol || day) FROM ohlc"), ["100000|100000"]);
    for symbol in ["S0001", "S0500", "S1000"] {
        let told = origin.truth(&format!("ohlc/{symbol}"));
        let day = |bar: &serde_json::Value| {
            let texts =
                ["day", "open", "high", "low", "close"].map(|name| bar[name].as_str().unwrap().to_owned());
            format!("{}|{}", texts.join("|"), bar["volume"])
        };
        let expected: Vec<String> = told.as_array().unwrap().iter().map(day).collect();
        let select = format!(
            "SELECT day, open, high, low, close, volume FROM ohlc WHERE symbol = '{symbol}' ORDER BY day"
        );
        assert_eq!(rows(&file, &select), expected, "{symbol}");
    }
}
