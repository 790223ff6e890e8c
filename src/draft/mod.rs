//! A job that is drafted for somebody, of a request, a list and a few answers.
//!
//! Promises: what is drafted is a valid job. It asks about each record of the list what the request asks about one, says no
//! secret, and reads each answer that it was made of as that answer has it.
//!
//! | step | module |
//! |---|---|
//! | where the id stands in the request, what of it is secret, how a job says it | `request` |
//! | what answers suggest that the endpoint should say | `proposal` |
//! | the job file, what was guessed in comments | `write` |

mod proposal;
mod request;
mod write;

pub use proposal::{Proposal, Sample, propose};
pub use request::{Candidate, DraftError, Piece, Place, RequestDraft, is_secret};
pub use write::{JobDraft, anything};
