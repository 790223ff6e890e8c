//! `--output FILE`: a file that is written aside and renamed, so that it is there whole or as it was.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::os::{shown_path, tell};
use crate::runner::RunnerError;

/// Has a file written, under a name that it is given, and puts it in its place. What is no file (a pipe) is written into.
///
/// # Errors
/// There is no such folder, it is a folder itself, the disk is full, or the writer's own.
pub(super) fn write_file(
    file: &Path,
    write: impl FnOnce(&Path) -> Result<(), RunnerError>,
) -> Result<(), RunnerError> {
    if file.is_dir() {
        return Err(RunnerError::Usage(format!(
            "{} is a folder\nhint: name a file with --output",
            shown_path(file)
        )));
    }
    let failed = |error: io::Error| {
        RunnerError::Disk(format!(
            "cannot write {}: {error}\nhint: --output names a file in a folder that is there, and yours to write to",
            shown_path(file)
        ))
    };
    let is_pipe = file.metadata().is_ok_and(|found| !found.is_file());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".windrow-output-").permissions(Permissions::from_mode(0o666));
    let made = if is_pipe { builder.tempfile() } else { builder.tempfile_in(folder) }.map_err(failed)?;
    write(made.path())?;
    if is_pipe {
        return copy_into(made.path(), file).map_err(failed);
    }
    File::open(made.path()).and_then(|whole| whole.sync_all()).map_err(failed)?;
    made.persist(file).map_err(|error| failed(error.error))?;
    tell!("wrote {}", shown_path(file));
    Ok(())
}

fn copy_into(made: &Path, pipe: &Path) -> io::Result<()> {
    let mut pipe = OpenOptions::new().write(true).open(pipe)?;
    match io::copy(&mut File::open(made)?, &mut pipe) {
        // Who reads it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map(drop),
    }
}
