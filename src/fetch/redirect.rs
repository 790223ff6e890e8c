//! Where an answer leads: redirects, followed by our own loop so that nothing secret leaves its origin, and the
//! rules that next pages share with them.
//!
//! What a job sends is for the origin that it names: at a redirect to another scheme, host or port the job's headers
//! stay behind, for good, all but `accept` and `user-agent`, since any of them may be a credential. One that hands our
//! secret on in its own address is not followed at all, nor is one that takes a payload with a secret elsewhere, nor one
//! from https to http, nor one beyond the question's reach.
//!
//! A redirect that makes a GET of a POST is followed only where the job says so: the payload would be gone, and what
//! answers would be taken for the answer to it.

use std::borrow::Cow;

use hyper::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderMap, HeaderName, LOCATION, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode};
use percent_encoding::{AsciiSet, percent_encode};
use url::{Position, Url};

use super::classify;
use super::origin::Origin;
use super::question::Question;
use super::request::{ABOUT_PAYLOAD, Request};
use crate::job::Redirects;
use crate::record::Failure;

const HANDS_ON: &str =
    "it would hand a secret of the job to another origin; hint: put the final address into the job's url";

/// What another origin may see of the job's headers, besides those that describe a payload.
const FOR_ANYONE: [HeaderName; 3] = [ACCEPT, ACCEPT_ENCODING, USER_AGENT];

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
    let next = if !becomes_get(status, &request.method) {
        lead(question, request, &location)
    } else if question.redirects == Redirects::Same {
        Err(format!("{}: {}", question.mask.apply(&location), would_become_get(status, &request.method)))
    } else {
        lead(question, &request.clone().without_payload(), &location)
    };
    next.map_err(|why| refused(format!("to {why}")))
}

fn would_become_get(status: StatusCode, method: &Method) -> String {
    format!(
        "after {} this {method} would become a GET without its payload; hint: put the final address into the job's \
         url, or say redirects = \"browser\" if the answer is what that GET gives",
        status.as_u16()
    )
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
        headers = for_another_origin(&headers);
        headers.insert(HOST, origin.host());
    }
    let marks = question.mask.marks(target.as_str());
    let led_by = (!question.reach.names(&origin)).then(|| from.origin.clone());
    Ok(Request { origin, target, headers, marks, led_by, ..from.clone() })
}

/// The redirect that is one too many; `cookies` says which were set.
pub(super) fn too_many(
    question: &Question,
    status: StatusCode,
    headers: &HeaderMap,
    cookies: &str,
) -> Failure {
    let last = location(headers).unwrap_or_default();
    let most = question.bounds.max_redirects;
    let why = format!("more than {most} redirects, the last one to {last}{cookies}");
    classify::bad_redirect(question.mask.apply(&why), status)
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

/// Bytes that are no UTF-8 are percent-encoded each: the server that wrote them reads them so.
fn location(headers: &HeaderMap) -> Result<Cow<'_, str>, &'static str> {
    let mut values = headers.get_all(LOCATION).iter().map(|value| value.as_bytes().trim_ascii());
    let value = values.next().ok_or("without a Location header")?;
    if values.any(|other| other != value) {
        return Err("with two Location headers that differ");
    }
    match std::str::from_utf8(value) {
        Ok("") => Err("with an empty Location header"),
        Ok(text) => Ok(text.into()),
        Err(_) => Ok(percent_encode(value, &AsciiSet::EMPTY).to_string().into()),
    }
}

/// A relative reference is resolved against the URL that was asked (RFC 3986, section 5). More slashes than two before
/// a host are two, as in browsers (the URL standard, "special authority ignore slashes state").
pub(super) fn absolute(request: &Request, reference: &str) -> Result<Url, url::ParseError> {
    let base = Url::parse(&format!("{}{}", request.origin, request.target))?;
    let reference = reference.trim();
    let rest = reference.trim_start_matches(['/', '\\']);
    if reference.len() - rest.len() > 2 { base.join(&format!("//{rest}")) } else { base.join(reference) }
}

fn target(url: &Url) -> Option<PathAndQuery> {
    url[Position::BeforePath..Position::AfterQuery].parse().ok()
}

/// Those of a request's headers that are no secret of anybody.
fn for_another_origin(headers: &HeaderMap) -> HeaderMap {
    // The place of the host before all others.
    let names = [HOST].into_iter().chain(FOR_ANYONE).chain(ABOUT_PAYLOAD);
    let kept = names.filter_map(|name| headers.get(&name).cloned().map(|value| (name, value)));
    kept.filter(|(_, value)| !value.is_sensitive()).collect()
}
