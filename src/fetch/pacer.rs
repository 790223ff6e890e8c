//! Who says when a request may be sent.

use std::future::Future;
use std::time::Duration;

/// The budget that requests are taken from: so many in flight, so many in all, for as long as the run goes on.
///
/// [`ask`](super::Client::ask) starts every HTTP request with it, repeated attempts and the steps of a redirect
/// included, and drops the permit when the answer is whole or given up. No permit is held during a pause.
pub trait Pacer {
    /// Held while a request is in flight.
    type Permit;

    /// Waits for its turn. A pacer that waits long watches for the interruption itself.
    fn start(&self) -> impl Future<Output = Result<Self::Permit, Refused>>;

    /// The server asked everyone to wait this long (`Retry-After`). By default only the pair that was told waits.
    fn pause(&self, _wait: Duration) {}
}

/// Why no request is sent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The run was interrupted.
    Interrupted,
    /// The limit on requests is used up.
    MaxRequests,
}
