//! `windrow schema`: the JSON Schema of job files, for editors.

use crate::handoff::Exit;
use crate::report::stdout;
use crate::runner::RunnerError;

pub(super) fn run() -> Result<Exit, RunnerError> {
    stdout::write_exactly(|out| out.write_all(crate::job::json_schema().as_bytes()))?;
    Ok(Exit::Done)
}
