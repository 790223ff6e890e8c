//! SQLite as others use it, for tests: a connection of its own for each call.

use std::path::Path;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, Connection};

use super::spelled;

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    connection
}

/// Keeps everybody else from the file, until it is dropped.
pub fn hold(path: &Path) -> Connection {
    let connection = open(path);
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    connection
}

/// Runs statements.
#[track_caller]
pub fn execute(path: &Path, sql: &str) {
    open(path).execute_batch(sql).unwrap();
}

/// The rows of the last of some statements, columns joined by `|`, null as `~`.
#[track_caller]
pub fn rows(path: &Path, sql: &str) -> Vec<String> {
    let connection = open(path);
    let mut found = Vec::new();
    let mut statements = Batch::new(&connection, sql);
    while let Some(mut statement) = statements.next().unwrap() {
        found.clear();
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let cell = |at| spelled(row.get_ref(at).unwrap()).unwrap_or_else(|| "~".to_owned());
            found.push((0..width).map(cell).collect::<Vec<_>>().join("|"));
        }
    }
    found
}
