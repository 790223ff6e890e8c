//! What an answer's headers say about limits: how long to wait, and how much may still be asked.
//!
//! There is no standard, so this is what servers send. `N` is a number of requests, `S` seconds.
//!
//! | fields | whose they are |
//! |---|---|
//! | `Retry-After: S`, or a date | RFC 9110, section 10.2.3: with 429 and 503, GitHub's 403, Cloudflare, Discord |
//! | `RateLimit: "default";r=N;t=S` | IETF draft -08 and later (draft-ietf-httpapi-ratelimit-headers): Cloudflare |
//! | `RateLimit: limit=N, remaining=N, reset=S` | draft -07; express-rate-limit sends each draft's |
//! | `RateLimit-Remaining: N`, `RateLimit-Reset: S` | the drafts up to -06: Kong; some send a moment instead of `S` |
//! | `X-RateLimit-Remaining: N`, `X-RateLimit-Reset: …` | GitHub (Unix seconds), Reddit (`598.0`, `S`), OpenRouter (Unix milliseconds), Rachio (an ISO date), Gusto (`2025-07-08 15:35:40 -0700`) |
//! | … of several windows: `X-RateLimit-Remaining: 1, 1000`, `X-RateLimit-Reset: 1, 1419704` | Brave |
//! | `X-RateLimit-Reset-After: S`, with a fraction | Discord, beside `X-RateLimit-Reset` in Unix seconds with a fraction |
//! | `x-rate-limit-remaining: N`, `x-rate-limit-reset: …` | X, once Twitter (Unix seconds) |
//!
//! What holds here:
//!
//! - **The first of these that can be read counts**, in the order of the table; `Retry-After` above the others (so the
//!   draft). Of several limits the one with the fewest requests left: until those are spent no other can be exceeded,
//!   and the next answer tells anew.
//! - **Nothing rather than nonsense.** What is negative, not a number, of no known form, farther away than 31 days, or
//!   cannot be matched (two numbers of requests, one reset) says nothing. A reset alone, or a number alone, says nothing.
//! - **A number up to 31 days is seconds from now**; one that as Unix seconds or milliseconds is within 31 days of now
//!   is that moment. No number is both, as 1970 is long past. A moment that is past means that the window is over.
//!   Now is the answer's own `Date`, since a moment is meant as that clock has it.
//!
//! Not told apart is a wait in milliseconds: 600000 is read as the week that it is in seconds, if the server does not
//! send a `Retry-After` too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use sfv::{BareItem, Dictionary, List, ListEntry, Parser};

use super::retry::{retry_after, seconds, server_time};

/// The farthest reset that is believed, as no quota lasts longer than a month.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// The form in which Ruby writes a time.
const RUBY: &str = "%Y-%m-%d %H:%M:%S %z";

/// One field for all, from draft -07 on.
static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The fields that come in pairs.
static PAIRS: [Pair; 4] = [
    Pair::of("ratelimit-remaining", "ratelimit-reset"),
    Pair::of("x-ratelimit-remaining", "x-ratelimit-reset-after"),
    Pair::of("x-ratelimit-remaining", "x-ratelimit-reset"),
    Pair::of("x-rate-limit-remaining", "x-rate-limit-reset"),
];

/// What an answer says of how much may be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Advice {
    /// To wait this long before anything else is sent; at most 31 days.
    pub wait: Option<Duration>,
    /// Requests left, and for how long.
    pub left: Option<Left>,
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// This many requests,
    pub requests: u64,
    /// until so much later, when there are more; at most 31 days.
    pub reset: Duration,
}

