//! `[job] every`, or `cron` and `zone`: when `windrow serve` runs a job.
//!
//! Promises: the next moment is always later than the last, to the second; and where clocks are put forward or back, no day is
//! left out and none has a moment twice, unless hours are counted:
//!
//! | hours | moments that the clock passes over | moments that come twice |
//! |---|---|---|
//! | `2`, `2,14`, `1-5` | once, as the clock goes on | once, the first time |
//! | `*`, `*/2`, `0-23` | none: hours are counted | both times |

use std::fmt;
use std::time::Duration;

use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::crontab::{self, Refusal};

/// When a job is run.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// So long after its last run began; from a second to 366 days.
    Every(Duration),
    /// At the moments of a line of a crontab.
    Cron(Box<Crontab>),
}

/// A line of a crontab, and the zone whose clocks it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Crontab {
    pattern: Cron,
    counts_hours: bool,
    /// As it was written.
    text: String,
    zone: TimeZone,
}

impl Schedule {
    /// The first moment after `last`; the end of all time where none is left before it.
    pub fn next_after(&self, last: Timestamp) -> Timestamp {
        let next = match self {
            Schedule::Every(interval) => {
                SignedDuration::try_from(*interval).ok().and_then(|interval| last.checked_add(interval).ok())
            }
            Schedule::Cron(crontab) => crontab.next_after(last),
        };
        next.unwrap_or(Timestamp::MAX)
    }
}

impl Crontab {
    /// Reads a line of five fields.
    ///
    /// # Errors
    /// It is none, or one whose moment never comes; what is wrong, and what to write.
    pub(super) fn parse(text: &str, zone: TimeZone) -> Result<Crontab, Refusal> {
        let line = crontab::line(text)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        // Any year will do: the days that there are come again after 400.
        if line.pattern.find_next_occurrence(&DateTime::constant(2000, 1, 1, 0, 0, 0, 0), true).is_err() {
            let hint = "none of these months has such a day: \"0 0 L * *\" is the last one of each";
            return Err((format!("\"{}\" never comes", words.join(" ")), hint.to_owned()));
        }
        let crontab::Line { pattern, counts_hours } = line;
        Ok(Crontab { pattern, counts_hours, text: words.join(" "), zone })
    }

    fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        let last = Timestamp::from_second(last.as_second()).unwrap_or(last);
        let here = last.to_zoned(self.zone.clone());
        if self.counts_hours {
            return Some(self.pattern.find_next_occurrence(&here, false).ok()?.timestamp());
        }
        // By what the clock shows: that comes in the order of its moments, though some share one.
        let mut shown = here.datetime();
        loop {
            shown = self.pattern.find_next_occurrence(&shown, false).ok()?;
            let moment = self.moment(shown)?;
            if moment > last {
                return Some(moment);
            }
        }
    }

    /// When the clock shows that for the first time, or is put forward over it.
    fn moment(&self, shown: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(shown);
        let is_passed_over = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let earlier = ambiguous.earlier().ok()?;
        if is_passed_over {
            return Some(self.zone.following(earlier).next()?.timestamp());
        }
        Some(earlier)
    }
}

impl fmt::Display for Schedule {
    /// `every 5m`, or `cron 15 3 * * * in Europe/Berlin`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Every(interval) => write!(out, "every {}", humantime::format_duration(*interval)),
            Schedule::Cron(crontab) => {
                write!(out, "cron {} in {}", crontab.text, crontab.zone.iana_name().unwrap_or("UTC"))
            }
        }
    }
}
