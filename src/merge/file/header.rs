//! The columns of a CSV file that stands, and what else has to be known before DuckDB reads it.

use std::fs::File;
use std::io;
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::job::Job;
use crate::merge::columns::{self, Output};

/// A CSV file as far as its first line tells.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// Its columns' names, in order.
    pub names: Vec<String>,
}

/// A CSV file as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Without the header.
    pub rows: u64,
    /// Bytes of its longest line.
    pub longest: u64,
}

impl Header {
    /// Reads the header; `None` of an empty file.
    pub fn read(path: &Path) -> io::Result<Option<Header>> {
        let mut first = ByteRecord::new();
        if !reader(path)?.read_byte_record(&mut first)? {
            return Ok(None);
        }
        let name = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
        Ok(Some(Header { names: first.iter().map(name).collect() }))
    }

    /// The columns that it does not have.
    pub fn lacks<'a>(&self, columns: &'a [Output]) -> Vec<&'a Output> {
        let has = |name: &str| self.names.iter().any(|other| other.eq_ignore_ascii_case(name));
        columns.iter().filter(|column| !has(&column.name)).collect()
    }

    /// What keeps it from being the header of these columns of the job.
    pub fn problems(&self, job: &Job, columns: &[Output]) -> Vec<String> {
        let lacking = |column: &Output| {
            columns::lacking(job, "its header", self.names.iter().map(String::as_str), &column.name)
        };
        let mut problems: Vec<String> = self.lacks(columns).into_iter().filter_map(lacking).collect();
        for (at, name) in self.names.iter().enumerate() {
            if !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
                problems.push(format!("its header has a column {name:?}, which the job does not fill"));
            } else if self.names[..at].iter().any(|other| other.eq_ignore_ascii_case(name)) {
                problems.push(format!("its header has the column {name:?} twice"));
            }
        }
        problems
    }
}

impl Extent {
    /// Reads all of it, a record at a time.
    pub fn measure(path: &Path) -> io::Result<Extent> {
        let mut reader = reader(path)?;
        let (mut record, mut extent) = (ByteRecord::new(), Extent::default());
        let (mut records, mut before) = (0, 0);
        while reader.read_byte_record(&mut record)? {
            let at = reader.position().byte();
            extent.longest = extent.longest.max(at - before);
            (records, before) = (records + 1, at);
        }
        extent.rows = u64::saturating_sub(records, 1);
        Ok(extent)
    }
}

/// Lines may be of any length here: DuckDB refuses those that have too few or too many fields, and names them.
fn reader(path: &Path) -> io::Result<Reader<File>> {
    Ok(ReaderBuilder::new().has_headers(false).flexible(true).from_reader(File::open(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::columns::Origin;
    use crate::merge::tests::sandbox;
    use crate::value::Type;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn rows_are_counted_with_the_breaks_that_are_in_them() {
        let measured = |text: &str| Extent::measure(file(text.as_bytes()).path()).unwrap();
        assert_eq!(measured(""), Extent { rows: 0, longest: 0 });
        assert_eq!(measured("id,title\n"), Extent { rows: 0, longest: 9 });
        assert_eq!(measured("id,t\r\n1,\"a\n\nb\"\"c\"\r\n2,\n3,x").rows, 3);
        assert_eq!(measured(&format!("i\n1\n{}\n2\n", "x".repeat(5000))).longest, 5001);
    }

    #[test]
    fn a_header_has_the_declared_columns_in_any_order() {
        let column = |name: &str| Output { name: name.into(), ty: Some(Type::Text), origin: Origin::Id };
        let columns = [column("id"), column("a,b")];
        let job = sandbox::job("films.duckdb".into(), &sandbox::plan(1, &[]));
        let problems =
            |text: &[u8]| Header::read(file(text).path()).unwrap().unwrap().problems(&job, &columns);
        assert_eq!(problems(b"\xef\xbb\xbf\"a,b\",ID\r\n1,2\r\n"), [""; 0]);
        assert_eq!(
            problems(b"id,id,c\n"),
            [
                "its header has no column \"a,b\"",
                "its header has the column \"id\" twice",
                "its header has a column \"c\", which the job does not fill"
            ]
        );
        assert!(Header::read(file(b"").path()).unwrap().is_none());
    }
}
