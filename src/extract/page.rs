//! What an answer says of the page after it.

use crate::job::{Endpoint, NextPage};
use crate::record::Failure;

use super::condition::Condition;
use super::expression::{Answer, Expression, Plain, failed};
use super::{Extracted, ExtractorError, text};

/// How failures name the expressions.
const NEXT: &str = "pages.next";
const CURSOR: &str = "pages.cursor";
const MORE: &str = "pages.more";

/// One page of several.
#[derive(Debug, Clone, PartialEq)]
pub struct PageOf {
    /// What it holds.
    pub extracted: Extracted,
    /// The URL of the next page, absolute or relative to this one's, or the cursor that leads to it. None on the
    /// last page, and where the job's `pages` ask for neither.
    pub next: Option<String>,
    /// Whether `more` holds; none without that condition, and for a page that is missing.
    pub more: Option<bool>,
}

impl PageOf {
    /// A page that nothing follows.
    pub(super) fn last(extracted: Extracted) -> PageOf {
        PageOf { extracted, next: None, more: None }
    }
}

/// Where JSON answers say what the next page is.
#[derive(Default)]
pub(super) struct Pages {
    next: Option<(&'static str, Expression)>,
    more: Option<Condition>,
}

impl Pages {
    /// Compiles what an endpoint says of pages.
    pub fn new(endpoint: &Endpoint) -> Result<Pages, ExtractorError> {
        let next = |jq: &str, at| Ok(Pages { next: Some((at, Expression::named(jq, at)?)), more: None });
        match endpoint.pages.as_ref().map(|pages| &pages.next) {
            None | Some(NextPage::Link) => Ok(Pages::default()),
            Some(NextPage::Url(jq)) => next(jq, NEXT),
            Some(NextPage::Cursor { value, .. }) => next(value, CURSOR),
            Some(NextPage::Offset { more, .. } | NextPage::Number { more, .. }) => {
                let more = more.as_ref().map(|more| Condition::new(more, MORE)).transpose()?;
                Ok(Pages { next: None, more })
            }
        }
    }

    /// Those of its expressions that belong into the trie of the whole answer.
    pub fn plain(&mut self) -> impl Iterator<Item = &mut Plain> {
        let next = self.next.as_mut().and_then(|(_, expression)| expression.plain());
        next.into_iter().chain(self.more.as_mut().and_then(Condition::plain))
    }

    /// The page that `answer` is.
    pub fn page(&self, extracted: Extracted, answer: &Answer<'_>) -> Result<PageOf, Failure> {
        let next = match &self.next {
            Some((at, expression)) => next(expression, answer, at)?,
            None => None,
        };
        let more = self.more.as_ref().map(|more| more.holds(answer)).transpose()?;
        Ok(PageOf { extracted, next, more })
    }
}

/// A text or a number; null, false and an empty text say that there is no next page.
fn next(expression: &Expression, answer: &Answer<'_>, at: &str) -> Result<Option<String>, Failure> {
    let Some(json) = expression.value(answer, at)? else { return Ok(None) };
    match json.as_bytes().first() {
        Some(b'n' | b'f') => Ok(None),
        Some(b't' | b'{' | b'[') => Err(failed(at, "neither a text nor a number nor null")),
        Some(b'"') => {
            let text = text::unescaped(&json).map_err(|error| failed(at, error))?;
            Ok((!text.is_empty()).then(|| text.into_owned()))
        }
        _ => Ok(Some(json.into_owned())),
    }
}
