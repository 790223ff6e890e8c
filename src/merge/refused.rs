//! The rows of a run that a database refuses, where its own error says only that it refuses one: record, id, column,
//! value, and the rule.
//!
//! Nothing was published by then: the load is over and undone. They are looked for in transactions that are undone too,
//! which is given up where it takes long or fails itself: then the database's error stands as it came.
//!
//! DuckDB tells its tables' conditions, and each is asked of all rows ([`load`](super::load)). A server's are more than a
//! catalogue has (triggers, domains, partitions), so its records are tried in parts, as they would be written: what is
//! refused is halved until single records are left, [`Search`].
//!
//! # Rejected
//!
//! A job may let the table refuse some records (`max_rejected`). Where all that are refused are found, and are no more, the
//! run is loaded anew without them: each with all its rows, as if it had failed where `on_failure` says `skip`. Their ids
//! count as not answered, so that what stands under them stays in an upsert and in `replace_ids`. That load asks the table
//! once more: nothing is published that it does not take. The row of the run in `windrow_runs`
//! has them, so that the next publication of the run tries them again, and `merged.json` has them from there.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::handoff::RefusedRow;
use crate::record::Ordinal;

/// Rows that a message names.
pub(super) const NAMED: usize = 10;

/// The records that are left out of a publication, each by a row of it that was refused.
pub(super) type Rejected = BTreeMap<Ordinal, RefusedRow>;

/// Rows that a table refuses, as far as they were looked for: of each record the first.
#[derive(Debug)]
pub(super) struct FoundRows {
    /// The table.
    pub table: String,
    /// They, in the order of the list.
    pub rows: Vec<RefusedRow>,
    /// How many there are; `None` where that is not known.
    pub all: Option<u64>,
}

/// All records below a bound but those that are left out.
pub(super) fn others(bound: Ordinal, rejected: &Rejected) -> impl Iterator<Item = Ordinal> {
    (0..bound).filter(|ordinal| !rejected.contains_key(ordinal))
}

/// The lines of a message: what is refused, how many rows where that is known.
pub(super) fn lines(rows: &[RefusedRow], all: Option<u64>) -> String {
    let named = rows.iter().take(NAMED).map(|row| format!("\n  {}", row.line())).collect::<String>();
    let more = match all.map(|all| all.saturating_sub(NAMED as u64)) {
        Some(0) => String::new(),
        Some(more) => format!("\n  and {more} more"),
        None => "\n  and perhaps more".to_owned(),
    };
    named + &more
}

/// The texts of an id's columns as one.
pub(super) fn id_of(columns: &[(String, Option<String>)]) -> String {
    match columns {
        [(_, only)] => only.clone().unwrap_or_default(),
        several => {
            let column = |(name, text): &(String, Option<String>)| {
                format!("{name}={}", text.as_deref().unwrap_or("null"))
            };
            several.iter().map(column).collect::<Vec<_>>().join(" ")
        }
    }
}

/// Finds what is refused among numbered things by trying ranges of them, the first ones first.
#[derive(Debug)]
pub(super) struct Search {
    /// Ranges to try, the next one last.
    to_try: Vec<Range<u64>>,
    found: u64,
    tries: u64,
    until: Enough,
}

/// When a search ends before all was tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enough {
    /// So many are found.
    pub found: u64,
    /// So many tries were made.
    pub tries: u64,
}

impl Search {
    /// Among all of a range, until enough are found.
    pub fn among(all: Range<u64>, until: Enough) -> Search {
        Search { to_try: vec![all], found: 0, tries: 0, until }
    }

    /// The next range to try; none once enough is found, or all was tried.
    pub fn next(&mut self) -> Option<Range<u64>> {
        self.tries += 1;
        let is_enough = self.found == self.until.found || self.tries > self.until.tries;
        if is_enough { None } else { self.to_try.pop() }
    }

    /// That range was refused; whether it is one thing alone, and so is found.
    pub fn refused(&mut self, range: &Range<u64>) -> bool {
        let middle = range.start + (range.end - range.start) / 2;
        if middle == range.start {
            self.found += 1;
            return true;
        }
        self.to_try.extend([middle..range.end, range.start..middle]);
        false
    }

    /// Whether all was tried.
    pub fn is_over(&self) -> bool {
        self.to_try.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: Enough = Enough { found: NAMED as u64, tries: 100 };

    /// What a search finds where these are refused, and the ranges that it tried.
    fn found(among: Range<u64>, bad: &[u64]) -> (Vec<u64>, usize) {
        let (mut search, mut found, mut tries) = (Search::among(among, ENOUGH), Vec::new(), 0);
        while let Some(range) = search.next() {
            tries += 1;
            if bad.iter().any(|one| range.contains(one)) && search.refused(&range) {
                found.push(range.start);
            }
        }
        (found, tries)
    }

    #[test]
    fn what_is_refused_is_found_by_few_tries() {
        assert_eq!(found(7..8, &[7]), (vec![7], 1));
        assert_eq!(found(0..160_000, &[]), (vec![], 1));
        let (one, tries) = found(0..160_000, &[159_999]);
        assert!(one == [159_999] && tries <= 37, "{one:?} {tries}");
        assert_eq!(found(3..1_003, &[3, 4, 500, 1_002]).0, [3, 4, 500, 1_002]);
    }

    #[test]
    fn enough_is_enough() {
        let (found, tries) = found(0..1 << 20, &(0..1 << 20).collect::<Vec<_>>());
        assert_eq!(found, (0..NAMED as u64).collect::<Vec<_>>());
        assert!(tries < 60, "{tries}");
        let mut search = Search::among(0..1 << 20, Enough { found: u64::MAX, tries: 100 });
        let refused =
            std::iter::from_fn(|| search.next().map(|range| search.refused(&range))).filter(|found| *found);
        assert_eq!(refused.count(), 42);
        assert!(!search.is_over());
    }
}
