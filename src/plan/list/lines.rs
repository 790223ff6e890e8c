//! One id a line: the whole line is the id, whatever it holds; empty lines are passed over.

use super::text::Lines;
use super::{Cell, Intake, PlanError, Reader};

/// Reads the list and returns the digest of its bytes.
pub(super) fn read(
    mut lines: Lines<'_>,
    reader: &Reader<'_>,
    intake: &mut Intake,
) -> Result<String, PlanError> {
    while let Some(number) = lines.advance(reader)? {
        if !lines.text().is_empty() {
            intake.push(number, vec![Cell::text(reader.utf8(number, lines.text())?)])?;
        }
    }
    Ok(lines.sha256())
}
