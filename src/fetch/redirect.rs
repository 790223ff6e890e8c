//! Where an answer leads: redirects, followed by our own loop so that nothing secret leaves its origin, and the
//! rules that next pages share with them.
//!
//! A credential belongs to the origin that the job names: a redirect to another scheme, host or port loses
//! the headers that hold secrets, `authorization` and `cookie`, for good. One that hands our secret on in its own
//! address is not followed at all, nor is one that takes a payload with a secret elsewhere, nor one from https to
//! http, nor one beyond the question's reach.

use hyper::header::{HOST, HeaderMap, LOCATION};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode};
use url::{Position, Url};

use super::classify;
use super::origin::Origin;
use super::question::Question;
use super::request::Request;
use crate::record::Failure;

const HANDS_ON: &str =
    "it would hand a secret of the job to another origin; hint: put the final address into the job's url";

/// Whether a status sends a request elsewhere (RFC 9110, section 15.4).
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether a redirect says that the request was taken, and that its outcome is to be seen elsewhere. After 307 and
/// 308 the request itself goes on.
pub(super) fn was_taken(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301..=303)
}

/// The request that a redirect asks for instead of `request`.
pub(super) fn follow(
    question: &Question,
    request: &Request,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Request, Failure> {
    let refused = |why: String| classify::bad_redirect(why, status);
    let location = location(headers).map_err(|why| refused(why.to_owned()))?;
    let next = match becomes_get(status, &request.method) {
        true => lead(question, &request.clone().without_payload(), location),
        false => lead(question, request, location),
    };
    next.map_err(|why| refused(format!("to {why}")))
}

/// The request to which a server's answer leads, its method and payload as they were: an absolute or relative
/// `reference`. Or why it may not be followed, beginning with the address.
pub(super) fn lead(question: &Question, from: &Request, reference: &str) -> Result<Request, String> {
    let shown = question.mask.apply(reference);
    let url = absolute(from, reference).map_err(|error| format!("{shown:?}: {error}"))?;
    let refused = |why: &str| format!("{shown}: {why}");
    let origin = Origin::of(&url).map_err(refused)?;
    let target = target(&url).ok_or_else(|| refused("its URL is not valid or too long"))?;
    if from.origin.is_https() && !origin.is_https() {
        return Err(refused("from https to http is never followed"));
    }
    question.reach.admits(&origin).map_err(|why| refused(&why))?;
    let mut headers = from.headers.clone();
    if origin != from.origin {
        if question.mask.finds_in(url.as_str()) || !from.payload_marks.is_empty() {
            return Err(refused(HANDS_ON));
        }
        leave_credentials_behind(&mut headers, question);
        headers.insert(HOST, origin.host());
    }
    let marks = question.mask.marks(target.as_str());
    Ok(Request { origin, target, headers, marks, ..from.clone() })
}

/// The redirect that is one too many.
pub(super) fn too_many(question: &Question, status: StatusCode, headers: &HeaderMap) -> Failure {
    let last = location(headers).map(|location| question.mask.apply(location)).unwrap_or_default();
    let most = question.bounds.max_redirects;
    classify::bad_redirect(format!("more than {most} redirects, the last one to {last}"), status)
}

/// Whether a redirect is followed with GET: 303 says so, and for POST the older ones are taken so by all (the Fetch
/// standard, "HTTP-redirect fetch").
fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        303 => *method != Method::GET && *method != Method::HEAD,
        301 | 302 => *method == Method::POST,
        _ => false,
    }
}

fn location(headers: &HeaderMap) -> Result<&str, &'static str> {
    let value = headers.get(LOCATION).ok_or("without a Location header")?;
    std::str::from_utf8(value.as_bytes()).map_err(|_| "to a Location that is not text")
}

/// A relative reference is resolved against the URL that was asked (RFC 3986, section 5).
pub(super) fn absolute(request: &Request, reference: &str) -> Result<Url, url::ParseError> {
    Url::parse(&format!("{}{}", request.origin, request.target))?.join(reference)
}

fn target(url: &Url) -> Option<PathAndQuery> {
    url[Position::BeforePath..Position::AfterQuery].parse().ok()
}

fn leave_credentials_behind(headers: &mut HeaderMap, question: &Question) {
    for name in &question.headers.credentials {
        headers.remove(name);
    }
}
