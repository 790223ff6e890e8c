//! How the requests that a run has in flight are dealt to its children.
//!
//! Each child at work has its part, one that finishes as few as it says. What that leaves goes to the child that begins beside
//! it, and to the others once it has ended.
//!
//! Promise: all children together never have more than the run, but for one each.

use std::collections::BTreeMap;

/// Children that finish beside the others, for each child at a time.
const FINISHING: usize = 3;

/// What a child has.
#[derive(Debug, Clone, Copy)]
struct Place {
    in_flight: usize,
    is_finishing: bool,
}

/// What all have.
#[derive(Debug)]
pub(super) struct Places {
    in_flight: usize,
    at_once: usize,
    by_shard: BTreeMap<u32, Place>,
}

impl Places {
    /// So many requests in flight, for so many children at a time.
    pub(super) fn new(in_flight: usize, at_once: usize) -> Places {
        Places { in_flight, at_once: at_once.max(1), by_shard: BTreeMap::new() }
    }

    /// Requests that a child at work has, unless others finish beside it.
    pub(super) fn part(&self) -> usize {
        (self.in_flight / self.at_once).max(1)
    }

    /// Whether another child may begin.
    pub(super) fn has_room(&self) -> bool {
        let finishing = self.by_shard.values().filter(|place| place.is_finishing).count();
        let children = self.by_shard.len();
        children - finishing < self.at_once && children < self.at_once * (1 + FINISHING)
    }

    /// A shard's child begins: how many it may have for now.
    pub(super) fn begin(&mut self, shard: u32) -> usize {
        let in_flight = self.free().clamp(1, self.part());
        self.by_shard.insert(shard, Place { in_flight, is_finishing: false });
        in_flight
    }

    /// A child has no more than so many from now on.
    pub(super) fn finish(&mut self, shard: u32, in_flight: usize) {
        self.by_shard.insert(shard, Place { in_flight, is_finishing: true });
    }

    /// A child has ended.
    pub(super) fn end(&mut self, shard: u32) {
        self.by_shard.remove(&shard);
    }

    /// Deals out what those that have ended had: who gets more, and how many they have then.
    pub(super) fn deal(&mut self) -> Vec<(u32, usize)> {
        let (part, mut free) = (self.part(), self.free());
        let at_work = self.by_shard.iter_mut().filter(|(_, place)| !place.is_finishing);
        let mut dealt = Vec::new();
        for (shard, place) in at_work {
            let more = part.saturating_sub(place.in_flight).min(free);
            if more > 0 {
                free -= more;
                place.in_flight += more;
                dealt.push((*shard, place.in_flight));
            }
        }
        dealt
    }

    /// Requests that no child has.
    fn free(&self) -> usize {
        self.in_flight.saturating_sub(self.by_shard.values().map(|place| place.in_flight).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_that_finishes_gives_up_goes_to_the_next_and_the_rest_when_it_ends() {
        let mut places = Places::new(64, 2);
        assert_eq!([0, 1].map(|shard| places.begin(shard)), [32, 32]);
        assert!(!places.has_room());
        places.finish(0, 4);
        assert!(places.has_room());
        assert_eq!(places.begin(2), 28);
        assert_eq!(places.deal(), [], "nothing is free");
        places.finish(1, 4);
        assert_eq!(places.begin(3), 28);
        places.end(0);
        assert_eq!(places.deal(), [(2, 32)]);
        places.end(1);
        assert_eq!(places.deal(), [(3, 32)]);
        places.end(2);
        assert_eq!(places.deal(), [], "nobody gets more than its part");
        assert_eq!(places.begin(4), 32);
    }

    #[test]
    fn children_that_finish_are_few_and_each_child_has_one_request_at_least() {
        let mut places = Places::new(2, 2);
        for shard in 0..8 {
            assert!(places.has_room(), "{shard}");
            assert_eq!(places.begin(shard), 1);
            places.finish(shard, 1);
        }
        assert!(!places.has_room());
        places.end(3);
        assert!(places.has_room());
    }
}
