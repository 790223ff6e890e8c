//! Redirects, followed by our own loop so that nothing secret leaves its origin.
//!
//! A credential belongs to the origin that the job names: a redirect to another scheme, host or port loses
//! the headers that hold secrets, `authorization` and `cookie`, for good. One that hands our secret on in its own
//! address is not followed at all, nor is one from https to http.

use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, LOCATION};
use hyper::http::uri::PathAndQuery;
use url::{Position, Url};

use super::classify;
use super::origin::Origin;
use super::question::Question;
use super::request::Request;
use crate::record::Failure;

const HANDS_ON: &str =
    "it would hand a secret of the job to another origin; hint: put the final address into the job's url";

/// Whether a status sends a GET elsewhere (RFC 9110, section 15.4).
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
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
    let shown = question.mask.apply(location);
    let url = absolute(request, location).map_err(|error| refused(format!("to {shown:?}: {error}")))?;
    let origin = Origin::of(&url).map_err(|why| refused(format!("to {shown}: {why}")))?;
    let target =
        target(&url).ok_or_else(|| refused(format!("to {shown}: its URL is not valid or too long")))?;
    if request.origin.is_https() && !origin.is_https() {
        return Err(refused(format!("to {shown}: from https to http is never followed")));
    }
    let mut to = request.headers.clone();
    if origin != request.origin {
        if question.mask.finds_in(url.as_str()) {
            return Err(refused(format!("to {shown}: {HANDS_ON}")));
        }
        leave_credentials_behind(&mut to, question);
        to.insert(HOST, origin.host());
    }
    Ok(Request::redirected(origin, target, to))
}

/// The redirect that is one too many.
pub(super) fn too_many(question: &Question, status: StatusCode, headers: &HeaderMap) -> Failure {
    let last = location(headers).map(|location| question.mask.apply(location)).unwrap_or_default();
    let most = question.bounds.max_redirects;
    classify::bad_redirect(format!("more than {most} redirects, the last one to {last}"), status)
}

fn location(headers: &HeaderMap) -> Result<&str, &'static str> {
    let value = headers.get(LOCATION).ok_or("without a Location header")?;
    std::str::from_utf8(value.as_bytes()).map_err(|_| "to a Location that is not text")
}

/// A relative Location is resolved against the URL that was asked (RFC 3986, section 5).
fn absolute(request: &Request, location: &str) -> Result<Url, url::ParseError> {
    Url::parse(&format!("{}{}", request.origin, request.target))?.join(location)
}

fn target(url: &Url) -> Option<PathAndQuery> {
    url[Position::BeforePath..Position::AfterQuery].parse().ok()
}

fn leave_credentials_behind(headers: &mut HeaderMap, question: &Question) {
    for name in &question.credentials {
        headers.remove(name);
    }
}
