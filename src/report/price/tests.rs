use std::path::Path;

use super::*;
use crate::job::{Cost, Quota, Rate};
use crate::plan::price::Frozen;

const JOB: &str = r#"
job = { name = "small" }
input = { ids = ["a"], id = "id" }
table = { to = "duckdb:small.duckdb", name = "small", mode = "append" }
[[endpoint]]
name = "chat"
url = "https://shop.example/{id}"
columns = { x = ".x" }
"#;

fn quota_of(amount: u64, per: Period) -> Option<Quota> {
    Some(Quota { amount, per, renews_at: Duration::ZERO, zone: "UTC".into() })
}

fn limit(rate: Option<(u64, Duration)>, quota: Option<Quota>) -> Limit {
    let rate = rate.map(|(amount, per)| Rate { amount, per });
    Limit { name: "shop".into(), rate, burst: 1, in_flight: None, quota, counts: Counts::Requests }
}

/// A job of one endpoint that draws from these limits.
fn job(limits: Vec<Limit>) -> Job {
    let mut job = Job::parse(JOB.to_owned(), Path::new("/nowhere/small.toml")).unwrap();
    job.endpoints[0].limits = (0..limits.len()).collect();
    Job { limits, ..job }
}

fn price(job: &Job, records: u64, remaining: &[Option<u64>]) -> Price {
    Price::of(job, &Frozen { blocks: vec![records], ..Frozen::default() }, remaining)
}

fn full(job: &Job, records: u64, remaining: &[Option<u64>]) -> String {
    let lines = in_full(job, &price(job, records, remaining), "in the run's folder").into_iter();
    let lines: Vec<String> = lines.map(|(label, text)| format!("{label}: {text}")).collect();
    lines.join("\n")
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn without_limits_there_is_neither_time_nor_quota() {
    let job = job(vec![]);
    insta::assert_snapshot!(full(&job, 2500, &[]), @"
    requests: 2,500 at least
    disk: about 60.8 kB in the run's folder
    ");
    assert_eq!(in_short(&job, &price(&job, 2500, &[])), "");
}

#[test]
fn the_time_is_that_of_the_limit_that_takes_longest() {
    let slow = Limit { name: "slow".into(), ..limit(Some((5, 2 * SECOND)), None) };
    let job = job(vec![limit(Some((200, SECOND)), None), slow]);
    insta::assert_snapshot!(full(&job, 2500, &[]), @"
    requests: 2,500 at least
    time: 16 min 40 s at least (slow allows 5 in 2s)
    disk: about 60.8 kB in the run's folder
    ");
    assert_eq!(in_short(&job, &price(&job, 2500, &[])), "16 min 40 s at the limits, ");
}

#[test]
fn a_quota_is_a_share_or_days() {
    let job = job(vec![limit(Some((1, SECOND)), quota_of(1000, Period::Day))]);
    insta::assert_snapshot!(full(&job, 45, &[]), @"
    requests: 45 at least
    time: 45 s at least (shop allows 1 a second)
    quota: 4.5 % of 1,000 a day at shop
    disk: about 6.8 kB in the run's folder
    ");
    insta::assert_snapshot!(full(&job, 2500, &[Some(300)]), @"
    requests: 2,500 at least
    time: 41 min 40 s at least (shop allows 1 a second)
    quota: 4 days: 2,500 of 1,000 a day at shop, of which 300 are left; the run pauses and goes on when it is repeated
    disk: about 60.8 kB in the run's folder
    ");
    assert_eq!(
        in_short(&job, &price(&job, 2500, &[])),
        "41 min 40 s at the limits, 3 days at the quota of shop, "
    );
    assert_eq!(in_short(&job, &price(&job, 1000, &[])), "16 min 40 s at the limits, ");
}

#[test]
fn periods_have_their_words() {
    let quota = |per: Period| {
        let job = job(vec![limit(None, quota_of(1000, per))]);
        full(&job, 2500, &[]).lines().nth(1).unwrap_or_default().to_owned()
    };
    let rest = "at shop; the run pauses and goes on when it is repeated";
    for (per, words) in [
        (Period::Day, "3 days: 2,500 of 1,000 a day"),
        (Period::Week, "3 weeks: 2,500 of 1,000 a week"),
        (Period::Month, "3 months: 2,500 of 1,000 a month"),
        (Period::Span(3600 * SECOND), "3 times 1h: 2,500 of 1,000 an hour"),
        (Period::Span(6 * 3600 * SECOND), "3 times 6h: 2,500 of 1,000 in 6h"),
    ] {
        assert_eq!(quota(per), format!("quota: {words} {rest}"));
    }
}

#[test]
fn units_and_what_only_answers_tell_are_named() {
    let tokens = Limit {
        counts: Counts::Cost("tokens".into()),
        ..limit(Some((90_000, 60 * SECOND)), quota_of(1_000_000, Period::Day))
    };
    let mut job = job(vec![tokens]);
    job.endpoints[0].cost = Some(Cost::Constant(300));
    insta::assert_snapshot!(full(&job, 300, &[]), @"
    requests: 300 at least
    time: 60 s at least (shop allows 90,000 tokens a minute)
    quota: 9.0 % of 1,000,000 tokens a day at shop
    disk: about 12.4 kB in the run's folder
    ");
    job.endpoints[0].cost = Some(Cost::Answer(".usage".into()));
    insta::assert_snapshot!(full(&job, 300, &[]), @"
    requests: 300 at least
    time: 0.0 s at least (shop allows 90,000 tokens a minute)
    quota: 0 % of 1,000,000 tokens a day at shop
    cost: what chat takes of shop is known only from its answers, and is not counted here
    disk: about 12.4 kB in the run's folder
    ");
}
