//! The character encoding that an HTML page names in its own beginning.
//!
//! The prescan of the HTML standard (section 13.2.3.2, "Determining the character encoding"): `<meta charset>` and
//! `<meta http-equiv="content-type" content="…; charset=…">`, not in comments and not in other tags, or else an XML
//! declaration. A `<meta>` that comes later than it should is heeded where the page would be damaged without, as
//! browsers start anew when they find one.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// Bytes that are looked at: what the standard asks of a page's author.
const LOOKED_AT: usize = 1024;

/// Bytes that are looked at of a page that is no UTF-8.
const LOOKED_AT_LATE: usize = 64 * 1024;

/// The encoding that the page names, if it names one that is known.
pub(super) fn encoding(page: &[u8]) -> Option<&'static Encoding> {
    let beginning = &page[..page.len().min(LOOKED_AT)];
    in_meta(beginning).or_else(|| in_declaration(beginning)).or_else(|| match std::str::from_utf8(page) {
        Ok(_) => None,
        Err(_) => in_meta(&page[..page.len().min(LOOKED_AT_LATE)]),
    })
}

/// That of an XML declaration, `<?xml version="1.0" encoding="utf-8"?>`.
fn in_declaration(page: &[u8]) -> Option<&'static Encoding> {
    const WORD: &[u8] = b"encoding";
    let declaration = page.strip_prefix(b"<?xml")?.split(|byte| *byte == b'>').next()?;
    let at = memchr::memmem::find(declaration, WORD)?;
    let value = declaration[at + WORD.len()..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    match value {
        [quote @ (b'"' | b'\''), quoted @ ..] => known(quoted.split(|byte| byte == quote).next()?),
        _ => None,
    }
}

fn in_meta(beginning: &[u8]) -> Option<&'static Encoding> {
    let mut scan = Scan { rest: beginning };
    while let Some(at) = memchr::memchr(b'<', scan.rest) {
        scan.rest = &scan.rest[at..];
        if let Some(found) = scan.markup() {
            return Some(found);
        }
    }
    None
}

/// What is left of the beginning.
struct Scan<'a> {
    rest: &'a [u8],
}

/// What one `<meta>` says.
#[derive(Default)]
struct Meta {
    is_content_type: bool,
    charset: Option<&'static Encoding>,
    content: Option<&'static Encoding>,
}

impl Scan<'_> {
    /// Passes over the markup that begins here, and gives the encoding that it names.
    fn markup(&mut self) -> Option<&'static Encoding> {
        let is_letter = |at: usize| self.rest.get(at).is_some_and(u8::is_ascii_alphabetic);
        if self.rest.starts_with(b"<!--") {
            // `<!-->` is a whole comment.
            self.skip(2);
            self.skip_after(b"-->");
        } else if self.rest.starts_with(b"<!") || self.rest.starts_with(b"<?") {
            self.skip_after(b">");
        } else if is_letter(1) || self.rest.starts_with(b"</") && is_letter(2) {
            return self.tag();
        } else {
            self.skip(1);
        }
        None
    }

    fn tag(&mut self) -> Option<&'static Encoding> {
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
        let length = self.rest.iter().skip(2).position(is_end).map_or(self.rest.len(), |length| length + 2);
        let is_meta = self.rest[..length].eq_ignore_ascii_case(b"<meta");
        self.skip(length);
        let mut meta = Meta::default();
        while let Some((name, value)) = self.attribute() {
            meta.take(&name, &value);
        }
        if is_meta { meta.encoding() } else { None }
    }

    /// The next attribute of the tag, name and value in lower case.
    fn attribute(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.skip_while(|byte| byte.is_ascii_whitespace() || byte == b'/');
        if self.rest.first().is_none_or(|first| *first == b'>') {
            return None;
        }
        // A name may begin with `=`.
        let mut name = self.take(1);
        name.extend(
            self.take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'/' | b'>')),
        );
        self.skip_while(|byte| byte.is_ascii_whitespace());
        if self.rest.first() != Some(&b'=') {
            return Some((name, Vec::new()));
        }
        self.skip(1);
        self.skip_while(|byte| byte.is_ascii_whitespace());
        let value = match self.rest.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let quote = *quote;
                self.skip(1);
                let value = self.take_while(|byte| byte != quote);
                self.skip(1);
                value
            }
            _ => self.take_while(|byte| !byte.is_ascii_whitespace() && byte != b'>'),
        };
        Some((name, value))
    }

    fn take_while(&mut self, matches: impl Fn(u8) -> bool) -> Vec<u8> {
        let length = self.rest.iter().position(|byte| !matches(*byte)).unwrap_or(self.rest.len());
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let taken = self.rest[..length.min(self.rest.len())].to_ascii_lowercase();
        self.skip(length);
        taken
    }

    fn skip_while(&mut self, matches: impl Fn(u8) -> bool) {
        let length = self.rest.iter().position(|byte| !matches(*byte)).unwrap_or(self.rest.len());
        self.skip(length);
    }

    fn skip_after(&mut self, end: &[u8]) {
        let found = self.rest.windows(end.len()).position(|window| window == end);
        self.skip(found.map_or(self.rest.len(), |at| at + end.len()));
    }

    fn skip(&mut self, length: usize) {
        self.rest = &self.rest[length.min(self.rest.len())..];
    }
}

