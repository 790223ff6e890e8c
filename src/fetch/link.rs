//! The `Link` header (RFC 8288), as far as pages need it: which URL is `next`.
//!
//! Promises: a list never ends because its header was not understood. What servers write wrongly but clearly is read
//! (bytes that are no UTF-8, `rel='next'`, a URL without its brackets, a missing `;`). Where a part of the header cannot
//! be read and holds the word `next`, and no other part names the next page, that is an error and not a last page.

use std::fmt::Write;

use hyper::header::{HeaderMap, LINK};

/// The reference of the first link whose relation is `next`, as it stands there; bytes that are no UTF-8 percent-encoded.
/// Links with an `anchor` are those of other pages.
///
/// # Errors
///
/// What cannot be read and may be meant as the next page.
pub(super) fn next(headers: &HeaderMap) -> Result<Option<String>, String> {
    let mut doubtful = None;
    for value in headers.get_all(LINK) {
        let mut rest = Cursor(value.as_bytes());
        while let Some(part) = rest.part() {
            match part {
                Ok(link) if link.is_next && !link.is_of_another_page => {
                    return Ok(Some(text(link.reference)));
                }
                Ok(_) => {}
                Err(unread) if has_next(unread) => doubtful = doubtful.or(Some(unread)),
                Err(_) => {}
            }
        }
    }
    doubtful.map_or(Ok(None), |unread| Err(String::from_utf8_lossy(unread).into_owned()))
}

/// Whether the word stands anywhere in it.
fn has_next(unread: &[u8]) -> bool {
    unread.windows(4).any(|word| word.eq_ignore_ascii_case(b"next"))
}

/// A reference as text.
fn text(reference: &[u8]) -> String {
    let mut text = String::new();
    for chunk in reference.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// One link of a header.
struct Link<'a> {
    reference: &'a [u8],
    is_next: bool,
    is_of_another_page: bool,
}

