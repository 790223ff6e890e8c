//! What was gathered, served over HTTP to many readers, and gathered again as often as the jobs say.
//!
//! Promises:
//!
//! - A reader gets what one publication left, whole: never a table that is being written, never a half of each of two. What is
//!   served is a copy of a published file, and nothing else has it.
//! - No database is opened that a run writes to: neither waits for the other, and nobody is told that it is locked.
//! - Whatever goes wrong with a run, what was published last goes on being served, and `/readyz` says how old it is.
//! - Runs are `windrow run JOB`, as processes of their own: nothing about them is different here.
//! - Who asks changes nothing: GET and HEAD, values are bound, columns come from the table. Rows, time, memory, connections and
//!   questions at once are bounded.
//!
//! | file | what is there |
//! |---|---|
//! | `column.rs` | a column of what is served |
//! | `filter/` | from a URL's query to SQL |
//! | `openapi.rs` | the same for programs |
//! | `clock/` | when a job is run, and its process |
//! | `standing.rs` | how the jobs and their tables stand |
//! | `verdict.rs` | whether a job is well |
//! | `page/` | how they stand, for people |
//! | `figures/` | the same for Prometheus |

mod clock;
mod column;
mod figures;
mod filter;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod openapi;
mod page;
mod standing;
mod verdict;
