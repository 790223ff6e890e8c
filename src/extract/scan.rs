//! What can be told of JSON before it is parsed: how deeply it nests, how long its numbers are, where its
//! strings end.
//!
//! An answer of a million `[` ends here: no parser is asked to follow it, so none can run out of stack.

use memchr::{memchr_iter, memchr2};

/// Whether the JSON in `body` nests no deeper than `limit` (`1` has depth 0, `[]` and `{}` have depth 1).
///
/// For text that is not JSON the answer may be either; a parser refuses it before it gets that deep.
pub(super) fn is_within(body: &[u8], limit: u32) -> bool {
    let limit = limit as usize;
    has_few_brackets(body, limit) || !opens_a_container(body) || !nests_deeper(body, limit)
}

/// The cheap check that suffices for most answers: what never opens more often cannot nest deeper.
fn has_few_brackets(body: &[u8], limit: usize) -> bool {
    let braces = memchr_iter(b'{', body).count();
    braces <= limit && braces + memchr_iter(b'[', body).count() <= limit
}

/// JSON that starts otherwise holds a single scalar; HTML full of scripts is not called too deep.
fn opens_a_container(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn nests_deeper(body: &[u8], limit: usize) -> bool {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = body.get(at) {
        at += 1;
        match byte {
            b'"' => at = after_string(body, at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

/// Whether a number in the JSON `body` is written with more than `limit` digits in a row.
pub(super) fn has_longer_number(body: &[u8], limit: usize) -> bool {
    // That many digits fill at least one piece of half the length; most answers have none, not even in a string.
    let mut pieces = body.chunks_exact(limit.div_ceil(2));
    pieces.any(|piece| piece.iter().all(u8::is_ascii_digit)) && longest_number(body) > limit
}

fn longest_number(body: &[u8]) -> usize {
    let (mut longest, mut digits, mut at) = (0, 0, 0);
    while let Some(byte) = body.get(at) {
        at += 1;
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        longest = longest.max(digits);
        if *byte == b'"' {
            at = after_string(body, at);
        }
    }
    longest
}

/// The position after the string whose opening quote is just before `at`.
pub(super) fn after_string(body: &[u8], mut at: usize) -> usize {
    while let Some(offset) = body.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += offset;
        if body[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Vec<u8> {
        [b"[".repeat(depth), b"]".repeat(depth)].concat()
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert!(is_within(&nested(128), 128));
        assert!(!is_within(&nested(129), 128));
        assert!(is_within(b"7", 0));
        assert!(!is_within(b"{}", 0));
    }

    #[test]
    fn many_brackets_side_by_side_are_not_deep() {
        let body = format!("[{}[]]", "[{}],".repeat(5000));
        assert!(is_within(body.as_bytes(), 3));
        assert!(!is_within(body.as_bytes(), 2));
    }

    #[test]
    fn brackets_inside_strings_do_not_count() {
        let body = format!(r#"["\"{}\\", "{{"]"#, "[".repeat(1000));
        assert!(is_within(body.as_bytes(), 1));
        assert!(!is_within(format!(r#"["\\"{}"#, "[".repeat(1000)).as_bytes(), 1000));
    }

    #[test]
    fn a_million_deep_is_too_deep_closed_or_not() {
        assert!(!is_within(&nested(1_000_000), 128));
        assert!(!is_within(&b"{\"a\":".repeat(1_000_000), 128));
    }

    #[test]
    fn text_that_is_cut_inside_a_string_is_scanned_to_its_end() {
        for body in [&b"[[[\"abc"[..], b"[[[\"abc\\", b"[[[\"", b"[[[\"\\\""] {
            assert!(is_within(body, 3), "{body:?}");
            assert!(!is_within(body, 2), "{body:?}");
        }
    }

    #[test]
    fn long_numbers_are_found_outside_strings() {
        let text = format!("\"\\\"{}\"", "7".repeat(40));
        for (padding, digits) in (0..11).flat_map(|padding| (0..30).map(move |digits| (padding, digits))) {
            for other in ["null", &text] {
                let body = format!("{}[1, {}, {other}]", " ".repeat(padding), "7".repeat(digits));
                assert_eq!(has_longer_number(body.as_bytes(), 10), digits > 10, "{body}");
            }
        }
        assert!(has_longer_number(b"77777777777", 10));
        assert!(!has_longer_number(b"7777777777.7777777777e7777777777", 10));
    }

    #[test]
    fn html_is_not_called_too_deep() {
        assert!(is_within(format!("<script>{}", "{".repeat(1000)).as_bytes(), 128));
    }
}
