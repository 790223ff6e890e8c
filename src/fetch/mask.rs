//! Secrets in what a server sends back (an error page that repeats the key it was asked with): they are taken out before
//! that reaches a failure's detail, or is shown.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::marked::{self, Mark};
use super::network;
use super::secret::Secret;
use super::spelled::{SHORTEST, SHORTEST_LOOSE, Spellings};
use super::token::kept;
use super::token::known::TokenUse;
use super::unescaped::any_reading;
use crate::job::Endpoint;
use crate::secrets::Secrets;

/// Stands for a text in which a secret is spelled in a way that its mask does not know.
const WITHHELD: &str = "(withheld: it holds a secret)";

/// What stands where a text was cut.
const CUT: char = '…';

/// Replaces the secrets of a question, or of a job, by their names in text that came from outside.
#[derive(Clone, Default)]
pub struct Mask {
    /// What to look for, and what to show instead.
    spellings: Arc<Spellings>,
    /// Whose tokens are looked for as well.
    tokens: Option<Arc<TokenUse>>,
    /// Where tokens of this user are kept, which are looked for as well.
    kept: Option<Arc<Path>>,
}

impl Mask {
    /// For these secrets, in all [their spellings](super::spelled).
    pub(super) fn new(secrets: &[Secret]) -> Mask {
        Mask { spellings: Arc::new(Spellings::of(secrets)), tokens: None, kept: None }
    }

    /// And for the tokens that a question is asked with, as they come.
    pub(super) fn with_tokens(self, tokens: Option<Arc<TokenUse>>) -> Mask {
        Mask { tokens, ..self }
    }

    /// What to look for now.
    fn spellings(&self) -> Vec<Arc<Spellings>> {
        let of_tokens = self.tokens.iter().map(|tokens| tokens.spellings());
        let kept = self.kept.iter().map(|folder| Arc::new(kept::spelled_in(folder)));
        [self.spellings.clone()].into_iter().chain(of_tokens).chain(kept).collect()
    }

    /// For all secrets of a job's endpoints that are set and long enough to be told from other values, and for the tokens that
    /// are kept in this folder: a value that a server gave, and that is shown, may repeat them.
    pub fn of(endpoints: &[Endpoint], secrets: &Secrets, tokens: &Path) -> Mask {
        let names = endpoints.iter().flat_map(Endpoint::secrets);
        let set = names.filter_map(|name| Secret::of(secrets, name).ok());
        let of_proxies = endpoints.iter().flat_map(|endpoint| network::secrets_of(endpoint, secrets));
        let long: Vec<Secret> =
            set.chain(of_proxies).filter(|secret| secret.reveal().len() >= SHORTEST).collect();
        Mask { kept: Some(tokens.into()), ..Mask::new(&long) }
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.spellings.is_empty() && self.tokens.is_none()
    }

    /// `text` without secrets, for people. One that is spelled in some other way takes the whole text with it. One that the text
    /// was cut in the middle of, at its end or before an ellipsis, is taken out as far as it goes.
    pub fn apply(&self, text: &str) -> String {
        let spellings = self.spellings();
        // A whole text may end in what a secret begins with.
        let ends =
            text.match_indices(CUT).map(|(at, _)| (at, SHORTEST)).chain([(text.len(), SHORTEST_LOOSE)]);
        let begun = ends.flat_map(|(end, least)| {
            let cut = text[..end].trim_end_matches(['"', '\\', ' ']);
            spellings.iter().filter_map(move |spellings| spellings.begun_at_end(cut, least))
        });
        marked::shown(text, &marks(&spellings, text, begun.collect()))
    }

    /// Whole `text` without secrets, otherwise as it was.
    pub(super) fn replaced(&self, text: &str) -> String {
        marked::shown(text, &self.marks(text))
    }

    /// Where secrets stand in a whole text. One that is spelled in some other way marks all of it.
    pub(super) fn marks(&self, text: &str) -> Vec<Mark> {
        marks(&self.spellings(), text, Vec::new())
    }

    /// Whether `text` holds one of the secrets, as it is or escaped as JSON, HTML or URLs may. Values of less than four
    /// characters do not count: they would be found everywhere.
    pub(super) fn finds_in(&self, text: &str) -> bool {
        are_in(&self.spellings(), text)
    }
}

/// Where secrets stand in a text, and these marks.
fn marks(spellings: &[Arc<Spellings>], text: &str, mut found: Vec<Mark>) -> Vec<Mark> {
    found.extend(spellings.iter().flat_map(|spellings| spellings.marks(text)));
    let marks = apart(found);
    let is_odd = match marks.as_slice() {
        // As it is it has none, then.
        [] => spellings.iter().any(|spellings| spellings.is_blind()) || are_in_readings(spellings, text),
        marks => are_in(spellings, &marked::shown(text, marks)),
    };
    if is_odd { vec![Mark { at: 0..text.len(), shown: WITHHELD.into() }] } else { marks }
}

/// Marks in order; those that overlap are one.
fn apart(mut found: Vec<Mark>) -> Vec<Mark> {
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

fn are_in(spellings: &[Arc<Spellings>], text: &str) -> bool {
    is_in(spellings, text) || are_in_readings(spellings, text)
}

fn are_in_readings(spellings: &[Arc<Spellings>], text: &str) -> bool {
    any_reading(text, |read| is_in(spellings, read))
}

fn is_in(spellings: &[Arc<Spellings>], text: &str) -> bool {
    spellings.iter().any(|spellings| spellings.are_in(text))
}

impl fmt::Debug for Mask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.spellings.shown()).finish()
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
    fn a_secret_that_a_text_is_cut_in_the_middle_of_is_taken_out() {
        let mask = Mask::new(&[Secret::of(&secrets(), "KEY").unwrap()]);
        for (text, masked) in [
            ("bad key s3cr3t%2F", "bad key ${KEY}"),
            ("a word: s3cr", "a word: s3cr"),
            ("bad key \"s3cr\"… (80 characters)", "bad key \"${KEY}\"… (80 characters)"),
            ("bad key s3cr3t%2F%… and s3cr3t/+", "bad key ${KEY}… and ${KEY}"),
            ("bad key czNjcjN…", "bad key ${KEY}…"),
            ("bad key s3c…", "bad key s3c…"),
            ("s3cr, no key", "s3cr, no key"),
        ] {
            assert_eq!(mask.apply(text), masked);
        }
        assert_eq!(mask.replaced("a whole answer: s3cr3t"), "a whole answer: s3cr3t");
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
