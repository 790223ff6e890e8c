//! Characters that a database cannot hold: U+0000, which PostgreSQL takes neither in text nor, as an escape, in JSON; and
//! half a UTF-16 surrogate pair (`\ud800` alone), which JSON may write and no text can hold.

use std::borrow::Cow;

use memchr::memchr;

use super::super::body::quoted;
use super::super::text;
use super::{Misfit, SHOWN};
use crate::job::OnBadCharacter;
use crate::value::Value;

/// What stands in the place of a character.
const REPLACEMENT: &str = "\u{fffd}";

/// The text of a JSON string.
#[inline]
pub(super) fn text_of(json: &str, then: OnBadCharacter) -> Result<Cow<'_, str>, Misfit> {
    let read = match then {
        OnBadCharacter::Replace => match text::without_lone_surrogates(json) {
            Cow::Borrowed(json) => text::unescaped(json),
            Cow::Owned(json) => text::unescaped(&json).map(|text| Cow::Owned(text.into_owned())),
        },
        OnBadCharacter::Keep | OnBadCharacter::Fail => text::unescaped(json),
    };
    read.map_err(|half| refused(json, &half.to_string()))
}

/// A text, with what becomes of U+0000 in it.
#[inline]
pub(super) fn kept_text(text: Cow<'_, str>, then: OnBadCharacter) -> Result<Value, Misfit> {
    if then == OnBadCharacter::Keep || memchr(0, text.as_bytes()).is_none() {
        return Ok(Value::Text(text.into_owned()));
    }
    match then {
        OnBadCharacter::Fail => Err(refused(&text, HAS_NUL)),
        OnBadCharacter::Keep | OnBadCharacter::Replace => Ok(Value::Text(text.replace('\0', REPLACEMENT))),
    }
}

/// JSON as it is, but for these characters, if every reader of JSON will take it.
pub(super) fn kept_json(json: &str, then: OnBadCharacter) -> Result<Value, Misfit> {
    let whole = match (text::without_lone_surrogates(json), then) {
        (Cow::Owned(_), OnBadCharacter::Keep | OnBadCharacter::Fail) => {
            return Err(refused(json, &text::LoneSurrogate.to_string()));
        }
        (whole, _) => whole,
    };
    if then == OnBadCharacter::Keep {
        return Ok(Value::Json(whole.into_owned()));
    }
    match (without_nul(&whole), then) {
        (Cow::Owned(_), OnBadCharacter::Fail) => Err(refused(json, HAS_NUL)),
        (clean, _) => Ok(Value::Json(clean.into_owned())),
    }
}

const HAS_NUL: &str = "the character U+0000";

fn refused(text: &str, has: &str) -> Misfit {
    let hint = "on_bad_character = \"replace\" in the column puts U+FFFD in its place";
    Misfit(format!("{} has {has} ({hint})", quoted(text, SHOWN)))
}

/// JSON with U+FFFD in place of every U+0000 in its strings, which stands there as the escape `\u0000`; as it is where
/// there is none.
pub(super) fn without_nul(json: &str) -> Cow<'_, str> {
    let Some(first) = next_nul(json, 0) else { return Cow::Borrowed(json) };
    let (mut clean, mut copied, mut found) = (String::with_capacity(json.len()), 0, Some(first));
    while let Some(at) = found {
        clean.push_str(&json[copied..at]);
        clean.push_str(r"\ufffd");
        copied = at + NUL.len();
        found = next_nul(json, copied);
    }
    clean.push_str(&json[copied..]);
    Cow::Owned(clean)
}

/// U+0000 as JSON writes it.
const NUL: &str = r"\u0000";

/// Where the next escape of U+0000 is, from `at` on, which is not within an escape.
fn next_nul(json: &str, mut at: usize) -> Option<usize> {
    let bytes = json.as_bytes();
    while let Some(backslash) = memchr(b'\\', bytes.get(at..)?) {
        at += backslash;
        if bytes[at..].starts_with(NUL.as_bytes()) {
            return Some(at);
        }
        // An escaped backslash does not begin another escape.
        at += 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_escape_of_nul_is_one_where_its_backslash_is_none() {
        for (json, clean) in [
            (r#""\u0000""#, r#""\ufffd""#),
            (r#"{"a\u0000": ["\u0000\u0000x"]}"#, r#"{"a\ufffd": ["\ufffd\ufffdx"]}"#),
            (r#""\\\u0000""#, r#""\\\ufffd""#),
            (r#""\n\u0000""#, r#""\n\ufffd""#),
        ] {
            assert_eq!(without_nul(json), clean);
        }
        for json in [r#""\\u0000""#, r#""\\\\u0000""#, r#""u0000""#, r#""\u000b\u1000""#, "0", ""] {
            assert_eq!(without_nul(json), json);
        }
    }

    fn text_of(json: &str) -> String {
        serde_json::from_str(json).unwrap()
    }

    proptest! {
        /// Whatever stands around it, what JSON says is the same but for the character.
        #[test]
        fn json_without_nul_says_the_same(text in "(\0|u0000|[a-z\"\\\\\n]|\\PC){0,12}") {
            let json = serde_json::Value::from(text.as_str()).to_string();
            let clean = without_nul(&json);
            prop_assert_eq!(text_of(&clean), text.replace('\0', "\u{fffd}"));
            prop_assert_eq!(matches!(clean, Cow::Owned(_)), text.contains('\0'));
        }

        #[test]
        fn a_text_is_kept_refused_or_replaced(text in "(\0|\\PC){0,8}") {
            let of = |nul| kept_text(Cow::Borrowed(&text), nul).ok();
            prop_assert_eq!(of(OnBadCharacter::Keep), Some(Value::Text(text.clone())));
            prop_assert_eq!(of(OnBadCharacter::Replace), Some(Value::Text(text.replace('\0', "\u{fffd}"))));
            let refused = (!text.contains('\0')).then(|| Value::Text(text.clone()));
            prop_assert_eq!(of(OnBadCharacter::Fail), refused);
        }
    }
}
