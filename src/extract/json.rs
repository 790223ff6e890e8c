//! Answers that are JSON, one way or another: what their conditions say, their items, rows and next page.

use std::borrow::Cow;

use crate::job::{AnswerFormat, Batch, Endpoint, TakenFrom};
use crate::record::{Failure, Kind, Rows};
use crate::value::{self, Value};

use super::column::JsonColumn;
use super::condition::Condition;
use super::expression::{Expression, ParsedAnswer, planted};
use super::gather::Gathered;
use super::items::Items;
use super::page::{PageOf, Pages};
use super::split::{self, Item, Split};
use super::trie::Trie;
use super::{Extracted, ExtractorError, body, call, lines, overlooked};

/// Characters of `ok` that a failure shows.
const SHOWN: usize = 80;

/// An endpoint whose answers are JSON, compiled.
pub(super) struct Json {
    format: AnswerFormat,
    max_depth: u32,
    /// The paths that are looked for in a whole answer.
    whole: Trie,
    /// Those that are looked for in each item.
    item: Trie,
    /// `ok`, as it is written and as it runs.
    ok: Option<(String, Condition)>,
    /// Asked of a whole answer, in a batch of each item.
    missing: Option<Condition>,
    /// `rows`, or the items of a batch.
    items: Option<Items>,
    /// What tells to whom an item of a batch belongs, and what it says of itself.
    parts: Option<Parts>,
    columns: Vec<JsonColumn>,
    pages: Pages,
}

/// What a batch's items say beside their rows.
struct Parts {
    key: Expression,
    status: Option<Expression>,
    retry_after: Option<Expression>,
    /// The values that the server did not work on, and what reads each of them.
    unprocessed: Option<(Items, Expression, Trie)>,
}

impl Parts {
    fn new(batch: &Batch) -> Result<Parts, ExtractorError> {
        let optional =
            |text: &Option<String>, at| text.as_ref().map(|text| Expression::named(text, at)).transpose();
        let unprocessed = batch.unprocessed.as_ref().map(|text| {
            let items = Items::new(text, split::UNPROCESSED)?;
            let mut value = Expression::named(".", split::UNPROCESSED)?;
            let trie = planted(value.plain());
            Ok::<_, ExtractorError>((items, value, trie))
        });
        Ok(Parts {
            key: Expression::named(&batch.matches, split::KEY)?,
            status: optional(&batch.status, split::STATUS)?,
            retry_after: optional(&batch.retry_after, split::RETRY_AFTER)?,
            unprocessed: unprocessed.transpose()?,
        })
    }
}

/// A value of the whole answer; none for a column of the row.
type Shared = Option<Result<Value, Failure>>;

impl Json {
    /// Compiles an endpoint.
    pub fn new(endpoint: &Endpoint) -> Result<Json, ExtractorError> {
        let batch = endpoint.batch.as_ref();
        let ok = |text: &String| Ok((text.clone(), Condition::new(text, "ok")?));
        let missing = |when: &String| Condition::new(when, "missing.when");
        let mut json = Json {
            // What a program answers is one JSON value, whatever it was given.
            format: if endpoint.pipe.is_some() { AnswerFormat::Json } else { endpoint.format },
            max_depth: endpoint.bounds.max_depth,
            whole: Trie::new([]),
            item: Trie::new([]),
            ok: endpoint.ok.as_ref().map(ok).transpose()?,
            missing: endpoint.missing.when.as_ref().map(missing).transpose()?,
            items: items(endpoint)?,
            parts: batch.map(Parts::new).transpose()?,
            columns: endpoint.columns.iter().map(JsonColumn::new).collect::<Result<_, _>>()?,
            pages: Pages::new(endpoint)?,
        };
        json.plant();
        Ok(json)
    }

