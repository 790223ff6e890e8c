//! Reading the list: one pass over its bytes, whatever its format, into a spool.
//!
//! | format | value that is no text | null | number in messages |
//! |---|---|---|---|
//! | csv, tsv | as `types` says | an empty field | line of the file |
//! | jsonl | its JSON as written, or as `types` says | `null`, no such key | line |
//! | parquet | the file's types, or as `types` says | null | row |
//! | lines | as `types` says | | line |
//! | ids | as `types` says | | entry |
//! | a query | the database's types (`query`), or as `types` says | null | row |
//!
//! An id may hold anything, up to 1 MiB: what a URL cannot bear is for a later step to say,
//! of that one record.
//!
//! A list is read to its end or not at all: what cannot be read as it is meant is refused with its place, never passed
//! over. A file's bytes go through these steps, each of which knows nothing of the others:
//!
//! | step | module |
//! |---|---|
//! | hashed as they lie there, recognised | `source` |
//! | gzip and zstd undone, by the first bytes | `compressed` |
//! | made UTF-8, by a byte order mark or `encoding` | `decoded` |
//! | cut into lines | `text` |
//! | read as records | `csv`, `jsonl`, `lines`; `parquet` takes them before they are text |
//!
//! A file that changes while it is read is refused.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

mod compressed;
mod csv;
mod decoded;
mod error;
mod intake;
mod jsonl;
mod lines;
mod parquet;
mod query;
mod source;
mod text;
mod waiting;

pub(super) use error::Unit;
pub use error::{ListError, Position};
pub(super) use intake::{Intake, Sizes};
pub(super) use source::open;

use self::compressed::Compression;
use self::decoded::Undecodable;
use self::source::Bytes;
use self::text::Lines;
use super::batch::Cell;
use super::columns::{Columns, WantedColumns};
use super::duplicates::Positions;
use super::spool::Spool;
use super::{PlanError, PlanOptions};
use crate::handoff::digest;
use crate::job::{Format, Job, Source};
use crate::secrets::Secrets;
use crate::value::Field;

/// A list that was read and checked, ready to be cut.
pub struct List {
    /// A path, `stdin`, `ids`, or a database and the query.
    pub(super) source: String,
    /// SHA-256 of the list's bytes, in hexadecimal; of `ids = [...]` that of the JSON array without blanks, of a query one
    /// of the rows, whatever their order.
    pub(super) sha256: String,
    pub(super) columns: Columns,
    pub(super) spool: Spool,
    /// Positions in the spool that `on_duplicate = "first"` leaves out.
    pub(super) left_out: Positions,
    /// Records that a sample takes.
    pub(super) sample: Option<u64>,
}

impl List {
    /// Records that the run will have: without what `on_duplicate = "first"` leaves out, and of a sample only the sample.
    pub fn records(&self) -> u64 {
        let kept = self.spool.records() - self.left_out.len();
        self.sample.map_or(kept, |sample| sample.min(kept))
    }

    /// Later records of an id that came twice, left out.
    pub fn left_out(&self) -> u64 {
        self.left_out.len()
    }
}

/// What the readers of all formats share.
struct Reader<'a> {
    /// The list's name in messages.
    list: &'a str,
    unit: Unit,
    wanted: &'a WantedColumns,
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
        let wanted = WantedColumns::of(self.job);
        let list = name_in_messages(self.job);
        let unit = unit_of(&self.job.input.source);
        let reader = Reader { list: &list, unit, wanted: &wanted };
        let (intake, sha256) = match &self.job.input.source {
            Source::Ids(ids) => self.ids(ids, &reader)?,
            Source::File { path, format } => {
                let file = open(path)?;
                let before = Stamp::of(&file);
                let bytes = Box::new(again(&file, &reader)?);
                let read = self.file(bytes, Compression::of_ending(path), *format, &reader)?;
                if Stamp::of(&file) != before {
                    return Err(ListError::Changing(list).into());
                }
                read
            }
            Source::Stdin { format } => self.file(stdin, None, *format, &reader)?,
            Source::Query { database, sql } => query::read(self, database, sql, &reader).await?,
            Source::Queue(queue) => {
                let (database, sql) = waiting::question(self.job, queue);
                query::read(self, &database, &sql, &reader).await?
            }
        };
        intake.finish(source, sha256)
    }

    /// The list of jobs that were claimed: rows of which these fields are the columns.
    pub fn claimed(&self, fields: &[Field], rows: &[Vec<Option<String>>]) -> Result<List, PlanError> {
        let wanted = WantedColumns::of(self.job);
        let list = name_in_messages(self.job);
        let reader = Reader { list: &list, unit: Unit::Row, wanted: &wanted };
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        let places = wanted.names.iter().map(|name| reader.column(name, &names));
        let places: Vec<usize> = places.collect::<Result<_, _>>()?;
        let mut intake = self.intake(&reader, wanted.typed(|index| fields[places[index]].ty))?;
        for (number, row) in (1..).zip(rows) {
            let cell = |place: &usize| row[*place].as_deref().map_or(Cell::Null, Cell::text);
            intake.push(number, places.iter().map(cell).collect())?;
        }
        intake.finish(source_name(&self.job.input.source), String::new())
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

    /// Reads what is in a file, or comes over a pipe.
    fn file(
        &self,
        raw: Box<dyn Read>,
        named: Option<Compression>,
        format: Format,
        reader: &Reader<'_>,
    ) -> Result<(Intake, String), PlanError> {
        let bytes = Bytes::of(reader.list, raw, named)?;
        match format {
            Format::Parquet => self.parquet(bytes, reader),
            _ => self.text(bytes, format, reader),
        }
    }

    fn text(&self, bytes: Bytes, format: Format, reader: &Reader<'_>) -> Result<(Intake, String), PlanError> {
        let dialect = &self.job.input.dialect;
        let text = bytes.into_text(reader.list, format, dialect.encoding)?;
        let lines = Lines::of(text, dialect);
        let columns = reader.wanted.textual();
        let mut intake = self.intake(reader, columns.clone())?;
        let sha256 = match format {
            Format::Csv => csv::read(lines, b',', dialect, reader, &mut intake)?,
            Format::Tsv => csv::read(lines, b'\t', dialect, reader, &mut intake)?,
            Format::Jsonl => jsonl::read(lines, &columns, reader, &mut intake)?,
            Format::Lines | Format::Parquet => {
                reader.only_the_id("a list of lines")?;
                lines::read(lines, reader, &mut intake)?
            }
        };
        Ok((intake, sha256))
    }

    fn parquet(&self, bytes: Bytes, reader: &Reader<'_>) -> Result<(Intake, String), PlanError> {
        let digest = bytes.digest.clone();
        let file = parquet::local_copy(bytes.reader, self.scratch, reader)?;
        let table = parquet::Table::open(file, reader)?;
        let mut intake = self.intake(reader, table.columns())?;
        table.read(reader, &mut intake)?;
        Ok((intake, digest.hex()))
    }

    fn intake(&self, reader: &Reader<'_>, columns: Columns) -> Result<Intake, PlanError> {
        Intake::new(self, reader.list.to_owned(), reader.unit, columns)
    }
}

