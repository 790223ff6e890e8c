//! What an answer comes to: read (by the job's own program first, where it has one), page after page where it has
//! pages, and settled as a ledger line with its rows.
//!
//! Promises: a pair has the rows of all its pages, each once, or it fails. A page that fails fails the pair, and so do
//! one page too many, the same page again, and a page that is missing although an answer said that it is there: only one
//! that nobody named, of which we count the number or offset, may be missing as the list ended before it. What a page
//! holds leads on, not what `rows` selects of it. Where a pair's pages are is a value of that pair alone.

use std::borrow::Cow;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use super::keep::Kept;
use super::pair::{Pair, Settled, Spent};
use super::pipe::Given;
use super::recipe::Step;
use super::work::Work;
use crate::extract::{Extracted, PageOf, PageRows};
use crate::fetch::{Answer, Asked, NextStep, Request};
use crate::handoff::Event;
use crate::handoff::ledger::Line;
use crate::job::{NextPage, Pages};
use crate::record::{Failure, Kind, Ordinal, Status};

/// Everything that became of a pair's questions.
pub(super) struct Told {
    pub(super) extracted: Result<Extracted, Failure>,
    pub(super) cost: Cost,
    pub(super) kept: Vec<Kept>,
}

/// What a pair's requests cost.
#[derive(Debug, Default)]
pub(super) struct Cost {
    pub(super) spent: Spent,
    pub(super) pages: u32,
    http_status: Option<u16>,
    finished_at: Option<i64>,
    /// Of the first request, with its port.
    host: Option<Arc<str>>,
    /// See [`Settled::refused`].
    refused: Option<u64>,
}

impl Cost {
    /// Adds a question: the most attempts of any page count, everything else adds up.
    pub(super) fn add(&mut self, request: &Request, asked: &Asked) {
        self.host.get_or_insert_with(|| request.origin().named());
        self.spent.attempts = self.spent.attempts.max(asked.attempts);
        self.spent.requests += asked.requests;
        self.spent.bytes += asked.bytes;
        self.spent.started_at = self.spent.started_at.or(asked.started_at);
        self.http_status = asked.http_status;
        self.finished_at = asked.finished_at;
        self.refused = asked.secrets.filter(|seen| seen.refused).map(|seen| seen.key);
    }

    /// Adds what was spent before.
    pub(super) fn add_spent(&mut self, before: Spent) {
        self.spent.attempts += before.attempts;
        self.spent.requests += before.requests;
        self.spent.bytes += before.bytes;
        self.spent.started_at = before.started_at.or(self.spent.started_at);
    }

    /// The same answer, told of a record that shared its request: counted at another's line.
    pub(super) fn shared(&self) -> Cost {
        let spent = Spent { requests: 0, bytes: 0, ..self.spent };
        Cost { spent, host: self.host.clone(), ..*self }
    }
}

/// Asks one pair, all its pages.
pub(super) async fn ask_pair(work: &Rc<Work>, pair: Pair, ordinal: Ordinal, request: Request) -> Told {
    let step = &work.recipe.steps[pair.endpoint];
    let mut told = Told { extracted: Ok(Extracted::Missing), cost: Cost::default(), kept: Vec::new() };
    match &step.pages {
        None => {
            let asked = work.ask(ordinal, pair.endpoint, told.cost.pages, &request).await;
            told.cost.add(&request, &asked);
            told.extracted = match one_page(work, pair, ordinal, 0, asked, &mut told.kept).await {
                Ok((page, _)) => {
                    told.cost.pages = 1;
                    Ok(page.extracted)
                }
                Err(failure) => Err(failure),
            };
        }
        Some(pages) => told.extracted = all_pages(work, pair, ordinal, request, pages, &mut told).await,
    }
    told
}

