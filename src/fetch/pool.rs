//! Connections between two requests.
//!
//! Measured against hyper-util's client on the same server, a request costs a fifth less CPU here (no boxed
//! futures, no task per request), and two things can be known that it does not tell: whether a connection had
//! been used before, and which endpoint's time limit its opening falls under.
//!
//! A job's endpoints have few origins, but a list of whole URLs may have as many as lines: those that have not been
//! asked for the longest time are forgotten, and their connections closed.
//!
//! HTTP/1.1 connections lie in a stack per origin, the last one used on top. An HTTP/2 connection is shared.
//!
//! Some servers close connections after an answer that says nothing of it. Until the end of the connection has
//! reached us it looks as if it could be used again, and of a request that is written just then nobody knows what
//! became of it. For one that cannot be sent twice, a connection must have lain [`SETTLED`] and be open still. Where
//! requests come so fast that none has, the one that has lain longest serves, if others of its origin have settled. An
//! origin that was seen to close one so soon gets such requests on connections of their own for [`WARY`].
//!
//! Connections for what cannot be sent twice read answers with many headers; others do as soon as their origin has
//! sent one. An origin's connections are all of one kind.
//!
//! Which of the two an https origin speaks is known after the first handshake: until then only one is made at
//! a time, or every request in flight would open a connection that a single one could have replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1;
use tokio::time::Instant;

use super::connect::Sender;
use super::origin::Origin;
use super::request::Body;
use super::streams::{NoneFree, Shared, Stream};

/// How long a connection may lie unused. Servers close theirs after 5 to 75 s, which is noticed; firewalls
/// forget theirs without a word.
const LIFETIME: Duration = Duration::from_secs(60);

/// How long it may have lain for a request that cannot be sent twice: less than any server waits, so that none closes
/// it just as such a request is on its way.
const FRESH: Duration = Duration::from_secs(1);

/// How long it must have lain for such a request: a server that closes it after its answer does so within the time that
/// the answer took, and a little, not to tie up more connections than need be.
const SETTLED: Duration = Duration::from_millis(50);

/// For how long no connection of an origin is trusted that has closed one within [`FRESH`] of an answer.
const WARY: Duration = Duration::from_secs(60);

/// Unused connections kept per origin at the least, so that a few can settle while another is in use.
const LEAST_IDLE: usize = 8;

/// Origins whose connections are kept: more than a job's 64 endpoints have.
const MOST_ORIGINS: usize = 128;

/// A connection for one request.
pub(super) struct Lease {
    /// Our end of it.
    pub(super) sender: Sender,
    /// Whether it has been used before.
    pub(super) is_reused: bool,
    /// Whether it reads answers with many headers.
    pub(super) is_wide: bool,
    /// How long a place on it was waited for.
    pub(super) waited: Duration,
    /// Which of its origin's HTTP/2 connections it is.
    generation: u64,
    /// The place on a connection that is shared.
    stream: Option<Stream>,
}

/// All connections that are not in use.
pub(super) struct Pool {
    /// Per origin; of all of them together twice as many, one for each origin at the least.
    max_idle: usize,
    lanes: Mutex<Lanes>,
}

/// The connections by origin.
#[derive(Default)]
struct Lanes {
    by_origin: HashMap<Origin, Lane>,
    /// Counts how often any of them was looked at.
    looks: u64,
}

/// The connections to one origin.
#[derive(Default)]
struct Lane {
    speaks: Option<Version>,
    idle: Vec<(Instant, http1::SendRequest<Body>)>,
    shared: Option<Shared>,
    /// Counts the HTTP/2 connections.
    generation: u64,
    gate: Arc<tokio::sync::Mutex<()>>,
    /// The look at which it was last used.
    used: u64,
    /// When one was last found closed soon after an answer.
    closed_early: Option<Instant>,
    /// Whether one has settled since.
    has_settled: bool,
    /// Whether its connections read answers with many headers.
    is_wide: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
}

impl Pool {
    /// Keeps up to `max_idle` connections per origin, or a few more.
    pub(super) fn new(max_idle: usize) -> Pool {
        Pool { max_idle: max_idle.max(LEAST_IDLE), lanes: Mutex::default() }
    }

    /// A connection that is there already.
    pub(super) fn take(&self, origin: &Origin) -> Option<Lease> {
        self.lanes().lane(origin)?.take()
    }

    /// A connection that is there already, and that its server will not close just now, as far as one can tell.
    pub(super) fn take_settled(&self, origin: &Origin) -> Option<Lease> {
        let mut lanes = self.lanes();
        let lane = lanes.lane_or_new(origin);
        lane.widen();
        lane.take_settled(self.max_idle)
    }

