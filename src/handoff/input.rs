//! The columns of `input.parquet`: a shard's frozen lines.
//!
//! | column | type | holds |
//! |---|---|---|
//! | `ordinal` | 64-bit integer | the record's position in the list, ascending |
//! | `ask` | 64-bit integer | bit *i* set: endpoint *i* is planned for this record in this round |
//! | the plan's `columns` | their types | the record's values, the id first |
//! | `<endpoint>.<column>` | its type | in a retry: what an earlier round's answer gave, for endpoints that need it |
//!
//! Names that meet are told apart as [`names`](super::names) says.

/// The record's position in the list.
pub const ORDINAL: &str = "ordinal";
/// Bit *i* set: endpoint *i* is planned.
pub const ASK: &str = "ask";
/// In the chunks of an endpoint: a row's place among those of its record, from 0.
pub const PART: &str = "part";
