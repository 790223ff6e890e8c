//! What a server's errors mean: grouped by what can be done about them.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::Server;

/// Why a server did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostgresError {
    /// The URL, a secret in it, or a file that it names.
    #[error(
        "{server}: {message}\nhint: it is given as postgres://user:${{PASSWORD}}@host:5432/database?sslmode=verify-full"
    )]
    Address {
        /// The server, without its password.
        server: String,
        /// What is wrong.
        message: String,
    },
    /// No connection was made.
    #[error("cannot connect to {server}: {message}\nhint: {hint}")]
    Unreachable {
        /// The server, without its password.
        server: String,
        /// The system's or the server's words.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The connection ended before the answer came: whether the statement was carried out is not known.
    #[error(
        "{server}: the connection was lost: {message}\nhint: repeat the command: it finds out what stands, and nothing is done twice"
    )]
    Lost {
        /// The server, without its password.
        server: String,
        /// The system's words.
        message: String,
    },
    /// The server refused a statement.
    #[error("{server}: {message}\nhint: {}", trouble.hint())]
    Refused {
        /// The server, without its password.
        server: String,
        /// The server's words, with their detail and its hint.
        message: String,
        /// What it is about.
        trouble: Trouble,
        /// SQLSTATE (PostgreSQL, appendix A).
        code: String,
        /// Where in the statement, from 1, where the server says.
        position: Option<u32>,
        /// Of a row that it refused: what it says of it.
        row: Option<Box<RowRefusal>>,
    },
}

/// What a server says of a row that it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRefusal {
    /// Its words: without the row itself, which it shows in part.
    pub why: String,
    /// The column, where it names one.
    pub column: Option<String>,
    /// The condition, key or unique index, where it names one.
    pub constraint: Option<String>,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A key, a reference or another condition of the table.
    Constraint,
    /// A value that its column cannot hold.
    Value,
    /// A right that we do not have.
    Privilege,
    /// The server's disk.
    Disk,
    /// Somebody stopped it, such as `statement_timeout` or `lock_timeout`.
    Cancelled,
    /// Worth repeating: a deadlock, or too many connections.
    Passing,
    /// The statement itself.
    Statement,
    /// Anything else.
    Other,
}

impl Trouble {
    /// What to do about it.
    fn hint(self) -> &'static str {
        match self {
            Trouble::Constraint => {
                "a key, a reference or a condition of the table does not hold: mend the rows that stand, or leave new \
                 ones out with [[before]], then repeat the command"
            }
            Trouble::Value => {
                "the column there cannot hold that value: give it a wider type, or the job's column another one"
            }
            Trouble::Privilege => "GRANT this user that right, or name another user in the URL",
            Trouble::Disk => "make room on the server's disk, then repeat the command",
            Trouble::Cancelled => {
                "somebody stopped it there, or a time limit of the server did (lock_timeout, statement_timeout): \
                 repeat the command"
            }
            Trouble::Passing => "the server is busy: repeat the command",
            Trouble::Statement | Trouble::Other => "these are the server's words; its log may say more",
        }
    }
}

impl PostgresError {
    /// What an error means while connecting.
    pub(super) fn of_connecting(server: &Server, error: &Error) -> PostgresError {
        let (message, hint) = match error.as_db_error() {
            Some(refusal) => (server.masked(&words(refusal)), hint_of_login(refusal.code())),
            None => (server.masked(&chain(error)), hint_of_network(error)),
        };
        let hint = match &server.passed_over {
            Some(path) if hint == SET_PASSWORD => {
                format!("{} was not read, since others may read it: chmod 600 {0}", path.display())
            }
            _ => hint.to_owned(),
        };
        PostgresError::Unreachable { server: server.shown().to_owned(), message, hint }
    }

    /// What an error of a statement means.
    pub(super) fn of_statement(server: &Server, error: &Error) -> PostgresError {
        let masked = |words: String| server.masked(&words);
        let server = server.shown().to_owned();
        match error.as_db_error() {
            Some(refusal) if is_goodbye(refusal.code()) => {
                PostgresError::Lost { server, message: masked(words(refusal)) }
            }
            Some(refusal) => PostgresError::Refused {
                server,
                message: masked(words(refusal)),
                trouble: trouble(refusal.code()),
                code: refusal.code().code().to_owned(),
                position: position(refusal),
                row: row_refusal(refusal).map(|row| Box::new(RowRefusal { why: masked(row.why), ..row })),
            },
            None => PostgresError::Lost { server, message: masked(chain(error)) },
        }
    }

    /// Whether the answer is unknown because the connection ended.
    pub fn is_lost(&self) -> bool {
        matches!(self, PostgresError::Lost { .. })
    }

    /// The same of a statement whose first characters, so many, are left out.
    pub fn moved(mut self, by: usize) -> PostgresError {
        if let PostgresError::Refused { position, .. } = &mut self {
            *position = position.and_then(|at| at.checked_sub(u32::try_from(by).ok()?));
        }
        self
    }

    /// What went wrong, without the server and the hint.
    pub fn message(&self) -> &str {
        match self {
            PostgresError::Address { message, .. }
            | PostgresError::Unreachable { message, .. }
            | PostgresError::Lost { message, .. }
            | PostgresError::Refused { message, .. } => message,
        }
    }

    /// What the server says of a row that it refuses.
    pub fn row(&self) -> Option<&RowRefusal> {
        match self {
            PostgresError::Refused { row, .. } => row.as_deref(),
            _ => None,
        }
    }

    /// The SQLSTATE of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            PostgresError::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// The server ends the connection: a restart, a crash of another backend, an administrator.
fn is_goodbye(code: &SqlState) -> bool {
    [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN, &SqlState::CANNOT_CONNECT_NOW].contains(&code)
        || code.code().starts_with("08")
}

fn trouble(code: &SqlState) -> Trouble {
    match code.code() {
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

/// The server repeats values, and what stands in them must not look like a line of ours.
fn one_line(words: &str) -> String {
    words.replace('\r', "\\r").replace('\n', "\\n")
}

/// What is said of a row, where the refusal is about one.
fn row_refusal(refusal: &DbError) -> Option<RowRefusal> {
    if !matches!(trouble(refusal.code()), Trouble::Constraint | Trouble::Value) {
        return None;
    }
    // Of these two the detail is the row, whatever language it is in.
    let is_row = [&SqlState::CHECK_VIOLATION, &SqlState::NOT_NULL_VIOLATION].contains(&refusal.code());
    let detail = refusal.detail().filter(|_| !is_row);
    let detail = detail.map_or_else(String::new, |detail| format!(": {}", detail.trim_end_matches('.')));
    Some(RowRefusal {
        why: one_line(&format!("{}{detail}", refusal.message())),
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

/// An error and what caused it.
fn chain(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if !words.ends_with(&inner.to_string()) {
            words += &format!(": {inner}");
        }
        cause = inner.source();
    }
    words
}
