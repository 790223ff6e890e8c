//! What went over the wire.

use super::answered::Answered;
use super::request::Request;

/// What went over the wire, in order.
#[derive(Default)]
pub struct Seen {
    /// What was sent.
    pub sent: Vec<Request>,
    /// How it was answered.
    pub answered: Vec<Answered>,
}
