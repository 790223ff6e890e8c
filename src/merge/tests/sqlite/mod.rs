//! SQLite as the destination, beyond what the model knows.
//!
//! | file | what is tested |
//! |---|---|
//! | `added` | columns that a table is given: tables of its own kinds |
//! | `standing` | tables made by hand: what is filled as it is, what is told before the first request |
//! | `types` | values into columns of any affinity; keys as the table compares them |
//! | `over` | rows that are written over others, and what that must not come to |
//! | `referencing` | what refers to the table's rows, when they are deleted or updated |
//! | `refused` | rows that only SQLite refuses |
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

use super::engines::{Engine, statement};
use super::sandbox::{Sandbox, TERMS, all_ok};
use crate::job::{Mode, Statement};
use crate::merge::{MergeError, check_destination};

async fn run_of(records: u64, mode: Mode) -> Sandbox {
    Engine::Sqlite.run_of(records, mode).await
}

/// What is told before the first request.
async fn told(sandbox: &Sandbox) -> String {
    sandbox.checked().await
}

async fn refused(sandbox: &Sandbox) -> MergeError {
    sandbox.refused().await
}