/// Asks page after page.
async fn all_pages(
    work: &Rc<Work>,
    pair: Pair,
    ordinal: Ordinal,
    mut request: Request,
    pages: &Pages,
    told: &mut Told,
) -> Result<Extracted, Failure> {
    let question = &work.recipe.steps[pair.endpoint].question;
    let mut rows = PageRows::default();
    let mut place = PageCounter::first(&pages.next);
    let mut seen = SeenPages::default();
    seen.asked(&request)?;
    let mut is_named = false;
    loop {
        let asked = work.ask(ordinal, pair.endpoint, told.cost.pages, &request).await;
        told.cost.add(&request, &asked);
        let (page, link) = one_page(work, pair, ordinal, told.cost.pages, asked, &mut told.kept).await?;
        seen.answered(&page, &request)?;
        let more = match page.extracted {
            Extracted::Missing if told.cost.pages == 0 => {
                told.cost.pages = 1;
                return Ok(Extracted::Missing);
            }
            Extracted::Missing if is_named => return Err(named_but_missing(&request)),
            Extracted::Missing => return Ok(Extracted::Rows(rows.into_rows())),
            Extracted::Rows(more) => more,
        };
        told.cost.pages += 1;
        rows.add(more)?;
        is_named = page.more == Some(true) || !pages.next.counts();
        let Some(next) = place.after(&pages.next, page.items, page.more, page.next.or(link)) else {
            return Ok(Extracted::Rows(rows.into_rows()));
        };
        if told.cost.pages >= pages.max {
            let why = format!("there are more than the {} pages that `max` allows", pages.max);
            return Err(Failure::lasting(Kind::Pages, why));
        }
        request = question.next_page(&request, next.step(&pages.next))?;
        seen.asked(&request)?;
    }
}

fn named_but_missing(request: &Request) -> Failure {
    let why = format!("an answer names the next page, and it is missing there: {}", request.shown());
    Failure::lasting(Kind::Pages, why)
}

/// The pages of a pair so far.
#[derive(Default)]
struct SeenPages {
    requests: HashSet<String>,
    marks: HashSet<u64>,
}

impl SeenPages {
    /// Takes a request, which must not come twice.
    fn asked(&mut self, request: &Request) -> Result<(), Failure> {
        if self.requests.insert(request.shown()) {
            return Ok(());
        }
        let why = format!("the pages go round in a circle: {} comes twice", request.shown());
        Err(Failure::lasting(Kind::Pages, why))
    }

    /// Takes a page, whose items must not come twice: a server that does not know the parameter answers the first page
    /// for ever, one that knows no page beyond the last answers that.
    fn answered(&mut self, page: &PageOf, request: &Request) -> Result<(), Failure> {
        if page.mark.is_none_or(|mark| self.marks.insert(mark)) {
            return Ok(());
        }
        let why = format!("the items of an earlier page come again at {}", request.shown());
        Err(Failure::lasting(Kind::Pages, why))
    }
}

/// Where a pair is among its pages.
struct PageCounter(u64);

/// What leads to the next page: its URL, or a parameter's value.
struct Next(String);

impl PageCounter {
    fn first(next: &NextPage) -> PageCounter {
        match next {
            NextPage::Offset { first, .. } | NextPage::Number { first, .. } => PageCounter(*first),
            NextPage::Link | NextPage::Url(_) | NextPage::Cursor { .. } => PageCounter(0),
        }
    }

    /// The page after one with this many items; none if it was the last.
    fn after(
        &mut self,
        next: &NextPage,
        items: u64,
        more: Option<bool>,
        leads: Option<String>,
    ) -> Option<Next> {
        let grows = match next {
            NextPage::Link | NextPage::Url(_) | NextPage::Cursor { .. } => return leads.map(Next),
            NextPage::Offset { .. } => items,
            NextPage::Number { .. } => 1,
        };
        self.0 = self.0.saturating_add(grows);
        more.unwrap_or(items > 0).then(|| Next(self.0.to_string()))
    }
}

