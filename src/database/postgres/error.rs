//! What a server's errors mean: which group each is of.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::Server;
use crate::database::error::told;
use crate::database::words::{chain, one_line};
use crate::database::{DatabaseError, RowRefusal, Trouble};

/// What an error means while connecting.
pub(super) fn of_connecting(server: &Server, error: &Error) -> DatabaseError {
    let (message, hint) = match error.as_db_error() {
        Some(refusal) => (server.hidden.masked(&words(refusal)), hint_of_login(refusal.code())),
        None => (server.hidden.masked(&chain(error)), hint_of_network(error)),
    };
    let hint = match &server.passed_over {
        Some(path) if hint == SET_PASSWORD => {
            format!("{} was not read, since others may read it: chmod 600 {0}", path.display())
        }
        _ => hint.to_owned(),
    };
    DatabaseError::Unreachable { server: server.shown().to_owned(), message, hint }
}

/// What an error of a statement means.
pub(super) fn of_statement(server: &Server, error: &Error) -> DatabaseError {
    let masked = |words: String| server.hidden.masked(&words);
    let server = server.shown().to_owned();
    match error.as_db_error() {
        Some(refusal) if is_goodbye(refusal.code()) => {
            DatabaseError::Lost { server, message: masked(words(refusal)) }
        }
        Some(refusal) => DatabaseError::Refused {
            server,
            message: masked(words(refusal)),
            trouble: trouble(refusal.code()),
            position: position(refusal),
            row: row_refusal(refusal).map(|row| Box::new(RowRefusal { why: masked(row.why), ..row })),
        },
        None => DatabaseError::Lost { server, message: masked(chain(error)) },
    }
}

/// The server ends the connection: a restart, a crash of another backend, an administrator.
fn is_goodbye(code: &SqlState) -> bool {
    [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN, &SqlState::CANNOT_CONNECT_NOW].contains(&code)
        || code.code().starts_with("08")
}

/// By SQLSTATE (PostgreSQL, appendix A).
fn trouble(code: &SqlState) -> Trouble {
    match code.code() {
        "23505" => Trouble::Taken,
        "40001" | "40P01" => Trouble::Deadlock,
        "42P06" | "42P07" | "42701" | "42710" => Trouble::Exists,
        "25P01" | "3B001" => Trouble::Ended,
        "53100" => Trouble::Disk,
        "57014" | "55P03" => Trouble::Cancelled,
        "42501" => Trouble::Privilege,
        code => match &code[..2.min(code.len())] {
            "23" | "27" | "44" | "P0" => Trouble::Constraint,
            // A row or an entry of an index may be too long.
            "22" | "54" => Trouble::Value,
            "40" | "53" | "55" => Trouble::Passing,
            "42" | "0A" => Trouble::Statement,
            _ => Trouble::Other,
        },
    }
}

const SET_PASSWORD: &str = "set the password: ${NAME} in the URL, PGPASSWORD, or ~/.pgpass";

fn hint_of_login(code: &SqlState) -> &'static str {
    match code.code() {
        "28P01" => SET_PASSWORD,
        "28000" => "the server's pg_hba.conf does not let this user in from here, or not this way",
        "3D000" => "the database must be there: createdb makes one",
        "53300" => "the server has no connection left: try again, or raise its max_connections",
        "57P03" => "the server is starting up or shutting down: try again",
        _ => "the server answered, and refused",
    }
}

fn hint_of_network(error: &Error) -> &'static str {
    let text = chain(error);
    let is_about = |word: &str| text.contains(word);
    if is_about("certificate") || is_about("tls") || is_about("TLS") {
        "look at sslmode and sslrootcert in the URL"
    } else if is_about("password missing") {
        SET_PASSWORD
    } else {
        "is the server running there, and does it listen on that address?"
    }
}

/// The server's words: message, detail and hint.
fn words(refusal: &DbError) -> String {
    let mut words = refusal.message().to_owned();
    let place = refusal.where_().filter(|place| place.starts_with("COPY"));
    for more in [refusal.detail(), place].into_iter().flatten() {
        words += &format!(": {}", more.trim_end_matches('.'));
    }
    if let Some(hint) = refusal.hint() {
        words += &format!(" ({})", hint.trim_end_matches('.'));
    }
    one_line(&words)
}

/// What is said of a row, where the refusal is about one.
fn row_refusal(refusal: &DbError) -> Option<RowRefusal> {
    if !matches!(trouble(refusal.code()), Trouble::Taken | Trouble::Constraint | Trouble::Value) {
        return None;
    }
    // Of these two the detail is the row, whatever language it is in.
    let is_row = [&SqlState::CHECK_VIOLATION, &SqlState::NOT_NULL_VIOLATION].contains(&refusal.code());
    let detail = refusal.detail().filter(|_| !is_row);
    let detail = detail.map_or_else(String::new, |detail| format!(": {}", detail.trim_end_matches('.')));
    let why = told(refusal.message())
        .map(str::to_owned)
        .unwrap_or_else(|| format!("{}{detail}", refusal.message()));
    Some(RowRefusal {
        why: one_line(&why),
        column: refusal.column().map(str::to_owned),
        constraint: refusal.constraint().map(str::to_owned),
    })
}

fn position(refusal: &DbError) -> Option<u32> {
    match refusal.position()? {
        tokio_postgres::error::ErrorPosition::Original(at) => Some(*at),
        tokio_postgres::error::ErrorPosition::Internal { position, .. } => Some(*position),
    }
}
