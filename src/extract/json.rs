//! Answers that are JSON, one way or another: what their conditions say, their items, rows and next page.

use std::borrow::Cow;

use crate::job::{AnswerFormat, Endpoint, Of};
use crate::record::{Failure, Kind, Rows, Value};

use super::column::Column;
use super::condition::Condition;
use super::expression::{Answer, Expression, planted};
use super::gather::Gathered;
use super::items::Items;
use super::page::{PageOf, Pages};
use super::split::{self, Split};
use super::trie::Trie;
use super::{Extracted, ExtractorError, body, call, lines};

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
    /// What tells to whom an item of a batch belongs.
    key: Option<Expression>,
    columns: Vec<Column>,
    pages: Pages,
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
            format: if endpoint.pipe.is_some() { AnswerFormat::Json } else { endpoint.answer },
            max_depth: endpoint.bounds.max_depth,
            whole: Trie::new([]),
            item: Trie::new([]),
            ok: endpoint.ok.as_ref().map(ok).transpose()?,
            missing: endpoint.missing.when.as_ref().map(missing).transpose()?,
            items: items(endpoint)?,
            key: batch.map(|batch| Expression::named(&batch.key, split::KEY)).transpose()?,
            columns: endpoint.columns.iter().map(Column::new).collect::<Result<_, _>>()?,
            pages: Pages::new(endpoint)?,
        };
        json.plant();
        Ok(json)
    }

    /// Puts each plain path into the trie of the text that it is looked for in.
    fn plant(&mut self) {
        let (mut whole, mut item) = (Vec::new(), Vec::new());
        let (has_items, is_batch) = (self.items.is_some(), self.key.is_some());
        for column in &mut self.columns {
            let home = if has_items && column.of == Of::Row { &mut item } else { &mut whole };
            home.extend(column.expression.plain());
        }
        let home = if is_batch { &mut item } else { &mut whole };
        home.extend(self.missing.as_mut().and_then(Condition::plain));
        item.extend(self.key.as_mut().and_then(Expression::plain));
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
        self.extracted(&Answer::read(text, &self.whole)?)
    }

    /// What an answer holds, and what it says of the next page.
    pub fn page(&self, text: &str) -> Result<PageOf, Failure> {
        let answer = Answer::read(text, &self.whole)?;
        match self.extracted(&answer)? {
            Extracted::Missing => Ok(PageOf::last(Extracted::Missing)),
            rows => self.pages.page(rows, &answer),
        }
    }

    /// What an answer holds for each record of a batch. Without a batch it holds nothing for anybody.
    pub fn split(&self, text: &str) -> Result<Split, Failure> {
        let answer = Answer::read(text, &self.whole)?;
        self.check_ok(&answer)?;
        let mut split = Split::default();
        let (Some(items), Some(key)) = (&self.items, &self.key) else { return Ok(split) };
        let mut shared = None;
        items.each(&answer, &self.item, &mut |item| {
            let Some(key) = split::key(key, item)? else { return Ok(()) };
            let shared = self.shared(&mut shared, &answer);
            split.put(key, || self.of_record(item, shared))
        })?;
        Ok(split)
    }

    fn of_record(&self, item: &Answer<'_>, shared: &[Shared]) -> Result<Extracted, Failure> {
        if self.is_missing(item)? {
            return Ok(Extracted::Missing);
        }
        let values = self.row(item, shared).collect::<Result<_, _>>()?;
        Ok(Extracted::Rows(Rows::one(values)))
    }

    fn extracted(&self, answer: &Answer<'_>) -> Result<Extracted, Failure> {
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
    fn shared<'s>(&self, made: &'s mut Option<Vec<Shared>>, answer: &Answer<'_>) -> &'s [Shared] {
        made.get_or_insert_with(|| {
            let shared = |column: &Column| (column.of == Of::Answer).then(|| column.value(answer));
            self.columns.iter().map(shared).collect()
        })
    }

    fn row(&self, item: &Answer<'_>, shared: &[Shared]) -> impl Iterator<Item = Result<Value, Failure>> {
        self.columns.iter().zip(shared).map(|(column, shared)| match shared {
            Some(value) => value.clone(),
            None => column.value(item),
        })
    }

    fn is_missing(&self, answer: &Answer<'_>) -> Result<bool, Failure> {
        self.missing.as_ref().map_or(Ok(false), |condition| condition.holds(answer))
    }

    /// Asking again may mend what is not as it should be: a server that answers "busy" with status 200.
    fn check_ok(&self, answer: &Answer<'_>) -> Result<(), Failure> {
        let Some((text, condition)) = &self.ok else { return Ok(()) };
        if condition.holds(answer)? {
            return Ok(());
        }
        let why = format!("ok does not hold: {}, {}", body::cut(text, SHOWN), body::start(answer.text()));
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
