//! Failures of one kind, as far as they are known.

use crate::job::{Endpoint, Part};
use crate::record::Kind;

/// Failures of one kind, and of one status where there is one.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Of which kind.
    pub kind: Kind,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// What is said of them, that of the example first; of many kinds that is all that is looked at.
    pub details: &'a [String],
    /// The id of that one.
    pub id: Option<&'a str>,
    /// What was asked.
    pub endpoint: Option<&'a Endpoint>,
    /// Whether the endpoint ended otherwise for no record.
    pub is_all: bool,
}

impl Subject<'_> {
    /// What is said of the example; empty where nothing is known.
    pub(super) fn detail(&self) -> &str {
        self.details.first().map_or("", String::as_str)
    }

    /// What says where is asked.
    pub(super) fn address(&self) -> &'static str {
        let parts = self.endpoint.map(|endpoint| endpoint.url.parts.as_slice());
        match parts {
            Some([Part::Url(_), ..]) => "the list's URLs",
            _ => "`url`",
        }
    }

    /// `--kind timeout`, which `retry` takes.
    pub(super) fn filter(&self) -> String {
        format!("--kind {}", self.kind)
    }
}
