//! A request that was sent, as a person may see it.

use super::text::beginning;
use crate::fetch::curl;
use crate::job::Endpoint;
use crate::secrets::Secrets;
use crate::worker::Sent;

/// A request that was sent, as a person may see it.
pub struct Request {
    /// `GET https://…`.
    pub(super) line: String,
    /// Names and values.
    pub(super) headers: Vec<(String, String)>,
    /// The beginning of its body.
    pub(super) body: Option<String>,
    /// The same as a line for a shell, or why there is none.
    pub(super) curl: Result<String, String>,
}

impl Request {
    /// Of one that is about to be sent.
    pub(super) fn of(sent: &Sent<'_>, endpoint: &Endpoint, secrets: &Secrets) -> Request {
        let header = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Request {
            line: format!("{} {}", sent.request.method(), sent.request.shown()),
            headers: sent.request.shown_headers().map(header).collect(),
            body: sent.request.shown_body().map(|body| beginning(body.as_bytes())),
            curl: curl(sent.request, endpoint, secrets),
        }
    }

    /// Its lines: the first, the headers, the beginning of its body.
    pub(super) fn lines(&self) -> Vec<String> {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        std::iter::once(self.line.clone()).chain(headers).chain(self.body.clone()).collect()
    }
}
