//! The rows of one answer, within bounds: how many they may be, and how much memory they may take.
//!
//! A body has its own bound, but rows can be far larger than it: `range(1e9)` needs no body at all, a value of
//! the whole answer is repeated in each row, and elements of HTML hold the texts of those inside them.

use crate::record::{Failure, Kind, Rows, Value};

/// Most rows of one answer.
pub(super) const MAX_ROWS: u32 = 1_000_000;

/// Most bytes that the values of one answer may take in memory.
pub(super) const MAX_BYTES: usize = 256 << 20;

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

/// The failure of what would take more than [`MAX_BYTES`].
pub(super) fn too_much(at: &str) -> Failure {
    let detail = format!("{at}: the values take more than the {} MiB that one answer may", MAX_BYTES >> 20);
    Failure::lasting(Kind::Extract, detail)
}

/// Bytes of a value in memory.
pub(super) fn size(value: &Value) -> usize {
    let text = match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        _ => 0,
    };
    size_of::<Value>() + text
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
