//! Who a child is.

/// A child of the supervisor, named by what it works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The shard.
    pub shard: u32,
    /// Which of the shard's helpers it is, from 1; `None`: it is the shard's own process.
    pub helper: Option<u32>,
}

impl Member {
    /// A shard's own process.
    pub fn owner(shard: u32) -> Member {
        Member { shard, helper: None }
    }
}
