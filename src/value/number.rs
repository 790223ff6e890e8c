//! Numbers from text, exactly: digits that a type cannot hold are an error, never rounded away.

use super::Wrong;

/// Digits that every `i128` holds.
const MAX_DIGITS: i64 = 38;

/// A 64-bit integer; `12.0` and `1e3` are integers too.
pub(super) fn bigint(text: &str) -> Result<i64, Wrong> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    scaled(text, 0)?.try_into().map_err(|_| Wrong::Range)
}

/// A 32-bit integer.
pub(super) fn integer(text: &str) -> Result<i32, Wrong> {
    bigint(text)?.try_into().map_err(|_| Wrong::Range)
}

/// The unscaled digits of a decimal: `12.5` as `decimal(9,2)` is 1250.
pub(super) fn decimal(text: &str, precision: u8, scale: u8) -> Result<i128, Wrong> {
    let unscaled = scaled(text, scale)?;
    let limit = 10_u128.pow(u32::from(precision).min(MAX_DIGITS as u32));
    if unscaled.unsigned_abs() < limit { Ok(unscaled) } else { Err(Wrong::Range) }
}

/// The nearest 64-bit float; none that would be infinite.
pub(super) fn double(text: &str) -> Result<f64, Wrong> {
    // Rust also reads words such as "inf" and "nan".
    if text.contains(|letter: char| letter.is_ascii_alphabetic() && !letter.eq_ignore_ascii_case(&'e')) {
        return Err(Wrong::Form);
    }
    let number: f64 = text.parse().map_err(|_| Wrong::Form)?;
    if number.is_finite() { Ok(number) } else { Err(Wrong::Range) }
}

/// The number times 10 to the power of `scale`, if that is an integer of at most [`MAX_DIGITS`] digits.
fn scaled(text: &str, scale: u8) -> Result<i128, Wrong> {
    let Written { negative, whole, fraction, exponent } = Written::new(text).ok_or(Wrong::Form)?;
    let digits = || whole.bytes().chain(fraction.bytes());
    let leading = digits().take_while(|digit| *digit == b'0').count();
    let count = whole.len() + fraction.len();
    if leading == count {
        return Ok(0);
    }
    let trailing = digits().rev().take_while(|digit| *digit == b'0').count();
    let significant = count - leading - trailing;
    // The significant digits, read as an integer, are to be multiplied by 10 to the power of `shift`.
    let shift = exponent - fraction.len() as i64 + trailing as i64 + i64::from(scale);
    if shift < 0 {
        return Err(Wrong::Fraction);
    }
    if significant as i64 + shift > MAX_DIGITS {
        return Err(Wrong::Range);
    }
    let start = if negative { -1 } else { 1 };
    let value = digits()
        .skip(leading)
        .take(significant)
        .fold(0, |value, digit| value * 10 + i128::from(digit - b'0'));
    Ok(start * value * 10_i128.pow(shift as u32))
}

