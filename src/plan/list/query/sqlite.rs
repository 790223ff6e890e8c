//! SQLite: one SELECT, in one transaction that only reads; nothing is written, beside the file neither.
//!
//! The query is asked as it is, row by row. SQLite's own cast to text would cut numbers to 15 digits, so each value is
//! spelled here. A BLOB, or a text that is no UTF-8, has no text: that is an error which names row and column.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Error, Row};

use super::mistake::{ONE_SELECT, WORDS, excerpt, wrong};
use super::{Columns, ListError, PlanError, Reader, Take, needed};
use crate::database::sqlite::{misread, open_to_read, our_type, spelled, unopened};
use crate::plan::list::source;
use crate::value::Type;

const NO_TEXT: &str = "turn it into text in the query, as by hex(…), or leave such rows out";

/// An answer that is about to come.
pub(super) struct PreparedQuery {
    path: PathBuf,
    connection: Connection,
    query: String,
    /// Where the needed columns are among the query's.
    places: Vec<usize>,
    columns: Columns,
}

impl PreparedQuery {
    /// Opens the file and prepares the query, which is not run yet.
    pub fn ask(path: &Path, query: &str, reader: &Reader<'_>) -> Result<PreparedQuery, ListError> {
        // What is no file is told in our own words.
        drop(source::open(path)?);
        let connection = open_to_read(path).map_err(|error| unopened(path, &error))?;
        let (places, columns) = needed(given(&connection, path, query, reader)?, reader)?;
        Ok(PreparedQuery { path: path.to_owned(), connection, query: query.to_owned(), places, columns })
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Runs the query, and hands its rows on.
    pub fn each(self, reader: &Reader<'_>, take: &mut Take<'_>) -> Result<(), PlanError> {
        let failed = |error| unanswered(reader.list, &self.path, &self.query, &error);
        let mut statement = self.connection.prepare(&self.query).map_err(failed)?;
        let mut rows = statement.raw_query();
        let mut number = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            number += 1;
            let texts = self.texts(row, number, reader)?;
            let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
            take(number, &texts)?;
        }
        Ok(())
    }

    fn texts<'r>(
        &self,
        row: &'r Row<'_>,
        number: u64,
        reader: &Reader<'_>,
    ) -> Result<Vec<Option<Cow<'r, str>>>, ListError> {
        let no_text = |name: &str, what: &str| {
            wrong(reader.list, &format!("row {number}, column {name:?}: {what}"), String::new(), NO_TEXT)
        };
        let text = |(place, name): (&usize, &String)| {
            let value = row
                .get_ref(*place)
                .map_err(|error| unanswered(reader.list, &self.path, &self.query, &error))?;
            match value {
                ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => Ok(Some(Cow::Borrowed(text))),
                    Err(_) => Err(no_text(name, "a text that is not UTF-8")),
                },
                ValueRef::Blob(_) => Err(no_text(name, "a BLOB, which is bytes and no text")),
                other => Ok(spelled(other).map(Cow::Owned)),
            }
        };
        self.places.iter().zip(&reader.wanted.names).map(text).collect()
    }
}

/// The columns of the query, and their types.
fn given(
    connection: &Connection,
    path: &Path,
    query: &str,
    reader: &Reader<'_>,
) -> Result<Vec<(String, Type)>, ListError> {
    let failed = |error| unanswered(reader.list, path, query, &error);
    let no_list = |message: &str| Err(wrong(reader.list, message, String::new(), ONE_SELECT));
    let mut statements = Batch::new(connection, query);
    let Some(statement) = statements.next().map_err(failed)? else { return no_list("the query is empty") };
    if statement.column_count() == 0 {
        return no_list("the query gives no columns");
    }
    if !statement.readonly() {
        return no_list("the query writes, and a list is only read");
    }
    if statement.parameter_count() > 0 {
        return no_list("the query has a parameter");
    }
    let column = |column: rusqlite::Column<'_>| {
        (column.name().to_owned(), column.decl_type().map_or(Type::Text, our_type))
    };
    let columns = statement.columns().map(column).collect();
    drop(statement);
    match statements.next() {
        Ok(None) => Ok(columns),
        Ok(Some(_)) | Err(_) => no_list("the query is followed by another statement"),
    }
}

/// What a query's end without an answer means: a mistake in it, or trouble with the file.
fn unanswered(list: &str, path: &Path, query: &str, error: &Error) -> ListError {
    match misread(query, error) {
        Some((message, place)) => {
            wrong(list, &message, place.map_or_else(String::new, |place| excerpt(query, place)), WORDS)
        }
        None => unopened(path, error).into(),
    }
}
