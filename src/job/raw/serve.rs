//! `[serve]` as written.

use super::DAY;
use super::at::At;
use super::leaf::{Count, Size, Time};
use super::section::section;

section! {
    /// `[serve]`
    "[serve]";
    Serve {
        /// The age from which what `windrow serve` shows is too old: `/readyz` then says so. Without it nothing is.
        stale_after: Time<1_000, { 3650 * DAY }>,
        /// Origins whose pages may read what is served, as browsers spell them: `https://app.example.com`; `*` alone for all.
        /// Default none.
        cors: Vec<At<String>>,
        /// Most rows of an answer to a question about some; what matches more is an error, never a part. Default 10000.
        max_rows: Count<1, 1_000_000>,
        /// Up to which size a table is kept in memory; a greater one is read from its file for each question. Default `1GB`.
        max_memory: Size<{ 1 << 40 }>,
    }
}
