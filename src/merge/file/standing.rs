//! The file, or the folder of files, that stands at the destination.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use duckdb::Connection;

use super::folder::Folder;
use super::header::{Extent, Header};
use super::memory::Memory;
use super::{FilePlace, Format, marker};
use crate::handoff::FileMark;
use crate::job::{ChunkFormat, Job};
use crate::merge::columns::{self, Output};
use crate::merge::sql::{self, FileList};
use crate::merge::target::Target;
use crate::merge::{MergeError, database};
use crate::value::{Field, Type};

/// What stands.
pub(super) struct Standing<'a> {
    file: &'a FilePlace,
    content: Content,
    /// What it is known by.
    pub mark: FileMark,
}

enum Content {
    Csv(Header),
    /// One file, or those of a folder; of a folder the columns that divide it.
    Parquet(Vec<PathBuf>, Vec<String>),
}

/// Size and time of the file, or of the note that windrow left in the folder.
pub(super) fn mark(file: &FilePlace) -> io::Result<FileMark> {
    let found = match file.format {
        Format::Csv | Format::Parquet => fs::metadata(&file.path)?,
        Format::Folder(_) => fs::metadata(marker(&file.path))?,
    };
    let modified = found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec());
    Ok(FileMark { bytes: found.len(), modified })
}

