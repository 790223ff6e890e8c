//! The job's own statements around the rows: which of the run's views they name, and where their answers go.
//!
//! | view | holds |
//! |---|---|
//! | `windrow_rows` | the rows that are to be written: `windrow_ordinal` and `windrow_part` say whose they are, then whether an endpoint failed whose `on_failure` is `keep` (`windrow_failed_0` of the first one), then the table's columns. What `[[publish.before]]` deletes there is not written, what it updates is, the key included: of rows that then have one key the latest stays |
//! | `windrow_failures` | the pairs without success: `ordinal`, the id, `endpoint`, `status`, `kind`, `http_status`, `detail`, `attempts`, `finished_at` |
//! | `windrow_input` | the frozen lines: `ordinal` and the input's columns |
//!
//! They are there only where a statement names them. A report is written aside, and is on the
//! disk before COMMIT. It gets its name right after COMMIT; where a death came in between, from the next who finds the run
//! published.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::MergeError;
use super::aside::{self, parent, take_after, through_links};
use super::columns::Output;
use crate::chunk::ReportError;
use crate::handoff::digest::sha256;
use crate::handoff::names::beside;
use crate::job::{Job, Statement};

/// The first columns of `windrow_rows`, where these are the table's: the record's ordinal, and the row's place among
/// those of its record.
pub(super) fn place(columns: &[Output]) -> [String; 2] {
    ["windrow_ordinal", "windrow_part"].map(|own| own_column(own, columns))
}

/// The name of a column of windrow's own beside those of the table.
pub(super) fn own_column(own: &str, columns: &[Output]) -> String {
    beside(own, columns.iter().map(|column| column.name.as_str()))
}

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
    numbered("[[publish.before]]", &job.before)
}

