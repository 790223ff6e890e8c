//! Bytes as texts: base64 (RFC 4648, 4 and 5) and hexadecimal digits.
//!
//! Promise: a text stands for its bytes, or is refused with the place that is wrong; nothing is guessed, left out or made up.
//! Of base64 both alphabets are read, though not both in one text; the padding may be there or not; line breaks, as MIME has
//! them, are none of it. A blank is refused: in a URL that was decoded twice it stands where a `+` was.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// How bytes are written as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// base64.
    Base64,
    /// Two hexadecimal digits for each byte, in any case; `0x` or `\x` may stand before them.
    Hex,
}

impl Encoding {
    /// The one that a column's `format` names.
    pub fn named(word: &str) -> Option<Encoding> {
        match word {
            "base64" => Some(Encoding::Base64),
            "hex" => Some(Encoding::Hex),
            _ => None,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Encoding::Base64 => "base64",
            Encoding::Hex => "hex",
        })
    }
}

/// Either padding, and no bits that stand for nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes that a text without space around it stands for, or why it does not.
pub fn decoded(text: &str, encoding: Encoding) -> Result<Vec<u8>, String> {
    match encoding {
        Encoding::Base64 => base64(text),
        Encoding::Hex => unhex(text),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, String> {
    let is_one = |one: char| one.is_ascii_alphanumeric() || "+/-_=\r\n".contains(one);
    if let Some(stranger) = stranger(text, is_one) {
        return Err(stranger);
    }
    if text.contains(['+', '/']) && text.contains(['-', '_']) {
        return Err("it has characters of both alphabets, the standard one and that for URLs".to_owned());
    }
    let plain = |byte: u8| match byte {
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        b'\r' | b'\n' => None,
        other => Some(other),
    };
    let plain: Vec<u8> = text.bytes().filter_map(plain).collect();
    // A padding that is there is whole.
    let is_whole = !plain.ends_with(b"=") || plain.len().is_multiple_of(4);
    BASE64.decode(plain).ok().filter(|_| is_whole).ok_or_else(|| {
        "its end is not that of base64: it was cut off, or has a padding that does not belong there"
            .to_owned()
    })
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits = ["0x", "0X", "\\x"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    if let Some(stranger) = stranger(digits, |one| one.is_ascii_hexdigit()) {
        return Err(stranger);
    }
    if digits.len() % 2 == 1 {
        return Err(format!("it has {} digits, an odd number", digits.len()));
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    Ok(digits.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect())
}

/// The first character that does not belong there, and its place.
fn stranger(text: &str, belongs: impl Fn(char) -> bool) -> Option<String> {
    let (at, one) = text.chars().enumerate().find(|(_, one)| !belongs(*one))?;
    Some(format!("{one:?} at character {} does not belong there", at + 1))
}

/// Two digits for each byte, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]].map(char::from);
    bytes.iter().flat_map(digits).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str, encoding: Encoding) -> String {
        decoded(text, encoding).unwrap_err()
    }

    #[test]
    fn what_is_no_base64_is_refused_with_its_place() {
        for (text, why) in [
            ("YWJj ZGVm", "' ' at character 5 does not belong there"),
            ("data:image/png;base64,YWJj", "':' at character 5 does not belong there"),
            ("ä", "'ä' at character 1 does not belong there"),
            ("YWJj+_", "both alphabets"),
            ("YWJjZ", "its end is not that of base64"),
            ("YW=Jj", "its end is not that of base64"),
            ("YWI==", "its end is not that of base64"),
            ("YQ=", "its end is not that of base64"),
            ("=", "its end is not that of base64"),
            // Bits that no byte has.
            ("YWK=", "its end is not that of base64"),
            ("YR", "its end is not that of base64"),
        ] {
            let said = refusal(text, Encoding::Base64);
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn lines_of_mime_and_either_padding_are_base64() {
        for text in ["YWJjZGU=", "YWJjZGU", "YWJj\r\nZGU=\n", "YWJj\nZGU"] {
            assert_eq!(decoded(text, Encoding::Base64).unwrap(), b"abcde", "{text}");
        }
        assert_eq!(decoded("", Encoding::Base64).unwrap(), b"");
    }

    #[test]
    fn hexadecimal_digits_may_have_a_prefix_and_any_case() {
        for text in ["00ffA0", "0x00FFa0", "\\x00ffa0", "0X00ffa0"] {
            assert_eq!(decoded(text, Encoding::Hex).unwrap(), [0, 255, 160], "{text}");
        }
        assert_eq!(decoded("", Encoding::Hex).unwrap(), b"");
        assert_eq!(decoded("0x", Encoding::Hex).unwrap(), b"");
        for (text, why) in [
            ("abc", "it has 3 digits, an odd number"),
            ("0xabc", "it has 3 digits, an odd number"),
            ("00 ff", "' ' at character 3 does not belong there"),
            ("00:ff", "':' at character 3 does not belong there"),
            ("0x0x", "'x' at character 2 does not belong there"),
            ("١٢", "does not belong there"),
        ] {
            let said = refusal(text, Encoding::Hex);
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    proptest! {
        #[test]
        fn all_bytes_come_back(bytes: Vec<u8>) {
            prop_assert_eq!(decoded(&hex(&bytes), Encoding::Hex).unwrap(), &*bytes);
            prop_assert_eq!(decoded(&hex(&bytes).to_uppercase(), Encoding::Hex).unwrap(), &*bytes);
            for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
                prop_assert_eq!(decoded(&engine.encode(&bytes), Encoding::Base64).unwrap(), &*bytes);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}|[-+/_=A-Za-z0-9]{0,12}") {
            let _ = (decoded(&text, Encoding::Base64), decoded(&text, Encoding::Hex));
        }
    }
}
