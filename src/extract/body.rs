//! From an answer's bytes to text that may be parsed: nesting and UTF-8 are checked, a byte order mark is
//! dropped.

use crate::record::{Failure, Kind};

use super::scan;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Characters of the answer that a failure shows.
const SHOWN: usize = 60;

/// The body as text, without its byte order mark; whether it is JSON is not yet known.
pub(super) fn text(body: &[u8], max_depth: u32) -> Result<&str, Failure> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    if !scan::is_within(body, max_depth) {
        return Err(Failure::lasting(Kind::TooDeep, format!("the JSON nests deeper than {max_depth}")));
    }
    std::str::from_utf8(body).map_err(|error| {
        let why = format!("not UTF-8 at byte {}", error.valid_up_to());
        not_json(&String::from_utf8_lossy(body), why)
    })
}

/// The failure of an answer that is not JSON, with its first characters, as they say best what it is.
pub(super) fn not_json(text: &str, why: impl std::fmt::Display) -> Failure {
    let text = text.trim();
    let detail = match text.is_empty() {
        true => "the answer is empty".to_owned(),
        false => format!("{why}, the answer starts with {}", quoted(text, SHOWN)),
    };
    Failure::lasting(Kind::NotJson, detail)
}

/// At most `limit` characters of `text`, in quotes.
pub(super) fn quoted(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(text(b"\xEF\xBB\xBF{}", 1).unwrap(), "{}");
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_not_json() {
        let failure = text(b"{\"a\":\"\xFF\"}", 9).unwrap_err();
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
        assert_eq!(text(&b"[".repeat(1_000_000), 128).unwrap_err().kind, Kind::TooDeep);
    }
}
