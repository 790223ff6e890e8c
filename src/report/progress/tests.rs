use super::*;
use crate::handoff::{AtWork, Hold, LatencyMs, PULSE_VERSION, Pairs, QuotaLeft};
use crate::record::Kind;

/// A run that is somewhere.
pub(in crate::report) fn pulse() -> Pulse {
    Pulse {
        version: PULSE_VERSION,
        at: String::new(),
        job: "films".into(),
        run: "1".into(),
        round: 0,
        phase: Phase::Fetching,
        seconds: 20.0,
        planned: 22_305,
        pairs: Pairs { done: 11_634, ..Pairs::default() },
        sent: 12_000,
        rate: 483.4,
        in_flight: 8,
        latency: None,
        hold: None,
        holds: Vec::new(),
        seconds_left: None,
        quota: None,
        shards: 64,
        shards_done: 41,
        at_work: vec![AtWork { shard: 17, percent: 41 }, AtWork { shard: 42, percent: 9 }],
    }
}

#[test]
fn the_lines_say_what_is_done_by_whom_and_what_holds_it() {
    let lines = lines::snapshot(&pulse(), 100);
    assert_eq!(
        lines,
        [
            "films   run 1   20 s   52 %",
            "11,634 of 22,305 requests done, 483/s, 8 in flight",
            "0 failed",
            "41 of 64 shards done; at work: 17 (41 %), 42 (9 %)",
        ]
    );
    let pairs = Pairs {
        done: 11_634,
        missing: 145,
        failed: [(Kind::Timeout, 7), (Kind::NotJson, 1_200)].into(),
        waiting: [(Kind::HostDown, 3)].into(),
        recovered: 812,
        ..Pairs::default()
    };
    let quota = QuotaLeft { name: "shop".into(), left: 312, of: 1_000, renews_at: 0 };
    let full = Pulse {
        round: 1,
        pairs,
        latency: Some(LatencyMs { p50: 61.7, p95: 1_410.0 }),
        hold: Some(Hold::Cpu),
        seconds_left: Some(240.0),
        quota: Some(quota),
        ..pulse()
    };
    let lines = lines::snapshot(&full, 100);
    assert_eq!(lines[0], "films   run 1   round 1   20 s   52 %, some 4 min 0 s left");
    assert!(lines[1].ends_with("8 in flight, p50 62 ms, p95 1.4 s"), "{lines:?}");
    assert_eq!(
        lines[2],
        "1,207 failed (1,200 not_json, 7 timeout), 3 waiting (3 host_down), 145 missing, 812 succeeded when repeated"
    );
    assert!(lines[4].starts_with("quota: 312 of 1,000 left at shop; then it pauses"), "{lines:?}");
    assert_eq!(lines[5], "held by: the CPU of this machine");
    let plain = lines::plain(&full, 100);
    assert!(plain.starts_with("20 s: 11,634 of 22,305 requests done, "), "{plain}");
    assert!(plain.contains("; 1,207 failed (1,200 not_json, 7 timeout), "), "{plain}");
    assert!(plain.contains(", some 4 min 0 s left; held by: the CPU of this machine; quota: "), "{plain}");
    let stopping = lines::snapshot(&Pulse { phase: Phase::Finishing, ..pulse() }, 100);
    assert_eq!(stopping[4], "stopping: 8 requests in flight; another Ctrl-C stops at once");
}

#[test]
fn plain_lines_come_less_often_the_longer_it_takes_and_when_a_standstill_begins_or_ends() {
    let told = |hold: Option<Hold>, from: u32, to: u32, plain: &mut Plain| -> Vec<u32> {
        let pulse = |second: u32| Pulse { seconds: second.into(), hold: hold.clone(), ..pulse() };
        (from..to).filter(|&second| plain.is_due(&pulse(second))).collect()
    };
    let mut plain = Plain { next: PLAIN_EVERY[0], ..Plain::default() };
    assert_eq!(told(None, 0, 65, &mut plain), [10, 20, 30, 40, 50, 60]);
    let down = Some(Hold::Down { host: "a.example:80".into(), kind: Kind::Connect, until: None });
    assert_eq!(told(down, 65, 72, &mut plain), [66], "a second after it began");
    assert_eq!(told(None, 72, 75, &mut plain), [73], "and when it is over");
    plain.next = 7_200.0;
    assert_eq!(
        told(Some(Hold::Cpu), 7_000, 8_000, &mut plain),
        [7_200, 7_500, 7_800],
        "at most every five minutes"
    );
}