/// What an answer says. `worth_repeating` is whether the job has requests repeated that end in this status.
///
/// There is a wait where the server turned the request away: `Retry-After` with 429, 503 and whatever is repeated, or
/// else the reset of a limit that is used up, with 429, 503 and a client error that is repeated (GitHub's 403).
pub(super) fn advice(
    status: StatusCode,
    worth_repeating: bool,
    headers: &HeaderMap,
    now: SystemTime,
) -> Advice {
    let left = structured(headers).or_else(|| PAIRS.iter().find_map(|pair| pair.left(headers, now)));
    let turned_away = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if status.is_success() || !turned_away && !worth_repeating {
        return Advice { wait: None, left };
    }
    let used_up = left.filter(|left| left.requests == 0 && (turned_away || status.is_client_error()));
    // A server that names a longer time does not want to be asked; more than this nobody needs to know.
    let asked = retry_after(headers, now).map(|wait| wait.min(LONGEST));
    Advice { wait: asked.or(used_up.map(|left| left.reset)), left }
}

/// The limit that is reached first.
fn binding(limits: impl Iterator<Item = Left>) -> Option<Left> {
    limits.min_by_key(|left| (left.requests, std::cmp::Reverse(left.reset)))
}

/// What the field `RateLimit` says: a list of limits, or the dictionary of draft -07. One that is malformed is
/// ignored as a whole, as the drafts say.
fn structured(headers: &HeaderMap) -> Option<Left> {
    headers.get(&RATE_LIMIT)?;
    let lines: Vec<&[u8]> = headers.get_all(&RATE_LIMIT).iter().map(HeaderValue::as_bytes).collect();
    let field = lines.join(&b", "[..]);
    if let Ok(list) = Parser::new(&field).parse::<List>() {
        return binding(list.iter().filter_map(|entry| match entry {
            ListEntry::Item(item) => limit(item.params.get("r")?, item.params.get("t")?),
            ListEntry::InnerList(_) => None,
        }));
    }
    let dictionary: Dictionary = Parser::new(&field).parse().ok()?;
    match (dictionary.get("remaining")?, dictionary.get("reset")?) {
        (ListEntry::Item(remaining), ListEntry::Item(reset)) => limit(&remaining.bare_item, &reset.bare_item),
        _ => None,
    }
}

/// A limit of these two numbers.
fn limit(remaining: &BareItem, reset: &BareItem) -> Option<Left> {
    let requests = u64::try_from(i64::from(remaining.as_integer()?)).ok()?;
    let millis = match reset {
        BareItem::Integer(seconds) => i64::from(*seconds).checked_mul(1000)?,
        BareItem::Decimal(seconds) => i64::from(seconds.as_integer_scaled_1000()),
        _ => return None,
    };
    let reset = Duration::from_millis(u64::try_from(millis).ok()?);
    (reset <= LONGEST).then_some(Left { requests, reset })
}

/// Two fields that belong together.
struct Pair {
    remaining: HeaderName,
    reset: HeaderName,
}

impl Pair {
    const fn of(remaining: &'static str, reset: &'static str) -> Pair {
        Pair { remaining: HeaderName::from_static(remaining), reset: HeaderName::from_static(reset) }
    }

    /// What they say: the first number of requests goes with the first reset, and so on.
    fn left(&self, headers: &HeaderMap, now: SystemTime) -> Option<Left> {
        headers.get(&self.remaining)?;
        headers.get(&self.reset)?;
        let now = server_time(headers, now);
        let (remaining, resets) = (items(headers, &self.remaining), items(headers, &self.reset));
        if remaining.len() != resets.len() {
            return None;
        }
        binding(
            remaining.iter().zip(resets).filter_map(|(requests, at)| {
                Some(Left { requests: whole(requests)?, reset: reset(at, now)? })
            }),
        )
    }
}

/// The items of a field, over all its lines. A date that begins with a weekday has a comma of its own.
fn items<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
    let parts = |line: &'a str| {
        let is_date = line.trim_start().starts_with(|first: char| first.is_ascii_alphabetic());
        line.split(move |character| character == ',' && !is_date)
    };
    // In the drafts' first versions an item could have parameters.
    lines.flat_map(parts).map(|item| item.split(';').next().unwrap_or_default().trim()).collect()
}

/// A number of requests. Some write whole numbers with a fraction.
fn whole(text: &str) -> Option<u64> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && fraction.bytes().all(|byte| byte == b'0');
    if is_whole { digits.parse().ok() } else { None }
}

