//! What became of a request that has no good answer: errors and statuses, told apart.
//!
//! | kind | found by | may be mended by asking again |
//! |---|---|---|
//! | dns | our resolver's own error | yes |
//! | template | our resolver, for an address that may not be asked | no |
//! | connect | any other error before TLS begins; what a proxy says itself (see `proxy`) | yes |
//! | tls | what rustls refuses: certificates, alerts, bytes that are no TLS | no |
//! | tls | a handshake that breaks off | yes |
//! | timeout | our watch, or the operating system's | yes |
//! | reset | the connection ends before the answer does | yes |
//! | protocol | bytes that are no HTTP | no |
//! | too_large | the answer's head above its limit (over HTTP/2 that is `protocol`: h2 does not say more) | no |
//! | status | a status that is not a success, a success that is no answer yet, or a part of one | yes |
//!
//! Which of those that may be mended are worth repeating the job says: [`Policy::weigh`](super::retry::Policy::weigh).
//! A request that may not be sent twice is another matter: [`may_have_been_taken`].

use std::borrow::Cow;
use std::error::Error;
use std::io;

use hyper::StatusCode;

use super::origin::Origin;
use super::proxy::Proxy;
use super::resolve::NoAddress;
use super::tls_error;
use crate::record::{Failure, Kind};

/// Most headers of an answer over HTTP/1.1. Policies and debugging headers of content networks come to more than a
/// hundred, which is hyper's own bound; curl reads 5,000. hyper allocates for as many with each answer, which takes
/// longer than all else that is done for a request, so connections are wide only where they need be (see `pool`).
pub(super) const MAX_HEADERS: usize = 1024;

/// Characters of an error page that go into the detail.
const EXCERPT: usize = 160;

/// hyper has no question for this in its client: the text of its error for a head above its limits.
const HEAD_TOO_LARGE: &str = "message head is too large";

type BoxError = Box<dyn Error + Send + Sync>;

