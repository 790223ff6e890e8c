//! How a run looks to a person: progress while it works, and what there is to see afterwards.
//!
//! Nothing here decides anything; it reads what the parts below tell and prints it. Data goes to standard
//! output, everything else to standard error.

pub mod advice;
pub mod check;
mod columns;
mod console;
pub mod failures;
mod failures_json;
mod holds;
pub mod init;
pub mod limits;
mod nulls;
mod numbers;
pub mod paragraph;
pub mod plan;
mod price;
mod progress;
pub mod prune;
pub mod queue_failures;
pub mod spelled;
pub mod status;
pub mod stdout;
pub mod summary;
mod table;
mod vertical;
pub mod waiting;
mod watch;
mod words;
mod work;

pub use console::Console;
pub use failures_json::Failures;
pub use numbers::{age, count, counted, duration, size};
pub use progress::{Detail, Progress, Show};
pub use table::Shape;
pub use watch::watch;
pub use words::{
    filled_table, job_word, paused, run_again, secret_refused, shell_word, some_columns, word_for,
};
pub use work::WorkConsole;