impl Meta {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"http-equiv" => self.is_content_type |= value == b"content-type",
            b"charset" => self.charset = self.charset.or_else(|| known(value)),
            b"content" => self.content = self.content.or_else(|| known(in_content(value)?)),
            _ => {}
        }
    }

    fn encoding(&self) -> Option<&'static Encoding> {
        self.charset.or(self.content.filter(|_| self.is_content_type))
    }
}

/// A page that can be read so far is not in UTF-16, whatever it says.
fn known(label: &[u8]) -> Option<&'static Encoding> {
    match Encoding::for_label(label)? {
        encoding if encoding == UTF_16LE || encoding == UTF_16BE => Some(UTF_8),
        encoding if encoding == X_USER_DEFINED => Some(WINDOWS_1252),
        encoding => Some(encoding),
    }
}

/// The label in a `content`, which is in lower case: `text/html; charset=utf-8`.
fn in_content(mut content: &[u8]) -> Option<&[u8]> {
    const WORD: &[u8] = b"charset";
    loop {
        let at = content.windows(WORD.len()).position(|window| window == WORD)?;
        content = content[at + WORD.len()..].trim_ascii_start();
        if let Some(value) = content.strip_prefix(b"=") {
            let value = value.trim_ascii_start();
            return match value {
                [quote @ (b'"' | b'\''), quoted @ ..] => quoted.split(|byte| byte == quote).next(),
                bare => bare.split(|byte| byte.is_ascii_whitespace() || *byte == b';').next(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(page: &str) -> Option<&'static str> {
        encoding(page.as_bytes()).map(Encoding::name)
    }

    #[test]
    fn the_encoding_is_found_in_every_spelling() {
        for page in [
            "<meta charset=windows-1251>",
            "<!doctype html><html><head>\n<META CHARSET = 'windows-1251' />",
            "<meta/charset=\"windows-1251\"/>",
            "<meta name=x charset=cp1251>",
            "<meta http-equiv=content-type content='text/html; charset=windows-1251'>",
            "<meta content=\"text/html;charset = 'Windows-1251'\" HTTP-EQUIV=\"Content-Type\">",
            "<meta http-equiv=content-type content='charset; charset=windows-1251;x=y'>",
            "<meta charset=nonsense><meta charset=windows-1251>",
            "<!-- <meta charset=koi8-r> --><meta charset=windows-1251>",
            "<!--><meta charset=windows-1251>",
            "<a title='<meta charset=koi8-r>'><meta charset=windows-1251>",
            "<?x <meta ?></p/><x <y><1><meta charset=windows-1251>",
        ] {
            assert_eq!(name(page), Some("windows-1251"), "{page}");
        }
    }

    #[test]
    fn what_names_none_is_none() {
        for page in [
            "",
            "<",
            "<meta",
            "<meta charset",
            "<meta charset=",
            "<metal charset=koi8-r>",
            "<meta content='text/html; charset=koi8-r'>",
            "<meta http-equiv=refresh content='1; charset=koi8-r'>",
            "<!-- <meta charset=koi8-r>",
            "</meta-x charset=koi8-r>",
            "text",
        ] {
            assert_eq!(name(page), None, "{page}");
        }
        assert_eq!(name(&format!("<p>{}<meta charset=koi8-r>", "x".repeat(1024))), None);
    }

    #[test]
    fn an_xml_declaration_names_it_where_no_meta_does() {
        for page in [
            "<?xml version='1.0' encoding='windows-1251'?><html>",
            "<?xml version=\"1.0\" encoding = \"Windows-1251\" standalone='yes' ?>",
            "<?xml version='1.0' encoding='koi8-r'?><meta charset=windows-1251>",
        ] {
            assert_eq!(name(page), Some("windows-1251"), "{page}");
        }
        for page in [
            "<?xml?>",
            "<?xml encoding=koi8-r?>",
            "<?xml encoding",
            "<p><?xml encoding='koi8-r'?>",
            "<?xml ?> encoding='koi8-r'",
        ] {
            assert_eq!(name(page), None, "{page}");
        }
    }

    #[test]
    fn a_late_meta_counts_where_the_page_is_no_utf_8() {
        let page =
            |text: &[u8]| [b"<!--", &b"x".repeat(2000)[..], b"--><meta charset=koi8-r>", text].concat();
        assert_eq!(encoding(&page(b"\xc1")).map(Encoding::name), Some("KOI8-R"));
        assert_eq!(encoding(&page("é".as_bytes())), None);
    }

    #[test]
    fn a_page_that_could_be_read_is_not_in_utf_16() {
        assert_eq!(name("<meta charset=utf-16>"), Some("UTF-8"));
        assert_eq!(name("<meta charset=x-user-defined>"), Some("windows-1252"));
    }

    proptest::proptest! {
        #[test]
        fn no_page_is_too_odd(page in "(<|meta|charset|=|'|\"|/|>|<!--|-->| |content|utf-8|\\?|!|é){0,30}") {
            let _ = encoding(page.as_bytes());
        }
    }
}
