//! The columns of an endpoint: jq that compiles, and conversions that their type knows.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use regex::Regex;

use super::endpoint::check_jq;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Column, Expression, Of, OnError};
use crate::record::Type;

/// All columns of an endpoint, in the order of the file; none where one is wrong.
pub(super) fn all(
    endpoint: &raw::Endpoint,
    defaults: Option<&raw::Common>,
    mistakes: &mut Mistakes,
) -> Option<Vec<Column>> {
    let columns = endpoint.columns.as_ref()?;
    if columns.value.0.is_empty() {
        let hint = "add lines such as title = \".Title\" to [endpoint.columns]";
        mistakes.add(&columns.span, "an endpoint without columns", hint);
        return None;
    }
    let nulls =
        endpoint.common.nulls.as_ref().or_else(|| defaults.and_then(|defaults| defaults.nulls.as_ref()));
    let mut all = Some(Vec::with_capacity(columns.value.0.len()));
    for entry in &columns.value.0 {
        let column =
            entry.value.as_ref().and_then(|column| validated(&entry.name, &column.value.0, nulls, mistakes));
        all = all.zip(column).map(|(mut all, column)| {
            all.push(column);
            all
        });
    }
    all
}

fn validated(
    name: &At<String>,
    column: &raw::Column,
    nulls: Option<&At<Vec<At<String>>>>,
    mistakes: &mut Mistakes,
) -> Option<Column> {
    let ty = column.ty.as_ref().map_or(Type::Text, |ty| ty.value.0);
    check_fit(column, ty, mistakes);
    let strip = column.strip.as_ref().map(|strip| check_strip(strip, mistakes));
    let regex = column.regex.as_ref().map(|regex| check_regex(regex, mistakes));
    let format = column.format.as_ref().map(|format| check_format(format, ty, mistakes));
    let zone = column.zone.as_ref().map(|zone| check_zone(zone, mistakes));
    check_jq(column.jq.as_ref()?, mistakes);
    let nulls = column.nulls.as_ref().or(nulls);
    Some(Column {
        name: name.value.clone(),
        expression: Expression::Jq(column.jq.as_ref()?.value.clone()),
        of: Of::Row,
        ty,
        nulls: nulls
            .map_or_else(Vec::new, |nulls| nulls.value.iter().map(|null| null.value.clone()).collect()),
        strip,
        regex,
        format,
        zone,
        on_error: column.on_error.as_ref().map_or(OnError::Fail, |word| word.value.0),
        not_null: column.not_null.as_ref().is_some_and(|truth| truth.value),
    })
}

/// Notes conversions that a column's type does not have.
fn check_fit(column: &raw::Column, ty: Type, mistakes: &mut Mistakes) {
    let is_moment = matches!(ty, Type::Date | Type::Timestamp);
    let unfit = [
        (&column.strip, "strip", ty == Type::Json, "`strip` is for text and numbers"),
        (&column.regex, "regex", ty == Type::Json, "`regex` is for text and what is made of it"),
        (&column.format, "format", !is_moment, "`format` is for type = \"date\" or \"timestamp\""),
        (&column.zone, "zone", ty != Type::Timestamp, "`zone` is for type = \"timestamp\""),
    ];
    for (value, key, is_unfit, hint) in unfit {
        if let Some(value) = value.as_ref().filter(|_| is_unfit) {
            mistakes.add(
                &value.span,
                format!("`{key}` on a column of type {ty}"),
                format!("{hint}: change the type, or leave it out"),
            );
        }
    }
}

fn check_strip(strip: &At<String>, mistakes: &mut Mistakes) -> String {
    if strip.value.is_empty() {
        mistakes.add(&strip.span, "`strip` without characters", "write those to remove: \",\" for 1,234");
    }
    strip.value.clone()
}

fn check_regex(regex: &At<String>, mistakes: &mut Mistakes) -> String {
    match Regex::new(regex.text()) {
        Ok(compiled) if compiled.captures_len() > 2 => {
            let hint = "the group is the value: write (?:…) for groups that only hold together";
            mistakes.add(&regex.span, "a regular expression with more than one capture group", hint);
        }
        Ok(_) => {}
        Err(error) => {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let hint = "the syntax is that of https://docs.rs/regex: no look-around, no back-references";
            mistakes.add(&regex.span, format!("the regular expression does not compile: {reason}"), hint);
        }
    }
    regex.value.clone()
}

fn check_format(format: &At<String>, ty: Type, mistakes: &mut Mistakes) -> String {
    if let Err(reason) = try_format(format.text(), ty) {
        let hint =
            "as strptime has it: %d %b %Y for 12 Jun 1998, %Y-%m-%dT%H:%M:%S%z for a timestamp with offset";
        mistakes.add(&format.span, format!("the format cannot be read back: {reason}"), hint);
    }
    format.value.clone()
}

/// Writes a moment in the format and reads it back as a value of the type.
fn try_format(format: &str, ty: Type) -> Result<(), jiff::Error> {
    let moment = jiff::civil::date(1998, 6, 12).at(21, 4, 5, 0).to_zoned(TimeZone::UTC)?;
    let written = BrokenDownTime::from(&moment).to_string(format)?;
    let read = BrokenDownTime::parse(format, &written)?;
    match ty {
        // Epoch seconds.
        _ if read.timestamp().is_some() => Ok(()),
        Type::Date => read.to_date().map(drop),
        Type::Timestamp => read.to_timestamp().map(drop).or_else(|_| read.to_datetime().map(drop)),
        // Other types have no format, which is a mistake of its own.
        _ => Ok(()),
    }
}

fn check_zone(zone: &At<String>, mistakes: &mut Mistakes) -> String {
    if TimeZone::get(zone.text()).is_err() {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let hint = if names.is_empty() {
            "this machine has no time zones: install tzdata".to_owned()
        } else {
            raw::did_you_mean(zone.text(), &names)
                .unwrap_or_else(|| "write a name of the IANA list, such as \"Europe/Berlin\"".to_owned())
        };
        mistakes.add(&zone.span, format!("unknown time zone \"{}\"", zone.value), hint);
    }
    zone.value.clone()
}