impl<'a> Standing<'a> {
    /// What stands; `None` where there is nothing, or nothing in it. Refuses what is no file, or no folder of windrow's.
    pub fn find(file: &'a FilePlace) -> Result<Option<Standing<'a>>, MergeError> {
        let disk = |error: io::Error| MergeError::on_disk(&file.path, &error);
        let found = match fs::metadata(&file.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(disk(error)),
        };
        refuse_other_kind(file, &found)?;
        let content = match &file.format {
            Format::Csv => Header::read(&file.path).map_err(disk)?.map(Content::Csv),
            Format::Parquet if found.len() == 0 => None,
            Format::Parquet => Some(Content::Parquet(vec![file.path.clone()], vec![])),
            Format::Folder(by) => files_of(file, by)?.map(|files| Content::Parquet(files, by.clone())),
        };
        match content {
            None => Ok(None),
            Some(content) => Ok(Some(Standing { file, content, mark: mark(file).map_err(disk)? })),
        }
    }

    /// Refuses a header that has other columns. A table tells by itself whether it fits.
    pub fn check(&self, job: &Job, columns: &[Output]) -> Result<(), MergeError> {
        let Content::Csv(header) = &self.content else { return Ok(()) };
        let problems = header.problems(job, columns);
        if problems.is_empty() {
            return Ok(());
        }
        let hint = columns::hint(job, header.lacks(columns));
        Err(self.file.told(MergeError::Table { table: String::new(), problems, hint }))
    }

    /// The columns that it is to gain, where it is held by this table.
    pub fn new_columns(&self, job: &Job, target: &Target, columns: &[Output]) -> Vec<String> {
        let new = match &self.content {
            Content::Csv(header) => header.lacks(columns),
            Content::Parquet(..) => target.new_columns(job, columns),
        };
        new.into_iter().map(|column| column.name.clone()).collect()
    }

    /// What was published into it; `None` where it cannot tell.
    pub fn memory(&self, connection: &Connection) -> Result<Option<Memory>, MergeError> {
        match self.file.format {
            Format::Csv => Ok(None),
            Format::Parquet => Memory::of_parquet(self.file, connection).map(Some),
            Format::Folder(_) => Memory::of_folder(self.file).map(Some),
        }
    }

    /// Makes the table that holds it, without rows.
    pub fn make_table(
        &self,
        connection: &Connection,
        target: &Target,
        columns: &[Output],
    ) -> Result<(), MergeError> {
        let (schema, table) = (&target.schema, &target.qualified);
        let made = match &self.content {
            Content::Parquet(files, _) if !files.is_empty() => {
                format!("CREATE TABLE {table} AS FROM {} LIMIT 0", self.relation(columns, 0))
            }
            _ => columns::create_table(table, columns),
        };
        let made = connection.execute_batch(&format!("CREATE SCHEMA IF NOT EXISTS {schema}; {made}"));
        self.readable(made)
    }

    /// Fills that table with its rows, in their order.
    pub fn read_into(
        &self,
        connection: &Connection,
        target: &Target,
        columns: &[Output],
    ) -> Result<(), MergeError> {
        let table = &target.qualified;
        let sql = match &self.content {
            Content::Parquet(files, _) if files.is_empty() => return Ok(()),
            Content::Parquet(..) => format!("INSERT INTO {table} FROM {}", self.relation(columns, 0)),
            Content::Csv(header) => {
                let fields = fields(header, columns);
                let names: Vec<String> = fields.iter().map(|field| sql::identifier(&field.name)).collect();
                let values: Vec<String> =
                    names.iter().zip(&fields).map(|(name, field)| sql::read_as(name, field.ty)).collect();
                let (names, values) = (names.join(", "), values.join(", "));
                let from = self.relation(columns, self.extent()?.longest);
                format!("INSERT INTO {table} ({names}) SELECT {values} FROM {from}")
            }
        };
        self.readable(connection.execute_batch(&sql))
    }

    /// Its number of rows.
    pub fn rows(&self, connection: &Connection, columns: &[Output]) -> Result<u64, MergeError> {
        match &self.content {
            Content::Csv(_) => Ok(self.extent()?.rows),
            Content::Parquet(files, _) if files.is_empty() => Ok(0),
            Content::Parquet(..) => {
                let sql = format!("SELECT count(*) FROM {}", self.relation(columns, 0));
                self.readable(connection.query_row(&sql, [], |row| row.get(0)))
            }
        }
    }

    fn extent(&self) -> Result<Extent, MergeError> {
        Extent::measure(&self.file.path).map_err(|error| MergeError::on_disk(&self.file.path, &error))
    }

    /// Its rows as a table expression.
    fn relation(&self, columns: &[Output], longest: u64) -> String {
        match &self.content {
            Content::Csv(header) => FileList {
                paths: vec![self.file.path.as_path()],
                format: ChunkFormat::Csv,
                largest: longest,
                fields: fields(header, columns),
            }
            .relation(),
            Content::Parquet(files, by) => {
                let by = by.iter().filter_map(|name| columns.iter().find(|column| &column.name == name));
                let by: Vec<(&str, Type)> =
                    by.map(|column| (column.name.as_str(), column.ty.unwrap_or(Type::Text))).collect();
                sql::parquet(files.iter().map(PathBuf::as_path), &by)
            }
        }
    }

    /// What cannot be read is told as the file's own mistake.
    fn readable<T>(&self, result: duckdb::Result<T>) -> Result<T, MergeError> {
        result.map_err(|error| database::unreadable(&self.file.path, &error))
    }
}

/// A CSV file as a table expression, and its columns, with the declared types; `None` where it is empty.
pub(in crate::merge) fn csv_relation(
    path: &Path,
    columns: &[Output],
) -> io::Result<Option<(String, Vec<Field>)>> {
    let Some(header) = Header::read(path)? else { return Ok(None) };
    let fields = fields(&header, columns);
    let (largest, format) = (Extent::measure(path)?.longest, ChunkFormat::Csv);
    let list = FileList { paths: vec![path], format, largest, fields: fields.clone() };
    Ok(Some((list.relation(), fields)))
}

/// The columns of the file in its own order, with the declared types.
fn fields(header: &Header, columns: &[Output]) -> Vec<Field> {
    let ty = |name: &str| columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))?.ty;
    let field = |name: &String| Field { name: name.clone(), ty: ty(name).unwrap_or(Type::Text) };
    header.names.iter().map(field).collect()
}

fn refuse_other_kind(file: &FilePlace, found: &fs::Metadata) -> Result<(), MergeError> {
    let problem = match file.format {
        Format::Folder(_) if found.is_dir() => return Ok(()),
        Format::Csv | Format::Parquet if found.is_file() => return Ok(()),
        Format::Folder(_) => "partition_by makes a folder of files, and it is a file",
        Format::Csv | Format::Parquet if found.is_dir() => "it is a folder, and the job writes one file",
        Format::Csv | Format::Parquet => "it is no file that could be replaced",
    };
    Err(file.misfit(vec![problem.to_owned()]))
}

/// The files of a folder of windrow's; `None` where nothing is in it.
fn files_of(file: &FilePlace, by: &[String]) -> Result<Option<Vec<PathBuf>>, MergeError> {
    let path: &Path = &file.path;
    let folder = Folder::read(path).map_err(|error| MergeError::on_disk(path, &error))?;
    match folder.problems(path, by) {
        problems if problems.is_empty() => Ok((!folder.is_empty()).then_some(folder.files)),
        problems => Err(file.misfit(problems)),
    }
}
