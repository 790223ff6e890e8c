//! Which URL is answered by what.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use axum::routing::get;
use jiff::Timestamp;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::problem::Problem;
use super::site::Site;
use super::table;
use crate::serve::openapi::{self, DescribedTable};
use crate::serve::page::{self, Address};
use crate::serve::snapshot::Shelf;

/// The page is text, style and links, and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";
/// As <https://prometheus.io/docs/specs/om/open_metrics_spec/> has it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// What answers.
pub fn router(site: Arc<Site>) -> Router {
    let nosniff = HeaderValue::from_static("nosniff");
    Router::new()
        .route("/", get(front))
        .route("/openapi.json", get(described))
        .route("/healthz", get(healthy))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/{table}", get(table::rows).options(table::preflight))
        .route("/{table}/{*key}", get(table::row).options(table::preflight))
        .fallback(nothing)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&site), attend))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "it could not be answered").into_response()
        }))
        .layer(SetResponseHeaderLayer::overriding(HeaderName::from_static("x-content-type-options"), nosniff))
        .with_state(site)
}

/// Looks who asks, and counts what is answered.
async fn attend(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response<Body> {
    let began = Instant::now();
    let path = request.uri().path().to_owned();
    let mut response = match site.guard.refuse(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let bytes = axum::body::HttpBody::size_hint(response.body()).exact().unwrap_or_default();
    site.figures.answered(route(&path), response.status().as_u16(), bytes, began.elapsed().as_secs_f64());
    response
}

/// What a path is counted as: never itself, of which there may be any number.
fn route(path: &str) -> &'static str {
    match path {
        "/" => "page",
        "/openapi.json" => "openapi",
        "/healthz" => "healthz",
        "/readyz" => "readyz",
        "/metrics" => "metrics",
        _ if path[1..].contains('/') => "row",
        _ => "table",
    }
}

async fn front(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response<Body> {
    // As the reader has called it; of a proxy's own name nothing is known here.
    let named = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
    let origin = named.map_or_else(|| format!("http://{}", site.address), |host| format!("http://{host}"));
    let address = Address { origin, wants_token: site.guard.wants_token() };
    let page = page::page(&site.standing(), Timestamp::now(), &address);
    let mut response = fresh(StatusCode::OK, HTML, page);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    response
}

fn is_host(text: &str) -> bool {
    text.len() < 256 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

async fn described(State(site): State<Arc<Site>>) -> Response<Body> {
    fresh(StatusCode::OK, "application/json", described_tables(&site.shelf).to_string())
}

fn described_tables(shelf: &Shelf) -> serde_json::Value {
    let loaded: Vec<_> = shelf.tables.iter().filter_map(|table| Some((table, table.generation()?))).collect();
    let tables: Vec<DescribedTable<'_>> = loaded
        .iter()
        .map(|(table, generation)| DescribedTable {
            name: &table.file.name,
            columns: &generation.columns,
            key: &generation.key,
            key_is_unique: generation.key_is_unique,
            max_rows: table.max_rows(),
        })
        .collect();
    openapi::document(&tables, "windrow serve", env!("CARGO_PKG_VERSION"))
}

/// That it answers at all.
async fn healthy() -> Response<Body> {
    fresh(StatusCode::OK, TEXT, "ok\n".to_owned())
}

/// That each table has something that is not too old.
async fn ready(State(site): State<Arc<Site>>) -> Response<Body> {
    let now = Timestamp::now();
    let reasons: Vec<String> =
        site.shelf.tables.iter().filter_map(|table| table.standing().unreadiness(now)).collect();
    match reasons.is_empty() {
        true => fresh(StatusCode::OK, TEXT, "ok\n".to_owned()),
        false => fresh(StatusCode::SERVICE_UNAVAILABLE, TEXT, reasons.join("\n") + "\n"),
    }
}

async fn metrics(State(site): State<Arc<Site>>) -> Response<Body> {
    fresh(StatusCode::OK, OPEN_METRICS, site.figures.open_metrics(&site.standing(), Timestamp::now()))
}

async fn nothing(State(site): State<Arc<Site>>) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing here").hint(site.what_there_is())
}

async fn not_allowed() -> Response<Body> {
    let mut response =
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD are answered").into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// What is true now is not in a second.
fn fresh(status: StatusCode, media_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
