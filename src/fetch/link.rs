//! The `Link` header (RFC 8288), as far as pages need it: which URL is `next`.

use hyper::header::{HeaderMap, LINK};

/// The reference of the first link whose relation is `next`, as it stands there. Links with an `anchor` are those of
/// other pages, and a header that is not text, or a link that is not written as it should be, is passed over.
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().find_map(|value| next_in(std::str::from_utf8(value.as_bytes()).ok()?))
}

fn next_in(header: &str) -> Option<String> {
    let mut rest = Cursor(header);
    loop {
        rest.skip([',', ' ', '\t']);
        if rest.0.is_empty() {
            return None;
        }
        let link = rest.link();
        if let Some(link) = link.filter(|link| link.is_next && !link.is_of_another_page) {
            return Some(link.reference.to_owned());
        }
        rest.skip_link();
    }
}

/// One link of a header.
struct Link<'a> {
    reference: &'a str,
    is_next: bool,
    is_of_another_page: bool,
}

/// What is left of a header.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// Reads a link with its parameters; `None` where none begins here.
    fn link(&mut self) -> Option<Link<'a>> {
        let (reference, rest) = self.0.strip_prefix('<')?.split_once('>')?;
        self.0 = rest;
        let mut link = Link { reference: reference.trim(), is_next: false, is_of_another_page: false };
        let mut has_relation = false;
        while let Some((name, value)) = self.parameter() {
            if name.eq_ignore_ascii_case("anchor") {
                link.is_of_another_page = true;
            } else if name.eq_ignore_ascii_case("rel") && !has_relation {
                // Only the first one counts (section 3.3).
                has_relation = true;
                link.is_next = value.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"));
            }
        }
        Some(link)
    }

    /// Reads `; name=value` or `; name`. The value may be quoted.
    fn parameter(&mut self) -> Option<(&'a str, String)> {
        self.skip([' ', '\t']);
        self.0 = self.0.strip_prefix(';')?;
        self.skip([';', ' ', '\t']);
        let name = self.until(['=', ';', ',', ' ', '\t']);
        self.skip([' ', '\t']);
        let Some(rest) = self.0.strip_prefix('=') else { return Some((name, String::new())) };
        self.0 = rest;
        self.skip([' ', '\t']);
        match self.0.strip_prefix('"') {
            Some(rest) => {
                self.0 = rest;
                Some((name, self.quoted()))
            }
            None => Some((name, self.until([';', ',', ' ', '\t']).to_owned())),
        }
    }

    /// Reads up to the closing quote; a `\` takes the meaning from the character after it (RFC 9110, section 5.6.4).
    fn quoted(&mut self) -> String {
        let mut value = String::new();
        let mut characters = self.0.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => value.extend(characters.next()),
                other => value.push(other),
            }
        }
        self.0 = characters.as_str();
        value
    }

    /// Passes over what is left of a link, up to a comma that is not in quotes.
    fn skip_link(&mut self) {
        while let Some(character) = self.0.chars().next() {
            if character == ',' {
                return;
            }
            self.0 = &self.0[character.len_utf8()..];
            if character == '"' {
                self.quoted();
            }
        }
    }

    fn skip<const N: usize>(&mut self, characters: [char; N]) {
        self.0 = self.0.trim_start_matches(characters);
    }

    fn until<const N: usize>(&mut self, ends: [char; N]) -> &'a str {
        let (before, rest) = self.0.split_at(self.0.find(ends).unwrap_or(self.0.len()));
        self.0 = rest;
        before
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn next_of(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LINK, HeaderValue::from_bytes(value).unwrap());
        }
        next(&headers)
    }

    fn next_of_one(value: &str) -> Option<String> {
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
            r#"</p?page=9> rel=next, </p?page=2>; rel=next"#,
            r#"< /p?page=2 >; rel=next"#,
        ] {
            assert_eq!(next_of_one(header).as_deref(), Some("/p?page=2"), "{header}");
        }
        assert_eq!(next_of_one("<>; rel=next").as_deref(), Some(""));
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
            "</p; rel=next",
            "/p; rel=next",
            r#"</p>; rel="prev, </q>; rel=next"#,
        ] {
            assert_eq!(next_of_one(header), None, "{header}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let headers: [&[u8]; 4] =
            [b"</a>; rel=prev", b"\xff</b>; rel=next", b"</c>; rel=next", b"</d>; rel=next"];
        assert_eq!(next_of(&headers).as_deref(), Some("/c"));
        assert_eq!(next_of(&[]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_is_too_odd(header in "[<>;,=\"\\\\ \ta-zé]{0,40}") {
            let _ = next_in(&header);
        }
    }
}
