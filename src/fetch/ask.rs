//! A question asked until it is answered, or until its attempts, the budget or the run end.

use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::asked::{Answer, Asked, Tally};
use super::exchange::Reply;
use super::pacer::{Pacer, Refused};
use super::question::Question;
use super::request::Request;
use super::retry::{Next, retry_after};
use super::{Client, body, classify, redirect};
use crate::record::{Failure, Kind};

/// What an error page may grow to when its encoding is undone; only its beginning is shown.
const ERROR_PAGE: u64 = 256 * 1024;

/// An attempt without an answer.
enum Setback {
    /// It could not begin, or not go on.
    Refused(Refused),
    /// It failed.
    Failed {
        failure: Failure,
        /// What the server asked for.
        retry_after: Option<Duration>,
    },
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Setback {
        Setback::Failed { failure, retry_after: None }
    }
}

impl Client {
    /// Asks a question of one record.
    ///
    /// `stop` turns true when the run is interrupted: a request in flight is finished, no further attempt is
    /// made, and a pause ends at once; the pair then fails with kind `interrupted`. `draw` gives a duration
    /// between zero and its argument, at random.
    ///
    /// The future is `Send` if the pacer's is.
    pub async fn ask<P: Pacer>(
        &self,
        question: &Question,
        request: &Request,
        pacer: &P,
        stop: &watch::Receiver<bool>,
        draw: impl Fn(Duration) -> Duration,
    ) -> Asked {
        let mut tally = Tally::default();
        let mut earlier = None;
        let answer = loop {
            if *stop.borrow() {
                break Err(deferred(Refused::Interrupted, earlier));
            }
            let (failure, retry_after) = match self.attempt(question, request, pacer, &mut tally).await {
                Ok(answer) => break Ok(answer),
                Err(Setback::Refused(refused)) => break Err(deferred(refused, earlier)),
                Err(Setback::Failed { failure, retry_after }) => (failure, retry_after),
            };
            match question.policy.next(tally.attempts, failure.clone(), retry_after, &draw) {
                Next::GiveUp(failure) => break Err(failure),
                Next::Again(wait) => pause(wait, stop).await,
            }
            earlier = Some(failure);
        };
        tally.close(answer)
    }

    /// One try, the redirects that it meets included.
    async fn attempt<P: Pacer>(
        &self,
        question: &Question,
        request: &Request,
        pacer: &P,
        tally: &mut Tally,
    ) -> Result<Answer, Setback> {
        let mut left = question.bounds.timeout;
        let mut redirects = 0;
        let mut redirected: Option<Request> = None;
        loop {
            let permit = pacer.start().await.map_err(Setback::Refused)?;
            if redirects == 0 {
                tally.tried();
            }
            let begun = Instant::now();
            let current = redirected.as_ref().unwrap_or(request);
            let reply = self.exchange(question, current, left, tally).await?;
            drop(permit);
            left = left.saturating_sub(begun.elapsed());
            if !redirect::is_redirect(reply.status) || question.says_missing(reply.status) {
                return question.judge(reply, pacer);
            }
            if redirects == question.bounds.max_redirects {
                return Err(redirect::too_many(question, reply.status, &reply.headers).into());
            }
            redirects += 1;
            redirected = Some(redirect::follow(question, current, reply.status, &reply.headers)?);
        }
    }
}

impl Question {
    /// Whether a status says that the id does not exist there.
    pub(super) fn says_missing(&self, status: StatusCode) -> bool {
        self.missing.contains(&status.as_u16())
    }

    /// What a whole answer means.
    fn judge(&self, reply: Reply, pacer: &impl Pacer) -> Result<Answer, Setback> {
        let missing = self.says_missing(reply.status);
        let status = reply.status.as_u16();
        if missing || reply.status.is_success() {
            let body = body::decode(&reply.headers, reply.body, self.bounds.max_body)
                .map_err(|failure| failure.with_status(status))?;
            return Ok(Answer { body, status, missing });
        }
        let page = body::decode(&reply.headers, reply.body, ERROR_PAGE).unwrap_or_default();
        let failure = classify::status(reply.status, &page, &self.mask);
        let retry_after = retry_after(&reply.headers, SystemTime::now()).filter(|_| failure.worth_repeating);
        if let Some(wait) = retry_after {
            pacer.pause(wait);
        }
        Err(Setback::Failed { failure, retry_after })
    }
}

/// Waits, or until the run is interrupted.
async fn pause(wait: Duration, stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    let interrupted = async {
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could interrupt.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = sleep(wait) => {}
    }
}

/// A pair that is left to a later round.
fn deferred(refused: Refused, earlier: Option<Failure>) -> Failure {
    let (kind, why) = match refused {
        Refused::Interrupted => (Kind::Interrupted, "the run was interrupted"),
        Refused::MaxRequests => (Kind::MaxRequests, "the limit on requests was used up"),
    };
    match earlier {
        None => Failure::passing(kind, format!("{why} before this was asked")),
        Some(earlier) => {
            let detail = format!("{why} before this was asked again after: {}", earlier.detail);
            Failure { status: earlier.status, ..Failure::passing(kind, detail) }
        }
    }
}
