//! The table, written out whole and put in the place of what stands.

use std::path::Path;
use std::{fs, io};

use duckdb::Connection;

use super::folder::{self, Folder};
use super::memory::{KEY, Memory};
use super::{FilePlace, Format, marker};
use crate::merge::aside::{parent, take_after};
use crate::merge::columns::Output;
use crate::merge::target::Target;
use crate::merge::{MergeError, sql};
use crate::os::exchange;

/// Writes the table to `new`, and what the file remembers; all of it is on the disk then.
pub(super) fn write_out(
    connection: &Connection,
    table: &Target,
    columns: &[Output],
    file: &FilePlace,
    memory: &Memory,
    row_group: u64,
    new: &Path,
) -> Result<(), MergeError> {
    refuse_lost_values(connection, table, file)?;
    let disk = |error: io::Error| MergeError::on_disk(&file.path, &error);
    let memory = memory.text().map_err(disk)?;
    let sql = format!(
        "COPY (SELECT {} FROM {}) TO {} ({})",
        listed(all_names(table, columns), table, &file.format),
        table.qualified,
        sql::text(&new.to_string_lossy()),
        options(&file.format, &memory, row_group)
    );
    connection.execute_batch(&sql).map_err(|error| file.failed(&error))?;
    if let Format::Folder(by) = &file.format {
        fs::create_dir_all(new).map_err(disk)?;
        if fs::read_dir(new).map_err(disk)?.next().is_none() {
            let division = new.join(folder::of_no_rows(by, columns));
            fs::create_dir_all(&division).map_err(disk)?;
            let within = all_names(table, columns).filter(|name| !by.iter().any(|divides| divides == name));
            let within = listed(within, table, &file.format);
            write_no_rows(connection, table, &within, &division).map_err(|error| file.failed(&error))?;
        }
        fs::write(marker(new), memory).map_err(disk)?;
    }
    folder::sync(new).map_err(disk)
}

/// One file without rows, from which readers learn the columns: a folder without any file is none to them.
fn write_no_rows(
    connection: &Connection,
    table: &Target,
    within: &str,
    division: &Path,
) -> duckdb::Result<()> {
    let sql = format!(
        "COPY (SELECT {within} FROM {}) TO {} (FORMAT parquet, COMPRESSION zstd)",
        table.qualified,
        sql::text(&division.join("data_0.parquet").to_string_lossy()),
    );
    connection.execute_batch(&sql)
}

/// The declared columns in their order, then what else the file has.
fn all_names<'a>(table: &'a Target, columns: &'a [Output]) -> impl Iterator<Item = &'a str> {
    let declared = columns.iter().map(|column| column.name.as_str());
    declared.chain(table.others(columns).map(|column| column.name.as_str()))
}

fn listed<'a>(names: impl Iterator<Item = &'a str>, table: &Target, format: &Format) -> String {
    let one = |name: &'a str| {
        let ty = table.column(name).map_or("", |column| column.ty.as_str());
        let quoted = sql::identifier(name);
        match as_read(&quoted, name, ty, format) {
            Some(value) => format!("{value} AS {quoted}"),
            None => quoted,
        }
    };
    names.map(one).collect::<Vec<_>>().join(", ")
}

/// A column as every reader takes it for what it is: a timestamp says that it is UTC, bytes are hexadecimal digits in CSV, and
/// in Parquet JSON is text, for readers that take DuckDB's for bytes. What divides a folder is its name there.
fn as_read(quoted: &str, name: &str, ty: &str, format: &Format) -> Option<String> {
    match (ty, format) {
        (_, Format::Folder(by)) if by.iter().any(|divides| divides == name) => None,
        ("TIMESTAMP", Format::Csv) => Some(format!("CAST({quoted} AS VARCHAR) || 'Z'")),
        ("TIMESTAMP", Format::Parquet | Format::Folder(_)) => Some(format!("CAST({quoted} AS TIMESTAMPTZ)")),
        ("BLOB", Format::Csv) => Some(sql::as_hex(quoted)),
        ("JSON", Format::Parquet | Format::Folder(_)) => Some(format!("CAST({quoted} AS VARCHAR)")),
        _ => None,
    }
}

fn options(format: &Format, memory: &str, row_group: u64) -> String {
    let parquet = format!("FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {row_group}");
    match format {
        Format::Csv => {
            "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''".to_owned()
        }
        Format::Parquet => {
            format!("{parquet}, KV_METADATA {{{KEY}: {}}}", sql::text(memory))
        }
        Format::Folder(by) => {
            let by: Vec<String> = by.iter().map(|name| sql::identifier(name)).collect();
            format!("{parquet}, PARTITION_BY ({})", by.join(", "))
        }
    }
}

/// Most bytes of a folder's name (NAME_MAX of Linux).
const LONGEST_NAME: usize = 255;

/// Refuses texts that readers of divided folders take for no value, and those that no folder can have as its name.
fn refuse_lost_values(connection: &Connection, table: &Target, file: &FilePlace) -> Result<(), MergeError> {
    let Format::Folder(by) = &file.format else { return Ok(()) };
    let failed = |error| file.failed(&error);
    let mut problems = Vec::new();
    for name in by.iter().filter(|name| table.column(name).is_some_and(|column| column.ty == "VARCHAR")) {
        let lost = folder::reads_as_none(&sql::identifier(name));
        let sql = format!("SELECT count(*) FROM {} WHERE {lost}", table.qualified);
        let rows: u64 = connection.query_row(&sql, [], |row| row.get(0)).map_err(failed)?;
        if rows > 0 {
            problems.push(format!(
                "{rows} rows have the text \"NULL\" in {name:?}: as the name of a folder it reads as no value"
            ));
        }
        let most = LONGEST_NAME.saturating_sub(sql::division(name).len() + "=".len());
        let text = sql::identifier(name);
        let sql = format!(
            "SELECT count(*), min(left({text}, 40)) FROM {} WHERE strlen(url_encode({text})) > {most}",
            table.qualified
        );
        let long = |row: &duckdb::Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, Option<String>>(1)?));
        if let (rows @ 1.., Some(first)) = connection.query_row(&sql, [], long).map_err(failed)? {
            problems.push(format!(
                "{rows} rows have a text in {name:?} that is too long for the name of a folder ({LONGEST_NAME} bytes, as \
                 `{name}=…` in percent-encoding), such as {first:?}…"
            ));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(file.misfit(problems)) }
}

/// Puts `new` in the place of `path`, in one step; a folder that stood there is at `new` then.
pub(super) fn put_in_place(new: &Path, path: &Path) -> io::Result<()> {
    take_after(new, path)?;
    if new.is_dir() && path.is_dir() && !Folder::read(path)?.is_empty() {
        exchange(new, path)
    } else {
        fs::rename(new, path)
    }
}

/// Has the disk keep the new name; what is to be told where it does not. The file has its name by then.
pub(super) fn sync_name(path: &Path) -> Option<String> {
    let error = fs::File::open(parent(path)).and_then(|folder| folder.sync_all()).err()?;
    Some(format!("after a power cut the file of before may stand at {}: {error}", path.display()))
}
