//! What one question came to: the answer or the failure, and what it cost.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::StatusCode;

use crate::record::Failure;

/// A question that was asked, or could not be.
#[derive(Debug)]
pub struct Asked {
    /// The answer, or why there is none.
    pub answer: Result<Answer, Failure>,
    /// Tries, the first included.
    pub attempts: u32,
    /// HTTP requests sent, those of redirects included. One that could not be sent for want of a connection
    /// does not count.
    pub requests: u32,
    /// Body bytes as they came over the wire, all attempts.
    pub bytes: u64,
    /// Status of the last answer.
    pub http_status: Option<u16>,
    /// When the first try began; microseconds since 1970, UTC.
    pub started_at: Option<i64>,
    /// When the last answer was whole or given up.
    pub finished_at: Option<i64>,
}

/// An answer worth looking into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The body, its content encoding undone. May be empty.
    pub body: Bytes,
    /// The HTTP status: a success, or one that the job counts as missing.
    pub status: u16,
    /// Whether the status says that the id does not exist there.
    pub missing: bool,
}

/// The costs of a question while it is being asked.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) attempts: u32,
    pub(super) bytes: u64,
    requests: u32,
    status: Option<u16>,
    started_at: Option<i64>,
}

impl Tally {
    /// A try begins.
    pub(super) fn tried(&mut self) {
        self.attempts += 1;
        self.started_at.get_or_insert_with(micros_now);
    }

    /// A request goes over the wire.
    pub(super) fn sent(&mut self) {
        self.requests += 1;
    }

    /// The head of an answer came.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status.as_u16());
    }

    /// The whole account.
    pub(super) fn close(self, answer: Result<Answer, Failure>) -> Asked {
        Asked {
            answer,
            attempts: self.attempts,
            requests: self.requests,
            bytes: self.bytes,
            http_status: self.status,
            started_at: self.started_at,
            finished_at: self.started_at.map(|_| micros_now()),
        }
    }
}

fn micros_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