impl Next {
    fn step<'a>(&'a self, next: &'a NextPage) -> NextStep<'a> {
        match next {
            NextPage::Link | NextPage::Url(_) => NextStep::Url(&self.0),
            NextPage::Cursor { parameter, .. }
            | NextPage::Offset { parameter, .. }
            | NextPage::Number { parameter, .. } => NextStep::Parameter { name: parameter, value: &self.0 },
        }
    }
}

/// Reads one answer; what is to be kept of it is kept.
async fn one_page(
    work: &Rc<Work>,
    pair: Pair,
    ordinal: Ordinal,
    page: u32,
    asked: Asked,
    kept: &mut Vec<Kept>,
) -> Result<(PageOf, Option<String>), Failure> {
    match asked.answer {
        Ok(answer) => {
            let question = &work.recipe.steps[pair.endpoint].question;
            let read = read(work, pair, ordinal, page, &answer).await;
            let read = read.map_err(|failure| question.once_answered(failure));
            kept.extend(work.keep.answer(question, page, &answer, read.is_err()));
            read.map(|page| (page, answer.next_link))
        }
        Err(failure) => {
            let failure = match page {
                0 => failure,
                _ => work.recipe.steps[pair.endpoint].question.once_answered(failure),
            };
            kept.extend(asked.page.and_then(|body| work.keep.error_page(page, asked.http_status, body)));
            Err(failure)
        }
    }
}

/// What one answer holds.
async fn read(
    work: &Rc<Work>,
    pair: Pair,
    ordinal: Ordinal,
    page: u32,
    answer: &Answer,
) -> Result<PageOf, Failure> {
    if answer.missing {
        return Ok(PageOf::last(Extracted::Missing));
    }
    let step = &work.recipe.steps[pair.endpoint];
    let mut body = step.question.text(answer)?;
    if step.pipe.is_some() {
        body = Cow::Owned(piped(work, step, pair, ordinal, page, answer.status, &body).await?);
    }
    let working = work.recipe.work_on(ordinal, pair.endpoint);
    let extractor = step.extractor.under(&working);
    match step.pages {
        Some(_) => extractor.page(&body),
        None => extractor.extract(&body).map(PageOf::last),
    }
}

/// What the job's own program makes of an answer.
async fn piped(
    work: &Rc<Work>,
    step: &Step,
    pair: Pair,
    ordinal: Ordinal,
    page: u32,
    status: u16,
    body: &[u8],
) -> Result<Vec<u8>, Failure> {
    let Some(pipe) = &step.pipe else { return Ok(body.to_vec()) };
    let input = work.record_json(pair)?;
    let body = String::from_utf8_lossy(body);
    let page = step.pages.as_ref().map(|_| page);
    let given = Given { ordinal, page, endpoint: &step.name, input: &input, status, body: &body };
    let warn = |why| {
        let text = format!("endpoint {}: {why}", step.name);
        work.counter.tell(Event::Warning { text });
    };
    let said = pipe.answer(&given, warn).await?;
    Ok(String::from(Box::<str>::from(said)).into_bytes())
}

/// The ledger line and the rows of a pair.
pub(super) fn settled(step: &Step, endpoint: usize, ordinal: Ordinal, told: Told) -> Settled {
    let (status, failure, rows) = match told.extracted {
        Ok(Extracted::Rows(rows)) => (Status::Ok, None, Some(rows)),
        Ok(Extracted::Missing) => (Status::Missing, None, Some(step.missing_rows())),
        Err(failure) if failure.kind.waits() => (Status::Waiting, Some(failure), None),
        Err(failure) => (Status::Failed, Some(failure), None),
    };
    let Cost { spent, pages, http_status, finished_at, host, refused } = told.cost;
    let line = Line {
        ordinal,
        endpoint,
        status,
        failure,
        http_status,
        attempts: spent.attempts,
        requests: spent.requests,
        pages,
        rows: rows.as_ref().map_or(0, |rows| rows.count),
        bytes: spent.bytes,
        started_at: spent.started_at,
        finished_at,
        batch: None,
        host,
    };
    Settled { line, rows, kept: told.kept, refused }
}
