//! What a server says its answer is: `Content-Type` (RFC 9110, section 8.3), read as leniently as servers write it.
//!
//! Several headers, or several values in one, are one list; a byte that is no UTF-8 spoils only the word that it stands
//! in. Quotes of both kinds are taken off.

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

/// The `Content-Type` of an answer, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentType(HeaderValue);

impl ContentType {
    /// That of an answer; several joined by commas, as RFC 9110, section 5.3, has it.
    pub(super) fn of(headers: &HeaderMap) -> Option<ContentType> {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let first = values.next()?;
        if values.next().is_none() {
            return Some(ContentType(first.clone()));
        }
        let all: Vec<&[u8]> = headers.get_all(CONTENT_TYPE).iter().map(HeaderValue::as_bytes).collect();
        HeaderValue::from_bytes(&all.join(&b", "[..])).ok().map(ContentType)
    }

    /// One that was kept as [`ContentType::text`].
    pub fn from_text(text: &str) -> Option<ContentType> {
        HeaderValue::from_str(text).ok().map(ContentType)
    }

    /// As it came, with U+FFFD for bytes that are no UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.0.as_bytes()).into_owned()
    }

    /// The same type in UTF-8.
    pub(super) fn in_utf_8(&self) -> String {
        let media_type = self.media_types().next().unwrap_or(b"text/plain");
        format!("{}; charset=utf-8", String::from_utf8_lossy(media_type))
    }

    /// The values of all its `charset` parameters.
    pub(super) fn charsets(&self) -> impl Iterator<Item = &[u8]> {
        let parameters = self.parts().filter_map(|part| {
            let at = part.iter().position(|byte| *byte == b'=')?;
            Some((part[..at].trim_ascii(), part[at + 1..].trim_ascii()))
        });
        let values = parameters.filter(|(name, _)| name.eq_ignore_ascii_case(b"charset"));
        values.map(|(_, value)| unquoted(value)).filter(|value| !value.is_empty())
    }

    /// Whether one of its media types holds one of these words, which are in lower case.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        self.media_types().any(|media_type| {
            let media_type = media_type.to_ascii_lowercase();
            words.iter().any(|word| memchr::memmem::find(&media_type, word.as_bytes()).is_some())
        })
    }

    fn media_types(&self) -> impl Iterator<Item = &[u8]> {
        self.parts().filter(|part| part.contains(&b'/') && !part.contains(&b'='))
    }

    /// What commas and semicolons outside double quotes part.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let mut is_quoted = false;
        let parts = self.0.as_bytes().split(move |byte| {
            is_quoted ^= *byte == b'"';
            !is_quoted && matches!(byte, b',' | b';')
        });
        parts.map(<[u8]>::trim_ascii)
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'');
    let start = value.iter().take_while(|byte| is_quote(byte)).count();
    let end = value.iter().rev().take_while(|byte| is_quote(byte)).count();
    value.get(start..value.len() - end).unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&[u8]]) -> ContentType {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_TYPE, HeaderValue::from_bytes(value).unwrap());
        }
        ContentType::of(&headers).unwrap()
    }

    #[test]
    fn charsets_are_found_however_they_are_written() {
        for (value, charsets) in [
            (&b"text/html; charset=utf-8"[..], &["utf-8"][..]),
            (b"text/html;Charset = \"UTF-8\" ; x=y", &["UTF-8"]),
            (b"text/html; charset='latin1'", &["latin1"]),
            (b"text/html; charset=\"utf-8", &["utf-8"]),
            (b"text/html; charset=; charset=\"\";charset=latin1", &["latin1"]),
            (b"text/xml; charset=utf-8,charset=utf-8", &["utf-8", "utf-8"]),
            (b"text/html; charset=utf-8,gbk", &["utf-8"]),
            (b"text/html, text/html; charset=utf-8", &["utf-8"]),
            (b"charset=utf-8", &["utf-8"]),
            (b"text/html \xff; charset=utf-8", &["utf-8"]),
            (b"text/html; x=\"a;charset=latin1,b\"; charset=utf-8", &["utf-8"]),
            (b"text/html; charset", &[]),
            (b"text/html; xcharset=utf-8", &[]),
            (b"text/html", &[]),
            (b"", &[]),
        ] {
            let found: Vec<String> = of(&[value])
                .charsets()
                .map(|charset| String::from_utf8_lossy(charset).into_owned())
                .collect();
            assert_eq!(found, charsets, "{}", String::from_utf8_lossy(value));
        }
        let both = of(&[b"text/html; charset=none", b"text/html; charset=utf-8"]);
        assert_eq!(both.charsets().collect::<Vec<_>>(), [&b"none"[..], b"utf-8"]);
    }

    #[test]
    fn media_types_are_told_by_their_words() {
        assert!(of(&[b"Text/HTML; x=json"]).says(&["html"]));
        assert!(!of(&[b"Text/HTML; x=application/json"]).says(&["json"]));
        assert!(of(&[b"text/plain", b"application/ld+JSON"]).says(&["xml", "json"]));
        assert_eq!(of(&[b"text/html; charset=latin1"]).in_utf_8(), "text/html; charset=utf-8");
        assert_eq!(of(&[b"; charset=latin1"]).in_utf_8(), "text/plain; charset=utf-8");
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let odd = of(&[b"text/html \xff; charset=utf-8"]);
        let again = ContentType::from_text(&odd.text()).unwrap();
        assert_eq!(again.charsets().next(), Some(&b"utf-8"[..]));
        assert_eq!(ContentType::of(&HeaderMap::new()), None);
    }
}
