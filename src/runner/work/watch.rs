//! What `work` tells on its way.

use crate::merge::{MergeError, QueueCounts, QueueTable, SettledBatch};

/// Something that a worker has come to.
pub enum WorkEvent<'a> {
    /// It begins.
    Begun {
        /// The queue.
        table: &'a QueueTable,
        /// How it stands.
        counts: &'a QueueCounts,
    },
    /// It answers there, over HTTP, how it stands.
    Answering(std::net::SocketAddr),
    /// What slows it, and a hint.
    Slow(&'a str),
    /// An unfinished run of this folder's is taken up, with so many jobs.
    TakenUp {
        /// The run.
        run: &'a str,
        /// Its jobs.
        jobs: usize,
    },
    /// A run is dropped: its files are not what they should be, or nobody worked on it while its jobs went to others.
    Dropped {
        /// The run.
        run: &'a str,
        /// Why.
        why: &'a str,
    },
    /// Other workers have taken jobs of a run over, whose lease was over: nothing of it is published.
    Fenced {
        /// The run.
        run: &'a str,
        /// Why.
        why: &'a str,
    },
    /// Of the jobs that were claimed: one that cannot be asked.
    Unreadable {
        /// What the table of claims knows it by.
        key: &'a str,
        /// What is wrong with its row.
        why: &'a str,
    },
    /// A batch is settled.
    Settled {
        /// Its run.
        run: &'a str,
        /// What became of it.
        batch: &'a SettledBatch,
        /// Requests that were sent for it.
        requests: u64,
        /// From its claim to its COMMIT.
        took: std::time::Duration,
    },
    /// The database does not do what it should: it is asked again.
    Lost(&'a MergeError),
    /// It does again.
    Back,
    /// A quota is used up, and every job needs it: nothing is claimed until then, in seconds since 1970.
    QuotaUsedUp(u64),
    /// How the queue stands, now and then.
    Counts(&'a QueueCounts),
    /// A signal has come.
    Stopping,
    /// What a process that asks warns of.
    Warning(&'a str),
}

/// Who is told how a worker goes.
pub trait WorkWatcher {
    /// It has come to this.
    fn reached(&mut self, event: WorkEvent<'_>);
}
