//! What is said of a body: which one it is, of when, and for how long it may be kept.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, LAST_MODIFIED, VARY,
};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use jiff::Timestamp;

use super::conditional::{Part, part};
use super::problem::Problem;
use super::site::Site;
use crate::serve::filter::Question;
use crate::serve::snapshot::{BodyFormat, Encoding, Generation, Served};

/// How long a cache may go on with an answer that has gone stale, where the one that is asked for fails.
const STALE_IF_ERROR: u64 = 24 * 3600;

const RUN: HeaderName = HeaderName::from_static("windrow-run");

/// What is said of a body.
pub(super) struct Facts {
    pub etag: String,
    run: Option<String>,
    published_at: Timestamp,
    cache: String,
    format: BodyFormat,
    encoding: Encoding,
}

impl Facts {
    pub fn new(
        site: &Site,
        served: &Served,
        generation: &Generation,
        question: &Question,
        format: BodyFormat,
        encoding: Encoding,
    ) -> Facts {
        let now = Timestamp::now();
        let next = (site.jobs)().into_iter().find(|job| job.name == served.job).and_then(|job| job.next);
        let who = if site.guard.wants_token() { "private" } else { "public" };
        Facts {
            etag: etag(generation.digest(), question, format, encoding),
            run: generation.run().map(str::to_owned),
            published_at: generation.published_at(),
            cache: cache_control(who, next.map(|next| next.duration_since(now).as_secs())),
            format,
            encoding,
        }
    }

    /// The asker has it.
    pub fn unchanged(&self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        self.say(response.headers_mut());
        response
    }

    /// A body that was made for this question.
    pub fn made(&self, (bytes, encoding): (Bytes, Encoding)) -> Response<Body> {
        let mut response = Response::new(Body::from(bytes));
        self.say(response.headers_mut());
        self.say_what_it_is(response.headers_mut(), encoding);
        response
    }

    /// A body of the whole table, or the part of it that is asked for: of an encoded body nobody knows which bytes are which.
    pub fn part_of(&self, headers: &HeaderMap, bytes: Bytes) -> Response<Body> {
        let all = bytes.len();
        let part = match self.encoding {
            Encoding::Identity => part(headers, &self.etag, all),
            _ => Part::Whole,
        };
        let mut response = match part {
            Part::Whole => self.made((bytes, self.encoding)),
            Part::Some(range) => {
                let said = format!("bytes {}-{}/{all}", range.start, range.end - 1);
                let mut response = self.made((bytes.slice(range), self.encoding));
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                insert(response.headers_mut(), CONTENT_RANGE, Some(said));
                response
            }
            Part::Unsatisfiable => {
                let mut response =
                    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("it has {all} bytes"))
                        .into_response();
                insert(response.headers_mut(), CONTENT_RANGE, Some(format!("bytes */{all}")));
                return response;
            }
        };
        response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        response
    }

    fn say(&self, headers: &mut HeaderMap) {
        insert(headers, ETAG, Some(self.etag.clone()));
        insert(headers, LAST_MODIFIED, Some(httpdate::fmt_http_date(self.published_at.into())));
        insert(headers, CACHE_CONTROL, Some(self.cache.clone()));
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
        insert(headers, RUN, self.run.clone());
    }

    fn say_what_it_is(&self, headers: &mut HeaderMap, encoding: Encoding) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.format.media_type()));
        if let Some(word) = encoding.word() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(word));
        }
    }
}

/// One for each generation, question, format and encoding.
fn etag(digest: &str, question: &Question, format: BodyFormat, encoding: Encoding) -> String {
    let digest = &digest[..digest.len().min(32)];
    let asked = match question.is_whole() {
        true => String::new(),
        false => format!("-{:016x}", xxhash_rust::xxh3::xxh3_64(question.canonical().as_bytes())),
    };
    let encoding = encoding.word().map_or_else(String::new, |word| format!("-{word}"));
    format!("\"{digest}{asked}-{}{encoding}\"", format.ending())
}

/// A cache may keep it until the next run begins; where nobody knows when that is, it asks each time whether it has changed. How old
/// the rows are is said by `Last-Modified`: `Age` is of caches, some of which leave out what a server says in it (nginx does) and
/// would keep an answer for as much longer.
fn cache_control(who: &str, next_in: Option<i64>) -> String {
    let fresh = match next_in {
        // It is being made: soon there is another.
        Some(seconds) => format!("max-age={}", seconds.max(1)),
        None => "no-cache".to_owned(),
    };
    format!("{who}, {fresh}, stale-if-error={STALE_IF_ERROR}")
}

/// Sets a header, where there is a value that it can have.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(name, value);
    }
}
