//! A MariaDB or MySQL server: how it is reached, and what it answers.
//!
//! The URL is `mysql://user@host:3306/database` (or `mariadb://`), a socket as `?socket=/run/mysqld/mysqld.sock`. A
//! password comes as `${NAME}` in the URL, else from `MYSQL_PWD`, else from `[client]` of `~/.my.cnf`, which nobody else
//! may read. The user is, unless the URL or that file says, the user of this process.
//!
//! `ssl-mode` is what MySQL's own programs make of it:
//!
//! | `ssl-mode` | encrypted | the server's certificate |
//! |---|---|---|
//! | `disabled` | no | |
//! | `preferred` (default) | where the server can | not looked at |
//! | `required` | yes | not looked at |
//! | `verify_ca` | yes | signed by one of the roots |
//! | `verify_identity` | yes | signed by one of the roots, for this host |
//!
//! The roots are those of `ssl-ca`, or else the system's. A socket is never encrypted.
//!
//! # Rows on their way
//!
//! [`Session::load`] takes lines of LOAD DATA: fields between tabs, `\\N` for null, backslashes before what would end a
//! field. With LOCAL the server turns what it does not understand into zeros and warnings, even in strict mode: a load
//! with a warning, or of fewer rows than were sent, is an error. Where the server takes no LOCAL (`local_infile`, off by
//! default in MySQL 8), the same lines become INSERTs of many rows.

mod address;
mod error;
mod insert;
mod load;
mod option_file;
mod text;
mod types;

use std::borrow::Cow;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, DriverError, Opts, OptsBuilder, Row as ServerRow};
use tokio::sync::{Mutex, MutexGuard};

use self::text::type_name;
pub use self::text::{NoText, Texts, is_binary};
pub use self::types::our_type;
use crate::database::csv_lines::CsvLines;
use crate::database::words::Hidden;
use crate::database::{Cell, DatabaseError, Row, Trouble};
use crate::job::ServerUrl;
use crate::secrets::Secrets;
use crate::value::Field;

/// Bytes of a piece of CSV, about.
const PIECE: usize = 256 << 10;

/// The note that a value was cut off.
const CUT: u16 = 1265;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that can be connected to.
#[derive(Debug, Clone)]
pub struct Server {
    opts: Opts,
    /// The same without TLS, where that may be.
    plain: Option<Opts>,
    shown: String,
    /// Secrets of the URL, and what is shown in their place.
    hidden: Hidden,
    /// What to do where the password is refused.
    password_hint: Arc<str>,
}

impl Server {
    /// The server that a URL names.
    ///
    /// # Errors
    /// Where a secret has no value, or the URL says something that is not known.
    pub fn of(url: &ServerUrl, secrets: &Secrets) -> Result<Server, DatabaseError> {
        address::server(url, secrets)
    }

    /// For people: no password.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Connects; must be called within a tokio runtime.
    ///
    /// # Errors
    /// Where the server is not there, does not let us in, or does not encrypt as it should.
    pub async fn connect(&self) -> Result<Session, DatabaseError> {
        let connected = match (self.connect_with(&self.opts).await, &self.plain) {
            (Err(error), Some(plain)) if error::is_without_tls(&error) => self.connect_with(plain).await,
            (Err(error), _) => self.connect_by_any_name(error).await,
            (connected, _) => connected,
        };
        let conn = connected.map_err(|error| error::of_connecting(self, &error))?;
        let id = conn.id();
        Ok(Session { conn: Mutex::new(conn), id, is_closed: AtomicBool::new(false), server: self.clone() })
    }

    async fn connect_with(&self, opts: &Opts) -> mysql_async::Result<Conn> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time");
        // The client panics at a user who logs in by this, which it knows, but was not built with.
        let unknown = |_| DriverError::UnknownAuthPlugin { name: "ed25519".to_owned() };
        let connecting = AssertUnwindSafe(Conn::new(opts.clone())).catch_unwind();
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
        connected.map_err(late)?.map_err(unknown)?
    }

    /// The same, whatever the name in the certificate: the client means to let it pass with `verify_ca`, and does not know
    /// it by what the TLS library calls it today. So the certificate is verified for the name that it has.
    async fn connect_by_any_name(&self, refused: mysql_async::Error) -> mysql_async::Result<Conn> {
        let ssl = self.opts.ssl_opts().filter(|ssl| ssl.skip_domain_validation());
        let (Some(ssl), Some(name)) = (ssl, error::certified_name(&refused)) else { return Err(refused) };
        let ssl = ssl.clone().with_danger_tls_hostname_override(Some(name));
        self.connect_with(&OptsBuilder::from_opts(self.opts.clone()).ssl_opts(ssl).into()).await
    }
}

