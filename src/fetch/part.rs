//! A part of a batch's answer that has a status of its own: judged like an answer of its own.
//!
//! Promises: what the job says of statuses (`missing`, `retry.on`) and what the server says of waiting hold for a part as
//! they hold for a whole answer, pauses that everybody keeps included. A part of a request that may not be sent twice
//! is asked again only where its status says that the server has not worked on it.

use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER};

use super::pacer::Pacer;
use super::question::Question;
use super::ratelimit;
use super::request::Request;
use super::retry::Next;
use crate::record::{Failure, Kind};

/// What a part's own status makes of it.
#[derive(Debug, PartialEq)]
pub enum PartIs {
    /// A success, to be read.
    Good,
    /// The id does not exist there.
    Missing,
    /// A failure; worth repeating where it may be asked again.
    Failed {
        /// Why, its secrets masked.
        failure: Failure,
        /// How long the server asks to wait.
        wait: Option<Duration>,
    },
}

impl Question {
    /// Judges a part of the answer to `request` by its own status. `retry_after` is what it says of waiting, in seconds
    /// or as a date; `failure` is how it is told if it is none of the statuses that are fine.
    pub fn judge_part(
        &self,
        request: &Request,
        status: u16,
        retry_after: Option<&str>,
        failure: Option<Failure>,
        pacer: &impl Pacer,
    ) -> PartIs {
        let is_repeated = self.policy.repeats(status);
        if self.means_missing(status) {
            return PartIs::Missing;
        }
        if (200..300).contains(&status) && !is_repeated {
            return PartIs::Good;
        }
        let wait = part_wait(status, is_repeated, retry_after);
        if let Some(wait) = wait {
            pacer.pause(&request.origin, wait);
        }
        let told = || Failure::passing(Kind::Status, format!("a part of the batch's answer says {status}"));
        let failure = failure.filter(|failure| failure.kind == Kind::Status).unwrap_or_else(told);
        let masked = Failure { detail: self.masked(&failure.detail), ..failure.with_status(status) };
        let failure = self.policy.weigh(masked);
        let turned_away = status == 429 || status == 503 && wait.is_some();
        if turned_away {
            PartIs::Failed { failure, wait }
        } else {
            PartIs::Failed { failure: self.once_answered(failure), wait }
        }
    }

    /// How long to wait before what failed so is asked again, or the failure that stays. `made` attempts were made, the
    /// pauses between them took `taken`; `draw` gives a duration between zero and its argument.
    pub fn pause_before_part(
        &self,
        made: u32,
        taken: Duration,
        failure: Failure,
        wait: Option<Duration>,
        draw: impl Fn(Duration) -> Duration,
    ) -> Result<Duration, Failure> {
        match self.policy.next(made, taken, failure, wait, draw) {
            Next::Again(pause) => Ok(pause),
            Next::GiveUp(failure) => Err(failure),
        }
    }
}

/// How long a part asks to wait, read as a whole answer's headers are.
fn part_wait(status: u16, is_repeated: bool, retry_after: Option<&str>) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_str(retry_after?).ok()?);
    let status = StatusCode::from_u16(status).ok()?;
    ratelimit::advice(status, is_repeated, &headers, SystemTime::now()).wait
}
