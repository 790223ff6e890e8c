//! How far an attempt has come, and where redirects have led it.

use std::time::Duration;

use super::cookies::Jar;
use super::exchange::Reply;
use super::question::Question;
use super::redirect;
use super::request::Request;
use crate::record::Failure;

/// An attempt under way.
pub(super) struct Progress {
    /// What is left of its time.
    pub(super) left: Duration,
    /// Redirects that were followed.
    pub(super) redirects: u32,
    /// Whether the server may have acted on it.
    pub(super) may_be_taken: bool,
    /// What was refused for its token.
    pub(super) refused: Option<Box<Request>>,
    /// Boxed, because it is rare and large.
    led: Option<Box<Led>>,
}

/// Where redirects have led to.
struct Led {
    request: Request,
    cookies: Jar,
    /// The request with those that are for it.
    with_cookies: Option<Request>,
}

impl Progress {
    /// At the beginning, with that much time.
    pub(super) fn new(left: Duration) -> Progress {
        Progress { left, redirects: 0, may_be_taken: false, refused: None, led: None }
    }

    /// What is to be asked now of an attempt that began with `first`.
    pub(super) fn current<'a>(&'a self, first: &'a Request) -> &'a Request {
        self.led.as_ref().map_or(first, |led| led.with_cookies.as_ref().unwrap_or(&led.request))
    }

    /// Goes where a redirect leads.
    ///
    /// # Errors
    /// It may not be followed, or is one too many.
    pub(super) fn follow(
        &mut self,
        question: &Question,
        first: &Request,
        reply: &Reply,
    ) -> Result<(), Failure> {
        let mut cookies = self.led.as_mut().map(|led| std::mem::take(&mut led.cookies)).unwrap_or_default();
        let from = self.led.as_ref().map_or(first, |led| &led.request);
        cookies.keep(from, &reply.headers);
        if self.redirects == question.bounds.max_redirects {
            return Err(redirect::too_many(question, reply.status, &reply.headers, &cookies.shown()));
        }
        let request = redirect::follow(question, from, reply.status, &reply.headers)?;
        let with_cookies = cookies.added_to(&request);
        self.redirects += 1;
        self.may_be_taken |= redirect::was_taken(reply.status);
        self.led = Some(Box::new(Led { request, cookies, with_cookies }));
        Ok(())
    }
}
