//! How every pair of a run ended, in four bits each: ten million records with two endpoints take 10 MB. Where an
//! endpoint explodes, its rows are counted in four bytes for each record.

use crate::handoff::PlannedEndpoint;
use crate::record::{Ordinal, Status};

/// How a pair stands after all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Answered, and every column made.
    Ok,
    /// Answered: the id does not exist there. A success.
    Missing,
    /// Not asked, since its `when` said no. A success.
    Exempt,
    /// Asked without success.
    Failed,
    /// Not asked, since what it depends on failed.
    NotAsked,
    /// Never asked, or not to its end.
    Waiting,
}

/// The ends by their four bits; 0 stands for a pair that no round planned.
const ENDS: [End; 6] = [End::Ok, End::Missing, End::Exempt, End::Failed, End::NotAsked, End::Waiting];

impl End {
    /// What a ledger line says; only what its `when` left out is not asked without a kind.
    pub(in crate::merge) fn of(status: Status, has_kind: bool) -> End {
        match status {
            Status::Ok => End::Ok,
            Status::Missing => End::Missing,
            Status::Failed => End::Failed,
            Status::NotAsked if has_kind => End::NotAsked,
            Status::NotAsked => End::Exempt,
            Status::Waiting => End::Waiting,
        }
    }

    /// Its word in the ledger.
    pub fn status(self) -> Status {
        match self {
            End::Ok => Status::Ok,
            End::Missing => Status::Missing,
            End::Exempt | End::NotAsked => Status::NotAsked,
            End::Failed => Status::Failed,
            End::Waiting => Status::Waiting,
        }
    }

    /// Whether it counts as a success.
    pub fn succeeded(self) -> bool {
        matches!(self, End::Ok | End::Missing | End::Exempt)
    }
}

/// The latest end of every pair.
#[derive(Debug, Clone)]
pub(in crate::merge) struct Ends {
    endpoints: usize,
    nibbles: Vec<u8>,
    exploding: Option<RowCounts>,
}

/// The rows that the latest answers of the exploding endpoint gave, by ordinal.
#[derive(Debug, Clone)]
struct RowCounts {
    endpoint: usize,
    rows: Vec<u32>,
}

impl Ends {
    /// Nothing is planned yet.
    pub fn new(endpoints: &[PlannedEndpoint]) -> Ends {
        let exploding = endpoints.iter().position(|endpoint| endpoint.explodes);
        let exploding = exploding.map(|endpoint| RowCounts { endpoint, rows: Vec::new() });
        Ends { endpoints: endpoints.len(), nibbles: Vec::new(), exploding }
    }

    /// How the pair ended in the last round that planned it.
    pub fn get(&self, ordinal: Ordinal, endpoint: usize) -> Option<End> {
        let (byte, shift) = self.place(ordinal, endpoint);
        let code = self.nibbles.get(byte)? >> shift & 0xf;
        ENDS.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// Notes how the pair ended, and the rows that it has.
    pub fn set(&mut self, ordinal: Ordinal, endpoint: usize, end: End, rows: u32) {
        let (byte, shift) = self.place(ordinal, endpoint);
        if self.nibbles.len() <= byte {
            self.nibbles.resize(byte + 1, 0);
        }
        let code = ENDS.iter().position(|e| *e == end).unwrap_or(0) as u8 + 1;
        self.nibbles[byte] = self.nibbles[byte] & !(0xf << shift) | code << shift;
        if let Some(counts) = self.exploding.as_mut().filter(|counts| counts.endpoint == endpoint) {
            counts.set(ordinal as usize, rows);
        }
    }

    fn place(&self, ordinal: Ordinal, endpoint: usize) -> (usize, u32) {
        let at = ordinal as usize * self.endpoints + endpoint;
        (at / 2, (at % 2) as u32 * 4)
    }

    /// Those of these records of the run whose ends satisfy a condition.
    pub fn count(&self, records: impl Iterator<Item = Ordinal>, fits: impl Fn(&[End]) -> bool) -> u64 {
        self.sum(records, |_, ends| u64::from(fits(ends)))
    }

    /// Their rows: as many as the exploding endpoint gave, and one where it has no success.
    pub fn count_rows(&self, records: impl Iterator<Item = Ordinal>, fits: impl Fn(&[End]) -> bool) -> u64 {
        self.sum(records, |ordinal, ends| if fits(ends) { self.rows(ordinal, ends) } else { 0 })
    }

    fn rows(&self, ordinal: Ordinal, ends: &[End]) -> u64 {
        match &self.exploding {
            Some(counts) if ends[counts.endpoint].succeeded() => counts.get(ordinal as usize),
            _ => 1,
        }
    }

    fn sum(&self, records: impl Iterator<Item = Ordinal>, of: impl Fn(Ordinal, &[End]) -> u64) -> u64 {
        let mut ends = Vec::with_capacity(self.endpoints);
        let mut sum = 0;
        for ordinal in records {
            ends.clear();
            ends.extend((0..self.endpoints).filter_map(|endpoint| self.get(ordinal, endpoint)));
            // All endpoints of a record are planned, or none: then it was left out.
            if ends.len() == self.endpoints && !ends.is_empty() {
                sum += of(ordinal, &ends);
            }
        }
        sum
    }
}

impl RowCounts {
    fn set(&mut self, at: usize, rows: u32) {
        if self.rows.len() <= at {
            self.rows.resize(at + 1, 0);
        }
        self.rows[at] = rows;
    }

