//! Which records have an id that came before, in flat memory however long the list is.
//!
//! Ids are compared by their 128-bit XXH3 hashes. Two different ids among *n* meet by chance with a probability of
//! about *n*²/2¹²⁹: for 10 million ids that is 1 in 10²⁴.
//!
//! Hashes are gathered up to a limit, then sorted and appended to a temporary file as one run; at the end all runs are
//! merged, each read through a small buffer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use super::spool::{Scratch, ScratchError};

/// Bytes of one entry in a run.
const ENTRY: usize = 24;

/// Entries of a run that are written, or read, at once.
const AT_ONCE: usize = 2048;

/// An id's hash and its record's position; ordered by hash, then position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    high: u64,
    low: u64,
    position: u64,
}

/// Ids seen so far.
pub(super) struct Duplicates {
    entries: Vec<Entry>,
    limit: usize,
    scratch: Scratch,
    /// Where each run begins in the temporary file, and its entries.
    runs: Vec<(u64, usize)>,
}

impl Duplicates {
    /// Keeps up to `limit` entries of 24 bytes in memory.
    pub fn new(scratch: &Path, limit: usize) -> Duplicates {
        Duplicates { entries: Vec::new(), limit, scratch: Scratch::new(scratch), runs: Vec::new() }
    }

    /// Notes the id of the record at `position`; positions ascend.
    pub fn note(&mut self, hash: u128, position: u64) -> Result<(), ScratchError> {
        self.entries.push(Entry { high: (hash >> 64) as u64, low: hash as u64, position });
        if self.entries.len() >= self.limit { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), ScratchError> {
        self.entries.sort_unstable();
        let at = self.scratch.end();
        for piece in self.entries.chunks(AT_ONCE) {
            self.scratch.append(&to_bytes(piece))?;
        }
        self.runs.push((at, self.entries.len()));
        self.entries.clear();
        Ok(())
    }

    /// Calls `found(first, again)` for every record whose id came before, with the position where it came first.
    /// In no particular order.
    pub fn find(mut self, mut found: impl FnMut(u64, u64)) -> Result<(), ScratchError> {
        self.entries.sort_unstable();
        let in_memory = Run { at: 0, left: 0, buffer: std::mem::take(&mut self.entries).into_iter() };
        let on_disk =
            self.runs.iter().map(|(at, left)| Run { at: *at, left: *left, buffer: Vec::new().into_iter() });
        let mut runs: Vec<Run> = std::iter::once(in_memory).chain(on_disk).collect();
        let mut next = BinaryHeap::new();
        for (index, run) in runs.iter_mut().enumerate() {
            next.extend(run.next(&self.scratch)?.map(|entry| Reverse((entry, index))));
        }
        let mut first: Option<Entry> = None;
        while let Some(Reverse((entry, index))) = next.pop() {
            match first {
                Some(first) if (first.high, first.low) == (entry.high, entry.low) => {
                    found(first.position, entry.position);
                }
                _ => first = Some(entry),
            }
            next.extend(runs[index].next(&self.scratch)?.map(|entry| Reverse((entry, index))));
        }
        Ok(())
    }
}

/// A sorted run: what is left of it on disk, and what was read of it.
struct Run {
    at: u64,
    left: usize,
    buffer: std::vec::IntoIter<Entry>,
}

impl Run {
    fn next(&mut self, scratch: &Scratch) -> Result<Option<Entry>, ScratchError> {
        if self.buffer.len() == 0 && self.left > 0 {
            let count = self.left.min(AT_ONCE);
            let mut bytes = vec![0; count * ENTRY];
            scratch.read(&mut bytes, self.at)?;
            self.at += bytes.len() as u64;
            self.left -= count;
            self.buffer = from_bytes(&bytes).into_iter();
        }
        Ok(self.buffer.next())
    }
}

fn to_bytes(entries: &[Entry]) -> Vec<u8> {
    let numbers = entries.iter().flat_map(|entry| [entry.high, entry.low, entry.position]);
    numbers.flat_map(u64::to_le_bytes).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<Entry> {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let entry = |bytes: &[u8]| Entry {
        high: number(&bytes[..8]),
        low: number(&bytes[8..16]),
        position: number(&bytes[16..]),
    };
    bytes.chunks_exact(ENTRY).map(entry).collect()
}

/// A set of positions, one bit each.
#[derive(Debug, Default)]
pub(super) struct Positions {
    words: Vec<u64>,
}

impl Positions {
    pub fn insert(&mut self, position: u64) {
        let word = (position / 64) as usize;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (position % 64);
    }

    pub fn contains(&self, position: u64) -> bool {
        self.words.get((position / 64) as usize).is_some_and(|word| word >> (position % 64) & 1 == 1)
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Hashes drawn from a few, so that many meet; limits far below the length, so that runs are spilled.
        #[test]
        fn exactly_the_later_ones_are_found(
            ids in proptest::collection::vec(0u64..200, 0..400),
            limit in 1usize..150,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut duplicates = Duplicates::new(folder.path(), limit);
            let mut firsts: HashMap<u64, u64> = HashMap::new();
            let mut expected = BTreeSet::new();
            for (position, id) in (0u64..).zip(&ids) {
                duplicates.note(xxhash_rust::xxh3::xxh3_128(&id.to_le_bytes()), position).unwrap();
                match firsts.get(id) {
                    Some(first) => { expected.insert((*first, position)); }
                    None => { firsts.insert(*id, position); }
                }
            }
            let mut found = BTreeSet::new();
            duplicates.find(|first, again| { found.insert((first, again)); }).unwrap();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_set_of_positions_holds_what_was_put_in(put in proptest::collection::btree_set(0u64..500, 0..60)) {
            let mut positions = Positions::default();
            put.iter().for_each(|position| positions.insert(*position));
            prop_assert_eq!(positions.len(), put.len() as u64);
            for position in 0..600 {
                prop_assert_eq!(positions.contains(position), put.contains(&position));
            }
        }
    }
}
