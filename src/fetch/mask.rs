//! Secrets in what a server sends back (an error page that repeats the key it was asked with): they are taken out before
//! that reaches a failure's detail, or is shown.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::marked::{self, Mark};
use super::secret::{Form, Secret};
use super::token::known::TokenUse;
use crate::job::{Endpoint, Template};
use crate::secrets::Secrets;

/// Bytes of a secret that are not found everywhere by chance.
const SHORTEST: usize = 4;

/// Stands for a text in which a secret is spelled in a way that its mask does not know.
const WITHHELD: &str = "(withheld: it holds a secret)";

/// Replaces the secrets of a question, or of a job, by their names in text that came from outside.
#[derive(Clone, Default)]
pub struct Mask {
    /// What to look for, and what to show instead.
    forms: Vec<Form>,
    /// Whose tokens are looked for as well.
    tokens: Option<Arc<TokenUse>>,
}

impl Mask {
    /// For these secrets: as they are, percent-encoded, as forms encode them, and as JSON writes them.
    pub(super) fn new(secrets: &[Secret]) -> Mask {
        let mut forms: Vec<Form> = secrets.iter().flat_map(Secret::forms).collect();
        forms.sort();
        forms.dedup();
        Mask { forms, tokens: None }
    }

    /// And for the tokens that a question is asked with, as they come.
    pub(super) fn with_tokens(self, tokens: Option<Arc<TokenUse>>) -> Mask {
        Mask { tokens, ..self }
    }

    /// What to look for now.
    fn forms(&self) -> Cow<'_, [Form]> {
        match &self.tokens {
            None => Cow::Borrowed(&self.forms),
            Some(tokens) => Cow::Owned(self.forms.iter().cloned().chain(tokens.forms()).collect()),
        }
    }

    /// For all secrets of a job's endpoints that are set and long enough to be told from other values: a value that a
    /// server gave, and that is shown, may repeat them.
    pub fn of(endpoints: &[Endpoint], secrets: &Secrets) -> Mask {
        let names = endpoints.iter().flat_map(Endpoint::templates).flat_map(Template::secrets);
        let set = names.filter_map(|name| Secret::of(secrets, name).ok());
        Mask::new(&set.filter(|secret| secret.reveal().len() >= SHORTEST).collect::<Vec<_>>())
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.forms.is_empty() && self.tokens.is_none()
    }

    /// `text` without secrets. One that is spelled in some other way takes the whole text with it.
    pub fn apply(&self, text: &str) -> String {
        marked::shown(text, &self.marks(text))
    }

    /// Where secrets stand in a text. One that is spelled in some other way marks the whole text.
    pub(super) fn marks(&self, text: &str) -> Vec<Mark> {
        let mut marks = self.known(text);
        if self.finds_in(&marked::shown(text, &marks)) {
            marks = vec![Mark { at: 0..text.len(), shown: WITHHELD.into() }];
        }
        marks
    }

    /// The spellings that are known; two that overlap are one.
    fn known(&self, text: &str) -> Vec<Mark> {
        let forms = self.forms();
        let found = forms.iter().flat_map(|(form, shown)| {
            let mark = |(at, form): (usize, &str)| Mark { at: at..at + form.len(), shown: shown.clone() };
            text.match_indices(form).map(mark)
        });
        let mut found: Vec<Mark> = found.collect();
        found.sort_by_key(|mark| (mark.at.start, std::cmp::Reverse(mark.at.end)));
        let mut marks: Vec<Mark> = Vec::new();
        for mark in found {
            match marks.last_mut() {
                Some(last) if mark.at.start < last.at.end => last.at.end = last.at.end.max(mark.at.end),
                _ => marks.push(mark),
            }
        }
        marks
    }

    /// Whether `text` holds one of the secrets, in any percent-encoding, or with any character escaped as JSON may. Values
    /// of less than four characters do not count: they would be found everywhere.
    pub(super) fn finds_in(&self, text: &str) -> bool {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        let unescaped = json_unescaped(text);
        let texts = [text, &decoded, &unescaped];
        let holds =
            |form: &String| form.len() >= SHORTEST && texts.iter().any(|text| text.contains(form.as_str()));
        self.forms().iter().any(|(form, _)| holds(form))
    }
}

/// A text with what JSON escapes (RFC 8259, section 7) written out: some writers escape `/`, `&` and all that is no ASCII.
fn json_unescaped(text: &str) -> Cow<'_, str> {
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

impl fmt::Debug for Mask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.forms.iter().map(|(_, shown)| shown)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let file = [("KEY", "s3cr3t/+")];
        Secrets::default().with_file(file.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    #[test]
    fn debug_output_holds_no_value() {
        let secret = Secret::of(&secrets(), "KEY").unwrap();
        let shown = format!("{:?} {secret:?} {:?}", secrets(), Mask::new(std::slice::from_ref(&secret)));
        assert!(shown.contains("${KEY}") && !shown.contains("s3cr3t"), "{shown}");
    }

    #[test]
    fn a_mask_finds_a_secret_in_its_usual_forms() {
        let mask = Mask::new(&[Secret::of(&secrets(), "KEY").unwrap()]);
        assert_eq!(mask.apply("bad key s3cr3t/+ (s3cr3t%2F%2B)"), "bad key ${KEY} (${KEY})");
        assert!(mask.finds_in("?key=s3cr3t%2F%2B") && mask.finds_in("?key=%733cr3t%2f+"));
        assert!(!mask.apply("odd spelling %733cr3t%2f+").contains("3cr3t"));
        assert!(!mask.finds_in("?key=s3cr"));
    }

    #[test]
    fn spellings_that_overlap_are_taken_out_whole() {
        let secret = |name: &str, value: &str| {
            let file = [(name.to_owned(), value.to_owned())];
            Secret::of(&Secrets::default().with_file(file.into()), name).unwrap()
        };
        let mask = Mask::new(&[secret("A", "abcd"), secret("B", "cdefgh"), secret("C", "a b")]);
        assert_eq!(mask.apply("<abcdefgh>"), "<${A}>");
        assert_eq!(mask.apply("q=a+b&r=a%20b&s=a b"), "q=${C}&r=${C}&s=${C}");
        assert_eq!(mask.marks("none"), []);
        assert_eq!(marked::shown("x%61bcd", &mask.marks("x%61bcd")), WITHHELD);
    }

    #[test]
    fn a_secret_is_found_however_json_escapes_it() {
        let secrets = Secrets::default().with_file([("KEY".to_owned(), "Ab3/de+F&Ijü𝄞".to_owned())].into());
        let mask = Mask::new(&[Secret::of(&secrets, "KEY").unwrap()]);
        for spelled in [
            r"Ab3\/de+F&Ijü𝄞",
            r"Ab3/de+F\u0026Ijü𝄞",
            r"Ab3/de+F&Ij\u00fc\ud834\udd1e",
            r"\u0041b3\/de\u002bF&Ijü\uD834\uDD1E",
        ] {
            let text = format!(r#"{{"error": "unknown key {spelled}"}}"#);
            assert_eq!(mask.apply(&text), WITHHELD, "{text}");
        }
        for harmless in [r"\u00", r"a\", r"\u+123 \q \\u0041", ""] {
            assert_eq!(mask.apply(harmless), harmless);
        }
    }
}
