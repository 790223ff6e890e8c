//! Which blocks of a run a publication covers: whole rounds, or what was committed when the run paused.
//!
//! Blocks are named by their shard and their place in it, both fixed by the plan; shards are numbered through all
//! rounds. Written as text they are `0:0-57 1:0-40,42`: the places 0 to 57 of shard 0, 0 to 40 and 42 of shard 1.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// What a publication covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Covered {
    /// A number of rounds, from 0, whole.
    Rounds(u32),
    /// These blocks, of a run that was not finished.
    Blocks(BlockSet),
}

impl Covered {
    /// Whether a block of this round, at this place in this shard, is in it.
    pub fn covers(&self, round: u32, shard: u32, place: u32) -> bool {
        match self {
            Covered::Rounds(rounds) => round < *rounds,
            Covered::Blocks(blocks) => blocks.contains(shard, place),
        }
    }
}

/// Some blocks of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BlockSet {
    /// By shard, the places, ascending and with gaps between the ranges.
    places: BTreeMap<u32, Vec<RangeInclusive<u32>>>,
}

impl BlockSet {
    /// These blocks, by shard and place; those of a shard in ascending order.
    pub fn of(blocks: impl Iterator<Item = (u32, u32)>) -> BlockSet {
        let mut set = BlockSet::default();
        for (shard, place) in blocks {
            let ranges = set.places.entry(shard).or_default();
            match ranges.last_mut().filter(|range| range.end() + 1 == place) {
                Some(range) => *range = *range.start()..=place,
                None => ranges.push(place..=place),
            }
        }
        set
    }

    /// What was written as text; `None` where it is none.
    pub fn parse(text: &str) -> Option<BlockSet> {
        let shard = |word: &str| {
            let (shard, ranges) = word.split_once(':')?;
            Some((shard.parse().ok()?, ranges.split(',').map(range).collect::<Option<Vec<_>>>()?))
        };
        Some(BlockSet { places: text.split_whitespace().map(shard).collect::<Option<_>>()? })
    }

    fn contains(&self, shard: u32, place: u32) -> bool {
        self.places.get(&shard).is_some_and(|ranges| ranges.iter().any(|range| range.contains(&place)))
    }
}

/// `0-57`, or `42`.
fn range(text: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

impl fmt::Display for BlockSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |range: &RangeInclusive<u32>| match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        let shard = |(shard, ranges): (&u32, &Vec<RangeInclusive<u32>>)| {
            format!("{shard}:{}", ranges.iter().map(range).collect::<Vec<_>>().join(","))
        };
        out.write_str(&self.places.iter().map(shard).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let blocks = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 3), (1, 4), (7, 9)];
        let set = BlockSet::of(blocks.into_iter());
        assert_eq!(set.to_string(), "0:0-2 1:0,3-4 7:9");
        assert_eq!(BlockSet::parse(&set.to_string()), Some(set.clone()));
        let covered = Covered::Blocks(set);
        assert!(blocks.iter().all(|(shard, place)| covered.covers(0, *shard, *place)));
        for (shard, place) in [(0, 3), (1, 1), (1, 2), (1, 5), (2, 0), (7, 8)] {
            assert!(!covered.covers(0, shard, place), "{shard}:{place}");
        }
        assert_eq!(BlockSet::of([].into_iter()).to_string(), "");
        assert_eq!(BlockSet::parse(""), Some(BlockSet::default()));
    }

    #[test]
    fn what_is_no_text_of_blocks_is_none() {
        for text in ["0", "0:", "0:1-", "x:1", "0:1,,2", "0:-1"] {
            assert_eq!(BlockSet::parse(text), None, "{text}");
        }
    }

    #[test]
    fn whole_rounds_cover_all_their_blocks() {
        let covered = Covered::Rounds(2);
        assert!(covered.covers(0, 0, 5) && covered.covers(1, 3, 0) && !covered.covers(2, 4, 0));
    }
}