    fn get(&self, at: usize) -> u64 {
        self.rows.get(at).copied().unwrap_or(0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::OnFailure;

    fn endpoints(count: usize, exploding: Option<usize>) -> Vec<PlannedEndpoint> {
        let endpoint = |at| PlannedEndpoint {
            name: format!("e{at}"),
            columns: vec![],
            on_failure: OnFailure::Skip,
            explodes: exploding == Some(at),
            batched: false,
        };
        (0..count).map(endpoint).collect()
    }

    #[test]
    fn what_is_set_is_got_and_neighbours_stay() {
        let mut ends = Ends::new(&endpoints(3, None));
        let pairs = (0..8).flat_map(|ordinal| (0..3).map(move |endpoint| (ordinal, endpoint)));
        for (ordinal, endpoint) in pairs.clone().filter(|(ordinal, _)| *ordinal < 2 || *ordinal == 7) {
            ends.set(ordinal, endpoint, ENDS[(ordinal as usize * 3 + endpoint) % 6], 1);
        }
        for (ordinal, endpoint) in pairs {
            let set = ordinal < 2 || ordinal == 7;
            let end = set.then_some(ENDS[(ordinal as usize * 3 + endpoint) % 6]);
            assert_eq!(ends.get(ordinal, endpoint), end);
        }
        ends.set(0, 1, End::Waiting, 0);
        assert_eq!([0, 1, 2].map(|at| ends.get(0, at)), [End::Ok, End::Waiting, End::Exempt].map(Some));
        assert_eq!(ends.get(9, 0), None);
        assert_eq!((ends.count(0..9, |_| true), ends.count_rows(0..9, |_| true)), (3, 3));
    }

    #[test]
    fn a_line_says_why_a_pair_was_skipped() {
        for (end, has_kind) in ENDS.into_iter().zip([false, false, false, true, true, true]) {
            assert_eq!(End::of(end.status(), has_kind), end);
            assert_eq!(end.succeeded(), !has_kind);
        }
    }

    #[test]
    fn rows_count_as_the_last_round_gave_them() {
        let mut ends = Ends::new(&endpoints(2, Some(1)));
        for (ordinal, end, rows) in
            [(0, End::Ok, 3), (1, End::Failed, 0), (2, End::Missing, 0), (4, End::Ok, 0)]
        {
            ends.set(ordinal, 0, End::Ok, 1);
            ends.set(ordinal, 1, end, rows);
        }
        assert_eq!(ends.count_rows(0..9, |_| true), 3 + 1);
        ends.set(1, 1, End::Ok, 5);
        assert_eq!(ends.count_rows(0..9, |_| true), 3 + 5);
        assert_eq!(ends.count_rows(0..9, |ends| ends[1] == End::Missing), 0);
    }
}
