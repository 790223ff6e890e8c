//! What holds a run back, of what its processes tell: the one that most of them tell now, and for how long each held.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::handoff::Hold;
use crate::record::Kind;
use crate::report::numbers;

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Holds {
    by_shard: BTreeMap<u32, Option<Hold>>,
    /// What holds now, and since when.
    now: Option<(Hold, Instant)>,
    /// What held before.
    ended: Vec<Held>,
}

/// Something that held.
#[derive(Debug)]
struct Held {
    hold: Hold,
    times: u32,
    time: Duration,
}

impl Holds {
    /// What a shard's process told.
    pub(super) fn told(&mut self, shard: u32, hold: Option<Hold>, at: Instant) {
        self.by_shard.insert(shard, hold);
        self.look(at);
    }

    /// A shard's process is gone.
    pub(super) fn gone(&mut self, shard: u32, at: Instant) {
        self.by_shard.remove(&shard);
        self.look(at);
    }

    /// Whether nothing is sent now, since a host or a server says so.
    pub(super) fn is_standstill(&self) -> bool {
        self.now.as_ref().is_some_and(|(hold, _)| hold.is_standstill())
    }

    /// Since when it holds what holds now.
    pub(super) fn since(&self) -> Option<Instant> {
        self.now.as_ref().map(|(_, since)| *since)
    }

    fn look(&mut self, at: Instant) {
        let hold = self.most();
        if let (Some((now, _)), Some(hold)) = (&mut self.now, &hold)
            && now.is_same(hold)
        {
            // The same, with other times.
            *now = hold.clone();
            return;
        }
        if let Some((hold, since)) = self.now.take() {
            self.note(hold, at.duration_since(since));
        }
        self.now = hold.map(|hold| (hold, at));
    }

    /// What most processes tell; of several the one that was declared before the one that is measured.
    fn most(&self) -> Option<Hold> {
        let mut counts: Vec<(Option<&Hold>, usize)> = Vec::new();
        for hold in self.by_shard.values().map(Option::as_ref) {
            let is_it = |(known, _): &&mut (Option<&Hold>, usize)| match (known, hold) {
                (Some(known), Some(hold)) => known.is_same(hold),
                (None, None) => true,
                _ => false,
            };
            match counts.iter_mut().find(is_it) {
                Some((known, count)) => {
                    // Of two times the later one.
                    *known = (*known).max(hold);
                    *count += 1;
                }
                None => counts.push((hold, 1)),
            }
        }
        counts.sort_by(|(one, ones), (other, others)| {
            let kind = |hold: &Option<&Hold>| hold.map_or(usize::MAX, rank);
            others.cmp(ones).then(kind(one).cmp(&kind(other)))
        });
        counts.first().and_then(|(hold, _)| hold.cloned())
    }

    fn note(&mut self, hold: Hold, time: Duration) {
        match self.ended.iter_mut().find(|held| held.hold.is_same(&hold)) {
            Some(held) => {
                held.times += 1;
                held.time += time;
            }
            None => self.ended.push(Held { hold, times: 1, time }),
        }
    }

    /// What holds now, for a person; `second` is now, since 1970.
    pub(super) fn line(&self, at: Instant, second: u64) -> Option<String> {
        let (hold, since) = self.now.as_ref()?;
        let before = self.ended.iter().find(|held| held.hold.is_same(hold));
        let text = match hold {
            Hold::Pause { .. } => {
                let times = 1 + before.map_or(0, |held| held.times);
                let time = at.duration_since(*since) + before.map_or(Duration::ZERO, |held| held.time);
                let times = numbers::counted(times.into(), "pause");
                format!("{} ({times}, {} in all)", text(hold, second), numbers::duration(time))
            }
            _ => text(hold, second),
        };
        Some(if hold.is_standstill() { format!("waiting: {text}") } else { format!("held by: {text}") })
    }
}

/// The one that a person can do more about first.
fn rank(hold: &Hold) -> usize {
    match hold {
        Hold::Down { .. } => 0,
        Hold::Pause { .. } => 1,
        Hold::Limit { .. } => 2,
        Hold::Cpu => 3,
        Hold::Server { .. } => 4,
        Hold::InFlight { .. } => 5,
    }
}