/// A query that the client prepares, so that it leaves it alone: it takes `:name` for a parameter of its own, also in a
/// text behind a backslash and a quote, but not in a comment, whose end it does not see here.
fn unread(query: &str) -> String {
    format!("/**/{query}")
}

/// Warnings that say that an answer is not whole: a text cut by GROUP_CONCAT, a recursion or a LIMIT ROWS EXAMINED that
/// came to its end.
const INCOMPLETE: [u16; 2] = [1260, 1931];

/// A connection. It ends when this is dropped.
pub struct Session {
    conn: Mutex<Conn>,
    /// What the server knows it by.
    id: u32,
    is_closed: AtomicBool,
    server: Server,
}

impl Session {
    /// What an error of this connection means.
    fn failed(&self, error: &mysql_async::Error) -> DatabaseError {
        let error = error::of_statement(&self.server, error);
        if error.is_lost() {
            self.is_closed.store(true, Ordering::Relaxed);
        }
        error
    }

    /// Runs statements whose answers do not matter.
    ///
    /// # Errors
    /// The first that fails; the later ones are not run.
    pub async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.execute(sql).await.map(drop)
    }

    /// The rows that a statement answers with.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        let mut conn = self.conn.lock().await;
        let rows: Vec<ServerRow> = conn.query(sql).await.map_err(|error| self.failed(&error))?;
        Ok(rows.iter().map(|row| Row::of((0..row.len()).map(|at| text::lossy(row, at)))).collect())
    }

    /// Runs a statement, or several; the rows that the last one changed, or found as they were to be.
    ///
    /// # Errors
    /// The first that fails; the later ones are not run.
    pub async fn execute(&self, sql: &str) -> Result<u64, DatabaseError> {
        let mut conn = self.conn.lock().await;
        conn.query_drop(sql).await.map_err(|error| self.failed(&error))?;
        let changed = conn.affected_rows();
        match self.cut(&mut conn).await? {
            Some(note) => Err(error::of_a_row(&self.server, &note)),
            None => Ok(changed),
        }
    }

    /// That blanks at the end of a text were cut off, since they did not fit: the server only notes it, though it is strict.
    async fn cut(&self, conn: &mut MutexGuard<'_, Conn>) -> Result<Option<String>, DatabaseError> {
        if conn.get_warnings() == 0 {
            return Ok(None);
        }
        let shown: Vec<(String, u16, String)> =
            conn.query("SHOW WARNINGS").await.map_err(|error| self.failed(&error))?;
        Ok(shown.into_iter().find(|(_, code, _)| *code == CUT).map(|(_, _, message)| message))
    }

    /// The columns that a query would answer with: their names and types.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn columns(&self, query: &str) -> Result<Vec<(String, String)>, DatabaseError> {
        let mut conn = self.conn.lock().await;
        let prepared = conn.prep(unread(query)).await.map_err(|error| self.failed(&error))?;
        let column = |column: &Column| (column.name_str().into_owned(), type_name(column));
        let columns = prepared.columns().iter().map(column).collect();
        conn.close(prepared).await.map_err(|error| self.failed(&error))?;
        Ok(columns)
    }

    /// Prepares a query, and hands its rows on as they come, without gathering them.
    ///
    /// # Errors
    /// Of the server, and of `take`. An answer that the server cuts short is an error: only its own end ends it.
    pub async fn each<E: From<DatabaseError>>(
        &self,
        query: &str,
        mut take: impl FnMut(&Texts<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: mysql_async::Error| E::from(self.failed(&error));
        let mut conn = self.conn.lock().await;
        let mut answer = conn.exec_iter(unread(query), ()).await.map_err(failed)?;
        while let Some(row) = answer.next().await.map_err(failed)? {
            take(&Texts::of(&row))?;
        }
        drop(answer);
        self.refuse_incomplete(&mut conn).await.map_err(E::from)
    }

    /// An answer that the server cut, telling it by a warning only.
    async fn refuse_incomplete(&self, conn: &mut MutexGuard<'_, Conn>) -> Result<(), DatabaseError> {
        if conn.get_warnings() == 0 {
            return Ok(());
        }
        let shown: Vec<(String, u16, String)> =
            conn.query("SHOW WARNINGS").await.map_err(|error| self.failed(&error))?;
        match shown.into_iter().find(|(_, code, _)| INCOMPLETE.contains(code)) {
            Some((_, _, message)) => Err(error::refused(&self.server, Trouble::Value, &message)),
            None => Ok(()),
        }
    }

    /// What a query would answer with, and how many parameters it has.
    ///
    /// # Errors
    /// Where the server does not prepare it.
    pub async fn prepare(&self, query: &str) -> Result<(Vec<Column>, u16), DatabaseError> {
        let mut conn = self.conn.lock().await;
        let prepared = conn.prep(unread(query)).await.map_err(|error| self.failed(&error))?;
        let found = (prepared.columns().to_vec(), prepared.num_params());
        conn.close(prepared).await.map_err(|error| self.failed(&error))?;
        Ok(found)
    }

    /// The columns that a query answers with, each with our type for its own.
    ///
    /// # Errors
    /// Where it is not one query.
    pub async fn fields(&self, query: &str) -> Result<Vec<Field>, DatabaseError> {
        let (columns, _) = self.prepare(query).await?;
        let field =
            |column: &Column| Field { name: column.name_str().into_owned(), ty: types::wide_type(column) };
        Ok(columns.iter().map(field).collect())
    }

    /// Hands the rows of a query's answer on as they come, each value as the server's client prints it.
    ///
    /// # Errors
    /// Of the server, and of `take`; also where a value is bytes that are no text.
    pub async fn each_row<E: From<DatabaseError>>(
        &self,
        query: &str,
        mut take: impl FnMut(&[Cell<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut number: u64 = 0;
        self.each(query, |row| {
            number += 1;
            let cells: Result<Vec<Cell<'_>>, usize> =
                row.printed().map(|text| text.map(|text| text.map(Cow::Owned))).collect();
            take(&cells.map_err(|at| self.no_text(number, row.name(at)))?)
        })
        .await
    }

    fn no_text(&self, row: u64, column: String) -> DatabaseError {
        let why = format!(
            "row {row}: column {column:?} has bytes that are no text: write HEX({column}) in the query"
        );
        error::refused(&self.server, Trouble::Statement, &why)
    }

    /// Writes the answer of a query as CSV, with a header.
    ///
    /// # Errors
    /// As of [`Session::each_row`], and of the writing.
    pub async fn write_csv<E: From<DatabaseError>>(
        &self,
        query: &str,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut lines = CsvLines::default();
        lines.line(self.columns(query).await?.into_iter().map(|(name, _)| Some(name)));
        self.each_row(query, |row| {
            lines.line(row.iter().map(Option::as_deref));
            if lines.0.len() < PIECE { Ok(()) } else { write(&std::mem::take(&mut lines.0)) }
        })
        .await?;
        write(&lines.0)
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Stops what the server is doing for this connection; best effort.
    pub fn canceller(&self) -> Canceller {
        Canceller { server: self.server.clone(), id: self.id }
    }

    /// Ends the connection, and waits until the server has been told.
    pub async fn close(self) {
        // Nothing depends on the farewell.
        let _ = tokio::time::timeout(FAREWELL, self.conn.into_inner().disconnect()).await;
    }
}

/// Longest time that the end of a connection is waited for.
const FAREWELL: Duration = Duration::from_secs(2);

/// Stops a statement from outside.
pub struct Canceller {
    server: Server,
    id: u32,
}

impl Canceller {
    /// Asks the server to stop; whether it does, the statement's own end tells.
    pub async fn cancel(&self) {
        if let Ok(session) = self.server.connect().await {
            let _ = session.run(&format!("KILL QUERY {}", self.id)).await;
            session.close().await;
        }
    }
}
