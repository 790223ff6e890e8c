//! Which shard an idle place helps: a decision without I/O.
//!
//! A place is idle when no shard waits for one. A helper pays where it finds as many blocks as a process has open that
//! nobody has begun: whoever works on the shard has its own open ones, and begins the next as these are done. The shard
//! with the most left for each of its processes comes first, and has as many helpers as there are idle places and
//! blocks for them: the last shard of all is worked by every core.
//!
//! A shard that a helper has left gets no further one. A helper that ended well found nothing to take; one that did not
//! met a record that crashes it, or something else that its owner is to find out.

use std::collections::BTreeMap;

use crate::handoff::OPEN_BLOCKS;

/// The shards being worked, as far as help for them goes.
#[derive(Debug, Default)]
pub(super) struct Helpers {
    shards: BTreeMap<u32, Worked>,
}

#[derive(Debug, Default)]
struct Worked {
    /// Blocks that are not committed.
    blocks: u64,
    /// Helpers that were started.
    started: u32,
    /// Whether one of them has ended.
    left: bool,
}

impl Worked {
    /// Processes that work on it, as long as no helper has left.
    fn processes(&self) -> u64 {
        1 + u64::from(self.started)
    }

    fn wants_one_more(&self) -> bool {
        !self.left && self.blocks >= (self.processes() + 1) * OPEN_BLOCKS as u64
    }
}

impl Helpers {
    /// A shard's own process has begun; the number of blocks that are not committed.
    pub(super) fn began(&mut self, shard: u32, blocks: u64) {
        self.shards.entry(shard).or_default().blocks = blocks;
    }

    /// A block of a shard was committed.
    pub(super) fn committed(&mut self, shard: u32) {
        if let Some(worked) = self.shards.get_mut(&shard) {
            worked.blocks = worked.blocks.saturating_sub(1);
        }
    }

    /// A shard's own process ended for good.
    pub(super) fn ended(&mut self, shard: u32) {
        self.shards.remove(&shard);
    }

    /// A helper of a shard ended.
    pub(super) fn left(&mut self, shard: u32) {
        if let Some(worked) = self.shards.get_mut(&shard) {
            worked.left = true;
        }
    }

    /// The shard that an idle place is to help, and the number of its helper there.
    pub(super) fn next(&mut self) -> Option<(u32, u32)> {
        let worth = self.shards.iter_mut().filter(|(_, worked)| worked.wants_one_more());
        let (&shard, worked) = worth.max_by_key(|(_, worked)| worked.blocks / worked.processes())?;
        worked.started += 1;
        Some((shard, worked.started))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: u64 = OPEN_BLOCKS as u64;

    fn of(shards: &[(u32, u64)]) -> Helpers {
        let mut helpers = Helpers::default();
        shards.iter().for_each(|&(shard, blocks)| helpers.began(shard, blocks));
        helpers
    }

    #[test]
    fn a_shard_is_helped_where_nobody_has_begun_a_helpers_worth_of_blocks() {
        assert_eq!(of(&[]).next(), None);
        assert_eq!(of(&[(0, 2 * OPEN - 1)]).next(), None);
        assert_eq!(of(&[(0, 2 * OPEN)]).next(), Some((0, 1)));
        let mut helpers = of(&[(0, 2 * OPEN)]);
        helpers.committed(0);
        assert_eq!(helpers.next(), None);
    }

    #[test]
    fn the_shard_with_most_left_comes_first_and_gets_helpers_as_long_as_there_are_blocks_for_them() {
        let mut helpers = of(&[(3, 2 * OPEN), (4, 5 * OPEN), (5, 3 * OPEN)]);
        let order: Vec<_> = std::iter::from_fn(|| helpers.next()).collect();
        assert_eq!(order, [(4, 1), (5, 1), (4, 2), (3, 1), (4, 3), (5, 2), (4, 4)]);
    }

    #[test]
    fn a_shard_that_a_helper_has_left_gets_no_further_one() {
        let mut helpers = of(&[(0, 100 * OPEN)]);
        assert_eq!(helpers.next(), Some((0, 1)));
        helpers.left(0);
        assert_eq!(helpers.next(), None);
        helpers.began(0, 100 * OPEN);
        assert_eq!(helpers.next(), None, "though its own process was started again");
    }

    #[test]
    fn a_shard_without_its_own_process_is_not_helped() {
        let mut helpers = of(&[(0, 100 * OPEN)]);
        helpers.ended(0);
        helpers.committed(0);
        helpers.left(0);
        assert_eq!(helpers.next(), None);
    }
}
