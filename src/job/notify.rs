//! How a run stands, in the words that `status`, summaries and `[notify]` share.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run stands, or how a command on it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateOfRun {
    /// A living process works on it. Never in a summary, which is written at the end.
    Running,
    /// All of it is in the table.
    Published,
    /// It is whole, and a condition of the job keeps it from the table.
    Refused,
    /// A quota, or `--max-requests`, is used up: the next `run` goes on.
    Paused,
    /// A signal stopped it: the next `run` goes on.
    Interrupted,
    /// Not every shard is complete, since a host is down or a process died: the next `run` goes on.
    Unfinished,
    /// All of it is fetched, and not yet published: `merge` does that.
    Fetched,
    /// The command ended with an error. What was fetched before is kept.
    Failed,
}

impl StateOfRun {
    /// All of them.
    pub const ALL: [StateOfRun; 8] = [
        StateOfRun::Running,
        StateOfRun::Published,
        StateOfRun::Refused,
        StateOfRun::Paused,
        StateOfRun::Interrupted,
        StateOfRun::Unfinished,
        StateOfRun::Fetched,
        StateOfRun::Failed,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            StateOfRun::Running => "running",
            StateOfRun::Published => "published",
            StateOfRun::Refused => "refused",
            StateOfRun::Paused => "paused",
            StateOfRun::Interrupted => "interrupted",
            StateOfRun::Unfinished => "unfinished",
            StateOfRun::Fetched => "fetched",
            StateOfRun::Failed => "failed",
        }
    }
}

impl fmt::Display for StateOfRun {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_written_by_its_word() {
        for state in StateOfRun::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
        }
    }
}
