//! What the asker has already, which part of a body it wants, and which encoding (RFC 9110: 8.8, 12.5.3, 13, 14).

use std::ops::Range;

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use jiff::Timestamp;

use crate::serve::snapshot::Encoding;

/// The text of all lines of a header, as if they were one; what is no text is left out.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Whether the asker has the body with this tag, or of this time.
pub(super) fn is_known(headers: &HeaderMap, etag: &str, modified: Timestamp) -> bool {
    if let Some(known) = text(headers, &IF_NONE_MATCH) {
        // The time does not matter then, even where no tag matches.
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        return known.trim() == "*" || known.split(',').any(|tag| opaque(tag) == etag);
    }
    let since = text(headers, &IF_MODIFIED_SINCE).and_then(|text| httpdate::parse_http_date(&text).ok());
    let since = since.and_then(|since| Timestamp::try_from(since).ok());
    since.is_some_and(|since| modified.as_second() <= since.as_second())
}

/// The best encoding of those that the asker takes: the smaller one first.
pub(super) fn encoding(headers: &HeaderMap) -> Encoding {
    let Some(accepted) = text(headers, &ACCEPT_ENCODING) else { return Encoding::Identity };
    let weight = |word: &str| {
        let named = |name: &str| {
            accepted.split(',').find_map(|one| {
                let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
                let is_it = coding.trim().eq_ignore_ascii_case(name);
                is_it.then(|| {
                    weight.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0))
                })
            })
        };
        named(word).or_else(|| named("*")).unwrap_or(0.0_f64)
    };
    let candidates = [Encoding::Zstd, Encoding::Gzip];
    let best = candidates.into_iter().map(|encoding| (weight(encoding.word().unwrap_or_default()), encoding));
    // Of two that are as good the first.
    let best = best.fold((0.0, Encoding::Identity), |best, one| if one.0 > best.0 { one } else { best });
    best.1
}

/// A part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Some(Range<usize>),
    /// None: it has no such bytes.
    Unsatisfiable,
}

/// Which part of a body of so many bytes is asked for. Several parts at once are answered with all of it, as is whoever asks
/// for a part of another body.
pub(super) fn part(headers: &HeaderMap, etag: &str, bytes: usize) -> Part {
    let Some(asked) = text(headers, &RANGE) else { return Part::Whole };
    // A date is no proof, since it has no more than seconds.
    if text(headers, &IF_RANGE).is_some_and(|tag| tag.trim() != etag) {
        return Part::Whole;
    }
    let Some((first, last)) = asked.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Part::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
    };
    let all = bytes as u64;
    let range = match (number(first), number(last)) {
        (Some(first), _) if last.is_empty() => first..all,
        (Some(first), Some(last)) if first <= last => first..all.min(last.saturating_add(1)),
        (None, Some(count)) if first.is_empty() => all.saturating_sub(count)..all,
        _ => return Part::Whole,
    };
    if range.is_empty() {
        return Part::Unsatisfiable;
    }
    // Both are at most `bytes`.
    Part::Some(range.start as usize..range.end as usize)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn what_is_known_is_told_by_its_tag_or_else_by_its_time() {
        let modified: Timestamp = "2026-11-23T14:05:00.9Z".parse().unwrap();
        let known = |headers: &HeaderMap| is_known(headers, "\"a\"", modified);
        assert!(!known(&HeaderMap::new()));
        for (value, expected) in [
            ("\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(known(&with(IF_NONE_MATCH, value)), expected, "{value}");
        }
        for (value, expected) in [
            ("Mon, 23 Nov 2026 14:05:00 GMT", true),
            ("Mon, 23 Nov 2026 14:04:59 GMT", false),
            ("yesterday", false),
        ] {
            assert_eq!(known(&with(IF_MODIFIED_SINCE, value)), expected, "{value}");
        }
        let mut both = with(IF_MODIFIED_SINCE, "Mon, 23 Nov 2026 14:05:00 GMT");
        both.insert(IF_NONE_MATCH, HeaderValue::from_static("\"b\""));
        assert!(!known(&both), "another body of the same second");
    }

    #[test]
    fn the_encoding_is_one_that_is_taken() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", Encoding::Zstd),
            ("gzip", Encoding::Gzip),
            ("GZIP;q=0.5, zstd;q=0.4", Encoding::Gzip),
            ("zstd;q=0, *", Encoding::Gzip),
            ("*;q=0", Encoding::Identity),
            ("br", Encoding::Identity),
            ("gzip;q=nonsense", Encoding::Identity),
            ("", Encoding::Identity),
        ] {
            assert_eq!(encoding(&with(ACCEPT_ENCODING, value)), expected, "{value}");
        }
        assert_eq!(encoding(&HeaderMap::new()), Encoding::Identity);
    }

    #[test]
    fn a_part_is_within_the_body_or_refused() {
        for (value, expected) in [
            ("bytes=0-3", Part::Some(0..4)),
            ("bytes=8-", Part::Some(8..10)),
            ("bytes=-3", Part::Some(7..10)),
            ("bytes=-30", Part::Some(0..10)),
            ("bytes=8-99999999999999999999", Part::Whole),
            ("bytes=8-999", Part::Some(8..10)),
            ("bytes=10-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=3-1", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("rows=1-2", Part::Whole),
        ] {
            assert_eq!(part(&with(RANGE, value), "\"a\"", 10), expected, "{value}");
        }
        let mut other = with(RANGE, "bytes=0-3");
        other.insert(IF_RANGE, HeaderValue::from_static("\"b\""));
        assert_eq!(part(&other, "\"a\"", 10), Part::Whole);
        other.insert(IF_RANGE, HeaderValue::from_static("\"a\""));
        assert_eq!(part(&other, "\"a\"", 10), Part::Some(0..4));
    }
}
