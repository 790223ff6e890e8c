//! Questions to a generation.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use duckdb::{Connection, InterruptHandle, params_from_iter};
use tokio::sync::OnceCell;

use super::format::{BodyFormat, Encoding};
use super::load::Loaded;
use crate::database::duck::message;
use crate::job::ChunkFormat;
use crate::merge::{AnswerColumn, value_as_text};
use crate::serve::column::{Column, ORDER, TABLE};
use crate::serve::standing::GenerationStanding;

/// Rows of the whole table that are in memory at once.
const PAGE: u64 = 10_000;

/// Formats times encodings: bodies of the whole table that are kept.
const BODIES: usize = BodyFormat::ALL.len() * Encoding::ALL.len();

/// What one publication left.
#[derive(Debug)]
pub struct Generation {
    standing: GenerationStanding,
    /// The run that it is of, once that is known.
    run: OnceLock<String>,
    pub columns: Vec<Column>,
    /// Places of the key's columns.
    pub key: Vec<usize>,
    /// Whether each row has a key of its own.
    pub key_is_unique: bool,
    /// The bytes of the published file, and what they are.
    pub published: (Bytes, ChunkFormat),
    /// Where bodies are kept, in files without a name.
    pub(super) folder: PathBuf,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Connection>>,
    /// Where further ones come from. What DuckDB reads beside is open as long as it.
    root: Mutex<Loaded>,
    bodies: [OnceCell<Bytes>; BODIES],
}

/// Rows as texts, as [`value_as_text`] spells them.
#[derive(Debug)]
pub struct Rows {
    pub columns: Vec<AnswerColumn>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It was stopped.
    #[error("it was stopped")]
    Stopped,
    /// It takes more memory than there is for it.
    #[error("it takes more memory than there is for it")]
    TooLarge,
    /// DuckDB's words.
    #[error("{0}")]
    Failed(String),
}

impl From<duckdb::Error> for Unanswered {
    fn from(error: duckdb::Error) -> Unanswered {
        let text = error.to_string();
        if text.contains("INTERRUPT Error") {
            Unanswered::Stopped
        } else if text.contains("Out of Memory Error") {
            Unanswered::TooLarge
        } else {
            Unanswered::Failed(message(&error))
        }
    }
}

impl Generation {
    /// One that was loaded from these bytes of a published file.
    pub(super) fn new(
        loaded: Loaded,
        standing: GenerationStanding,
        published: (Bytes, ChunkFormat),
        folder: PathBuf,
    ) -> Generation {
        Generation {
            standing,
            run: OnceLock::new(),
            columns: loaded.columns.clone(),
            key: loaded.key.clone(),
            key_is_unique: loaded.key_is_unique,
            published,
            folder,
            idle: Mutex::default(),
            root: Mutex::new(loaded),
            bodies: std::array::from_fn(|_| OnceCell::new()),
        }
    }

    /// How it stands.
    pub fn standing(&self) -> GenerationStanding {
        GenerationStanding { run: self.run.get().cloned(), ..self.standing.clone() }
    }

    /// SHA-256 of the published file, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.standing.digest
    }

    /// When it was published.
    pub fn published_at(&self) -> jiff::Timestamp {
        self.standing.published_at
    }

    /// The run that it is of, where that is known.
    pub fn run(&self) -> Option<&str> {
        self.run.get().map(String::as_str)
    }

    /// That this run published it.
    pub(super) fn is_of(&self, run: String) {
        // Whoever was first said the same.
        let _ = self.run.set(run);
    }

    /// A connection for a question. Whoever waits for it can stop it.
    ///
    /// # Errors
    /// DuckDB gives no connection.
    pub fn ask(self: &Arc<Self>) -> Result<Question, Unanswered> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
                let connection = root.connection.try_clone()?;
                drop(root);
                connection
            }
        };
        let stop = Arc::new(StopQuestion(Mutex::new(Some(connection.interrupt_handle()))));
        Ok(Question { generation: Arc::clone(self), connection: Some(connection), stop })
    }

    /// Where the body of the whole table is kept.
    pub(super) fn body(&self, format: BodyFormat, encoding: Encoding) -> &OnceCell<Bytes> {
        &self.bodies[format as usize * Encoding::ALL.len() + encoding as usize]
    }
}

/// A question under way.
pub struct Question {
    generation: Arc<Generation>,
    connection: Option<Connection>,
    stop: Arc<StopQuestion>,
}

/// Stops a question, wherever it runs; once it is over it does nothing.
pub struct StopQuestion(Mutex<Option<Arc<InterruptHandle>>>);

impl StopQuestion {
    /// Stops it.
    pub fn stop(&self) {
        if let Some(handle) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            handle.interrupt();
        }
    }

    /// Its connection is for others from now on.
    fn over(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Question {
    /// What stops it.
    pub fn stop(&self) -> Arc<StopQuestion> {
        Arc::clone(&self.stop)
    }

    /// The rows of these columns, as `rest` says behind FROM, with its values.
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn rows(&self, columns: &[&Column], rest: &str, values: &[String]) -> Result<Rows, Unanswered> {
        let mut rows = Vec::new();
        self.each(columns, rest, values, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(Rows { columns: columns.iter().map(|column| answer_column(column)).collect(), rows })
    }

    /// Hands on the rows of the whole table, in their order, a part in memory at a time.
    pub(super) fn whole(
        &self,
        row: &mut dyn FnMut(Vec<Option<String>>) -> Result<(), Unanswered>,
    ) -> Result<(), Unanswered> {
        let columns: Vec<&Column> = self.generation.columns.iter().collect();
        let rest =
            format!("WHERE {ORDER} >= CAST(? AS BIGINT) AND {ORDER} < CAST(? AS BIGINT) ORDER BY {ORDER}");
        let mut from = 0;
        while from < self.generation.standing.rows {
            self.each(&columns, &rest, &[from.to_string(), (from + PAGE).to_string()], row)?;
            from += PAGE;
        }
        Ok(())
    }

    fn each(
        &self,
        columns: &[&Column],
        rest: &str,
        values: &[String],
        row: &mut dyn FnMut(Vec<Option<String>>) -> Result<(), Unanswered>,
    ) -> Result<(), Unanswered> {
        let Some(connection) = &self.connection else { return Ok(()) };
        let select = columns
            .iter()
            .map(|column| value_as_text(&crate::merge::quoted_identifier(&column.name), &column.ty));
        let sql = format!("SELECT {} FROM {TABLE} {rest}", select.collect::<Vec<_>>().join(", "));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        while let Some(one) = found.next()? {
            let values = (0..columns.len()).map(|at| one.get(at)).collect::<duckdb::Result<_>>()?;
            row(values)?;
        }
        Ok(())
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.stop.over();
        if let Some(connection) = self.connection.take() {
            self.generation.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

/// A column as answers name it.
pub(super) fn answer_column(column: &Column) -> AnswerColumn {
    AnswerColumn { name: column.name.clone(), ty: column.ty.clone() }
}
