//! What each [kind](crate::record::Kind) of failure means, and what to do about it: the one place for `windrow failures`,
//! the summary, `windrow help kinds` and the page of the documentation (`docs/failures.md`).
//!
//! Promise: what stands before the first `; or` can be followed word for word, and ends well: the keys as they are written
//! into the endpoint or the column that is named, then the commands, once the server is well where it says so. A test
//! follows each.
//!
//! Which command a change needs: a key that decides neither what is asked nor how columns are made (times, sizes, the way
//! to the host) is read anew by `retry`; what only lets more values fit, or more ids be missing, by `extract`, from the
//! answers that were kept; anything else makes another question, and a new run.

mod cause;
mod command;
mod conversion;
mod every_kind;
#[cfg(test)]
mod page;
mod status;
mod subject;
mod text;

pub use cause::{Cause, causes, each_once};
pub use command::Commands;
pub use every_kind::every_kind;
pub use text::Advice;
