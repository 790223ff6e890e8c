//! Who asks: says of a doubtful success whether it is an answer, and may look at what came.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use super::asked::Answer;
use super::content_type::ContentType;
use super::mask::Mask;

/// Who asks a question.
pub trait Asker {
    /// Decides about a success that looks as if it were no answer yet: a 202 without anything in it, or a status that
    /// `retry.on` lists.
    fn is_answer(&self, _answer: &Answer) -> bool {
        false
    }

    /// Is shown what each attempt that brought the head of an answer ended with, whatever its status. A redirect that was
    /// followed, and a refusal after which the same was asked with a new token, are on the way there.
    fn received(&self, _answer: &AnswerHead<'_>) {}
}

/// Somebody whom nothing but the answer concerns.
impl Asker for () {}

/// The head of an answer, and what the whole of it took. Nothing is copied before it is looked at.
#[derive(Clone, Copy)]
pub struct AnswerHead<'a> {
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    /// Of the question.
    pub(super) mask: &'a Mask,
    pub(super) took: Duration,
    pub(super) bytes: u64,
}

impl AnswerHead<'_> {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// From when the request was written to the end of the body, or to what went wrong with it.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Body bytes as they came over the wire.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Names in lower case, in the order in which they came, and values, `${NAME}` in place of secrets and U+FFFD for bytes
    /// that are no UTF-8.
    pub fn headers(&self) -> Vec<(String, String)> {
        let text = |value: &[u8]| self.mask.apply(&String::from_utf8_lossy(value));
        self.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect()
    }

    /// What it says that it is.
    pub fn content_type(&self) -> Option<String> {
        ContentType::of(self.headers).map(|content_type| self.mask.apply(&content_type.text()))
    }
}
