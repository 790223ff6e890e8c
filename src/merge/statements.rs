//! The job's own statements around the rows: which of the run's views they name, and where their answers go.
//!
//! | view | holds |
//! |---|---|
//! | `windrow_rows` | the rows that are to be written: `windrow_ordinal` and `windrow_part` say whose they are, then the table's columns. What `[[before]]` deletes there is not written, what it updates is (in DuckDB and around files the key must stay as it is: what stands is looked up by the key as it was answered) |
//! | `windrow_failures` | the pairs without success: `ordinal`, the id, `endpoint`, `status`, `kind`, `http_status`, `detail`, `attempts`, `finished_at` |
//! | `windrow_input` | the frozen lines: `ordinal` and the input's columns |
//!
//! They are there only where a statement names them. A report is written aside and takes its name right after COMMIT.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::MergeError;
use crate::job::{Job, Statement};

/// The first columns of `windrow_rows`: the record's ordinal, and the row's place among those of its record.
pub(super) const PLACE: [&str; 2] = ["windrow_ordinal", "windrow_part"];

/// Which views the statements name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Views {
    pub rows: bool,
    pub failures: bool,
    pub input: bool,
}

impl Views {
    /// What the job's statements name.
    pub fn named(job: &Job) -> Views {
        let sql: Vec<String> =
            job.before.iter().chain(&job.after).map(|statement| statement.sql.to_lowercase()).collect();
        let names = |view: &str| sql.iter().any(|sql| sql.contains(view));
        Views {
            rows: names("windrow_rows"),
            failures: names("windrow_failures"),
            input: names("windrow_input"),
        }
    }
}

/// The statements before the rows, each with its name in messages.
pub(super) fn before(job: &Job) -> impl Iterator<Item = (String, &Statement)> {
    numbered("[[before]]", &job.before)
}

/// The statements after the rows, each with its name in messages.
pub(super) fn after(job: &Job) -> impl Iterator<Item = (String, &Statement)> {
    numbered("[[after]]", &job.after)
}

fn numbered<'a>(section: &'a str, of: &'a [Statement]) -> impl Iterator<Item = (String, &'a Statement)> {
    let name = move |(at, statement)| match of.len() {
        1 => (section.to_owned(), statement),
        _ => (format!("{section} {}", at + 1), statement),
    };
    of.iter().enumerate().map(name)
}

/// What to do about a statement that the database refuses.
pub(super) const REFUSED: &str =
    "nothing was published; statements are read anew at each merge: mend it and repeat `windrow merge`";

/// A statement that ended the transaction which it is a part of.
pub(super) fn ended_the_transaction(name: &str) -> MergeError {
    MergeError::Statement {
        name: name.to_owned(),
        message: "it ended the transaction: what it has done by then stays, and nothing was published".into(),
        hint: "leave COMMIT, ROLLBACK and BEGIN out: windrow ends the transaction",
    }
}

/// A report that has no name yet. It vanishes unless it gets one.
#[derive(Debug)]
pub(super) struct Report {
    aside: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Report {
    /// Begins a report that is to lie at `path`.
    pub fn begin(path: &Path) -> Result<Report, MergeError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let aside = tempfile::Builder::new().prefix(".windrow-").suffix(".csv").tempfile_in(folder);
        let aside = aside.map_err(|error| MergeError::Disk {
            path: path.display().to_string(),
            message: error.to_string(),
            hint: "a report of [[after]] is written there: its folder must be there, with room, and writable",
        })?;
        Ok(Report { aside, path: path.to_owned() })
    }

    /// Where it lies until then.
    pub fn aside(&self) -> &Path {
        self.aside.path()
    }

    /// The file there.
    pub fn file(&mut self) -> &mut File {
        self.aside.as_file_mut()
    }

    /// What a failure to write it means before anything is published.
    pub fn failed(&self, error: &std::io::Error) -> MergeError {
        MergeError::Disk {
            path: self.path.display().to_string(),
            message: error.to_string(),
            hint: "a report of [[after]] is written there; nothing was published",
        }
    }

    /// Gives it its name.
    pub fn finish(self) -> Result<(), MergeError> {
        let Report { aside, path } = self;
        let named = aside
            .as_file()
            .sync_all()
            .and_then(|()| aside.persist(&path).map(|_| ()).map_err(|error| error.error));
        named.map_err(|error| MergeError::Unreported {
            path: path.display().to_string(),
            message: error.to_string(),
        })
    }
}

/// What is committed may be reported: each report, though another cannot be.
pub(super) fn finish(reports: Vec<Report>) -> Result<(), MergeError> {
    let finished: Vec<_> = reports.into_iter().map(Report::finish).collect();
    finished.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_among_several_is_named_by_its_number() {
        let statement = |sql: &str| Statement { sql: sql.into(), file: None };
        let two = [statement("one"), statement("two")];
        let names = |of: &[Statement]| numbered("[[before]]", of).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&two), ["[[before]] 1", "[[before]] 2"]);
        assert_eq!(names(&two[..1]), ["[[before]]"]);
    }

    #[test]
    fn a_report_has_its_name_only_when_it_is_finished() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        std::fs::write(&path, "old").unwrap();
        let mut given_up = Report::begin(&path).unwrap();
        given_up.file().write_all(b"new").unwrap();
        drop(given_up);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        let mut report = Report::begin(&path).unwrap();
        report.file().write_all(b"new").unwrap();
        report.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
