//! Rows as JSON, lines of JSON and CSV; bodies of the whole table, made once.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::format::{BodyFormat, Encoding};
use super::generation::{Generation, Rows, Unanswered, answer_column};
use crate::job::ChunkFormat;
use crate::merge::AnswerColumn;
use crate::os::mapped;
use crate::report::spelled::{JsonRow, csv_header, csv_row};

/// Rows, in this format.
///
/// # Errors
/// No format but Parquet's, which only the whole table has.
pub fn write_rows(rows: &Rows, format: BodyFormat, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = RowWriter::begin(out, &rows.columns, format)?;
    rows.rows.iter().try_for_each(|row| writer.add(row))?;
    writer.end()
}

/// Rows one by one.
struct RowWriter<'a> {
    out: &'a mut dyn Write,
    columns: &'a [AnswerColumn],
    format: BodyFormat,
    is_first: bool,
}

impl<'a> RowWriter<'a> {
    fn begin(
        out: &'a mut dyn Write,
        columns: &'a [AnswerColumn],
        format: BodyFormat,
    ) -> io::Result<RowWriter<'a>> {
        match format {
            BodyFormat::Json => out.write_all(b"[")?,
            BodyFormat::Csv => csv_header(out, columns)?,
            BodyFormat::Ndjson | BodyFormat::Parquet => {}
        }
        Ok(RowWriter { out, columns, format, is_first: true })
    }

    fn add(&mut self, values: &[Option<String>]) -> io::Result<()> {
        let row = JsonRow { columns: self.columns, values };
        match self.format {
            BodyFormat::Json => {
                self.out.write_all(if self.is_first { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut *self.out, &row)?;
            }
            BodyFormat::Ndjson => {
                serde_json::to_writer(&mut *self.out, &row)?;
                self.out.write_all(b"\n")?;
            }
            BodyFormat::Csv => csv_row(self.out, self.columns, values)?,
            BodyFormat::Parquet => return Err(io::Error::other("rows are not written as Parquet")),
        }
        self.is_first = false;
        Ok(())
    }

    fn end(self) -> io::Result<()> {
        match self.format {
            BodyFormat::Json => self.out.write_all(if self.is_first { b"]\n" } else { b"\n]\n" }),
            _ => Ok(()),
        }
    }
}

impl Generation {
    /// Whether there is a whole table of that format: none is made Parquet that was published as CSV.
    pub fn has(&self, format: BodyFormat) -> bool {
        format != BodyFormat::Parquet || self.published.1 == ChunkFormat::Parquet
    }

    /// The body of the whole table; made the first time that it is asked for.
    ///
    /// # Errors
    /// It cannot be made, in words: the disk is full, for instance. It is tried again the next time.
    pub async fn whole(self: &Arc<Self>, format: BodyFormat, encoding: Encoding) -> Result<Bytes, String> {
        let make = || async {
            let generation = Arc::clone(self);
            // The encoded ones are made of the plain one.
            let plain = match encoding {
                Encoding::Identity => None,
                _ => Some(Box::pin(self.whole(format, Encoding::Identity)).await?),
            };
            let made =
                tokio::task::spawn_blocking(move || of_the_whole(&generation, format, encoding, plain));
            made.await.unwrap_or_else(|_| Err("it could not be made".to_owned()))
        };
        self.body(format, encoding).get_or_try_init(make).await.cloned()
    }
}

/// The body of a whole table: what was published where it has that format, or what is made of it, in a file without a name.
fn of_the_whole(
    generation: &Arc<Generation>,
    format: BodyFormat,
    encoding: Encoding,
    plain: Option<Bytes>,
) -> Result<Bytes, String> {
    let (published, published_as) = &generation.published;
    match (&plain, format, published_as) {
        (Some(plain), ..) => {
            let encoded = aside(&generation.folder, |out| encoding.encode(plain, out));
            encoded.map_err(|error| error.to_string())
        }
        (None, BodyFormat::Parquet, ChunkFormat::Parquet) | (None, BodyFormat::Csv, ChunkFormat::Csv) => {
            Ok(published.clone())
        }
        (None, BodyFormat::Parquet, _) => Err("it was published as CSV".to_owned()),
        (None, ..) => rendered(generation, format).map_err(|error| error.to_string()),
    }
}

fn rendered(generation: &Arc<Generation>, format: BodyFormat) -> io::Result<Bytes> {
    let columns: Vec<AnswerColumn> = generation.columns.iter().map(answer_column).collect();
    let question = generation.ask().map_err(io::Error::other)?;
    aside(&generation.folder, |out| {
        let mut writer = RowWriter::begin(out, &columns, format)?;
        let mut add = |row: Vec<Option<String>>| {
            writer.add(&row).map_err(|error| Unanswered::Failed(error.to_string()))
        };
        question.whole(&mut add).map_err(io::Error::other)?;
        writer.end()
    })
}

/// The bytes that are written, in a file without a name.
fn aside(folder: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<Bytes> {
    let file = tempfile::tempfile_in(folder)?;
    let mut out = BufWriter::with_capacity(1 << 16, &file);
    write(&mut out)?;
    out.flush()?;
    drop(out);
    mapped(&file)
}
