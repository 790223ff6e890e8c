//! What a database's errors mean: grouped by what can be done about them. Each database says which of its own are of which
//! group.

/// What a text begins with that a statement of ours casts to a type that it is no value of, where a row is to be refused: the
/// database repeats it in quotes, whatever its language, and what stands behind it is told to the person.
pub const TOLD: &str = "windrow says: ";

/// What is told so.
pub(super) fn told(message: &str) -> Option<&str> {
    let (_, told) = message.split_once(TOLD)?;
    Some(told.strip_suffix(['"', '\'']).unwrap_or(told))
}

/// Why a server did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// The URL, a secret in it, or a file that it names.
    #[error("{server}: {message}\nhint: it is given as {form}")]
    Address {
        /// The server, without its password.
        server: String,
        /// What is wrong.
        message: String,
        /// How such a URL looks.
        form: &'static str,
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
    /// The file of the database, the disk below it, or others that have it.
    #[error("{file}: {message}\nhint: {hint}")]
    File {
        /// The file, as a job names it.
        file: String,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
        /// What it is about.
        trouble: Trouble,
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
    /// A key that another row has.
    Taken,
    /// A reference or another condition of the table.
    Constraint,
    /// A value that its column cannot hold.
    Value,
    /// A load that changed values, or left rows out, to be able to go on.
    Misread,
    /// A right that we do not have.
    Privilege,
    /// The server's disk.
    Disk,
    /// Somebody stopped it, such as `statement_timeout` or `lock_timeout`.
    Cancelled,
    /// It undid this transaction to let another one go on.
    Deadlock,
    /// Worth repeating, such as too many connections.
    Passing,
    /// There is a table, schema or column of that name.
    Exists,
    /// The transaction, or the savepoint, is not there any more.
    Ended,
    /// The statement itself.
    Statement,
    /// Anything else.
    Other,
}

impl Trouble {
    /// What to do about it.
    fn hint(self) -> &'static str {
        match self {
            Trouble::Taken | Trouble::Constraint => {
                "a key, a reference or a condition of the table does not hold: mend the rows that stand, or leave new \
                 ones out with [[publish.before]], then repeat the command"
            }
            Trouble::Value | Trouble::Misread => {
                "the column there cannot hold that value: give it a wider type, or the job's column another one"
            }
            Trouble::Privilege => "GRANT this user that right, or name another user in the URL",
            Trouble::Disk => "make room on the server's disk, then repeat the command",
            Trouble::Cancelled => {
                "somebody stopped it there, or a time limit of the server did (lock_timeout, statement_timeout): \
                 repeat the command"
            }
            Trouble::Deadlock | Trouble::Passing => "the server is busy: repeat the command",
            Trouble::Exists | Trouble::Ended | Trouble::Statement | Trouble::Other => {
                "these are the database's words; the log of a server may say more"
            }
        }
    }
}

impl DatabaseError {
    /// Whether the answer is unknown because the connection ended.
    pub fn is_lost(&self) -> bool {
        matches!(self, DatabaseError::Lost { .. })
    }

    /// The same error, its position counted without the first `by` characters of the statement.
    pub fn moved(mut self, by: usize) -> DatabaseError {
        if let DatabaseError::Refused { position, .. } = &mut self {
            *position = position.and_then(|at| at.checked_sub(u32::try_from(by).ok()?));
        }
        self
    }

    /// The same error of a load that is tried in another way then: which row it is about is found there.
    pub fn misread(mut self) -> DatabaseError {
        if let DatabaseError::Refused { trouble, row, .. } = &mut self
            && row.take().is_some()
        {
            *trouble = Trouble::Misread;
        }
        self
    }

    /// What went wrong, without the server and the hint.
    pub fn message(&self) -> &str {
        match self {
            DatabaseError::Address { message, .. }
            | DatabaseError::Unreachable { message, .. }
            | DatabaseError::File { message, .. }
            | DatabaseError::Lost { message, .. }
            | DatabaseError::Refused { message, .. } => message,
        }
    }

    /// What the server says of a row that it refuses.
    pub fn row(&self) -> Option<&RowRefusal> {
        match self {
            DatabaseError::Refused { row, .. } => row.as_deref(),
            _ => None,
        }
    }

    /// What a refusal is about.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            DatabaseError::Refused { trouble, .. } | DatabaseError::File { trouble, .. } => Some(*trouble),
            _ => None,
        }
    }
}
