//! How secrets may be spelled in what a server sends back, and where such spellings stand in a text.
//!
//! | spelling | found |
//! |---|---|
//! | as it is, percent-encoded, as forms encode it, as JSON writes it | always |
//! | the same in other case | where the secret is 8 bytes or longer |
//! | in base64 of either alphabet, whatever stands around it; in hexadecimal digits | from 8 characters, 12 digits on |
//!
//! A shorter one would be found by chance. What is in base64 is found with all that is in base64 around it.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::encode;
use super::marked::Mark;
use super::secret::Secret;

/// Bytes of a secret that is not found everywhere by chance.
pub(super) const SHORTEST: usize = 4;

/// The same where case does not count, of characters of base64, and where only its beginning is there.
pub(super) const SHORTEST_LOOSE: usize = 8;

/// The same of hexadecimal digits.
const SHORTEST_HEX: usize = 12;

/// Bytes of a spelling that are looked for; the others are compared where these stand. Access tokens are long and many.
const LOOKED_FOR: usize = 32;

/// Most bytes that are looked for by a table of states for each byte, which is large and fast.
const TABLED: usize = 4096;

/// One spelling of a secret.
struct Spelling {
    text: String,
    /// What is shown in its place.
    shown: Arc<str>,
    is_base64: bool,
}

impl Spelling {
    fn looked_for(&self) -> &[u8] {
        &self.text.as_bytes()[..self.text.len().min(LOOKED_FOR)]
    }

    /// Whether all of it stands at the beginning of some bytes.
    fn is_at(&self, bytes: &[u8]) -> bool {
        let spelled = self.text.as_bytes();
        let there = bytes.get(..spelled.len());
        if spelled.len() < SHORTEST_LOOSE {
            return there == Some(spelled);
        }
        there.is_some_and(|there| there.eq_ignore_ascii_case(spelled))
    }
}

/// The spellings of some secrets.
pub(super) struct Spellings {
    all: Vec<Spelling>,
    found_by: Result<AhoCorasick, BuildError>,
}

impl Default for Spellings {
    fn default() -> Spellings {
        Spellings::of([])
    }
}

