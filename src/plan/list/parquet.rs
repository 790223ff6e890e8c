//! Apache Parquet: the needed columns only, a slice at a time, with the file's own types where they are ours too.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::*;
use sha2::{Digest, Sha256};

use super::{Cell, Columns, Intake, ListError, PlanError, Reader, guard};
use crate::handoff::digest::hex;
use crate::plan::frames;
use crate::plan::spool::ScratchError;
use crate::plan::typed;
use crate::record::Type;

/// Rows read at once.
const SLICE: usize = 1 << 16;

const MAGIC: &[u8; 4] = b"PAR1";

/// A Parquet file whose footer was read.
pub(super) struct Table {
    file: File,
    metadata: FileMetadataRef,
    columns: Columns,
    /// The file's own types of the needed columns.
    found: Vec<Type>,
}

/// A copy without a name in the scratch folder, with the digest of its bytes: what is read is what was hashed, and
/// pipes are as good as files.
pub(super) fn local_copy(
    mut bytes: Box<dyn Read>,
    scratch: &Path,
    reader: &Reader<'_>,
) -> Result<(File, String), PlanError> {
    let wrong = |source| ScratchError::file(scratch, source);
    let copy = tempfile::tempfile_in(scratch).map_err(wrong)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut end = 0;
    loop {
        let count = match bytes.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(reader.unreadable(error).into()),
        };
        hash.update(&buffer[..count]);
        copy.write_all_at(&buffer[..count], end).map_err(wrong)?;
        end += count as u64;
    }
    Ok((copy, hex(hash)))
}

impl Table {
    /// Reads the footer and finds the needed columns.
    pub fn open(mut file: File, reader: &Reader<'_>) -> Result<Table, ListError> {
        check_magic(&mut file, reader)?;
        let mut parquet = ParquetReader::new(again(&file, reader)?);
        let (metadata, schema) =
            guarded(reader, || Ok((Arc::clone(parquet.get_metadata()?), parquet.schema()?)))?;
        let names: Vec<String> = schema.iter_names().map(|name| name.to_string()).collect();
        let mut found = Vec::new();
        for name in &reader.wanted.names {
            let column = schema.get_at_index(reader.column(name, &names)?);
            let kind = column.map_or(&ArrowDataType::Null, |(_, field)| &field.dtype);
            found.push(our_type(kind).map_err(|hint| ListError::ColumnType {
                list: reader.list.to_owned(),
                column: name.clone(),
                found: format!("{kind:?}"),
                hint,
            })?);
        }
        let columns = reader.wanted.typed(|index| found[index]);
        Ok(Table { file, metadata, columns, found })
    }

    /// The columns to freeze.
    pub fn columns(&self) -> Columns {
        self.columns.clone()
    }

    /// Reads all rows, slice by slice.
    pub fn read(&self, reader: &Reader<'_>, intake: &mut Intake) -> Result<(), PlanError> {
        for start in (0..self.metadata.num_rows).step_by(SLICE) {
            let slice = self.slice(start, reader)?;
            for row in 0..slice.height() {
                let number = (start + row + 1) as u64;
                intake.push(number, self.cells(&slice, row, number, reader)?)?;
            }
        }
        Ok(())
    }

    fn slice(&self, start: usize, reader: &Reader<'_>) -> Result<DataFrame, ListError> {
        let mut parquet = ParquetReader::new(again(&self.file, reader)?)
            .with_columns(Some(reader.wanted.names.clone()))
            .with_slice(Some((start, SLICE)))
            // The only strategy that leaves out the row groups before the slice.
            .read_parallel(ParallelStrategy::RowGroups)
            .set_rechunk(true);
        parquet.set_metadata(Arc::clone(&self.metadata));
        let names = reader.wanted.names.iter().map(String::as_str);
        guarded(reader, || parquet.finish()?.select(names))
    }

