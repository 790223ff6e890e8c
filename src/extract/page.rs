//! What a page holds, and what it says of the page after it.
//!
//! Promises: a page's items are counted before `rows` filters them, so that a page of which no row is made is not taken
//! for the end of the list. Equal items have equal marks, by which a page that comes twice is known.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::job::{Endpoint, NextPage};
use crate::record::Failure;

use super::condition::Condition;
use super::expression::{Expression, ParsedAnswer, Plain, failed};
use super::{Extracted, ExtractorError, elements, text};

/// How failures name the expressions.
const NEXT: &str = "pages.next";
const CURSOR: &str = "pages.cursor";
const MORE: &str = "pages.more";
const ITEMS: &str = "pages.items";

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
    /// Its items, before `rows` filters them. Where the job does not say what these are, its rows.
    pub items: u64,
    /// The same for pages with the same items. None where those prove nothing: there are none, or all are alike.
    pub mark: Option<u64>,
}

impl PageOf {
    /// A page that nothing follows.
    pub(crate) fn last(extracted: Extracted) -> PageOf {
        PageOf { extracted, next: None, more: None, items: 0, mark: None }
    }

    /// The same, with the mark of `text`, where rows are made of it.
    pub(super) fn marked(self, text: &str) -> PageOf {
        let items = match &self.extracted {
            Extracted::Rows(rows) => u64::from(rows.count),
            Extracted::Missing => 0,
        };
        PageOf { items, mark: (items > 0).then(|| mark(text)), ..self }
    }
}

fn mark(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Where JSON answers say what the next page is.
#[derive(Default)]
pub(super) struct Pages {
    next: Option<(&'static str, Expression)>,
    more: Option<Condition>,
    items: Option<Expression>,
}

impl Pages {
    /// Compiles what an endpoint says of pages.
    pub fn new(endpoint: &Endpoint) -> Result<Pages, ExtractorError> {
        let Some(pages) = &endpoint.pages else { return Ok(Pages::default()) };
        let named = |jq: &str, at| Expression::named(jq, at);
        let (next, more) = match &pages.next {
            NextPage::Link => (None, &None),
            NextPage::Url(jq) => (Some((NEXT, named(jq, NEXT)?)), &None),
            NextPage::Cursor { value, .. } => (Some((CURSOR, named(value, CURSOR)?)), &None),
            NextPage::Offset { more, .. } | NextPage::Number { more, .. } => (None, more),
        };
        let more = more.as_ref().map(|more| Condition::new(more, MORE)).transpose()?;
        let items = pages.items.as_ref().map(|items| named(items, ITEMS)).transpose()?;
        Ok(Pages { next, more, items })
    }

    /// Those of its expressions that belong into the trie of the whole answer.
    pub fn plain(&mut self) -> impl Iterator<Item = &mut Plain> {
        let next = self.next.as_mut().and_then(|(_, expression)| expression.plain());
        let items = self.items.as_mut().and_then(Expression::plain);
        next.into_iter().chain(self.more.as_mut().and_then(Condition::plain)).chain(items)
    }

    /// The page that `answer` is.
    pub fn page(&self, extracted: Extracted, answer: &ParsedAnswer<'_>) -> Result<PageOf, Failure> {
        let next = match &self.next {
            Some((at, expression)) => next(expression, answer, at)?,
            None => None,
        };
        let more = self.more.as_ref().map(|more| more.holds(answer)).transpose()?;
        let page = PageOf { next, more, ..PageOf::last(extracted) };
        let Some(items) = &self.items else { return Ok(page.marked(answer.text())) };
        let held = held(&items.value(answer, ITEMS)?.unwrap_or(Cow::Borrowed("null")))?;
        let page = match held.mark {
            Some(mark) => PageOf { mark, ..page },
            None => page.marked(answer.text()),
        };
        Ok(PageOf { items: held.count, mark: page.mark.filter(|_| held.count > 0), ..page })
    }
}

/// What a page holds.
struct Held {
    count: u64,
    /// That of the items, none if they are all alike; nothing where there is only their number.
    mark: Option<Option<u64>>,
}

/// An array or object has its elements, a number says how many they are, null is none.
fn held(json: &str) -> Result<Held, Failure> {
    match json.as_bytes().first() {
        Some(b'n') => Ok(Held { count: 0, mark: None }),
        Some(b'[' | b'{') => elements_of(json),
        Some(b'"' | b't' | b'f') => Err(failed(ITEMS, "neither an array nor an object nor a number")),
        _ => match json.parse() {
            Ok(count) => Ok(Held { count, mark: None }),
            Err(_) => Err(failed(ITEMS, format!("{json} is no number of items"))),
        },
    }
}

/// One element alone has a mark: a server that ignores the page's parameter often has only one page.
fn elements_of(json: &str) -> Result<Held, Failure> {
    let (mut count, mut first, mut are_alike) = (0, "", true);
    let walked = elements::each(json, &mut |element| {
        if count == 0 {
            first = element;
        }
        are_alike &= element == first;
        count += 1;
        Ok(())
    });
    walked.unwrap_or(Ok(()))?;
    Ok(Held { count, mark: Some((count == 1 || !are_alike).then(|| mark(json))) })
}

/// A text or a number; null, false and an empty text say that there is no next page.
fn next(expression: &Expression, answer: &ParsedAnswer<'_>, at: &str) -> Result<Option<String>, Failure> {
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
