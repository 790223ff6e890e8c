//! From an answer's body to the typed values of an endpoint's columns.
//!
//! | step | by | a failure is |
//! |---|---|---|
//! | nesting counted, UTF-8 checked, byte order mark dropped | `scan`, `body` | `too_deep`, `not_json` |
//! | one pass that finds the values of all plain paths | `path`, `trie`, `fill` | `not_json` |
//! | the other expressions run | `jq`, `expression` | `extract` |
//! | is the id missing there? | `condition` | `extract` |
//! | text, then a value of the column's type | `text`, `convert` | `convert`, `null` |
//!
//! Expressions that only name a place (`.a.b[0]`) are the rule, and for them nothing but that place is looked
//! at: no value tree is built, no interpreter started. They mean exactly what they mean in jq. Only where an
//! endpoint has other expressions is its answer parsed a second time, once for all of them, as the interpreter's
//! value. Every failure here lasts: asking again would bring the same answer.

mod body;
mod condition;
mod convert;
mod expression;
mod fill;
mod jq;
mod path;
mod scan;
#[cfg(test)]
mod tests;
mod text;
mod trie;

use crate::job;
use crate::record::{Failure, Rows, Value};

use self::condition::Condition;
use self::convert::Conversion;
use self::expression::{Answer, Expression};
use self::trie::Trie;

/// Makes the values of one endpoint's columns, for as many answers as there are. It stays on its thread.
pub struct Extractor {
    max_depth: u32,
    trie: Trie,
    missing: Option<Condition>,
    columns: Vec<Column>,
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
        /// The column, or `missing.when`.
        at: String,
        /// As jaq words it.
        why: String,
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

struct Column {
    expression: Expression,
    conversion: Conversion,
}

impl Extractor {
    /// Compiles the expressions of an endpoint.
    ///
    /// # Errors
    ///
    /// An expression or `regex` that does not compile, a `zone` that is not known. A validated job has none of
    /// these, but zones depend on the machine.
    pub fn new(endpoint: &job::Endpoint) -> Result<Extractor, ExtractorError> {
        let missing = endpoint.missing.when.as_deref().map(condition).transpose()?;
        let columns = endpoint.columns.iter().map(Column::new).collect::<Result<Vec<_>, _>>()?;
        let mut extractor =
            Extractor { max_depth: endpoint.bounds.max_depth, trie: Trie::new([]), missing, columns };
        extractor.grow_trie();
        Ok(extractor)
    }

    /// The values of an answer's (decoded) body.
    ///
    /// # Errors
    ///
    /// The body nests too deeply or is not JSON, an expression fails or gives several values, a value does not
    /// fit its column. The failure of the first such column, in their order, is given.
    pub fn extract(&self, body: &[u8]) -> Result<Extracted, Failure> {
        let text = body::text(body, self.max_depth)?;
        let answer = Answer::read(text, &self.trie)?;
        if self.is_missing(&answer)? {
            return Ok(Extracted::Missing);
        }
        let values = self.columns.iter().map(|column| column.value(&answer));
        values.collect::<Result<_, _>>().map(|values| Extracted::Rows(Rows::one(values)))
    }

    /// Puts all plain paths into one trie and tells each expression its slot.
    fn grow_trie(&mut self) {
        let expressions = self.columns.iter().map(|column| column.expression.path());
        let paths = expressions.chain([self.missing.as_ref().and_then(Condition::path)]);
        self.trie = Trie::new(paths.flatten().map(|path| path.steps.as_slice()));
        for column in &mut self.columns {
            column.expression.place(&self.trie);
        }
        if let Some(condition) = &mut self.missing {
            condition.place(&self.trie);
        }
    }

    fn is_missing(&self, answer: &Answer<'_>) -> Result<bool, Failure> {
        self.missing.as_ref().map_or(Ok(false), |condition| condition.holds(answer))
    }
}

impl Column {
    fn new(column: &job::Column) -> Result<Column, ExtractorError> {
        let conversion = Conversion::new(column)?;
        // Other expressions belong to answers that are not JSON.
        let jq = if let job::Expression::Jq(jq) = &column.expression { jq } else { "." };
        let expression = Expression::new(jq)
            .map_err(|why| ExtractorError::Expression { at: conversion.name().to_owned(), why })?;
        Ok(Column { expression, conversion })
    }

    fn value(&self, answer: &Answer<'_>) -> Result<Value, Failure> {
        let json = self.expression.value(answer, self.conversion.name())?;
        self.conversion.value(json.as_deref().unwrap_or("null"))
    }
}

fn condition(text: &str) -> Result<Condition, ExtractorError> {
    Condition::new(text).map_err(|why| ExtractorError::Expression { at: condition::NAME.to_owned(), why })
}
