//! Host names to addresses, through the operating system, remembered for a short while.
//!
//! The system's resolver blocks a thread for each look-up. A hundred connections opened at once, or a server
//! that closes each after one answer, would look the same name up again and again: here one look-up serves all
//! who wait for it, and its result serves for [`LIFETIME`]. A failure serves only those who were waiting.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::dns::Name;
use tokio::time::Instant;
use tower_service::Service;

/// How long an address is trusted: the order of the shortest time-to-live that services use to move hosts.
const LIFETIME: Duration = Duration::from_secs(30);

/// A name did not resolve.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{name} did not resolve: {why}")]
pub(super) struct NotResolved {
    name: Arc<str>,
    why: Arc<str>,
}

/// The resolver; its clones share what they remember.
#[derive(Clone, Default)]
pub(super) struct Resolver {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
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
    async fn resolve(self, name: String) -> Result<std::vec::IntoIter<SocketAddr>, NotResolved> {
        let asked = Instant::now();
        let entry = self.entry(&name);
        let mut known = entry.lock().await;
        let served = match known.take() {
            Some(earlier) if earlier.serves(asked) => earlier,
            _ => LookedUp { result: look_up(&name).await, at: Instant::now() },
        };
        let result = served.result.clone();
        *known = Some(served);
        result.map(Vec::into_iter)
    }

    fn entry(&self, name: &str) -> Entry {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
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
    type Error = NotResolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NotResolved>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotResolved>> {
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
