//! How a run looks to a person: progress while it works, and what there is to see afterwards.
//!
//! Nothing here decides anything; it reads what the parts below tell and prints it. Data goes to standard
//! output, everything else to standard error.

mod numbers;
mod progress;
pub mod status;
mod table;

pub use numbers::{age, count, counted, duration, size, when};
pub use progress::Progress;
pub use table::{Shape, print_rows};