impl Spellings {
    /// Of these secrets.
    pub(super) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Spellings {
        let mut all: Vec<Spelling> = secrets.into_iter().flat_map(spellings).collect();
        all.sort_by(|one, other| (&one.text, &one.shown).cmp(&(&other.text, &other.shown)));
        all.dedup_by(|one, other| one.text == other.text);
        let begun: Vec<&[u8]> = all.iter().map(Spelling::looked_for).collect();
        let is_small = begun.iter().map(|begun| begun.len()).sum::<usize>() <= TABLED;
        let kind = is_small.then_some(AhoCorasickKind::DFA);
        let found_by = AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build(begun);
        Spellings { all, found_by }
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What is shown in place of each.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Arc<str>> {
        self.all.iter().map(|spelling| &spelling.shown)
    }

    /// Whether nobody can tell where they stand.
    pub(super) fn is_blind(&self) -> bool {
        self.found_by.is_err()
    }

    /// Where they stand, in any order; two may overlap.
    pub(super) fn marks(&self, text: &str) -> Vec<Mark> {
        self.found(text)
            .map(|(spelling, start)| {
                let at = start..start + spelling.text.len();
                let at = if spelling.is_base64 { whole_base64(text, at) } else { at };
                Mark { at, shown: spelling.shown.clone() }
            })
            .collect()
    }

    /// Whether one stands in a text that is long enough not to be there by chance; also where nobody can tell.
    pub(super) fn are_in(&self, text: &str) -> bool {
        self.is_blind() || self.found(text).any(|(spelling, _)| spelling.text.len() >= SHORTEST)
    }

    /// Where one begins that a text ends in the middle of, `least` bytes before its end or more.
    pub(super) fn begun_at_end(&self, text: &str, least: usize) -> Option<Mark> {
        let begun = |spelling: &Spelling| {
            let all = spelling.text.as_bytes();
            let mut lengths = (least..all.len()).rev();
            lengths.find(|length| text.as_bytes().ends_with(&all[..*length]))
        };
        let longest = self.all.iter().filter_map(|spelling| Some((begun(spelling)?, spelling)));
        let (length, spelling) = longest.max_by_key(|(length, _)| *length)?;
        Some(Mark { at: text.len() - length..text.len(), shown: spelling.shown.clone() })
    }

    fn found<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (&'a Spelling, usize)> {
        let found = self.found_by.iter().flat_map(move |by| by.find_overlapping_iter(text));
        let begun = found.map(|found| (&self.all[found.pattern().as_usize()], found.start()));
        begun.filter(move |(spelling, start)| spelling.is_at(&text.as_bytes()[*start..]))
    }
}

fn spellings(secret: &Secret) -> Vec<Spelling> {
    let value = secret.reveal();
    let plain = [value.to_owned(), encode::component(value), encode::form(value), encode::json(value)];
    let hex = hex(value.as_bytes());
    let hex = Some(hex).filter(|digits| digits.len() >= SHORTEST_HEX);
    let base64 = base64(value.as_bytes()).into_iter().filter(|text| text.len() >= SHORTEST_LOOSE);
    let spelled = |is_base64| move |text| Spelling { text, shown: secret.shown().clone(), is_base64 };
    let plain = plain.into_iter().chain(hex).filter(|text| !text.is_empty());
    plain.map(spelled(false)).chain(base64.map(spelled(true))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What of some bytes stands in base64 (RFC 4648) of all that holds them: their bits fall into its characters in three ways, as
/// many bytes as stand before them.
fn base64(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for before in 0..3 {
        let all = [&[0; 2][..before], bytes].concat();
        // A character that has bits of what stands before or behind is another one each time.
        let own = [0, 2, 3][before]..(all.len() * 8 / 6);
        for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            found.extend(alphabet.encode(&all).get(own.clone()).map(str::to_owned));
        }
    }
    found
}

/// The whole of what is in base64: its ends have bits of the secret, too.
fn whole_base64(text: &str, at: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let is_outside = |letter: char| !letter.is_ascii_alphanumeric() && !"+/-_=".contains(letter);
    let start = text[..at.start]
        .rfind(is_outside)
        .map_or(0, |before| before + text[before..].chars().next().map_or(0, char::len_utf8));
    let end = text[at.end..].find(is_outside).map_or(text.len(), |behind| at.end + behind);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str, text: &str) -> String {
        let spellings = Spellings::of(&[Secret::named("${KEY}".into(), value)]);
        let mut marks = spellings.marks(text);
        marks.sort_by_key(|mark| mark.at.start);
        marks.dedup_by(|later, mark| later.at.start < mark.at.end);
        crate::fetch::marked::shown(text, &marks)
    }

    #[test]
    fn bytes_are_found_in_base64_and_hex_whatever_stands_around_them() {
        let key = "s3cr3t/+\u{fe}key";
        for before in ["", "a", "ab", "abc"] {
            for behind in ["", "y", "yz"] {
                let text = format!("{before}{key}{behind}");
                for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                    let told = format!("<{}>", engine.encode(&text));
                    assert_eq!(shown(key, &told), "<${KEY}>", "{text}");
                }
                let digits = hex(text.as_bytes());
                let of = |text: &str| hex(text.as_bytes());
                let masked = format!("{}${{KEY}}{}", of(before), of(behind));
                assert_eq!(shown(key, &digits), masked);
                assert_eq!(shown(key, &digits.to_uppercase()), masked.to_uppercase());
            }
        }
    }

    #[test]
    fn of_long_ones_all_counts() {
        let key = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.the-own-part";
        let other = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.another-part";
        assert_eq!(shown(key, &format!("{other} {key}")), format!("{other} ${{KEY}}"));
        assert_eq!(shown(key, &key[..40]), key[..40]);
    }

    #[test]
    fn case_counts_only_where_a_secret_is_short() {
        assert_eq!(shown("Long-Enough", "LONG-enough"), "${KEY}");
        assert_eq!(shown("Test", "a test, a Test"), "a test, a ${KEY}");
        assert_eq!(shown("Test", "VGVzdA== 54657374"), "VGVzdA== 54657374", "by chance, maybe");
    }

    #[test]
    fn what_stands_around_base64_stays() {
        let told = format!("Bearer {}==, né", STANDARD_NO_PAD.encode("a long secret"));
        assert_eq!(shown("a long secret", &told), "Bearer ${KEY}, né");
        assert_eq!(shown("a long secret", "né bG9uZyBzZWNyZXQ"), "né bG9uZyBzZWNyZXQ", "another one");
    }
}
