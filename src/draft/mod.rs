//! A job that is drafted for somebody: what answers suggest that it should say.
//!
//! Promise: what is proposed is valid in a job file, and reads each answer that it was made of as that answer has it.

mod proposal;

pub use proposal::{Proposal, Proposed, ProposedColumn, Sample, propose};
