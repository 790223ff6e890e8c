//! As many are in flight as a limit allows, or as the server answers no slower for.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;

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
    /// The first so many members ask what fails for ever, three times each.
    hopeless: usize,
    /// Fails every question once.
    warms_up: bool,
}

/// What happened in a run against a server.
struct Load {
    /// Answers per second in the second half, those of the last member alone where others are hopeless.
    rate: f64,
    /// Most requests at the server at a time in the second half.
    most: usize,
    /// Share of requests that were refused in the second half.
    refused: f64,
}

impl Server {
    fn new(capacity: usize, latency: u64) -> Server {
        Server { capacity, latency, most_waiting: usize::MAX, failing: 0.0, hopeless: 0, warms_up: false }
    }

    /// Members with as much to ask as they may, looking each twenty milliseconds.
    fn load(&self, members: &[Member], seconds: u64, random: &mut fastrand::Rng) -> Load {
        let (mut now, half, end) = (START, START + seconds * SECOND / 2, START + seconds * SECOND);
        // At work: when it is done, who sent it, and when it was sent.
        let mut working: BinaryHeap<Reverse<(u64, usize, u64)>> = BinaryHeap::new();
        let mut queue: VecDeque<(usize, u64)> = VecDeque::new();
        let (mut answers, mut refusals, mut most) = (0_u64, 0_u64, 0);
        // Attempts that failed of the question that a member asks next.
        let mut failed = vec![0; members.len()];
        members.iter().for_each(|member| (0..1000).for_each(|_| member.waits(true)));
        while now < end {
            for (at, member) in members.iter().enumerate() {
                member.look(now);
                while member.enter() {
                    if queue.len() >= self.most_waiting {
                        refusals += u64::from(now > half);
                        member.refused(now, attempt(failed[at]));
                        member.leave();
                        failed[at] = (failed[at] + 1) % 3;
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
                let is_cold = self.warms_up && failed[at] == 0;
                if random.f64() < self.failing || at < self.hopeless || is_cold {
                    members[at].refused(done, attempt(failed[at]));
                    failed[at] = (failed[at] + 1) % 3;
                } else {
                    members[at].answered(done, done - sent);
                    failed[at] = 0;
                }
                answers += u64::from(now > half && at >= self.hopeless);
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

fn attempt(failed: u32) -> Attempt {
    if failed == 0 { Attempt::First } else { Attempt::Again }
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
fn a_server_that_fails_every_question_once_is_not_slowed_to_a_standstill() {
    let mut random = random("fails once");
    let place = TempBudget::new();
    let members = [place.adaptive(64, START), place.adaptive(64, START)];
    let load = Server { warms_up: true, ..Server::new(1000, 100 * MILLI) }.load(&members, 60, &mut random);
    println!("  every question fails once: {:.0} of 1280/s", load.rate);
    assert!(load.rate > 800.0, "{}", load.rate);
}

#[test]
fn ids_that_fail_for_ever_do_not_slow_down_the_others_while_most_are_answered() {
    let mut random = random("hopeless ids");
    for hopeless in 1..=2 {
        let place = TempBudget::new();
        let members: Vec<Member> = (0..=hopeless).map(|_| place.adaptive(64, START)).collect();
        let load = Server { hopeless, ..Server::new(1000, 10 * MILLI) }.load(&members, 20, &mut random);
        println!("  beside {hopeless} whose ids all fail: {:.0} of 6400/s", load.rate);
        assert!(load.rate > 3200.0, "beside {hopeless}: {}", load.rate);
    }
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
    (0..15).for_each(|_| one.silent(START, Attempt::First));
    assert_eq!(other.down(START, Attempt::First), None);
    other.silent(START, Attempt::First);
    assert!(one.down(START, Attempt::First).is_some_and(|down| !down.is_probe && !down.has_answered));
    let later = START + SECOND;
    let probes = [&one, &other, &one].map(|member| member.down(later, Attempt::First).unwrap().is_probe);
    assert_eq!(probes, [true, false, false]);
    one.answered(later, MILLI);
    assert_eq!(other.down(later, Attempt::First), None);
}

#[test]
fn a_host_that_has_just_answered_is_looked_at_soon_and_by_a_question_that_has_not_failed() {
    let place = TempBudget::new();
    let [one, other] = [place.adaptive(8, START), place.adaptive(8, START)];
    one.answered(START, MILLI);
    (0..16).for_each(|_| one.silent(START + MILLI, Attempt::First));
    let is_probe = |member: &Member, millis: u64, attempt: Attempt| {
        member.down(START + millis * MILLI, attempt).unwrap().is_probe
    };
    assert!(!is_probe(&one, 100, Attempt::First));
    assert!(!is_probe(&one, 110, Attempt::Again), "others go first, who may know better");
    assert!(is_probe(&other, 110, Attempt::First));
    assert!(is_probe(&one, 310, Attempt::Again), "where nobody else does");
}

#[test]
fn what_fails_again_counts_only_while_nobody_is_answered() {
    let share_after = |attempt: Attempt, since_answer: u64| {
        let member = TempBudget::new().adaptive(64, START);
        member.answered(START, MILLI);
        (0..64).for_each(|_| member.refused(START + since_answer, attempt));
        member.look(START + since_answer);
        member.share()
    };
    assert_eq!(share_after(Attempt::First, MILLI), 1);
    assert_eq!(share_after(Attempt::Again, MILLI), 64);
    assert_eq!(share_after(Attempt::Again, 2 * SECOND), 1);
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
