//! What an answer began with, shown to whoever wants to see. Where nobody does, nothing is read or copied.

use std::time::Duration;

use super::recipe::Recipe;
use crate::fetch::{Answer, AnswerHead, Asker};
use crate::record::Ordinal;

/// Looks at the beginning of an answer, once its body has come or failed to.
pub type OnAnswer = Box<dyn Fn(&Received<'_>)>;

/// The beginning of an answer: of each attempt that brought one, whatever its status, the last.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The record that it is for; of a batch the first.
    pub ordinal: Ordinal,
    /// Index of the endpoint.
    pub endpoint: usize,
    /// Which page it was asked for, from 0; `None` where the endpoint has no pages.
    pub page: Option<u32>,
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, in the order in which they came, and values, `${NAME}` in place of the job's secrets.
    pub headers: &'a [(String, String)],
    /// What it says that it is.
    pub content_type: Option<&'a str>,
    /// From when the request was written to the end of the body, or to what went wrong with it.
    pub took: Duration,
    /// Body bytes as they came over the wire.
    pub bytes: u64,
}

/// A record's question, as its answer meets it.
pub(super) struct OfRecord<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) on_answer: Option<&'a OnAnswer>,
    pub(super) ordinal: Ordinal,
    pub(super) endpoint: usize,
    pub(super) page: u32,
}

impl Asker for OfRecord<'_> {
    fn is_answer(&self, answer: &Answer) -> bool {
        let step = &self.recipe.steps[self.endpoint];
        if step.pipe.is_some() {
            return false;
        }
        let working = self.recipe.work_on(self.ordinal, self.endpoint);
        step.question.text(answer).is_ok_and(|text| step.extractor.under(&working).vouches(&text))
    }

    fn received(&self, answer: &AnswerHead<'_>) {
        let Some(on_answer) = self.on_answer else { return };
        let (headers, content_type) = (answer.headers(), answer.content_type());
        on_answer(&Received {
            ordinal: self.ordinal,
            endpoint: self.endpoint,
            page: self.recipe.steps[self.endpoint].pages.as_ref().map(|_| self.page),
            status: answer.status(),
            headers: &headers,
            content_type: content_type.as_deref(),
            took: answer.took(),
            bytes: answer.bytes(),
        });
    }
}
