//! The five fields of a crontab's line, as vixie cron reads them (crontab(5)), with `L`, `W` and `#` of those after it.
//!
//! Promises: what is read is what the text says, or there is a mistake that names the field. Nothing is taken as something
//! near it: no name of a month for a minute, no step that is longer than its field, no seconds for minutes.
//!
//! | field | values | names | marks |
//! |---|---|---|---|
//! | minute | 0 to 59 | | |
//! | hour | 0 to 23 | | |
//! | day of the month | 1 to 31 | | `L` the last, `LW` the last from Monday to Friday, `15W` the nearest such day |
//! | month | 1 to 12 | JAN to DEC | |
//! | day of the week | 0 to 7, Sunday being 0 and 7 | SUN to SAT | `5L` the last Friday, `5#2` the second |
//!
//! Each is a list of `*`, values and ranges, these and `*` with a step or without. Where both kinds of days are given, a day
//! of either kind is one (unless one of them begins with `*`: then both must hold, as they must there).

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// A mistake and its hint.
pub(super) type Refusal = (String, String);

/// A field: its name, its least and greatest value, the names of values from the least on.
struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, names: &[] },
    Field { name: "month", least: 1, most: 12, names: &MONTHS },
    Field { name: "day of the week", least: 0, most: 7, names: &WEEKDAYS },
];

const DAY: usize = 2;
const WEEKDAY: usize = 4;
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Words for whole lines, with what they stand for.
const LINES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const SHAPE: &str =
    "write five fields, minute, hour, day, month and weekday: \"15 3 * * *\" is a quarter past three";
const SECONDS: &str =
    "leave out the first field, the seconds; what runs more often says every = \"30s\" instead";

/// A line as it was read.
pub(super) struct Line {
    /// The moments that it means.
    pub pattern: Cron,
    /// Whether it means all hours, or every so many: then hours are counted, and none is meant by its name.
    pub counts_hours: bool,
}

/// Reads a line.
///
/// # Errors
/// It is none; what is wrong, and what to write.
pub(super) fn line(text: &str) -> Result<Line, Refusal> {
    let word = LINES.iter().find(|(word, _)| text.trim().eq_ignore_ascii_case(word));
    let fields: Vec<&str> = word.map_or(text, |(_, fields)| fields).split_whitespace().collect();
    let Ok(fields) = <[&str; 5]>::try_from(fields.as_slice()) else { return Err(not_five(&fields)) };
    let mut plain = Vec::new();
    for (index, text) in fields.into_iter().enumerate() {
        let parts: Result<Vec<String>, Refusal> = text.split(',').map(|part| part_of(index, part)).collect();
        plain.push(parts?.join(","));
    }
    let is_star_with_more = |index: usize| plain[index].starts_with('*') && plain[index] != "*";
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .dom_and_dow(is_star_with_more(DAY) || is_star_with_more(WEEKDAY))
        .build();
    let pattern = parser.parse(&plain.join(" ")).map_err(|error| (error.to_string(), SHAPE.to_owned()))?;
    let counts_hours = plain[1].starts_with('*') || pattern.pattern.hours.values().len() == 24;
    Ok(Line { pattern, counts_hours })
}

fn not_five(fields: &[&str]) -> Refusal {
    let message = format!("{} fields instead of the five of a crontab's line", fields.len());
    let hint = match fields {
        [every, time] if every.eq_ignore_ascii_case("@every") => format!("write every = \"{time}\" instead"),
        [reboot] if reboot.eq_ignore_ascii_case("@reboot") => {
            "leave it out: a job without any run begins at once".to_owned()
        }
        [assigned, ..] if assigned.starts_with("TZ=") || assigned.starts_with("CRON_TZ=") => {
            "write zone = \"Europe/Berlin\" beside cron, and five fields".to_owned()
        }
        [_, _, _, _, _, zone] if zone.contains('/') && zone.starts_with(char::is_alphabetic) => {
            format!("write zone = \"{zone}\" beside cron, and five fields")
        }
        [_, _, _, _, _, _] | [_, _, _, _, _, _, _] => SECONDS.to_owned(),
        _ => SHAPE.to_owned(),
    };
    (message, hint)
}

/// A part of a field's list, its names as numbers.
fn part_of(index: usize, part: &str) -> Result<String, Refusal> {
    let field = &FIELDS[index];
    let is_day = index == DAY || index == WEEKDAY;
    if let Some(marked) = marked(index, part) {
        return marked;
    }
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(field.step(part, range, step)?)),
        None => (part, None),
    };
    let range = match range.split_once('-') {
        Some((from, to)) => field.range(part, from, to)?,
        None if range == "*" || range == "?" && is_day => "*".to_owned(),
        None => field.value(range)?.to_string(),
    };
    Ok(step.map_or(range.clone(), |step| format!("{range}/{step}")))
}

/// What a part with `L`, `W` or `#` is; nothing where it has none.
fn marked(index: usize, part: &str) -> Option<Result<String, Refusal>> {
    let field = &FIELDS[index];
    let upper = part.to_ascii_uppercase();
    let with = |value: &str, mark: &str| Some(field.value(value).map(|value| format!("{value}{mark}")));
    match index {
        DAY if upper == "L" || upper == "LW" => Some(Ok(upper)),
        DAY => with(upper.strip_suffix('W')?, "W"),
        WEEKDAY => match upper.split_once('#') {
            Some((day, which @ ("1" | "2" | "3" | "4" | "5"))) => with(day, &format!("#{which}")),
            Some((_, which)) => Some(Err(
                field.refusal(part, &format!("a month has no {which}th of a weekday: write #1 to #5"))
            )),
            None => with(upper.strip_suffix('L').filter(|day| !day.is_empty())?, "L"),
        },
        _ => None,
    }
}

impl Field {
    /// A value by its digits or its name.
    fn value(&self, text: &str) -> Result<u8, Refusal> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let is_short = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = match named {
            Some(position) => Some(self.least + position as u8),
            None => text.parse().ok().filter(|_| is_short),
        };
        value.filter(|value| (self.least..=self.most).contains(value)).ok_or_else(|| {
            let names = match self.names {
                [first, .., last] => format!(", or {first} to {last}"),
                _ => String::new(),
            };
            self.refusal(text, &format!("write a number from {} to {}{names}", self.least, self.most))
        })
    }

    fn range(&self, part: &str, from: &str, to: &str) -> Result<String, Refusal> {
        let (first, mut last) = (self.value(from)?, self.value(to)?);
        // Sunday ends a week, too.
        if self.most == 7 && last == 0 && first > 0 {
            last = 7;
        }
        if first > last {
            let hint =
                format!("a range goes up: write two of them, {from}-{} and {}-{to}", self.most, self.least);
            return Err(self.refusal(part, &hint.replace("-7 and", "-6 and")));
        }
        Ok(format!("{first}-{last}"))
    }

    fn step(&self, part: &str, range: &str, step: &str) -> Result<u8, Refusal> {
        if range != "*" && !range.contains('-') {
            let hint = format!("a step is one of a range: write {range}-{}/{step}, or */{step}", self.most);
            return Err(self.refusal(part, &hint));
        }
        let span = self.most - self.least;
        let is_number = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        step.parse().ok().filter(|step| is_number && (1..=span).contains(step)).ok_or_else(|| {
            let hint = format!(
                "a step is from 1 to {span} here; what is no line of a crontab is every = \"90m\", perhaps"
            );
            self.refusal(part, &hint)
        })
    }

    fn refusal(&self, part: &str, hint: &str) -> Refusal {
        (format!("\"{part}\" is no {}", self.name), hint.to_owned())
    }
}
