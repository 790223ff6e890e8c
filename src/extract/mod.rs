//! From an answer's body to the typed values of an endpoint's columns.
//!
//! | step | by | a failure is |
//! |---|---|---|
//! | UTF-8 checked, byte order mark dropped, nesting counted | `body`, `scan` | `too_deep`, `not_json`, `decode` |
//! | lines made an array, a call its argument | `lines`, `call` | `not_json` |
//! | one pass that finds the values of all plain paths | `path`, `trie`, `fill` | `not_json` |
//! | the other expressions run | `jq`, `expression` | `extract` |
//! | is the id missing there? is the answer as it should be? | `condition` | `extract`, `not_ok` |
//! | the answer's rows, or a batch's items, one after the other | `items`, `elements`, `gather` | `extract` |
//! | elements of HTML found by CSS selectors | `html` | `too_deep`, `too_large`, `extract` |
//! | text, then a value of the column's type | `text`, `convert` | `convert`, `null` |
//! | what the answer says of the next page | `page`, `html` | `extract` |
//!
//! [`Extractor`] joins them: for JSON answers (`json`), HTML (`html`) and plain text (`plain_text`).
//!
//! Expressions that only name a place (`.a.b[0]`) are the rule, and for them nothing but that place is looked
//! at: no value tree is built, no interpreter started; so are rows that are the elements of a place
//! (`.items[]`), and columns of such rows. They mean exactly what they mean in jq. Only where an endpoint has
//! other expressions is its answer parsed a second time, once for all of them, as the interpreter's value.
//!
//! An answer gives all its rows or fails: one value that does not fit fails the answer, not its row. Every
//! failure here lasts, as asking again would bring the same answer, but for `not_ok`. Rows are bounded in number
//! and memory, whatever the answer and the job say (`gather`).

mod body;
mod call;
mod column;
mod condition;
mod convert;
mod elements;
mod expression;
mod fill;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod gather;
mod guarded;
mod html;
mod items;
mod jq;
mod json;
mod lines;
mod overlooked;
mod page;
mod path;
mod plain_text;
mod scan;
mod split;
#[cfg(test)]
mod tests;
mod text;
mod trie;
mod when;

use crate::job::{AnswerFormat, Endpoint};
use crate::record::{Failure, Kind, Rows};

use self::html::Html;
use self::json::Json;
use self::plain_text::PlainText;

pub use self::convert::{Amended, amended};
pub use self::gather::PageRows;
pub use self::guarded::Guarded;
pub use self::page::PageOf;
pub use self::split::{Item, Split};
pub use self::when::When;

/// Makes the values of one endpoint's columns, for as many answers as there are. It stays on its thread, and runs under
/// the watchdog ([`Guarded`]).
pub struct Extractor(Reader);

/// How the endpoint's answers are read.
enum Reader {
    Json(Box<Json>),
    Html(Html),
    Text(PlainText),
}

/// What an answer holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Extracted {
    /// One row, or as many as `rows` finds.
    Rows(Rows),
    /// `missing.when` holds: the id does not exist there.
    Missing,
}

/// What is wrong with an endpoint's columns.
#[derive(Debug, thiserror::Error)]
pub enum ExtractorError {
    /// An expression that does not compile.
    #[error("{at}: not a jq expression: {why}\nhint: a plain path is written .key, .a.b[0] or .[\"a key\"]")]
    Expression {
        /// The column, or a key such as `missing.when`.
        at: String,
        /// As jaq words it.
        why: String,
    },
    /// A CSS selector that does not parse.
    #[error(
        "{at}: not a CSS selector: {why}\nhint: table.odds tr, a.next, div#main > p, :scope > td:nth-child(2)"
    )]
    Selector {
        /// The column, `rows` or `pages.next`.
        at: String,
        /// As scraper words it.
        why: String,
    },
    /// Something that the format of the answers has no use for.
    #[error("{at} does not fit the answers: {why}\nhint: see `format` of the endpoint")]
    Unfit {
        /// The column or key.
        at: String,
        /// What would fit.
        why: &'static str,
    },
    /// A `regex` that does not compile.
    #[error("column {column}: {source}\nhint: the syntax is that of https://docs.rs/regex#syntax")]
    Regex {
        /// Its name.
        column: String,
        /// As regex words it.
        source: Box<regex::Error>,
    },
    /// A `zone` that this machine does not know.
    #[error(
        "column {column}: {source}\nhint: zones are named like Europe/Paris and come from the system's tzdata"
    )]
    Zone {
        /// Its name.
        column: String,
        /// As jiff words it.
        source: jiff::Error,
    },
}

