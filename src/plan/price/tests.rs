use super::*;
use crate::job::{Batch, Period, Quota, Source, Template, When};
use crate::plan::sandbox::{answer_column, endpoint, job_of};
use crate::value::Type;

const DAY: Duration = Duration::from_secs(86_400);

fn job(endpoints: Vec<Endpoint>, limits: Vec<Limit>) -> Job {
    Job { endpoints, limits, ..job_of(Source::Ids(vec!["a".into()])) }
}

fn limit(rate: Option<(u64, u64)>, quota: Option<u64>, counts: Counts) -> Limit {
    let quota =
        quota.map(|amount| Quota { amount, per: Period::Day, renews_at: Duration::ZERO, zone: "UTC".into() });
    let rate = rate.map(|(amount, seconds)| Rate { amount, per: Duration::from_secs(seconds) });
    Limit { name: "shop".into(), rate, burst: 1, in_flight: Some(4), quota, counts }
}

fn requests_at(rate: (u64, u64)) -> Limit {
    limit(Some(rate), None, Counts::Requests)
}

fn drawing(name: &str, limits: &[usize]) -> Endpoint {
    Endpoint { limits: limits.to_vec(), ..endpoint(name, "https://shop.example/{id}") }
}

fn batched(name: &str, size: u32) -> Endpoint {
    let batch = Batch {
        size,
        column: "id".into(),
        join: ",".into(),
        split: ".[]".into(),
        matches: ".id".into(),
        on_absent: OnAbsent::Missing,
        status: None,
        retry_after: None,
        unprocessed: None,
    };
    Endpoint { batch: Some(batch), ..drawing(name, &[0]) }
}

fn frozen(blocks: &[u64]) -> Frozen {
    Frozen { blocks: blocks.to_vec(), asked: None, input_bytes: 0 }
}

fn price(job: &Job, blocks: &[u64]) -> Price {
    Price::of(job, &frozen(blocks), &[])
}

#[test]
fn every_record_is_a_request_of_every_endpoint() {
    let price = price(&job(vec![drawing("one", &[]), drawing("two", &[])], vec![]), &[64, 64, 22]);
    assert_eq!((price.requests, price.conditional), (300, 0));
    assert_eq!((price.budgets.len(), price.longest()), (0, None));
}

#[test]
fn batches_end_with_their_block() {
    let price = price(&job(vec![batched("many", 50), drawing("one", &[])], vec![]), &[100, 100, 20]);
    assert_eq!((price.requests, price.alone), ((2 + 2 + 1) + 220, 0));
}

#[test]
fn who_may_be_asked_alone_comes_on_top() {
    let mut many = batched("many", 50);
    many.batch.as_mut().unwrap().on_absent = OnAbsent::Alone;
    // The last of 101 is alone anyway.
    let price = price(&job(vec![many, batched("told", 50), drawing("one", &[])], vec![]), &[100, 101, 20]);
    assert_eq!((price.requests, price.alone), (2 * (2 + 3 + 1) + 221, 100 + 100 + 20));
}

#[test]
fn what_a_condition_decides_is_told_apart_with_all_that_follows_from_it() {
    let when = When { jq: ".a".into(), inputs: vec!["a".into()], answers: vec![] };
    let asked = drawing("asked", &[]);
    let maybe = Endpoint { when: Some(when), ..drawing("maybe", &[]) };
    let last = |after: usize| Endpoint { after: vec![after], ..drawing("last", &[]) };
    // The one that follows stands before the one that it follows.
    let conditional = job(vec![last(2), asked.clone(), maybe], vec![]);
    assert_eq!(price(&conditional, &[10]).conditional, 20);
    let certain = job(vec![asked, last(0)], vec![]);
    assert_eq!(price(&certain, &[10]).conditional, 0);
}

#[test]
fn each_limit_carries_the_requests_of_those_who_draw_from_it() {
    let endpoints = vec![drawing("one", &[0]), drawing("two", &[0, 1]), batched("many", 50)];
    let job = job(endpoints, vec![requests_at((200, 1)), requests_at((5, 2)), requests_at((1, 1))]);
    let price = price(&job, &[1000, 1000, 500]);
    let carried: Vec<(usize, u64)> = price.budgets.iter().map(|budget| (budget.limit, budget.load)).collect();
    assert_eq!(carried, [(0, 5050), (1, 2500)], "nobody draws from the third");
    let times: Vec<Duration> = price.budgets.iter().filter_map(|budget| budget.time).collect();
    assert_eq!(times, [Duration::from_millis(25_250), Duration::from_secs(1000)]);
    let (longest, time) = price.longest().unwrap();
    assert_eq!((longest.limit, time), (1, Duration::from_secs(1000)), "the longest decides");
}

