//! What keeps requests from being sent faster: told by each process with its progress, shown while a run goes on.

use serde::{Deserialize, Serialize};

use crate::record::Kind;

/// What most requests that are not sent yet wait for.
///
/// Where several hold at the same time it is the one that more requests wait for; among those, one that a person or a server
/// declared before one that is measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Hold {
    /// A host does not answer anybody.
    Down {
        /// `host:port`.
        host: String,
        /// How the last attempt failed.
        kind: Kind,
        /// Until when it is waited for, in seconds since 1970; `None` where others are asked meanwhile.
        until: Option<u64>,
    },
    /// A server said when to ask again (`Retry-After`, or nothing left of what it allows).
    Pause {
        /// `host:port`.
        host: String,
        /// In seconds since 1970.
        until: u64,
    },
    /// A quota is used up, and a person wants the next to be waited for.
    Quota {
        /// When there is one, in seconds since 1970.
        until: u64,
    },
    /// An access token is waited for.
    Token {
        /// As the job names it.
        name: String,
    },
    /// Requests that failed wait to be sent again.
    BackOff {
        /// How the last of them failed.
        kind: Kind,
    },
    /// A limit of the job.
    Limit {
        /// Its name.
        name: String,
        /// What of it holds: `100/s`, `8 at once`.
        allows: String,
    },
    /// The core that this process runs on.
    Cpu,
    /// The server: more requests at once would make its answers slower, or it fails them.
    Server {
        /// `host:port`.
        host: String,
        /// How many of a hundred requests fail, and how the last one did; `None` where next to none does.
        failing: Option<(u32, Kind)>,
    },
    /// The requests that the job has in flight at most (`in_flight`); what this process may have of them.
    InFlight {
        /// Requests.
        most: usize,
    },
}

impl Hold {
    /// Whether nothing is sent meanwhile.
    pub fn is_standstill(&self) -> bool {
        !matches!(self, Hold::Limit { .. } | Hold::Cpu | Hold::Server { .. } | Hold::InFlight { .. })
    }

    /// Whether both are the same thing, whatever their times say.
    pub fn is_same(&self, other: &Hold) -> bool {
        match (self, other) {
            (Hold::Down { host, .. }, Hold::Down { host: others, .. })
            | (Hold::Pause { host, .. }, Hold::Pause { host: others, .. })
            | (Hold::Server { host, .. }, Hold::Server { host: others, .. }) => host == others,
            (Hold::InFlight { .. }, Hold::InFlight { .. }) | (Hold::BackOff { .. }, Hold::BackOff { .. }) => {
                true
            }
            _ => self == other,
        }
    }
}
