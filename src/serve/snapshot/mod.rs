//! What is served: one publication, whole, for as long as somebody reads it.
//!
//! Promises:
//!
//! - A [`Generation`] never changes. It is made of a copy of the published file, which has no name, so that nobody can write
//!   to it; whoever holds it goes on reading it, and it goes with the last one.
//! - It is made whole or not at all: where a file cannot be read, the generation of before stays, and the reason is told.
//! - Questions reach nothing but the table: once it is loaded, the database may open no file and load no extension, and that
//!   cannot be undone.
//! - Its memory is bounded. A table that does not fit is read from the copy instead, by each question.
//! - A body that many ask for (the whole table in a format and an encoding) is made once.
//!
//! | file | what is there |
//! |---|---|
//! | `copy.rs` | the copy, its digest, and what the file is known by |
//! | `load.rs` | the database that holds it |
//! | `generation.rs` | questions to it |
//! | `format.rs` | formats and encodings |
//! | `body.rs` | rows as JSON, lines and CSV; bodies made once |
//! | `shelf.rs` | the newest generation of each table, found anew when its file changes |

mod body;
mod copy;
mod format;
mod generation;
mod load;
mod shelf;
#[cfg(test)]
mod tests;

pub use self::body::write_rows;
pub use self::format::{BodyFormat, Encoding};
pub use self::generation::{Generation, Rows, StopQuestion, Unanswered};
pub use self::shelf::{Served, Shelf};
