//! Answers, and bodies that can end too early.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::coding::Coding;

/// A whole answer, before it is sent.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// Empty for an answer without a body.
    pub content_type: &'static str,
    pub body: Bytes,
    /// Headers besides the content type.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How the body is packed for whoever accepts it.
    pub coding: Option<Coding>,
}

/// Content types.
pub const JSON: &str = "application/json; charset=utf-8";
pub const HTML: &str = "text/html; charset=utf-8";
pub const JAVASCRIPT: &str = "application/javascript; charset=utf-8";
pub const LINES: &str = "application/x-ndjson";
pub const TEXT: &str = "text/plain; charset=utf-8";

impl Answer {
    /// 200 with a body of this type.
    pub fn of(content_type: &'static str, body: impl Into<Bytes>) -> Answer {
        let (headers, coding) = (Vec::new(), None);
        Answer { status: StatusCode::OK, content_type, body: body.into(), headers, coding }
    }

    /// 200 with a body that is JSON already, or claims to be.
    pub fn json(body: impl Into<Bytes>) -> Answer {
        Answer::of(JSON, body)
    }

    /// 200 with a value as JSON.
    pub fn value(value: &impl Serialize) -> Answer {
        match serde_json::to_vec(value) {
            Ok(body) => Answer::json(body),
            Err(error) => Answer::problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }

    /// A status that is not 200, with `{"error": message}`.
    pub fn problem(status: StatusCode, message: &str) -> Answer {
        Answer { status, ..Answer::value(&serde_json::json!({ "error": message })) }
    }

    /// 200 with a page instead of a document.
    pub fn garbage() -> Answer {
        let page = "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>\n<body><h1>We'll be right back.</h1></body></html>\n";
        Answer::of(HTML, page)
    }

    /// A status without a body.
    pub fn empty(status: StatusCode) -> Answer {
        Answer { status, ..Answer::of("", Bytes::new()) }
    }

    /// The answer with one more header; one whose value cannot be sent is left out.
    pub fn with(mut self, name: HeaderName, value: &str) -> Answer {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// The answer as it goes out.
    pub fn respond(mut self) -> Response<Payload> {
        let body = std::mem::take(&mut self.body);
        let whole = (!body.is_empty()).then_some(body);
        self.respond_with(Payload::Whole(whole))
    }

    /// The answer packed, if it has a body.
    pub fn respond_packed(mut self, coding: Coding) -> Response<Payload> {
        match coding.pack(&self.body) {
            Ok(packed) if !self.body.is_empty() => {
                self.body = packed.into();
                self.with(CONTENT_ENCODING, coding.name()).respond()
            }
            _ => self.respond(),
        }
    }

    /// The head promises the whole body, half of it follows, then the connection is closed.
    pub fn respond_truncated(self) -> Response<Payload> {
        let promised = self.body.len() as u64;
        let half = self.body.slice(..self.body.len() / 2);
        self.respond_with(Payload::Truncated { half: Some(half), promised, sent: false })
    }

    fn respond_with(self, payload: Payload) -> Response<Payload> {
        let mut response = Response::new(payload);
        *response.status_mut() = self.status;
        if !self.content_type.is_empty() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An answer's body.
#[derive(Debug)]
pub enum Payload {
    /// Everything that the head promises, in one piece.
    Whole(Option<Bytes>),
    /// Less than the head promises.
    Truncated {
        half: Option<Bytes>,
        /// Bytes that the head promises.
        promised: u64,
        /// Whether the connection has had the chance to send the half.
        sent: bool,
    },
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut *self {
            Payload::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Payload::Truncated { half, sent, .. } => match half.take() {
                Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
                None if *sent => Poll::Ready(Some(Err(Cut))),
                None => {
                    // hyper sends what it holds while it waits for a body, and drops it when the body fails.
                    *sent = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Payload::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Payload::Truncated { promised, .. } => SizeHint::with_exact(*promised),
        }
    }
}

/// The origin breaks off here, on purpose.
#[derive(Debug, Clone, Copy)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut off on purpose")
    }
}

impl Error for Cut {}
