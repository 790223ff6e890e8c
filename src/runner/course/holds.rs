//! What holds a run back, of what its processes tell: the one that most of them tell now, and for how long each held.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::handoff::{Held, Hold};

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Holds {
    by_shard: BTreeMap<u32, Option<Hold>>,
    /// What holds now, and since when.
    now: Option<(Hold, Instant)>,
    /// What held before.
    ended: Vec<(Hold, u32, Duration)>,
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

    /// What holds now.
    pub(super) fn now(&self) -> Option<&Hold> {
        self.now.as_ref().map(|(hold, _)| hold)
    }

    /// Whether nothing is sent now, since a host or a server says so.
    pub(super) fn is_standstill(&self) -> bool {
        self.now().is_some_and(Hold::is_standstill)
    }

    /// Everything that held up to a moment, in the order in which it did first.
    pub(super) fn all(&self, at: Instant) -> Vec<Held> {
        let mut all = self.ended.clone();
        if let Some((hold, since)) = &self.now {
            add(&mut all, hold.clone(), at.duration_since(*since));
        }
        all.into_iter()
            .map(|(hold, times, time)| Held { hold, times, seconds: super::thousandths(time.as_secs_f64()) })
            .collect()
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
            add(&mut self.ended, hold, at.duration_since(since));
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
}

/// Adds a time in which something held.
fn add(all: &mut Vec<(Hold, u32, Duration)>, hold: Hold, time: Duration) {
    match all.iter_mut().find(|(known, _, _)| known.is_same(&hold)) {
        Some((known, times, so_far)) => {
            *known = hold;
            *times += 1;
            *so_far += time;
        }
        None => all.push((hold, 1, time)),
    }
}

/// The one that a person can do more about first.
fn rank(hold: &Hold) -> usize {
    match hold {
        Hold::Down { .. } => 0,
        Hold::Pause { .. } => 1,
        Hold::Quota { .. } => 2,
        Hold::Token { .. } => 3,
        Hold::Limit { .. } => 4,
        Hold::BackOff { .. } => 5,
        Hold::Cpu => 6,
        Hold::Server { .. } => 7,
        Hold::InFlight { .. } => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> Hold {
        Hold::Limit { name: "x".into(), allows: "5/s".into() }
    }

    fn pause(until: u64) -> Option<Hold> {
        Some(Hold::Pause { host: "a.example:443".into(), until })
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_what_most_processes_tell_and_what_was_declared_before_what_is_measured() {
        let (mut holds, now) = (Holds::default(), Instant::now());
        holds.told(0, None, now);
        assert_eq!(holds.now(), None);
        holds.told(1, Some(Hold::Cpu), now);
        assert_eq!(holds.now(), Some(&Hold::Cpu), "half of them is enough");
        holds.told(0, Some(limit()), now);
        assert_eq!(holds.now(), Some(&limit()));
        holds.told(2, Some(Hold::Cpu), now);
        assert_eq!(holds.now(), Some(&Hold::Cpu));
        holds.gone(2, now);
        holds.gone(1, now);
        assert_eq!(holds.now(), Some(&limit()));
        holds.gone(0, now);
        assert_eq!(holds.now(), None);
    }

    #[test]
    fn times_add_up_and_the_last_pause_that_a_process_knows_of_holds() {
        let (mut holds, start) = (Holds::default(), Instant::now());
        holds.told(0, pause(110), start);
        holds.told(1, pause(112), start);
        assert!(holds.is_standstill());
        let held = |times, seconds, until| {
            let hold = pause(until).unwrap();
            vec![Held { hold, times, seconds }]
        };
        assert_eq!(holds.all(at(start, 2)), held(1, 2.0, 112));
        (0..2).for_each(|shard| holds.told(shard, None, at(start, 12)));
        assert!(!holds.is_standstill());
        assert_eq!(holds.all(at(start, 15)), held(1, 12.0, 112));
        (0..2).for_each(|shard| holds.told(shard, pause(130), at(start, 20)));
        assert_eq!(holds.all(at(start, 21)), held(2, 13.0, 130));
    }
}
