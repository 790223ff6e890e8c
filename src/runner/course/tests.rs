use super::*;
use crate::handoff::Hold;
use crate::job::{Counts as CountsOf, Job, Limit, Period, Quota, Rate, Source};
use crate::plan::price::{Budget, QuotaUse};
use crate::plan::sandbox::job_of;
use crate::record::Kind;

fn course(pairs: u64) -> Course {
    let subject = Subject { shards: 2, pairs, ..Subject::default() };
    Course::begin(subject, None)
}

fn started(pairs: u64, committed: u64) -> Event {
    Event::Started { shard: 0, pairs, committed }
}

fn done(done: u64) -> Event {
    let pairs = Pairs { done, ..Pairs::default() };
    Event::Progress(Counts { pairs, requests: done, ..Counts::default() })
}

#[test]
fn a_pair_is_counted_once_whichever_process_ended_it() {
    let mut course = course(1_000);
    let mut told = |shard, event: &Event| {
        course.event(shard, event, Instant::now());
        let pulse = course.pulse(Instant::now());
        (pulse.pairs.done, pulse.sent)
    };
    assert_eq!(told(0, &started(600, 100)), (100, 0));
    assert_eq!(told(0, &done(50)), (150, 50));
    assert_eq!(told(0, &Event::Committed { pairs: 30 }), (150, 50));
    assert_eq!(told(1, &started(400, 0)), (150, 50));
    assert_eq!(told(1, &done(7)), (157, 57));
    // The first one's process crashed: what it had open is asked again, what it committed is not.
    assert_eq!(told(0, &started(600, 130)), (137, 57));
    assert_eq!(told(0, &done(480)), (607, 537), "no shard has more than all of its pairs");
}

#[test]
fn what_an_earlier_command_did_says_nothing_of_the_pace() {
    let mut course = course(200_000);
    let began = course.began;
    course.pulse(began);
    // The second shard begins when the first one has been at work for a while.
    course.event(0, &started(100_000, 90_000), began + Duration::from_secs(1));
    for second in 1..=30 {
        let now = began + Duration::from_secs(second);
        if second == 15 {
            course.event(1, &started(100_000, 60_000), now);
        }
        course.event(0, &done(100 * second), now);
        course.pulse(now);
    }
    let pulse = course.pulse(began + Duration::from_secs(30));
    assert_eq!((pulse.pairs.done, pulse.rate), (153_000, 100.0));
    let left = pulse.seconds_left.unwrap();
    assert!((460.0..=480.0).contains(&left), "{left}");
}

#[test]
fn latencies_are_those_of_the_last_minute_of_all_processes() {
    let mut course = course(1_000);
    let began = Instant::now();
    let mut told = |second: u64, shard: u32, micros: u64| {
        let latencies = vec![(micros, 10)];
        let now = began + Duration::from_secs(second);
        course.event(shard, &Event::Progress(Counts { latencies, ..Counts::default() }), now);
        let latency = course.pulse(now).latency.unwrap();
        (latency.p50.round(), latency.p95.round())
    };
    assert_eq!(told(1, 0, 20_000), (20.0, 20.0));
    assert_eq!(told(2, 1, 40_000), (20.0, 40.0));
    assert_eq!(told(31, 0, 60_000), (40.0, 60.0));
    assert_eq!(told(62, 0, 80_000), (60.0, 80.0), "those of the first half minute are over");
}

/// A run of so many pairs, as its pulses come: what each second brings, or that nothing is sent in it.
struct Simulated {
    pairs: u64,
    limited: Option<(Job, Price)>,
    /// What is done in a second; `None` while a host asks for a pause.
    second: Box<dyn Fn(u64) -> Option<u64>>,
}

impl Simulated {
    fn new(pairs: u64, second: impl Fn(u64) -> Option<u64> + 'static) -> Simulated {
        Simulated { pairs, limited: None, second: Box::new(second) }
    }

    /// From a quarter on: seconds since the beginning, those that were left by the pulse, and those that were left.
    fn told(&self) -> Vec<(u64, Option<f64>, f64)> {
        let subject = Subject { shards: 1, pairs: self.pairs, ..Subject::default() };
        let mut course = Course::begin(subject, self.limited.as_ref().map(|(job, price)| (job, price)));
        let began = course.began;
        course.event(0, &started(self.pairs, 0), began);
        let (mut done, mut told) = (0, Vec::new());
        for quarter in 1.. {
            let (second, now) = (quarter / 4, began + Duration::from_millis(250 * quarter));
            let more = (self.second)(second);
            done = (done + more.unwrap_or(0) / 4).min(self.pairs);
            let hold = more.is_none().then(|| Hold::Pause { host: "a.example:80".into(), until: 0 });
            let pairs = Pairs { done, ..Pairs::default() };
            course.event(0, &Event::Progress(Counts { pairs, hold, ..Counts::default() }), now);
            let pulse = course.pulse(now);
            if done >= self.pairs {
                let end = second as f64;
                let is_told = |(at, _): &(u64, Option<f64>)| *at >= 10;
                return told
                    .into_iter()
                    .filter(is_told)
                    .map(|(at, left)| (at, left, end - at as f64))
                    .collect();
            }
            if quarter % 4 == 0 && done * 4 >= self.pairs {
                told.push((second, pulse.seconds_left));
            }
        }
        unreachable!("it ends")
    }

