//! The files that a publication renames into place: a reader finds what one publication left, whole.
//!
//! That is a `parquet:` or `csv:` destination, and each report of `[[publish.after]]`. A folder of files (`partition_by`) is
//! none: it is exchanged as a whole, but read file by file.

use std::path::{Path, PathBuf};

use duckdb::Connection;

use super::columns::{self, Output};
use super::file::csv_relation;
use super::{MergeError, sql};
use crate::database::duck::message;
use crate::job::{ChunkFormat, Destination, Job};
use crate::value::Type;

/// A file that publications of a job leave.
#[derive(Debug, Clone)]
pub struct PublishedFile {
    /// What its table is called: the destination's name, or that of a report's file, without its ending.
    pub name: String,
    /// Where it is renamed to.
    pub path: PathBuf,
    /// What it is written as.
    pub format: ChunkFormat,
    /// The columns that identify a row; none where nothing says so.
    pub key: Vec<String>,
    /// Its columns, where the job declares them.
    columns: Vec<Output>,
}

impl PublishedFile {
    /// Those of a job.
    ///
    /// # Errors
    /// Its columns are a mistake.
    pub fn all_of(job: &Job) -> Result<Vec<PublishedFile>, MergeError> {
        let mut files: Vec<PublishedFile> = destination(job)?.into_iter().collect();
        let reports =
            job.after.iter().filter_map(|statement| statement.file.as_deref().map(|file| (statement, file)));
        files.extend(reports.map(|(statement, file)| PublishedFile {
            name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path: file.to_owned(),
            format: format_of(file),
            key: statement.key.clone(),
            columns: Vec::new(),
        }));
        Ok(files)
    }

    /// The query that reads it, with the types that the job declares; `copy` has its bytes. Of a `.csv` report all columns are
    /// text: a type that were guessed might make `7` of `007`.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn select(&self, connection: &Connection, copy: &Path) -> Result<String, String> {
        match self.format {
            ChunkFormat::Parquet => self.select_parquet(connection, copy),
            ChunkFormat::Csv => self.select_csv(copy),
        }
    }

    fn select_parquet(&self, connection: &Connection, copy: &Path) -> Result<String, String> {
        let unreadable = |error: duckdb::Error| message(&error);
        let relation = sql::parquet(std::iter::once(copy), &[]);
        let mut described = connection.prepare(&format!("DESCRIBE FROM {relation}")).map_err(unreadable)?;
        let names = described.query_map([], |row| row.get::<_, String>(0)).map_err(unreadable)?;
        let names = names.collect::<duckdb::Result<Vec<_>>>().map_err(unreadable)?;
        let one = |name: &String| {
            let column = self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
            // In Parquet it is text.
            let ty = column.and_then(|column| column.ty).filter(|ty| *ty == Type::Json).unwrap_or(Type::Text);
            let quoted = sql::identifier(name);
            format!("{} AS {quoted}", sql::read_as(&quoted, ty))
        };
        let names: Vec<String> = names.iter().map(one).collect();
        Ok(format!("SELECT {} FROM {relation}", names.join(", ")))
    }

    fn select_csv(&self, copy: &Path) -> Result<String, String> {
        let read = csv_relation(copy, &self.columns).map_err(|error| error.to_string())?;
        let (relation, fields) = read.ok_or("it is empty, without a header")?;
        let values = fields.iter().map(|field| {
            let quoted = sql::identifier(&field.name);
            format!("{} AS {quoted}", sql::read_as(&quoted, field.ty))
        });
        Ok(format!("SELECT {} FROM {relation}", values.collect::<Vec<_>>().join(", ")))
    }
}

fn destination(job: &Job) -> Result<Option<PublishedFile>, MergeError> {
    let (path, format) = match &job.table.to {
        Destination::Parquet(path) if job.table.partition_by.is_empty() => (path, ChunkFormat::Parquet),
        Destination::Csv(path) => (path, ChunkFormat::Csv),
        _ => return Ok(None),
    };
    Ok(Some(PublishedFile {
        name: job.table.name.clone(),
        path: path.clone(),
        format,
        key: if job.table.key.is_empty() { job.input.id.clone() } else { job.table.key.clone() },
        columns: columns::of_job(job)?,
    }))
}

fn format_of(report: &Path) -> ChunkFormat {
    match super::statements::ReportFormat::of(report) {
        super::statements::ReportFormat::Csv => ChunkFormat::Csv,
        super::statements::ReportFormat::Parquet => ChunkFormat::Parquet,
    }
}
