//! `windrow init`: a job file to start from. Of a name alone one that explains its keys; of a curl command, or a URL, and a
//! list one that asks about the list.

mod draft;
mod place;
mod request;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::handoff::Exit;
use crate::job::{self, Job};
use crate::os::tell;
use crate::report::{job_word, shell_word};
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The job's name [default: the folder's]
    name: Option<String>,
    /// The URL that asks about one id; what stands for the id is found by the list, or written as {column}
    #[arg(conflicts_with = "from_curl")]
    url: Option<String>,
    /// A curl command that asks about one id, as browsers and documentation have it; without it, or with `-`, from standard
    /// input
    #[arg(long, help_heading = "From a request", value_name = "COMMAND", num_args = 0..=1, default_missing_value = "-")]
    from_curl: Option<String>,
    /// The list: a .csv, .tsv, .jsonl, .parquet or .txt file
    #[arg(long, help_heading = "From a request", value_name = "FILE")]
    ids: Option<PathBuf>,
    /// The column of the list whose values the request asks about [default: the one that is found there]
    #[arg(long, help_heading = "From a request", value_name = "COLUMN", requires = "ids")]
    id: Option<String>,
    /// What stands for the id in the request, where the list does not have it
    #[arg(long, help_heading = "From a request", value_name = "TEXT", requires = "ids")]
    example: Option<String>,
    /// Ask this many ids, spread over the list, one at a time, and propose columns [default: 20; 0 where the request may
    /// change something there, as a POST may]
    #[arg(long, help_heading = "From a request", value_name = "N", value_parser = clap::value_parser!(u64).range(0..=100))]
    sample: Option<u64>,
    /// Write the secrets of the request into this file of NAME=value lines, which is yours alone
    #[arg(long, help_heading = "From a request", value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Where the rows go, as `to` of [table] has it [default: duckdb:NAME.duckdb]
    #[arg(long, help_heading = "From a request", value_name = "DESTINATION")]
    to: Option<String>,
    /// Where to write it [default: schemas/NAME.toml where there is a schemas folder, else NAME.toml]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(args: InitArgs) -> Result<Exit, RunnerError> {
    let file = NewJob::of(&args)?;
    match args.from_curl.is_some() || args.url.is_some() || args.ids.is_some() {
        true => draft::run(args, &file).await,
        false => {
            file.write(&job::starter(&file.name))?;
            tell!(
                "wrote {}\nnext: windrow plan {1}   (says what it will ask, and asks nobody)",
                file.shown(),
                file.word()
            );
            Ok(Exit::Done)
        }
    }
}

/// The job file that is to be written.
struct NewJob {
    name: String,
    path: PathBuf,
}

impl NewJob {
    fn of(args: &InitArgs) -> Result<NewJob, RunnerError> {
        let name = match &args.name {
            Some(name) => name.clone(),
            None => name_of_folder(),
        };
        // The starter is valid under every valid name.
        Job::parse(job::starter(&name), Path::new("/")).map_err(|_| {
            RunnerError::Usage(format!(
                "{name:?} is no name for a job\nhint: 1 to 64 letters (A to Z), digits, `_` and `-`, the first no `-`: it names a folder",
            ))
        })?;
        let file = format!("{name}.toml");
        let beside =
            if Path::new("schemas").is_dir() { Path::new("schemas").join(&file) } else { file.into() };
        let path = args.output.clone().unwrap_or(beside);
        if path.exists() {
            return Err(refused(&path, "it is there already, and is not overwritten"));
        }
        Ok(NewJob { name, path })
    }

    /// Writes it, and beside it the schema that its first line names, for editors.
    fn write(&self, text: &str) -> Result<(), RunnerError> {
        let created = std::fs::OpenOptions::new().write(true).create_new(true).open(&self.path);
        let mut out = created.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => refused(&self.path, "it is there already, and is not overwritten"),
            _ => refused(&self.path, &error.to_string()),
        })?;
        out.write_all(text.as_bytes())?;
        let schema = self.path.with_file_name("job.schema.json");
        if !schema.exists() {
            std::fs::write(&schema, job::json_schema())?;
        }
        Ok(())
    }

    /// The name, where the file does not tell it.
    fn name_in_it(&self) -> Option<&str> {
        let is_told = self.path.file_stem().is_some_and(|stem| stem == self.name.as_str());
        (!is_told).then_some(&self.name)
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// The job as commands take it.
    fn word(&self) -> String {
        match std::path::absolute(&self.path) {
            Ok(path) => job_word(&path),
            Err(_) => shell_word(&self.shown()),
        }
    }
}

fn refused(path: &Path, why: &str) -> RunnerError {
    RunnerError::Usage(format!(
        "cannot write {}: {why}\nhint: choose another file with --output",
        path.display()
    ))
}

/// The folder that one is in, as far as it can name a job.
fn name_of_folder() -> String {
    let folder = std::env::current_dir().ok();
    let name = folder.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let name: String = name
        .unwrap_or_default()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' })
        .take(64)
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "job".to_owned() } else { name.to_owned() }
}