/// A number as it is written: sign, digits, point, exponent.
struct Written<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Written<'a> {
    fn new(text: &'a str) -> Option<Written<'a>> {
        let (negative, unsigned) = signed(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, power(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_number =
            are_digits(whole) && are_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
        is_number.then_some(Written { negative, whole, fraction, exponent })
    }
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An exponent; beyond any that matters it no longer grows, so that arithmetic with it cannot overflow.
fn power(text: &str) -> Option<i64> {
    let (negative, digits) = signed(text);
    if digits.is_empty() || !are_digits(digits) {
        return None;
    }
    let size = digits.bytes().fold(0, |size: i64, digit| (size * 10 + i64::from(digit - b'0')).min(1 << 48));
    Some(if negative { -size } else { size })
}

/// Unscaled digits with as many of them after the point.
pub(super) fn spelled_decimal(digits: i128, scale: usize) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let padded = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_at_their_limits() {
        assert_eq!(integer("2147483647"), Ok(i32::MAX));
        assert_eq!(integer("-2147483648"), Ok(i32::MIN));
        assert_eq!(integer("2147483648"), Err(Wrong::Range));
        assert_eq!(integer("-2147483649"), Err(Wrong::Range));
        assert_eq!(bigint("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(bigint("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(bigint("9223372036854775808"), Err(Wrong::Range));
        assert_eq!(bigint("-9223372036854775809"), Err(Wrong::Range));
        assert_eq!(bigint("9007199254740993"), Ok(9_007_199_254_740_993));
        assert_eq!(bigint("9.223372036854775807e18"), Ok(i64::MAX));
    }

    #[test]
    fn integers_may_be_written_in_many_ways() {
        for (text, number) in [
            ("12.0", 12),
            ("1e3", 1000),
            ("1E+3", 1000),
            ("1.5e1", 15),
            ("1000e-3", 1),
            ("007", 7),
            ("+5", 5),
            ("-0", 0),
            ("0e99999999999999999999", 0),
            ("0.00000000000000000000000000000000000000000001e44", 1),
            ("-12.", -12),
            ("120000000000000000000000000000000000000000000000e-46", 12),
        ] {
            assert_eq!(bigint(text), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_integer_says_why() {
        for text in [
            "", "-", ".", "e3", "1e", "1e+", "12abc", "1_000", "1,000", "0x10", "١", "1 2", "--1", "1e3.0",
            "nan",
        ] {
            assert_eq!(bigint(text), Err(Wrong::Form), "{text}");
        }
        for text in ["12.5", "1e-1", "1e-99999999999999999999"] {
            assert_eq!(bigint(text), Err(Wrong::Fraction), "{text}");
        }
        for text in ["1e19", "1e99999999999999999999", "99999999999999999999999999999999999999999999"] {
            assert_eq!(bigint(text), Err(Wrong::Range), "{text}");
        }
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        assert_eq!(decimal("12.5", 9, 2), Ok(1250));
        assert_eq!(decimal("12.500", 9, 2), Ok(1250));
        assert_eq!(decimal("12.501", 9, 2), Err(Wrong::Fraction));
        assert_eq!(decimal("0.1", 9, 2), Ok(10));
        assert_eq!(decimal("-.5", 1, 1), Ok(-5));
        assert_eq!(decimal("9999999.99", 9, 2), Ok(999_999_999));
        assert_eq!(decimal("10000000", 9, 2), Err(Wrong::Range));
        let most = "99999999999999999999999999999999999999";
        assert_eq!(decimal(most, 38, 0), Ok(10_i128.pow(38) - 1));
        assert_eq!(decimal(&format!("-{most}"), 38, 0), Ok(1 - 10_i128.pow(38)));
        assert_eq!(decimal(&format!("0.{most}"), 38, 38), Ok(10_i128.pow(38) - 1));
        assert_eq!(decimal("1e38", 38, 0), Err(Wrong::Range));
        assert_eq!(decimal("1", 38, 38), Err(Wrong::Range));
        assert_eq!(decimal("1e-38", 38, 38), Ok(1));
    }

    #[test]
    fn nothing_beyond_38_digits_wraps_around() {
        for (digit, zeros) in (1..=9).flat_map(|digit| (38..60).map(move |zeros| (digit, zeros))) {
            for text in [
                format!("{digit}e{zeros}"),
                format!("{digit}{}", "0".repeat(zeros)),
                format!("-{digit}e{zeros}"),
            ] {
                assert_eq!(decimal(&text, 38, 0), Err(Wrong::Range), "{text}");
                assert_eq!(bigint(&text), Err(Wrong::Range), "{text}");
            }
        }
    }

    #[test]
    fn doubles_are_finite() {
        assert_eq!(double("1.7976931348623157e308"), Ok(f64::MAX));
        assert_eq!(double("5e-324"), Ok(5e-324));
        assert_eq!(double("1e-400"), Ok(0.0));
        assert_eq!(double("-.5"), Ok(-0.5));
        assert_eq!(double("1e309"), Err(Wrong::Range));
        for text in ["nan", "NaN", "inf", "-Infinity", "", "1,5", "0x1", "e", "1 "] {
            assert_eq!(double(text), Err(Wrong::Form), "{text}");
        }
    }

    /// A number as a list of decimal digits, without exponent: schoolbook arithmetic to compare with.
    fn reference(
        negative: bool,
        whole: &str,
        fraction: &str,
        exponent: i32,
        precision: u8,
        scale: u8,
    ) -> Option<i128> {
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
        let mut after_point = fraction.len() as i32 - exponent;
        while after_point < i32::from(scale) {
            digits.push(0);
            after_point += 1;
        }
        while after_point > i32::from(scale) {
            if digits.pop().unwrap_or(0) != 0 {
                return None;
            }
            after_point -= 1;
        }
        let significant: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
        if significant.len() > usize::from(precision) {
            return None;
        }
        let text: String = significant.iter().map(|digit| char::from(digit + b'0')).collect();
        let size: i128 = if text.is_empty() { 0 } else { text.parse().unwrap() };
        Some(if negative { -size } else { size })
    }

    proptest! {
        #[test]
        fn decimals_agree_with_schoolbook_arithmetic(
            negative: bool,
            whole in "[0-9]{1,25}|0{0,30}[0-9]{1,5}0{0,30}",
            fraction in "[0-9]{0,25}|[0-9]{0,3}0{0,40}",
            exponent in -45_i32..45,
            (precision, scale) in (1_u8..=38).prop_flat_map(|precision| (Just(precision), 0..=precision)),
        ) {
            let sign = if negative { "-" } else { "" };
            let text = format!("{sign}{whole}.{fraction}e{exponent}");
            let expected = reference(negative, &whole, &fraction, exponent, precision, scale);
            prop_assert_eq!(decimal(&text, precision, scale).ok(), expected, "{}", text);
            if exponent == 0 && fraction.is_empty() {
                prop_assert_eq!(decimal(&format!("{sign}{whole}"), precision, scale).ok(), expected);
            }
        }

        #[test]
        fn any_bigint_is_read_back(number: i64, zeros in 0_usize..5) {
            prop_assert_eq!(bigint(&number.to_string()), Ok(number));
            prop_assert_eq!(bigint(&format!("{number}.{}", "0".repeat(zeros))), Ok(number));
            prop_assert_eq!(bigint(&format!("{number}{}e-{zeros}", "0".repeat(zeros))), Ok(number));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}|[-+0-9.eE]{0,12}") {
            let _ = (bigint(&text), integer(&text), decimal(&text, 38, 10), double(&text));
        }
    }
}
