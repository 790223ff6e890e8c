//! The same code by a clock of its own: many members, many seconds, no waiting.
//!
//! Every test prints its figures and its seed, `--nocapture` shows them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Release;
use std::time::Duration;

use super::{Member, Terms, words};
use crate::job::{Counts, Limit, Period, Quota, Rate};
use crate::os::SharedWords;
use crate::seed::seeded;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

/// When the simulated time begins: a clock that stands at 0 is no clock.
const START: u64 = 1_000 * SECOND;

fn random(test: &str) -> fastrand::Rng {
    println!("{test}:");
    seeded()
}

fn limit() -> Limit {
    Limit {
        name: "host".into(),
        rate: None,
        burst: 1,
        in_flight: None,
        quota: None,
        counts: Counts::Requests,
    }
}

fn of_rate(amount: u64, burst: u64) -> Limit {
    Limit { rate: Some(Rate { amount, per: Duration::from_secs(1) }), burst, ..limit() }
}

struct TempBudget {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl TempBudget {
    fn new() -> TempBudget {
        let folder = tempfile::tempdir().unwrap();
        TempBudget { path: folder.path().join("budget"), _folder: folder }
    }

    fn join(&self, limit: &Limit, now: u64) -> Member {
        Member::join(&self.path, Terms::of(limit), 128, now).unwrap()
    }