impl Reader<'_> {
    fn place(&self, number: u64) -> Position {
        Position { list: self.list.to_owned(), unit: self.unit, number }
    }

    fn utf8<'b>(&self, number: u64, bytes: &'b [u8]) -> Result<&'b str, ListError> {
        let not_text = |_| ListError::NotText { place: self.place(number), encoding: "UTF-8" };
        std::str::from_utf8(bytes).map_err(not_text)
    }

    fn unreadable(&self, source: io::Error) -> ListError {
        ListError::of_reading(self.list, source)
    }

    /// Why line `number` could not be read.
    fn unreadable_line(&self, number: u64, source: io::Error) -> ListError {
        let inner = source.get_ref().and_then(|inner| inner.downcast_ref::<Undecodable>());
        match inner {
            Some(Undecodable(encoding)) => ListError::NotText { place: self.place(number), encoding },
            None => self.unreadable(source),
        }
    }

    fn line_too_long(&self, number: u64) -> ListError {
        let what = "the line".to_owned();
        ListError::TooLong { place: self.place(number), what, limit: "8 MiB", hint: LONG_LINE }
    }

    /// Where a column is among those that are there. Blanks around a header do not count, unless another one has them
    /// just so.
    fn column(&self, name: &str, there: &[String]) -> Result<usize, ListError> {
        let exactly = there.iter().any(|other| other == name);
        let is_meant = |other: &str| if exactly { other == name } else { other.trim() == name };
        let mut found = there.iter().enumerate().filter(|(_, other)| is_meant(other)).map(|(index, _)| index);
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

/// What a line that is too long most often means.
const LONG_LINE: &str = "is it the right file, and the right format? A text without line ends is one line; where it is \
                         another encoding, or lines are to be left out, encoding and skip_lines under [input] say so";

/// What tells that a file was written to.
#[derive(PartialEq)]
struct Stamp(Option<(u64, std::time::SystemTime)>);

impl Stamp {
    /// Of a regular file; pipes and devices have none.
    fn of(file: &File) -> Stamp {
        let facts = file.metadata().ok().filter(Metadata::is_file);
        Stamp(facts.and_then(|facts| Some((facts.len(), facts.modified().ok()?))))
    }
}

fn again(file: &File, reader: &Reader<'_>) -> Result<File, ListError> {
    file.try_clone().map_err(|error| reader.unreadable(error))
}

/// What messages call the list.
fn name_in_messages(job: &Job) -> String {
    match &job.input.source {
        Source::Ids(_) => format!("ids of {}", job.name),
        Source::Query { database, .. } => database.to_string(),
        Source::Queue(queue) => queue.table.clone(),
        source => source_name(source),
    }
}

/// What a plan calls its source.
pub(super) fn source_name(source: &Source) -> String {
    match source {
        Source::File { path, .. } => path.display().to_string(),
        Source::Ids(_) => "ids".to_owned(),
        Source::Stdin { .. } => "stdin".to_owned(),
        Source::Query { database, sql } => format!("{database}: {}", sql.trim()),
        Source::Queue(queue) => format!("queue: {}", queue.table),
    }
}

fn unit_of(source: &Source) -> Unit {
    match source {
        Source::Ids(_) => Unit::Entry,
        Source::File { format: Format::Parquet, .. }
        | Source::Stdin { format: Format::Parquet }
        | Source::Query { .. }
        | Source::Queue(_) => Unit::Row,
        Source::File { .. } | Source::Stdin { .. } => Unit::Line,
    }
}

/// The digest that a list would be planned with now, for comparing with a plan; `None` for standard input, which can
/// be read once only.
pub(super) async fn source_sha256(job: &Job, secrets: &Secrets) -> Result<Option<String>, PlanError> {
    match &job.input.source {
        Source::Stdin { .. } => Ok(None),
        Source::Query { database, sql } => query::sha256(job, database, sql, secrets).await.map(Some),
        // What waits is another list at every look.
        Source::Queue(_) => Ok(None),
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
