//! The one door to the user's own expressions: they run only while the watchdog looks on, with the record named to it.
//!
#![cfg_attr(
    feature = "benches", // Without it the names below are private, and nothing is tried.
    doc = "
```compile_fail,E0599
fn unguarded(extractor: &windrow::extract::Guarded<windrow::extract::Extractor>) {
    let _ = extractor.extract(b\"{}\");
}
```

```
fn guarded(extractor: &windrow::extract::Guarded<windrow::extract::Extractor>, working: &windrow::os::Working<'_>) {
    let _ = extractor.under(working).extract(b\"{}\");
}
```
"
)]

use super::{Extractor, ExtractorError, When};
use crate::job::Endpoint;
use crate::os::Working;

/// Something that runs expressions of the user's, which may never end.
pub struct Guarded<T>(T);

impl<T> Guarded<T> {
    /// Lets it run, as part of a piece of work that is watched.
    pub fn under<'a>(&'a self, _: &'a Working<'_>) -> &'a T {
        &self.0
    }
}

impl Guarded<Extractor> {
    /// Compiles the expressions of an endpoint. With a `pipe`, answers are what its program makes of them: JSON.
    ///
    /// # Errors
    ///
    /// An expression, selector or `regex` that does not compile or does not fit the answers, a `zone` that is
    /// not known. A validated job has none of these, but zones depend on the machine.
    pub fn new(endpoint: &Endpoint) -> Result<Guarded<Extractor>, ExtractorError> {
        Extractor::compile(endpoint).map(Guarded)
    }
}

impl Guarded<When> {
    /// Compiles a condition on a record.
    ///
    /// # Errors
    ///
    /// It is not a jq expression.
    pub fn when(jq: &str) -> Result<Guarded<When>, ExtractorError> {
        When::compile(jq).map(Guarded)
    }
}
