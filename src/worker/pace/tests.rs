use std::time::Duration;

use super::*;
use crate::fetch::Permit as _;
use crate::job::{Counts, Limit, Period, Quota, Rate, Source};
use crate::plan::sandbox::job_of;
use crate::record::Kind;

/// A job with these limits for its only endpoint.
fn job(limits: Vec<Limit>) -> Job {
    let mut job = job_of(Source::Ids(vec!["1".into()]));
    job.endpoints[0].limits = (0..limits.len()).collect();
    job.limits = limits;
    job
}

fn limit() -> Limit {
    Limit {
        name: "films".into(),
        rate: None,
        burst: 1,
        in_flight: None,
        quota: None,
        counts: Counts::Requests,
    }
}

fn origin() -> Origin {
    Origin::of(&"http://example.org/".parse().unwrap()).unwrap()
}

/// A folder for budgets, and the word that ends everything.
struct Setup {
    folder: tempfile::TempDir,
    drain: watch::Sender<bool>,
}

impl Setup {
    fn new() -> Setup {
        Setup { folder: tempfile::tempdir().unwrap(), drain: watch::Sender::new(false) }
    }

    fn pace(&self, job: &Job, in_flight: usize, budget: Option<u64>) -> Pace {
        Pace::new(job, 0, in_flight, budget, self.drain.subscribe(), self.folder.path()).unwrap()
    }
}

async fn leave(pace: &Pace) -> Result<Permit, Refused> {
    pace.of_endpoint(0).start(&origin()).await
}

/// Whether leave is given soon.
async fn is_let_go(pace: &Pace) -> bool {
    tokio::time::timeout(Duration::from_millis(60), leave(pace)).await.is_ok()
}

#[tokio::test]
async fn whoever_waits_when_the_drain_begins_is_refused() {
    let setup = Setup::new();
    let pace = setup.pace(&job(vec![]), 1, None);
    let held = leave(&pace).await.ok();
    assert_eq!(pace.in_flight(), 1);
    let begun = async {
        tokio::task::yield_now().await;
        setup.drain.send_replace(true);
        drop(held);
    };
    let (waited, ()) = tokio::join!(leave(&pace), begun);
    assert_eq!(waited.err(), Some(Refused::Interrupted));
    assert_eq!((pace.in_flight(), pace.sent()), (0, 1));
}

#[tokio::test]
async fn a_number_of_requests_is_spent_to_the_last_and_no_further() {
    let setup = Setup::new();
    let pace = setup.pace(&job(vec![]), 8, Some(2));
    assert!(leave(&pace).await.is_ok() && leave(&pace).await.is_ok());
    assert_eq!(leave(&pace).await.err(), Some(Refused::MaxRequests));
    assert_eq!((pace.in_flight(), pace.sent()), (0, 2));
}

#[tokio::test]
async fn places_in_flight_are_shared_and_come_back() {
    let setup = Setup::new();
    let job = job(vec![Limit { in_flight: Some(3), ..limit() }]);
    let [one, other] = [setup.pace(&job, 8, None), setup.pace(&job, 8, None)];
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(leave(&one).await.unwrap());
    }
    assert!(!is_let_go(&one).await && !is_let_go(&other).await);
    held.pop();
    // The place is nobody's until the one who had it has looked.
    one.look();
    assert!(is_let_go(&other).await);
    drop(other);
    assert!(is_let_go(&one).await, "what a process had comes back when it ends");
}

#[tokio::test]
async fn a_pause_that_one_is_told_holds_for_the_other_even_with_leave_in_hand() {
    let setup = Setup::new();
    let [one, other] = [setup.pace(&job(vec![]), 8, None), setup.pace(&job(vec![]), 8, None)];
    let permit = leave(&other).await.unwrap();
    one.of_endpoint(0).pause(&origin(), Duration::from_millis(150));
    let asked = Instant::now();
    assert!(!is_let_go(&other).await);
    permit.ready().await.unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(140), "{:?}", asked.elapsed());
    assert!(leave(&other).await.is_ok());
}

#[tokio::test]
async fn a_pause_longer_than_anybody_waits_is_as_good_as_a_quota_used_up() {
    let setup = Setup::new();
    let pace = setup.pace(&job(vec![]), 8, None);
    pace.of_endpoint(0).pause(&origin(), Duration::from_secs(3600));
    assert!(matches!(leave(&pace).await, Err(Refused::Quota { .. })));
    assert!(pace.renews_at().is_some());
}

