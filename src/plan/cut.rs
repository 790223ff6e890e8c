//! How many shards, how many blocks: arithmetic alone, so that the same list is cut the same way every time.
//!
//! With *N* records, *c* cores, at most *s* records a shard (`shard_size`), and up to *b* records in one request
//! (`batch`):
//!
//! - a **block** has ⌈N/64⌉ records, but 64 at least and 1024 at most, and ⌈N/5000⌉ where that is more. So a short list
//!   has some 64 blocks, which lets progress and a crash's cost be small; a middling one has blocks of 1024, which
//!   cost a few file operations for a thousand requests; a long one has 5,000 blocks, because a merge reads them all,
//!   and ten thousand small files are slow to read. A block never has more than *s* records (or 64). It is then rounded up to
//!   a multiple of *b*, so that batches, which never reach beyond a block, are full.
//! - there are 4*c* **shards**: a core that is done with one takes the next, so that none is idle while another works on
//!   the slow part of a list. A list of at most 1,024 records has *c*: starting more processes would take longer than
//!   what they save. Where shards would have more than *s* records, there are as many more as it takes, rounded up to a
//!   multiple of *c*, so that all cores end together; and never more than there are blocks.
//! - blocks are dealt out evenly and in order: shards differ by one block at most, and only the last block of all is
//!   shorter than the others.
//!
//! A trial has one shard.

/// Records that a block has at least, if there are enough.
const SMALLEST_BLOCK: u64 = 64;
/// Records that a block of a middling list has at most.
const LARGEST_BLOCK: u64 = 1024;
/// Blocks of a short list.
const FEW_BLOCKS: u64 = 64;
/// Blocks that a run has at most, as long as `shard_size` does not ask for more.
const MOST_BLOCKS: u64 = 5000;

/// Shards for each core: enough that all cores are busy until shortly before the end, however uneven the list is; few
/// enough that starting their processes, some 70 ms each, costs little.
const SHARDS_PER_CORE: u64 = 4;
/// A list of so many records at most has one shard for each core.
const SHORT_LIST: u64 = 1024;

/// Where a list is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Records of a block; the last of all may be shorter.
    pub block_records: u64,
    /// Records of each shard, in order.
    pub shards: Vec<u64>,
}

impl Cut {
    /// Cuts `records` records for `cores` processes into shards of `shard_size` records at most; `together` of them
    /// may share a request.
    pub fn of(records: u64, cores: u32, shard_size: u64, together: u32) -> Cut {
        let block_records = block_records(records, shard_size).next_multiple_of(u64::from(together.max(1)));
        let cores = u64::from(cores.max(1));
        let wanted = if records > SHORT_LIST { cores * SHARDS_PER_CORE } else { cores };
        let needed = records.div_ceil(block_records).div_ceil((shard_size / block_records).max(1));
        Cut::into(records, block_records, needed.max(wanted).next_multiple_of(cores))
    }

    /// One shard.
    pub fn whole(records: u64) -> Cut {
        Cut::into(records, block_records(records, u64::MAX), 1)
    }

    /// Deals the blocks out to so many shards, or to fewer where there are fewer blocks.
    fn into(records: u64, block_records: u64, shards: u64) -> Cut {
        let blocks = records.div_ceil(block_records);
        let shards = shards.min(blocks);
        let bound = |shard: u64| (wide(shard, blocks, shards) * block_records).min(records);
        Cut { block_records, shards: (0..shards).map(|shard| bound(shard + 1) - bound(shard)).collect() }
    }

    /// Blocks of all shards.
    #[cfg(test)]
    pub fn blocks(&self) -> u64 {
        self.shards.iter().map(|records| records.div_ceil(self.block_records)).sum()
    }
}

fn block_records(records: u64, shard_size: u64) -> u64 {
    records
        .div_ceil(FEW_BLOCKS)
        .clamp(SMALLEST_BLOCK, LARGEST_BLOCK)
        .max(records.div_ceil(MOST_BLOCKS))
        .min(shard_size.max(SMALLEST_BLOCK))
}

/// `shard * blocks / shards` without overflow.
fn wide(shard: u64, blocks: u64, shards: u64) -> u64 {
    (u128::from(shard) * u128::from(blocks) / u128::from(shards)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_whole_batches() {
        for (records, together, block) in
            [(300, 50, 100), (10, 50, 100), (1_000_000, 100, 1100), (500, 1, 64)]
        {
            assert_eq!(
                Cut::of(records, 2, 250_000, together).block_records,
                block,
                "{records} by {together}"
            );
        }
        assert_eq!(Cut::of(300, 2, 250_000, 50).shards, [100, 200]);
    }
    use proptest::prelude::*;

    #[test]
    fn lists_of_every_length_are_cut_as_documented() {
        // records, cores, shard_size: records of a block, shards, blocks
        let cases = [
            (0, 2, 250_000, 64, 0, 0),
            (1, 8, 250_000, 64, 1, 1),
            (10, 2, 250_000, 64, 1, 1),
            (200, 8, 250_000, 64, 4, 4),
            (1_024, 2, 250_000, 64, 2, 16),
            (1_025, 2, 250_000, 64, 8, 17),
            (1_025, 16, 250_000, 64, 17, 17),
            (22_305, 2, 250_000, 349, 8, 64),
            (640_000, 2, 250_000, 1024, 8, 625),
            (3_000_000, 2, 250_000, 1024, 14, 2930),
            (10_000_000, 8, 250_000, 2000, 40, 5000),
            (10_000_000, 8, 1000, 1000, 10_000, 10_000),
            (1_000, 4, 1, 64, 16, 16),
        ];
        for (records, cores, shard_size, block, shards, blocks) in cases {
            let cut = Cut::of(records, cores, shard_size, 1);
            let found = (cut.block_records, cut.shards.len(), cut.blocks());
            assert_eq!(found, (block, shards, blocks), "{records} records");
        }
    }

    #[test]
    fn a_trial_has_one_shard_whatever_its_length() {
        assert!(Cut::whole(0).shards.is_empty());
        assert_eq!(Cut::whole(2_000_000).shards, [2_000_000]);
    }

    proptest! {
        #[test]
        fn every_record_is_in_a_shard_and_shards_are_even(
            records in 0u64..3_000_000,
            cores in 0u32..200,
            shard_size in 1u64..400_000,
        ) {
            let cut = Cut::of(records, cores, shard_size, 1);
            prop_assert_eq!(cut.shards.iter().sum::<u64>(), records);
            prop_assert!(cut.shards.iter().all(|shard| *shard > 0 && *shard <= shard_size.max(64)));
            prop_assert!(cut.shards.len() as u64 <= records.div_ceil(64));
            let aligned = cut.shards.iter().rev().skip(1).all(|shard| shard % cut.block_records == 0);
            prop_assert!(aligned, "only the last shard ends within a block");
            let (least, most) = (cut.shards.iter().min(), cut.shards.iter().max());
            if let (Some(least), Some(most)) = (least, most) {
                prop_assert!(most - least <= 2 * cut.block_records);
            }
        }
    }
}