    /// Puts each plain path into the trie of the text that it is looked for in.
    fn plant(&mut self) {
        let (mut whole, mut item) = (Vec::new(), Vec::new());
        let (has_items, is_batch) = (self.items.is_some(), self.parts.is_some());
        for column in &mut self.columns {
            let home = if has_items && column.from == TakenFrom::Row { &mut item } else { &mut whole };
            home.extend(column.expression.plain());
        }
        let home = if is_batch { &mut item } else { &mut whole };
        home.extend(self.missing.as_mut().and_then(Condition::plain));
        if let Some(Parts { key, status, retry_after, unprocessed }) = &mut self.parts {
            let of_item = [Some(key), status.as_mut(), retry_after.as_mut()].into_iter().flatten();
            item.extend(of_item.filter_map(Expression::plain));
            whole.extend(unprocessed.as_mut().and_then(|(items, ..)| items.plain()));
        }
        whole.extend(self.ok.as_mut().and_then(|(_, condition)| condition.plain()));
        whole.extend(self.items.as_mut().and_then(Items::plain));
        whole.extend(self.pages.plain());
        self.whole = planted(whole);
        self.item = planted(item);
    }

    /// The JSON text of a body.
    pub fn text<'b>(&self, body: &'b [u8]) -> Result<Cow<'b, str>, Failure> {
        match self.format {
            AnswerFormat::JsonLines => {
                let array = lines::array(body::json_text(body)?)?;
                // The values, not the array that they make, nest no deeper than allowed.
                body::check_depth(array.as_bytes(), self.max_depth.saturating_add(1))?;
                Ok(Cow::Owned(array))
            }
            AnswerFormat::Jsonp => {
                let argument = call::argument(body::json_text(body)?)?;
                body::check_depth(argument.as_bytes(), self.max_depth)?;
                Ok(Cow::Borrowed(argument))
            }
            _ => body::json(body, self.max_depth).map(Cow::Borrowed),
        }
    }

    /// What an answer holds.
    pub fn extract(&self, text: &str) -> Result<Extracted, Failure> {
        self.extracted(&ParsedAnswer::read(text, &self.whole)?)
    }

    /// What an answer holds, and what it says of the next page.
    pub fn page(&self, text: &str) -> Result<PageOf, Failure> {
        let answer = ParsedAnswer::read(text, &self.whole)?;
        match self.extracted(&answer)? {
            Extracted::Missing => Ok(PageOf::last(Extracted::Missing)),
            rows => self.pages.page(rows, &answer),
        }
    }

    /// What an answer holds for each record of a batch. Without a batch it holds nothing for anybody.
    pub fn split(&self, text: &str) -> Result<Split, Failure> {
        let answer = ParsedAnswer::read(text, &self.whole)?;
        self.check_ok(&answer)?;
        let mut split = Split::default();
        let (Some(items), Some(parts)) = (&self.items, &self.parts) else { return Ok(split) };
        let mut shared = None;
        items.each(&answer, &self.item, &mut |item| {
            let key = split::key(&parts.key, item, split::KEY)?;
            // In place of something that is not there, some APIs send a bare null: it is nobody's.
            if key.is_none() && item.is_null() {
                return Ok(());
            }
            let shared = self.shared(&mut shared, &answer);
            split.put(key, || self.item(parts, item, shared))
        })?;
        if let Some((items, value, trie)) = &parts.unprocessed {
            items.each(&answer, trie, &mut |id| {
                split.unprocessed(split::key(value, id, split::UNPROCESSED)?);
                Ok(())
            })?;
        }
        Ok(split)
    }

    /// An item as its own status says, or else as its row.
    fn item(&self, parts: &Parts, item: &ParsedAnswer<'_>, shared: &[Shared]) -> Item {
        let row = |status| Item { status, retry_after: None, holds: self.of_record(item, shared) };
        let Some(status) = &parts.status else { return row(None) };
        match split::status(status, item) {
            Ok(status) if split::is_success(status) => row(Some(status)),
            Ok(status) => {
                let wait = parts.retry_after.as_ref();
                let wait = wait.map_or(Ok(None), |wait| split::key(wait, item, split::RETRY_AFTER));
                match wait {
                    Ok(wait) => Item::refused(status, wait, item.text()),
                    Err(failure) => Item::failed(failure),
                }
            }
            Err(failure) => Item::failed(failure),
        }
    }

    /// What parts seem to say of themselves, and the job does not read.
    pub fn overlooked(&self, text: &str) -> Option<(String, String)> {
        let (items, parts) = (self.items.as_ref()?, self.parts.as_ref()?);
        let answer = ParsedAnswer::read(text, &self.whole).ok()?;
        let mut found = None;
        let look = &mut |item: &ParsedAnswer<'_>| {
            let part = serde_json::from_str(item.text()).ok();
            found = found.take().or_else(|| overlooked::status(part.as_ref()?, 0));
            Ok(())
        };
        let looked = parts.status.is_some() || items.each(&answer, &self.item, look).is_ok();
        if let Some((path, status)) = found.filter(|_| looked) {
            let why = format!("a part has {path} {status}");
            return Some((why, format!("status = '{path} // 200'")));
        }
        let whole = serde_json::from_str(text).ok()?;
        let name = overlooked::unprocessed(&whole).filter(|_| parts.unprocessed.is_none())?;
        Some((format!("the answer has {name}"), format!("unprocessed = '{}[]?'", overlooked::member(name))))
    }

    fn of_record(&self, item: &ParsedAnswer<'_>, shared: &[Shared]) -> Result<Extracted, Failure> {
        if self.is_missing(item)? {
            return Ok(Extracted::Missing);
        }
        let values = self.row(item, shared).collect::<Result<_, _>>()?;
        Ok(Extracted::Rows(Rows::one(values)))
    }

    fn extracted(&self, answer: &ParsedAnswer<'_>) -> Result<Extracted, Failure> {
        if self.is_missing(answer)? {
            return Ok(Extracted::Missing);
        }
        self.check_ok(answer)?;
        let Some(items) = &self.items else {
            let values = self.columns.iter().map(|column| column.value(answer));
            return values.collect::<Result<_, _>>().map(|values| Extracted::Rows(Rows::one(values)));
        };
        let mut gathered = Gathered::default();
        let mut shared = None;
        items.each(answer, &self.item, &mut |item| {
            gathered.push(self.row(item, self.shared(&mut shared, answer)))
        })?;
        Ok(Extracted::Rows(gathered.into_rows()))
    }

    /// The values of the columns that are of the whole answer, made once, when the first row wants them.
    fn shared<'s>(&self, made: &'s mut Option<Vec<Shared>>, answer: &ParsedAnswer<'_>) -> &'s [Shared] {
        made.get_or_insert_with(|| {
            let shared =
                |column: &JsonColumn| (column.from == TakenFrom::Answer).then(|| column.value(answer));
            self.columns.iter().map(shared).collect()
        })
    }

    fn row(
        &self,
        item: &ParsedAnswer<'_>,
        shared: &[Shared],
    ) -> impl Iterator<Item = Result<Value, Failure>> {
        self.columns.iter().zip(shared).map(|(column, shared)| match shared {
            Some(value) => value.clone(),
            None => column.value(item),
        })
    }

    /// Whether the answer by itself says that it is one: `ok` holds, or the id does not exist there.
    pub fn vouches(&self, text: &str) -> Result<bool, Failure> {
        let answer = ParsedAnswer::read(text, &self.whole)?;
        if self.parts.is_none() && self.is_missing(&answer)? {
            return Ok(true);
        }
        self.ok.as_ref().map_or(Ok(false), |(_, ok)| ok.holds(&answer))
    }

    fn is_missing(&self, answer: &ParsedAnswer<'_>) -> Result<bool, Failure> {
        self.missing.as_ref().map_or(Ok(false), |condition| condition.holds(answer))
    }

    /// Asking again may mend what is not as it should be: a server that answers "busy" with status 200.
    fn check_ok(&self, answer: &ParsedAnswer<'_>) -> Result<(), Failure> {
        let Some((text, condition)) = &self.ok else { return Ok(()) };
        if condition.holds(answer)? {
            return Ok(());
        }
        let why = format!("ok does not hold: {}, {}", value::cut(text, SHOWN), body::start(answer.text()));
        Err(Failure::passing(Kind::NotOk, why))
    }
}

/// `rows`, or the items of a batch.
fn items(endpoint: &Endpoint) -> Result<Option<Items>, ExtractorError> {
    match (&endpoint.batch, &endpoint.rows) {
        (Some(batch), _) => Items::new(&batch.split, split::SPLIT).map(Some),
        (None, Some(rows)) => Items::new(rows, "rows").map(Some),
        (None, None) => Ok(None),
    }
}
