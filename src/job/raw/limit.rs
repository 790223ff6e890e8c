//! `[limit.NAME]`, and what endpoints say about them, as written.

use std::borrow::Cow;
use std::time::Duration;

use jiff::civil::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::super::mistake::Mistakes;
use super::amount::Amount;
use super::at::At;
use super::fields::{Fields, FromToml, wrong_shape};
use super::forms::Named;
use super::leaf::Count;
use super::section::section;
use crate::job::limit::Period;

/// `[limit]`: a table of tables.
#[derive(Debug, Clone)]
pub(in crate::job) struct Limits(pub Named<Limit>);

impl FromToml for Limits {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Limits> {
        if value.get_ref().as_table().is_none() {
            let hint = "write each under its name: [limit.\"www.example.com\"]";
            mistakes.add(&value.span(), wrong_shape("a table", value), hint);
            return None;
        }
        Named::from_toml(value, mistakes).map(Limits)
    }
}

impl JsonSchema for Limits {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Limits".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Named::<Limit>::json_schema(generator)
    }
}

section! {
    /// A budget that all processes of the user on this machine share, whichever jobs they run.
    "[limit.NAME]";
    Limit {
        /// How fast: `200/s`, `100/min`, `5000/h`, `20/10s`; with a word for what an endpoint's `cost` counts:
        /// `90000 tokens/min`.
        rate: Amount<Duration>,
        /// How much of the rate may be spent at once after a rest. Default 1.
        burst: Count<1, 1_000_000_000>,
        /// Requests in flight at once.
        in_flight: Count<1, 65_535>,
        /// How much in a longer time, counted by the wall clock and kept over restarts: `100000/day`, also per `hour`,
        /// `week` or `month`, or in windows of whole seconds such as `1000/30s`; or a table that also says when a day begins.
        quota: AnyQuota,
        ..
        /// Whether all that is there was read.
        #[schemars(skip)]
        whole: bool = Fields::are_right,
    }
}

/// A quota: the amount alone, or a table.
#[derive(Debug, Clone)]
pub(in crate::job) enum AnyQuota {
    Bare(At<Amount<Period>>),
    Table(Quota),
}

impl AnyQuota {
    /// How much.
    pub(in crate::job) fn amount(&self) -> Option<&At<Amount<Period>>> {
        match self {
            AnyQuota::Bare(amount) => Some(amount),
            AnyQuota::Table(quota) => quota.amount.as_ref(),
        }
    }

    /// What is written in its table, if it is one.
    pub(in crate::job) fn table(&self) -> Option<&Quota> {
        match self {
            AnyQuota::Bare(_) => None,
            AnyQuota::Table(quota) => Some(quota),
        }
    }
}

impl FromToml for AnyQuota {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<AnyQuota> {
        match value.get_ref() {
            DeValue::Table(_) => Quota::from_toml(value, mistakes).map(AnyQuota::Table),
            _ => {
                let amount = Amount::from_toml(value, mistakes)?;
                Some(AnyQuota::Bare(At { value: amount, span: value.span() }))
            }
        }
    }
}

impl JsonSchema for AnyQuota {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyQuota".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let amount = Amount::<Period>::json_schema(generator);
        json_schema!({ "anyOf": [amount, generator.subschema_for::<Quota>()] })
    }
}

section! {
    /// A quota that is written as a table.
    "quota";
    Quota {
        /// How much: `100000/day`.
        #[schemars(required)]
        amount: Amount<Period> = "add amount = \"100000/day\"",
        /// When a day, week or month begins: `09:00`. Default midnight.
        renews_at: TimeOfDay,
        /// The IANA time zone of that time, such as `America/New_York`. Default UTC.
        zone: String,
    }
}

/// A time of day, `"09:00"` or `"09:00:30"`, as the time since midnight.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct TimeOfDay(pub Duration);

impl FromToml for TimeOfDay {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<TimeOfDay> {
        let time = value.get_ref().as_str().map(|text| time_of_day(text).ok_or(text));
        let message = match time {
            Some(Ok(time)) => return Some(TimeOfDay(time)),
            Some(Err(text)) => format!("\"{text}\" is no time of day"),
            None => wrong_shape("a time of day in quotes", value),
        };
        mistakes.add(&value.span(), message, "write it like \"09:00\", from 00:00 to 23:59");
        None
    }
}

fn time_of_day(text: &str) -> Option<Duration> {
    let time = Time::strptime("%H:%M", text).or_else(|_| Time::strptime("%H:%M:%S", text)).ok()?;
    time.duration_since(Time::midnight()).try_into().ok()
}

impl JsonSchema for TimeOfDay {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5]?[0-9](:[0-5]?[0-9])?$" })
    }
}