/// What is left of a header.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// The next link, or the bytes up to a comma that are none; nothing at the header's end.
    fn part(&mut self) -> Option<Result<Link<'a>, &'a [u8]>> {
        self.skip(b", \t");
        let begun = self.0;
        if begun.is_empty() {
            return None;
        }
        Some(self.link().ok_or_else(|| {
            self.0 = begun;
            self.skip_part();
            &begun[..begun.len() - self.0.len()]
        }))
    }

    /// A link with its parameters, up to a comma, another link, or the end.
    fn link(&mut self) -> Option<Link<'a>> {
        let reference = self.reference()?;
        let mut link = Link { reference, is_next: false, is_of_another_page: false };
        let mut has_relation = false;
        while let Some((name, value)) = self.parameter()? {
            if name.eq_ignore_ascii_case(b"anchor") {
                link.is_of_another_page = true;
            } else if name.eq_ignore_ascii_case(b"rel") && !has_relation {
                // Only the first one counts (section 3.3).
                has_relation = true;
                let mut words = value.split(u8::is_ascii_whitespace);
                link.is_next = words.any(|word| word.eq_ignore_ascii_case(b"next"));
            }
        }
        Some(link)
    }

    /// What stands in angle brackets, or without them what has no blank, bracket or quote in it.
    fn reference(&mut self) -> Option<&'a [u8]> {
        if self.0.first() == Some(&b'<') {
            let end = self.0.iter().position(|byte| *byte == b'>')?;
            let reference = &self.0[1..end];
            self.0 = &self.0[end + 1..];
            // One that opens a second time was never closed.
            return (!reference.contains(&b'<')).then(|| reference.trim_ascii());
        }
        let reference = self.until(b";,").trim_ascii();
        let is_clear = !reference.iter().any(|byte| b"<>\"' \t".contains(byte));
        is_clear.then_some(reference)
    }

    /// Reads `name=value` or `name`, with the `;` before it; nothing where the link ends, none where it is neither.
    fn parameter(&mut self) -> Option<Option<(&'a [u8], Vec<u8>)>> {
        self.skip(b"; \t");
        if matches!(self.0, [] | [b',' | b'<', ..]) {
            return Some(None);
        }
        let name = self.until(b"=;, \t");
        if name.iter().any(|byte| b"<>\"".contains(byte)) {
            return None;
        }
        self.skip(b" \t");
        let Some(rest) = self.0.strip_prefix(b"=") else { return Some(Some((name, Vec::new()))) };
        self.0 = rest;
        self.skip(b" \t");
        Some(Some((name, self.value()?)))
    }

    /// A value in quotes, which must close, or up to what ends it.
    fn value(&mut self) -> Option<Vec<u8>> {
        match self.0 {
            [b'"', rest @ ..] => {
                self.0 = rest;
                self.quoted()
            }
            [b'\'', rest @ ..] if rest.contains(&b'\'') => {
                self.0 = rest;
                let value = self.until(b"'").to_vec();
                self.0 = &self.0[1..];
                Some(value)
            }
            _ => Some(self.until(b";,").trim_ascii().to_vec()),
        }
    }

    /// Reads up to the closing quote; a `\` takes the meaning from the character after it (RFC 9110, section 5.6.4).
    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        let mut bytes = self.0.iter();
        loop {
            match bytes.next()? {
                b'"' => break,
                b'\\' => value.push(*bytes.next()?),
                other => value.push(*other),
            }
        }
        self.0 = bytes.as_slice();
        Some(value)
    }

    /// Passes over what is no link, up to a comma that is not in quotes.
    fn skip_part(&mut self) {
        while let Some((first, rest)) = self.0.split_first() {
            if *first == b',' {
                return;
            }
            self.0 = rest;
            if *first == b'"' && self.quoted().is_none() {
                self.0 = &[];
            }
        }
    }

    fn skip(&mut self, bytes: &[u8]) {
        while let Some((first, rest)) = self.0.split_first()
            && bytes.contains(first)
        {
            self.0 = rest;
        }
    }

    fn until(&mut self, ends: &[u8]) -> &'a [u8] {
        let end = self.0.iter().position(|byte| ends.contains(byte)).unwrap_or(self.0.len());
        let (before, rest) = self.0.split_at(end);
        self.0 = rest;
        before
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn next_of(values: &[&[u8]]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LINK, HeaderValue::from_bytes(value).unwrap());
        }
        next(&headers)
    }

    fn next_of_one(value: &str) -> Result<Option<String>, String> {
        next_of(&[value.as_bytes()])
    }

    #[test]
    fn the_next_link_is_found_in_every_spelling() {
        for header in [
            r#"</p?page=2>; rel="next""#,
            r#"</p?page=2>;rel=next"#,
            r#"</p?page=2>; REL="NEXT""#,
            r#"</p?page=2> ; rel = "next" "#,
            r#"</p?page=2>; rel="last next""#,
            r#"</p?page=2>; rel="next last""#,
            r#"</p?page=2>; title="a, b; rel=\"prev\""; rel="next"; type="text/html""#,
            r#"</p?page=2>; rel="n\ext""#,
            r#"</p?page=2>; crossorigin; rel=next"#,
            r#"</p?page=2>;;rel=next;"#,
            r#"</p?page=9>; rel="last", </p?page=2>; rel="next", </p>; rel="first""#,
            r#"</p,;"9>; rel=prev,</p?page=2>;rel=next"#,
            r#", ,</p?page=2>; rel=next"#,
            r#"</p?page=9>; title="<x>; rel=next, <y>"; rel=prev, </p?page=2>; rel=next"#,
            r#"garbage; rel="next, <", </p?page=2>; rel=next"#,
            r#"</p?page=9>; rel=next; anchor="/other", </p?page=2>; rel=next"#,
            r#"< /p?page=2 >; rel=next"#,
            // Not as RFC 8288 has it, but clear.
            r#"</p?page=2> rel="next""#,
            r#"</p?page=9>; rel="last" </p?page=2>; rel="next""#,
            r#"</p> </p?page=2>; rel=next"#,
            r#"</p?page=2>; rel='next'"#,
            r#"</p?page=2>; rel='last next'; title='a, b'"#,
            r#"</p?page=2>; rel=last next"#,
            r#"/p?page=2; rel="next""#,
            r#"</p?page=9; rel="next", </p?page=2>; rel="next""#,
        ] {
            assert_eq!(next_of_one(header), Ok(Some("/p?page=2".to_owned())), "{header}");
        }
        assert_eq!(next_of_one("<>; rel=next"), Ok(Some(String::new())));
        assert_eq!(next_of_one("</a,b;c?d=e,f>; rel=next"), Ok(Some("/a,b;c?d=e,f".to_owned())));
    }

    #[test]
    fn what_is_not_next_is_none() {
        for header in [
            "",
            ",,,",
            "</p>",
            "</p>; rel=prev",
            "</p>; rel=nextish",
            r#"</p>; rel="prev"; rel="next""#,
            r#"</p>; title="rel=next""#,
            r#"</p>; rev="next""#,
            r#"</next>; rel="https://example.com/rels/next""#,
            "</p; rel=prev",
            r#"</p>; rel="prev"#,
            "<>\"<",
        ] {
            assert_eq!(next_of_one(header), Ok(None), "{header}");
        }
    }

    #[test]
    fn what_cannot_be_read_and_may_mean_next_is_an_error() {
        for header in [
            "</p; rel=next",
            r#"</p; rel="next", </q>; rel="last""#,
            r#"</p>; rel="next"#,
            r#"</p>, rel="next""#,
            r#"</p>; rel="prev, </q>; rel=next"#,
            r#"/p 2; rel=next"#,
            r#""/p"; rel=next"#,
        ] {
            assert!(next_of_one(header).is_err_and(|unread| unread.contains("next")), "{header}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_read() {
        let next = |header: &[u8]| next_of(&[header]).unwrap().unwrap();
        assert_eq!(next(b"</p?page=2>; title=\"caf\xe9\"; rel=\"next\""), "/p?page=2");
        assert_eq!(next(b"</p?q=caf\xe9&page=2>; rel=next"), "/p?q=caf%E9&page=2");
        assert_eq!(next("</p?q=café>; rel=next".as_bytes()), "/p?q=café");
    }

    #[test]
    fn several_headers_are_one_list() {
        let headers: [&[u8]; 4] = [b"</a>; rel=prev", b"\xff<b; rel=x", b"</c>; rel=next", b"</d>; rel=next"];
        assert_eq!(next_of(&headers), Ok(Some("/c".to_owned())));
        assert_eq!(next_of(&[b"</b; rel=next", b"</c>; rel=next"]), Ok(Some("/c".to_owned())));
        assert_eq!(next_of(&[]), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn no_header_is_too_odd(header in "[<>;,=\"'\\\\ \ta-zé]{0,40}") {
            let _ = next_of_one(&header);
        }
    }
}
