//! When requests arrived, and when the answers that ask a client to wait were written. Noted while the knob `arrivals`
//! is on; all times are microseconds since the origin's start. A request arrives when the kernel has received it, on
//! connections that were made while the knob was on; on others, when the origin has read it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::wire::Written;

/// All that was noted since the start or the last reset.
pub struct Arrivals {
    start: Instant,
    /// In the order of time.
    arrived: Vec<Arrival>,
    marks: Vec<Mark>,
}

/// One request, except those for `/_admin/`.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    us: u64,
    /// Requests that waited for their answer, with this one.
    in_flight: u32,
    /// The peer's, which tells its connections apart.
    port: u16,
    /// `None` where nothing is served.
    endpoint: Option<Endpoint>,
}

/// An answer that asks a client to wait.
struct Mark {
    status: u16,
    written: Written,
}

/// The answer of `/_admin/arrivals`. Times are microseconds since the origin's start.
#[derive(Serialize)]
pub struct Report {
    count: usize,
    first_us: Option<u64>,
    last_us: Option<u64>,
    /// Most arrivals within any second, wherever it begins.
    most_in_1s: usize,
    /// Arrivals per second between the first and the last; 0 for fewer than two.
    mean_rate: f64,
    /// Arrivals of each 100 ms, from the first arrival on.
    per_100ms: Vec<usize>,
    /// Arrivals by the peer's port: one for each connection.
    by_port: BTreeMap<u16, usize>,
    /// Most requests that waited for their answer when one arrived, with that one.
    max_in_flight: u32,
    marks: Vec<MarkReport>,
    /// Every arrival, if they were wanted: time, endpoint, the peer's port, in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrivals: Option<Vec<(u64, Option<&'static str>, u16, u32)>>,
}

#[derive(Serialize)]
struct MarkReport {
    status: u16,
    /// When its last byte was handed to the system; absent while it is not, or if the connection broke before.
    written_us: Option<u64>,
}

/// Which arrivals a report is about.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The earliest time, in microseconds since the origin's start.
    pub from: u64,
    /// Times before this one.
    pub to: u64,
}

const SECOND: u64 = 1_000_000;
const BUCKET: u64 = 100_000;

impl Arrivals {
    pub fn new(start: Instant) -> Arrivals {
        Arrivals { start, arrived: Vec::new(), marks: Vec::new() }
    }

    /// Notes a request that came so long ago: others that came later may be noted already.
    pub fn arrived(&mut self, endpoint: Option<Endpoint>, port: u16, in_flight: u64, age: Duration) {
        let us = self.us(Instant::now()).saturating_sub(age.as_micros() as u64);
        let in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
        let place = self.arrived.partition_point(|other| other.us <= us);
        self.arrived.insert(place, Arrival { us, in_flight, port, endpoint });
    }

    /// An answer of this status will be written: what it is written gets the time.
    pub fn mark(&mut self, status: u16) -> Written {
        let written = Written::default();
        self.marks.push(Mark { status, written: written.clone() });
        written
    }

    /// Forgets what was noted.
    pub fn reset(&mut self) {
        *self = Arrivals::new(self.start);
    }

    /// What was noted of a span of time, marks of all times included; `full` lists every arrival.
    pub fn report(&self, span: Span, full: bool) -> Report {
        let begin = self.arrived.partition_point(|arrival| arrival.us < span.from);
        let end = self.arrived.partition_point(|arrival| arrival.us < span.to).max(begin);
        let arrived = &self.arrived[begin..end];
        let marks = self.marks.iter();
        let marks = marks.map(|mark| MarkReport {
            status: mark.status,
            written_us: mark.written.at().map(|at| self.us(at)),
        });
        Report {
            count: arrived.len(),
            first_us: arrived.first().map(|arrival| arrival.us),
            last_us: arrived.last().map(|arrival| arrival.us),
            most_in_1s: most_within(arrived, SECOND),
            mean_rate: mean_rate(arrived),
            per_100ms: per_bucket(arrived),
            by_port: by_port(arrived),
            max_in_flight: arrived.iter().map(|arrival| arrival.in_flight).max().unwrap_or(0),
            marks: marks.collect(),
            arrivals: full.then(|| arrived.iter().map(Arrival::listed).collect()),
        }
    }

    fn us(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_micros() as u64
    }
}

impl Arrival {
    fn listed(&self) -> (u64, Option<&'static str>, u16, u32) {
        (self.us, self.endpoint.map(Endpoint::name), self.port, self.in_flight)
    }
}

/// Most arrivals in any window of this length; of two that lie a whole window apart only one is in it.
fn most_within(arrived: &[Arrival], window: u64) -> usize {
    let mut oldest = 0;
    let mut most = 0;
    for (newest, arrival) in arrived.iter().enumerate() {
        while arrival.us - arrived[oldest].us >= window {
            oldest += 1;
        }
        most = most.max(newest + 1 - oldest);
    }
    most
}

