//! What `make soak` throws at this module: bytes from outside, and what holds whatever they are.
//!
//! Each takes lines that stand for what a job or a server says, and last what is left, a body or a value. `make test`
//! gives them the seeds that lie in `tests/fuzz/seeds`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::str::from_utf8;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK};
use url::Url;

use super::charset::{Reading, to_utf8};
use super::content_type::ContentType;
use super::cookies::Jar;
use super::{Answer, Asked, Question, Request, Values, encoding, link, prescan, ratelimit, retry, sniff};
use crate::job::{Endpoint, Template};
use crate::secrets::Secrets;
use crate::value::{Field, Type, Value};

/// The longest time that anything that a server says may stand for.
const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

/// Most bytes that may come out of a body here.
const LIMIT: u64 = 1 << 18;

/// The same value for each column.
struct Same(Value);

impl Values for Same {
    fn input(&self, _: usize) -> &Value {
        &self.0
    }

    fn answer(&self, _: usize, _: usize) -> Option<&Value> {
        Some(&self.0)
    }
}

/// A URL, a query parameter and a header of a job, and a value for all their columns: the value changes neither scheme, host
/// and port, nor how many segments and parameters there are; and a template is read as it is spelled.
pub fn template(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let mut parts = text.splitn(4, '\n');
    let mut templates = parts.by_ref().take(3).map(parsed);
    let (Some(Some(url)), Some(Some(query)), Some(Some(header))) =
        (templates.next(), templates.next(), templates.next())
    else {
        return;
    };
    let value = parts.next().unwrap_or_default();
    let (is_whole_url, own_header) = (url.is_whole_url(), header.to_string());
    let Some(question) = asked_by(url, query, header) else { return };
    let build = |value: &str| question.build(&Same(Value::Text(value.to_owned())));
    let Ok(request) = build(value) else { return };
    let shape = shape_of(&request);
    if !is_whole_url {
        // A value that is plain is carried wherever one is that is not.
        let plain = build("x").map_err(|failure| failure.detail.to_string());
        assert_eq!(plain.map(|plain| shape_of(&plain)), Ok(shape));
    }
    // Of a job's own text a header may have more than values may bring into it.
    if own_header.bytes().all(is_visible) {
        assert!(request.headers["x-id"].as_bytes().iter().copied().all(is_visible), "{:?}", request.headers);
    }
}

fn is_visible(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

fn parsed(text: &str) -> Option<Template> {
    match Template::parse(text, &[]) {
        Ok(template) => {
            assert_eq!(Template::parse(&template.to_string(), &[]).as_ref(), Ok(&template), "{text:?}");
            Some(template)
        }
        Err(mistakes) => {
            let is_within = mistakes.iter().all(|mistake| text.get(mistake.range.clone()).is_some());
            assert!(is_within && !mistakes.is_empty(), "{text:?}: {mistakes:?}");
            None
        }
    }
}

fn asked_by(url: Template, query: Template, header: Template) -> Option<Question> {
    let templates = [&url, &query, &header];
    let columns: BTreeSet<&str> = templates.iter().flat_map(|template| template.input_columns()).collect();
    let columns: Vec<Field> =
        columns.into_iter().map(|name| Field { name: name.to_owned(), ty: Type::Text }).collect();
    let mut endpoint = Endpoint::get("fuzz", url, Vec::new());
    endpoint.params = vec![("q".to_owned(), query)];
    endpoint.headers = vec![("x-id".to_owned(), header)];
    Question::compile_all(&[endpoint], &columns, &Secrets::default()).ok()?.pop()
}

/// Where a request goes, and how many segments and parameters its URL has, as another library reads it.
fn shape_of(request: &Request) -> (String, usize, usize) {
    let text = format!("{}{}", request.origin, request.target);
    let url = Url::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!((url.fragment(), url.username(), url.password()), (None, "", None), "{text}");
    let parameters = url.query().map_or(0, |query| query.split('&').count());
    let origin = format!(
        "{}://{}:{:?}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.port_or_known_default()
    );
    (origin, url.path_segments().map_or(0, Iterator::count), parameters)
}

/// A body and what its server says of its coding and charset: no more comes out than is allowed, text is UTF-8, the beginning
/// is that of the whole; and what is packed comes out as it was.
pub fn body(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || parts.next().unwrap_or_default();
    let (coding, kind, wire) = (line(), line(), Bytes::copy_from_slice(line()));
    let headers = header_map([(CONTENT_ENCODING, coding), (CONTENT_TYPE, kind)].into_iter());
    let content_type = ContentType::of(&headers);
    let decoded = encoding::decode(&headers, wire.clone(), LIMIT);
    if let Ok(body) = &decoded {
        assert!(body.len() as u64 <= LIMIT.max(wire.len() as u64));
        let beginning = encoding::decode_beginning(&headers, wire.clone(), 512);
        assert_eq!(beginning, body[..body.len().min(512)]);
        texts(content_type.as_ref(), body);
    }
    assert_eq!(
        encoding::decode(&coded("gzip"), packed(&wire, &coded("gzip")), LIMIT).ok(),
        Some(wire.clone())
    );
    assert_eq!(encoding::decode(&coded("deflate"), packed(&wire, &coded("deflate")), LIMIT).ok(), Some(wire));
}

fn texts(content_type: Option<&ContentType>, body: &[u8]) {
    for reading in [Reading::Json, Reading::Html, Reading::Text, Reading::Any] {
        let is_bytes = sniff::check_bytes(reading, content_type, body);
        let Ok(text) = to_utf8(reading, content_type, body, LIMIT) else { continue };
        let is_text = sniff::check_text(reading, content_type, &text);
        assert!(
            [is_bytes, is_text]
                .into_iter()
                .filter_map(Result::err)
                .all(|failure| failure.detail.len() < 2000)
        );
        // JSON that is no UTF-8 is for its parser to refuse.
        assert!(from_utf8(&text).is_ok() || reading == Reading::Json && body.ends_with(&text));
        assert!(text.len() <= body.len().max(LIMIT as usize));
        if content_type.is_none()
            && from_utf8(body).is_ok()
            && !body.contains(&0)
            && !body.contains(&0x1b)
            && reading == Reading::Text
        {
            let marked = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
            assert_eq!(*text, *marked, "UTF-8 is what it is");
        }
    }
    let _ = prescan::encoding(body);
}

fn coded(coding: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(coding))])
}

