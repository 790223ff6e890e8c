//! A question asked until it is answered, or until its attempts, the budget or the run end.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::asked::{Answer, Asked, Tally};
use super::charset::Reading;
use super::completeness::{self, Completeness};
use super::content_type::ContentType;
use super::exchange::{Broken, Reply};
use super::pacer::{Ended, Pacer, Permit, Refused};
use super::question::Question;
use super::request::Request;
use super::retry::{Next, retry_after};
use super::token::NoToken;
use super::{Client, classify, encoding, link, ratelimit, redirect};
use crate::record::{Failure, Kind};

/// What is kept of an error page; a failure's detail quotes its first words.
const ERROR_PAGE: usize = 64 * 1024;

/// An attempt without an answer.
enum Setback {
    /// It could not begin, or not go on.
    Refused(Refused),
    /// There is no token to ask with.
    NoToken(NoToken),
    /// It failed.
    Failed {
        failure: Failure,
        /// How long the server asks to wait.
        wait: Option<Duration>,
    },
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Setback {
        Setback::Failed { failure, wait: None }
    }
}

impl Setback {
    /// Worth repeating only if the job says so.
    fn weighed(self, question: &Question) -> Setback {
        match self {
            Setback::Failed { failure, wait } => {
                Setback::Failed { failure: question.policy.weigh(failure), wait }
            }
            other => other,
        }
    }

    /// Of a request that may not be sent twice and that the server may have acted on: it stays as it is.
    fn for_good(self) -> Setback {
        match self {
            Setback::Failed { failure, wait } => {
                Setback::Failed { failure: classify::may_have_been_taken(failure), wait }
            }
            Setback::Refused(_) | Setback::NoToken(_) => {
                let why = "the run ended before the redirect was followed";
                classify::may_have_been_taken(Failure::passing(Kind::Redirect, why)).into()
            }
        }
    }
}

/// By whose leave it is asked, until when, and what counts.
struct Asking<'a, P, F> {
    pacer: &'a P,
    stop: &'a watch::Receiver<bool>,
    is_answer: &'a F,
}

/// How far an attempt has come.
struct Progress {
    /// What is left of its time.
    left: Duration,
    redirects: u32,
    redirected: Option<Request>,
    /// What was refused for its token.
    refused: Option<Request>,
    /// Whether the server may have acted on it.
    may_be_taken: bool,
}