    /// Whether connections to an origin are to read answers with many headers.
    pub(super) fn is_wide(&self, origin: &Origin) -> bool {
        self.lanes().lane(origin).is_some_and(|lane| lane.is_wide)
    }

    /// Notes that an origin sends many headers.
    pub(super) fn widen(&self, origin: &Origin) {
        self.lanes().lane_or_new(origin).widen();
    }

    /// A shared connection that is there already.
    pub(super) fn take_shared(&self, origin: &Origin) -> Option<Lease> {
        self.lanes().lane(origin)?.take_shared()
    }

    /// What to hold while opening a connection; `None` where several are wanted.
    pub(super) fn gate(&self, origin: &Origin) -> Option<Arc<tokio::sync::Mutex<()>>> {
        let mut lanes = self.lanes();
        let lane = lanes.lane_or_new(origin);
        let many = !origin.is_https() || lane.speaks == Some(Version::Http1);
        (!many).then(|| lane.gate.clone())
    }

    /// A connection that was just opened.
    pub(super) fn opened(&self, origin: &Origin, sender: Sender, is_wide: bool) -> Lease {
        let mut lanes = self.lanes();
        let lane = lanes.lane_or_new(origin);
        match &sender {
            Sender::Http1(_) => lane.speaks = Some(Version::Http1),
            Sender::Http2(shared) => {
                lane.speaks = Some(Version::Http2);
                lane.shared = Some(shared.clone());
                lane.generation += 1;
            }
        }
        Lease { is_wide, ..Lease::new(sender, false, lane.generation) }
    }

    /// Takes back a connection whose answer is whole.
    pub(super) fn put_back(&self, origin: &Origin, lease: Lease) {
        let Sender::Http1(sender) = lease.sender else { return };
        if sender.is_closed() {
            return;
        }
        let mut lanes = self.lanes();
        lanes.make_room((2 * self.max_idle).max(MOST_ORIGINS));
        if let Some(lane) = lanes.lane(origin).filter(|lane| lane.is_wide == lease.is_wide) {
            lane.put_back(sender, self.max_idle);
        }
    }

    /// Drops a connection that failed a request.
    pub(super) fn discard(&self, origin: &Origin, lease: Lease) {
        if let (Sender::Http2(_), Some(lane)) = (&lease.sender, self.lanes().lane(origin))
            && lane.generation == lease.generation
        {
            lane.shared = None;
        }
    }

