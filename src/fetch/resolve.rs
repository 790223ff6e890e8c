//! Host names to addresses, through the operating system, remembered for a short while.
//!
//! The system's resolver blocks a thread for each look-up. A hundred connections opened at once, or a server
//! that closes each after one answer, would look the same name up again and again: here one look-up serves all
//! who wait for it, and its result serves for [`LIFETIME`]. A failure serves only those who were waiting.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::dns::Name;
use tokio::time::Instant;
use tower_service::Service;

use super::reach;

/// How long an address is trusted: the order of the shortest time-to-live that services use to move hosts.
const LIFETIME: Duration = Duration::from_secs(30);

/// Names that are remembered. A job's endpoints have few, but a list of whole URLs may have as many as lines.
const MOST_NAMES: usize = 4096;

/// A name did not resolve.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{name} did not resolve: {why}")]
pub(super) struct NotResolved {
    name: Arc<str>,
    why: Arc<str>,
}

/// A name leads to no address that may be connected to.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", reach::not_public(.name, *.address))]
pub(super) struct NotAdmitted {
    name: Arc<str>,
    address: IpAddr,
}

/// Why a name gives no address.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum NoAddress {
    #[error(transparent)]
    NotResolved(#[from] NotResolved),
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
}

/// The resolver; its clones share what they remember.
#[derive(Clone)]
pub(super) struct Resolver {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
    /// Holds for the addresses that are given out.
    admits: fn(IpAddr) -> bool,
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver { entries: Arc::default(), admits: |_| true }
    }
}

/// Locked while a look-up is under way.
type Entry = Arc<tokio::sync::Mutex<Option<LookedUp>>>;

struct LookedUp {
    at: Instant,
    result: Result<Vec<SocketAddr>, NotResolved>,
}

impl LookedUp {
    /// Whether it serves someone who has been waiting since `asked`.
    fn serves(&self, asked: Instant) -> bool {
        self.at >= asked || (self.result.is_ok() && self.at.elapsed() < LIFETIME)
    }
}

impl Resolver {
    /// One that gives out only addresses that `admits` holds for, from the same memory.
    pub(super) fn only(&self, admits: fn(IpAddr) -> bool) -> Resolver {
        Resolver { entries: self.entries.clone(), admits }
    }

    /// The addresses of a name that may be connected to.
    pub(super) async fn resolve(self, name: String) -> Result<std::vec::IntoIter<SocketAddr>, NoAddress> {
        let mut addresses = self.addresses(&name).await?;
        let first = addresses.first().map(SocketAddr::ip);
        addresses.retain(|address| (self.admits)(address.ip()));
        match first {
            Some(address) if addresses.is_empty() => Err(NotAdmitted { name: name.into(), address }.into()),
            _ => Ok(addresses.into_iter()),
        }
    }

    async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, NotResolved> {
        let asked = Instant::now();
        let entry = self.entry(name);
        let mut known = entry.lock().await;
        let served = match known.take() {
            Some(earlier) if earlier.serves(asked) => earlier,
            _ => LookedUp { result: look_up(name).await, at: Instant::now() },
        };
        let result = served.result.clone();
        *known = Some(served);
        result
    }

    fn entry(&self, name: &str) -> Entry {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST_NAMES && !entries.contains_key(name) {
            // Those that somebody is waiting for stay.
            entries.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        entries.entry(name.to_owned()).or_default().clone()
    }
}

async fn look_up(name: &str) -> Result<Vec<SocketAddr>, NotResolved> {
    let found: io::Result<Vec<SocketAddr>> = tokio::net::lookup_host((name, 0)).await.map(Iterator::collect);
    let failed = |why: String| NotResolved { name: name.into(), why: why.into() };
    match found {
        Ok(addresses) if addresses.is_empty() => Err(failed("it has no address".to_owned())),
        Ok(addresses) => Ok(addresses),
        Err(error) => Err(failed(error.to_string())),
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NoAddress;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NoAddress>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoAddress>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().resolve(name.as_str().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn remembered(resolver: &Resolver, name: &str) -> Option<Instant> {
        resolver.entry(name).lock().await.as_ref().map(|looked_up| looked_up.at)
    }

    #[tokio::test]
    async fn an_address_is_remembered_and_a_failure_is_not() {
        let resolver = Resolver::default();
        assert!(resolver.clone().resolve("localhost".to_owned()).await.unwrap().count() > 0);
        let first = remembered(&resolver, "localhost").await.unwrap();
        assert!(resolver.clone().resolve("localhost".to_owned()).await.is_ok());
        assert_eq!(remembered(&resolver, "localhost").await, Some(first));

        let name = "no-such-host.invalid";
        assert!(resolver.clone().resolve(name.to_owned()).await.is_err());
        let first = remembered(&resolver, name).await.unwrap();
        assert!(resolver.clone().resolve(name.to_owned()).await.is_err());
        assert!(remembered(&resolver, name).await.unwrap() > first);
    }

    #[tokio::test]
    async fn addresses_that_are_not_admitted_are_not_given_out() {
        let all = Resolver::default();
        let found: Vec<SocketAddr> = all.clone().resolve("localhost".to_owned()).await.unwrap().collect();
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
        // What one resolver remembers serves the other, and is judged by each.
        let public = all.only(reach::is_public);
        let refused = public.resolve("localhost".to_owned()).await.unwrap_err();
        assert!(refused.to_string().starts_with("localhost leads to "), "{refused}");
        let v4 = all.only(|address| address.is_ipv4());
        let some: Vec<SocketAddr> = v4.resolve("localhost".to_owned()).await.unwrap().collect();
        assert!(!some.is_empty() && some.iter().all(SocketAddr::is_ipv4), "{some:?}");
    }

    #[test]
    fn names_are_forgotten_when_there_are_too_many() {
        let resolver = Resolver::default();
        let awaited = resolver.entry("awaited");
        for number in 0..10 * MOST_NAMES {
            resolver.entry(&number.to_string());
        }
        assert!(resolver.entries.lock().unwrap().len() <= MOST_NAMES);
        assert!(Arc::ptr_eq(&awaited, &resolver.entry("awaited")));
    }

    #[test]
    fn results_serve_those_who_waited_and_good_ones_a_while_longer() {
        let at = Instant::now();
        let good = LookedUp { at, result: Ok(Vec::new()) };
        let bad = LookedUp { at, result: Err(NotResolved { name: "a".into(), why: "b".into() }) };
        let later = at + Duration::from_millis(1);
        assert!(good.serves(at) && good.serves(later));
        assert!(bad.serves(at) && !bad.serves(later));
        let old = LookedUp { at: at.checked_sub(LIFETIME).unwrap(), result: Ok(Vec::new()) };
        assert!(!old.serves(later));
    }
}
