//! A folder of Parquet files, divided by columns as Hive does it: `country=us/data_0.parquet`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use percent_encoding::percent_decode_str;

use super::marker;
use crate::merge::columns::Output;
use crate::merge::sql;
use crate::value::Type;

/// The value of a column that has none, as Hive writes it.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// What is in a folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// In order of their paths.
    pub files: Vec<PathBuf>,
    /// Whatever windrow would not have put there.
    pub strangers: Vec<PathBuf>,
    /// Whether windrow says that it made it.
    pub is_marked: bool,
}

impl Folder {
    /// Looks through the folder.
    pub fn read(path: &Path) -> io::Result<Folder> {
        let mut folder = Folder { is_marked: marker(path).is_file(), ..Folder::default() };
        folder.collect(path, path)?;
        folder.files.sort();
        folder.strangers.sort();
        Ok(folder)
    }

    /// The columns that divide it, as its first file has them.
    pub fn divided_by(&self, path: &Path) -> Vec<String> {
        self.files.first().map(|file| divisions(path, file)).unwrap_or_default()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.strangers.is_empty() && !self.is_marked
    }

    fn collect(&mut self, top: &Path, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() && is_division(&path) {
                self.collect(top, &path)?;
            } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "parquet") {
                self.files.push(path);
            } else if path != marker(top) {
                self.strangers.push(path);
            }
        }
        Ok(())
    }

    /// What keeps windrow from taking it for its own, divided by these columns.
    pub fn problems(&self, path: &Path, by: &[String]) -> Vec<String> {
        if self.is_empty() {
            return Vec::new();
        }
        if !self.is_marked {
            return vec!["it is a folder that windrow did not make (it has no _windrow.json)".into()];
        }
        let other = self.divided_by(path);
        if !self.files.is_empty() && other != by {
            return vec![format!(
                "it is divided by {}, the job divides by {}",
                other.join(", "),
                by.join(", ")
            )];
        }
        let name = |stranger: &PathBuf| stranger.strip_prefix(path).unwrap_or(stranger).display().to_string();
        self.strangers.iter().take(5).map(|s| format!("{} in it is not windrow's", name(s))).collect()
    }
}

/// The path within a folder of the file that has no rows: a value of each column's type, so that readers who take the
/// types of divisions from their names take the right ones.
pub(super) fn of_no_rows(by: &[String], columns: &[Output]) -> PathBuf {
    let ty = |name: &String| columns.iter().find(|column| &column.name == name)?.ty;
    let value = |name| match ty(name) {
        Some(Type::Boolean) => "false",
        Some(Type::Integer | Type::Bigint | Type::Double | Type::Decimal { .. }) => "0",
        Some(Type::Date) => "1970-01-01",
        Some(Type::Timestamp) => "1970-01-01 00%3A00%3A00",
        Some(Type::Text | Type::Json | Type::Blob) | None => "none",
    };
    by.iter().map(|name| format!("{}={}", sql::division(name), value(name))).collect()
}

/// The columns that the path of a file in the folder names.
fn divisions(folder: &Path, file: &Path) -> Vec<String> {
    let within = file.parent().and_then(|parent| parent.strip_prefix(folder).ok()).unwrap_or(Path::new(""));
    let name = |part: std::path::Component<'_>| {
        let part = part.as_os_str().to_string_lossy();
        let name = part.split('=').next().unwrap_or_default();
        percent_decode_str(name).decode_utf8_lossy().into_owned()
    };
    within.components().map(name).collect()
}

/// Whether the last part of a path reads as a column and its value.
fn is_division(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains('='))
}

/// The parts of a path that readers of such folders would take for columns, too.
pub(super) fn divisions_above(path: &Path) -> Option<String> {
    let above = path.ancestors().find(|folder| is_division(folder))?;
    Some(above.file_name()?.to_string_lossy().into_owned())
}

/// A condition: the text of a column reads as no value where it is the name of a folder.
pub(super) fn reads_as_none(column: &str) -> String {
    format!("upper({column}) IN ('NULL', '{NO_VALUE}')")
}

/// Writes what is in the folder, and the folders themselves, to the disk.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            sync(&entry?.path())?;
        }
    }
    fs::File::open(path)?.sync_all()
}