impl Client {
    /// Asks a question of one record, or of those of a batch.
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
        self.ask_until(question, request, pacer, stop, draw, |_| false).await
    }

    /// The same. `is_answer` decides about a success that looks as if it were no answer yet: a 202 without anything in
    /// it, or a status that `retry.on` lists.
    pub async fn ask_until<P: Pacer>(
        &self,
        question: &Question,
        request: &Request,
        pacer: &P,
        stop: &watch::Receiver<bool>,
        draw: impl Fn(Duration) -> Duration,
        is_answer: impl Fn(&Answer) -> bool,
    ) -> Asked {
        let mut tally = Tally::default();
        let mut earlier = None;
        let answer = loop {
            if *stop.borrow() {
                break Err(waiting(Refused::Interrupted, earlier));
            }
            let asking = Asking { pacer, stop, is_answer: &is_answer };
            let (failure, wait) = match self.attempt(question, request, &asking, &mut tally).await {
                Ok(answer) => break Ok(answer),
                Err(Setback::Refused(refused) | Setback::NoToken(NoToken::Refused(refused))) => {
                    break Err(waiting(refused, earlier));
                }
                Err(Setback::NoToken(NoToken::Later(why))) => break Err(tokenless(&why, earlier)),
                Err(Setback::NoToken(NoToken::Never(why))) => {
                    let failure = tokenless(&why, earlier);
                    tally.found_no_token(why);
                    break Err(failure);
                }
                Err(Setback::Failed { failure, wait }) => (failure, wait),
            };
            match question.policy.next(tally.attempts, tally.taken, failure.clone(), wait, &draw) {
                Next::GiveUp(failure) => break Err(failure),
                Next::Again(wait) => {
                    pause(wait, stop).await;
                    tally.taken += wait;
                }
            }
            earlier = Some(failure);
        };
        tally.close(answer)
    }

    /// One try, the redirects that it meets included.
    async fn attempt<P: Pacer, F: Fn(&Answer) -> bool>(
        &self,
        question: &Question,
        request: &Request,
        asking: &Asking<'_, P, F>,
        tally: &mut Tally,
    ) -> Result<Answer, Setback> {
        let left = question.bounds.timeout;
        let mut progress =
            Progress { left, redirects: 0, redirected: None, refused: None, may_be_taken: false };
        let answer = self.try_once(question, request, asking, tally, &mut progress).await;
        match answer.map_err(|setback| setback.weighed(question)) {
            Err(setback) if progress.may_be_taken && !question.is_idempotent => Err(setback.for_good()),
            answer => answer,
        }
    }

    async fn try_once<P: Pacer, F: Fn(&Answer) -> bool>(
        &self,
        question: &Question,
        request: &Request,
        asking: &Asking<'_, P, F>,
        tally: &mut Tally,
        progress: &mut Progress,
    ) -> Result<Answer, Setback> {
        let Asking { pacer, stop, is_answer } = *asking;
        loop {
            let current = progress.redirected.as_ref().unwrap_or(request);
            let token = question
                .token
                .as_ref()
                .filter(|token| token.go_to(&current.origin, question.target.origin()));
            let with_token = match token {
                Some(token) => {
                    let given = self.with_token(token, current, progress.refused.as_ref(), pacer, stop).await;
                    Some(given.map_err(Setback::NoToken)?)
                }
                None => None,
            };
            let current = with_token.as_ref().unwrap_or(current);
            let permit = pacer.start(&current.origin).await.map_err(Setback::Refused)?;
            if progress.redirects == 0 && progress.refused.is_none() {
                tally.tried();
            }
            let begun = Instant::now();
            let mut held_up = Duration::ZERO;
            let door = self.door(question, current).await;
            let reply = match door.lease(question, current, progress.left).await {
                Ok(lease) => {
                    let connected = Instant::now();
                    permit.ready().await.map_err(Setback::Refused)?;
                    let sent = Instant::now();
                    held_up = lease.waited + (sent - connected);
                    let left = progress.left.saturating_sub((connected - begun).saturating_sub(lease.waited));
                    let reply = door.exchange(question, current, lease, left, tally).await;
                    permit.ended(Ended::of(&reply, sent.elapsed()));
                    reply
                }
                Err(failure) => {
                    permit.ended(Ended::without_connection(&failure));
                    Err(Broken::unsent(failure))
                }
            };
            drop(permit);
            // That everybody waits is no fault of this request.
            let took = begun.elapsed().saturating_sub(held_up);
            tally.taken += took;
            let reply = reply.map_err(|broken| {
                progress.may_be_taken |= broken.was_sent;
                broken.after(progress.redirects)
            })?;
            progress.left = progress.left.saturating_sub(took);
            if let Some(token) = token.filter(|_| reply.status == StatusCode::UNAUTHORIZED) {
                // It says that nothing was done, so that even what may not be sent twice is.
                if progress.refused.is_none() && self.may_mend(token).await {
                    progress.refused = Some(current.clone());
                    continue;
                }
                if progress.refused.is_some() {
                    self.was_in_vain(token).await;
                }
            }
            if !question.follows(reply.status) {
                progress.may_be_taken |= !reply.turns_away();
                return question.judge(current, reply, pacer, tally, is_answer);
            }
            if progress.redirects == question.bounds.max_redirects {
                return Err(redirect::too_many(question, reply.status, &reply.headers).into());
            }
            let next = redirect::follow(question, current, reply.status, &reply.headers)?;
            progress.redirects += 1;
            progress.may_be_taken |= redirect::was_taken(reply.status);
            progress.redirected = Some(next);
        }
    }
}

impl Ended {
    /// Of a reply, or of none, after so long.
    fn of(reply: &Result<Reply, Broken>, took: Duration) -> Ended {
        match reply {
            Ok(reply) if reply.turns_away() && reply.retry_after().is_some() => Ended::Refused,
            Ok(reply) if reply.turns_away() || reply.status.is_server_error() => Ended::Lost(took),
            Ok(_) => Ended::Answered(took),
            Err(Broken { failure, .. }) => Ended::of_failure(failure, took),
        }
    }

    fn without_connection(failure: &Failure) -> Ended {
        match Ended::of_failure(failure, Duration::ZERO) {
            Ended::Lost(_) => Ended::Silent,
            // A certificate that nobody vouches for: somebody is there.
            Ended::Silent if !failure.worth_repeating => Ended::Refused,
            other => other,
        }
    }

    fn of_failure(failure: &Failure, took: Duration) -> Ended {
        match failure.kind {
            Kind::Dns | Kind::Connect | Kind::Tls => Ended::Silent,
            Kind::Timeout | Kind::Reset => Ended::Lost(took),
            // Bytes that are no HTTP, answers that are too large: somebody is there.
            _ => Ended::Refused,
        }
    }
}

impl Broken {
    /// The failure after too many redirects: an address that may not be asked is then the redirect's.
    fn after(self, redirects: u32) -> Failure {
        match self.failure.kind {
            Kind::Template if redirects > 0 => Failure { kind: Kind::Redirect, ..self.failure },
            _ => self.failure,
        }
    }
}

impl Reply {
    /// Whether it says that the server has not acted on the request: it was one too many (RFC 6585, section 4), or
    /// the server names a time when it will take it (RFC 9110, section 15.6.4).
    fn turns_away(&self) -> bool {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::SERVICE_UNAVAILABLE => self.retry_after().is_some(),
            _ => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers, SystemTime::now())
    }
}

impl Question {
    /// Whether a status says that the id does not exist there.
    pub(super) fn says_missing(&self, status: StatusCode) -> bool {
        self.missing.contains(&status.as_u16())
    }

    /// Whether a status sends the request elsewhere: a redirect that the job makes nothing else of.
    fn follows(&self, status: StatusCode) -> bool {
        redirect::is_redirect(status) && !self.says_missing(status) && !self.policy.repeats(status.as_u16())
    }

