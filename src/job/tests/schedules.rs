//! `[job] every`, `cron` and `zone`: when a job is run.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::Schedule;
use super::{around, parse, said_of, small};

fn schedule(keys: &str) -> Schedule {
    let text = around(&format!(", {keys}"), "", "mode = \"append\"");
    parse(&text).unwrap_or_else(|error| panic!("{keys}\n{error}")).settings.schedule.expect("a schedule")
}

fn said(keys: &str) -> String {
    said_of(&around(&format!(", {keys}"), "", "mode = \"append\""))
}

/// The first moments after `since`, as the clocks of the zone show them: `03-29 03:00+02`.
fn moments(cron: &str, zone: &str, since: &str, count: usize) -> Vec<String> {
    let schedule = schedule(&format!("cron = '{cron}', zone = '{zone}'"));
    let mut last: Timestamp = since.parse().unwrap();
    let tz = TimeZone::get(zone).unwrap();
    let mut next = || {
        last = schedule.next_after(last);
        last.to_zoned(tz.clone()).strftime("%m-%d %H:%M%:::z").to_string()
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn an_interval_counts_from_the_last_start() {
    let five = schedule("every = '5m'");
    assert_eq!(five, Schedule::Every(Duration::from_secs(300)));
    assert_eq!(five.to_string(), "every 5m");
    let last: Timestamp = "2026-03-29T00:59:58.5Z".parse().unwrap();
    assert_eq!(five.next_after(last).to_string(), "2026-03-29T01:04:58.5Z");
    assert_eq!(schedule("every = '366d'").next_after(Timestamp::MAX), Timestamp::MAX);
}

#[test]
fn a_line_of_a_crontab_is_read_as_cron_reads_it() {
    let day = |cron: &str, count| moments(cron, "UTC", "2026-03-06T12:00:00Z", count).join(", ");
    // A Friday.
    for (cron, count, next) in [
        ("15 3 * * *", 2, "03-07 03:15+00, 03-08 03:15+00"),
        ("@daily", 1, "03-07 00:00+00"),
        ("@Midnight", 1, "03-07 00:00+00"),
        ("@hourly", 2, "03-06 13:00+00, 03-06 14:00+00"),
        ("@weekly", 1, "03-08 00:00+00"),
        ("@monthly", 1, "04-01 00:00+00"),
        ("@yearly", 1, "01-01 00:00+00"),
        (
            "*/20 12-13 * * *",
            6,
            "03-06 12:20+00, 03-06 12:40+00, 03-06 13:00+00, 03-06 13:20+00, 03-06 13:40+00, 03-07 12:00+00",
        ),
        ("10-30/10 0 * * *", 4, "03-07 00:10+00, 03-07 00:20+00, 03-07 00:30+00, 03-08 00:10+00"),
        ("0 0 29 2 *", 1, "02-29 00:00+00"),
        // Either kind of day is one; with a star both must hold.
        ("0 0 13 * 5", 3, "03-13 00:00+00, 03-20 00:00+00, 03-27 00:00+00"),
        ("0 0 14 * Mon", 2, "03-09 00:00+00, 03-14 00:00+00"),
        ("0 0 */2 * 5", 3, "03-13 00:00+00, 03-27 00:00+00, 04-03 00:00+00"),
        ("0 0 1 * */2", 2, "08-01 00:00+00, 09-01 00:00+00"),
        ("0 0 * * 7", 2, "03-08 00:00+00, 03-15 00:00+00"),
        ("0 0 * * 5-7", 4, "03-07 00:00+00, 03-08 00:00+00, 03-13 00:00+00, 03-14 00:00+00"),
        ("0 0 * * sun-tue", 4, "03-08 00:00+00, 03-09 00:00+00, 03-10 00:00+00, 03-15 00:00+00"),
        ("0 0 * * fri-SUN", 3, "03-07 00:00+00, 03-08 00:00+00, 03-13 00:00+00"),
        ("0 5 * * Mon-Sun", 3, "03-07 05:00+00, 03-08 05:00+00, 03-09 05:00+00"),
        ("0 0 31 4,5 *", 2, "05-31 00:00+00, 05-31 00:00+00"),
        ("0 0 1-7,14-21 * Wed", 3, "03-07 00:00+00, 03-11 00:00+00, 03-14 00:00+00"),
        ("30 18 21-31 * */6", 3, "03-21 18:30+00, 03-22 18:30+00, 03-28 18:30+00"),
        ("0 0 * * SUN-SUN", 2, "03-08 00:00+00, 03-15 00:00+00"),
        ("0 0 1 jan,JUL *", 2, "07-01 00:00+00, 01-01 00:00+00"),
        ("0 0 L * ?", 2, "03-31 00:00+00, 04-30 00:00+00"),
        ("0 0 LW * *", 2, "03-31 00:00+00, 04-30 00:00+00"),
        ("0 0 15W * *", 2, "03-16 00:00+00, 04-15 00:00+00"),
        ("0 0 * * 5L", 2, "03-27 00:00+00, 04-24 00:00+00"),
        ("0 0 * * Mon#2", 2, "03-09 00:00+00, 04-13 00:00+00"),
        ("  0\t5 * * *  ", 1, "03-07 05:00+00"),
    ] {
        assert_eq!(day(cron, count), next, "{cron}");
    }
    assert_eq!(
        schedule("cron = ' 15  3 * * * ', zone = 'Europe/Berlin'").to_string(),
        "cron 15 3 * * * in Europe/Berlin"
    );
    assert_eq!(schedule("cron = '@daily'").to_string(), "cron @daily in UTC");
}

/// Clocks are put forward: what they pass over is done as they go on, so that no day is left out.
#[test]
fn a_day_whose_hour_is_passed_over_is_not_left_out() {
    let berlin = |cron| moments(cron, "Europe/Berlin", "2026-03-28T12:00:00Z", 3).join(", ");
    assert_eq!(berlin("30 2 * * *"), "03-29 03:00+02, 03-30 02:30+02, 03-31 02:30+02");
    assert_eq!(berlin("0,30 2 * * *"), "03-29 03:00+02, 03-30 02:00+02, 03-30 02:30+02");
    assert_eq!(berlin("*/30 2 * * *"), "03-29 03:00+02, 03-30 02:00+02, 03-30 02:30+02");
    assert_eq!(berlin("30 2,3 * * *"), "03-29 03:00+02, 03-29 03:30+02, 03-30 02:30+02");
    assert_eq!(berlin("0 3 * * *"), "03-29 03:00+02, 03-30 03:00+02, 03-31 03:00+02");
    assert_eq!(berlin("30 2 * * 0"), "03-29 03:00+02, 04-05 02:30+02, 04-12 02:30+02");
    assert_eq!(
        moments("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2),
        ["03-08 03:00-04", "03-09 02:30-04"]
    );
    assert_eq!(
        moments("0 0 * * *", "America/Santiago", "2024-09-07T12:00:00Z", 2),
        ["09-08 01:00-03", "09-09 00:00-03"]
    );
    // Where the hour after midnight is passed over, half an hour, and a whole day.
    assert_eq!(
        moments("0 0 * * *", "America/Havana", "2026-03-07T12:00:00Z", 2),
        ["03-08 01:00-04", "03-09 00:00-04"]
    );
    assert_eq!(
        moments("0 2 * * *", "Australia/Lord_Howe", "2026-10-02T16:00:00Z", 2),
        ["10-04 02:30+11", "10-05 02:00+11"]
    );
    assert_eq!(
        moments("30 23 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3),
        ["12-29 23:30-10", "12-31 00:00+14", "12-31 23:30+14"]
    );
}

/// Clocks are put back: what they show twice is done the first time.
#[test]
fn a_day_whose_hour_comes_twice_is_not_done_twice() {
    let berlin = |cron| moments(cron, "Europe/Berlin", "2026-10-24T12:00:00Z", 3).join(", ");
    assert_eq!(berlin("30 2 * * *"), "10-25 02:30+02, 10-26 02:30+01, 10-27 02:30+01");
    assert_eq!(berlin("0,30 2 * * *"), "10-25 02:00+02, 10-25 02:30+02, 10-26 02:00+01");
    assert_eq!(berlin("*/30 2 * * *"), "10-25 02:00+02, 10-25 02:30+02, 10-26 02:00+01");
    assert_eq!(
        moments("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
        ["11-01 01:30-04", "11-02 01:30-05"]
    );
    // Begun in the second of the two hours, it is not begun again in it.
    assert_eq!(moments("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", 1), ["10-26 02:30+01"]);
}

/// No leap day lies between 2096 and 2104.
#[test]
fn a_leap_day_is_waited_for() {
    let leap = schedule("cron = '0 0 29 2 *'");
    let after = |last: &str| leap.next_after(last.parse().unwrap()).to_string();
    assert_eq!(after("2028-02-29T00:00:00Z"), "2032-02-29T00:00:00Z");
    assert_eq!(after("2096-02-29T00:00:00Z"), "2104-02-29T00:00:00Z");
}

#[test]
fn counted_hours_are_those_that_pass() {
    let berlin = |cron, since, count| moments(cron, "Europe/Berlin", since, count).join(", ");
    assert_eq!(
        berlin("0 * * * *", "2026-03-28T23:30:00Z", 3),
        "03-29 01:00+01, 03-29 03:00+02, 03-29 04:00+02"
    );
    assert_eq!(
        berlin("0 * * * *", "2026-10-24T23:30:00Z", 4),
        "10-25 02:00+02, 10-25 02:00+01, 10-25 03:00+01, 10-25 04:00+01"
    );
    assert_eq!(berlin("0 0-23 * * *", "2026-10-24T23:30:00Z", 2), "10-25 02:00+02, 10-25 02:00+01");
    assert_eq!(
        berlin("30 */2 * * *", "2026-10-24T22:00:00Z", 3),
        "10-25 00:30+02, 10-25 02:30+02, 10-25 02:30+01"
    );
    assert_eq!(berlin("*/20 * * * *", "2026-10-25T00:30:00Z", 2), "10-25 02:40+02, 10-25 02:00+01");
}

#[test]
fn a_zone_is_inferred_and_a_schedule_is_none_of_a_queue() {
    let job = parse(&around(", cron = '@daily'", "", "mode = \"append\"")).unwrap();
    assert!(job.inferred.contains(&"[job] zone = \"UTC\"".to_owned()), "{:?}", job.inferred);
    assert!(parse(&small("")).unwrap().settings.schedule.is_none());
    let queue = "queue = { table = 'jobs', where = 'a IS NULL', done = 'a = 1', failed = 'a = 2' }";
    let text = around(", every = '5m'", "", "mode = \"append\"").replace("file = \"ids.csv\"", queue);
    let text = format!("serve = {{ max_rows = 1 }}\n{text}")
        .replace("duckdb:small.duckdb", "postgres://localhost/x");
    let said = said_of(&text);
    assert!(said.contains("`every` beside a queue") && said.contains("[serve] beside a queue"), "{said}");
    let stdin = said_of(&around(", cron = '@daily'", "", "mode = \"append\"").replace("ids.csv", "-"));
    assert!(stdin.contains("`cron` beside a list from standard input"), "{stdin}");
}

/// Nothing is taken as something near it, and nobody waits for what never comes.
#[test]
fn what_is_no_schedule_is_a_mistake() {
    insta::assert_snapshot!(said("every = '5m', cron = '@daily'"), @r#"
    line 2: cron
    both `every` and `cron` in [job]
    hint: leave one of them out
    "#);
    insta::assert_snapshot!(said("every = '5m', zone = 'Europe/Berlin'"), @r#"
    line 2: zone
    `zone` without `cron`
    hint: leave it out, or write cron = "15 3 * * *" instead of every
    "#);
    insta::assert_snapshot!(said("every = '999ms'"), @r#"
    line 2: '999ms'
    999ms is out of bounds
    hint: write it like "500ms", "10s" or "5m", from 1s to 1year 18h
    "#);
    insta::assert_snapshot!(said("every = '5'"), @r#"
    line 2: '5'
    not a duration: time unit needed, for example 5sec or 5ms
    hint: write it like "500ms", "10s" or "5m", from 1s to 1year 18h
    "#);
    insta::assert_snapshot!(said("every = 300"), @r#"
    line 2: 300
    expected a duration in quotes, found an integer
    hint: write it like "500ms", "10s" or "5m", from 1s to 1year 18h
    "#);
    insta::assert_snapshot!(said("cron = '@daily', zone = 'CET+1'"), @r#"
    line 2: 'CET+1'
    unknown time zone "CET+1"
    hint: write a name of the IANA list, such as "Europe/Berlin"
    "#);
    let cron = |text: &str| said(&format!("cron = '{text}'")).lines().skip(1).collect::<Vec<_>>().join("\n");
    let lines = [
        "0 0 31 2 *",
        "0 0 31 2,4,6 *",
        "0 0 31W 2 *",
        "0 0 0 * * *",
        "0 0 3 * * ? *",
        "0 0 * *",
        "",
        "@reboot",
        "@every 10m",
        "CRON_TZ=Asia/Tokyo 0 3 * * *",
        "0 3 * * * Europe/Berlin",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "*/90 * * * *",
        "* */24 * * *",
        "5/10 * * * *",
        "1,,2 * * * *",
        "-5 * * * *",
        "5- * * * *",
        "MON * * * *",
        "0 0 1MAR * *",
        "0 0 * * MON5",
        "0 0 1 january *",
        "0 22-2 * * *",
        "0 0 * * fri-mon",
        "0 0 * * 1#6",
        "0 0 * * L",
        "0 0 L-3 * *",
        "0 0 +13 * 5",
        "H H * * *",
        "0 0 * * 0#0",
        "999999999999 * * * *",
        "٥ * * * *",
        "+5 * * * *",
        "? * * * *",
        "0 0 * * 1-5#2",
        "*/+5 * * * *",
    ];
    let told: Vec<String> = lines.iter().map(|text| format!("{text}\n{}\n", cron(text))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    0 0 31 2 *
    "0 0 31 2 *" never comes
    hint: none of these months has such a day: "0 0 L * *" is the last one of each

    0 0 31 2,4,6 *
    "0 0 31 2,4,6 *" never comes
    hint: none of these months has such a day: "0 0 L * *" is the last one of each

    0 0 31W 2 *
    "0 0 31W 2 *" never comes
    hint: none of these months has such a day: "0 0 L * *" is the last one of each

    0 0 0 * * *
    6 fields instead of the five of a crontab's line
    hint: leave out the first field, the seconds; what runs more often says every = "30s" instead

    0 0 3 * * ? *
    7 fields instead of the five of a crontab's line
    hint: leave out the first field, the seconds; what runs more often says every = "30s" instead

    0 0 * *
    4 fields instead of the five of a crontab's line
    hint: write five fields, minute, hour, day, month and weekday: "15 3 * * *" is a quarter past three


    0 fields instead of the five of a crontab's line
    hint: write five fields, minute, hour, day, month and weekday: "15 3 * * *" is a quarter past three

    @reboot
    1 fields instead of the five of a crontab's line
    hint: leave it out: a job without any run begins at once

    @every 10m
    2 fields instead of the five of a crontab's line
    hint: write every = "10m" instead

    CRON_TZ=Asia/Tokyo 0 3 * * *
    6 fields instead of the five of a crontab's line
    hint: write zone = "Europe/Berlin" beside cron, and five fields

    0 3 * * * Europe/Berlin
    6 fields instead of the five of a crontab's line
    hint: write zone = "Europe/Berlin" beside cron, and five fields

    60 * * * *
    "60" is no minute
    hint: write a number from 0 to 59

    * 24 * * *
    "24" is no hour
    hint: write a number from 0 to 23

    * * 0 * *
    "0" is no day of the month
    hint: write a number from 1 to 31

    * * * 13 *
    "13" is no month
    hint: write a number from 1 to 12, or JAN to DEC

    * * * * 8
    "8" is no day of the week
    hint: write a number from 0 to 7, or SUN to SAT

    */0 * * * *
    "*/0" is no minute
    hint: a step is from 1 to 59 here; what is no line of a crontab is every = "90m", perhaps

    */90 * * * *
    "*/90" is no minute
    hint: a step is from 1 to 59 here; what is no line of a crontab is every = "90m", perhaps

    * */24 * * *
    "*/24" is no hour
    hint: a step is from 1 to 23 here; what is no line of a crontab is every = "90m", perhaps

    5/10 * * * *
    "5/10" is no minute
    hint: a step is one of a range: write 5-59/10, or */10

    1,,2 * * * *
    "" is no minute
    hint: write a number from 0 to 59

    -5 * * * *
    "" is no minute
    hint: write a number from 0 to 59

    5- * * * *
    "" is no minute
    hint: write a number from 0 to 59

    MON * * * *
    "MON" is no minute
    hint: write a number from 0 to 59

    0 0 1MAR * *
    "1MAR" is no day of the month
    hint: write a number from 1 to 31

    0 0 * * MON5
    "MON5" is no day of the week
    hint: write a number from 0 to 7, or SUN to SAT

    0 0 1 january *
    "january" is no month
    hint: write a number from 1 to 12, or JAN to DEC

    0 22-2 * * *
    "22-2" is no hour
    hint: a range goes up: write two of them, 22-23 and 0-2

    0 0 * * fri-mon
    "fri-mon" is no day of the week
    hint: a range goes up: write two of them, fri-6 and 0-mon

    0 0 * * 1#6
    "1#6" is no day of the week
    hint: a month has no 6th of a weekday: write #1 to #5

    0 0 * * L
    "L" is no day of the week
    hint: write a number from 0 to 7, or SUN to SAT

    0 0 L-3 * *
    "L" is no day of the month
    hint: write a number from 1 to 31

    0 0 +13 * 5
    "+13" is no day of the month
    hint: write a number from 1 to 31

    H H * * *
    "H" is no minute
    hint: write a number from 0 to 59

    0 0 * * 0#0
    "0#0" is no day of the week
    hint: a month has no 0th of a weekday: write #1 to #5

    999999999999 * * * *
    "999999999999" is no minute
    hint: write a number from 0 to 59

    ٥ * * * *
    "٥" is no minute
    hint: write a number from 0 to 59

    +5 * * * *
    "+5" is no minute
    hint: write a number from 0 to 59

    ? * * * *
    "?" is no minute
    hint: write a number from 0 to 59

    0 0 * * 1-5#2
    "1-5" is no day of the week
    hint: write a number from 0 to 7, or SUN to SAT

    */+5 * * * *
    "*/+5" is no minute
    hint: a step is from 1 to 59 here; what is no line of a crontab is every = "90m", perhaps
    "#);
}

proptest! {
    /// Whatever is read has a next moment, later than the last, and none comes between.
    #[test]
    fn the_next_moment_is_later(
        minute in "[*]|[*]/[1-9]|[0-5]?[0-9]|1-9|7,3",
        hour in "[*]|[*]/[2-9]|1?[0-9]|0-4|2,1",
        day in "[*]|[?]|L|[1-9]|1-7",
        weekday in "[*]|[0-7]|1-5|5L|2#1",
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York"]),
        seconds in 1_200_000_000_i64..1_800_000_000,
        nanoseconds in 0..1_000_000_000,
    ) {
        let cron = schedule(&format!("cron = '{minute} {hour} {day} * {weekday}', zone = '{zone}'"));
        let last = Timestamp::new(seconds, nanoseconds).unwrap();
        let next = cron.next_after(last);
        prop_assert!(next > last && next < Timestamp::MAX, "{cron}: {next} after {last}");
        let between = last.checked_add(jiff::SignedDuration::from_secs((next.as_second() - seconds) / 2)).unwrap();
        prop_assert_eq!(cron.next_after(between.min(next - jiff::SignedDuration::from_nanos(1))), next, "{}", cron);
    }
}
