//! A request that was sent, as a person may see it.

use crate::record::Ordinal;
use crate::worker::Sent;

/// A request that was sent, as a person may see it.
pub struct Request {
    ordinal: Ordinal,
    endpoint: usize,
    lines: Vec<String>,
}

impl Request {
    /// Of one that is about to be sent.
    pub fn of(sent: &Sent<'_>) -> Request {
        let mut lines = vec![format!("{} {}", sent.request.method(), sent.request.shown())];
        lines.extend(sent.request.shown_headers().map(|(name, value)| format!("{name}: {value}")));
        lines.extend(sent.request.shown_body().map(|body| super::text::beginning(body.as_bytes())));
        Request { ordinal: sent.ordinal, endpoint: sent.endpoint, lines }
    }

    /// Its lines: the first, the headers, the beginning of its body.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }

    /// Whether it asks that endpoint about that record.
    pub(super) fn is_for(&self, endpoint: usize, ordinal: &str) -> bool {
        self.endpoint == endpoint && self.ordinal.to_string() == ordinal
    }
}
