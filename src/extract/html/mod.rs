//! `format = "html"`: elements are found by CSS selectors, their texts and attributes become values.
//!
//! | step | by | a failure is |
//! |---|---|---|
//! | UTF-8 checked, the document's tree built within bounds | `body`, `parse` | `decode`, `too_deep`, `too_large` |
//! | elements found, their text or attribute taken | `find`, `shown` | `extract` |
//! | text, then a value of the column's type | `convert` | `convert`, `null` |
//!
//! HTML is read as browsers read it, so no text is refused for being bad HTML. Columns of a row look among the
//! elements inside it; `:scope` is the row's element itself, or the `html` element where a column is of the whole
//! answer.

mod find;
mod parse;
mod shown;
mod unended;

use scraper::{ElementRef, Selector};

use crate::job::{self, Endpoint, NextPage, TakenFrom};
use crate::record::{Failure, Kind, Rows};
use crate::value::Value;

use self::find::{Find, Scope};
use super::convert::Conversion;
use super::gather::Gathered;
use super::page::PageOf;
use super::{Extracted, ExtractorError};

/// An endpoint whose answers are HTML, compiled.
pub(super) struct Html {
    max_answer: u64,
    rows: Option<Selector>,
    columns: Vec<HtmlColumn>,
    /// The link to the next page.
    next: Option<Selector>,
}

struct HtmlColumn {
    find: Find,
    from: TakenFrom,
    conversion: Conversion,
}

impl Html {
    /// Compiles an endpoint.
    pub fn new(endpoint: &Endpoint) -> Result<Html, ExtractorError> {
        let conditions = [("ok", &endpoint.ok), ("missing.when", &endpoint.missing.when)];
        if let Some((at, _)) = conditions.iter().find(|(_, condition)| condition.is_some()) {
            return Err(ExtractorError::unfit(at, "only JSON answers have conditions"));
        }
        Ok(Html {
            max_answer: endpoint.bounds.max_answer,
            rows: endpoint.rows.as_ref().map(|rows| find::selector(rows, "rows")).transpose()?,
            columns: endpoint.columns.iter().map(HtmlColumn::new).collect::<Result<_, _>>()?,
            next: next(endpoint)?,
        })
    }

    /// What an answer holds.
    pub fn extract(&self, text: &str) -> Result<Extracted, Failure> {
        self.extracted(self.document(text)?.root_element())
    }

    /// What an answer holds, and its link to the next page.
    pub fn page(&self, text: &str) -> Result<PageOf, Failure> {
        let document = self.document(text)?;
        let root = document.root_element();
        let extracted = self.extracted(root)?;
        let next = self.next.as_ref().and_then(|next| find::link(root, next));
        Ok(PageOf { next, ..PageOf::last(extracted).marked(text) })
    }

    /// An answer without a body is no page: read as one, it would be a row of nulls, or the end of a list.
    fn document(&self, text: &str) -> Result<scraper::Html, Failure> {
        if text.trim().is_empty() {
            return Err(Failure::lasting(Kind::Extract, "the answer is empty"));
        }
        parse::document(text, self.max_answer)
    }

    fn extracted(&self, root: ElementRef<'_>) -> Result<Extracted, Failure> {
        let Some(rows) = &self.rows else {
            let values = self.columns.iter().map(|column| column.value(Scope::Document(root)));
            return values.collect::<Result<_, _>>().map(|values| Extracted::Rows(Rows::one(values)));
        };
        let mut gathered = Gathered::default();
        let mut shared = None;
        for row in Scope::Document(root).all(rows) {
            let shared = shared.get_or_insert_with(|| self.shared(root));
            let values = self.columns.iter().zip(&*shared).map(|(column, shared)| match shared {
                Some(value) => value.clone(),
                None => column.value(Scope::Row(row)),
            });
            gathered.push(values)?;
        }
        Ok(Extracted::Rows(gathered.into_rows()))
    }

    /// The values of the columns that are of the whole answer; none for those of the row.
    fn shared(&self, root: ElementRef<'_>) -> Vec<Option<Result<Value, Failure>>> {
        let value = |column: &HtmlColumn| {
            (column.from == TakenFrom::Answer).then(|| column.value(Scope::Document(root)))
        };
        self.columns.iter().map(value).collect()
    }
}

impl HtmlColumn {
    fn new(column: &job::Column) -> Result<HtmlColumn, ExtractorError> {
        let conversion = Conversion::new(column)?;
        let job::Expression::Css(css) = &column.expression else {
            return Err(ExtractorError::unfit(conversion.name(), "HTML wants CSS selectors"));
        };
        let find = Find::new(css, conversion.name(), column.ty)?;
        Ok(HtmlColumn { find, from: column.from, conversion })
    }

    fn value(&self, place: Scope<'_>) -> Result<Value, Failure> {
        self.find.value(place, &self.conversion)
    }
}

fn next(endpoint: &Endpoint) -> Result<Option<Selector>, ExtractorError> {
    match endpoint.pages.as_ref().map(|pages| &pages.next) {
        Some(NextPage::Url(css)) => find::selector(css, "pages.next").map(Some),
        Some(NextPage::Cursor { .. }) => Err(ExtractorError::unfit("pages.cursor", "HTML has none")),
        Some(NextPage::Offset { more: Some(_), .. } | NextPage::Number { more: Some(_), .. }) => {
            Err(ExtractorError::unfit("pages.more", "only JSON answers have conditions"))
        }
        _ => Ok(None),
    }
}
