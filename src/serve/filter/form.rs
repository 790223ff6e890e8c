//! The parameters of a query, as forms of HTML write them (`application/x-www-form-urlencoded`, WHATWG URL 5.1), but
//! strictly: what is not encoded as it should be is refused, where browsers would guess.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::bad::{BadQuestion, shown};

/// Bytes of a query.
const MOST_BYTES: usize = 8 * 1024;
/// Parameters of a query.
const MOST_PARAMETERS: usize = 100;

/// What stays as it is in a query that is written here: no reader takes it for anything else.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',').remove(b':');

/// Names and values, as they stand.
///
/// # Errors
/// It is too long, or not encoded as queries are.
pub(super) fn parameters(query: &str) -> Result<Vec<(String, String)>, BadQuestion> {
    if query.len() > MOST_BYTES {
        let message = format!("the query has {} bytes, more than {MOST_BYTES}", query.len());
        return Err(BadQuestion::new(message).hint("ask in several questions"));
    }
    let written: Vec<&str> = query.split('&').filter(|part| !part.is_empty()).collect();
    if written.len() > MOST_PARAMETERS {
        return Err(BadQuestion::new(format!("there are more than {MOST_PARAMETERS} parameters")));
    }
    written.into_iter().map(parameter).collect()
}

fn parameter(written: &str) -> Result<(String, String), BadQuestion> {
    let Some((name, value)) = written.split_once('=') else {
        let message = format!("{} has no value", shown(written));
        return Err(
            BadQuestion::new(message).hint("a parameter is written NAME=VALUE, one without a text NAME=")
        );
    };
    let name = decoded(name)?;
    if name.is_empty() {
        return Err(BadQuestion::new(format!("a parameter without a name: {}", shown(written))));
    }
    Ok((name, decoded(value)?))
}

fn decoded(written: &str) -> Result<String, BadQuestion> {
    let wrong = |what: &str| BadQuestion::new(format!("{} {what}", shown(written)));
    let mut rest = written.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong("has a `%` without two hexadecimal digits").hint("`%` itself is written %25"));
        }
        rest = &rest[at + 3..];
    }
    let blanks = written.replace('+', " ");
    let text = percent_decode_str(&blanks).decode_utf8().map_err(|_| wrong("is not UTF-8"))?;
    if text.contains('\0') {
        return Err(wrong("has the character U+0000"));
    }
    Ok(text.into_owned())
}

/// A name or a value as it stands in a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let found = parameters("a=1&&b.gt=x%20y+z%2B&c=&d==%26%3D&%C3%A9=%F0%9F%8E%AC&").unwrap();
        let expected = [("a", "1"), ("b.gt", "x y z+"), ("c", ""), ("d", "=&="), ("é", "🎬")]
            .map(|(name, value)| (name.into(), value.into()));
        assert_eq!(found, expected);
        assert!(["", "&", "&&&"].iter().all(|query| parameters(query).unwrap().is_empty()));
    }

    #[test]
    fn what_is_not_encoded_is_refused() {
        for query in [
            "a=%",
            "a=%4",
            "a=%4g",
            "a=%%34",
            "%zz=1",
            "a=%ff",
            "a=%C3",
            "a=%ed%a0%80",
            "a=%00",
            "a%00=1",
            "a",
            "=1",
        ] {
            let refused = parameters(query).unwrap_err();
            assert_eq!(refused.status, 400, "{query}");
        }
        assert!(parameters(&"a=1&".repeat(100)).is_ok());
        assert!(parameters(&"a=1&".repeat(101)).is_err());
        assert!(parameters(&format!("a={}", "x".repeat(MOST_BYTES - 2))).is_ok());
        let long = parameters(&format!("a={}", "x".repeat(MOST_BYTES - 1))).unwrap_err();
        assert!(long.to_string().len() < 200, "{long}");
    }

    #[test]
    fn any_text_comes_back() {
        for text in ["", "a b", "a+b", "%41", "&=?#/", "\"'`\\", "é🎬\u{202e}\u{7f}\n", "-_.~,:"] {
            let query = format!("{}={}", encoded(&format!("n{text}")), encoded(text));
            assert_eq!(parameters(&query).unwrap(), [(format!("n{text}"), text.to_owned())], "{query}");
        }
    }
}
