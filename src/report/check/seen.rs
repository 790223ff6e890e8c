//! What went over the wire.

use super::answered::Answered;
use super::request::Request;
use crate::job::{Endpoint, Job};
use crate::record::Ordinal;
use crate::secrets::Secrets;
use crate::worker::{Received, Sent};

/// What went over the wire, in order.
pub struct Seen {
    endpoints: Vec<Endpoint>,
    secrets: Secrets,
    exchanges: Vec<Exchange>,
}

/// A request, and how each attempt was answered.
pub(super) struct Exchange {
    ordinal: Ordinal,
    pub(super) endpoint: usize,
    pub(super) request: Request,
    pub(super) answered: Vec<Answered>,
}

impl Seen {
    /// Nothing yet, of a job that has these secrets.
    pub fn new(job: &Job, secrets: &Secrets) -> Seen {
        Seen { endpoints: job.endpoints.clone(), secrets: secrets.clone(), exchanges: Vec::new() }
    }

    /// Notes a request that is about to be sent.
    pub fn sent(&mut self, sent: &Sent<'_>) {
        let (ordinal, endpoint) = (sent.ordinal, sent.endpoint);
        let request = Request::of(sent, &self.endpoints[endpoint], &self.secrets);
        self.exchanges.push(Exchange { ordinal, endpoint, request, answered: Vec::new() });
    }

    /// Notes how the request was answered that was sent last about that record.
    pub fn received(&mut self, received: &Received<'_>) {
        let is_its = |exchange: &&mut Exchange| {
            exchange.ordinal == received.ordinal && exchange.endpoint == received.endpoint
        };
        if let Some(exchange) = self.exchanges.iter_mut().rev().find(is_its) {
            exchange.answered.push(Answered::of(received));
        }
    }

    /// All of them.
    pub(super) fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Those that ask an endpoint about a record.
    pub(super) fn of(&self, endpoint: usize, ordinal: &str) -> impl Iterator<Item = &Exchange> {
        let ordinal: Option<Ordinal> = ordinal.parse().ok();
        let is_its =
            move |exchange: &&Exchange| exchange.endpoint == endpoint && Some(exchange.ordinal) == ordinal;
        self.exchanges.iter().filter(is_its)
    }

    /// The headers that all requests of an endpoint have in common.
    pub(super) fn common_headers(&self, endpoint: usize) -> Vec<(String, String)> {
        let mut own = self.exchanges.iter().filter(|exchange| exchange.endpoint == endpoint);
        let Some(first) = own.next() else { return Vec::new() };
        let others: Vec<&Exchange> = own.collect();
        let is_common =
            |header: &&(String, String)| others.iter().all(|other| other.request.headers.contains(header));
        first.request.headers.iter().filter(is_common).cloned().collect()
    }
}