#[tokio::test]
async fn what_was_taken_of_a_quota_and_not_used_is_given_back() {
    let setup = Setup::new();
    let quota = Quota {
        amount: 2,
        per: Period::Span(Duration::from_secs(100_000)),
        renews_at: Duration::ZERO,
        zone: "UTC".into(),
    };
    let slow = Some(Rate { amount: 1, per: Duration::from_secs(3600) });
    let limits =
        vec![Limit { quota: Some(quota), ..limit() }, Limit { name: "slow".into(), rate: slow, ..limit() }];
    let pace = setup.pace(&job(limits), 8, None);
    drop(leave(&pace).await.unwrap());
    // The next one waits for its moment, an hour away, when all is told to stop.
    let stopped = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        setup.drain.send_replace(true);
    };
    let (refused, ()) = tokio::join!(leave(&pace), stopped);
    assert_eq!(refused.err(), Some(Refused::Interrupted));
    drop(pace);
    setup.drain.send_replace(false);
    let others = job(vec![Limit {
        quota: Some(Quota {
            amount: 2,
            per: Period::Span(Duration::from_secs(100_000)),
            renews_at: Duration::ZERO,
            zone: "UTC".into(),
        }),
        ..limit()
    }]);
    let pace = setup.pace(&others, 8, None);
    assert!(leave(&pace).await.is_ok());
    assert!(matches!(leave(&pace).await, Err(Refused::Quota { .. })));
}

