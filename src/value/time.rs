//! Dates and timestamps from text.
//!
//! Without a `format`, a date is `YYYY-MM-DD`, and a timestamp is RFC 3339 or ISO 8601: date and time with `T`
//! or a space between, an offset or none; a date alone is its first moment. What has no offset is in the
//! column's zone (UTC by default); of a time that a zone's clocks show twice the first is meant, and one that
//! they skip is moved on by as much as they are. Moments are kept to the microsecond, what is finer is cut off. Whatever the
//! format, the year (of a moment that in UTC) is one of 0 to 9999, which four digits spell: another is no date.

use std::ops::Range;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};

const EPOCH: Date = jiff::civil::date(1970, 1, 1);
const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * 1_000_000;

/// Days since 1970-01-01 from 0000-01-01 until 10000-01-01.
const DAYS: Range<i64> = -719_528..2_932_897;

/// How a column's dates or timestamps are written.
#[derive(Debug, Clone)]
pub struct Clock {
    /// strptime; must match the whole text.
    pub format: Option<String>,
    /// Of what has no offset.
    pub zone: TimeZone,
}

/// ISO 8601, in UTC where there is no offset.
impl Default for Clock {
    fn default() -> Clock {
        Clock { format: None, zone: TimeZone::UTC }
    }
}

impl Clock {
    /// Days since 1970-01-01; none if `text` is not such a date.
    pub fn date(&self, text: &str) -> Option<i32> {
        let date = match &self.format {
            Some(format) => self.formatted_date(format, text)?,
            None => iso_date(text)?,
        };
        Some(days(date)).filter(|days| DAYS.contains(&i64::from(*days)))
    }

    /// Microseconds since 1970-01-01T00:00:00Z; none if `text` is not such a timestamp.
    pub fn timestamp(&self, text: &str) -> Option<i64> {
        let micros = match &self.format {
            Some(format) => self.formatted_timestamp(format, text),
            None => self.iso_timestamp(text),
        };
        micros.filter(|micros| DAYS.contains(&micros.div_euclid(MICROS_PER_DAY)))
    }

    fn formatted_date(&self, format: &str, text: &str) -> Option<Date> {
        let parts = strtime::parse(format, text).ok()?;
        match parts.timestamp() {
            Some(moment) => Some(self.zone.to_datetime(moment).date()),
            None => parts.to_date().ok(),
        }
    }

    fn formatted_timestamp(&self, format: &str, text: &str) -> Option<i64> {
        let parts = strtime::parse(format, text).ok()?;
        if let Some(moment) = parts.timestamp() {
            return Some(microseconds(moment.as_duration()));
        }
        self.moment(parts.to_datetime().ok()?, parts.offset(), named_zone(&parts)?)
    }

    fn iso_timestamp(&self, text: &str) -> Option<i64> {
        if is_integer(text) {
            return None;
        }
        let pieces = Pieces::parse(text).ok()?;
        let local = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        self.moment(local, pieces.to_numeric_offset(), pieces.to_time_zone().ok()?)
    }

    /// An offset says most, then a zone that the text names, then the column's.
    fn moment(&self, local: DateTime, offset: Option<Offset>, named: Option<TimeZone>) -> Option<i64> {
        let zone = named.as_ref().unwrap_or(&self.zone);
        match offset.or_else(|| zone.to_fixed_offset().ok()) {
            // By hand: jiff's moments end a day before the year 9999 does, which is often written for "never".
            Some(offset) => {
                let behind = SignedDuration::from_secs(offset.seconds().into());
                Some(microseconds(local.duration_since(EPOCH.to_datetime(Time::midnight())) - behind))
            }
            None => zone.to_timestamp(local).ok().map(|moment| microseconds(moment.as_duration())),
        }
    }
}

/// The zone that a `%Q` in the format found, if any; none at all if that zone is not known.
fn named_zone(parts: &BrokenDownTime) -> Option<Option<TimeZone>> {
    match parts.iana_time_zone() {
        Some(name) => TimeZone::get(name).ok().map(Some),
        None => Some(None),
    }
}

