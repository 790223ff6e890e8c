//! A database outside of this process, whichever it is: how it is reached, and what can be asked of it.

use std::path::Path;

use bytes::Bytes;
use futures_util::Stream;

use super::row::Cell;
use super::{DatabaseError, LoadInto, Row, mysql, postgres, sqlite};
use crate::job::{ServerKind, ServerUrl};
use crate::secrets::Secrets;
use crate::value::Field;

/// A database that can be connected to.
#[derive(Debug, Clone)]
pub enum Server {
    /// A PostgreSQL server.
    Postgres(postgres::Server),
    /// A MariaDB or MySQL server.
    MySql(mysql::Server),
    /// An SQLite file.
    Sqlite(sqlite::Server),
}

impl Server {
    /// The server that a URL names.
    ///
    /// # Errors
    /// Where a secret has no value, or the URL says something that is not known.
    pub fn of(url: &ServerUrl, secrets: &Secrets) -> Result<Server, DatabaseError> {
        match url.kind() {
            ServerKind::Postgres => postgres::Server::of(url, secrets).map(Server::Postgres),
            ServerKind::MySql => mysql::Server::of(url, secrets).map(Server::MySql),
        }
    }

    /// The SQLite database in a file.
    pub fn of_sqlite(path: &Path) -> Server {
        Server::Sqlite(sqlite::Server::of(path))
    }

    /// For people: no password.
    pub fn shown(&self) -> &str {
        match self {
            Server::Postgres(server) => server.shown(),
            Server::MySql(server) => server.shown(),
            Server::Sqlite(server) => server.shown(),
        }
    }

    /// Connects; must be called within a tokio runtime, which then drives the connection.
    ///
    /// # Errors
    /// Where the server is not there, does not let us in, or does not encrypt as it should.
    pub async fn connect(&self) -> Result<Session, DatabaseError> {
        match self {
            Server::Postgres(server) => server.connect().await.map(Session::Postgres),
            Server::MySql(server) => server.connect().await.map(Session::MySql),
            Server::Sqlite(server) => server.connect().await.map(Session::Sqlite),
        }
    }

    /// Connects to look only: nothing is made there.
    ///
    /// # Errors
    /// As of [`Server::connect`].
    pub async fn connect_to_read(&self) -> Result<Session, DatabaseError> {
        match self {
            Server::Postgres(_) | Server::MySql(_) => self.connect().await,
            Server::Sqlite(server) => server.connect_to_look().await.map(Session::Sqlite),
        }
    }
}

/// A connection. It ends when this is dropped.
pub enum Session {
    /// To a PostgreSQL server.
    Postgres(postgres::Session),
    /// To a MariaDB or MySQL server.
    MySql(mysql::Session),
    /// To an SQLite file.
    Sqlite(sqlite::Session),
}

impl Session {
    /// Runs statements whose answers do not matter.
    ///
    /// # Errors
    /// The first that fails; the later ones are not run.
    pub async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        match self {
            Session::Postgres(session) => session.run(sql).await,
            Session::MySql(session) => session.run(sql).await,
            Session::Sqlite(session) => session.run(sql).await,
        }
    }

    /// The rows that a statement answers with.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        match self {
            Session::Postgres(session) => session.rows(sql).await,
            Session::MySql(session) => session.rows(sql).await,
            Session::Sqlite(session) => session.rows(sql).await,
        }
    }

    /// The first row that a statement answers with; one without values where there is none.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn row(&self, sql: &str) -> Result<Row, DatabaseError> {
        Ok(self.rows(sql).await?.into_iter().next().unwrap_or_default())
    }

    /// Runs a statement; the rows that it changed.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn execute(&self, sql: &str) -> Result<u64, DatabaseError> {
        match self {
            Session::Postgres(session) => session.execute(sql).await,
            Session::MySql(session) => session.execute(sql).await,
            Session::Sqlite(session) => session.execute(sql).await,
        }
    }

    /// The columns that a query would answer with: their names and types.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn columns(&self, query: &str) -> Result<Vec<(String, String)>, DatabaseError> {
        match self {
            Session::Postgres(session) => session.columns(query).await,
            Session::MySql(session) => session.columns(query).await,
            Session::Sqlite(session) => session.columns(query).await,
        }
    }

    /// Sends pieces of encoded rows into a table; the rows that were written.
    /// Where the pieces end with an error, nothing is.
    ///
    /// # Errors
    /// Of the pieces, and of the database.
    pub async fn load<E: From<DatabaseError>>(
        &self,
        into: LoadInto<'_>,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, E> {
        match self {
            Session::Postgres(session) => session.load(into, pieces).await,
            Session::MySql(session) => session.load(into, pieces).await,
            Session::Sqlite(session) => session.load(into, pieces).await,
        }
    }

    /// The columns that a query answers with, each with our type for its own; text where there is none. What the database
    /// says of the query points into it.
    ///
    /// # Errors
    /// Where it fails, or is no query.
    pub async fn fields(&self, query: &str) -> Result<Vec<Field>, DatabaseError> {
        match self {
            Session::Postgres(session) => session.fields(query).await,
            Session::MySql(session) => session.fields(query).await,
            Session::Sqlite(session) => session.fields(query).await,
        }
    }

    /// Hands the rows of a query's answer on as they come, each value as the text that the database prints for it.
    ///
    /// # Errors
    /// Of the database, and of `take`; also where a value has no text.
    pub async fn each_row<E: From<DatabaseError>>(
        &self,
        query: &str,
        take: impl FnMut(&[Cell<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Session::Postgres(session) => session.each_row(query, take).await,
            Session::MySql(session) => session.each_row(query, take).await,
            Session::Sqlite(session) => session.each_row(query, take).await,
        }
    }

    /// Writes the answer of a query as CSV, with a header. What the database says of the query points into it.
    ///
    /// # Errors
    /// Of the database, and of the writing.
    pub async fn write_csv<E: From<DatabaseError>>(
        &self,
        query: &str,
        write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Session::Postgres(session) => session.write_csv(query, write).await,
            Session::MySql(session) => session.write_csv(query, write).await,
            Session::Sqlite(session) => session.write_csv(query, write).await,
        }
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        match self {
            Session::Postgres(session) => session.is_closed(),
            Session::MySql(session) => session.is_closed(),
            Session::Sqlite(_) => false,
        }
    }

    /// Stops what the database is doing for this connection; best effort.
    pub fn canceller(&self) -> Canceller {
        match self {
            Session::Postgres(session) => Canceller::Postgres(session.canceller()),
            Session::MySql(session) => Canceller::MySql(session.canceller()),
            Session::Sqlite(session) => Canceller::Sqlite(session.canceller()),
        }
    }

    /// Ends the connection, and waits until the database has been told.
    pub async fn close(self) {
        match self {
            Session::Postgres(session) => session.close().await,
            Session::MySql(session) => session.close().await,
            Session::Sqlite(session) => session.close().await,
        }
    }
}

/// Stops a statement from outside.
pub enum Canceller {
    /// Of a PostgreSQL server.
    Postgres(postgres::Canceller),
    /// Of a MariaDB or MySQL server.
    MySql(mysql::Canceller),
    /// Of an SQLite file.
    Sqlite(sqlite::Canceller),
}

impl Canceller {
    /// Asks the database to stop; whether it does, the statement's own end tells.
    pub async fn cancel(&self) {
        match self {
            Canceller::Postgres(canceller) => canceller.cancel().await,
            Canceller::MySql(canceller) => canceller.cancel().await,
            Canceller::Sqlite(canceller) => canceller.cancel(),
        }
    }
}
