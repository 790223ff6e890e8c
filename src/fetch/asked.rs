//! What one question came to: the answer or the failure, and what it cost.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::StatusCode;

use super::content_type::ContentType;
use crate::record::Failure;

/// The type of a text from which something was taken.
const UTF_8_TEXT: &str = "text/plain; charset=utf-8";

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
    /// What the last answer says of the secrets that it was asked with; `None` where there were none, or where it says
    /// nothing of them.
    pub secrets: Option<SecretsSeen>,
    /// That there will be no access token for it, in words.
    pub no_token: Option<String>,
    /// Of a question that failed: how the body of the last answer began whose status was no success, its encoding
    /// undone. At most 64 KiB; `None` where there was nothing.
    pub page: Option<Redacted>,
}

/// An answer worth looking into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The body as it came, its content encoding undone: [`Question::text`](super::Question::text) reads it. May be
    /// empty.
    pub body: Bytes,
    /// What the server says that it is.
    pub content_type: Option<ContentType>,
    /// The HTTP status: a success, or one that the job counts as missing.
    pub status: u16,
    /// Whether the status says that the id does not exist there.
    pub missing: bool,
    /// The absolute URL that the `Link` header calls `next`, where the endpoint's pages follow it.
    pub next_link: Option<String>,
}

/// Whether a server accepted the secrets that it was asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretsSeen {
    /// Stands for the origin and the secrets: the same in every process.
    pub key: u64,
    /// Whether it refused them.
    pub refused: bool,
    /// Whether it is a proxy on the way, and what that is told of who is asking.
    pub is_of_proxy: bool,
}

/// What may be kept of an answer: the bytes that came, or, where they hold a secret, their text without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The bytes.
    pub body: Bytes,
    /// What they are.
    pub content_type: Option<String>,
    /// Their text, where it is not simply the bytes, since these are in another charset than UTF-8.
    pub text: Option<String>,
    /// Whether a secret was taken out: then it is not what the server said.
    pub is_masked: bool,
}

impl Redacted {
    /// Bytes of memory.
    pub fn size(&self) -> u64 {
        (self.body.len() + self.text.as_ref().map_or(0, String::len)) as u64
    }

    /// A text from which secrets were taken.
    pub(super) fn of_text(text: String, content_type: Option<&ContentType>) -> Redacted {
        let content_type = content_type.map_or_else(|| UTF_8_TEXT.to_owned(), ContentType::in_utf_8);
        Redacted { body: text.into(), content_type: Some(content_type), text: None, is_masked: true }
    }
}

/// The costs of a question while it is being asked.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) attempts: u32,
    pub(super) bytes: u64,
    /// Time of the attempts and of the pauses between them, without that of waiting for permits.
    pub(super) taken: Duration,
    requests: u32,
    status: Option<u16>,
    started_at: Option<i64>,
    page: Option<Redacted>,
    secrets: Option<SecretsSeen>,
    no_token: Option<String>,
    /// What a proxy says of its own.
    through: Option<SecretsSeen>,
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

    /// What an answer says of the secrets.
    pub(super) fn saw_secrets(&mut self, seen: Option<SecretsSeen>) {
        self.secrets = seen;
    }

    /// There will be no access token.
    pub(super) fn found_no_token(&mut self, why: String) {
        self.no_token = Some(why);
    }

    /// Whether a proxy on the way took who is asking.
    pub(super) fn went_through(&mut self, seen: SecretsSeen) {
        self.through = Some(seen);
    }

    /// The body of an answer that is no success.
    pub(super) fn refused(&mut self, page: Redacted) {
        self.page = Some(page).filter(|page| !page.body.is_empty());
    }

    /// The whole account.
    pub(super) fn close(self, answer: Result<Answer, Failure>) -> Asked {
        Asked {
            page: self.page.filter(|_| answer.is_err()),
            secrets: self.secrets.or(self.through),
            no_token: self.no_token,
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
