//! SQLite: a database that is a file, which this process reads and writes itself.
//!
//! | file | what is there |
//! |---|---|
//! | `open.rs` | how a file is opened, and what keeps one from being opened |
//! | `session.rs` | what can be asked of it |
//! | `busy.rs` | another process writes to it: how long it is waited for, and who that is |
//! | `cells.rs` | values on their way in, and as texts |
//! | `functions.rs` | what SQLite's own functions do not tell of a table |
//! | `answer.rs` | the answer of a query: its columns and their types, and its rows as texts |
//! | `types.rs` | types that tables declare, and ours for them |
//! | `error.rs` | what its error codes mean |
//!
//! SQLite works where it is called. So a session's statements run on threads of their own, one after the other, and the
//! runtime goes on meanwhile.
//!
//! Files that windrow makes have a write-ahead log, with which others read on while one writes; others stay as they are. A
//! file that another process writes to is waited for, a minute at the most.

mod answer;
mod busy;
#[cfg(test)]
pub mod by_hand;
mod cells;
mod error;
mod functions;
mod open;
mod session;
mod types;

use std::path::{Path, PathBuf};

pub use self::cells::{Piece, spelled};
pub use self::error::{misread, unopened};
pub use self::functions::{COUNT, COUNTED, GIVEN, UNCHANGED};
pub use self::open::open_to_read;
pub use self::session::{Canceller, Session};
pub use self::types::our_type;
use crate::database::DatabaseError;

/// A file that can be opened, or made.
#[derive(Debug, Clone)]
pub struct Server {
    path: PathBuf,
    shown: String,
}

impl Server {
    /// The database in that file.
    pub fn of(path: &Path) -> Server {
        Server { path: path.to_owned(), shown: format!("sqlite:{}", path.display()) }
    }

    /// For people.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Opens the file to write into it, and makes it where it is not there.
    ///
    /// # Errors
    /// Where it cannot be opened or made, or is no SQLite database.
    pub async fn connect(&self) -> Result<Session, DatabaseError> {
        Session::open(self, open::to_write).await
    }

    /// Opens the file, which is not written to; of one that is not there an empty database. Where it could not be written
    /// to, that is an error already.
    ///
    /// # Errors
    /// As of [`Server::connect`].
    pub async fn connect_to_look(&self) -> Result<Session, DatabaseError> {
        Session::open(self, open::to_look).await
    }
}
