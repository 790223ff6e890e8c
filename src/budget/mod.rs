//! One budget for all processes of this user on this machine, whichever jobs they run, supervised or by hand.
//!
//! A budget is a file of a few kilobytes that every process maps ([`os::SharedWords`](crate::os::SharedWords)): one for
//! each limit that a job names, one for each host that is asked. Each process is a [`Member`] with a place of its own in
//! it, under a kernel lock that ends with the process.
//!
//! | what is shared | how | file |
//! |---|---|---|
//! | the pace | the next free moment, by compare-and-swap; changed with those served later | `rate`, `member` |
//! | places in flight | each member's share, rearranged a few dozen times a second | `share`, `member` |
//! | how many places there are, where nobody says it | a window that adapts to the server | `window` |
//! | quotas | counters by the wall clock, kept over restarts | `quota` |
//! | "wait two seconds", "7 left", "nobody is there" | a word each | `member` |
//! | where it all lies | | `words`, `page`, `folder` |
//! | what a person sees of it, and lets go of | | `known` |
//! | what one job says of it | | `terms` |
//!
//! Promises:
//!
//! - All members together keep to the limit, and the slowest of what they were told holds for all.
//! - However a member dies, what it had comes back: its places within [tenths of a second](Member::look), of the pace
//!   it costs the one moment that it had taken. No lock is waited for: a member that is stopped stops nobody.
//! - Members that could use it get the same share of the pace, however many wait in each; places in flight are divided by
//!   demand.
//! - A quota is never exceeded, not after a kill nor after a power cut.
//! - A pause that one is told holds for all from the moment that it is stored.
//! - The file of a host goes with the last process that asks it, unless the host has asked for a pause that still holds.
//! - Nothing here costs a system call per request.
//!
//! The file must lie on a disk of this machine: memory is not shared over a network's file system.
//!
//! The same code runs by a clock of its own in `simulation`, whose figures the tests print.

mod folder;
mod known;
mod member;
mod page;
mod quota;
mod rate;
mod share;
#[cfg(test)]
mod simulation;
mod terms;
mod window;
mod words;

pub use folder::{file_of_host, file_of_limit, state_folder, token_folder};
pub use known::{
    LimitState, QuotaUsed, forget_host, known, let_go_of_host, quota_now, renewal_after, sweep_hosts,
};
pub use member::{Member, Moment};
pub use terms::Terms;

/// Why a budget cannot be shared.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// Its file cannot be used.
    #[error(
        "cannot share limits in {path}: {source}\nhint: set WINDROW_STATE to a folder on a local disk that this user can write"
    )]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is no place for a further process.
    #[error("too many processes share the limit in {0}\nhint: let some of them end first")]
    Full(String),
    /// A process that does not go on has it locked.
    #[error(
        "the limit in {0} is locked by a process that does not go on\nhint: a stopped windrow (Ctrl-Z) may hold it"
    )]
    Busy(String),
}

/// A quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedUp {
    /// When there is a new one, in seconds since 1970.
    pub renews_at: u64,
}

/// Which attempt of a question a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The first one, or one after an answer, as to the next page.
    First,
    /// One after an attempt that failed: if it fails too, that tells of the question, and less of the server.
    Again,
}

/// Nobody is there to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Down {
    /// Since when, in nanoseconds of the monotonic clock.
    pub since: u64,
    /// Whether whoever asked is to look again, by sending a request.
    pub is_probe: bool,
    /// Whether it has answered since somebody began to ask.
    pub has_answered: bool,
}
