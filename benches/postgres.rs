//! What proof and load into PostgreSQL cost beside its own loaders: `cargo bench --bench postgres [-- RECORDS…]`.
//!
//! A server of the bench's own (fsync on, everything else as it comes), a run of two endpoints and twelve columns as in
//! the bench `merge`, and in turns, three times, the best of each, all into a logged table without indexes that is new:
//!
//! - `psql`'s `\copy` of the same rows from one CSV file, and from one file of the binary format, both made before;
//! - prove and publish (append): join of the endpoints' chunks, encoding, one transaction with `windrow_runs`;
//! - the same as an upsert into a table with a primary key: empty, and holding all keys; beside it what a person writes
//!   with `psql` for that: `\copy` of the binary file into a temporary table, `INSERT … ON CONFLICT … DO UPDATE`;
//! - `INSERT` row by row, as a script would, prepared and in one transaction, over 50,000 rows and scaled.
//!
//! Peak memory is that of windrow's process.

#[path = "../tests/databases/mod.rs"]
#[expect(dead_code, reason = "only tests share and stop servers")]
mod databases;
#[path = "run/mod.rs"]
mod run;
#[path = "run/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use databases::postgres::{PostgresServer, TestDatabase};
use run::{make_run, select};
use server::{in_own_process, publish_once};

const TRIES: usize = 3;
/// Rows that are inserted one by one.
const ONE_BY_ONE: u64 = 50_000;

const TABLE: &str = "CREATE TABLE films (id text, title text, plot text, year integer, votes bigint, \
     rating double precision, genre text, director text, released date, budget bigint, gross numeric(18,2), \
     studio text)";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [measured, folder, url] = &arguments[..] {
        return publish_once(measured, Path::new(folder), url);
    }
    let sizes: Vec<u64> = arguments.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100_000, 2_000_000] } else { sizes };
    let settings = [("max_wal_size", "8GB"), ("checkpoint_timeout", "30min")];
    let server = PostgresServer::start(&settings);
    sizes.into_iter().for_each(|records| compare(&server, records));
}

fn compare(server: &PostgresServer, records: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    make_run(folder.path(), records);
    let database = server.database();
    write_files(folder.path(), &database);
    let mut best: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for _ in 0..TRIES {
        for measured in ["csv", "binary", "append", "upsert", "again", "conflict", "conflict again", "insert"]
        {
            let now = measure(measured, folder.path(), &database, records);
            let best = best.entry(measured).or_insert(now);
            *best = (best.0.min(now.0), best.1.min(now.1));
        }
    }
    println!("{records} records of 12 columns");
    let names = [
        ("csv", "\\copy, CSV"),
        ("binary", "\\copy, binary"),
        ("append", "windrow, append, proof included"),
        ("upsert", "windrow, upsert into an empty table with a key"),
        ("conflict", "the same by hand: \\copy, INSERT ON CONFLICT"),
        ("again", "windrow, upsert over all keys"),
        ("conflict again", "the same by hand"),
        ("insert", "INSERT row by row (scaled)"),
    ];
    for (measured, name) in names {
        let (seconds, peak) = best[measured];
        let ratio = seconds / best["csv"].0;
        let peak = if peak > 0.0 { format!("{peak:>6.0} MB") } else { String::new() };
        println!("  {name:<48} {seconds:>8.2} s {ratio:>7.2} {peak}");
    }
}

/// The rows as one CSV file and as one of the binary format.
fn write_files(folder: &Path, database: &TestDatabase<'_>) {
    let csv = folder.join("films.csv");
    let connection = duckdb::Connection::open_in_memory().expect("DuckDB");
    let sql = format!("COPY ({}) TO '{}' (FORMAT csv, HEADER true)", select(folder), csv.display());
    connection.execute_batch(&sql).expect("a CSV file");
    fresh(database, TABLE);
    copy(database, &format!("\\copy films FROM '{}' CSV HEADER", csv.display()));
    copy(database, &format!("\\copy films TO '{}' BINARY", folder.join("films.bin").display()));
}

