//! What `make soak` throws at this module, and what holds whatever it is. `make test` gives it the seeds that lie in
//! `tests/fuzz/seeds`.

use super::time::Clock;
use super::{Type, Value, parse, read, spelled};

/// A format of dates and times in the first line, and a text: what it is read as, as each type, is spelled and read again as the
/// same.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (format, text) = text.split_once('\n').unwrap_or(("", text));
    let formatted = Clock { format: Some(format.to_owned()), ..Clock::default() };
    let types = [
        Type::Text,
        Type::Boolean,
        Type::Integer,
        Type::Bigint,
        Type::Double,
        Type::Decimal { precision: 18, scale: 4 },
        Type::Decimal { precision: 38, scale: 38 },
        Type::Date,
        Type::Timestamp,
        Type::Json,
        Type::Blob,
    ];
    for ty in types {
        for read in [parse(text, ty).ok(), read(text, ty, &formatted).ok()].into_iter().flatten() {
            is_read_again(&read, ty);
        }
    }
}

fn is_read_again(value: &Value, ty: Type) {
    let spelled = spelled(value, ty);
    let again = parse(&spelled, ty).map_err(|misfit| misfit.to_string());
    assert_eq!(again.as_ref(), Ok(value), "{ty}: {spelled:?}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_hold() {
        crate::fuzz_seeds::of("values").iter().for_each(|seed| super::text(seed));
    }
}