    /// What a whole answer to `request` means.
    fn judge(
        &self,
        request: &Request,
        reply: Reply,
        pacer: &impl Pacer,
        tally: &mut Tally,
        is_answer: &impl Fn(&Answer) -> bool,
    ) -> Result<Answer, Setback> {
        let is_repeated = self.policy.repeats(reply.status.as_u16());
        let advice = ratelimit::advice(reply.status, is_repeated, &reply.headers, SystemTime::now());
        if let Some(left) = advice.left {
            pacer.takes(&request.origin, left.requests, left.reset);
        }
        if let Some(wait) = advice.wait {
            pacer.pause(&request.origin, wait);
        }
        let is_passing = || {
            let is_used_up = advice.left.is_some_and(|left| left.requests == 0);
            is_repeated || is_used_up || reply.retry_after().is_some() || self.says_missing(reply.status)
        };
        tally.saw_secrets(self.secrets_seen(request, reply.status, is_passing));
        if self.says_missing(reply.status) || reply.status.is_success() {
            return self.judge_success(request, reply, tally, is_answer);
        }
        let body = encoding::decode_beginning(&reply.headers, reply.body, ERROR_PAGE);
        let page = self.redacted(Reading::Any, &body, ContentType::of(&reply.headers).as_ref());
        let text = page.text.as_ref().map_or(&*page.body, |text| text.as_bytes());
        let asked_with = self.asked_with(request, reply.status);
        let failure = classify::status(reply.status, &asked_with, &String::from_utf8_lossy(text));
        tally.refused(page);
        Err(Setback::Failed { failure, wait: advice.wait })
    }

    /// What a success means, or a status that says that the id does not exist there.
    fn judge_success(
        &self,
        request: &Request,
        reply: Reply,
        tally: &mut Tally,
        is_answer: &impl Fn(&Answer) -> bool,
    ) -> Result<Answer, Setback> {
        let Reply { status, headers, body } = reply;
        let answer = self.answer(request, status, &headers, body)?;
        if answer.missing {
            return Ok(answer);
        }
        let failure = match completeness::of(self, request, &headers, &answer) {
            Completeness::Part(range) => {
                classify::a_part(status, range.map(|range| self.mask.apply(range)).as_deref())
            }
            Completeness::Pending if !is_answer(&answer) => classify::no_answer_yet(status),
            Completeness::Whole | Completeness::Pending => return Ok(answer),
        };
        let beginning = answer.body.slice(..answer.body.len().min(ERROR_PAGE));
        tally.refused(self.redacted(Reading::Any, &beginning, answer.content_type.as_ref()));
        Err(Setback::Failed { failure, wait: retry_after(&headers, SystemTime::now()) })
    }

    fn answer(
        &self,
        request: &Request,
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let missing = self.says_missing(status);
        let status = status.as_u16();
        let with_status = |failure: Failure| failure.with_status(status);
        let limit = self.bounds.max_answer;
        let body = encoding::decode(headers, body, limit).map_err(with_status)?;
        let next_link = if self.wants_link && !missing {
            self.next_link(request, headers).map_err(with_status)?
        } else {
            None
        };
        Ok(Answer { body, content_type: ContentType::of(headers), status, missing, next_link })
    }

    /// Where the answer's headers say that the next page is. One that makes no URL is left for the failure that it
    /// will be.
    fn next_link(&self, request: &Request, headers: &HeaderMap) -> Result<Option<String>, Failure> {
        let unread = |unread: String| {
            let why = format!("a Link header that cannot be read may name the next page: {unread}");
            Failure::lasting(Kind::Pages, self.mask.apply(&why))
        };
        let reference = link::next(headers).map_err(unread)?;
        Ok(reference.map(|reference| redirect::absolute(request, &reference).map_or(reference, String::from)))
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
fn waiting(refused: Refused, earlier: Option<Failure>) -> Failure {
    let (kind, why) = match refused {
        Refused::Interrupted => (Kind::Interrupted, "the run was interrupted"),
        Refused::MaxRequests => (Kind::MaxRequests, "the limit on requests was used up"),
        Refused::Quota { .. } => (Kind::Quota, "the quota was used up"),
        Refused::HostDown => (Kind::HostDown, "its host did not answer anybody"),
    };
    left(kind, why, earlier)
}

/// The same, for want of a token.
fn tokenless(why: &str, earlier: Option<Failure>) -> Failure {
    left(Kind::Token, why, earlier)
}

fn left(kind: Kind, why: &str, earlier: Option<Failure>) -> Failure {
    match earlier {
        None if kind == Kind::Token => Failure::passing(kind, why),
        None => Failure::passing(kind, format!("{why} before this was asked")),
        Some(earlier) if matches!(kind, Kind::HostDown | Kind::Token) => {
            let detail = format!("{}: {}; {why} afterwards", earlier.kind, earlier.detail);
            Failure { status: earlier.status, ..Failure::passing(kind, detail) }
        }
        Some(earlier) => {
            let detail = format!("{why} before this was asked again after: {}", earlier.detail);
            Failure { status: earlier.status, ..Failure::passing(kind, detail) }
        }
    }
}
