//! Reading the list: one pass over its bytes, whatever its format, into a spool.
//!
//! | format | value that is no text | null | number in messages |
//! |---|---|---|---|
//! | csv, tsv | as `types` says | an empty field | line, the header being 1 |
//! | jsonl | its JSON as written, or as `types` says | `null`, no such key | line |
//! | parquet | the file's types, or as `types` says | null | row |
//! | lines | as `types` says | | line |
//! | ids | as `types` says | | entry |
//! | a query | the database's types (`query`), or as `types` says | null | row |
//!
//! An id may hold anything, up to 1 MiB: what a URL cannot bear is for a later step to say,
//! of that one record.

use std::io::{self, Read};
use std::path::Path;

mod csv;
mod error;
mod guard;
mod intake;
mod jsonl;
mod lines;
mod parquet;
mod query;
mod source;

pub(super) use error::Unit;
pub use error::{ListError, Place};
pub(super) use intake::{Intake, Sizes};
pub(super) use source::open;

use self::source::Bytes;
use super::batch::Cell;
use super::columns::{Columns, Wanted};
use super::duplicates::Positions;
use super::spool::Spool;
use super::{PlanError, PlanOptions};
use crate::handoff::digest;
use crate::job::{Format, Job, Source};
use crate::secrets::Secrets;

/// A list that was read and checked, ready to be cut.
pub struct List {
    pub(super) source: String,
    pub(super) sha256: String,
    pub(super) columns: Columns,
    pub(super) spool: Spool,
    /// Positions in the spool that `duplicates = "first"` leaves out.
    pub(super) left_out: Positions,
    /// Records that a sample takes.
    pub(super) sample: Option<u64>,
}

impl List {
    /// Records that the run will have: without what `duplicates = "first"` leaves out, and of a sample only the sample.
    pub fn records(&self) -> u64 {
        let kept = self.spool.records() - self.left_out.len();
        self.sample.map_or(kept, |sample| sample.min(kept))
    }

    /// Later records of an id that came twice, left out.
    pub fn left_out(&self) -> u64 {
        self.left_out.len()
    }

    /// SHA-256 of the list's bytes, in hexadecimal; of `ids = [...]` that of the JSON array without blanks, of a query
    /// one of the rows, whatever their order.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// A path, `stdin`, `ids`, or a database and the query.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// What the readers of all formats share.
struct Reader<'a> {
    /// The list's name in messages.
    list: &'a str,
    unit: Unit,
    wanted: &'a Wanted,
}

/// Everything that one reading needs.
pub(super) struct Request<'a> {
    pub job: &'a Job,
    pub options: &'a PlanOptions,
    /// What a database's URL names.
    pub secrets: &'a Secrets,
    /// The folder for temporary files.
    pub scratch: &'a Path,
    pub sizes: Sizes,
}

impl Request<'_> {
    /// Reads the job's list; `stdin` is read where the job says so.
    pub async fn read(&self, stdin: Box<dyn Read>) -> Result<List, PlanError> {
        let source = source_name(&self.job.input.source);
        let wanted = Wanted::of(self.job)?;
        let list = name_in_messages(self.job);
        let unit = unit_of(&self.job.input.source);
        let reader = Reader { list: &list, unit, wanted: &wanted };
        let (intake, sha256) = match &self.job.input.source {
            Source::Ids(ids) => self.ids(ids, &reader)?,
            Source::File { path, format: Format::Parquet } => self.parquet(Box::new(open(path)?), &reader)?,
            Source::Stdin { format: Format::Parquet } => self.parquet(stdin, &reader)?,
            Source::File { path, format } => self.text(Box::new(open(path)?), *format, &reader)?,
            Source::Stdin { format } => self.text(stdin, *format, &reader)?,
            Source::Query { database, query } => query::read(self, database, query, &reader).await?,
        };
        intake.finish(source, sha256)
    }

    fn ids(&self, ids: &[String], reader: &Reader<'_>) -> Result<(Intake, String), PlanError> {
        let mut intake = self.intake(reader, reader.wanted.textual())?;
        reader.only_the_id("ids = [...]")?;
        for (number, id) in (1..).zip(ids) {
            intake.push(number, vec![Cell::text(id)])?;
        }
        // A list of strings is always JSON.
        let bytes = serde_json::to_vec(ids).unwrap_or_default();
        Ok((intake, digest::sha256(&bytes)))
    }

    fn text(
        &self,
        bytes: Box<dyn Read>,
        format: Format,
        reader: &Reader<'_>,
    ) -> Result<(Intake, String), PlanError> {
        let text = source::text(reader.list, Bytes::new(bytes), format)?;
        let columns = reader.wanted.textual();
        let mut intake = self.intake(reader, columns.clone())?;
        let sha256 = match format {
            Format::Csv => csv::read(text, b',', reader, &mut intake)?,
            Format::Tsv => csv::read(text, b'\t', reader, &mut intake)?,
            Format::Jsonl => jsonl::read(text, &columns, reader, &mut intake)?,
            Format::Lines | Format::Parquet => {
                reader.only_the_id("a list of lines")?;
                lines::read(text, reader, &mut intake)?
            }
        };
        Ok((intake, sha256))
    }

    fn parquet(&self, bytes: Box<dyn Read>, reader: &Reader<'_>) -> Result<(Intake, String), PlanError> {
        let (file, sha256) = parquet::local_copy(bytes, self.scratch, reader)?;
        let table = parquet::Table::open(file, reader)?;
        let mut intake = self.intake(reader, table.columns())?;
        table.read(reader, &mut intake)?;
        Ok((intake, sha256))
    }

    fn intake(&self, reader: &Reader<'_>, columns: Columns) -> Result<Intake, PlanError> {
        Intake::new(self, reader.list.to_owned(), reader.unit, columns)
    }
}

