//! MariaDB as the destination, beyond what the model knows: a real server of the tests' own, with its own defaults, which
//! find `a`, `A`, `ä` and `a ` alike.
//!
//! | file | what is tested |
//! |---|---|
//! | `added` | columns that a table is given: what stands in the way, rights, who waits |
//! | `by_key` | upserts whose rows are staged by their key |
//! | `standing` | tables made by hand: serial numbers, defaults, references, triggers |
//! | `statements` | the job's own statements, their views and reports |
//! | `preflight` | all that keeps a load from succeeding is told at once |
//! | `types` | values into columns of other types; keys as the table compares them; LOAD DATA and INSERT alike |
//! | `commits` | connections cut around COMMIT, servers that go away, merges at once |
//! | `refused` | rows that the server refuses are named |
//! | `others` | what users of other tools met: odd settings, odd tables, long rows |

mod added;
mod by_key;
mod commits;
mod others;
mod preflight;
mod refused;
mod standing;
mod statements;
mod types;

use super::sandbox::{Sandbox, all_ok};
use crate::job::Mode;
use crate::merge::MergeError;
use crate::value::{Field, Type, Value};

/// A run of some records, not published yet.
async fn run_of(records: u64, mode: Mode) -> Sandbox {
    Sandbox::of_one_round(records, &all_ok).await.mode(mode).on_mariadb()
}

/// The error of a publication that must fail; nothing of it may stand, but tables that were made for it, empty.
async fn refused(sandbox: &Sandbox) -> MergeError {
    let error = sandbox.publish().await.unwrap_err();
    if !sandbox.rows("SHOW TABLES LIKE 'windrow_runs'").is_empty() {
        assert_eq!(sandbox.rows("SELECT count(*) FROM windrow_runs"), ["0"], "{error}");
    }
    error
}

/// A run with one endpoint of one column, whose values are given.
async fn of_values(ty: Type, values: super::sandbox::Values, records: u64) -> Sandbox {
    let column = Field { name: "value".into(), ty };
    let mut sandbox = Sandbox::with(records, vec![("answer", vec![column])], values).await;
    sandbox.add_round(1, &all_ok).await;
    sandbox.on_mariadb()
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}