    /// Notes that a connection was closed as it was used again.
    pub(super) fn was_closed(&self, origin: &Origin) {
        if let Some(lane) = self.lanes().lane(origin) {
            lane.was_closed();
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    fn lane(&mut self, origin: &Origin) -> Option<&mut Lane> {
        self.looks += 1;
        let lane = self.by_origin.get_mut(origin)?;
        lane.used = self.looks;
        Some(lane)
    }

    fn lane_or_new(&mut self, origin: &Origin) -> &mut Lane {
        if self.by_origin.len() >= MOST_ORIGINS && !self.by_origin.contains_key(origin) {
            self.forget_one();
        }
        self.looks += 1;
        let lane = self.by_origin.entry(origin.clone()).or_default();
        lane.used = self.looks;
        lane
    }

    /// Closes connections to the origin that was not asked for the longest time, where there are `most` of them.
    fn make_room(&mut self, most: usize) {
        if self.by_origin.values().map(|lane| lane.idle.len()).sum::<usize>() < most {
            return;
        }
        let with_idle = self.by_origin.values_mut().filter(|lane| !lane.idle.is_empty());
        if let Some(lane) = with_idle.min_by_key(|lane| lane.used) {
            lane.idle.clear();
        }
    }

    /// Requests that are on its connections go on; these are closed after them.
    fn forget_one(&mut self) {
        let oldest =
            self.by_origin.iter().min_by_key(|(_, lane)| lane.used).map(|(origin, _)| origin.clone());
        oldest.and_then(|origin| self.by_origin.remove(&origin));
    }
}

impl Lease {
    fn new(sender: Sender, is_reused: bool, generation: u64) -> Lease {
        let stream = match &sender {
            Sender::Http1(_) => None,
            Sender::Http2(shared) => shared.streams.try_take(),
        };
        Lease { sender, is_reused, is_wide: false, waited: Duration::ZERO, generation, stream }
    }

    /// Whether a request can be sent on it now.
    pub(super) fn has_place(&self) -> bool {
        matches!(self.sender, Sender::Http1(_)) || self.stream.is_some()
    }

    /// Waits for a place on it, `patience` beyond that of others; given back as it is where it has ended.
    pub(super) async fn with_place(mut self, patience: Duration) -> Result<Result<Lease, Lease>, NoneFree> {
        if let Sender::Http2(shared) = &self.sender
            && self.stream.is_none()
        {
            self.stream = shared.streams.take(patience).await?;
        }
        Ok(if self.has_place() { Ok(self) } else { Err(self) })
    }
}

impl Lane {
    fn take(&mut self) -> Option<Lease> {
        // Those below have been lying longer.
        while let Some((since, sender)) = self.idle.pop_if(|(since, _)| since.elapsed() <= LIFETIME) {
            if !sender.is_closed() {
                return Some(self.lying(sender));
            }
            self.found_closed(since);
        }
        self.idle.clear();
        self.take_shared()
    }

    /// The last used one of those that have settled, or else one of many.
    fn take_settled(&mut self, max_idle: usize) -> Option<Lease> {
        while let Some((since, _)) = self.idle.pop_if(|(_, sender)| sender.is_closed()) {
            self.found_closed(since);
        }
        while let Some(last) = self.idle.len().checked_sub(1)
            && self.closed_early.is_none_or(|at| at.elapsed() > WARY)
        {
            let now = Instant::now();
            let settled = self.idle.partition_point(|(since, _)| now - *since >= SETTLED);
            let at = match settled.checked_sub(1) {
                Some(at) => at,
                None if self.has_settled && last >= max_idle / 2 => 0,
                None => break,
            };
            if now - self.idle[at].0 > FRESH {
                break;
            }
            let (since, sender) = self.idle.remove(at);
            if !sender.is_closed() {
                self.has_settled |= settled > 0;
                return Some(self.lying(sender));
            }
            self.found_closed(since);
        }
        self.take_shared()
    }

    fn lying(&self, sender: http1::SendRequest<Body>) -> Lease {
        Lease { is_wide: self.is_wide, ..Lease::new(Sender::Http1(sender), true, 0) }
    }

    /// Those that read few headers are closed.
    fn widen(&mut self) {
        if !self.is_wide {
            self.is_wide = true;
            self.idle.clear();
        }
    }

    fn found_closed(&mut self, since: Instant) {
        if since.elapsed() <= FRESH {
            self.was_closed();
        }
    }

    fn was_closed(&mut self) {
        self.closed_early = Some(Instant::now());
        self.has_settled = false;
    }

    fn take_shared(&mut self) -> Option<Lease> {
        let shared = self.shared.as_ref().filter(|shared| !shared.sender.is_closed())?;
        Some(Lease::new(Sender::Http2(shared.clone()), true, self.generation))
    }

    fn put_back(&mut self, sender: http1::SendRequest<Body>, max_idle: usize) {
        if self.idle.first().is_some_and(|(since, _)| since.elapsed() > LIFETIME) {
            self.idle.retain(|(since, _)| since.elapsed() <= LIFETIME);
        }
        if self.idle.len() < max_idle {
            self.idle.push((Instant::now(), sender));
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper_util::rt::TokioIo;

    use super::*;

    fn origin() -> Origin {
        Origin::of(&"https://example.com".parse().unwrap()).unwrap()
    }

    /// Our end of a connection; the other end, which keeps it open.
    async fn connection() -> (Sender, tokio::io::DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let shared = Shared::handshake(TokioIo::new(ours), 1 << 16).await.unwrap();
        (Sender::Http2(shared), theirs)
    }

    #[tokio::test]
    async fn a_failure_on_an_old_connection_leaves_the_next_one_alone() {
        let (pool, origin) = (Pool::new(1), origin());
        let (first, _open) = connection().await;
        let first = pool.opened(&origin, first, false);
        let also_first = pool.take_shared(&origin).unwrap();
        pool.discard(&origin, first);
        assert!(pool.take_shared(&origin).is_none());

        let (second, _open) = connection().await;
        assert!(!pool.opened(&origin, second, false).is_reused);
        pool.discard(&origin, also_first);
        let second = pool.take_shared(&origin).unwrap();
        assert!(second.is_reused);
        pool.discard(&origin, second);
        assert!(pool.take_shared(&origin).is_none());
    }

    #[tokio::test]
    async fn origins_that_were_not_asked_for_long_are_forgotten() {
        let pool = Pool::new(1);
        let nth = |number: usize| Origin::of(&format!("https://{number}.example").parse().unwrap()).unwrap();
        let (sender, _open) = connection().await;
        let Sender::Http2(shared) = sender else { unreachable!("it speaks HTTP/2") };
        for number in 0..10 * MOST_ORIGINS {
            pool.opened(&nth(number), Sender::Http2(shared.clone()), false);
            // The first one is asked all the time.
            assert!(pool.take(&nth(0)).is_some());
        }
        assert_eq!(pool.lanes().by_origin.len(), MOST_ORIGINS);
        assert!(pool.take(&nth(10 * MOST_ORIGINS - 1)).is_some());
        assert!(pool.take(&nth(1)).is_none());
    }

    #[tokio::test]
    async fn connections_to_many_origins_are_bounded_together() {
        let pool = Pool::new(MOST_ORIGINS);
        let nth = |number: usize| Origin::of(&format!("http://{number}.example").parse().unwrap()).unwrap();
        let mut ends = Vec::new();
        for number in 0..8 {
            for _ in 0..MOST_ORIGINS {
                let (ours, theirs) = tokio::io::duplex(64);
                let (sender, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
                ends.push((theirs, tokio::spawn(connection)));
                let lease = pool.opened(&nth(number), Sender::Http1(sender), false);
                pool.put_back(&nth(number), lease);
            }
        }
        let idle: usize = pool.lanes().by_origin.values().map(|lane| lane.idle.len()).sum();
        assert!((MOST_ORIGINS..=2 * MOST_ORIGINS).contains(&idle), "{idle}");
        assert!(pool.take(&nth(7)).is_some() && pool.take(&nth(0)).is_none());
    }

    #[tokio::test]
    async fn a_closed_connection_is_not_handed_out() {
        let (pool, origin) = (Pool::new(1), origin());
        let (sender, theirs) = connection().await;
        pool.opened(&origin, sender, false);
        assert!(pool.take(&origin).is_some());
        drop(theirs);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(pool.take(&origin).is_none());
    }

    /// A lane of HTTP/1.1 connections that have been idle for this many milliseconds, the oldest first; their other ends.
    async fn lane(idle: &[u64]) -> (Lane, Vec<tokio::io::DuplexStream>) {
        let (mut lane, mut ends) = (Lane::default(), Vec::new());
        for millis in idle {
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            let (sender, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
            tokio::spawn(connection);
            ends.push(theirs);
            let since = Instant::now().checked_sub(Duration::from_millis(*millis)).unwrap();
            lane.idle.push((since, sender));
        }
        (lane, ends)
    }

    /// The lengths that the connections have lain which are left.
    fn left(lane: &Lane) -> Vec<u128> {
        lane.idle.iter().map(|(since, _)| since.elapsed().as_millis() / 10 * 10).collect()
    }

    #[tokio::test]
    async fn what_cannot_be_sent_twice_takes_what_has_settled_and_is_not_old() {
        let (mut lane, _open) = lane(&[70_000, 20_000, 700, 100, 20, 0]).await;
        assert!(lane.take_settled(8).unwrap().is_reused);
        assert_eq!(left(&lane), [70_000, 20_000, 700, 20, 0]);
        assert!(lane.take_settled(8).is_some());
        // What has lain for long is there for others, what is new for later.
        assert!(lane.take_settled(8).is_none());
        assert_eq!(left(&lane), [70_000, 20_000, 20, 0]);
        assert!(lane.take().is_some() && lane.take().is_some() && lane.take().is_some());
        assert!(lane.take().is_none());
    }

    #[tokio::test]
    async fn where_many_lie_and_others_have_settled_the_oldest_serves() {
        let (mut lane, _open) = lane(&[100, 40, 20, 0]).await;
        lane.idle.rotate_left(1);
        let settled = lane.idle.pop().unwrap();
        assert!(lane.take_settled(4).is_none());
        lane.idle.insert(0, settled);
        assert!(lane.take_settled(4).is_some() && lane.take_settled(8).is_none());
        assert!(lane.take_settled(4).is_some());
        assert_eq!(left(&lane), [20, 0]);
        lane.was_closed();
        lane.closed_early = Instant::now().checked_sub(WARY);
        assert!(lane.take_settled(2).is_none());
    }

    #[tokio::test]
    async fn an_origin_that_closes_after_its_answers_is_not_trusted_for_a_while() {
        let (mut lane, mut ends) = lane(&[500, 400, 300]).await;
        ends.pop();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(lane.take_settled(8).is_none());
        assert_eq!(lane.idle.len(), 2);
        lane.closed_early = Instant::now().checked_sub(WARY);
        assert!(lane.take_settled(8).is_some());
    }

    #[tokio::test]
    async fn connections_are_opened_one_at_a_time_until_it_is_known_whether_they_are_shared() {
        let (pool, origin) = (Pool::new(1), origin());
        assert!(pool.gate(&origin).is_some());
        let (ours, _theirs) = tokio::io::duplex(1 << 16);
        let (sender, _connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
        pool.opened(&origin, Sender::Http1(sender), false);
        assert!(pool.gate(&origin).is_none());
        let plain = Origin::of(&"http://example.com".parse().unwrap()).unwrap();
        assert!(pool.gate(&plain).is_none());
    }
}
