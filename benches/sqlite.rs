//! What proof and load into SQLite cost beside its own shell: `cargo bench --bench sqlite [-- RECORDS…]`.
//!
//! A run of two endpoints and twelve columns as in the bench `merge`, and in turns, three times, the best of each, each into a
//! new file with a write-ahead log and the same table:
//!
//! - the shell's `.import` of the same rows from one CSV file, into the keyed table, which is empty (an empty field is a text
//!   there, and no null: the rows have none);
//! - prove and publish the run (upsert) into that table, empty, then holding all keys;
//! - what a person writes for the second: `.import` into a temporary table, `INSERT … ON CONFLICT DO UPDATE`;
//! - prove and publish (append) into the table without a key;
//! - `INSERT` row by row, as a script would, one transaction each, over 2,000 rows and scaled.
//!
//! Wall and CPU time, each beside `.import`. What is in the table is compared each time with what `.import` has left there. Peak
//! memory is that of windrow's process.

#[path = "run/cost.rs"]
mod cost;
#[path = "run/mod.rs"]
mod run;
#[path = "run/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use cost::Cost;
use run::{make_run, select};
use server::{in_own_process, publish_once};

const TRIES: usize = 3;
/// Rows that are inserted one by one.
const ONE_BY_ONE: u64 = 2_000;

const TABLE: &str = "CREATE TABLE films (id TEXT KEY, title TEXT, plot TEXT, year INTEGER, votes INTEGER, rating REAL, \
     genre TEXT, director TEXT, released TEXT, budget INTEGER, gross TEXT, studio TEXT) STRICT;";

const COLUMNS: [&str; 11] = [
    "title", "plot", "year", "votes", "rating", "genre", "director", "released", "budget", "gross", "studio",
];

/// What tells one table's rows from another's, whatever their order.
const DIGEST: &str = "SELECT count(*), count(DISTINCT id), sum(length(title) * 3 + length(plot)), sum(year), sum(votes), \
     sum(CAST(rating * 1000000 AS INTEGER)), sum(unicode(genre)), sum(substr(director, 10)), sum(CAST(julianday(released) * 2 AS INTEGER)), sum(budget), \
     sum(CAST(replace(gross, '.', '') AS INTEGER)), sum(length(studio)), sum(votes * unicode(title) % 9973), sum(CAST(substr(id, 3) AS INTEGER) * votes % 9973) FROM films;";

/// What is measured, and how it is called.
const MEASURED: [(&str, &str); 7] = [
    ("import", ".import straight into the keyed table"),
    ("upsert", "windrow, upsert into that table, empty"),
    ("conflict", "by hand: .import, ON CONFLICT DO UPDATE"),
    ("again", "windrow, upsert over all keys"),
    ("conflict again", "the same by hand"),
    ("append", "windrow, append, without a key"),
    ("insert", "INSERT row by row, each committed (scaled)"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [measured, folder, url] = &arguments[..] {
        return publish_once(measured, Path::new(folder), url);
    }
    let sizes: Vec<u64> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100_000, 2_000_000] } else { sizes };
    sizes.into_iter().for_each(compare);
}

fn compare(records: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    make_run(folder.path(), records);
    write_file(folder.path());
    let mut best: BTreeMap<&str, Cost> = BTreeMap::new();
    let mut expected = String::new();
    for _ in 0..TRIES {
        for (measured, _) in MEASURED {
            let now = measure(measured, folder.path(), records);
            let found = shell(folder.path(), DIGEST);
            match measured {
                "import" => expected = found,
                "insert" => {}
                _ => assert_eq!(found, expected, "{measured}"),
            }
            let best = best.entry(measured).or_insert(now);
            *best = best.best(now);
        }
    }
    println!("{records} records of 12 columns: {}", expected.trim());
    MEASURED.iter().for_each(|(measured, name)| best[measured].print(name, best["import"]));
}

/// The rows as one CSV file.
fn write_file(folder: &Path) {
    let connection = duckdb::Connection::open_in_memory().expect("DuckDB");
    let sql = format!(
        "COPY ({}) TO '{}' (FORMAT csv, HEADER false)",
        select(folder),
        folder.join("films.csv").display()
    );
    connection.execute_batch(&sql).expect("a file");
}

/// What SQLite's shell answers, over the bench's file.
fn shell(folder: &Path, script: &str) -> String {
    let mut child = Command::new("sqlite3")
        .args(["-bail", "-batch"])
        .arg(folder.join("films.sqlite"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sqlite3 runs: `make bench-needs` installs it");
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("a script");
    let output = child.wait_with_output().expect("sqlite3 ends");
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A new file with the empty table.
fn fresh(folder: &Path, key: &str) {
    for ending in ["", "-wal", "-shm"] {
        // It may not be there.
        let _ = std::fs::remove_file(folder.join(format!("films.sqlite{ending}")));
    }
    shell(folder, &format!("PRAGMA journal_mode = WAL; {}", TABLE.replace("KEY", key)));
}

fn measure(measured: &str, folder: &Path, records: u64) -> Cost {
    match measured {
        // Over what the one before has left.
        "conflict again" => {}
        "again" => drop(shell(folder, "DROP TABLE IF EXISTS windrow_runs;")),
        "append" => fresh(folder, ""),
        _ => fresh(folder, "PRIMARY KEY"),
    }
    let by_hand = |script: &str| {
        Cost::of(None, || {
            shell(folder, script);
            None
        })
    };
    let url = format!("sqlite:{}", folder.join("films.sqlite").display());
    match measured {
        "import" => by_hand(&import(folder, "films")),
        "insert" => {
            let rows = ONE_BY_ONE.min(records);
            by_hand(&insert_one_by_one(rows)).times(records as f64 / rows as f64)
        }
        "conflict" | "conflict again" => by_hand(&upsert_by_hand(folder)),
        "append" => Cost::of(None, || Some(in_own_process("append", folder, &url))),
        _ => Cost::of(None, || Some(in_own_process("upsert", folder, &url))),
    }
}

fn import(folder: &Path, table: &str) -> String {
    format!(".import --csv {} {table}\n", folder.join("films.csv").display())
}

/// As a person writes it, in one transaction.
fn upsert_by_hand(folder: &Path) -> String {
    let set: Vec<String> = COLUMNS.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    format!(
        "{}\nBEGIN;\n{}INSERT INTO films SELECT * FROM temp.staged WHERE true ON CONFLICT (id) DO UPDATE SET {};\nCOMMIT;\n",
        TABLE.replace("films", "temp.staged").replace("KEY", ""),
        import(folder, "staged"),
        set.join(", ")
    )
}

/// As a script would that commits each row.
fn insert_one_by_one(rows: u64) -> String {
    let mut script = String::new();
    for row in 0..rows {
        let plot = "alpha beta gamma delta epsilon zeta eta theta alpha beta gamma delta";
        writeln!(
            script,
            "INSERT INTO films VALUES ('tt{row:08}', 'alpha {row}', '{plot}', 1999, {row}, 7.5, 'alpha', 'director 7', \
             '1999-12-31', 1000000, '1234567.89', 'beta');"
        )
        .expect("a line");
    }
    script
}
