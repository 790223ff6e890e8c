//! How often each id was asked at each endpoint, and what was served.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use hyper::StatusCode;
use serde::Serialize;

use crate::asked::Asked;
use crate::endpoint::Endpoint;
use crate::ids;

/// All counts since the start or the last reset.
pub struct Counts {
    tallies: [Tally; Endpoint::ALL.len()],
    /// Requests that a redirect of ours led here; they are counted nowhere else.
    redirected: u64,
    connections: u64,
    in_flight: u64,
    max_in_flight: u64,
    refusals: BTreeMap<u16, u64>,
    tokens: u64,
}

/// One endpoint's counts.
struct Tally {
    /// Requests, a batch being one.
    total: u64,
    /// Of films: by place in the list.
    listed: Vec<u32>,
    others: HashMap<String, u32>,
}

/// The answer of `/_admin/counts`.
#[derive(Serialize)]
pub struct Report {
    /// Requests for documents, without redirected ones.
    total: u64,
    redirected: u64,
    /// Connections accepted.
    connections: u64,
    /// Most requests that waited for their answer at the same time.
    max_in_flight: u64,
    /// Answers 429 and 503, by status.
    refusals: BTreeMap<u16, u64>,
    /// Tokens that the documents served so far have cost, with the knob `tokens`.
    tokens: u64,
    by_endpoint: BTreeMap<&'static str, EndpointReport>,
}

#[derive(Serialize)]
struct EndpointReport {
    /// Requests, a batch being one.
    total: u64,
    /// Different ids; those of a batch are counted one by one.
    ids: usize,
    /// The ids that were asked more than once.
    repeated: BTreeMap<String, u32>,
    /// All ids, if they were wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<BTreeMap<String, u32>>,
}

impl Counts {
    /// Nothing yet; `listed` is the length of the list of ids.
    pub fn new(listed: u32) -> Counts {
        Counts {
            tallies: Endpoint::ALL
                .map(|endpoint| Tally::new(if endpoint.is_of_films() { listed } else { 0 })),
            redirected: 0,
            connections: 0,
            in_flight: 0,
            max_in_flight: 0,
            refusals: BTreeMap::new(),
            tokens: 0,
        }
    }

    /// Counts a request and says how many this id has had at this endpoint, with this one; of a batch's ids the most.
    pub fn request(&mut self, asked: &Asked<'_>) -> u32 {
        if asked.redirected {
            self.redirected += 1;
            return 0;
        }
        let tally = &mut self.tallies[asked.endpoint as usize];
        tally.total += 1;
        asked.names().map(|id| tally.count(asked.index, id)).max().unwrap_or(0)
    }

    /// Counts a connection.
    pub fn connection(&mut self) {
        self.connections += 1;
    }

    /// Counts an answer that asks the client to wait.
    pub fn refusal(&mut self, status: StatusCode) {
        *self.refusals.entry(status.as_u16()).or_default() += 1;
    }

    /// Counts what a document that is served costs.
    pub fn served(&mut self, tokens: u64) {
        self.tokens += tokens;
    }

    /// Requests that wait for their answer now.
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Back to nothing; requests in flight stay in flight.
    pub fn reset(&mut self) {
        let listed = self.tallies[Endpoint::Omdb as usize].listed.len() as u32;
        *self = Counts { in_flight: self.in_flight, max_in_flight: self.in_flight, ..Counts::new(listed) };
    }

    /// The counts as people and tests read them; `full` names every id.
    pub fn report(&self, full: bool) -> Report {
        let by_endpoint = Endpoint::ALL.map(|endpoint| {
            let tally = &self.tallies[endpoint as usize];
            (endpoint.name(), tally.report(full))
        });
        Report {
            total: self.tallies.iter().map(|tally| tally.total).sum(),
            redirected: self.redirected,
            connections: self.connections,
            max_in_flight: self.max_in_flight,
            refusals: self.refusals.clone(),
            tokens: self.tokens,
            by_endpoint: by_endpoint.into(),
        }
    }
}

impl Tally {
    fn new(listed: u32) -> Tally {
        Tally { total: 0, listed: vec![0; listed as usize], others: HashMap::new() }
    }

