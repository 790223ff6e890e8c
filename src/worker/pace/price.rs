//! What an answer says that its request cost.

use crate::extract::{Extracted, Extractor, ExtractorError, Guarded};
use crate::job::{Column, Cost, Endpoint, Expression};
use crate::os::Working;
use crate::value::{Type, Value};

/// Finds the cost in an answer.
pub(in crate::worker) struct Price(Guarded<Extractor>);

impl Price {
    /// Of an endpoint whose answers say it.
    ///
    /// # Errors
    /// The expression does not compile.
    pub(in crate::worker) fn of(endpoint: &Endpoint) -> Result<Option<Price>, ExtractorError> {
        let Some(Cost::Answer(code)) = &endpoint.cost else { return Ok(None) };
        let column = Column::plain("cost", Expression::Jq(code.clone()), Type::Double);
        let asked = Endpoint {
            bounds: endpoint.bounds.clone(),
            ..Endpoint::get("cost", endpoint.url.clone(), vec![column])
        };
        Guarded::new(&asked).map(Price).map(Some)
    }

    /// Units, rounded up; none where the answer does not say it.
    pub(in crate::worker) fn read(&self, body: &[u8], working: &Working<'_>) -> Option<u64> {
        let Ok(Extracted::Rows(rows)) = self.0.under(working).extract(body) else { return None };
        match rows.iter().next()?.first()? {
            Value::Double(cost) if *cost >= 0.0 => Some(cost.ceil() as u64),
            _ => None,
        }
    }
}
