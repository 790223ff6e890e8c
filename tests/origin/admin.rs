//! The paths under `/_admin/`: counts, arrivals and knobs. They are neither counted nor disturbed, even when the origin is down.
//!
//! | | |
//! |---|---|
//! | `GET /_admin/counts` | requests by endpoint; `?full=1` names every id |
//! | `GET /_admin/arrivals` | with the knob `arrivals`: when requests came, and when a 429 or 503 was written; `?from=US&to=US` of a span of time, `?full=1` every one |
//! | `POST /_admin/reset` | counts and arrivals back to nothing (and with the counts the draws) |
//! | `GET /_admin/knobs` | the knobs as they are |
//! | `POST /_admin/knobs` | changes those that the JSON object names, answers all |
//! | `GET /_admin/truth/…` | what a document says, told in another way: see `truth` |

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use crate::answer::Answer;
use crate::arrivals::Span;
use crate::origin::Origin;
use crate::query::Query;
use crate::truth;

/// Longest body that is read, in bytes.
const MOST_READ: usize = 16 << 20;

const TRUTH: &str = "/_admin/truth/";

/// Answers a request for a path under `/_admin/`.
pub async fn answer(origin: &Origin, parts: &Parts, body: Incoming) -> Answer {
    let query = Query(parts.uri.query().unwrap_or_default());
    match (parts.uri.path(), &parts.method) {
        ("/_admin/counts", &Method::GET) => Answer::value(&origin.counts.borrow().report(query.says("full"))),
        ("/_admin/arrivals", &Method::GET) => arrivals(origin, query),
        ("/_admin/reset", &Method::POST) => {
            origin.arrivals.borrow_mut().reset();
            origin.counts.borrow_mut().reset();
            Answer::value(&origin.counts.borrow().report(false))
        }
        ("/_admin/knobs", &Method::GET) => Answer::value(&origin.knobs()),
        ("/_admin/knobs", &Method::POST) => match read(body).await {
            Ok(changes) => change_knobs(origin, &changes),
            Err(answer) => answer,
        },
        (path, &Method::GET) if path.starts_with(TRUTH) => {
            truth::answer(&path[TRUTH.len()..], query, origin.knobs().odds_round)
        }
        _ => Answer::problem(
            StatusCode::NOT_FOUND,
            "GET or POST counts, arrivals, reset, knobs or truth; see --help",
        ),
    }
}

fn arrivals(origin: &Origin, query: Query<'_>) -> Answer {
    let span = Span { from: query.number("from").unwrap_or(0), to: query.number("to").unwrap_or(u64::MAX) };
    Answer::value(&origin.arrivals.borrow().report(span, query.says("full")))
}

fn change_knobs(origin: &Origin, changes: &[u8]) -> Answer {
    match origin.knobs().changed(changes) {
        Ok(knobs) => {
            origin.set_knobs(knobs);
            Answer::value(&origin.knobs())
        }
        Err(message) => Answer::problem(StatusCode::BAD_REQUEST, &message),
    }
}

/// A request's whole body, or the answer to one that cannot be read.
pub async fn read(body: Incoming) -> Result<Bytes, Answer> {
    match Limited::new(body, MOST_READ).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) => Err(Answer::problem(StatusCode::BAD_REQUEST, &format!("the body: {error}"))),
    }
}