/// An error on the way to a connection.
pub(super) fn not_connected(origin: &Origin, error: &BoxError) -> Failure {
    let from_tls = error.downcast_ref::<io::Error>().is_some();
    let error: &(dyn Error + 'static) = &**error;
    match find::<NoAddress>(error) {
        Some(NoAddress::NotResolved(why)) => return Failure::passing(Kind::Dns, why.to_string()),
        Some(NoAddress::NotAdmitted(why)) => return Failure::lasting(Kind::Template, why.to_string()),
        None => {}
    }
    let told = format!("{origin}: {}", story(error));
    if let Some(error) = find::<rustls::Error>(error) {
        Failure::lasting(Kind::Tls, format!("{origin}: {}", tls_error::told(error)))
    } else if from_tls {
        Failure::passing(Kind::Tls, format!("the handshake broke off: {told}"))
    } else if io_kind(error) == Some(io::ErrorKind::TimedOut) {
        Failure::passing(Kind::Timeout, told)
    } else {
        Failure::passing(Kind::Connect, told)
    }
}

/// An error on the way to a proxy.
pub(super) fn no_proxy(proxy: &Proxy, origin: &Origin, error: &BoxError) -> Failure {
    let error: &(dyn Error + 'static) = &**error;
    if let Some(NoAddress::NotResolved(why)) = find::<NoAddress>(error) {
        return Failure::passing(Kind::Dns, format!("{proxy}: {why}"));
    }
    let kind = if io_kind(error) == Some(io::ErrorKind::TimedOut) { Kind::Timeout } else { Kind::Connect };
    Failure::passing(kind, format!("no connection to {proxy}, for {origin}: {}", story(error)))
}

/// An error between sending the request and the answer's head.
pub(super) fn no_answer(error: &hyper::Error) -> Failure {
    if error.is_parse() && error.to_string() == HEAD_TOO_LARGE {
        let why = format!("the answer's head has more than {MAX_HEADERS} headers, or too long ones");
        return Failure::lasting(Kind::TooLarge, why);
    }
    if error.is_parse() {
        return Failure::lasting(Kind::Protocol, story(error));
    }
    broken(error)
}

/// Whether an error says that the server has not acted on the request, and will not (RFC 9113, section 8.7): it refused
/// the stream, or the stream lies beyond the last that it will look at before it goes away.
pub(super) fn was_refused(error: &hyper::Error) -> bool {
    // h2 ends the streams beyond the last with the GOAWAY itself, those before it with the end of the connection.
    find::<h2::Error>(error).is_some_and(|error| {
        let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (is_refused || error.is_go_away())
    })
}

/// An error in the middle of the body.
pub(super) fn broken_body(error: &hyper::Error) -> Failure {
    match io_kind(error) {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
            Failure::lasting(Kind::Protocol, story(error))
        }
        _ => broken(error),
    }
}

/// A connection that is of no more use.
fn broken(error: &hyper::Error) -> Failure {
    let told = story(error);
    if let Some(error) = find::<rustls::Error>(error) {
        return Failure::lasting(Kind::Tls, tls_error::told(error));
    }
    // h2 says "detected" where the other side broke the protocol, "received" where it ended the stream.
    if io_kind(error).is_none() && told.contains("error detected") {
        return Failure::lasting(Kind::Protocol, told);
    }
    Failure::passing(Kind::Reset, format!("the connection ended before the answer did: {told}"))
}

/// An answer whose status is not a success; `asked_with` follows it in the detail. Which statuses pass, only the job
/// knows.
pub(super) fn status(status: StatusCode, asked_with: &str, page: &str) -> Failure {
    let mut detail = format!("{status}{asked_with}");
    let excerpt = excerpt(page);
    if !excerpt.is_empty() {
        detail = format!("{detail}: {excerpt}");
    }
    Failure::passing(Kind::Status, detail).with_status(status.as_u16())
}

/// A success that holds no answer yet (RFC 9110, section 15.3.3), or one that the job lists as worth repeating.
pub(super) fn no_answer_yet(status: StatusCode) -> Failure {
    Failure::passing(Kind::Status, format!("{status}: no answer yet")).with_status(status.as_u16())
}

/// A part of the answer, where all of it was asked for (RFC 9110, section 15.3.7).
pub(super) fn a_part(status: StatusCode, range: Option<&str>) -> Failure {
    let detail = match range {
        Some(range) => format!("{status}: only the range {range} of the answer"),
        None => format!("{status}: a part of the answer, nothing says which"),
    };
    Failure::passing(Kind::Status, detail).with_status(status.as_u16())
}

/// What becomes of a failure of a request that the server may have acted on, and that may not be sent twice: nobody
/// asks it again.
pub(super) fn may_have_been_taken(failure: Failure) -> Failure {
    if !failure.worth_repeating {
        return failure;
    }
    let why = "not sent again (idempotent = true allows it), as the server may have acted on it";
    Failure { status: failure.status, ..Failure::lasting(failure.kind, format!("{why}: {}", failure.detail)) }
}

/// The beginning of an error page on one line; nothing of HTML and of what is no text.
fn excerpt(text: &str) -> String {
    if text.trim_start().starts_with('<') || text.contains(['\0', char::REPLACEMENT_CHARACTER]) {
        return String::new();
    }
    let line: Vec<&str> = text.split_whitespace().take(EXCERPT).collect();
    line.join(" ").chars().take(EXCERPT).collect()
}

/// The messages of an error and its causes, each once.
fn story(error: &(dyn Error + 'static)) -> String {
    let mut told: Vec<String> = Vec::new();
    for error in causes(error) {
        let message = error.to_string();
        if !told.iter().any(|earlier| earlier.contains(&message)) {
            told.push(message);
        }
    }
    told.join(": ")
}

/// The kind of the innermost I/O error.
fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    causes(error).filter_map(|error| error.downcast_ref::<io::Error>()).last().map(io::Error::kind)
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref::<E>())
}

/// An error and what caused it. An `io::Error` stands for the error that it wraps: its own `source` would
/// skip that one.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// A redirect that is not followed.
pub(super) fn bad_redirect(why: impl Into<Cow<'static, str>>, status: StatusCode) -> Failure {
    Failure::lasting(Kind::Redirect, why.into()).with_status(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_quotes_a_short_text_and_nothing_else() {
        let detail = |page: &str| status(StatusCode::UNAUTHORIZED, "", page).detail;
        assert_eq!(detail("{\"Error\":\n \"bad key\"}"), "401 Unauthorized: {\"Error\": \"bad key\"}");
        assert_eq!(detail(" <html>no</html>"), "401 Unauthorized");
        assert_eq!(detail("\u{fffd}\0"), "401 Unauthorized");
        assert!(detail(&"é ".repeat(10_000)).chars().count() < EXCERPT + 30);
    }

    #[test]
    fn wrapped_errors_are_found() {
        let origin = Origin::of(&"https://example.com".parse().unwrap()).unwrap();
        let inner = rustls::Error::HandshakeNotComplete;
        let error: BoxError = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner)).into();
        let failure = not_connected(&origin, &error);
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Tls, false));
        let broken: BoxError = io::Error::other(io::Error::from(io::ErrorKind::UnexpectedEof)).into();
        let failure = not_connected(&origin, &broken);
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Tls, true));
    }
}
