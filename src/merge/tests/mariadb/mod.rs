//! MariaDB as the destination, beyond what the model knows: a real server of the tests' own, with its own defaults, which
//! find `a`, `A`, `ä` and `a ` alike.
//!
//! | file | what is tested |
//! |---|---|
//! | `added` | columns that a table is given: tables of its own kinds, character sets |
//! | `by_key` | upserts whose rows are staged by their key |
//! | `standing` | tables made by hand: serial numbers, defaults, references, triggers |
//! | `preflight` | all that keeps a load from succeeding is told at once |
//! | `types` | values into columns of other types; keys as the table compares them; LOAD DATA and INSERT alike |
//! | `refused` | rows that only MariaDB refuses |
//! | `others` | what users of other tools met: odd settings, odd tables, long rows |

mod added;
mod by_key;
mod others;
mod preflight;
mod refused;
mod standing;
mod types;

use super::engines::{Engine, text};
use super::sandbox::Sandbox;
use crate::job::Mode;
use crate::merge::MergeError;
use crate::value::Type;

async fn run_of(records: u64, mode: Mode) -> Sandbox {
    Engine::MariaDb.run_of(records, mode).await
}

async fn refused(sandbox: &Sandbox) -> MergeError {
    sandbox.refused().await
}

async fn of_values(ty: Type, values: super::sandbox::Values, records: u64) -> Sandbox {
    Engine::MariaDb.of_values(ty, values, records).await
}
