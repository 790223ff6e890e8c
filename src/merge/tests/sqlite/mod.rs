//! SQLite as the destination, beyond what the model knows.
//!
//! | file | what is tested |
//! |---|---|
//! | `added` | columns that a table is given: what stands in the way, who waits |
//! | `standing` | tables made by hand: what is filled as it is, what is told before the first request |
//! | `types` | values into columns of any affinity; keys as the table compares them |
//! | `over` | rows that are written over others, and what that must not come to |
//! | `referencing` | what refers to the table's rows, when they are deleted or updated |
//! | `refused` | rows that SQLite refuses are named |
//! | `statements` | what a statement of the job's own may do |
//! | `files` | files that cannot be opened, written or had |
//! | `readers` | what readers see meanwhile |

mod added;
mod files;
mod over;
mod readers;
mod referencing;
mod refused;
mod standing;
mod statements;
mod types;

use std::future::pending;

use super::sandbox::{NOW, Sandbox, TERMS, all_ok};
use crate::job::{Mode, Statement};
use crate::merge::{MergeError, check_destination};

/// A run of some records, not published yet.
async fn run_of(records: u64, mode: Mode) -> Sandbox {
    Sandbox::of_one_round(records, &all_ok).await.mode(mode).on_sqlite()
}

/// What is told before the first request.
async fn told(sandbox: &Sandbox) -> String {
    check_destination(&sandbox.job, &sandbox.place()).await.unwrap_err().to_string()
}

/// The error of a publication that must fail; nothing of it may stand.
async fn refused(sandbox: &Sandbox) -> MergeError {
    let error = sandbox.publish().await.unwrap_err();
    let runs = sandbox.rows("SELECT 1 FROM sqlite_schema WHERE name = 'windrow_runs'");
    assert_eq!(runs, Vec::<String>::new(), "{error}");
    error
}

fn statement(sql: &str) -> Statement {
    Statement { sql: sql.into(), file: None }
}
