//! PostgreSQL as the destination, beyond what the model knows: a real server of the tests' own.
//!
//! | file | what is tested |
//! |---|---|
//! | `added` | columns that a table is given: what stands in the way, who waits |
//! | `standing` | tables made by hand: serial ids, defaults, references, triggers |
//! | `statements` | the job's own statements, their views and reports |
//! | `preflight` | all that keeps a load from succeeding is told at once; names |
//! | `types` | values into columns of other types; keys as the table compares them |
//! | `arrays` | JSON arrays into arrays of the server's |
//! | `commits` | connections cut around COMMIT, servers that go away |
//! | `rivals` | merges at once: of one run, of several into one table |
//! | `readers` | what readers see meanwhile; nothing is left of a load that ended or was given up |
//! | `referencing` | what refers to the table's rows, when they are deleted or updated |
//! | `refused` | rows that the server refuses are named; those that a trigger keeps out are counted |
//! | `swap` | `swap = true` |

mod added;
mod arrays;
mod commits;
mod preflight;
mod readers;
mod referencing;
mod refused;
mod rivals;
mod standing;
mod statements;
mod swap;
mod types;

use super::sandbox::{Sandbox, all_ok};
use crate::job::Mode;
use crate::merge::MergeError;
use crate::value::{Field, Type, Value};

/// A run of some records, not published yet.
async fn run_of(records: u64, mode: Mode) -> Sandbox {
    Sandbox::of_one_round(records, &all_ok).await.mode(mode).on_postgres()
}

/// The error of a publication that must fail; nothing of it may stand, nor that it was ever tried.
async fn refused(sandbox: &Sandbox) -> MergeError {
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(sandbox.rows("SELECT to_regclass('windrow_runs')"), ["~"], "{error}");
    error
}

/// A run with one endpoint of one column, whose values are given.
async fn of_values(ty: Type, values: super::sandbox::Values, records: u64) -> Sandbox {
    let column = Field { name: "value".into(), ty };
    let mut sandbox = Sandbox::with(records, vec![("answer", vec![column])], values).await;
    sandbox.add_round(1, &all_ok).await;
    sandbox.on_postgres()
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}
