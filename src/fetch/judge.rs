//! What a whole reply means: an answer, or what is wrong with the attempt.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;

use super::asked::{Answer, Tally};
use super::asker::Asker;
use super::completeness::{self, Completeness};
use super::content_type::ContentType;
use super::exchange::Reply;
use super::pacer::{Pacer, Refused};
use super::question::Question;
use super::request::Request;
use super::retry::retry_after;
use super::token::NoToken;
use super::{classify, encoding, link, ratelimit, redirect};
use crate::record::{Failure, Kind};

/// What is kept of an error page; a failure's detail quotes its first words.
const ERROR_PAGE: usize = 64 * 1024;

/// An attempt without an answer.
pub(super) enum Setback {
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
    pub(super) fn weighed(self, question: &Question) -> Setback {
        match self {
            Setback::Failed { failure, wait } => {
                Setback::Failed { failure: question.policy.weigh(failure), wait }
            }
            other => other,
        }
    }

    /// Of a request that may not be sent twice and that the server may have acted on: it stays as it is.
    pub(super) fn for_good(self) -> Setback {
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

impl Reply {
    /// Whether it says that the server has not acted on the request: it was one too many (RFC 6585, section 4), or
    /// the server names a time when it will take it (RFC 9110, section 15.6.4).
    pub(super) fn turns_away(&self) -> bool {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::SERVICE_UNAVAILABLE => self.retry_after().is_some(),
            _ => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers, SystemTime::now())
    }
}

impl Question {
    /// Whether a status says that the id does not exist there.
    pub(super) fn says_missing(&self, status: StatusCode) -> bool {
        self.missing.contains(&status.as_u16())
    }

    /// Whether a status sends the request elsewhere: a redirect that the job makes nothing else of.
    pub(super) fn follows(&self, status: StatusCode) -> bool {
        redirect::is_redirect(status) && !self.says_missing(status) && !self.policy.repeats(status.as_u16())
    }

    /// What a whole answer to `request` means.
    pub(super) fn judge(
        &self,
        request: &Request,
        reply: Reply,
        pacer: &impl Pacer,
        tally: &mut Tally,
        asker: &impl Asker,
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
            return self.judge_success(request, reply, tally, asker);
        }
        let body = encoding::decode_beginning(&reply.headers, reply.body, ERROR_PAGE);
        let page = self.beginning_to_keep(&body, ContentType::of(&reply.headers).as_ref());
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
        asker: &impl Asker,
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
            Completeness::Pending if !asker.is_answer(&answer) => classify::no_answer_yet(status),
            Completeness::Whole | Completeness::Pending => return Ok(answer),
        };
        let beginning = answer.body.slice(..answer.body.len().min(ERROR_PAGE));
        tally.refused(self.beginning_to_keep(&beginning, answer.content_type.as_ref()));
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
