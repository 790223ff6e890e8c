//! `[notify]`: who is told how a command ended; and how a run stands, in the words that `status`, summaries and `[notify]`
//! share.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::Network;
use super::template::Template;

/// What a summary says may stand in the address that it is posted to.
pub const NOTIFY_WORDS: [&str; 2] = ["exit", "state"];

/// Who is told how a command ended, and of which ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Who.
    pub to: NotifyTo,
    /// The states of a run that are told.
    pub on: Vec<StateOfRun>,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifyTo {
    /// The summary is posted there.
    Url {
        /// Scheme and host are literal, or the first part is a secret; inputs are `exit` and `state`.
        url: Template,
        /// The way to it. Nobody's certificate.
        network: Network,
    },
    /// A program, then its arguments: it reads the summary.
    Command(Vec<String>),
}

impl Notify {
    /// What is told where the job does not say: what a person did has been seen by them.
    pub const USUAL: [StateOfRun; 5] = [
        StateOfRun::Published,
        StateOfRun::Refused,
        StateOfRun::Paused,
        StateOfRun::Unfinished,
        StateOfRun::Failed,
    ];
}

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
