//! Whether a server accepts the secrets that it is asked with.
//!
//! | answer | says |
//! |---|---|
//! | 401, 403 | refused |
//! | the same where the job calls it missing or has it asked again, or with a time to wait (GitHub's limit is a 403) | nothing |
//! | 429, 5xx, a redirect that is not followed | nothing |
//! | any other | accepted |
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
        (self.sends_secrets(request) && !says_nothing)
            .then(|| SecretsSeen { key: self.credential.key(&request.origin), refused })
    }

    /// For a failure's detail: which secrets were refused, by name.
    pub(super) fn asked_with(&self, request: &Request, status: StatusCode) -> String {
        if is_refusal(status) && self.sends_secrets(request) {
            format!(", asked with {}", self.credential.shown())
        } else {
            String::new()
        }
    }

    /// Which secrets a request is asked with and whom, for people.
    pub fn shown_secrets(&self, request: &Request) -> String {
        format!("{}, asked with {},", request.origin, self.credential.shown())
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
