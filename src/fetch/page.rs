//! The request for the next page.

use super::question::Question;
use super::redirect;
use super::request::Request;
use super::target;
use crate::record::{Failure, Kind};

/// How the last page leads to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep<'a> {
    /// To a URL, absolute or relative to that of the last page.
    Url(&'a str),
    /// To the same URL with another value of a query parameter: that of the cursor, offset or page number.
    Parameter {
        /// The parameter, which need not have been there before.
        name: &'a str,
        /// Its value, not encoded.
        value: &'a str,
    },
}

impl Question {
    /// The request for the page after `last`: its method, headers and payload as they were. A URL of another origin
    /// is asked without the job's secrets, and not at all where a redirect to it would not be followed: that fails
    /// with kind `pages`.
    pub fn next_page(&self, last: &Request, step: NextStep<'_>) -> Result<Request, Failure> {
        match step {
            NextStep::Url(reference) => redirect::lead(self, last, reference)
                .map_err(|why| Failure::lasting(Kind::Pages, format!("the next page is at {why}"))),
            NextStep::Parameter { name, value } => {
                let built = target::with_parameter(last.target.as_str(), &last.marks, name, value)?;
                let target = target::path_and_query(built.text)?;
                Ok(Request { target, marks: built.marks, ..last.clone() })
            }
        }
    }
}
