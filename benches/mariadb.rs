//! What proof and load into MariaDB cost beside its own loaders: `cargo bench --bench mariadb [-- RECORDS…]`.
//!
//! A server of the bench's own (everything as it comes, but for 1 GB of buffers), a run of two endpoints and twelve columns
//! as in the bench `merge`, and in turns, three times, the best of each:
//!
//! - `LOAD DATA` of the same rows from a file on the server, straight into the keyed table, which is empty;
//! - prove and publish the run (upsert) into that table, empty, then holding all keys;
//! - what a person writes for the second: `LOAD DATA` into a temporary table, `INSERT … ON DUPLICATE KEY UPDATE`;
//! - prove and publish (append) into the table without a key;
//! - `INSERT` row by row, as a script would, in one transaction, over 50,000 rows and scaled.
//!
//! Wall and CPU time (that of the server included), each beside `LOAD DATA`. What is in the table is compared each time with
//! what `LOAD DATA` has left there. Peak memory is that of windrow's process.

#[path = "run/cost.rs"]
mod cost;
#[path = "../tests/databases/mod.rs"]
#[expect(dead_code, reason = "only tests share and stop servers")]
mod databases;
#[path = "run/mod.rs"]
mod run;
#[path = "run/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use cost::Cost;
use databases::mariadb::{MariaDbServer, TestDatabase};
use run::{make_run, select};
use server::{in_own_process, publish_once};

const TRIES: usize = 3;
/// Rows that are inserted one by one.
const ONE_BY_ONE: u64 = 50_000;

const TABLE: &str = "CREATE TABLE films (id varchar(40), title text, plot text, year int, votes bigint, rating double, \
     genre text, director text, released date, budget bigint, gross decimal(18,2), studio text) CHARACTER SET utf8mb4";

const COLUMNS: [&str; 11] = [
    "title", "plot", "year", "votes", "rating", "genre", "director", "released", "budget", "gross", "studio",
];

/// What tells one table's rows from another's, whatever their order.
const DIGEST: &str = "SELECT count(*), count(DISTINCT id), sum(crc32(concat_ws('|', id, title, plot, year, votes, rating, \
     genre, director, released, budget, gross, studio))) FROM films";

/// What is measured, and how it is called.
const MEASURED: [(&str, &str); 7] = [
    ("load", "LOAD DATA straight into the keyed table"),
    ("upsert", "windrow, upsert into that table, empty"),
    ("conflict", "by hand: LOAD DATA, ON DUPLICATE KEY UPDATE"),
    ("again", "windrow, upsert over all keys"),
    ("conflict again", "the same by hand"),
    ("append", "windrow, append, without a key"),
    ("insert", "INSERT row by row (scaled)"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [measured, folder, url] = &arguments[..] {
        return publish_once(measured, Path::new(folder), url);
    }
    let sizes: Vec<u64> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100_000, 2_000_000] } else { sizes };
    let server = MariaDbServer::start(&["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G"]);
    sizes.into_iter().for_each(|records| compare(&server, records));
}

fn compare(server: &MariaDbServer, records: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    make_run(folder.path(), records);
    let database = server.database();
    let file = server.data().join(format!("films_{records}.tsv"));
    write_file(folder.path(), &file);
    let mut best: BTreeMap<&str, Cost> = BTreeMap::new();
    let mut expected = Vec::new();
    for _ in 0..TRIES {
        for (measured, _) in MEASURED {
            let now = measure(measured, folder.path(), &file, &database, records);
            let found = database.rows(DIGEST);
            match measured {
                "load" => expected = found,
                "insert" => {}
                _ => assert_eq!(found, expected, "{measured}"),
            }
            let best = best.entry(measured).or_insert(now);
            *best = best.best(now);
        }
    }
    println!("{records} records of 12 columns: {}", expected.join(", "));
    MEASURED.iter().for_each(|(measured, name)| best[measured].print(name, best["load"]));
    std::fs::remove_file(file).expect("the file");
}

/// The rows as one file, which the server may read.
fn write_file(folder: &Path, file: &Path) {
    let connection = duckdb::Connection::open_in_memory().expect("DuckDB");
    let aside = folder.join("films.tsv");
    let options = "FORMAT csv, HEADER false, DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR '\\N'";
    let sql = format!("COPY ({}) TO '{}' ({options})", select(folder), aside.display());
    connection.execute_batch(&sql).expect("a file");
    std::fs::copy(aside, file).expect("a copy");
}

fn fresh(database: &TestDatabase<'_>, key: &str) {
    let table = TABLE.replace("studio text", &format!("studio text{key}"));
    database.execute(&format!("DROP TABLE IF EXISTS films, windrow_runs; {table}"));
}

const KEY: &str = ", PRIMARY KEY (id)";

fn measure(measured: &str, folder: &Path, file: &Path, database: &TestDatabase<'_>, records: u64) -> Cost {
    match measured {
        // Over what the one before has left.
        "conflict again" => {}
        "again" => database.execute("DROP TABLE IF EXISTS windrow_runs"),
        "append" => fresh(database, ""),
        _ => fresh(database, KEY),
    }
    let of = |work: &dyn Fn() -> Option<(f64, f64)>| Cost::of(Some(database.server.pid()), work);
    let by_hand = |sql: &str| {
        of(&|| {
            database.execute(sql);
            None
        })
    };
    match measured {
        "load" => by_hand(&load(file, "films")),
        "insert" => {
            let rows = ONE_BY_ONE.min(records);
            by_hand(&insert_one_by_one(rows)).times(records as f64 / rows as f64)
        }
        "conflict" | "conflict again" => by_hand(&upsert_by_hand(file)),
        "append" => of(&|| Some(in_own_process("append", folder, &database.url()))),
        _ => of(&|| Some(in_own_process("upsert", folder, &database.url()))),
    }
}

fn load(file: &Path, table: &str) -> String {
    format!("LOAD DATA INFILE '{}' INTO TABLE {table} CHARACTER SET utf8mb4;", file.display())
}

/// As a person writes it, in one transaction.
fn upsert_by_hand(file: &Path) -> String {
    let set: Vec<String> = COLUMNS.iter().map(|name| format!("{name} = VALUES({name})")).collect();
    format!(
        "CREATE TEMPORARY TABLE staged LIKE films; START TRANSACTION; {} \
         INSERT INTO films SELECT * FROM staged ON DUPLICATE KEY UPDATE {}; COMMIT;",
        load(file, "staged"),
        set.join(", ")
    )
}

/// As a script would: one statement a row. It is read by the server's own client.
fn insert_one_by_one(rows: u64) -> String {
    let mut script = String::from("START TRANSACTION;\n");
    for row in 0..rows {
        let plot = "alpha beta gamma delta epsilon zeta eta theta alpha beta gamma delta";
        writeln!(
            script,
            "INSERT INTO films VALUES ('tt{row:08}', 'alpha {row}', '{plot}', 1999, {row}, 7.5, 'alpha', 'director 7', \
             '1999-12-31', 1000000, 1234567.89, 'beta');"
        )
        .expect("a line");
    }
    script.push_str("COMMIT;");
    script
}