    /// Counts an id and says how often it has come, with this time.
    fn count(&mut self, index: Option<u32>, id: &str) -> u32 {
        let count = match index.and_then(|index| self.listed.get_mut(index as usize)) {
            Some(count) => count,
            None => self.others.entry(id.to_owned()).or_default(),
        };
        *count = count.saturating_add(1);
        *count
    }

    fn report(&self, full: bool) -> EndpointReport {
        let counts = self.by_id();
        let repeated = counts.iter().filter(|(_, count)| **count > 1).map(|(id, count)| (id.clone(), *count));
        EndpointReport {
            total: self.total,
            ids: counts.len(),
            repeated: repeated.collect(),
            counts: full.then_some(counts),
        }
    }

    fn by_id(&self) -> BTreeMap<String, u32> {
        let name = |index| String::from_utf8_lossy(&ids::text(index)).into_owned();
        let listed = (0..).zip(&self.listed).filter(|(_, count)| **count > 0);
        let listed = listed.map(|(index, &count)| (name(index), count));
        let others = self.others.iter().map(|(id, &count)| (id.clone(), count));
        listed.chain(others).collect()
    }
}

/// A request that waits for its answer, for as long as this lives.
pub struct InFlight<'a>(&'a RefCell<Counts>);

impl<'a> InFlight<'a> {
    pub fn enter(counts: &'a RefCell<Counts>) -> InFlight<'a> {
        let mut inner = counts.borrow_mut();
        inner.in_flight += 1;
        inner.max_in_flight = inner.max_in_flight.max(inner.in_flight);
        InFlight(counts)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(counts: &mut Counts, target: &str) -> u32 {
        counts.request(&Asked::of(&target.parse().expect("a target")).expect("served"))
    }

    #[test]
    fn ids_are_counted_by_endpoint() {
        let mut counts = Counts::new(10);
        let nths = ["/?i=tt0000001", "/?i=tt0000001", "/business/tt0000001", "/?i=x", "/?i=tt9999990"]
            .map(|target| ask(&mut counts, target));
        assert_eq!(nths, [1, 2, 1, 1, 1]);
        let report = serde_json::to_value(counts.report(true)).expect("JSON");
        assert_eq!(report["total"], 5);
        assert_eq!(
            report["by_endpoint"]["omdb"],
            serde_json::json!({
                "total": 4, "ids": 3, "repeated": {"tt0000001": 2},
                "counts": {"tt0000001": 2, "tt9999990": 1, "x": 1},
            })
        );
    }

    #[test]
    fn a_batch_is_one_request_for_each_of_its_ids() {
        let mut counts = Counts::new(10);
        let nths =
            ["/graph/?ids=a,b", "/graph/?ids=b", "/graph/?ids=a,b,c"].map(|target| ask(&mut counts, target));
        assert_eq!(nths, [1, 2, 3]);
        let report = serde_json::to_value(counts.report(true)).expect("JSON");
        assert_eq!(
            report["by_endpoint"]["graph"],
            serde_json::json!({
                "total": 3, "ids": 3, "repeated": {"a": 2, "b": 3}, "counts": {"a": 2, "b": 3, "c": 1},
            })
        );
    }

    #[test]
    fn redirected_requests_are_kept_apart() {
        let mut counts = Counts::new(1);
        ask(&mut counts, "/?i=tt0000001&_redirected=1");
        let report = counts.report(false);
        assert_eq!((report.total, report.redirected), (0, 1));
    }

    #[test]
    fn refusals_and_tokens_are_counted() {
        let mut counts = Counts::new(1);
        for status in
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS]
        {
            counts.refusal(status);
        }
        counts.served(50);
        counts.served(7);
        let report = serde_json::to_value(counts.report(false)).expect("JSON");
        assert_eq!(
            (&report["refusals"], &report["tokens"]),
            (&serde_json::json!({"429": 2, "503": 1}), &57.into())
        );
        counts.reset();
        assert_eq!(counts.report(false).tokens, 0);
    }

    #[test]
    fn the_most_in_flight_is_remembered() {
        let counts = RefCell::new(Counts::new(1));
        let first = InFlight::enter(&counts);
        drop((InFlight::enter(&counts), InFlight::enter(&counts)));
        assert_eq!(counts.borrow().report(false).max_in_flight, 3);
        counts.borrow_mut().reset();
        assert_eq!(counts.borrow().report(false).max_in_flight, 1);
        drop(first);
        assert_eq!(counts.borrow().in_flight, 0);
    }
}
