//! What can be asked of an opened file.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, Connection, InterruptHandle, Result};
use tokio::sync::mpsc;

use super::answer::{self, interrupted};
use super::cells::{insert, insertion, spelled, width};
use super::{Server, error};
use crate::database::csv_lines::CsvLines;
use crate::database::{Cell, DatabaseError, LoadInto, Row};
use crate::value::Field;

/// Bytes of a piece of CSV, about.
const PIECE: usize = 256 << 10;
/// Batches of rows that wait to be taken.
const WAITING: usize = 4;

/// An opened file. It is closed when this is dropped.
pub struct Session {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
    stop: Arc<AtomicBool>,
    interrupt: Arc<InterruptHandle>,
}

/// How a file is opened.
type Open = fn(&Path, &Arc<AtomicBool>) -> Result<Connection, DatabaseError>;

impl Session {
    pub(super) async fn open(server: &Server, open: Open) -> Result<Session, DatabaseError> {
        let (path, stop) = (server.path.clone(), Arc::new(AtomicBool::new(false)));
        // If the caller gives up, so does the wait for the file.
        let waiting = StopWhenDropped(Some(Arc::clone(&stop)));
        let attended = Arc::clone(&stop);
        let connection = on_thread(move || open(&path, &attended)).await?;
        waiting.disarm();
        Ok(Session {
            interrupt: Arc::new(connection.get_interrupt_handle()),
            connection: Arc::new(Mutex::new(connection)),
            path: server.path.clone(),
            stop,
        })
    }

    /// Does something with the connection, on a thread of its own.
    async fn with<T: Send + 'static>(
        &self,
        sql: &str,
        work: impl FnOnce(&Connection, &str) -> Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (connection, stop) = (Arc::clone(&self.connection), Arc::clone(&self.stop));
        let (path, sql) = (self.path.clone(), sql.to_owned());
        on_thread(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let done =
                if stop.load(Ordering::Relaxed) { Err(interrupted()) } else { work(&connection, &sql) };
            done.map_err(|error| error::of_statement(&path, &sql, &error))
        })
        .await
    }

    /// Runs statements whose answers do not matter.
    ///
    /// # Errors
    /// The first that fails; the later ones are not run.
    pub async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.with(sql, run).await
    }

    /// The rows that a statement answers with; of several the last one's.
    ///
    /// # Errors
    /// Where one fails.
    pub async fn rows(&self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        self.with(sql, rows).await
    }

    /// Runs a statement; the rows that it changed.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn execute(&self, sql: &str) -> Result<u64, DatabaseError> {
        self.with(sql, |connection, sql| connection.execute(sql, []).map(|rows| rows as u64)).await
    }

    /// The columns that a query would answer with: their names, and the types that their tables declare.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn columns(&self, query: &str) -> Result<Vec<(String, String)>, DatabaseError> {
        self.with(query, |connection, query| {
            let statement = connection.prepare(query)?;
            let column = |column: &rusqlite::Column<'_>| {
                (column.name().to_owned(), column.decl_type().unwrap_or_default().to_owned())
            };
            Ok(statement.columns().map(|one| column(&one)).collect())
        })
        .await
    }

    /// Inserts pieces of encoded rows into a table; the rows that were
    /// written.
    ///
    /// # Errors
    /// Of the pieces, and of the database.
    pub async fn load<E: From<DatabaseError>>(
        &self,
        into: LoadInto<'_>,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, E> {
        let mut pieces = pin!(pieces);
        let mut written = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            let Some(cells) = width(&piece) else { continue };
            let insert = move |connection: &Connection, sql: &str| insert(connection, sql, &piece);
            written += self.with(&insertion(&into, cells), insert).await?;
        }
        Ok(written)
    }

    /// The columns that a query answers with, each with our type for its own. What SQLite says of the query points into it.
    ///
    /// # Errors
    /// Where it is not one query, or writes.
    pub async fn fields(&self, query: &str) -> Result<Vec<Field>, DatabaseError> {
        self.with(query, answer::fields).await
    }

    /// Hands the rows of a query's answer on as they come, each value as a text.
    ///
    /// # Errors
    /// Of the database, and of `take`; also where a text is no UTF-8.
    pub async fn each_row<E: From<DatabaseError>>(
        &self,
        query: &str,
        mut take: impl FnMut(&[Cell<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (sender, mut batches) = mpsc::channel(WAITING);
        let answered = self.with(query, move |connection, query| answer::send(connection, query, &sender));
        let taken = async move {
            while let Some(batch) = batches.recv().await {
                batch.iter().try_for_each(|row: &answer::Cells| take(row))?;
            }
            Ok(())
        };
        let (answered, taken) = tokio::join!(answered, taken);
        taken.and_then(|()| Ok(answered?))
    }

    /// Writes the answer of a query as CSV, with a header. What SQLite says of the query points into it.
    ///
    /// # Errors
    /// As of [`Session::each_row`], and of the writing.
    pub async fn write_csv<E: From<DatabaseError>>(
        &self,
        query: &str,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut lines = CsvLines(Vec::with_capacity(PIECE + PIECE / 4));
        lines.line(self.columns(query).await?.into_iter().map(|(name, _)| Some(name)));
        self.each_row(query, |row| {
            lines.line(row.iter().map(Option::as_deref));
            if lines.0.len() < PIECE { Ok(()) } else { write(&std::mem::take(&mut lines.0)) }
        })
        .await?;
        write(&lines.0)
    }

    /// Stops what is being done; best effort.
    pub fn canceller(&self) -> Canceller {
        Canceller { stop: Arc::clone(&self.stop), interrupt: Arc::clone(&self.interrupt) }
    }

    /// Closes the file, and waits until that is done. What was not committed is undone.
    pub async fn close(self) {
        on_thread(move || drop(self)).await;
    }
}

/// Stops a statement from outside, and all after it.
pub struct Canceller {
    stop: Arc<AtomicBool>,
    interrupt: Arc<InterruptHandle>,
}

impl Canceller {
    /// Stops; whether it does, the statement's own end tells.
    pub fn cancel(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.interrupt.interrupt();
    }
}

struct StopWhenDropped(Option<Arc<AtomicBool>>);

impl StopWhenDropped {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        if let Some(stop) = &self.0 {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()))
}

/// Runs statements whose answers do not matter.
fn run(connection: &Connection, sql: &str) -> Result<()> {
    let mut statements = Batch::new(connection, sql);
    while let Some(mut statement) = statements.next()? {
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
    }
    Ok(())
}

/// Runs statements; the rows of the last one.
fn rows(connection: &Connection, sql: &str) -> Result<Vec<Row>> {
    let mut last = Vec::new();
    let mut statements = Batch::new(connection, sql);
    while let Some(mut statement) = statements.next()? {
        last.clear();
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let cells: Result<Vec<_>> = (0..width).map(|at| Ok(spelled(row.get_ref(at)?))).collect();
            last.push(Row::of(cells?.into_iter()));
        }
    }
    Ok(last)
}
