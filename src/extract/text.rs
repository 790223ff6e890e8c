//! The texts in JSON: strings without their escapes, values without their spacing.
//!
//! Everything here expects valid JSON text without space around it, as the trie and the interpreter give it.

use std::borrow::Cow;

use memchr::memchr;

use super::scan::after_string;

/// Half of a UTF-16 surrogate pair, such as `\ud800` alone: JSON may write it, but no text can hold it.
#[derive(Debug, thiserror::Error)]
#[error("half a surrogate pair")]
pub(super) struct LoneSurrogate;

/// The text of a JSON string.
pub(super) fn unescaped(json: &str) -> Result<Cow<'_, str>, LoneSurrogate> {
    if memchr(b'\\', json.as_bytes()).is_some() {
        return serde_json::from_str(json).map(Cow::Owned).map_err(|_| LoneSurrogate);
    }
    Ok(Cow::Borrowed(&json[1..json.len() - 1]))
}

/// The same JSON without the space between its parts.
pub(super) fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(quote) = memchr(b'"', rest.as_bytes()) {
        let end = after_string(rest.as_bytes(), quote + 1);
        compact.extend(rest[..quote].split_ascii_whitespace());
        compact.push_str(&rest[quote..end]);
        rest = &rest[end..];
    }
    compact.extend(rest.split_ascii_whitespace());
    compact
}

/// JSON with `\ufffd` in place of every half of a surrogate pair in its strings, which other readers of JSON refuse; as
/// it is where there is none.
pub(super) fn without_lone_surrogates(json: &str) -> Cow<'_, str> {
    let (mut clean, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(backslash) = memchr(b'\\', json.as_bytes().get(at..).unwrap_or_default()) {
        at += backslash;
        let escape = &json.as_bytes()[at..];
        let length = match (unit(escape), unit(escape.get(6..).unwrap_or_default())) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                clean.push_str(&json[copied..at]);
                clean.push_str(r"\ufffd");
                copied = at + 6;
                6
            }
            (Some(_), _) => 6,
            (None, _) => 2,
        };
        at += length;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    clean.push_str(&json[copied..]);
    Cow::Owned(clean)
}

/// The UTF-16 unit of the `\u1234` that `escape` starts with.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_lose_their_quotes_and_escapes() {
        for (json, text) in [
            (r#""""#, ""),
            (r#""plain""#, "plain"),
            (r#""\"""#, "\""),
            (r#""a\"""#, "a\""),
            (r#""\n\t\/\\""#, "\n\t/\\"),
            (r#""\u00e9\ud83d\ude00\u0000""#, "é😀\0"),
        ] {
            assert_eq!(unescaped(json).unwrap(), text);
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_no_text() {
        for json in [r#""\ud800""#, r#""\udc00""#, r#""\ud800x""#, r#""\ud83d\u0041""#, r#""\uDE00\uD83D""#] {
            assert!(unescaped(json).is_err(), "{json}");
            let clean = without_lone_surrogates(json);
            assert!(unescaped(&clean).is_ok_and(|text| text.contains('\u{fffd}')), "{json}");
        }
        for json in [r#""\ud83d\ude00""#, r#""\\ud800""#, r#""\\\\ud800""#, r#"{"\n": "\u0041"}"#] {
            assert_eq!(without_lone_surrogates(json), *json);
        }
    }

    #[test]
    fn compact_json_keeps_its_strings_and_numbers() {
        let json = "{ \"a b\" : [ 1.50 ,\n\t\"x \\\" y\" , null ] }";
        assert_eq!(compact(json), r#"{"a b":[1.50,"x \" y",null]}"#);
        assert_eq!(compact("[ ]"), "[]");
    }
}