    /// Of the moments at which something is left to wait for, the part at which what was told was within a third.
    fn within_a_third(&self) -> f64 {
        let told = self.told();
        // Of the last seconds nobody wants to know.
        let looked: Vec<_> = told.iter().filter(|(_, _, left)| *left >= 5.0).collect();
        assert!(looked.len() > 10, "{looked:?}");
        let is_right =
            |left: Option<f64>, truth: f64| left.is_some_and(|left| (left / truth - 1.0).abs() <= 1.0 / 3.0);
        let right = looked.iter().filter(|(_, left, truth)| is_right(*left, *truth)).count();
        let share = right as f64 / looked.len() as f64;
        println!(
            "{share:.3} of {}: {:?}",
            looked.len(),
            looked.iter().step_by(looked.len() / 8).collect::<Vec<_>>()
        );
        share
    }
}

fn shop(rate: Option<Rate>, quota: Option<Quota>) -> Job {
    let limit =
        Limit { name: "shop".into(), rate, burst: 1, in_flight: None, quota, counts: CountsOf::Requests };
    Job { limits: vec![limit], ..job_of(Source::Ids(vec!["a".into()])) }
}

fn price(load: u64, time: Option<Duration>, quota: Option<QuotaUse>) -> Price {
    let budget = Budget { limit: 0, load, untold: Vec::new(), time, quota };
    Price { requests: load, conditional: 0, alone: 0, budgets: vec![budget], unforeseen: Vec::new(), disk: 0 }
}

#[test]
fn time_left_is_within_a_third_from_a_quarter_on() {
    let steady = Simulated::new(20_000, |_| Some(100));
    assert_eq!(steady.within_a_third(), 1.0);
    // Bursts, and pauses of two seconds that come again and again.
    let faulty = Simulated::new(20_000, |second| (second * 7 % 5 > 1).then_some(80 + second * 37 % 80));
    assert_eq!(faulty.within_a_third(), 1.0);
    // One outage, in which nothing is told.
    let outage = Simulated::new(20_000, |second| (!(60..90).contains(&second)).then_some(100));
    let said_before = |(at, left, _): &(u64, Option<f64>, f64)| *at < 66 || left.is_none() || *at >= 90;
    assert!(outage.told().iter().all(said_before));
    let after: Vec<_> = outage.told().into_iter().filter(|(at, _, left)| *at >= 95 && *left >= 5.0).collect();
    assert!(
        after.iter().all(|(_, left, truth)| left.is_some_and(|left| (left / truth - 1.0).abs() < 0.34)),
        "{after:?}"
    );
    // One of two endpoints has a limit, and is what is left when the other is done.
    let rate = Rate { amount: 50, per: Duration::from_secs(1) };
    let limited = Simulated {
        limited: Some((shop(Some(rate), None), price(5_000, Some(Duration::from_secs(100)), None))),
        ..Simulated::new(10_000, |second| Some(if second < 25 { 252 } else { 48 }))
    };
    assert_eq!(limited.within_a_third(), 1.0);
}

#[test]
fn time_left_knows_the_calendar_of_a_quota() {
    let quota = Quota { amount: 1_000, per: Period::Day, renews_at: Duration::ZERO, zone: "UTC".into() };
    let used = QuotaUse { share: 3.5, remaining: Some(600), periods: 4 };
    let (job, price) = (shop(None, Some(quota.clone())), price(3_500, None, Some(used)));
    let mut course =
        Course::begin(Subject { shards: 1, pairs: 3_500, ..Subject::default() }, Some((&job, &price)));
    let began = course.began;
    course.event(0, &started(3_500, 0), began);
    for second in 1..=20 {
        let pairs = Pairs { done: second * 20, ..Pairs::default() };
        let now = began + Duration::from_secs(second);
        course.event(0, &Event::Progress(Counts { pairs, ..Counts::default() }), now);
        course.pulse(now);
    }
    let left = course.pulse(began + Duration::from_secs(20)).seconds_left.unwrap();
    let third_midnight = crate::budget::renewal_after(&quota, course.began_at, 3).unwrap();
    // 600 today, a thousand on each of two days; the last 900 take 45 s.
    let expected = (third_midnight - course.began_at - 20) as f64 + 45.0;
    assert!((left - expected).abs() <= 2.0, "{left} {expected}");
}

#[test]
fn what_failed_is_counted_by_kind_over_all_shards() {
    let mut course = course(100);
    let failed = |kind, count| Pairs { done: count, failed: [(kind, count)].into(), ..Pairs::default() };
    let tell = |pairs| Event::Progress(Counts { pairs, ..Counts::default() });
    course.event(0, &tell(failed(Kind::NotJson, 3)), Instant::now());
    course.event(1, &tell(failed(Kind::NotJson, 4)), Instant::now());
    assert_eq!(course.pulse(Instant::now()).pairs.failed, [(Kind::NotJson, 7)].into());
}
