//! How an answer began, as people and programs may see it.

use serde::Serialize;

use super::super::numbers::{millis, size};
use super::text::beginning;
use crate::worker::Received;

/// How an answer began: of each attempt that brought one the last.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Answered {
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
    pub(super) fn of(received: &Received<'_>) -> Answered {
        let header = |(name, value): &(String, String)| Header { name: name.clone(), value: value.clone() };
        Answered {
            page: received.page,
            http_status: received.status,
            latency_ms: (received.took.as_secs_f64() * 10_000.0).round() / 10.0,
            bytes: received.bytes,
            content_type: received.content_type.map(str::to_owned),
            headers: received.headers.iter().map(header).collect(),
        }
    }

    /// `200, 1.1 kB, application/json, 62 ms`.
    pub(super) fn line(&self) -> String {
        let kind = self.content_type.as_deref().and_then(|kind| kind.split(';').next());
        let kind = kind.map(|kind| format!("{}, ", beginning(kind.trim().as_bytes()))).unwrap_or_default();
        format!("{}, {}, {kind}{}", self.http_status, size(self.bytes), millis(self.latency_ms))
    }
}