    fn adaptive(&self, most: u64, now: u64) -> Member {
        Member::join(&self.path, Terms::adaptive(), most, now).unwrap()
    }
}

/// The largest number of moments within any second, and the mean per second.
fn figures(sent: &[u64]) -> (usize, f64) {
    let mut sorted = sent.to_vec();
    sorted.sort_unstable();
    let mut most = 0;
    let mut first = 0;
    for last in 0..sorted.len() {
        while sorted[last] - sorted[first] >= SECOND {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    let span = (sorted[sorted.len() - 1] - sorted[0]) as f64 / SECOND as f64;
    (most, (sorted.len() - 1) as f64 / span)
}

/// Members that take a moment, wait for it, wake up late and send, again and again. `rest` is what each does between
/// two requests, in nanoseconds. Returns the moments by member.
fn run(
    members: &[Member],
    rest: &[u64],
    seconds: u64,
    random: &mut fastrand::Rng,
    late: fn(&mut fastrand::Rng) -> u64,
) -> Vec<Vec<u64>> {
    let mut sent = vec![Vec::new(); members.len()];
    let mut wakes = BinaryHeap::new();
    members.iter().for_each(|member| member.look(START));
    for (at, member) in members.iter().enumerate() {
        let moment = member.reserve(START, 1).unwrap();
        wakes.push(Reverse((moment.at.max(START) + late(random), at, Some(moment))));
    }
    while let Some(Reverse((now, at, moment))) = wakes.pop() {
        if now > START + seconds * SECOND {
            break;
        }
        // Either the moment has come, or it is time to ask for one.
        let next = match moment.map(|moment| members[at].confirm(moment, now)) {
            Some(Err(later)) => Some(later),
            Some(Ok(())) => {
                sent[at].push(now);
                None
            }
            None => members[at].reserve(now, 1),
        };
        wakes.push(Reverse(match next {
            Some(moment) if moment.at > now => (moment.at + late(random), at, next),
            Some(_) => (now, at, next),
            None => (now + rest[at], at, None),
        }));
    }
    sent
}

/// A timer of a millisecond on a busy machine: mostly somewhat late, now and then very.
fn busy(random: &mut fastrand::Rng) -> u64 {
    match random.u32(0..1000) {
        0..2 => random.u64(0..12 * MILLI),
        _ => random.u64(100_000..2 * MILLI),
    }
}

#[test]
fn any_number_of_members_keep_one_rate() {
    let mut random = random("one rate");
    for (rate, count) in [(500, 1), (500, 2), (500, 4), (50, 3), (5_000, 4), (20_000, 2)] {
        let place = TempBudget::new();
        let members: Vec<Member> = (0..count).map(|_| place.join(&of_rate(rate, 1), START)).collect();
        let sent = run(&members, &vec![0; count], 30, &mut random, busy);
        let (most, mean) = figures(&sent.concat());
        println!("  {rate}/s by {count}: at most {most} in a second, {mean:.1} on average");
        assert!(most as u64 <= rate + 2.max(rate / 250), "{rate} by {count}: {most}");
        assert!(mean >= rate as f64 * 0.98, "{rate} by {count}: {mean}");
        let shares: Vec<usize> = sent.iter().map(Vec::len).collect();
        let even = shares.iter().sum::<usize>() / count;
        assert!(shares.iter().all(|share| share.abs_diff(even) * 20 < even), "{rate} by {count}: {shares:?}");
    }
}

#[test]
fn members_that_die_and_come_back_keep_the_rate() {
    let mut random = random("deaths");
    let place = TempBudget::new();
    let limit = of_rate(500, 1);
    let mut members: Vec<Member> = (0..4).map(|_| place.join(&limit, START)).collect();
    let mut sent = Vec::new();
    let mut wakes = BinaryHeap::from_iter((0..4).map(|at| Reverse((START, at, 0))));
    let mut lives = [0; 4];
    let mut next_death = START + SECOND / 2;
    while let Some(Reverse((now, at, life))) = wakes.pop() {
        if now > START + 20 * SECOND {
            break;
        }
        if now > next_death {
            // Killed with a moment in hand, and back a little later.
            let victim = random.usize(0..4);
            lives[victim] += 1;
            members[victim] = place.join(&limit, now);
            wakes.push(Reverse((now + random.u64(0..200 * MILLI), victim, lives[victim])));
            next_death = now + SECOND / 2;
        }
        if life != lives[at] {
            continue;
        }
        let moment = members[at].reserve(now, 1).unwrap();
        members[at].forgo(moment);
        let moment = moment.at.max(now) + random.u64(0..MILLI);
        sent.push(moment);
        wakes.push(Reverse((moment, at, life)));
    }
    let (most, mean) = figures(&sent);
    println!("  500/s by 4, one killed each half second: at most {most} in a second, {mean:.1} on average");
    assert!(most <= 502 && mean >= 488.0, "{most} {mean}");
}

#[test]
fn one_that_asks_one_at_a_time_gets_its_share() {
    let mut random = random("few and many");
    // The first waits for each answer before it asks again; the second has always more.
    for latency in [1, 2, 3] {
        let place = TempBudget::new();
        let members = [place.join(&of_rate(500, 1), START), place.join(&of_rate(500, 1), START)];
        let sent = run(&members, &[latency * MILLI, 0], 20, &mut random, busy);
        let share = sent[0].len() as f64 / sent.concat().len() as f64;
        let able = 1.0 / (latency as f64 / 1e3 + 0.001) / 500.0;
        println!("  one at a time, each {latency} ms, beside many: {:.1} % of the rate", share * 100.0);
        assert!(share > able.min(0.5) * 0.75, "{latency} ms: {share}");
    }
}

#[test]
fn the_slowest_of_what_members_were_told_holds_for_all() {
    let place = TempBudget::new();
    let [fast, slow] = [of_rate(500, 1), of_rate(100, 1)].map(|limit| place.join(&limit, START));
    fast.look(START + SECOND);
    slow.look(START + SECOND);
    let (theirs, mine) = fast.rival().map(|[theirs, mine]| (theirs.round(), mine.round())).unwrap();
    assert_eq!((theirs, mine, slow.rival().is_some()), (99.0, 495.0, true));
    let mut random = random("two rates");
    let (most, _) = figures(&run(&[fast, slow], &[0, 0], 10, &mut random, busy).concat());
    assert!(most <= 102, "{most}");
}

#[test]
fn places_in_flight_are_never_more_than_there_are() {
    let mut random = random("places");
    let place = TempBudget::new();
    let limit = Limit { in_flight: Some(20), ..limit() };
    let mut members: Vec<Member> = (0..4).map(|_| place.join(&limit, START)).collect();
    let mut wanting = [0_u64; 4];
    for step in 0..20_000 {
        let now = START + step * 5 * MILLI;
        let at = random.usize(0..4);
        match random.u32(0..100) {
            0 => members[at] = place.join(&limit, now),
            1..30 => wanting[at] = random.u64(0..40),
            _ => {}
        }
        let member = &members[at];
        member.look(now);
        while member.in_flight() < wanting[at] && member.enter() {}
        for _ in wanting[at]..member.in_flight() {
            member.leave();
        }
        let all: u64 = members.iter().map(Member::in_flight).sum();
        assert!(all <= 20, "{all} in flight at step {step}");
    }
    // Whoever wants all gets all, once the others want nothing.
    wanting = [0, 0, 40, 0];
    for step in 0..8 {
        for (at, member) in members.iter().enumerate() {
            (0..member.in_flight()).for_each(|_| member.leave());
            (0..wanting[at]).for_each(|_| member.waits(true));
            member.look(START + 200 * SECOND + step * 20 * MILLI);
            (0..wanting[at]).for_each(|_| member.waits(false));
        }
    }
    assert_eq!(members[2].share(), 20);
}

/// A server that works on a fixed number of requests at a time, each for a fixed time; the others queue. Beyond `most_waiting` it
/// refuses at once.
struct Server {
    capacity: usize,
    latency: u64,
    most_waiting: usize,
    failing: f64,
}

/// What happened in a run against a server.
struct Load {
    /// Answers per second in the second half.
    rate: f64,
    /// Most requests at the server at a time in the second half.
    most: usize,
    /// Share of requests that were refused in the second half.
    refused: f64,
}

impl Server {
    fn new(capacity: usize, latency: u64) -> Server {
        Server { capacity, latency, most_waiting: usize::MAX, failing: 0.0 }
    }

    /// Members with as much to ask as they may, looking each twenty milliseconds.
    fn load(&self, members: &[Member], seconds: u64, random: &mut fastrand::Rng) -> Load {
        let (mut now, half, end) = (START, START + seconds * SECOND / 2, START + seconds * SECOND);
        // At work: when it is done, who sent it, and when it was sent.
        let mut working: BinaryHeap<Reverse<(u64, usize, u64)>> = BinaryHeap::new();
        let mut queue: VecDeque<(usize, u64)> = VecDeque::new();
        let (mut answers, mut refusals, mut most) = (0_u64, 0_u64, 0);
        members.iter().for_each(|member| (0..1000).for_each(|_| member.waits(true)));
        while now < end {
            for (at, member) in members.iter().enumerate() {
                member.look(now);
                while member.enter() {
                    if queue.len() >= self.most_waiting {
                        refusals += u64::from(now > half);
                        member.refused();
                        member.leave();
                        break;
                    }
                    queue.push_back((at, now));
                }
            }
            let until = now + 20 * MILLI;
            while let Some(next) = self.step(&mut working, &mut queue, now, until, random) {
                now = next.max(now);
                let Some(Reverse((done, at, sent))) = working.pop() else { break };
                members[at].leave();
                if random.f64() < self.failing {
                    members[at].refused();
                } else {
                    members[at].answered(done, done - sent);
                }
                answers += u64::from(now > half);
                if members[at].enter() {
                    queue.push_back((at, done));
                }
                if now > half {
                    most = most.max(queue.len() + working.len());
                }
            }
            now = until;
        }
        let refused = refusals as f64 / (refusals + answers).max(1) as f64;
        Load { rate: answers as f64 / ((end - half) as f64 / SECOND as f64), most, refused }
    }

    /// Puts waiting requests to work; when the next one is done, if that is soon.
    fn step(
        &self,
        working: &mut BinaryHeap<Reverse<(u64, usize, u64)>>,
        queue: &mut VecDeque<(usize, u64)>,
        now: u64,
        until: u64,
        random: &mut fastrand::Rng,
    ) -> Option<u64> {
        while working.len() < self.capacity
            && let Some((at, sent)) = queue.pop_front()
        {
            let takes = (self.latency as f64 * (0.5 + random.f64())) as u64;
            working.push(Reverse((now.max(sent) + takes, at, sent)));
        }
        working.peek().map(|Reverse((done, ..))| *done).filter(|done| *done <= until)
    }
}

#[test]
fn a_server_is_given_as_much_as_it_answers_no_slower_for() {
    let mut random = random("adaptive window");
    for (capacity, latency, count) in [(8, 50, 1), (8, 50, 4), (1, 200, 2), (64, 20, 2), (1000, 200, 4)] {
        let place = TempBudget::new();
        let members: Vec<Member> = (0..count).map(|_| place.adaptive(256 / count, START)).collect();
        let server = Server::new(capacity, latency * MILLI);
        let load = server.load(&members, 120, &mut random);
        let able = capacity.min(256) as f64 / (latency as f64 / 1e3);
        println!(
            "  {capacity} at a time in {latency} ms, asked by {count}: {:.0} of {able:.0}/s, at most {} at once",
            load.rate, load.most
        );
        assert!(
            load.rate > able * 0.7,
            "{capacity} in {latency} ms by {count}: {:.0} of {able:.0}/s",
            load.rate
        );
        assert!(load.most <= (capacity * 5).max(16), "{capacity} in {latency} ms by {count}: {}", load.most);
    }
}

#[test]
fn a_server_that_fails_one_in_ten_is_not_slowed_to_a_standstill() {
    let mut random = random("one in ten");
    let place = TempBudget::new();
    let members = [place.adaptive(64, START), place.adaptive(64, START)];
    let load = Server { failing: 0.1, ..Server::new(1000, 100 * MILLI) }.load(&members, 60, &mut random);
    println!("  one in ten fails: {:.0} of 1280/s", load.rate);
    assert!(load.rate > 800.0, "{}", load.rate);
}

#[test]
fn a_server_that_refuses_what_is_too_much_is_soon_given_less() {
    let mut random = random("refusals");
    let place = TempBudget::new();
    let members = [place.adaptive(64, START), place.adaptive(64, START)];
    let load = Server { most_waiting: 4, ..Server::new(8, 50 * MILLI) }.load(&members, 60, &mut random);
    println!("  12 at most: {:.0} of 160/s, {:.2} % refused", load.rate, load.refused * 100.0);
    assert!(load.rate > 110.0 && load.refused < 0.08, "{} {}", load.rate, load.refused);
}

#[test]
fn a_server_that_fails_everything_is_asked_one_at_a_time() {
    let mut random = random("all fail");
    let place = TempBudget::new();
    let members = [place.adaptive(64, START)];
    let load = Server { failing: 1.0, ..Server::new(1000, 10 * MILLI) }.load(&members, 20, &mut random);
    println!("  all fail: at most {} at once", load.most);
    assert!(load.most <= 1, "{}", load.most);
}

#[test]
fn nobody_is_there_until_somebody_answers() {
    let place = TempBudget::new();
    let [one, other] = [place.adaptive(8, START), place.adaptive(8, START)];
    (0..15).for_each(|_| one.silent(START));
    assert_eq!(other.down(START), None);
    other.silent(START);
    assert!(one.down(START).is_some_and(|down| !down.is_probe && !down.has_answered));
    let later = START + SECOND;
    let probes = [&one, &other, &one].map(|member| member.down(later).unwrap().is_probe);
    assert_eq!(probes, [true, false, false]);
    one.answered(later, MILLI);
    assert_eq!(other.down(later), None);
}

#[test]
fn no_more_is_sent_than_the_server_says_it_takes() {
    let place = TempBudget::new();
    let [one, other] = [place.adaptive(8, START), place.adaptive(8, START)];
    assert_eq!(one.take_left(START), Ok(()));
    [&one, &other, &one].into_iter().for_each(|member| member.look(START + SECOND / 2));
    assert!(one.enter() && other.enter());
    // Ten, two of which are in flight already.
    one.takes(10, START + SECOND);
    let taken = (0..20).filter(|at| [&one, &other][at % 2].take_left(START + MILLI).is_ok()).count();
    assert_eq!(taken, 8);
    assert_eq!(other.take_left(START + MILLI), Err(START + SECOND));
    // The next window takes as much again, until the server says something else, or nothing any more.
    let next = START + SECOND + MILLI;
    assert_eq!((0..20).filter(|_| one.take_left(next).is_ok()).count(), 10);
    other.takes(3, next + SECOND);
    assert_eq!((0..20).filter(|_| one.take_left(next).is_ok()).count(), 1);
    for silent in [next + SECOND, next + 2 * SECOND, next + 3 * SECOND] {
        let _ = one.take_left(silent);
    }
    assert_eq!((0..99).filter(|_| one.take_left(next + 3 * SECOND).is_ok()).count(), 99);
}

#[test]
fn a_member_that_shares_with_nobody_has_everything() {
    let member = Member::alone(Terms::adaptive(), 16, START);
    assert!((0..16).all(|_| member.enter()) && !member.enter());
}

#[test]
fn a_quota_is_spent_once_by_all_and_renews() {
    let place = TempBudget::new();
    let per = Period::Span(Duration::from_secs(20));
    let quota = Quota { amount: 1000, per, renews_at: Duration::ZERO, zone: "UTC".into() };
    let limit = Limit { quota: Some(quota), ..limit() };
    let members: Vec<Member> = (0..3).map(|_| place.join(&limit, START)).collect();
    let mut spent = 0;
    let used_up = loop {
        match members[spent % 3].spend(1, 40) {
            Ok(()) => spent += 1,
            Err(used_up) => break used_up,
        }
    };
    assert_eq!((spent, used_up.renews_at), (1000, 60));
    drop(members);
    // Another process, later in the same window: nothing is left; in the next everything.
    let member = place.join(&limit, START);
    assert_eq!(member.left_of_quota(59), Some([0, 1000]));
    assert!(member.spend(1, 59).is_err() && member.spend(1000, 60).is_ok());
    member.give_back(1);
    assert_eq!(member.left_of_quota(61), Some([1, 1000]));
    // A clock that is set back a little does not bring the old window back; one that was far ahead is not believed.
    assert!(member.spend(2, 59).is_err() && member.spend(1, 59).is_ok());
}

/// What was used but not yet noted on the disk may be lost with the machine's power; the note is ahead of it.
#[test]
fn after_a_start_of_the_machine_a_quota_counts_as_far_used_as_was_noted() {
    let place = TempBudget::new();
    let quota = Quota {
        amount: 1000,
        per: Period::Span(Duration::from_secs(20)),
        renews_at: Duration::ZERO,
        zone: "UTC".into(),
    };
    let limit = Limit { quota: Some(quota), ..of_rate(10, 1) };
    let member = place.join(&limit, START);
    member.spend(105, 40).unwrap();
    member.reserve(START, 1_000_000).unwrap();
    member.pause(START + 1_000 * SECOND);
    drop(member);
    let words = SharedWords::open(&place.path, words::WORDS).unwrap();
    words.words()[words::BOOT].store(1, Release);
    words::quota(words.words(), 0).used.store(99, Release);
    drop(words);
    let member = place.join(&limit, START);
    assert_eq!(member.left_of_quota(41), Some([885, 1000]), "105 and a hundredth are used");
    assert_eq!(member.paused_until(), 0, "times of an earlier start mean nothing");
    assert!(member.reserve(START, 1).unwrap().at <= START);
}

#[test]
fn costs_are_taken_by_their_average_and_settled_by_what_they_were() {
    let mut random = random("costs");
    let place = TempBudget::new();
    let limit = Limit { counts: Counts::Cost("tokens".into()), ..of_rate(5_000, 1) };
    let member = place.join(&limit, START);
    assert_eq!(member.expected_cost(), None);
    let (mut now, mut spent) = (START, 0);
    let mut answers: VecDeque<(u64, u64, u64)> = VecDeque::new();
    while now < START + 60 * SECOND {
        // Answers come half a second after their request.
        while answers.front().is_some_and(|(at, ..)| *at <= now) {
            let Some((_, taken, cost)) = answers.pop_front() else { break };
            member.settle(taken, cost);
        }
        let taken = member.expected_cost().unwrap_or(1);
        let moment = member.reserve(now, taken).unwrap();
        now = moment.at.max(now);
        member.confirm(moment, now).unwrap();
        let cost = random.u64(50..=150);
        spent += cost;
        answers.push_back((now + SECOND / 2, taken, cost));
    }
    let rate = spent as f64 / 60.0;
    println!("  5,000 tokens/s: {rate:.0}/s");
    assert!((4_800.0..=5_100.0).contains(&rate), "{rate}");
}
