//! PostgreSQL as the destination, beyond what the model knows: a real server of the tests' own.
//!
//! | file | what is tested |
//! |---|---|
//! | `added` | columns that a table is given: parts, tables that are swapped, who waits |
//! | `standing` | tables made by hand: serial ids, defaults, references, triggers |
//! | `statements` | what holds whatever the database, or a statement, is set to |
//! | `preflight` | all that keeps a load from succeeding is told at once; names |
//! | `types` | values into columns of other types; keys as the table compares them |
//! | `arrays` | JSON arrays into arrays of the server's |
//! | `rivals` | merges that wait for each other |
//! | `readers` | what readers see meanwhile; nothing is left of a load that ended or was given up |
//! | `referencing` | what refers to the table's rows, when they are deleted or updated |
//! | `refused` | rows that only PostgreSQL refuses: exclusion, rules, indexes of parts and expressions |
//! | `swap` | `swap = true` |

mod added;
mod arrays;
mod preflight;
mod readers;
mod referencing;
mod refused;
mod rivals;
mod standing;
mod statements;
mod swap;
mod types;

use super::engines::{Engine, text};
use super::sandbox::{Sandbox, all_ok};
use crate::job::Mode;
use crate::merge::MergeError;
use crate::value::Type;

async fn run_of(records: u64, mode: Mode) -> Sandbox {
    Engine::Postgres.run_of(records, mode).await
}

async fn refused(sandbox: &Sandbox) -> MergeError {
    sandbox.refused().await
}

async fn of_values(ty: Type, values: super::sandbox::Values, records: u64) -> Sandbox {
    Engine::Postgres.of_values(ty, values, records).await
}
