//! `--summary json[=FILE]`: where the summary of a command goes, whatever its exit code.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Args;

use crate::handoff::Summary;
use crate::report::stdout;

/// How long a pipe's reader is waited for.
const SLOWEST_READER: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Default, Args)]
pub(super) struct SummaryArgs {
    /// Print at the end how it went, as JSON, whatever the exit code; json=FILE writes it into a file
    #[arg(long, help_heading = "Output", value_name = "json[=FILE]", value_parser = SummaryTo::parse)]
    pub(super) summary: Option<SummaryTo>,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SummaryTo {
    /// To standard output, on which nothing else is written then.
    Stdout,
    /// Into this file, which is replaced by rename.
    File(PathBuf),
}

impl SummaryTo {
    /// # Errors
    /// Another format, or a file that cannot be.
    pub(super) fn parse(word: &str) -> Result<SummaryTo, String> {
        let file = match word.split_once('=') {
            None if word == "json" => return Ok(SummaryTo::Stdout),
            Some(("json", "-")) => return Ok(SummaryTo::Stdout),
            Some(("json", file)) if !file.is_empty() => PathBuf::from(file),
            _ => return Err("write json, or json=FILE".to_owned()),
        };
        if file.is_dir() {
            return Err(format!("{} is a folder: name a file", file.display()));
        }
        let folder = folder_of(&file);
        if !folder.is_dir() {
            return Err(format!("there is no folder {}", folder.display()));
        }
        Ok(SummaryTo::File(file))
    }

    /// The summary of an earlier command goes: one that is killed leaves none, rather than that of another.
    pub(super) fn clear(&self) {
        if let SummaryTo::File(file) = self
            && file.symlink_metadata().is_ok_and(|found| found.is_file())
        {
            // Where it cannot be removed it is replaced at the end, or that fails and is told.
            let _ = std::fs::remove_file(file);
        }
    }

    /// Writes the summary.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self, summary: &Summary) -> io::Result<()> {
        let text = summary.to_json();
        match self {
            SummaryTo::Stdout => stdout::write_exactly(|out| out.write_all(text.as_bytes())),
            SummaryTo::File(file) => {
                let named =
                    |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
                write_file(file, text).map_err(named)
            }
        }
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Aside, then renamed; what is no file (a pipe, `/dev/stderr`) is written into.
fn write_file(file: &Path, text: String) -> io::Result<()> {
    if file.metadata().is_ok_and(|found| !found.is_file()) {
        return write_into(file.to_owned(), text);
    }
    let made = tempfile::Builder::new()
        .prefix(".windrow-summary-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder_of(file))?;
    made.as_file().write_all(text.as_bytes())?;
    made.persist(file).map(drop).map_err(|error| error.error)
}

/// A pipe may have no reader, or one that does not read.
fn write_into(file: PathBuf, text: String) -> io::Result<()> {
    let (done, written) = mpsc::channel();
    let write = move || OpenOptions::new().write(true).open(file)?.write_all(text.as_bytes());
    thread::Builder::new().spawn(move || done.send(write()))?;
    written
        .recv_timeout(SLOWEST_READER)
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_and_a_file_that_can_be() {
        assert_eq!(SummaryTo::parse("json"), Ok(SummaryTo::Stdout));
        assert_eq!(SummaryTo::parse("json=-"), Ok(SummaryTo::Stdout));
        assert_eq!(SummaryTo::parse("json=a=b.json"), Ok(SummaryTo::File("a=b.json".into())));
        for wrong in ["yaml", "json=", "", "json=/", "json=/no/such/folder/s.json", "s.json"] {
            assert!(SummaryTo::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.json");
        let to = SummaryTo::File(file.clone());
        for exit in [0, 75] {
            let summary = Summary::of_command("run", crate::handoff::StateOfRun::Failed, exit);
            to.write(&summary).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), summary.to_json());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        to.clear();
        assert!(!file.exists());
        std::fs::remove_dir(folder.path()).unwrap();
        let told = to.write(&Summary::of_command("run", crate::handoff::StateOfRun::Failed, 2));
        assert!(told.unwrap_err().to_string().contains("s.json"), "it is named");
    }
}