fn text(hold: &Hold, second: u64) -> String {
    let left = |until: u64| numbers::duration(Duration::from_secs(until.saturating_sub(second)));
    match hold {
        Hold::Down { host, kind, until: Some(until) } => {
            format!("{host} does not answer ({}); given up in {}", why(*kind), left(*until))
        }
        Hold::Down { host, kind, until: None } => format!("{host} does not answer ({})", why(*kind)),
        Hold::Pause { host, until } => format!("{host} asks for a pause; asked again in {}", left(*until)),
        Hold::Limit { name, allows } => format!("the limit {allows} of {name}"),
        Hold::Cpu => "the CPU of this machine".to_owned(),
        Hold::Server { host, failing: None } => format!("{host}, which answers more at once no faster"),
        Hold::Server { host, failing: Some((share, kind)) } => {
            format!("{host}, which fails {share} % of the requests ({})", why(*kind))
        }
        Hold::InFlight { most } => format!("in_flight ({} in each process)", numbers::count(*most as u64)),
    }
}

/// How a host does not answer.
fn why(kind: Kind) -> &'static str {
    match kind {
        Kind::Dns => "its name is not found",
        Kind::Connect => "no connection",
        Kind::Tls => "no TLS connection",
        Kind::Timeout => "no answer in time",
        Kind::Reset => "connections break",
        Kind::Status => "429 or 5xx",
        _ => "no answer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(until: u64) -> Option<Hold> {
        Some(Hold::Pause { host: "a.example:443".into(), until })
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_what_most_processes_tell_and_what_was_declared_before_what_is_measured() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        let line = |holds: &Holds| holds.line(now, 100);
        holds.told(0, None, now);
        assert_eq!(line(&holds), None);
        holds.told(1, Some(Hold::Cpu), now);
        assert_eq!(
            line(&holds).as_deref(),
            Some("held by: the CPU of this machine"),
            "half of them is enough"
        );
        holds.told(0, Some(Hold::Limit { name: "x".into(), allows: "5/s".into() }), now);
        assert_eq!(line(&holds).as_deref(), Some("held by: the limit 5/s of x"));
        holds.told(2, Some(Hold::Cpu), now);
        assert_eq!(line(&holds).as_deref(), Some("held by: the CPU of this machine"));
        holds.gone(2, now);
        holds.gone(1, now);
        assert_eq!(line(&holds).as_deref(), Some("held by: the limit 5/s of x"));
        holds.gone(0, now);
        assert_eq!(line(&holds), None);
    }

    #[test]
    fn pauses_are_counted_and_the_last_one_that_a_process_knows_of_holds() {
        let (mut holds, start) = (Holds::default(), Instant::now());
        holds.told(0, pause(110), start);
        holds.told(1, pause(112), start);
        assert!(holds.is_standstill());
        let line = |holds: &Holds, seconds: u64| holds.line(at(start, seconds), 100 + seconds).unwrap();
        assert_eq!(
            line(&holds, 2),
            "waiting: a.example:443 asks for a pause; asked again in 10 s (1 pause, 2.0 s in all)"
        );
        (0..2).for_each(|shard| holds.told(shard, None, at(start, 12)));
        assert!(!holds.is_standstill());
        (0..2).for_each(|shard| holds.told(shard, pause(130), at(start, 20)));
        assert_eq!(
            line(&holds, 21),
            "waiting: a.example:443 asks for a pause; asked again in 9.0 s (2 pauses, 13 s in all)"
        );
    }

    #[test]
    fn a_server_that_fails_part_of_the_requests_is_told_with_how_many() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        let server = |failing| Some(Hold::Server { host: "a.example:80".into(), failing });
        holds.told(0, server(None), now);
        let line = |holds: &Holds| holds.line(now, 100).unwrap();
        assert_eq!(line(&holds), "held by: a.example:80, which answers more at once no faster");
        holds.told(0, server(Some((7, Kind::Status))), now);
        assert_eq!(line(&holds), "held by: a.example:80, which fails 7 % of the requests (429 or 5xx)");
    }

    #[test]
    fn a_host_that_does_not_answer_is_named_with_the_reason_and_the_end_of_patience() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        let down = |until| Hold::Down { host: "a.example:80".into(), kind: Kind::Connect, until };
        holds.told(0, Some(down(Some(388))), now);
        let told = "waiting: a.example:80 does not answer (no connection); given up in 4 min 48 s";
        assert_eq!(holds.line(now, 100).as_deref(), Some(told));
        holds.told(0, Some(down(None)), now);
        assert!(holds.line(now, 100).unwrap().ends_with("(no connection)"));
    }
}
