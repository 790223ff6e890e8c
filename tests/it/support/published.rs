//! What stands in a database file that windrow published into.

use std::path::Path;

use duckdb::{AccessMode, Config, Connection};

/// One column of a query over a database file, as text.
#[track_caller]
pub fn published(database: &Path, sql: &str) -> Vec<String> {
    let config = Config::default().access_mode(AccessMode::ReadOnly).unwrap();
    let connection = Connection::open_with_flags(database, config).expect("the database is there");
    let mut statement = connection.prepare(&format!("SELECT one::VARCHAR FROM ({sql}) found(one)")).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// The films of [`small_job`](super::small_job), a line each, in order.
#[track_caller]
pub fn published_films(database: &Path) -> Vec<String> {
    published(database, "SELECT films FROM films ORDER BY imdb_id")
}
