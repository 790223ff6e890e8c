//! From an answer's bytes to text that may be parsed: nesting and UTF-8 are checked, a byte order mark is
//! dropped. Beside it, what a failure shows of an answer.

use crate::record::{Failure, Kind};
use crate::value;

use super::scan;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Characters of the answer that a failure shows.
const SHOWN: usize = 60;

/// The body as text that may be JSON, without its byte order mark.
pub(super) fn json(body: &[u8], max_depth: u32) -> Result<&str, Failure> {
    let body = unmarked(body);
    check_depth(body, max_depth)?;
    json_text(body)
}

/// The same without a look at its nesting.
pub(super) fn json_text(body: &[u8]) -> Result<&str, Failure> {
    let body = unmarked(body);
    std::str::from_utf8(body).map_err(|error| not_json(&String::from_utf8_lossy(body), not_utf_8(&error)))
}

/// The body as text of any kind, without its byte order mark.
pub(super) fn text(body: &[u8]) -> Result<&str, Failure> {
    let body = unmarked(body);
    std::str::from_utf8(body).map_err(|error| {
        let start = start(&String::from_utf8_lossy(body));
        Failure::lasting(Kind::Decode, format!("{}, {start}", not_utf_8(&error)))
    })
}

/// Fails if the JSON nests too deeply.
pub(super) fn check_depth(json: &[u8], max_depth: u32) -> Result<(), Failure> {
    if scan::is_within(json, max_depth) {
        return Ok(());
    }
    Err(Failure::lasting(Kind::TooDeep, format!("the JSON nests deeper than {max_depth}")))
}

fn unmarked(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

fn not_utf_8(error: &std::str::Utf8Error) -> String {
    format!("not UTF-8 at byte {}", error.valid_up_to())
}

/// The failure of an answer that is not JSON, with its first characters, as they say best what it is.
pub(super) fn not_json(text: &str, why: impl std::fmt::Display) -> Failure {
    let detail = if text.trim().is_empty() {
        "the answer is empty".to_owned()
    } else {
        format!("{why}, {}", start(text))
    };
    Failure::lasting(Kind::NotJson, detail)
}

/// The first characters of an answer, in words.
pub(super) fn start(text: &str) -> String {
    format!("the answer starts with {}", quoted(text.trim(), SHOWN))
}

/// At most `limit` characters of `text`, in quotes.
pub(super) fn quoted(text: &str, limit: usize) -> String {
    format!("{:?}", value::cut(text, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(json(b"\xEF\xBB\xBF{}", 1).unwrap(), "{}");
        assert_eq!(text(b"\xEF\xBB\xBFa").unwrap(), "a");
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_not_json() {
        assert_eq!(text(b"a\xFF").unwrap_err().kind, Kind::Decode);
        let failure = json(b"{\"a\":\"\xFF\"}", 9).unwrap_err();
        assert_eq!(failure.kind, Kind::NotJson);
        assert!(failure.detail.starts_with("not UTF-8 at byte 6, the answer starts with"), "{failure:?}");
    }

    #[test]
    fn a_failure_shows_the_start_of_the_answer() {
        let failure = not_json("  <!DOCTYPE html>\n", "expected value at line 1 column 3");
        assert_eq!(
            failure.detail,
            r#"expected value at line 1 column 3, the answer starts with "<!DOCTYPE html>""#
        );
        assert_eq!(not_json(" \n", "x").detail, "the answer is empty");
        assert!(not_json(&"ä".repeat(500), "x").detail.ends_with("ä…\""));
    }

    #[test]
    fn what_is_too_deep_fails_before_it_is_looked_at() {
        assert_eq!(json(&b"[".repeat(1_000_000), 128).unwrap_err().kind, Kind::TooDeep);
    }
}
