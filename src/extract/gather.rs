//! The rows of one answer, within bounds: how many they may be, and how much memory they may take.
//!
//! A body has its own bound, but rows can be far larger than it: `range(1e9)` needs no body at all, a value of
//! the whole answer is repeated in each row, and elements of HTML hold the texts of those inside them.

use crate::record::{Failure, Kind, Rows};
use crate::value::Value;

/// Most rows of one answer.
pub(super) const MAX_ROWS: u32 = 1_000_000;

/// Most bytes that the values of one answer may take in memory.
pub(super) const MAX_BYTES: usize = 256 << 20;

/// The same of all pages of a record.
const MAX_BYTES_OF_PAGES: usize = 4 * MAX_BYTES;

/// Rows, as far as they have been made.
#[derive(Default)]
pub(super) struct Gathered {
    rows: Rows,
    bytes: usize,
}

impl Gathered {
    /// Makes one row more of its values; the first failure among them is given.
    pub fn push(&mut self, row: impl Iterator<Item = Result<Value, Failure>>) -> Result<(), Failure> {
        if self.rows.count == MAX_ROWS {
            let detail = format!("rows: more than the {MAX_ROWS} that one answer may have");
            return Err(Failure::lasting(Kind::Extract, detail));
        }
        for value in row {
            let value = value?;
            self.bytes += size(&value);
            if self.bytes > MAX_BYTES {
                return Err(too_much("rows"));
            }
            self.rows.values.push(value);
        }
        self.rows.count += 1;
        Ok(())
    }

    /// The rows.
    pub fn into_rows(self) -> Rows {
        self.rows
    }
}

/// The rows of a record's pages: each page is an answer, and all of them are in memory together.
#[derive(Default)]
pub struct PageRows {
    rows: Rows,
    bytes: usize,
}

impl PageRows {
    /// Adds those of a page.
    ///
    /// # Errors
    /// All of them take more memory than a record may.
    pub fn add(&mut self, page: Rows) -> Result<(), Failure> {
        self.bytes += page.values.iter().map(size).sum::<usize>();
        if self.bytes > MAX_BYTES_OF_PAGES {
            let most = MAX_BYTES_OF_PAGES >> 20;
            let detail = format!("the values of all pages take more than the {most} MiB that a record may");
            return Err(Failure::lasting(Kind::Pages, detail));
        }
        self.rows.append(page);
        Ok(())
    }

    /// All of them.
    pub fn into_rows(self) -> Rows {
        self.rows
    }
}

/// The failure of what would take more than [`MAX_BYTES`].
pub(super) fn too_much(at: &str) -> Failure {
    let detail = format!("{at}: the values take more than the {} MiB that one answer may", MAX_BYTES >> 20);
    Failure::lasting(Kind::Extract, detail)
}

/// Bytes of a value in memory.
pub(super) fn size(value: &Value) -> usize {
    size_of::<Value>() + value.text_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_bounded_in_number() {
        let mut gathered = Gathered::default();
        for _ in 0..MAX_ROWS {
            gathered.push(std::iter::empty()).unwrap();
        }
        assert_eq!(gathered.push(std::iter::empty()).unwrap_err().kind, Kind::Extract);
    }

    #[test]
    fn the_pages_of_a_record_are_bounded_in_memory_together() {
        let page = || Rows::one(vec![Value::Text("x".repeat(MAX_BYTES - size_of::<Value>()))]);
        let mut pages = PageRows::default();
        (0..4).for_each(|_| pages.add(page()).unwrap());
        let failure = pages.add(Rows::one(vec![Value::Null])).unwrap_err();
        assert_eq!((failure.kind, pages.into_rows().count), (Kind::Pages, 4));
        assert!(failure.detail.contains("1024 MiB"), "{failure:?}");
    }

    #[test]
    fn rows_are_bounded_in_memory() {
        let mut gathered = Gathered::default();
        let mut push = |length: usize| {
            let row = [Value::Null, Value::Text("x".repeat(length))];
            gathered.push(row.into_iter().map(Ok))
        };
        let most = MAX_BYTES / 4 - 2 * size_of::<Value>();
        (0..4).for_each(|_| push(most).unwrap());
        assert!(push(0).unwrap_err().detail.contains("256 MiB"));
    }
}