/// `YYYY-MM-DD` and nothing else.
fn iso_date(text: &str) -> Option<Date> {
    let (year, month, day) = (text.get(..4)?, text.get(5..7)?, text.get(8..)?);
    let is_shaped = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_shaped || ![year, month, day].into_iter().all(is_digits) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// Digits only, which could be a day, seconds or milliseconds: nothing is guessed.
pub fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn days(date: Date) -> i32 {
    // At most 3.7 million days either way.
    (date.duration_since(EPOCH).as_secs() / SECONDS_PER_DAY) as i32
}

/// Rounded towards the past, so that order is kept.
fn microseconds(since_epoch: SignedDuration) -> i64 {
    // At most 3.2e17 either way.
    since_epoch.as_nanos().div_euclid(1000) as i64
}

/// `2024-05-31`; days that no calendar here has are left as their number, which is no date.
pub(super) fn spelled_date(days: i32) -> String {
    let date = EPOCH.checked_add(SignedDuration::from_hours(24 * i64::from(days)));
    date.map_or_else(|_| days.to_string(), |date| date.to_string())
}

/// `2024-05-31T10:00:00Z`; a moment that no calendar here has is left as its number, which is no timestamp.
pub(super) fn spelled_timestamp(micros: i64) -> String {
    // By hand: see `moment`.
    let local = EPOCH.to_datetime(Time::midnight()).checked_add(SignedDuration::from_micros(micros));
    local.map_or_else(|_| micros.to_string(), |local| format!("{local}Z"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clock(format: Option<&str>, zone: &str) -> Clock {
        Clock { format: format.map(str::to_owned), zone: TimeZone::get(zone).unwrap() }
    }

    fn moment(text: &str) -> Option<i64> {
        clock(None, "UTC").timestamp(text)
    }

    #[test]
    fn iso_dates_are_read() {
        let plain = clock(None, "UTC");
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11016),
            ("9999-12-31", 2_932_896),
            ("0001-01-01", -719_162),
        ] {
            assert_eq!(plain.date(text), Some(days), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_date() {
        let plain = clock(None, "UTC");
        for text in [
            "",
            "2001-02-29",
            "2001-13-01",
            "2001-1-1",
            "20010101",
            "2001-01-01T00:00:00Z",
            "2001-01-01 00:00",
            "2001-01-1x",
            "2001/01/01",
            "+2001-01-01",
            "-001-01-01",
            "2001-01--1",
            "20é1-01-01",
            "12 Jun 1998",
        ] {
            assert_eq!(plain.date(text), None, "{text}");
        }
    }

    #[test]
    fn a_year_that_four_digits_do_not_spell_is_none() {
        let plain = clock(None, "UTC");
        let century = clock(Some("%C%d %b"), "UTC");
        let seconds = clock(Some("%s"), "UTC");
        for (text, is_read) in [
            ("0000-01-01T00:00:00Z", true),
            ("0000-01-01T00:00:00+00:01", false),
            ("-000001-12-31T23:59:59Z", false),
            ("9999-12-31T23:59:59Z", true),
            ("9999-12-31T23:59:59-00:01", false),
        ] {
            assert_eq!(plain.timestamp(text).is_some(), is_read, "{text}");
        }
        assert_eq!(clock(Some("%Y-%m-%d"), "UTC").date("-2800-10-21"), None);
        assert_eq!(clock(Some("%Y-%m-%d"), "UTC").timestamp("-2800-10-21"), None);
        assert_eq!((century.date("-2821 Oct"), seconds.date("-99999999999")), (None, None));
        assert_eq!((seconds.timestamp("-99999999999"), seconds.timestamp("253402300800")), (None, None));
        assert_eq!(seconds.timestamp("-62167219200").map(spelled_timestamp).unwrap(), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn a_format_must_match_the_whole_text() {
        let film = clock(Some("%d %b %Y"), "UTC");
        assert_eq!(film.date("12 Jun 1998"), Some(10389));
        assert_eq!(film.date("2 Jun 1998"), Some(10379));
        for text in ["12 Jun 1998 ", "12 Jun 1998x", "31 Jun 1998", "12 Jum 1998", "12 Jun", "1998-06-12", ""]
        {
            assert_eq!(film.date(text), None, "{text}");
        }
    }

    #[test]
    fn formats_may_hold_a_time_or_epoch_seconds() {
        assert_eq!(clock(Some("%Y-%m-%dT%H:%M:%S"), "UTC").date("1970-01-02T23:00:00"), Some(1));
        assert_eq!(clock(Some("%s"), "UTC").date("86399"), Some(0));
        assert_eq!(clock(Some("%s"), "Asia/Tokyo").date("86399"), Some(1));
        assert_eq!(clock(Some("%s"), "Asia/Tokyo").timestamp("-1"), Some(-1_000_000));
        assert_eq!(clock(Some("%d.%m.%Y"), "UTC").timestamp("02.01.1970"), Some(86_400_000_000));
        assert_eq!(clock(Some("%Y %H"), "UTC").timestamp("1970 01"), None);
        assert_eq!(
            clock(Some("%F %T %z"), "Asia/Tokyo").timestamp("1970-01-01 00:00:00 -0100"),
            Some(3_600_000_000)
        );
        assert_eq!(clock(Some("%F %T%.f"), "UTC").timestamp("1970-01-01 00:00:00.25"), Some(250_000));
        assert_eq!(clock(Some("%F %T %Q"), "UTC").timestamp("1970-01-01 09:00:00 Asia/Tokyo"), Some(0));
        assert_eq!(clock(Some("%F %T %Q"), "UTC").timestamp("1970-01-01 09:00:00 Asia/Nowhere"), None);
    }

    #[test]
    fn timestamps_are_rfc_3339_or_iso_8601() {
        for (text, microseconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00z", 0),
            ("1970-01-01 00:00:01+00:00", 1_000_000),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1970-01-01T00:00:00-0130", 5_400_000_000),
            ("1970-01-01T00:00:00", 0),
            ("1970-01-01 00:01", 60_000_000),
            ("1970-01-01T00:00:00.123456789Z", 123_456),
            ("1969-12-31T23:59:59.9999999Z", -1),
            ("1970-01-02", 86_400_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
            ("9999-12-31T23:59:59", 253_402_300_799_000_000),
        ] {
            assert_eq!(moment(text), Some(microseconds), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_timestamp() {
        for text in [
            "",
            "1718000000",
            "1718000000000",
            "-5",
            "19700101",
            "12 Jun 1998",
            "1970-01-01T25:00:00Z",
            "1970-01-01T00:00:00Zx",
            "1970-02-30T00:00:00Z",
            "00:00:00",
            "1970-01",
            "now",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn without_an_offset_the_zone_of_the_column_counts() {
        let paris = clock(None, "Europe/Paris");
        let utc = |text: &str| moment(text).unwrap();
        assert_eq!(paris.timestamp("2024-07-01 12:00:00"), Some(utc("2024-07-01T10:00:00Z")));
        assert_eq!(paris.timestamp("2024-01-01 12:00:00"), Some(utc("2024-01-01T11:00:00Z")));
        assert_eq!(paris.timestamp("2024-07-01 12:00:00Z"), Some(utc("2024-07-01T12:00:00Z")));
        assert_eq!(paris.timestamp("2024-03-31 02:30:00"), Some(utc("2024-03-31T01:30:00Z")), "not_asked");
        assert_eq!(paris.timestamp("2024-10-27 02:30:00"), Some(utc("2024-10-27T00:30:00Z")), "twice");
        assert_eq!(paris.timestamp("2024-07-01T12:00:00[Asia/Tokyo]"), Some(utc("2024-07-01T03:00:00Z")));
    }

    proptest! {
        #[test]
        fn any_date_is_read_back(days in -719_162_i32..=2_932_896) {
            let date = EPOCH.saturating_add(jiff::Span::new().days(days));
            prop_assert_eq!(clock(None, "UTC").date(&date.to_string()), Some(days));
            let long = date.strftime("%d %b %Y").to_string();
            prop_assert_eq!(clock(Some("%d %b %Y"), "UTC").date(&long), Some(days));
        }

        #[test]
        fn any_moment_is_read_back(moment_in in -62_135_596_800_000_000_i64..=253_402_207_200_000_000) {
            let text = jiff::Timestamp::from_microsecond(moment_in).unwrap().to_string();
            prop_assert_eq!(moment(&text), Some(moment_in));
            prop_assert_eq!(moment(&text.replace('T', " ").replace('Z', "")), Some(moment_in));
        }

        #[test]
        fn any_text_is_read_or_refused(
            text in "\\PC{0,30}|[-0-9T:Z+. ]{0,30}",
            format in "\\PC{0,8}|(%[a-zA-Z]|[- ]){0,5}",
        ) {
            let _ = moment(&text);
            let formatted = clock(Some(&format), "Europe/Paris");
            let _ = (clock(None, "UTC").date(&text), formatted.date(&text), formatted.timestamp(&text));
        }
    }
}