impl Reader<'_> {
    fn place(&self, number: u64) -> Place {
        Place { list: self.list.to_owned(), unit: self.unit, number }
    }

    fn utf8<'b>(&self, number: u64, bytes: &'b [u8]) -> Result<&'b str, ListError> {
        std::str::from_utf8(bytes).map_err(|_| ListError::NotUtf8(self.place(number)))
    }

    fn unreadable(&self, source: io::Error) -> ListError {
        ListError::Unreadable { list: self.list.to_owned(), source }
    }

    fn line_too_long(&self, number: u64) -> ListError {
        ListError::TooLong { place: self.place(number), what: "the line".to_owned(), limit: "8 MiB" }
    }

    /// Where a column is among those that are there.
    fn column(&self, name: &str, there: &[String]) -> Result<usize, ListError> {
        let mut found = there.iter().enumerate().filter(|(_, other)| *other == name).map(|(index, _)| index);
        match (found.next(), found.next()) {
            (Some(index), None) => Ok(index),
            (Some(_), Some(_)) => {
                Err(ListError::ColumnTwice { list: self.list.to_owned(), name: name.to_owned() })
            }
            (None, _) => Err(ListError::NoColumn {
                list: self.list.to_owned(),
                name: name.to_owned(),
                there: there.to_owned(),
            }),
        }
    }

    /// A list without columns gives one: the id.
    fn only_the_id(&self, what: &str) -> Result<(), ListError> {
        match self.wanted.names.get(1) {
            None => Ok(()),
            Some(name) => Err(ListError::NoColumn {
                list: what.to_owned(),
                name: name.clone(),
                there: vec![self.wanted.names[0].clone()],
            }),
        }
    }
}

/// What messages call the list.
fn name_in_messages(job: &Job) -> String {
    match &job.input.source {
        Source::Ids(_) => format!("ids of {}", job.name),
        Source::Query { database, .. } => database.to_string(),
        source => source_name(source),
    }
}

/// What a plan calls its source.
pub(super) fn source_name(source: &Source) -> String {
    match source {
        Source::File { path, .. } => path.display().to_string(),
        Source::Ids(_) => "ids".to_owned(),
        Source::Stdin { .. } => "stdin".to_owned(),
        Source::Query { database, query } => format!("{database}: {}", query.trim()),
    }
}

fn unit_of(source: &Source) -> Unit {
    match source {
        Source::Ids(_) => Unit::Entry,
        Source::File { format: Format::Parquet, .. }
        | Source::Stdin { format: Format::Parquet }
        | Source::Query { .. } => Unit::Row,
        Source::File { .. } | Source::Stdin { .. } => Unit::Line,
    }
}

/// The digest that a list would be planned with now, for comparing with a plan; `None` for standard input, which can
/// be read once only.
pub(super) async fn source_sha256(job: &Job, secrets: &Secrets) -> Result<Option<String>, PlanError> {
    match &job.input.source {
        Source::Stdin { .. } => Ok(None),
        Source::Query { database, query } => query::sha256(job, database, query, secrets).await.map(Some),
        Source::Ids(ids) => Ok(Some(digest::sha256(&serde_json::to_vec(ids).unwrap_or_default()))),
        Source::File { path, .. } => {
            let list = path.display().to_string();
            let digest = digest::sha256_of(&mut open(path)?);
            Ok(Some(digest.map_err(|source| ListError::Unreadable { list, source })?))
        }
    }
}

#[cfg(test)]
mod tests;
