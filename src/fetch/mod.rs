//! From a record's values to a decoded answer, or to a classified failure.
//!
//! ```text
//! Question  an endpoint compiled: templates, secrets, limits        question, secrets
//!    │                                    URL, headers, payload       target (template, given), headers, payload
//!    │                                    made of pieces in places    piece, place, encode, canonical, marked
//!    │ build(values), build_batch(records), next_page(last, step)     page
//! Request   method, URL, headers, payload                           request, origin
//!    │ Client::ask
//! attempt   with a permit of the pacer; again after a pause         ask, progress, pacer, retry
//!    │                                    redirects on the way       redirect, cookies
//!    │                                    who may be asked at all    reach
//! exchange  one request on one connection, under one timer          exchange, pool, connect, streams, resolve, watch
//!    │                                    proxy, certificates        network, proxy, tls, tls_error
//!    │                                    what a reply means         judge
//!    │                                    body                       body
//!    │                                    encoding                   encoding
//!    │                                    all of it, a part, nothing completeness
//!    │                                    the next page              link
//!    │                                    how much may be asked      ratelimit
//! Asked     Answer or Failure, and what it cost                     asked, classify
//!    │                                    whether the secrets were accepted  credential
//!    │ Question::text(answer)
//!    │                                    the same as a shell's line  curl, shell_line
//! text      in UTF-8, of the kind that the job reads                charset, prescan, content_type, sniff
//! ```
//!
//! What holds here:
//!
//! - **The template owns the URL.** A value is encoded into its slot; one that would change the path's shape, or
//!   cannot be carried, is a failure of kind `template`, never a request. The same goes for a payload's JSON or form.
//! - **A whole URL from the input** asks the hosts that the job names, or public addresses only: judged by the address
//!   that is connected to, never over a connection that was opened without asking. So does what a public host leads to by
//!   a redirect or a next page.
//! - **A request that may not be sent twice is not**, unless the server cannot have acted on it.
//! - **A credential belongs to one origin.** Redirects are followed by our own loop, bounded, without the job's headers
//!   as soon as scheme, host or port differ, and never from https to http. TLS is always verified.
//! - **A token is asked for once** by all processes of the user ([`Tokens`]).
//! - **A proxy's answer is not its host's**, where it can be told from that: always of an https host. Its password goes to
//!   it alone, and nothing secret to it of an https host. A client's certificate is shown to the endpoint's own origin
//!   only.
//! - **A secret is never shown**: not in errors, details, or `Debug` output, even where a server sends it back.
//! - **A part is no answer**: not a 206 that nobody asked for, not a 202 with nothing in it, not a `Link` header that
//!   cannot be read where a next page may stand in it.
//! - **Everything is bounded**: connecting, each piece, the whole; payload, head, body and decoded body; redirects,
//!   attempts and pauses.
//! - **Bytes are read as what they are.** An answer is handed on as it came, only its codings undone; what it says in
//!   UTF-8 is asked for apart ([`Question::text`]), and is a failure where it is another thing than the job reads.
//! - **An error is data.** Whatever a server does ends in an [`Asked`]; nothing here panics over it.
//!
//! This is the only door to hyper and rustls.

mod ask;
mod asked;
mod asker;
mod body;
mod canonical;
mod charset;
mod classify;
mod completeness;
mod connect;
mod content_type;
mod cookies;
mod credential;
mod curl;
mod encode;
mod encoding;
mod exchange;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod given;
mod headers;
mod judge;
mod link;
mod marked;
mod mask;
mod network;
mod origin;
mod pacer;
mod page;
mod part;
mod payload;
mod piece;
mod pool;
mod post;
mod prescan;
mod progress;
mod proxy;
mod question;
mod ratelimit;
mod reach;
mod redirect;
mod request;
mod request_part;
mod resolve;
mod retry;
mod secret;
mod shell_line;
mod sniff;
mod spelled;
mod streams;
mod target;
mod template;
#[cfg(test)]
mod tests;
mod tls;
mod tls_error;
mod token;
mod unescaped;
mod watch;

