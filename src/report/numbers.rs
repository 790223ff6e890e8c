//! Figures for people.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `1234567` as `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 record`, `1,234 records`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `0.8 s`, `42 s`, `3 min 20 s`, `5 h 3 min`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `6.2 ms`, `410 ms`, `1.2 s`.
pub fn millis(time: f64) -> String {
    match time {
        ..9.95 => format!("{time:.1} ms"),
        9.95..999.5 => format!("{time:.0} ms"),
        _ => duration(Duration::try_from_secs_f64(time / 1e3).unwrap_or(Duration::MAX)),
    }
}

/// `on 2026-11-26 at 09:00:00 CET, in 6 h 3 min`; the second is one since 1970.
pub fn when(second: u64) -> String {
    let moment = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    let Some(moment) = moment else { return "later".to_owned() };
    let left = Duration::try_from(moment.duration_since(Timestamp::now())).unwrap_or_default();
    let here = moment.to_zoned(TimeZone::system());
    format!("on {}, in {}", here.strftime("%Y-%m-%d at %H:%M:%S %Z"), duration(left))
}

/// `2026-11-30 00:00 UTC`: a minute in the zone of this machine.
pub fn minute(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// `14:03:07`: a moment of RFC 3339, in the zone of this machine.
pub fn second_of_day(moment: &str) -> String {
    let here = |moment: Timestamp| moment.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string();
    moment.parse().map_or_else(|_| moment.to_owned(), here)
}

/// Microseconds since 1970 as programs read them: RFC 3339, UTC.
pub fn rfc3339(micros: i64) -> String {
    Timestamp::from_microsecond(micros).unwrap_or_default().to_string()
}

/// The same of a second since 1970, rounded up: something is over by then.
pub fn minute_after(second: u64) -> String {
    let moment =
        i64::try_from(second.div_ceil(60) * 60).ok().and_then(|second| Timestamp::from_second(second).ok());
    moment.map_or_else(|| "later".to_owned(), minute)
}

/// How long ago: `42 s`, `5 h 3 min`, `14 days`.
pub fn age(time: Duration) -> String {
    match time.as_secs() / 86_400 {
        0 | 1 => duration(time),
        days => counted(days, "day"),
    }
}

/// `0 B`, `12.3 MB`.
pub fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().si().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_by_threes() {
        assert_eq!(
            ["0", "999", "1,000", "22,305", "1,234,567"],
            [0, 999, 1000, 22_305, 1_234_567].map(count).each_ref().map(String::as_str)
        );
    }

    #[test]
    fn times_are_short() {
        assert_eq!(duration(Duration::from_millis(840)), "0.8 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(duration(Duration::from_secs(18_180)), "5 h 3 min");
        assert_eq!(
            [6.24, 9.96, 410.4, 999.6, 12_345.0].map(millis),
            ["6.2 ms", "10 ms", "410 ms", "1.0 s", "12 s"]
        );
    }

    #[test]
    fn ages_and_sizes_are_in_the_largest_unit() {
        assert_eq!(age(Duration::from_secs(90_000)), "25 h 0 min");
        assert_eq!(age(Duration::from_secs(14 * 86_400 + 5)), "14 days");
        assert_eq!([0, 999, 12_345_678].map(size), ["0 B", "999 B", "12.3 MB"]);
    }
}