    fn cells<'s>(
        &self,
        slice: &'s DataFrame,
        row: usize,
        number: u64,
        reader: &Reader<'_>,
    ) -> Result<Vec<Cell<'s>>, ListError> {
        let cell = |index: usize| {
            let column = &slice.columns()[index];
            let value = guarded(reader, || column.get(row))?;
            let target = self.columns.fields[index].ty;
            cell(value, self.found[index], target).map_err(|what| ListError::Parquet {
                list: reader.place(number).to_string(),
                why: format!("column {:?}: {what}", column.name().as_str()),
            })
        };
        (0..self.found.len()).map(cell).collect()
    }
}

/// The file under a position of its own; polars maps it, and lets go of it after each slice.
fn again(file: &File, reader: &Reader<'_>) -> Result<File, ListError> {
    file.try_clone().map_err(|error| reader.unreadable(error))
}

fn check_magic(file: &mut File, reader: &Reader<'_>) -> Result<(), ListError> {
    let mut ends = [0; 8];
    let read = file.metadata().and_then(|facts| {
        file.read_exact_at(&mut ends[..4], 0)?;
        file.read_exact_at(&mut ends[4..], facts.len().saturating_sub(4))?;
        file.seek(SeekFrom::Start(0))
    });
    let foreign = |what: &str| ListError::Foreign {
        list: reader.list.to_owned(),
        what: what.to_owned(),
        hint: "say which format it has: format = \"csv\", \"jsonl\" or \"lines\"".to_owned(),
    };
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(foreign("too short for Parquet")),
        Err(error) => Err(reader.unreadable(error)),
        Ok(_) if &ends[..4] != MAGIC => Err(foreign("not a Parquet file")),
        Ok(_) if &ends[4..] != MAGIC => Err(foreign("a Parquet file that was cut off")),
        Ok(_) => Ok(()),
    }
}

/// What polars says of the file. It panics over some damaged ones, which is no reason to end.
fn guarded<T>(reader: &Reader<'_>, read: impl FnOnce() -> PolarsResult<T>) -> Result<T, ListError> {
    let damaged = |why: String| ListError::Parquet { list: reader.list.to_owned(), why };
    match guard::guarded(read) {
        Some(read) => read.map_err(|error| damaged(error.to_string())),
        None => Err(damaged("the file is damaged".to_owned())),
    }
}

/// Our type for one of the file's, or what to do where there is none.
fn our_type(found: &ArrowDataType) -> Result<Type, &'static str> {
    const NARROW: &str = "cast it to a 32-bit or 64-bit signed integer";
    Ok(match found {
        ArrowDataType::Utf8View | ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 => Type::Text,
        ArrowDataType::Boolean => Type::Boolean,
        ArrowDataType::Int32 => Type::Integer,
        ArrowDataType::Int64 | ArrowDataType::UInt32 => Type::Bigint,
        ArrowDataType::Float32 | ArrowDataType::Float64 => Type::Double,
        ArrowDataType::Decimal(precision, scale) if *precision <= 38 => {
            Type::Decimal { precision: *precision as u8, scale: *scale as u8 }
        }
        ArrowDataType::Date32 => Type::Date,
        ArrowDataType::Timestamp(..) => Type::Timestamp,
        ArrowDataType::Int8 | ArrowDataType::Int16 | ArrowDataType::UInt8 | ArrowDataType::UInt16 => {
            return Err(NARROW);
        }
        ArrowDataType::UInt64 => return Err("cast it to a 64-bit signed integer, or to text"),
        _ => return Err("cast it to text, a number, a boolean, a date or a timestamp"),
    })
}

/// A value of the file as a cell of the target type, or as text where the target is another type.
fn cell(value: AnyValue<'_>, found: Type, target: Type) -> Result<Cell<'_>, String> {
    match value {
        AnyValue::Null => Ok(Cell::Null),
        AnyValue::String(text) => Ok(Cell::text(text)),
        // A single row may come as a scalar, which owns its text.
        AnyValue::StringOwned(text) => Ok(Cell::Text(text.to_string().into())),
        other => {
            let value = frames::value(&other)?;
            let fits = found == target;
            Ok(if fits { Cell::Typed(value) } else { Cell::Text(typed::spelled(&value, found).into()) })
        }
    }
}
