//! How an answer began, as people and programs may see it.

use serde::Serialize;

use crate::record::Ordinal;
use crate::worker::Received;

/// How an answer began: of each attempt that brought one the last.
#[derive(Debug, Clone, Serialize)]
pub struct Answered {
    #[serde(skip)]
    ordinal: Ordinal,
    #[serde(skip)]
    endpoint: usize,
    /// Which page it is, from 0; null where there are none.
    pub(super) page: Option<u32>,
    pub(super) http_status: u16,
    /// From when the request was written to the end of the answer.
    pub(super) latency_ms: f64,
    /// As they came over the wire.
    pub(super) bytes: u64,
    pub(super) content_type: Option<String>,
    pub(super) headers: Vec<Header>,
}

/// One of its headers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

impl Answered {
    /// Of one that has come.
    pub fn of(received: &Received<'_>) -> Answered {
        let header = |(name, value): &(String, String)| Header { name: name.clone(), value: value.clone() };
        Answered {
            ordinal: received.ordinal,
            endpoint: received.endpoint,
            page: received.page,
            http_status: received.status,
            latency_ms: (received.took.as_secs_f64() * 10_000.0).round() / 10.0,
            bytes: received.bytes,
            content_type: received.content_type.map(str::to_owned),
            headers: received.headers.iter().map(header).collect(),
        }
    }

    /// Whether it was asked of that endpoint about that record.
    pub(super) fn is_for(&self, endpoint: usize, ordinal: &str) -> bool {
        self.endpoint == endpoint && self.ordinal.to_string() == ordinal
    }
}