/// The statements after the rows, each with its name in messages.
pub(super) fn after(job: &Job) -> impl Iterator<Item = (String, &Statement)> {
    numbered("[[publish.after]]", &job.after)
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

/// Rows that the statements have taken out of `windrow_rows`, of the rows it had and those that are left.
pub(super) fn withheld(staged: u64, left: u64) -> Result<u64, MergeError> {
    staged.checked_sub(left).ok_or_else(|| MergeError::Statement {
        name: "[[publish.before]]".into(),
        message: format!(
            "windrow_rows has {left} rows after it and had {staged}: what is written are the rows of the run"
        ),
        hint: "take the INSERT INTO windrow_rows out; [[publish.after]] may write rows of your own into the table",
    })
}

/// A statement that ended the transaction which it is a part of.
pub(super) fn ended_the_transaction(name: &str) -> MergeError {
    let message = if name.starts_with("[[publish.after]]") {
        "it ended the transaction: by COMMIT the rows are published, without a look at [publish]; by ROLLBACK nothing is"
    } else {
        "it ended the transaction: what it has done by then stays, and nothing was published"
    };
    MergeError::Statement {
        name: name.to_owned(),
        message: message.into(),
        hint: "leave COMMIT, ROLLBACK and BEGIN out: windrow ends the transaction",
    }
}

/// A report that has no name yet: whole and on the disk before COMMIT, so that all that is left after it is a rename.
///
/// Its name until then is made of the run, the destination and the report: who finds the run published, and the report
/// without its name, can give it ([`finish_left`]). Dropped before COMMIT it vanishes.
#[derive(Debug)]
pub(super) struct Report {
    aside: PathBuf,
    path: PathBuf,
    /// Whether COMMIT may have got through.
    stays: bool,
}

impl Report {
    /// Begins a report that is to lie at `path`, or where a link there leads; `tag` names the run and the destination.
    pub fn begin(path: &Path, tag: &str) -> Result<Report, MergeError> {
        let path = through_links(path);
        let report = Report { aside: aside_of(&path, tag), path, stays: false };
        report.make().map_err(|error| MergeError::Disk {
            path: report.path.display().to_string(),
            message: error.to_string(),
            hint: "a report of [[publish.after]] is written there: its folder must be there, with room, and writable",
        })?;
        Ok(report)
    }

    /// Makes the file aside, empty; one that a death left before COMMIT goes.
    fn make(&self) -> io::Result<()> {
        match fs::metadata(&self.path) {
            // A device, say: as root, a rename would put a file in its place.
            Ok(standing) if !standing.is_file() => {
                return Err(io::Error::other("it is no file that could be replaced"));
            }
            _ => {}
        }
        match fs::remove_file(&self.aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        File::create_new(&self.aside).map(drop)
    }

    /// What it is written as.
    pub fn format(&self) -> ReportFormat {
        ReportFormat::of(&self.path)
    }

    /// Where it lies until it has its name.
    pub fn aside(&self) -> &Path {
        &self.aside
    }

    /// To write into it.
    pub fn file(&self) -> Result<File, MergeError> {
        File::options().append(true).open(&self.aside).map_err(|error| self.failed(&error))
    }

    /// Written to its end: it is on the disk from now on.
    pub fn seal(self) -> Result<Report, MergeError> {
        let synced = File::open(&self.aside).and_then(|file| file.sync_all());
        synced
            .and_then(|()| File::open(parent(&self.aside))?.sync_all())
            .map_err(|error| self.failed(&error))?;
        Ok(self)
    }

    /// What a failure to write it means before anything is published.
    pub fn failed(&self, error: &io::Error) -> MergeError {
        MergeError::Disk {
            path: self.path.display().to_string(),
            message: error.to_string(),
            hint: "a report of [[publish.after]] is written there; nothing was published",
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.stays {
            // It is only in the way: the next attempt writes over it.
            let _ = fs::remove_file(&self.aside);
        }
    }
}

/// Where a report lies until it has its name.
fn aside_of(path: &Path, tag: &str) -> PathBuf {
    let whose = sha256(format!("{tag} {}", path.display()).as_bytes());
    let ending = ReportFormat::of(path).ending();
    parent(path).join(format!("{}report-{}.{ending}", aside::PREFIX, &whose[..16]))
}

/// What a report is written as: its name says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReportFormat {
    Csv,
    Parquet,
}

impl ReportFormat {
    pub fn of(path: &Path) -> ReportFormat {
        let is_parquet = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
        if is_parquet { ReportFormat::Parquet } else { ReportFormat::Csv }
    }

    fn ending(self) -> &'static str {
        match self {
            ReportFormat::Csv => "csv",
            ReportFormat::Parquet => "parquet",
        }
    }
}

/// A report that cannot be what its name says: the query's columns, or a value among them.
pub(super) fn unwritten(name: &str, why: &ReportError) -> MergeError {
    MergeError::Statement { name: name.to_owned(), message: why.to_string(), hint: UNWRITTEN }
}

const UNWRITTEN: &str = "nothing was published: a .parquet has typed columns; what its type cannot hold is written as text by \
                         CAST in the query, or in a .csv; then repeat `windrow merge`";

/// COMMIT is next: from now on reports stay, until it is known what became of it. `false` where it has failed for sure.
pub(super) fn keep(reports: &mut [Report], stay: bool) {
    reports.iter_mut().for_each(|report| report.stays = stay);
}

/// What is committed may be reported: gives each its name, though another cannot have it; what is to be told of those.
pub(super) fn finish(mut reports: Vec<Report>) -> Vec<String> {
    keep(&mut reports, true);
    reports.iter().filter_map(|report| give_name(&report.aside, &report.path)).collect()
}

/// Gives their names to the reports of a run that stands at the destination: its process died before it could.
pub(super) fn finish_left(after: &[Statement], tag: &str) -> Vec<String> {
    let paths = after.iter().filter_map(|statement| statement.file.as_deref());
    let left = paths.map(through_links).map(|path| (aside_of(&path, tag), path));
    left.filter(|(aside, _)| aside.exists()).filter_map(|(aside, path)| give_name(&aside, &path)).collect()
}

/// What is to be told where it cannot have it.
fn give_name(aside: &Path, path: &Path) -> Option<String> {
    let error = take_after(aside, path).and_then(|()| fs::rename(aside, path)).err()?;
    Some(format!(
        "the report {} was not written: {error}\nhint: it lies in {}; `windrow merge` gives it its name",
        path.display(),
        aside.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_among_several_is_named_by_its_number() {
        let statement = |sql: &str| Statement { sql: sql.into(), file: None, key: Vec::new() };
        let two = [statement("one"), statement("two")];
        let names =
            |of: &[Statement]| numbered("[[publish.before]]", of).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&two), ["[[publish.before]] 1", "[[publish.before]] 2"]);
        assert_eq!(names(&two[..1]), ["[[publish.before]]"]);
    }

    #[test]
    fn a_report_goes_through_links_keeps_rights_and_replaces_files_only() {
        use std::fs::Permissions;
        use std::io::Write as _;
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [target, link] = ["target.csv", "report.csv"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink("target.csv", &link).unwrap();
        for (mode, there) in [(0o777, false), (0o640, true)] {
            if there {
                std::fs::set_permissions(&target, Permissions::from_mode(mode)).unwrap();
            }
            let report = Report::begin(&link, "run").unwrap();
            report.file().unwrap().write_all(b"new").unwrap();
            assert_eq!(finish(vec![report.seal().unwrap()]), [""; 0]);
            assert!(link.is_symlink() && std::fs::read(&target).unwrap() == b"new");
            let had = std::fs::metadata(&target).unwrap().permissions().mode() & 0o777;
            assert!(if there { had == mode } else { had != 0o600 }, "{had:o}");
        }
        for other in [folder.path(), Path::new("/dev/null")] {
            assert!(
                Report::begin(other, "run")
                    .unwrap_err()
                    .to_string()
                    .contains("no file that could be replaced")
            );
        }
    }

    #[test]
    fn a_report_has_its_name_only_when_it_is_finished() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        std::fs::write(&path, "old").unwrap();
        let written = || {
            let report = Report::begin(&path, "run").unwrap();
            report.file().unwrap().write_all(b"new").unwrap();
            report.seal().unwrap()
        };
        drop(written());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "given up, it is gone");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(finish(vec![written()]), [""; 0]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_report_that_cannot_have_its_name_is_told_and_gets_it_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        let report = Report::begin(&path, "run").unwrap().seal().unwrap();
        std::fs::create_dir(&path).unwrap();
        let told = finish(vec![report]);
        assert!(told[0].starts_with("the report ") && told[0].contains("hint: it lies in "), "{told:?}");
        std::fs::remove_dir(&path).unwrap();
        let after = [Statement { sql: "SELECT 1".into(), file: Some(path.clone()), key: Vec::new() }];
        assert_eq!(finish_left(&after, "run"), [""; 0]);
        assert!(path.is_file());
    }

    #[test]
    fn a_report_that_a_death_left_gets_its_name_from_who_finds_the_run_published() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        let mut left = [Report::begin(&path, "run").unwrap().seal().unwrap()];
        keep(&mut left, true);
        drop(left);
        assert!(!path.exists());
        let after = [Statement { sql: "SELECT 1".into(), file: Some(path.clone()), key: Vec::new() }];
        assert_eq!(finish_left(&after, "another run"), [""; 0]);
        assert!(!path.exists(), "it is another's");
        assert_eq!(finish_left(&after, "run"), [""; 0]);
        assert!(path.exists());
    }
}
