//! From a file to a job: read it, parse its TOML, read its keys, validate the whole.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use toml::de::DeTable;

use super::mistake::{JobError, Mistakes, end_of};
use super::{Job, raw, validate};

/// Most bytes of a job file.
const LARGEST: u64 = 16 << 20;

impl Job {
    /// Reads and validates a job file; a relative `path` is taken from the working directory.
    ///
    /// # Errors
    /// The file cannot be read, or has mistakes: all of them at once.
    pub fn load(path: &Path) -> Result<Job, JobError> {
        let absolute = std::path::absolute(path)
            .map_err(|error| JobError::unreadable(path, error.to_string(), "give the path of a job file"))?;
        let text = read(&absolute)?;
        Job::parse(text, &absolute)
    }

    /// Validates the text of a job file whose absolute path is `path`; it need not exist, but relative paths in
    /// the text are relative to its folder.
    ///
    /// # Errors
    /// All the text's mistakes at once.
    pub fn parse(text: String, path: &Path) -> Result<Job, JobError> {
        let folder = path.parent().unwrap_or(path).to_owned();
        let mut mistakes = Mistakes::default();
        let parts = file_as_written(&text, &mut mistakes)
            .and_then(|file| validate::validated(file, path, &folder, &mut mistakes));
        match parts {
            Some(parts) if mistakes.is_empty() => Ok(parts.into_job(text, path.to_owned(), folder)),
            None if mistakes.is_empty() => {
                let hint = "this is a bug of windrow: please report it with the file";
                Err(JobError::unreadable(path, "it is refused for no reason that could be named", hint))
            }
            _ => Err(JobError::mistaken(path, text, mistakes)),
        }
    }
}

fn read(path: &Path) -> Result<String, JobError> {
    let failed = |error: std::io::Error| {
        let hint = match error.kind() {
            ErrorKind::NotFound => "check the path; `windrow init` writes a job file to start from",
            ErrorKind::PermissionDenied => "make it readable for this user",
            _ => "give the path of a job file",
        };
        JobError::unreadable(path, format!("cannot be read: {error}"), hint)
    };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(JobError::unreadable(path, "is a directory", "give the path of the .toml file in it"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        let hint = "a long list of ids belongs in a file that [input] names";
        return Err(JobError::unreadable(path, "is larger than 16 MiB", hint));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        JobError::unreadable(path, format!("is not UTF-8 in line {line}"), "save it as UTF-8 text")
    })
}

/// Parses the TOML and reads its keys; nothing where it is no TOML.
fn file_as_written(text: &str, mistakes: &mut Mistakes) -> Option<raw::JobFile> {
    let (tables, errors) = DeTable::parse_recoverable(text);
    let end = end_of(text);
    for error in &errors {
        let span = error.span().unwrap_or_else(|| end.clone());
        mistakes.add(&span, format!("not TOML: {}", error.message()), syntax_hint(error.message()));
    }
    errors.is_empty().then(|| raw::JobFile::read(tables.get_ref(), end, mistakes))
}

fn syntax_hint(message: &str) -> &'static str {
    if message.contains("escape") {
        "in single quotes a backslash is itself: '\\d+'"
    } else if message.contains("duplicate") {
        "a key may stand only once in its table"
    } else if message.contains("string") {
        "text ends with the same quote that it starts with, on the same line unless there are three"
    } else {
        "text goes in \"quotes\", a list in [ … ], a table in { … } or under its [name]"
    }
}
