//! `windrow schema`: the JSON Schema of job files, for editors.

use super::CliError;
use crate::handoff::Exit;

pub(super) fn run() -> Result<Exit, CliError> {
    super::stdout::write_exactly(|out| out.write_all(crate::job::json_schema().as_bytes()))?;
    Ok(Exit::Done)
}