#[tokio::test]
async fn a_host_that_never_answers_is_given_up_after_a_second_look() {
    let setup = Setup::new();
    let pace = setup.pace(&job(vec![]), 8, None);
    let begun = Instant::now();
    let mut asked = 0;
    while let Ok(permit) = leave(&pace).await {
        permit.ended(if asked % 2 == 0 {
            Ended::Silent(Kind::Connect)
        } else {
            Ended::Lost(Duration::ZERO, Kind::Timeout)
        });
        asked += 1;
    }
    assert!((16..=20).contains(&asked), "{asked}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn questions_that_are_lost_again_and_again_do_not_make_a_host_one_that_is_down() {
    let setup = Setup::new();
    let pace = setup.pace(&job(vec![]), 8, None);
    for _ in 0..15 {
        let question = pace.of_endpoint(0);
        for _ in 0..5 {
            question.start(&origin()).await.unwrap().ended(Ended::Lost(Duration::ZERO, Kind::Timeout));
        }
    }
    assert!(is_let_go(&pace).await);
}

fn nth_origin(number: usize) -> Origin {
    Origin::of(&format!("http://host{number}.example/").parse().unwrap()).unwrap()
}

fn files(setup: &Setup) -> usize {
    std::fs::read_dir(setup.folder.path().join("limits")).map_or(0, Iterator::count)
}

async fn ask(pace: &Pace, origin: &Origin, how: Ended) -> Result<(), Refused> {
    pace.of_endpoint(0).start(origin).await.map(|permit| crate::fetch::Permit::ended(&permit, how))
}

#[tokio::test]
async fn of_many_hosts_those_stay_that_were_asked_lately_and_no_file_is_left() {
    let setup = Setup::new();
    let pace = setup.pace(&job(vec![]), 8, None);
    for number in 0..4 * MOST_HOSTS {
        ask(&pace, &nth_origin(number), Ended::Answered(Duration::ZERO)).await.unwrap();
        assert!(number % 64 > 0 || files(&setup) <= 2 * MOST_HOSTS, "{number}");
    }
    pace.look();
    drop(pace);
    assert_eq!(files(&setup), 0);
}

#[tokio::test]
async fn a_host_that_was_let_go_of_is_still_paused_or_down() {
    let setup = Setup::new();
    let [pace, other] = [setup.pace(&job(vec![]), 8, None), setup.pace(&job(vec![]), 8, None)];
    let (paused, down) = (nth_origin(1_000_000), nth_origin(1_000_001));
    pace.of_endpoint(0).pause(&paused, Duration::from_secs(3600));
    for _ in 0..16 {
        ask(&pace, &down, Ended::Silent(Kind::Connect)).await.unwrap();
    }
    // It looks now and then: with the first look the time begins after which it is given up.
    while ask(&pace, &down, Ended::Silent(Kind::Connect)).await.is_ok() {}
    for number in 0..3 * MOST_HOSTS {
        ask(&pace, &nth_origin(number), Ended::Answered(Duration::ZERO)).await.unwrap();
    }
    assert!(files(&setup) <= 2 * MOST_HOSTS);
    let begun = Instant::now();
    for pace in [&pace, &other] {
        assert!(matches!(ask(pace, &paused, Ended::Silent(Kind::Connect)).await, Err(Refused::Quota { .. })));
    }
    while ask(&pace, &down, Ended::Silent(Kind::Connect)).await.is_ok() {}
    assert!(begun.elapsed() < Duration::from_secs(2), "it is not waited for again: {:?}", begun.elapsed());
    drop((pace, other));
    assert_eq!(files(&setup), 1, "of what was known the pause alone outlives the processes");
    let next = setup.pace(&job(vec![]), 8, None);
    assert!(ask(&next, &down, Ended::Answered(Duration::ZERO)).await.is_ok(), "it may be back");
    assert!(matches!(ask(&next, &paused, Ended::Silent(Kind::Connect)).await, Err(Refused::Quota { .. })));
}

#[tokio::test]
async fn the_files_of_hosts_that_are_down_are_bounded() {
    let setup = Setup::new();
    let pace = setup.pace(&job(vec![]), 8, None);
    for number in 0..2000 {
        let host = pace.route(0, &nth_origin(number));
        (0..16).for_each(|_| host.ended(Ended::Silent(Kind::Connect), Attempt::First));
        assert!(number % 64 > 0 || files(&setup) <= 1500, "{number}");
    }
    drop(pace);
    assert_eq!(files(&setup), 0);
}

#[tokio::test]
async fn a_pause_that_is_lifted_is_over_for_who_waits() {
    let setup = Setup::new();
    let pace = setup.pace(&job(vec![]), 8, None);
    pace.of_endpoint(0).pause(&origin(), Duration::from_secs(120));
    let lifted = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        crate::budget::forget_host(setup.folder.path(), "example.org").unwrap()
    };
    let begun = Instant::now();
    let (permit, lifted) = tokio::join!(leave(&pace), lifted);
    assert!(permit.is_ok() && begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(lifted, [("example.org:80".to_owned(), 1)]);
}

/// A job of two endpoints at one host, of which the first alone is limited.
fn half_limited(limit: Limit) -> Job {
    let mut job = job(vec![limit]);
    job.endpoints.push(crate::job::Endpoint { limits: vec![], ..job.endpoints[0].clone() });
    job
}

const LIMITED: usize = 0;
const FREE: usize = 1;

fn slow(per: Duration) -> Limit {
    Limit { rate: Some(Rate { amount: 1, per }), ..limit() }
}

/// Leave to ask one of two endpoints; it is there before anybody on a busy machine would give up.
async fn leave_for(pace: &Pace, endpoint: usize) -> Result<Permit, Refused> {
    let leave = tokio::time::timeout(Duration::from_secs(30), async {
        pace.of_endpoint(endpoint).start(&origin()).await
    });
    leave.await.expect("nobody is in the way")
}

/// Polls until whatever can be done at once is done.
async fn settle_down() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_waits_for_a_rate_is_not_in_the_way_of_others() {
    let setup = Setup::new();
    let pace = setup.pace(&half_limited(slow(Duration::from_secs(3600))), 1, None);
    drop(leave_for(&pace, LIMITED).await.unwrap());
    let stopped = async {
        settle_down().await;
        for _ in 0..100 {
            drop(leave_for(&pace, FREE).await.unwrap());
        }
        setup.drain.send_replace(true);
    };
    let limited = pace.of_endpoint(LIMITED);
    let (here, there) = (origin(), origin());
    let (first, second, ()) = tokio::join!(limited.start(&here), limited.start(&there), stopped);
    assert_eq!([first.err(), second.err()], [Some(Refused::Interrupted); 2]);
    assert_eq!(pace.sent(), 101);
}

#[tokio::test]
async fn whoever_waits_for_a_place_in_flight_is_not_in_the_way_of_others() {
    let setup = Setup::new();
    let pace = setup.pace(&half_limited(Limit { in_flight: Some(1), ..limit() }), 2, None);
    let held = leave_for(&pace, LIMITED).await.unwrap();
    let others = async {
        settle_down().await;
        for _ in 0..100 {
            drop(leave_for(&pace, FREE).await.unwrap());
        }
        drop(held);
    };
    let (limited, ()) = tokio::join!(leave_for(&pace, LIMITED), others);
    assert!(limited.is_ok());
    assert_eq!((pace.sent(), pace.in_flight()), (102, 1));
}

/// The place comes half an interval after the moment: that one is not used any more, since another process uses the next.
#[tokio::test]
async fn a_moment_that_there_was_no_place_for_is_given_up() {
    let setup = Setup::new();
    let interval = Duration::from_secs(1);
    let job = half_limited(slow(interval));
    let [pace, other] = [setup.pace(&job, 1, None), setup.pace(&job, 1, None)];
    let begun = Instant::now();
    // Who was served last does not change his moment for the other's.
    drop(leave_for(&pace, LIMITED).await.unwrap());
    drop(leave_for(&other, LIMITED).await.unwrap());
    let order = RefCell::new(Vec::new());
    let late = async {
        drop(leave_for(&pace, LIMITED).await.unwrap());
        order.borrow_mut().push("late");
    };
    let in_the_way = async {
        let held = leave_for(&pace, FREE).await.unwrap();
        tokio::time::sleep_until((begun + interval * 5 / 2).into()).await;
        drop(held);
    };
    let next = async {
        settle_down().await;
        drop(leave_for(&other, LIMITED).await.unwrap());
        order.borrow_mut().push("next");
    };
    tokio::join!(late, in_the_way, next);
    assert_eq!(order.take(), ["next", "late"]);
    assert!(begun.elapsed() >= interval * 4, "it takes the moment after that: {:?}", begun.elapsed());
}

/// Both endpoints have more to ask than there are places for.
#[tokio::test]
async fn neither_a_limited_endpoint_nor_another_waits_for_ever() {
    let setup = Setup::new();
    let pace = setup.pace(&half_limited(slow(Duration::from_millis(100))), 2, None);
    let left = Cell::new(24_u32);
    let limited = async || {
        while left.get() > 0 {
            left.set(left.get() - 1);
            drop(leave_for(&pace, LIMITED).await.unwrap());
        }
    };
    let asked = Cell::new(0_u32);
    let is_over = Cell::new(false);
    let free = async || {
        while !is_over.get() {
            let permit = leave_for(&pace, FREE).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            drop(permit);
            asked.set(asked.get() + 1);
        }
    };
    let all_limited = async {
        tokio::join!(limited(), limited(), limited(), limited());
        is_over.set(true);
    };
    let begun = Instant::now();
    tokio::join!(free(), free(), free(), free(), all_limited);
    // While more of the limited wait than there are places. If they held them, the others would have to wait for the last.
    assert!(asked.get() >= 60, "{} in {:?}", asked.get(), begun.elapsed());
}

#[tokio::test]
async fn places_that_are_given_back_go_by_turns_to_whom_a_budget_allows_to_send_and_to_others() {
    let places = InFlight::new(1);
    let order = RefCell::new(String::new());
    let let_go = async || {
        let mut place = places.take().await;
        place.let_go();
        place
    };
    let (x, y, mut gone) = (let_go().await, let_go().await, let_go().await);
    let other = async |name| {
        let _place = places.take().await;
        order.borrow_mut().push(name);
    };
    let allowed = async |name, mut place: InFlightPermit| {
        place.take_again().await;
        order.borrow_mut().push(name);
    };
    let held = places.take().await;
    let nobody = tokio::time::timeout(Duration::from_millis(1), gone.take_again()).await;
    assert!(nobody.is_err(), "there was none, and nothing is kept for whoever waits no more");
    let begin = async {
        settle_down().await;
        drop(held);
    };
    tokio::join!(other('a'), other('b'), other('c'), allowed('x', x), allowed('y', y), begin);
    assert_eq!(order.take(), "xaybc");
    assert!(places.take().await.is_held());
}
