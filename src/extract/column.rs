//! One column of JSON answers: an expression, and the conversion of what it gives.

use crate::job::{self, TakenFrom};
use crate::record::Failure;
use crate::value::Value;

use super::ExtractorError;
use super::convert::Conversion;
use super::expression::{Expression, ParsedAnswer};

/// A compiled column.
pub(super) struct JsonColumn {
    /// Where its value stands.
    pub expression: Expression,
    /// Whether that is looked for in the item or in the whole answer, where these differ.
    pub from: TakenFrom,
    conversion: Conversion,
}

impl JsonColumn {
    /// Compiles a column.
    pub fn new(column: &job::Column) -> Result<JsonColumn, ExtractorError> {
        let conversion = Conversion::new(column)?;
        let job::Expression::Jq(jq) = &column.expression else {
            return Err(ExtractorError::unfit(conversion.name(), "JSON answers want jq"));
        };
        let expression = Expression::named(jq, conversion.name())?;
        Ok(JsonColumn { expression, from: column.from, conversion })
    }

    /// Its value in an answer, or in an item of one.
    pub fn value(&self, answer: &ParsedAnswer<'_>) -> Result<Value, Failure> {
        let json = self.expression.value(answer, self.conversion.name())?;
        self.conversion.value(json.as_deref().unwrap_or("null"))
    }
}
