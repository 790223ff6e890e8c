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

/// Addresses remembered for a name. A name with more of them is no host of a private network.
const MOST_ADDRESSES: usize = 64;

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
    system: System,
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver { entries: Arc::default(), admits: |_| true, system: System::default() }
    }
}

/// Locked while a look-up is under way.
type Entry = Arc<tokio::sync::Mutex<Known>>;

/// What is known of a name.
#[derive(Default)]
struct Known {
    latest: Option<LookedUp>,
    /// All its addresses so far, one more than [`MOST_ADDRESSES`] at the most.
    ever: Vec<IpAddr>,
}

impl Known {
    fn learn(&mut self, latest: LookedUp) {
        for address in latest.result.iter().flatten().map(SocketAddr::ip) {
            if self.ever.len() <= MOST_ADDRESSES && !self.ever.contains(&address) {
                self.ever.push(address);
            }
        }
        self.latest = Some(latest);
    }
}

struct LookedUp {
    at: Instant,
    result: Result<Vec<SocketAddr>, NotResolved>,
}

impl LookedUp {
    /// Whether it serves someone who has been waiting since `asked`, or within its lifetime anybody.
    fn serves(&self, asked: Instant, lifetime: Duration) -> bool {
        self.at >= asked || (self.result.is_ok() && self.at.elapsed() < lifetime)
    }
}

impl Resolver {
    /// One that gives out only addresses that `admits` holds for, from the same memory.
    pub(super) fn only(&self, admits: fn(IpAddr) -> bool) -> Resolver {
        Resolver { admits, ..self.clone() }
    }

    /// One for which names lead where a test says, each time that it is asked.
    #[cfg(test)]
    pub(super) fn told(names: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Resolver {
        Resolver { system: System::Told(Arc::new(names)), ..Resolver::default() }
    }

    /// Whether a name has ever led to an address that may be connected to: who answered as this name may have been there,
    /// whatever the name leads to by now.
    pub(super) async fn has_led(&self, name: &str) -> bool {
        let entry = self.entry(name);
        let known = entry.lock().await;
        known.ever.len() > MOST_ADDRESSES || known.ever.iter().any(|address| (self.admits)(*address))
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
        if let Some(earlier) =
            known.latest.as_ref().filter(|earlier| earlier.serves(asked, self.system.lifetime()))
        {
            return earlier.result.clone();
        }
        let result = self.system.look_up(name).await;
        known.learn(LookedUp { result: result.clone(), at: Instant::now() });
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

/// Who is asked about names.
#[derive(Clone, Default)]
enum System {
    /// The operating system.
    #[default]
    Own,
    #[cfg(test)]
    Told(Arc<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>),
}

impl System {
    fn lifetime(&self) -> Duration {
        match self {
            System::Own => LIFETIME,
            #[cfg(test)]
            System::Told(_) => Duration::ZERO,
        }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<SocketAddr>, NotResolved> {
        let found = match self {
            System::Own => tokio::net::lookup_host((name, 0)).await.map(Iterator::collect),
            #[cfg(test)]
            System::Told(names) => {
                Ok(names(name).into_iter().map(|address| SocketAddr::new(address, 0)).collect())
            }
        };
        resolved(name, found)
    }
}

fn resolved(name: &str, found: io::Result<Vec<SocketAddr>>) -> Result<Vec<SocketAddr>, NotResolved> {
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
        resolver.entry(name).lock().await.latest.as_ref().map(|looked_up| looked_up.at)
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

    #[tokio::test]
    async fn where_a_name_has_led_is_known_whatever_it_leads_to_now() {
        let leads_to = Arc::new(Mutex::new(vec!["8.8.8.8".parse().unwrap()]));
        let now = leads_to.clone();
        let resolver = Resolver::told(move |_| now.lock().unwrap().clone()).only(reach::is_public);
        let ask = async || resolver.clone().resolve("a.test".to_owned()).await.is_ok();
        assert!(!resolver.has_led("a.test").await && ask().await && resolver.has_led("a.test").await);
        *leads_to.lock().unwrap() = vec!["127.0.0.1".parse().unwrap()];
        assert!(!ask().await && resolver.has_led("a.test").await);
        *leads_to.lock().unwrap() = (0..100).map(|last| IpAddr::from([10, 0, 0, last])).collect();
        assert!(resolver.clone().resolve("b.test".to_owned()).await.is_err());
        assert!(resolver.has_led("b.test").await, "a hundred addresses are no host's of one's own");
        assert!(resolver.entry("b.test").lock().await.ever.len() == MOST_ADDRESSES + 1);
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
        assert!(good.serves(at, LIFETIME) && good.serves(later, LIFETIME));
        assert!(bad.serves(at, LIFETIME) && !bad.serves(later, LIFETIME));
        let old = LookedUp { at: at.checked_sub(LIFETIME).unwrap(), result: Ok(Vec::new()) };
        assert!(!old.serves(later, LIFETIME));
    }
}