impl ExtractorError {
    fn unfit(at: &str, why: &'static str) -> ExtractorError {
        ExtractorError::Unfit { at: at.to_owned(), why }
    }
}

impl Extractor {
    fn compile(endpoint: &Endpoint) -> Result<Extractor, ExtractorError> {
        let reader = match endpoint.format {
            AnswerFormat::Html if endpoint.pipe.is_none() => Reader::Html(Html::new(endpoint)?),
            AnswerFormat::Text if endpoint.pipe.is_none() => Reader::Text(PlainText::new(endpoint)?),
            _ => Reader::Json(Box::new(Json::new(endpoint)?)),
        };
        Ok(Extractor(reader))
    }

    /// The values of an answer's (decoded) body.
    ///
    /// # Errors
    ///
    /// The body nests too deeply or is not what it should be, `ok` does not hold, an expression fails or gives
    /// several values, a value does not fit its column. The failure of the first such column, in their order, is
    /// given.
    pub fn extract(&self, body: &[u8]) -> Result<Extracted, Failure> {
        match &self.0 {
            Reader::Json(json) => json.extract(&json.text(body)?),
            Reader::Html(html) => html.extract(body::text(body)?),
            Reader::Text(text) => text.extract(body::text(body)?),
        }
    }

    /// The values of a page, and what it says of the next one. The body is read once for both.
    ///
    /// # Errors
    ///
    /// Those of [`Extractor::extract`]; what should name the next page fails, or is neither text nor number.
    pub fn page(&self, body: &[u8]) -> Result<PageOf, Failure> {
        match &self.0 {
            Reader::Json(json) => json.page(&json.text(body)?),
            Reader::Html(html) => html.page(body::text(body)?),
            Reader::Text(text) => text.extract(body::text(body)?).map(PageOf::last),
        }
    }

    /// Whether a body by itself says that it is the answer: the endpoint has `ok`, which holds, or it says that the id
    /// does not exist there. What cannot be read says nothing.
    pub fn vouches(&self, body: &[u8]) -> bool {
        match &self.0 {
            Reader::Json(json) => json.text(body).and_then(|text| json.vouches(&text)).unwrap_or(false),
            Reader::Html(_) | Reader::Text(_) => false,
        }
    }

    /// What the answer to a batch holds for each of its records. An item's own failure is that item's;
    /// `missing.when` is asked of each item, `ok` of the whole answer.
    ///
    /// # Errors
    ///
    /// What fails the answer as a whole: those of [`Extractor::extract`], a `split` or `match` that fails.
    pub fn split(&self, body: &[u8]) -> Result<Split, Failure> {
        match &self.0 {
            Reader::Json(json) => json.split(&json.text(body)?),
            _ => Err(Failure::lasting(Kind::Extract, "only a JSON answer can be split")),
        }
    }

    /// What a batch's answer seems to say of parts that are no success, and the job does not look at: a sentence, and
    /// the key that would. A guess by the names that APIs use.
    pub fn overlooked(&self, body: &[u8]) -> Option<(String, String)> {
        match &self.0 {
            Reader::Json(json) => json.overlooked(&json.text(body).ok()?),
            _ => None,
        }
    }
}
