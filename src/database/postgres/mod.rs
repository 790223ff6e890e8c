//! A PostgreSQL server: how it is reached, and what it answers.
//!
//! The URL is libpq's (`postgres://user@host:port/database?sslmode=…`, sockets as `?host=/run/postgresql`, several
//! hosts with `target_session_attrs`). A password comes as `${NAME}` in the URL, else from `PGPASSWORD`, else from the
//! password file (`PGPASSFILE`, `~/.pgpass`), which nobody else may read. The user is, unless the URL says, `PGUSER` or
//! the user of this process.
//!
//! `sslmode` is what libpq makes of it:
//!
//! | `sslmode` | encrypted | the server's certificate |
//! |---|---|---|
//! | `disable` | no | |
//! | `allow`, `prefer` (default) | where the server can | not looked at |
//! | `require` | yes | not looked at; with `sslrootcert` as `verify-ca` |
//! | `verify-ca` | yes | signed by one of the roots |
//! | `verify-full` | yes | signed by one of the roots, for this host |
//!
//! The roots are those of `sslrootcert`, of `~/.postgresql/root.crt` where it is there, or else the system's.
//! A peer that is gone is noticed within about a minute, by keep-alives.

mod address;
mod error;
mod password_file;
mod tls;
mod types;

use std::borrow::Cow;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, Stream, StreamExt as _};
use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, Column, SimpleQueryMessage, SimpleQueryRow};

use self::tls::Tls;
pub use self::types::our_type;
use crate::database::words::Hidden;
use crate::database::{Cell, DatabaseError, LoadInto, Row};
use crate::job::ServerUrl;
use crate::secrets::Secrets;
use crate::value::Field;

/// A server that can be connected to.
#[derive(Debug, Clone)]
pub struct Server {
    config: Arc<tokio_postgres::Config>,
    tls: Tls,
    shown: String,
    /// Secrets of the URL, and what is shown in their place.
    hidden: Hidden,
    /// The password file, where it was not read since others may read it.
    passed_over: Option<PathBuf>,
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

    /// Connects; must be called within a tokio runtime, which then drives the connection.
    ///
    /// # Errors
    /// Where the server is not there, does not let us in, or does not encrypt as it should.
    pub async fn connect(&self) -> Result<Session, DatabaseError> {
        let connected = self.config.connect(self.tls.connector()).await;
        let (client, connection) = connected.map_err(|error| error::of_connecting(self, &error))?;
        // Its errors reach whoever waits for an answer.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Session { client, driver, server: self.clone() })
    }
}

/// A connection. It ends when this is dropped.
pub struct Session {
    client: Client,
    driver: JoinHandle<()>,
    server: Server,
}

impl Session {
    /// What statements are sent with.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What an error of this connection means.
    pub fn failed(&self, error: &tokio_postgres::Error) -> DatabaseError {
        error::of_statement(&self.server, error)
    }

    /// Runs statements whose answers do not matter.
    ///
    /// # Errors
    /// The first that fails; the later ones are not run.
    pub async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.client.batch_execute(sql).await.map_err(|error| self.failed(&error))
    }

    /// The rows that a statement answers with.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        let messages = self.client.simple_query(sql).await.map_err(|error| self.failed(&error))?;
        let values = |row: &SimpleQueryRow| Row::of((0..row.len()).map(|at| row.get(at).map(str::to_owned)));
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some(values(row)),
            _ => None,
        };
        Ok(messages.iter().filter_map(row).collect())
    }

    /// Runs a statement; the rows that it changed.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn execute(&self, sql: &str) -> Result<u64, DatabaseError> {
        self.client.execute(sql, &[]).await.map_err(|error| self.failed(&error))
    }

    /// The columns that a query would answer with: their names and types.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn columns(&self, query: &str) -> Result<Vec<(String, String)>, DatabaseError> {
        let prepared = self.client.prepare(query).await.map_err(|error| self.failed(&error))?;
        let column = |column: &Column| (column.name().to_owned(), column.type_().name().to_owned());
        Ok(prepared.columns().iter().map(column).collect())
    }

    /// Sends pieces of a binary COPY into a table; the rows that were written. Where the pieces end with an error, nothing
    /// is.
    ///
    /// # Errors
    /// Of the pieces, and of the server.
    pub async fn load<E: From<DatabaseError>>(
        &self,
        into: LoadInto<'_>,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, E> {
        let failed = |error| E::from(self.failed(&error));
        let copy = format!("COPY {into} FROM STDIN (FORMAT binary)");
        let mut sink = pin!(self.client.copy_in(&copy).await.map_err(failed)?);
        let mut pieces = pin!(pieces);
        while let Some(piece) = pieces.next().await {
            sink.as_mut().send(piece?).await.map_err(failed)?;
        }
        sink.finish().await.map_err(failed)
    }

    /// The columns that a query answers with, each with our type for its own. What the server says of the query points into
    /// it.
    ///
    /// # Errors
    /// Where it is not one query.
    pub async fn fields(&self, query: &str) -> Result<Vec<Field>, DatabaseError> {
        let prepared = self.client.prepare(query).await.map_err(|error| self.failed(&error))?;
        let field = |column: &Column| Field {
            name: column.name().to_owned(),
            ty: our_type(column.type_(), column.type_modifier()),
        };
        Ok(prepared.columns().iter().map(field).collect())
    }

    /// Hands the rows of a query's answer on as they come, each value as the server prints it.
    ///
    /// # Errors
    /// Of the server, and of `take`.
    pub async fn each_row<E: From<DatabaseError>>(
        &self,
        query: &str,
        mut take: impl FnMut(&[Cell<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: tokio_postgres::Error| E::from(self.failed(&error));
        let mut messages = pin!(self.client.simple_query_raw(query).await.map_err(failed)?);
        while let Some(message) = messages.next().await {
            if let SimpleQueryMessage::Row(row) = message.map_err(failed)? {
                let cells: Vec<Cell<'_>> = (0..row.len()).map(|at| row.get(at).map(Cow::Borrowed)).collect();
                take(&cells)?;
            }
        }
        Ok(())
    }

    /// Writes the answer of a query as CSV, with a header. What the server says of the query points into it.
    ///
    /// # Errors
    /// Of the server, and of the writing.
    pub async fn write_csv<E: From<DatabaseError>>(
        &self,
        query: &str,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        const COPY: &str = "COPY (\n";
        let failed = |error: tokio_postgres::Error| E::from(self.failed(&error).moved(COPY.len()));
        let copy = format!("{COPY}{query}\n) TO STDOUT WITH (FORMAT csv, HEADER true)");
        let mut pieces = pin!(self.client.copy_out(&copy).await.map_err(failed)?);
        while let Some(piece) = pieces.next().await {
            write(&piece.map_err(failed)?)?;
        }
        Ok(())
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Stops what the server is doing for this connection; best effort.
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), tls: self.server.tls.clone() }
    }

    /// Ends the connection, and waits until the server has been told.
    pub async fn close(self) {
        let Session { client, driver, .. } = self;
        drop(client);
        // Nothing depends on the farewell.
        let _ = tokio::time::timeout(FAREWELL, driver).await;
    }
}

/// Longest time that the end of a connection is waited for.
const FAREWELL: Duration = Duration::from_secs(2);

/// Stops a statement from outside.
pub struct Canceller {
    token: CancelToken,
    tls: Tls,
}

impl Canceller {
    /// Asks the server to stop; whether it does, the statement's own end tells.
    pub async fn cancel(&self) {
        let _ = self.token.cancel_query(self.tls.connector()).await;
    }
}
