//! Whether a success is the whole answer, a part of it, or none yet.
//!
//! Promises: what a server itself calls incomplete makes no row. A 206 is a part (RFC 9110, section 15.3.7), unless its
//! range is the whole, the job asked for a range, or a list that is read in pages counts in its own unit, as PostgREST's
//! does. A 202 without anything in it is not the answer (section 15.3.3), nor is a success that `retry.on` lists.

use hyper::StatusCode;
use hyper::header::{CONTENT_RANGE, HeaderMap, RANGE};

use super::asked::Answer;
use super::question::Question;
use super::request::Request;
use super::retry::ACCEPTED;

/// What a success is.
pub(super) enum Completeness<'a> {
    /// The answer.
    Whole,
    /// A part, and its range where that is told.
    Part(Option<&'a str>),
    /// None yet.
    Pending,
}

/// Judges an answer by its status, its headers and its decoded body.
pub(super) fn of<'a>(
    question: &Question,
    request: &Request,
    headers: &'a HeaderMap,
    answer: &Answer,
) -> Completeness<'a> {
    if answer.status == StatusCode::OK && !question.policy.repeats(answer.status) {
        return Completeness::Whole;
    }
    if answer.status == StatusCode::PARTIAL_CONTENT && !request.headers.contains_key(RANGE) {
        let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        if !range.is_some_and(|range| is_whole(range) || question.has_pages && is_of_items(range)) {
            return Completeness::Part(range);
        }
    }
    if question.policy.repeats(answer.status) || answer.status == ACCEPTED && is_nothing(&answer.body) {
        Completeness::Pending
    } else {
        Completeness::Whole
    }
}

/// Whether a range is all of what it is taken from: `bytes 0-99/100`.
fn is_whole(range: &str) -> bool {
    let numbers = range.rsplit(' ').next().and_then(|numbers| numbers.split_once('/'));
    let Some(((first, last), total)) = numbers.and_then(|(part, total)| Some((part.split_once('-')?, total)))
    else {
        return false;
    };
    let number = |text: &str| text.parse::<u64>().ok();
    let end = number(total).and_then(|total| total.checked_sub(1));
    number(first) == Some(0) && end.is_some() && number(last) == end
}

/// Whether a range counts items of a list: `items 0-24/100`, or `0-24/100`.
fn is_of_items(range: &str) -> bool {
    let unit = range.trim_start().get(..5);
    !unit.is_some_and(|unit| unit.eq_ignore_ascii_case("bytes"))
}

/// Whether JSON, or any text, holds nothing.
fn is_nothing(body: &[u8]) -> bool {
    // White space aside, what counts as nothing is at most four bytes long.
    let mut rest = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    let beginning: Vec<u8> = rest.by_ref().take(4).collect();
    matches!(&*beginning, b"" | b"{}" | b"[]" | b"null") && rest.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_the_whole_or_not() {
        for range in ["bytes 0-99/100", "items 0-0/1", "0-24/25"] {
            assert!(is_whole(range), "{range}");
        }
        for range in
            ["bytes 0-98/100", "bytes 1-99/100", "bytes 0-99/*", "bytes */100", "bytes 0-/0", "", "bytes"]
        {
            assert!(!is_whole(range), "{range}");
        }
    }

    #[test]
    fn nothing_is_nothing_in_any_spelling() {
        for body in ["", " \r\n", "{ }", "[\n]", " null"] {
            assert!(is_nothing(body.as_bytes()), "{body}");
        }
        for body in ["0", "\"\"", "[[]]", "{}{}", "nulls", "{\"id\":7}", "<p>"] {
            assert!(!is_nothing(body.as_bytes()), "{body}");
        }
    }
}
