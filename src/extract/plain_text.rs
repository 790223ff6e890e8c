//! `format = "text"`: a column is the whole text, or what its `regex` finds in it.

use crate::job::{Endpoint, Expression};
use crate::record::{Failure, Rows};

use super::convert::Conversion;
use super::{Extracted, ExtractorError};

/// An endpoint whose answers are plain text, compiled.
pub(super) struct PlainText {
    columns: Vec<Conversion>,
}

impl PlainText {
    /// Compiles an endpoint.
    pub fn new(endpoint: &Endpoint) -> Result<PlainText, ExtractorError> {
        let columns = endpoint.columns.iter().map(|column| match column.expression {
            Expression::Text => Conversion::new(column),
            _ => Err(ExtractorError::unfit(&format!("column {}", column.name), "a text has no expressions")),
        });
        Ok(PlainText { columns: columns.collect::<Result<_, _>>()? })
    }

    /// What an answer holds: one row.
    pub fn extract(&self, text: &str) -> Result<Extracted, Failure> {
        let values = self.columns.iter().map(|column| column.value_of_text(Some(text)));
        values.collect::<Result<_, _>>().map(|values| Extracted::Rows(Rows::one(values)))
    }
}
