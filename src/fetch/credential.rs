//! Whether a server accepts the secrets that it is asked with.
//!
//! | answer | says |
//! |---|---|
//! | 401, 403 | refused |
//! | the same where the job calls it missing or has it asked again, or with a time to wait (GitHub's limit is a 403) | nothing |
//! | 429, 5xx, a redirect that is not followed | nothing |
//! | any other | accepted |
//!
//! A proxy on the way refuses with 407 what it is told of who is asking; any answer of a host says that it takes it.
//!
//! It counts for the origin that was sent the secrets: after a redirect to another origin, none was (see `redirect`).

use hyper::StatusCode;

use super::asked::SecretsSeen;
use super::question::Question;
use super::request::Request;

impl Question {
    /// What an answer says of the secrets; `is_passing` where its status may be another one next time, or is the job's
    /// own matter.
    pub(super) fn secrets_seen(
        &self,
        request: &Request,
        status: StatusCode,
        is_passing: impl Fn() -> bool,
    ) -> Option<SecretsSeen> {
        let refused = is_refusal(status);
        let says_nothing = refused && is_passing()
            || status == StatusCode::TOO_MANY_REQUESTS
            || status.is_server_error()
            || status.is_redirection();
        (self.sends_secrets(request) && !says_nothing).then(|| SecretsSeen {
            key: self.credential.key(&request.origin),
            refused,
            is_of_proxy: false,
        })
    }

    /// For a failure's detail: which secrets were refused, by name.
    pub(super) fn asked_with(&self, request: &Request, status: StatusCode) -> String {
        if is_refusal(status) && self.sends_secrets(request) {
            format!(", asked with {}", self.credential.shown())
        } else {
            String::new()
        }
    }

    /// Which secrets a request is asked with and whom, and how these are refused, for people.
    pub fn shown_refusals(&self, request: &Request, seen: SecretsSeen) -> String {
        let proxy = self.network.as_ref().and_then(|network| network.proxy_of(&request.origin));
        match proxy.filter(|_| seen.is_of_proxy) {
            Some(proxy) => format!("{}, were all 407", proxy.shown_with_secrets()),
            None => {
                format!("{}, asked with {}, were all 401 or 403", request.origin, self.credential.shown())
            }
        }
    }

    /// Whether a request carries any: one to another origin does not.
    fn sends_secrets(&self, request: &Request) -> bool {
        self.has_secrets()
            && (!request.marks.is_empty()
                || !request.payload_marks.is_empty()
                || request.headers.values().any(|value| value.is_sensitive()))
    }
}

fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}
