//! One id a line: the whole line is the id, whatever it holds; empty lines are passed over.

use super::source::{Line, Lines, Text};
use super::{Cell, Intake, PlanError, Reader};

/// Reads the list and returns the digest of its bytes.
pub(super) fn read(text: Text, reader: &Reader<'_>, intake: &mut Intake) -> Result<String, PlanError> {
    let mut lines = Lines::of(text);
    loop {
        match lines.next_line().map_err(|error| reader.unreadable(error))? {
            Line::End => return Ok(lines.sha256()),
            Line::TooLong(number) => return Err(reader.line_too_long(number).into()),
            Line::Text(_, []) => {}
            Line::Text(number, line) => {
                let id = reader.utf8(number, line)?;
                intake.push(number, vec![Cell::text(id)])?;
            }
        }
    }
}
