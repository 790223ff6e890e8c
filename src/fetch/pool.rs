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
//! Which of the two an https origin speaks is known after the first handshake: until then only one is made at
//! a time, or every request in flight would open a connection that a single one could have replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use tokio::time::Instant;

use super::connect::Sender;
use super::origin::Origin;
use super::request::Body;

/// How long a connection may lie unused. Servers close theirs after 5 to 75 s, which is noticed; firewalls
/// forget theirs without a word.
const LIFETIME: Duration = Duration::from_secs(60);

/// How long it may have lain for a request that cannot be sent twice: less than any server waits, so that none closes
/// it just as such a request is on its way.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// Origins whose connections are kept: more than a job's 64 endpoints have.
const MOST_ORIGINS: usize = 128;

/// A connection for one request.
pub(super) struct Lease {
    /// Our end of it.
    pub(super) sender: Sender,
    /// Whether it has been used before.
    pub(super) is_reused: bool,
    /// Which of its origin's HTTP/2 connections it is.
    generation: u64,
}

/// All connections that are not in use.
pub(super) struct Pool {
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
    shared: Option<http2::SendRequest<Body>>,
    /// Counts the HTTP/2 connections.
    generation: u64,
    gate: Arc<tokio::sync::Mutex<()>>,
    /// The look at which it was last used.
    used: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
}

impl Pool {
    /// Keeps up to `max_idle` connections per origin.
    pub(super) fn new(max_idle: usize) -> Pool {
        Pool { max_idle, lanes: Mutex::default() }
    }

    /// A connection that is there already.
    pub(super) fn take(&self, origin: &Origin) -> Option<Lease> {
        self.lanes().lane(origin)?.take(LIFETIME)
    }

    /// A connection that is there already and was in use a moment ago.
    pub(super) fn take_fresh(&self, origin: &Origin) -> Option<Lease> {
        self.lanes().lane(origin)?.take(FRESH)
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
    pub(super) fn opened(&self, origin: &Origin, sender: Sender) -> Lease {
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
        Lease { sender, is_reused: false, generation: lane.generation }
    }

    /// Takes back a connection whose answer is whole.
    pub(super) fn put_back(&self, origin: &Origin, lease: Lease) {
        let Sender::Http1(sender) = lease.sender else { return };
        if sender.is_closed() {
            return;
        }
        if let Some(lane) = self.lanes().lane(origin) {
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

    /// Requests that are on its connections go on; these are closed after them.
    fn forget_one(&mut self) {
        let oldest =
            self.by_origin.iter().min_by_key(|(_, lane)| lane.used).map(|(origin, _)| origin.clone());
        oldest.and_then(|origin| self.by_origin.remove(&origin));
    }
}

impl Lane {
    fn take(&mut self, at_most: Duration) -> Option<Lease> {
        // Those below have been lying longer.
        while let Some((_, sender)) = self.idle.pop_if(|(since, _)| since.elapsed() <= at_most) {
            if !sender.is_closed() {
                return Some(Lease { sender: Sender::Http1(sender), is_reused: true, generation: 0 });
            }
        }
        if at_most == LIFETIME {
            self.idle.clear();
        }
        self.take_shared()
    }

    fn take_shared(&mut self) -> Option<Lease> {
        let shared = self.shared.as_ref().filter(|shared| !shared.is_closed())?;
        Some(Lease { sender: Sender::Http2(shared.clone()), is_reused: true, generation: self.generation })
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
    use hyper_util::rt::{TokioExecutor, TokioIo};

    use super::*;

    fn origin() -> Origin {
        Origin::of(&"https://example.com".parse().unwrap()).unwrap()
    }

    /// Our end of a connection; the other end, which keeps it open.
    async fn connection() -> (Sender, tokio::io::DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let stream = TokioIo::new(ours);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        (Sender::Http2(sender), theirs)
    }

    #[tokio::test]
    async fn a_failure_on_an_old_connection_leaves_the_next_one_alone() {
        let (pool, origin) = (Pool::new(1), origin());
        let (first, _open) = connection().await;
        let first = pool.opened(&origin, first);
        let also_first = pool.take_shared(&origin).unwrap();
        pool.discard(&origin, first);
        assert!(pool.take_shared(&origin).is_none());

        let (second, _open) = connection().await;
        assert!(!pool.opened(&origin, second).is_reused);
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
            pool.opened(&nth(number), Sender::Http2(shared.clone()));
            // The first one is asked all the time.
            assert!(pool.take(&nth(0)).is_some());
        }
        assert_eq!(pool.lanes().by_origin.len(), MOST_ORIGINS);
        assert!(pool.take(&nth(10 * MOST_ORIGINS - 1)).is_some());
        assert!(pool.take(&nth(1)).is_none());
    }

    #[tokio::test]
    async fn a_closed_connection_is_not_handed_out() {
        let (pool, origin) = (Pool::new(1), origin());
        let (sender, theirs) = connection().await;
        pool.opened(&origin, sender);
        assert!(pool.take(&origin).is_some());
        drop(theirs);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(pool.take(&origin).is_none());
    }

    #[tokio::test]
    async fn what_cannot_be_sent_twice_takes_only_what_was_just_in_use() {
        let (pool, origin) = (Pool::new(2), Origin::of(&"http://example.com".parse().unwrap()).unwrap());
        let mut ends = Vec::new();
        for _ in 0..2 {
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            let (sender, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
            tokio::spawn(connection);
            ends.push(theirs);
            let lease = pool.opened(&origin, Sender::Http1(sender));
            pool.put_back(&origin, lease);
        }
        let age = |by: Duration| {
            for (since, _) in &mut pool.lanes().lane(&origin).unwrap().idle {
                *since = since.checked_sub(by).unwrap();
            }
        };
        let fresh = pool.take_fresh(&origin).unwrap();
        assert!(fresh.is_reused);
        age(FRESH * 2);
        assert!(pool.take_fresh(&origin).is_none());
        pool.put_back(&origin, fresh);
        assert!(pool.take_fresh(&origin).is_some() && pool.take_fresh(&origin).is_none());
        // The older one is still there for others, until it is too old for everyone.
        assert_eq!(pool.lanes().lane(&origin).unwrap().idle.len(), 1);
        age(LIFETIME);
        assert!(pool.take(&origin).is_none());
        assert!(pool.lanes().lane(&origin).unwrap().idle.is_empty());
    }

    #[tokio::test]
    async fn connections_are_opened_one_at_a_time_until_it_is_known_whether_they_are_shared() {
        let (pool, origin) = (Pool::new(1), origin());
        assert!(pool.gate(&origin).is_some());
        let (ours, _theirs) = tokio::io::duplex(1 << 16);
        let (sender, _connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
        pool.opened(&origin, Sender::Http1(sender));
        assert!(pool.gate(&origin).is_none());
        let plain = Origin::of(&"http://example.com".parse().unwrap()).unwrap();
        assert!(pool.gate(&plain).is_none());
    }
}