pub use asked::{Answer, Asked, Redacted, SecretsSeen};
pub use asker::{AnswerHead, Asker};
pub use canonical::{json_text, text as canonical_text};
pub use content_type::ContentType;
pub use curl::curl;
pub use mask::Mask;
pub use network::unused_proxy;
pub use origin::Origin;
pub use pacer::{Aside, Ended, Pacer, Permit, Refused};
pub use page::NextStep;
pub use part::PartIs;
pub use post::{PostTo, post_json};
pub use question::{Question, QuestionError};
pub use request::Request;
pub use token::{TokenSettings, Tokens};

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::value::Value;

/// Asks questions: one per process, its connections are shared by all endpoints. Lives on a tokio runtime.
pub struct Client {
    max_idle: usize,
    is_public: fn(IpAddr) -> bool,
    usual: Arc<Doors>,
    /// Of endpoints that say more of their way, by that.
    others: Mutex<Vec<(Arc<network::Network>, Arc<Doors>)>>,
    tokens: Tokens,
}

/// The ways out that have proxy and certificates in common.
struct Doors {
    /// To any address.
    open: Door,
    /// To public addresses only.
    public: Door,
}

/// A way out: connections, and who opens them. What was opened by one is never used by the other, so that whatever
/// goes out by a door has met its conditions.
struct Door {
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
        Client::with(settings.max_idle, connect::Connector::new(), reach::is_public)
    }

    fn with(max_idle: usize, connector: connect::Connector, is_public: fn(IpAddr) -> bool) -> Client {
        let usual = Arc::new(Doors::new(max_idle, connector, is_public));
        Client { max_idle, is_public, usual, others: Mutex::default(), tokens: Tokens::none() }
    }

    /// The same, which asks for these tokens where questions need them.
    pub fn with_tokens(self, tokens: Tokens) -> Client {
        Client { tokens, ..self }
    }

    fn doors(&self, question: &Question) -> Arc<Doors> {
        let Some(network) = &question.network else { return self.usual.clone() };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, doors)) = others.iter().find(|(known, _)| Arc::ptr_eq(known, network)) {
            return doors.clone();
        }
        let connector = self.usual.open.connector.through(network);
        let doors = Arc::new(Doors::new(self.max_idle, connector, self.is_public));
        others.push((network.clone(), doors.clone()));
        doors
    }

    /// Whether an origin accepts a connection, TLS included, within `limit`; no request is sent. An address that is not
    /// public counts only if any of the `questions` may lead to one.
    pub async fn reaches<'a>(
        &self,
        questions: impl Iterator<Item = &'a Question>,
        origin: &Origin,
        limit: Duration,
    ) -> bool {
        let questions: Vec<&Question> = questions.collect();
        // One that asks this very host knows the way to it.
        let named = questions.iter().find(|question| question.reach.names(origin));
        let doors =
            named.or(questions.first()).map_or_else(|| self.usual.clone(), |question| self.doors(question));
        let mut is_public_only = named.is_none();
        for question in &questions {
            is_public_only &= match question.reach.origin() {
                // Who leads there may lead wherever he is himself.
                Some(own) => is_public_only && doors.public.connector.leads_to(own, limit).await,
                None => question.reach.is_public_only(),
            };
        }
        let door = if is_public_only { &doors.public } else { &doors.open };
        door.connector.open(origin, false, limit).await.is_ok()
    }

    /// The ways that a request may go, and whether it must lead to a public address.
    async fn way(&self, question: &Question, request: &Request) -> (Arc<Doors>, bool) {
        let doors = self.doors(question);
        let is_public_only = question.reach.is_public_only()
            || match &request.led_by {
                Some(origin) => {
                    doors.public.connector.leads_to(origin, question.bounds.connect_timeout).await
                }
                None => false,
            };
        (doors, is_public_only)
    }
}

impl Doors {
    fn new(max_idle: usize, connector: connect::Connector, is_public: fn(IpAddr) -> bool) -> Doors {
        let door = |connector| Door { pool: pool::Pool::new(max_idle), connector };
        Doors { public: door(connector.only(is_public)), open: door(connector) }
    }
}

/// What a template's slots are filled from: one record.
pub trait Values {
    /// The input's value in that column.
    fn input(&self, column: usize) -> &Value;

    /// What an earlier endpoint's answer gave for one of its columns; `None` where it has no answer.
    fn answer(&self, endpoint: usize, column: usize) -> Option<&Value>;
}
