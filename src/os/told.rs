//! Lines for people, on standard error.

use std::fmt::Display;
use std::io::Write as _;

/// Tells the person. Where nobody can read it any more (a closed pipe, a full disk) the work goes on: no write to a
/// terminal or log ends a run, or changes how it ends.
pub fn tell(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
