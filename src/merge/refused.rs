//! The rows of a run that a database refuses, where its own error says only that it refuses one: record, id, column,
//! value, and the rule.
//!
//! Nothing was published by then: the load is over and undone. What is done here is done for the message alone, in
//! transactions that are undone too, and is given up where it takes long or fails itself: then the database's error
//! stands as it came.
//!
//! DuckDB tells its tables' conditions, and each is asked of all rows ([`load`](super::load)). A server's are more than a
//! catalogue has (triggers, domains, partitions), so its rows are tried in parts, as they would be written: what is
//! refused is halved until single rows are left, [`Search`].

use std::ops::Range;

/// Rows that a message names.
pub(super) const NAMED: usize = 10;

/// A row that a database refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The record's place in the list, from 0.
    pub record: u64,
    /// Its id; of several columns as `a=1 b=2`.
    pub id: String,
    /// The columns that the rule is about, as far as that is known, with their values.
    pub values: Vec<(String, Option<String>)>,
    /// The rule, or the database's words.
    pub why: String,
}

/// Characters of a value that a message shows.
const SHOWN: usize = 80;

impl RefusedRow {
    /// A line for people.
    fn line(&self) -> String {
        let value = |value: &Option<String>| match value {
            None => "null".to_owned(),
            Some(text) => match text.char_indices().nth(SHOWN) {
                None => format!("{text:?}"),
                Some((end, _)) => format!("{:?}… ({} characters)", &text[..end], text.chars().count()),
            },
        };
        let values: Vec<String> =
            self.values.iter().map(|(name, is)| format!("{name} = {}", value(is))).collect();
        let values = if values.is_empty() { String::new() } else { format!(", {}", values.join(", ")) };
        format!("record {}, id {:?}{values}: {}", self.record, self.id, self.why)
    }
}

/// The lines of a message: what is refused, how many rows where that is known.
pub(super) fn lines(rows: &[RefusedRow], all: Option<u64>) -> String {
    let named = rows.iter().map(|row| format!("\n  {}", row.line())).collect::<String>();
    let more = match all.map(|all| all.saturating_sub(rows.len() as u64)) {
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
    found: usize,
}

impl Search {
    /// Among all of a range.
    pub fn among(all: Range<u64>) -> Search {
        Search { to_try: vec![all], found: 0 }
    }

    /// The next range to try; none once enough is found, or all was tried.
    pub fn next(&mut self) -> Option<Range<u64>> {
        if self.found == NAMED { None } else { self.to_try.pop() }
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

    /// What a search finds where these are refused, and the ranges that it tried.
    fn found(among: Range<u64>, bad: &[u64]) -> (Vec<u64>, usize) {
        let (mut search, mut found, mut tries) = (Search::among(among), Vec::new(), 0);
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
    }

    #[test]
    fn a_long_value_is_cut_and_a_missing_one_is_null() {
        let values = vec![("code".to_owned(), Some("ä".repeat(100))), ("year".to_owned(), None)];
        let row = RefusedRow { record: 7, id: "tt7".into(), values, why: "too long".into() };
        let line = lines(&[row], Some(3));
        assert!(line.starts_with("\n  record 7, id \"tt7\", code = \"ää"), "{line}");
        assert!(line.contains("ä\"… (100 characters), year = null: too long\n  and 2 more"), "{line}");
    }
}