/// The time from now until a window is over.
fn reset(text: &str, now: SystemTime) -> Option<Duration> {
    let Some(number) = seconds(text) else { return until(moment(text)?, now) };
    if number <= LONGEST {
        return Some(number);
    }
    let since_1970 = [number, number / 1000];
    since_1970.into_iter().find_map(|since| until(UNIX_EPOCH.checked_add(since)?, now))
}

/// A date with time and offset from UTC; without an offset nobody knows when it is.
fn moment(text: &str) -> Option<SystemTime> {
    let timestamp = text.parse().or_else(|_| Timestamp::strptime(RUBY, text));
    timestamp.map(SystemTime::from).ok().or_else(|| httpdate::parse_http_date(text).ok())
}

/// The time until a moment that is believable: none where it is past.
fn until(moment: SystemTime, now: SystemTime) -> Option<Duration> {
    match moment.duration_since(now) {
        Ok(ahead) => (ahead <= LONGEST).then_some(ahead),
        Err(past) => (past.duration() <= LONGEST).then_some(Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-16T15:55:00Z, a Tuesday: five minutes before the moment in the example that X gives.
    const NOW: u64 = 1_705_420_500;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// What a success with these headers says: requests left, and for how many seconds.
    fn left(lines: &[(&'static str, &str)]) -> Option<(u64, f64)> {
        let advice = advice(StatusCode::OK, false, &headers(lines), now());
        assert_eq!(advice.wait, None, "{lines:?}");
        advice.left.map(|left| (left.requests, left.reset.as_secs_f64()))
    }

    /// How many seconds an answer with this status asks to wait.
    fn wait(status: u16, worth_repeating: bool, lines: &[(&'static str, &str)]) -> Option<f64> {
        let status = StatusCode::from_u16(status).unwrap();
        advice(status, worth_repeating, &headers(lines), now()).wait.map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn what_servers_send_is_understood() {
        let (remaining, reset) = ("x-ratelimit-remaining", "x-ratelimit-reset");
        for (whose, lines, expected) in [
            ("Cloudflare", vec![("ratelimit", r#""default";r=50;t=30"#)], (50, 30.0)),
            ("draft -10", vec![("ratelimit", r#""default";r=50;t=30;pk=:dHJpYWwxMjEzMjM=:"#)], (50, 30.0)),
            ("drafts' tokens", vec![("ratelimit", "permin;r=20;t=23, perhr;r=399;t=2402")], (20, 23.0)),
            ("express, draft -8", vec![("ratelimit", r#""5-in-1min"; r=4; t=60"#)], (4, 60.0)),
            ("express, draft -7", vec![("ratelimit", "limit=100, remaining=50, reset=30")], (50, 30.0)),
            ("express, draft -6", vec![("ratelimit-remaining", "9"), ("ratelimit-reset", "6")], (9, 6.0)),
            (
                "a moment, not seconds",
                vec![("ratelimit-remaining", "9"), ("ratelimit-reset", "1705420506")],
                (9, 6.0),
            ),
            ("GitHub", vec![(remaining, "4999"), (reset, "1705424100")], (4999, 3600.0)),
            (
                "X",
                vec![("x-rate-limit-remaining", "847"), ("x-rate-limit-reset", "1705420800")],
                (847, 300.0),
            ),
            ("Reddit", vec![(remaining, "598.0"), (reset, "295")], (598, 295.0)),
            ("OpenRouter", vec![(remaining, "0"), (reset, "1705420560250")], (0, 60.25)),
            ("Rachio", vec![(remaining, "4"), (reset, "2024-01-17T00:00:00Z")], (4, 29_100.0)),
            ("Gusto", vec![(remaining, "198"), (reset, "2024-01-16 08:55:40 -0700")], (198, 40.0)),
            ("HTTP's date", vec![(remaining, "1"), (reset, "Tue, 16 Jan 2024 15:56:00 GMT")], (1, 60.0)),
            ("Brave, this second", vec![(remaining, "1, 1000"), (reset, "1, 1419704")], (1, 1.0)),
            ("Brave, this month", vec![(remaining, "1, 0"), (reset, "1, 1419704")], (0, 1_419_704.0)),
            ("Whoop", vec![(remaining, "98"), (reset, "3")], (98, 3.0)),
            (
                "Discord",
                vec![(remaining, "0"), ("x-ratelimit-reset-after", "64.57"), (reset, "1705420599.5")],
                (0, 64.57),
            ),
            ("Discord, before", vec![(remaining, "0"), (reset, "1705420564.5")], (0, 64.5)),
        ] {
            assert_eq!(left(&lines), Some(expected), "{whose}");
        }
    }

    #[test]
    fn a_moment_is_one_of_the_servers_clock() {
        // The server's clock is an hour ahead of ours, or a year behind: it means in a minute.
        for (date, reset) in [
            ("Tue, 16 Jan 2024 16:55:00 GMT", "1705424160"),
            ("Tue, 16 Jan 2024 16:55:00 GMT", "2024-01-16T16:56:00Z"),
            ("Mon, 16 Jan 2023 15:55:00 GMT", "1673884560"),
            ("Mon, 16 Jan 2023 15:55:00 GMT", "60"),
        ] {
            let lines = [("date", date), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)];
            assert_eq!(left(&lines), Some((0, 60.0)), "{date} {reset}");
        }
    }

    #[test]
    fn of_several_limits_the_one_counts_that_is_reached_first() {
        for (field, expected) in [
            (r#""day";r=1000;t=3600, "burst";r=5;t=1"#, (5, 1.0)),
            (r#""burst";r=0;t=1, "day";r=0;t=3600"#, (0, 3600.0)),
            (r#""a, b;r=0;t=1";r=7;t=2"#, (7, 2.0)),
            (r#""no reset";r=1, "no number";t=3, "both";r=9;t=2.5"#, (9, 2.5)),
            (r#""month";r=3;t=9999999, "day";r=9;t=60"#, (9, 60.0)),
        ] {
            assert_eq!(left(&[("ratelimit", field)]), Some(expected), "{field}");
        }
        let lines = [("ratelimit", "a;r=5;t=1"), ("ratelimit", "b;r=3;t=9")];
        assert_eq!(left(&lines), Some((3, 9.0)));
    }

    #[test]
    fn the_newer_fields_count_before_the_older() {
        let lines = |field| {
            [
                ("ratelimit", field),
                ("ratelimit-remaining", "2"),
                ("ratelimit-reset", "20"),
                ("x-ratelimit-remaining", "3"),
                ("x-ratelimit-reset", "30"),
            ]
        };
        assert_eq!(left(&lines("a;r=9;t=10")), Some((9, 10.0)));
        assert_eq!(left(&lines("what?")), Some((2, 20.0)));
        assert_eq!(left(&lines("a;r=9;t=10")[3..]), Some((3, 30.0)));
    }

    #[test]
    fn what_makes_no_sense_says_nothing() {
        let hostile =
            ["", "-1", "1.5", "NaN", "inf", "1e3", "0x10", "many", "+5", "5 6", "99999999999999999999", "é"];
        for text in hostile {
            let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            let mut headers = headers(&[("x-ratelimit-reset", "30")]);
            headers.insert("x-ratelimit-remaining", value);
            assert_eq!(advice(StatusCode::OK, false, &headers, now()), Advice::default(), "{text}");
        }
        for text in [
            "",
            "-1",
            "NaN",
            "inf",
            "1e3",
            "soon",
            "+5",
            ".",
            "1.2.3",
            "99999999999999999999999999",
            "2678401",
            "20240117",
            "1702742099",
            "1708098901",
            "1705420500000000",
            "2024-01-17",
            "2024-01-17 00:00:00",
            "2024-01-17T00:00:00",
            "2034-01-17T00:00:00Z",
            "Wed, 17 Jan 2024 00:00:00",
        ] {
            assert_eq!(left(&[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", text)]), None, "{text}");
        }
        for text in [
            "",
            "50",
            "r=50, t=30",
            "a;r=-1;t=5",
            "a;r=5;t=-1",
            "a;r=1.5;t=5",
            "a;r=5;t=2678401",
            r#"a;r="5";t=5"#,
            "a;r;t",
            "(a b);r=5;t=5",
            "a;r=5;t=5,",
            r#""a;r=5;t=5"#,
            "a;r=9999999999999999;t=5",
            "a;r=5",
            "a;t=5",
            "limit=9, reset=5",
            "remaining=-1, reset=5",
            "remaining=(1 2), reset=5",
        ] {
            assert_eq!(left(&[("ratelimit", text)]), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_matched_says_nothing() {
        let (remaining, reset) = ("x-ratelimit-remaining", "x-ratelimit-reset");
        assert_eq!(left(&[(remaining, "5")]), None);
        assert_eq!(left(&[(reset, "30")]), None);
        assert_eq!(left(&[(remaining, "5"), (remaining, "6"), (reset, "30")]), None);
        assert_eq!(left(&[(remaining, "5"), (reset, "30, 60")]), None);
        assert_eq!(left(&[(remaining, "5"), ("x-rate-limit-reset", "30")]), None);
        // Two proxies, each with both fields; one limit of two that has no end (Azure's -1).
        assert_eq!(left(&[(remaining, "9"), (remaining, "6"), (reset, "30"), (reset, "5")]), Some((6, 5.0)));
        assert_eq!(left(&[(remaining, "-1, 6"), (reset, "30, 5")]), Some((6, 5.0)));
    }

    #[test]
    fn a_window_that_is_over_has_no_time_left() {
        for text in ["0", "1705420500", "1705420499", "1705420499000", "2024-01-16T15:54:59Z"] {
            let lines = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", text)];
            assert_eq!(left(&lines), Some((0, 0.0)), "{text}");
        }
    }

    #[test]
    fn a_server_that_turns_a_request_away_says_how_long() {
        let used_up = [("ratelimit", "a;r=0;t=30")];
        let some_left = [("ratelimit", "a;r=1;t=30")];
        let both = [("retry-after", "7"), ("ratelimit", "a;r=0;t=30")];
        for (status, worth_repeating, expected) in [
            // Worth repeating or not: these two are about limits.
            (429, true, [Some(30.0), None, Some(7.0)]),
            (429, false, [Some(30.0), None, Some(7.0)]),
            (503, false, [Some(30.0), None, Some(7.0)]),
            // GitHub's, where the job lists it.
            (403, true, [Some(30.0), None, Some(7.0)]),
            (403, false, [None, None, None]),
            // A broken server is not about limits; that it is to be left alone it says itself.
            (500, true, [None, None, Some(7.0)]),
            (500, false, [None, None, None]),
            // What is left counts after a success, but nobody waits.
            (200, true, [None, None, None]),
            (404, false, [None, None, None]),
        ] {
            let waits = [&used_up[..], &some_left, &both].map(|lines| wait(status, worth_repeating, lines));
            assert_eq!(waits, expected, "{status}, {worth_repeating}");
        }
    }

    #[test]
    fn no_wait_is_longer_than_a_month() {
        let month = Some(2_678_400.0);
        for text in ["2678400", "2678401", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(wait(429, true, &[("retry-after", text)]), month, "{text}");
        }
        assert_eq!(wait(429, true, &[("retry-after", "0.5")]), Some(0.5));
        assert_eq!(wait(429, true, &[("retry-after", "-5")]), None);
    }

    #[test]
    fn an_answer_without_such_headers_says_nothing() {
        let lines = [("content-type", "application/json"), ("x-ratelimit-limit", "5000")];
        assert_eq!(advice(StatusCode::TOO_MANY_REQUESTS, true, &headers(&lines), now()), Advice::default());
    }
}