fn packed(plain: &[u8], coding: &HeaderMap) -> Bytes {
    let written = if coding[CONTENT_ENCODING] == "gzip" {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).and_then(|()| encoder.finish())
    } else {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).and_then(|()| encoder.finish())
    };
    written.unwrap_or_default().into()
}

fn header_map<'a>(lines: impl Iterator<Item = (HeaderName, &'a [u8])>) -> HeaderMap {
    lines
        .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value.trim_ascii()).ok()?)))
        .collect()
}

/// An answer's headers, `name: value`: no wait is longer than a month, no page is lost behind a header that is not
/// understood, no cookie makes another header.
pub fn headers(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((HeaderName::from_bytes(&line[..colon]).ok()?, &line[colon + 1..]))
    });
    let headers = header_map(lines);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_417_800);
    for status in
        [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS, StatusCode::FORBIDDEN, StatusCode::BAD_GATEWAY]
    {
        let advice = ratelimit::advice(status, true, &headers, now);
        assert!(advice.wait.is_none_or(|wait| wait <= MONTH), "{advice:?}");
        assert!(advice.left.is_none_or(|left| left.reset <= MONTH), "{advice:?}");
        assert!(advice.wait.is_none() || !status.is_success());
    }
    let _ = (retry::retry_after(&headers, now), retry::server_time(&headers, now), ContentType::of(&headers));
    let _ = encoding::decode(&headers, Bytes::from_static(b"x"), LIMIT);
    next_page(headers.clone());
    cookies(&headers);
}

fn next_page(mut headers: HeaderMap) {
    let before = link::next(&headers);
    headers.append(LINK, HeaderValue::from_static("<https://example.com/?page=2>; rel=\"next\""));
    let after = link::next(&headers);
    // A link before it may be the next page, too; none may hide it.
    let expected = match before {
        Ok(Some(first)) => first,
        _ => "https://example.com/?page=2".to_owned(),
    };
    assert_eq!(after, Ok(Some(expected)));
}

fn cookies(headers: &HeaderMap) {
    let url = |url: &str| asked_by(parsed(url)?, parsed("1")?, parsed("1")?)?.build(&Same(Value::Null)).ok();
    let (Some(own), Some(other)) = (url("https://example.com/a/b"), url("http://example.com/a/b")) else {
        return;
    };
    let mut jar = Jar::default();
    jar.keep(&own, headers);
    assert!(jar.added_to(&other).is_none(), "a cookie of another origin");
    if let Some(request) = jar.added_to(&own) {
        assert_eq!(request.headers.len(), own.headers.len() + 1);
        assert_eq!((&request.origin, &request.target), (&own.origin, &own.target));
    }
    assert!(jar.shown().len() < 2000);
}

/// The answer of a token server, its status in the first line: a token is a text, and lasts until a moment that there is.
pub fn token(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let status = parts.next().and_then(|line| from_utf8(line).ok()?.parse().ok()).unwrap_or(200);
    let body = Bytes::copy_from_slice(parts.next().unwrap_or_default());
    let (Some(url), Some(one)) = (parsed("https://id.example.com/token"), parsed("1")) else { return };
    let Some(question) = asked_by(url, one.clone(), one) else { return };
    let missing = (400..500).contains(&status);
    let answer = Answer { body, content_type: None, status, missing, next_link: None };
    let asked = Asked {
        answer: Ok(answer),
        attempts: 1,
        requests: 1,
        bytes: 0,
        http_status: Some(status),
        started_at: None,
        finished_at: None,
        secrets: None,
        no_token: None,
        page: None,
    };
    super::token::read_and_keep(&question, asked);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_hold() {
        for (target, run) in
            [("template", template as fn(&[u8])), ("body", body), ("headers", headers), ("token", token)]
        {
            crate::fuzz_seeds::of(target).iter().for_each(|seed| run(seed));
        }
    }
}