fn mean_rate(arrived: &[Arrival]) -> f64 {
    match arrived {
        [first, .., last] if last.us > first.us => {
            (arrived.len() - 1) as f64 * SECOND as f64 / (last.us - first.us) as f64
        }
        _ => 0.0,
    }
}

fn per_bucket(arrived: &[Arrival]) -> Vec<usize> {
    let [first, .., last] = arrived else { return vec![1; arrived.len()] };
    let mut buckets = vec![0; ((last.us - first.us) / BUCKET) as usize + 1];
    for arrival in arrived {
        buckets[((arrival.us - first.us) / BUCKET) as usize] += 1;
    }
    buckets
}

fn by_port(arrived: &[Arrival]) -> BTreeMap<u16, usize> {
    let mut ports = BTreeMap::new();
    for arrival in arrived {
        *ports.entry(arrival.port).or_default() += 1;
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ALWAYS: Span = Span { from: 0, to: u64::MAX };

    fn at(times: &[u64]) -> Arrivals {
        let arrival = |&us: &u64| Arrival { us, in_flight: 2, port: 9, endpoint: Some(Endpoint::Omdb) };
        Arrivals { arrived: times.iter().map(arrival).collect(), ..Arrivals::new(Instant::now()) }
    }

    fn report(arrivals: &Arrivals, span: Span) -> Value {
        serde_json::to_value(arrivals.report(span, true)).expect("JSON")
    }

    #[test]
    fn the_busiest_second_is_found_wherever_it_begins() {
        for (times, most) in [
            (&[][..], 0),
            (&[7], 1),
            (&[0, 1_000_000], 1),
            (&[0, 999_999, 1_000_000], 2),
            (&[0, 900_000, 1_100_000, 1_200_000, 1_899_999, 1_900_000], 4),
        ] {
            assert_eq!(most_within(&at(times).arrived, SECOND), most, "{times:?}");
        }
    }

    #[test]
    fn the_busiest_second_is_that_of_looking_at_all() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut times: Vec<u64> = (0..300).map(|_| random.u64(0..4_000_000)).collect();
        times.sort_unstable();
        let within = |from: u64| times.iter().filter(|&&us| us >= from && us - from < SECOND).count();
        let most = times.iter().map(|&from| within(from)).max();
        assert_eq!(Some(most_within(&at(&times).arrived, SECOND)), most);
    }

    #[test]
    fn rates_and_buckets_begin_with_the_first() {
        let told = report(&at(&[500_000, 599_999, 600_000, 1_000_000]), ALWAYS);
        assert_eq!(told["per_100ms"], json!([2, 1, 0, 0, 0, 1]));
        assert_eq!((&told["mean_rate"], &told["first_us"]), (&json!(6.0), &json!(500_000)));
        assert_eq!(told["by_port"], json!({"9": 4}));
        assert_eq!(told["arrivals"][3], json!([1_000_000, "omdb", 9, 2]));
        let one = report(&at(&[3]), ALWAYS);
        assert_eq!((&one["per_100ms"], &one["mean_rate"]), (&json!([1]), &json!(0.0)));
    }

    #[test]
    fn what_is_read_late_has_its_place_among_the_others() {
        let mut arrivals = Arrivals { start: Instant::now() - Duration::from_secs(10), ..at(&[]) };
        for ms in [1_000, 3_000, 2_000] {
            arrivals.arrived(None, ms, 1, Duration::from_millis(ms.into()));
        }
        let told = report(&arrivals, ALWAYS);
        let ports: Vec<_> = told["arrivals"].as_array().expect("a list").iter().map(|one| &one[2]).collect();
        assert_eq!(ports, [3_000, 2_000, 1_000]);
    }

    #[test]
    fn a_span_ends_before_its_end() {
        let told = report(&at(&[1, 2, 3, 4]), Span { from: 2, to: 4 });
        assert_eq!((&told["count"], &told["first_us"], &told["last_us"]), (&json!(2), &json!(2), &json!(3)));
        assert_eq!(report(&at(&[1]), Span { from: 9, to: 2 })["count"], 0);
    }

    #[test]
    fn a_mark_is_there_before_its_time_is() {
        let mut arrivals = at(&[]);
        let written = arrivals.mark(429);
        assert_eq!(report(&arrivals, ALWAYS)["marks"], json!([{"status": 429, "written_us": null}]));
        written.now();
        assert!(report(&arrivals, ALWAYS)["marks"][0]["written_us"].is_u64());
        arrivals.reset();
        assert_eq!(report(&arrivals, ALWAYS)["marks"], json!([]));
    }
}
