//! How every pair of a run ended, in four bits each: ten million records with two endpoints take 10 MB.

use crate::job::OnFailure;
use crate::record::{Ordinal, Status};

/// The statuses by their four bits; 0 stands for a pair that no round planned.
const STATUSES: [Status; 5] =
    [Status::Ok, Status::Missing, Status::Failed, Status::Skipped, Status::Deferred];

/// The latest status of every pair.
#[derive(Debug, Clone)]
pub(in crate::merge) struct Ends {
    endpoints: usize,
    nibbles: Vec<u8>,
}

impl Ends {
    /// Nothing is planned yet.
    pub fn new(endpoints: usize) -> Ends {
        Ends { endpoints, nibbles: Vec::new() }
    }

    /// How the pair ended in the last round that planned it.
    pub fn get(&self, ordinal: Ordinal, endpoint: usize) -> Option<Status> {
        let (byte, shift) = self.place(ordinal, endpoint);
        let code = self.nibbles.get(byte)? >> shift & 0xf;
        STATUSES.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// Notes how the pair ended.
    pub fn set(&mut self, ordinal: Ordinal, endpoint: usize, status: Status) {
        let (byte, shift) = self.place(ordinal, endpoint);
        if self.nibbles.len() <= byte {
            self.nibbles.resize(byte + 1, 0);
        }
        let code = STATUSES.iter().position(|s| *s == status).unwrap_or(0) as u8 + 1;
        self.nibbles[byte] = self.nibbles[byte] & !(0xf << shift) | code << shift;
    }

    fn place(&self, ordinal: Ordinal, endpoint: usize) -> (usize, u32) {
        let at = ordinal as usize * self.endpoints + endpoint;
        (at / 2, (at % 2) as u32 * 4)
    }

    /// Records of the run below `bound` whose statuses satisfy a condition.
    pub fn count(&self, bound: Ordinal, fits: impl Fn(&[Status]) -> bool) -> u64 {
        let mut statuses = Vec::with_capacity(self.endpoints);
        let mut records = 0;
        for ordinal in 0..bound {
            statuses.clear();
            statuses.extend((0..self.endpoints).filter_map(|endpoint| self.get(ordinal, endpoint)));
            records += u64::from(!statuses.is_empty() && fits(&statuses));
        }
        records
    }
}

/// Whether the answer counts as a success.
pub(in crate::merge) fn succeeded(status: Status) -> bool {
    matches!(status, Status::Ok | Status::Missing)
}

/// Whether a record whose pairs ended so has a row in the table.
pub(in crate::merge) fn has_row(statuses: &[Status], policy: &[OnFailure]) -> bool {
    statuses.iter().zip(policy).all(|(status, policy)| succeeded(*status) || *policy != OnFailure::Drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_got_and_neighbours_stay() {
        let mut ends = Ends::new(3);
        for (ordinal, endpoint) in [(0, 0), (0, 1), (0, 2), (1, 0), (7, 2)] {
            let status = STATUSES[(ordinal as usize + endpoint) % 5];
            ends.set(ordinal, endpoint, status);
            assert_eq!(ends.get(ordinal, endpoint), Some(status));
        }
        ends.set(0, 1, Status::Deferred);
        assert_eq!(ends.get(0, 0), Some(Status::Ok));
        assert_eq!(ends.get(0, 1), Some(Status::Deferred));
        assert_eq!(ends.get(0, 2), Some(Status::Failed));
        assert_eq!(ends.get(1, 1), None);
        assert_eq!(ends.get(9, 0), None);
        assert_eq!(ends.count(9, |_| true), 3);
    }

    #[test]
    fn only_drop_leaves_a_record_out() {
        let statuses = [Status::Missing, Status::Skipped];
        assert!(!has_row(&statuses, &[OnFailure::Keep, OnFailure::Drop]));
        assert!(has_row(&statuses, &[OnFailure::Drop, OnFailure::Null]));
    }
}