fn fresh(database: &TestDatabase<'_>, table: &str) {
    database.execute(&format!("DROP TABLE IF EXISTS films; DROP TABLE IF EXISTS windrow_runs; {table}"));
    // What the one before has left to be written is not this one's.
    database.rows("CHECKPOINT");
}

fn copy(database: &TestDatabase<'_>, command: &str) {
    let psql =
        Command::new("psql").args(["--no-psqlrc", "--quiet", "--command", command, &database.url()]).status();
    assert!(psql.is_ok_and(|status| status.success()), "{command}");
}

/// Seconds, and peak memory in MB.
fn measure(measured: &str, folder: &Path, database: &TestDatabase<'_>, records: u64) -> (f64, f64) {
    match measured {
        "csv" | "binary" => {
            fresh(database, TABLE);
            let (file, format) =
                if measured == "csv" { ("films.csv", "CSV HEADER") } else { ("films.bin", "BINARY") };
            let started = Instant::now();
            copy(database, &format!("\\copy films FROM '{}' {format}", folder.join(file).display()));
            (started.elapsed().as_secs_f64(), 0.0)
        }
        "insert" => {
            fresh(database, TABLE);
            let rows = ONE_BY_ONE.min(records);
            let took = insert_one_by_one(database, rows);
            (took.as_secs_f64() * records as f64 / rows as f64, 0.0)
        }
        "append" => {
            fresh(database, TABLE);
            in_own_process("append", folder, &database.url())
        }
        "upsert" => {
            fresh(database, &TABLE.replace("id text", "id text PRIMARY KEY"));
            in_own_process("upsert", folder, &database.url())
        }
        "conflict" => {
            fresh(database, &TABLE.replace("id text", "id text PRIMARY KEY"));
            (upsert_by_hand(folder, database).as_secs_f64(), 0.0)
        }
        // Over what the one before has left.
        "conflict again" => {
            database.rows("CHECKPOINT");
            (upsert_by_hand(folder, database).as_secs_f64(), 0.0)
        }
        _ => {
            database.execute("DELETE FROM windrow_runs");
            database.rows("CHECKPOINT");
            in_own_process("upsert", folder, &database.url())
        }
    }
}

/// As a person writes it, in one transaction of `psql`.
fn upsert_by_hand(folder: &Path, database: &TestDatabase<'_>) -> Duration {
    let columns = [
        "title", "plot", "year", "votes", "rating", "genre", "director", "released", "budget", "gross",
        "studio",
    ];
    let set: Vec<String> = columns.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let script = format!(
        "CREATE TEMP TABLE staged (LIKE films) ON COMMIT DROP;\n\\copy staged FROM '{}' BINARY\n\
         INSERT INTO films SELECT * FROM staged ON CONFLICT (id) DO UPDATE SET {};\n",
        folder.join("films.bin").display(),
        set.join(", ")
    );
    let started = Instant::now();
    database.execute(&script);
    started.elapsed()
}

/// As a script would: one statement a row, the values from a CSV reader.
fn insert_one_by_one(database: &TestDatabase<'_>, rows: u64) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connected = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("a connection");
        tokio::spawn(connection);
        let values = "INSERT INTO films VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::date, $10, $11::text::numeric, $12)";
        let started = Instant::now();
        client.batch_execute("BEGIN").await.expect("a transaction");
        let insert = client.prepare(values).await.expect("a statement");
        for row in 0..rows {
            let (id, title) = (format!("tt{row:08}"), format!("alpha {row}"));
            let plot = "alpha beta gamma delta epsilon zeta eta theta alpha beta gamma delta";
            let inserted = client
                .execute(
                    &insert,
                    &[
                        &id, &title, &plot, &1999i32, &(row as i64), &7.5f64, &"alpha", &"director 7", &"1999-12-31",
                        &1_000_000i64, &"1234567.89", &"beta",
                    ],
                )
                .await;
            inserted.expect("a row");
        }
        client.batch_execute("COMMIT").await.expect("a table");
        started.elapsed()
    })
}
