//! Text with what is escaped in it written out, as its readers may take it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// How many times over escapes are undone: what a page quotes of a URL within a URL.
const DEPTH: usize = 3;

/// Characters that HTML has names for (the HTML standard, "named character references"), as far as programs write them.
const NAMED: [(&str, char); 12] = [
    ("amp", '&'),
    ("apos", '\''),
    ("bsol", '\\'),
    ("colon", ':'),
    ("commat", '@'),
    ("equals", '='),
    ("gt", '>'),
    ("lt", '<'),
    ("percnt", '%'),
    ("plus", '+'),
    ("quot", '"'),
    ("sol", '/'),
];

/// Longest reference of a character, without `&` and `;`.
const LONGEST: usize = 10;

/// Whether this holds for anything that a text may be meant as, itself left out: with the escapes of JSON, of HTML and of URLs
/// undone, in this order, one by one, and again. Two of them are in memory at the most.
pub(super) fn any_reading(text: &str, holds: impl Fn(&str) -> bool) -> bool {
    let mut read = Cow::Borrowed(text);
    for _ in 0..DEPTH {
        let mut is_new = false;
        for undo in [json, html, percent] {
            let undone = match undo(&read) {
                Cow::Owned(undone) if undone != read => undone,
                _ => continue,
            };
            if holds(&undone) {
                return true;
            }
            (read, is_new) = (Cow::Owned(undone), true);
        }
        if !is_new {
            break;
        }
    }
    false
}

fn percent(text: &str) -> Cow<'_, str> {
    match percent_decode_str(text).into() {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// RFC 8259, section 7: some writers escape `/`, `&` and all that is no ASCII.
fn json(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        let after = rest.as_str();
        let hex = after.strip_prefix('u').and_then(|after| u16::from_str_radix(after.get(..4)?, 16).ok());
        match (letter, hex, after.chars().next()) {
            ('\\', Some(unit), _) => {
                units.push(unit);
                rest = after["u1234".len()..].chars();
            }
            ('\\', None, Some(escaped @ ('"' | '\\' | '/'))) => {
                units.push(escaped as u16);
                rest.next();
            }
            (letter, ..) => units.extend_from_slice(letter.encode_utf16(&mut [0; 2])),
        }
    }
    Cow::Owned(String::from_utf16_lossy(&units))
}

/// References of characters, by name or by number.
fn html(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut undone = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        undone.push_str(&rest[..at]);
        let reference = &rest[at + 1..];
        let end = reference.bytes().take(LONGEST).position(|byte| byte == b';');
        match end.and_then(|end| Some((meant(&reference[..end])?, end))) {
            Some((letter, end)) => {
                undone.push(letter);
                rest = &reference[end + 1..];
            }
            None => {
                undone.push('&');
                rest = reference;
            }
        }
    }
    undone.push_str(rest);
    Cow::Owned(undone)
}

fn meant(reference: &str) -> Option<char> {
    let Some(number) = reference.strip_prefix('#') else {
        return NAMED.iter().find(|(name, _)| *name == reference).map(|(_, letter)| *letter);
    };
    let number = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    char::from_u32(number.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &str) -> Vec<String> {
        let read = std::cell::RefCell::new(Vec::new());
        assert!(!any_reading(text, |reading| {
            read.borrow_mut().push(reading.to_owned());
            false
        }));
        read.into_inner()
    }

    #[test]
    fn escapes_are_undone_several_times_over() {
        for text in [
            r"a\/b&c",
            r"a\u002fb\u0026c",
            "a&#x2F;b&amp;c",
            "a&#47;b&#38;c",
            "a%2Fb%26c",
            "a%252fb%2526c",
            r"a%5Cu002Fb\u0026amp;c",
        ] {
            assert!(readings(text).iter().any(|read| read == "a/b&c"), "{text}: {:?}", readings(text));
        }
        assert_eq!(readings("nothing + to undo"), [""; 0]);
        assert_eq!(readings(r"\u00 \q & &nope; &#xD800; &# 5 % %zz é&é"), [""; 0]);
    }
}
