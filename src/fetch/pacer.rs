//! Who says when a request may be sent, and is told what became of it.

use std::future::Future;
use std::time::Duration;

use super::origin::Origin;
use crate::record::Kind;

/// The budget that requests are taken from: how many in flight, how many in a time, for as long as the run goes on.
///
/// [`ask`](super::Client::ask) starts every HTTP request with it, repeated attempts and the steps of a redirect
/// included, and drops the permit when the answer is whole or given up. No permit is held during a pause.
pub trait Pacer {
    /// Held while a request is in flight.
    type Permit: Permit;

    /// Waits for its turn to ask an origin. A pacer that waits long watches for the interruption itself.
    fn start(&self, origin: &Origin) -> impl Future<Output = Result<Self::Permit, Refused>>;

    /// The server asked everyone to wait this long (`Retry-After`). By default only the pair that was told waits.
    fn pause(&self, _origin: &Origin, _wait: Duration) {}

    /// A question waits for something else than its turn from now on, until what this returns is dropped.
    fn aside(&self, _what: Aside<'_>) -> impl Sized {}

    /// The server says how many more requests it takes within that time.
    fn takes(&self, _origin: &Origin, _requests: u64, _within: Duration) {}
}

/// What a question waits for that is not its turn.
#[derive(Debug, Clone, Copy)]
pub enum Aside<'a> {
    /// The access token of this name.
    Token(&'a str),
    /// The time between two attempts, of which the first failed so.
    BackOff(Kind),
}

/// Leave to send one request.
pub trait Permit {
    /// Waits on where everybody was told to, between the leave and the moment at which the request can be written.
    fn ready(&self) -> impl Future<Output = Result<(), Refused>> {
        std::future::ready(Ok(()))
    }

    /// What became of the request.
    fn ended(&self, _how: Ended) {}
}

/// Leave where nothing is counted.
impl Permit for () {}

/// What became of a request, as far as it tells how the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was answered, within this time from when it was written.
    Answered(Duration),
    /// It was refused by somebody who is there: until a time that he names, or since it makes no sense to him.
    Refused,
    /// It was sent this long ago, and came to nothing: no answer in time, none at all, or one that says no more than that
    /// the server cannot (429 and 5xx).
    Lost(Duration, Kind),
    /// There was no connection to send it on.
    Silent(Kind),
}

/// Why no request is sent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The run was interrupted.
    Interrupted,
    /// The limit on requests is used up.
    MaxRequests,
    /// A quota is used up; there is a new one at this time, in seconds since 1970.
    Quota {
        /// In seconds since 1970.
        renews_at: u64,
    },
    /// Its host does not answer anybody.
    HostDown,
}
