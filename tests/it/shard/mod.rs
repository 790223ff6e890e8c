//! One shard, worked by processes that the test starts: killed at any moment, and two at once that do not see each
//! other's locks. Each block is committed once, and a process that dies loses its open blocks only.

mod kills;
mod rivals;
mod site;
