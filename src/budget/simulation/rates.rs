//! A rate is kept, used, and shared, however many ask.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

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
