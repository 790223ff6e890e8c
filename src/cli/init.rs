//! `windrow init`: a commented job file to start from.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::handoff::Exit;
use crate::job::{self, Job};
use crate::os::tell;
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The job's name
    name: String,
    /// Where to write it [default: schemas/NAME.toml where there is a schemas folder, else NAME.toml]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: InitArgs) -> Result<Exit, RunnerError> {
    let text = job::starter(&args.name);
    // The starter is valid under every valid name.
    Job::parse(text.clone(), Path::new("/")).map_err(|_| {
        RunnerError::Usage(format!(
            "{:?} is no name for a job\nhint: 1 to 64 letters (A to Z), digits, `_` and `-`, the first no `-`: it names a folder",
            args.name
        ))
    })?;
    let file = format!("{}.toml", args.name);
    let beside =
        if PathBuf::from("schemas").is_dir() { PathBuf::from("schemas").join(&file) } else { file.into() };
    let path = args.output.unwrap_or(beside);
    let created = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let mut out = created.map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => "it is there already, and is not overwritten".to_owned(),
            _ => error.to_string(),
        };
        RunnerError::Usage(format!(
            "cannot write {}: {why}\nhint: choose another file with --output",
            path.display()
        ))
    })?;
    out.write_all(text.as_bytes())?;
    tell!("wrote {0}; edit it, then try it: windrow run {0} --sample 10", path.display());
    Ok(Exit::Done)
}
