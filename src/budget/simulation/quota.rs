//! Quotas are spent once by all; costs are settled by what they were.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Release;

use super::super::words;
use super::*;
use crate::job::{Period, Quota};
use crate::os::SharedWords;

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