#[test]
fn of_limits_that_take_as_long_the_first_is_named() {
    let job = job(vec![drawing("one", &[0, 1])], vec![requests_at((2, 1)), requests_at((4, 2))]);
    assert_eq!(price(&job, &[10]).longest().unwrap().0.limit, 0);
}

#[test]
fn in_flight_alone_gives_no_time() {
    let job = job(vec![drawing("one", &[0])], vec![limit(None, None, Counts::Requests)]);
    let price = price(&job, &[10]);
    assert_eq!((price.budgets[0].load, price.budgets[0].time), (10, None));
    assert_eq!(price.longest(), None);
}

#[test]
fn units_are_counted_where_the_limit_counts_them() {
    let tokens = || Counts::Cost("tokens".into());
    let dear = Endpoint { cost: Some(Cost::Constant(30)), ..drawing("dear", &[0, 1]) };
    let cheap = drawing("cheap", &[0, 1]);
    let told = Endpoint { cost: Some(Cost::Answer(".usage".into())), ..drawing("told", &[0, 1]) };
    let limits = vec![limit(Some((90_000, 60)), None, tokens()), requests_at((10, 1))];
    let price = price(&job(vec![dear, cheap, told], limits), &[3000]);
    assert_eq!((price.budgets[0].load, &price.budgets[0].untold[..]), (93_000, &[2][..]));
    assert_eq!(price.budgets[0].time, Some(Duration::from_secs(62)));
    assert_eq!((price.budgets[1].load, price.budgets[1].untold.len()), (9000, 0));
}

#[test]
fn a_quota_is_used_in_periods_and_what_is_left_of_the_first_counts() {
    let job = job(vec![drawing("one", &[0])], vec![limit(None, Some(1000), Counts::Requests)]);
    let used = |records: u64, remaining: Option<u64>| {
        let price = Price::of(&job, &frozen(&[records]), &[remaining]);
        price.budgets[0].quota.map(|used| (used.share, used.periods)).unwrap()
    };
    assert_eq!(used(450, None), (0.45, 1));
    assert_eq!(used(1000, None), (1.0, 1));
    assert_eq!(used(1001, None), (1.001, 2));
    assert_eq!(used(2500, None), (2.5, 3));
    assert_eq!(used(2500, Some(500)), (2.5, 3));
    assert_eq!(used(2500, Some(499)), (2.5, 4));
    assert_eq!(used(1, Some(0)), (0.001, 2), "it waits for the next");
    assert_eq!(used(0, Some(0)), (0.0, 1));
}

#[test]
fn limits_of_hosts_that_the_list_names_are_not_foreseen() {
    let whole = Template { parts: vec![Part::Url("page".into())] };
    let page = Endpoint { url: whole, ..drawing("page", &[]) };
    let limits = vec![requests_at((1, 1)), requests_at((2, 1))];
    let price_of = |endpoints| price(&job(endpoints, limits.clone()), &[10]).unforeseen;
    assert_eq!(price_of(vec![page.clone(), drawing("one", &[0])]), [1]);
    assert!(price_of(vec![drawing("one", &[0])]).is_empty(), "the second is of no use");
    assert_eq!(price_of(vec![page]), [0, 1]);
}

#[test]
fn numbers_without_bounds_overflow_nothing() {
    let dear = Endpoint { cost: Some(Cost::Constant(u64::MAX)), ..drawing("dear", &[0]) };
    let slow = Limit {
        rate: Some(Rate { amount: 1, per: DAY * 365 }),
        ..limit(None, Some(1), Counts::Cost("units".into()))
    };
    let price = price(&job(vec![dear], vec![slow]), &[1 << 40]);
    assert_eq!(price.budgets[0].load, u64::MAX);
    assert_eq!(price.longest().unwrap().1, Duration::from_nanos(u64::MAX));
    assert_eq!(price.budgets[0].quota.unwrap().periods, u64::MAX);
}

/// The films job as it was measured: 22,305 records in 64 blocks took 6,739,325 bytes, ten records 20,794.
#[test]
fn the_disk_is_about_what_films_take() {
    let columns = |count: usize| (0..count).map(|at| answer_column(&at.to_string(), Type::Text)).collect();
    let wide = |name: &str, count| Endpoint { columns: columns(count), ..drawing(name, &[]) };
    let mut films = job(vec![wide("omdb", 33), wide("business", 6)], vec![]);
    let mut blocks = vec![349; 63];
    blocks.push(318);
    let all = Frozen { blocks, asked: None, input_bytes: 342_130 };
    assert_eq!(Price::of(&films, &all, &[]).disk, 7_271_100);
    let few = Frozen { blocks: vec![10], asked: None, input_bytes: 1243 };
    assert_eq!(Price::of(&films, &few, &[]).disk, 19_463);
    films.settings.keep_answers = KeepAnswers::All;
    assert_eq!(Price::of(&films, &all, &[]).disk, 7_271_100 + 2 * 22_305 * 200);
}
