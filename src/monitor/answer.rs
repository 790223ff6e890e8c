//! What is answered to which question.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};

use super::QueueFigures;

/// As <https://prometheus.io/docs/specs/om/open_metrics_spec/> has it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The answer to a question; to HEAD the same, of which hyper leaves the body out.
pub(super) fn answer(method: &Method, path: &str, figures: &QueueFigures) -> Response<Full<Bytes>> {
    let is_known = ["/healthz", "/metrics"].contains(&path);
    if !is_known {
        return response(StatusCode::NOT_FOUND, TEXT, "here are /healthz and /metrics\n".to_owned());
    }
    if ![Method::GET, Method::HEAD].contains(method) {
        let mut refused =
            response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET and HEAD are answered\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match (path, figures.illness()) {
        ("/metrics", _) => response(StatusCode::OK, OPEN_METRICS, figures.open_metrics()),
        (_, None) => response(StatusCode::OK, TEXT, "ok\n".to_owned()),
        (_, Some(reason)) => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{reason}\n")),
    }
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What is true now is not in a second.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}
