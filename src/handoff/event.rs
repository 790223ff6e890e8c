//! What a shard's process tells its supervisor: JSON lines on its standard output while it works, and one word
//! of shared memory ([`os::Slot`](crate::os::Slot)) that says which answer it was extracting when it died.

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use crate::record::Ordinal;

/// Bits of the slot's word that name the endpoint (a job has at most 64); the others are the ordinal.
const ENDPOINT_BITS: u32 = 6;

/// The slot's word for a record and an endpoint's index.
pub fn word_of_pair(ordinal: Ordinal, endpoint: usize) -> u64 {
    ordinal << ENDPOINT_BITS | endpoint as u64
}

/// The record and the endpoint's index that a slot's word names.
pub fn pair_of_word(word: u64) -> (Ordinal, usize) {
    (word >> ENDPOINT_BITS, (word & ((1 << ENDPOINT_BITS) - 1)) as usize)
}

/// One line of progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The shard is open: how many pairs are planned, how many of them are committed already.
    Started {
        /// The shard.
        shard: u32,
        /// Planned pairs.
        pairs: u64,
        /// Pairs in committed blocks.
        committed: u64,
    },
    /// How far it is, a few times a second.
    Progress(Counts),
    /// Little of the shard is left to ask: from now on it has no more than so many requests in flight, and another may begin
    /// beside it.
    Finishing {
        /// Requests in flight, at the most.
        in_flight: usize,
    },
    /// A block is committed.
    Committed {
        /// Pairs of the block.
        pairs: u64,
    },
    /// A quota is used up.
    UsedUp {
        /// When it renews, in seconds since 1970.
        renews_at: u64,
    },
    /// The first answers of an origin refused the job's secrets: the run is to stop.
    SecretRefused {
        /// Which origin and which secrets, by name.
        text: String,
    },
    /// Something that a person should know.
    Warning {
        /// One line.
        text: String,
    },
    /// The last event: what ended the work, for a person.
    Ended {
        /// One line, with a hint where there is one; empty where all is well.
        text: String,
    },
}
