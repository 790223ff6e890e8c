//! How a merge ended.

use crate::handoff::Exit;
use crate::merge::Published;

/// How a merge ended.
pub(super) enum Merged {
    Published(Box<Published>),
    /// What the gate said.
    Refused(String),
    /// By this signal, before anything was published.
    Interrupted(i32),
}

impl Merged {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Merged::Published(_) => Exit::Done,
            Merged::Refused(_) => Exit::Refused,
            Merged::Interrupted(signal) => Exit::Interrupted(*signal),
        }
    }
}
