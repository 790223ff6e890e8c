//! From a record's values to a decoded answer, or to a classified failure.
//!
//! ```text
//! Question  an endpoint compiled: templates, secrets, limits        question, target, piece, encode, canonical, secrets
//!    │ build(values)
//! Request   one URL with its headers                                request, origin
//!    │ Client::ask
//! attempt   with a permit of the pacer; again after a pause         ask, pacer, retry
//!    │                                    redirects on the way       redirect
//! exchange  one request on one connection, under one timer          exchange, pool, connect, resolve, watch
//!    │                                    body, content encoding     body
//! Asked     Answer or Failure, and what it cost                     asked, classify
//! ```
//!
//! What holds here:
//!
//! - **The template owns the URL.** A value is encoded into its slot; one that would change the path's shape, or
//!   cannot be carried, is a failure of kind `template`, never a request.
//! - **A credential belongs to one origin.** Redirects are followed by our own loop, bounded, without the secrets
//!   as soon as scheme, host or port differ, and never from https to http. TLS is always verified.
//! - **A secret is never shown**: not in errors, details, or `Debug` output, even where a server sends it back.
//! - **Everything is bounded**: connecting, each piece, the whole; head, body and decoded body; redirects,
//!   attempts and pauses.
//! - **An error is data.** Whatever a server does ends in an [`Asked`]; nothing here panics over it.
//!
//! This is the only door to hyper and rustls.

mod ask;
mod asked;
mod body;
mod canonical;
mod classify;
mod connect;
mod encode;
mod exchange;
mod origin;
mod pacer;
mod piece;
mod pool;
mod question;
mod redirect;
mod request;
mod resolve;
mod retry;
mod secrets;
mod target;
#[cfg(test)]
mod tests;
mod watch;

pub use asked::{Answer, Asked};
pub use pacer::{Pacer, Refused};
pub use question::{Question, QuestionError};
pub use request::Request;
pub use secrets::Secrets;

use crate::record::Value;

/// Asks questions: one per process, its connections are shared by all endpoints. Lives on a tokio runtime.
pub struct Client {
    pool: pool::Pool,
    connector: connect::Connector,
}

/// What a client needs to know beforehand.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Unused connections kept per origin: as many as there are requests in flight, or some are closed and
    /// opened again all the time.
    pub max_idle: usize,
}

impl Client {
    /// A client without connections.
    pub fn new(settings: &ClientSettings) -> Client {
        Client { pool: pool::Pool::new(settings.max_idle), connector: connect::Connector::new() }
    }
}

/// What a template's slots are filled from: one record.
pub trait Values {
    /// The input's value in that column.
    fn input(&self, column: usize) -> &Value;

    /// What an earlier endpoint's answer gave for one of its columns; `None` where it has no answer.
    fn answer(&self, endpoint: usize, column: usize) -> Option<&Value>;
}
