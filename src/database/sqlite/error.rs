//! What SQLite's errors mean: which group each is of, by its extended code (sqlite.org/rescode.html).

use std::path::Path;

use rusqlite::{Error, ffi};

use super::busy::writers;
use super::functions::{NOT_GIVEN, NOT_KEPT};
use crate::database::words::one_line;
use crate::database::{DatabaseError, RowRefusal, Trouble};

const FULL: &str = "nothing was published: free some space, then repeat the command; SQLITE_TMPDIR names the folder for what is set \
                    aside";
const NOT_OURS: &str =
    "is it an SQLite database? One that is encrypted can only be read by the program that encrypts it";
const WRITABLE: &str = "windrow needs to write the file, and beside it its journal, in the same folder";
const BUSY: &str = "SQLite lets one process write at a time, and windrow has waited: end the other one, or its transaction, then \
                    repeat the command";
const DAMAGED: &str = "bring it back from a copy; `sqlite3 FILE \".recover\"` saves what can be saved";
const DISK: &str = "nothing was published: look at the system's log, then repeat the command";
const WORDS: &str = "these are SQLite's words";

/// The code, and SQLite's words, where it is one of its own errors.
fn parts(error: &Error) -> (i32, String) {
    match error {
        Error::SqliteFailure(failure, message) => {
            let words = message.clone().unwrap_or_else(|| failure.to_string());
            (failure.extended_code, words)
        }
        Error::SqlInputError { error, msg, .. } => (error.extended_code, msg.clone()),
        other => (ffi::SQLITE_ERROR, other.to_string()),
    }
}

/// Trouble with the file itself: what to do, and what is said where SQLite's own words say too little.
fn of_the_file(path: &Path, code: i32) -> Option<(Option<String>, &'static str, Trouble)> {
    match code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
            Some((Some(format!("the database is in use: {}", writers(path))), BUSY, Trouble::Passing))
        }
        ffi::SQLITE_FULL => Some((None, FULL, Trouble::Disk)),
        ffi::SQLITE_NOTADB => Some((None, NOT_OURS, Trouble::Other)),
        ffi::SQLITE_CORRUPT => Some((None, DAMAGED, Trouble::Other)),
        ffi::SQLITE_READONLY | ffi::SQLITE_PERM | ffi::SQLITE_CANTOPEN => {
            Some((None, WRITABLE, Trouble::Disk))
        }
        ffi::SQLITE_IOERR => Some((None, DISK, Trouble::Disk)),
        _ => None,
    }
}

/// What an error means while a file is opened.
pub fn unopened(path: &Path, error: &Error) -> DatabaseError {
    let (code, words) = parts(error);
    let (instead, hint, trouble) = of_the_file(path, code).unwrap_or((None, WORDS, Trouble::Other));
    let message = instead.unwrap_or(words);
    DatabaseError::File {
        file: format!("sqlite:{}", path.display()),
        message,
        hint: hint.to_owned(),
        trouble,
    }
}

/// What an error of statements means; `sql` are all of them.
pub(super) fn of_statement(path: &Path, sql: &str, error: &Error) -> DatabaseError {
    let (code, words) = parts(error);
    if of_the_file(path, code).is_some() {
        return unopened(path, error);
    }
    let trouble = trouble(code, &words);
    let message = one_line(&words);
    let is_of_a_row = matches!(trouble, Trouble::Taken | Trouble::Constraint | Trouble::Value);
    DatabaseError::Refused {
        server: format!("sqlite:{}", path.display()),
        position: position(sql, error),
        row: is_of_a_row.then(|| Box::new(row_refusal(&message))),
        message,
        trouble,
    }
}

/// Whether the mistake is in the query, of which these are the words and the place; else it is the file's.
pub fn misread(sql: &str, error: &Error) -> Option<(String, Option<u32>)> {
    let (code, words) = parts(error);
    let is_file = of_the_file(Path::new(""), code).is_some() || code & 0xff == ffi::SQLITE_NOMEM;
    (!is_file).then(|| (words, position(sql, error)))
}

fn trouble(code: i32, words: &str) -> Trouble {
    let says = |what: &str| words.contains(what);
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Trouble::Taken
        }
        ffi::SQLITE_CONSTRAINT_DATATYPE | ffi::SQLITE_CONSTRAINT_FUNCTION => Trouble::Value,
        _ if says(NOT_KEPT) || says(NOT_GIVEN) => Trouble::Value,
        // As it is said by a function of ours.
        _ if says("FOREIGN KEY constraint failed: ") => Trouble::Constraint,
        code => match code & 0xff {
            ffi::SQLITE_CONSTRAINT => Trouble::Constraint,
            ffi::SQLITE_TOOBIG | ffi::SQLITE_MISMATCH => Trouble::Value,
            ffi::SQLITE_INTERRUPT => Trouble::Cancelled,
            ffi::SQLITE_ERROR if says("no such savepoint") || says("no transaction is active") => {
                Trouble::Ended
            }
            ffi::SQLITE_ERROR if says("already exists") => Trouble::Exists,
            ffi::SQLITE_ERROR => Trouble::Statement,
            _ => Trouble::Other,
        },
    }
}

/// What SQLite says of a row: `UNIQUE constraint failed: films.id, films.at`, `NOT NULL constraint failed: films.title`,
/// `CHECK constraint failed: votes > 0`, `cannot store TEXT value in INTEGER column films.votes`. Values it does not repeat.
fn row_refusal(message: &str) -> RowRefusal {
    let column = |named: &str| named.rsplit_once('.').map(|(_, column)| column.to_owned());
    let (kind, what) = message.split_once(" constraint failed: ").unwrap_or((message, ""));
    let (one, constraint) = match kind {
        "NOT NULL" => (column(what), None),
        "UNIQUE" if !what.contains(", ") => (column(what), Some(what.to_owned())),
        "UNIQUE" | "CHECK" | "FOREIGN KEY" => (None, Some(what.to_owned())),
        _ => (message.rsplit_once(" column ").and_then(|(_, named)| column(named)), None),
    };
    RowRefusal { why: message.to_owned(), column: one, constraint }
}

/// Where in the statements, in characters from 1: SQLite counts bytes from the one at which it stopped.
fn position(sql: &str, error: &Error) -> Option<u32> {
    let before = match error {
        Error::SqlInputError { sql: rest, offset, .. } => {
            sql.len().checked_sub(rest.len())? + usize::try_from(*offset).ok()?
        }
        Error::SqliteFailure(_, Some(words)) => sql.find(words.strip_prefix("no such table: ")?)?,
        _ => return None,
    };
    u32::try_from(sql.get(..before)?.chars().count() + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_row_names_its_column() {
        let named = |message: &str| {
            let refusal = row_refusal(message);
            [refusal.column, refusal.constraint].map(Option::unwrap_or_default)
        };
        let of = |column: &str, constraint: &str| [column.to_owned(), constraint.to_owned()];
        assert_eq!(named("UNIQUE constraint failed: films.id"), of("id", "films.id"));
        assert_eq!(named("UNIQUE constraint failed: t.a, t.b"), of("", "t.a, t.b"));
        assert_eq!(named("UNIQUE constraint failed: index 'low'"), of("", "index 'low'"));
        assert_eq!(named("NOT NULL constraint failed: t.c"), of("c", ""));
        assert_eq!(named("CHECK constraint failed: votes > 0"), of("", "votes > 0"));
        assert_eq!(named("cannot store TEXT value in INTEGER column t.n"), of("n", ""));
        assert_eq!(named("FOREIGN KEY constraint failed"), of("", ""));
    }
}
