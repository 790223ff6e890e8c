//! What tells one answer from another, whatever the order of its rows.
//!
//! SQL gives no order without ORDER BY: the same rows may come otherwise the next time, after a vacuum or from a
//! parallel scan, and an unfinished run must not look changed for that. Its records are frozen; going on with it asks
//! only whether the rows are still the same. So the digest is one of the *multiset* of rows: each row is hashed by
//! SHA-256, the hashes are added as numbers of 256 bits (modulo 2²⁵⁶), and the digest is the SHA-256 of the columns'
//! names and types, the number of rows, and the sum. A sum, unlike XOR, counts a row that comes twice.
//!
//! Two answers that differ have different digests unless hashes of rows happen to add up alike, which is as probable
//! as two random numbers of 256 bits being equal. Sums can be forged by somebody who chooses many rows for it; but
//! whoever can write the table decides what is asked anyway. An order that changes alone is not seen, also where the
//! query has ORDER BY: the run's own order was frozen with it.
//!
//! Everything hashed is preceded by its length or has a fixed one, so that no two lists of rows give the same bytes.

use sha2::{Digest as _, Sha256};

use crate::handoff::digest::hex;
use crate::plan::columns::Columns;

/// Names this way of hashing: another one would begin otherwise.
const VERSION: &[u8] = b"windrow rows 1\n";

/// The digest of an answer in the making.
pub(super) struct RowsDigest {
    /// Hashed so far: the columns.
    head: Sha256,
    rows: u64,
    /// Of the rows' hashes, the lowest 64 bits first.
    sum: [u64; 4],
    /// The row that is being hashed.
    row: Vec<u8>,
}

impl RowsDigest {
    /// Of rows of these columns.
    pub fn of(columns: &Columns) -> RowsDigest {
        let mut head = Sha256::new_with_prefix(VERSION);
        head.update((columns.fields.len() as u64).to_le_bytes());
        for field in columns.fields.iter() {
            for text in [field.name.clone(), field.ty.to_string()] {
                head.update((text.len() as u64).to_le_bytes());
                head.update(text);
            }
        }
        RowsDigest { head, rows: 0, sum: [0; 4], row: Vec::new() }
    }

    /// Adds a row of as many values.
    pub fn add(&mut self, row: &[Option<&str>]) {
        self.row.clear();
        for value in row {
            self.row.push(u8::from(value.is_some()));
            if let Some(text) = value {
                self.row.extend_from_slice(&(text.len() as u64).to_le_bytes());
                self.row.extend_from_slice(text.as_bytes());
            }
        }
        self.rows += 1;
        self.add_hash(&Sha256::digest(&self.row));
    }

    fn add_hash(&mut self, hash: &[u8]) {
        let mut carry = false;
        for (limb, bytes) in self.sum.iter_mut().zip(hash.chunks_exact(8)) {
            let addend = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
            let (sum, over) = limb.overflowing_add(addend);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, over || over_again);
        }
    }

    /// SHA-256, in hexadecimal.
    pub fn finish(mut self) -> String {
        self.head.update(self.rows.to_le_bytes());
        self.sum.iter().for_each(|limb| self.head.update(limb.to_le_bytes()));
        hex(self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Field, Type};

    type Row = &'static [Option<&'static str>];

    fn digest_of(columns: &[(&str, Type)], rows: &[Row]) -> String {
        let fields = columns.iter().map(|(name, ty)| Field { name: (*name).to_owned(), ty: *ty }).collect();
        let mut digest = RowsDigest::of(&Columns { fields, id: 1 });
        rows.iter().for_each(|row| digest.add(row));
        digest.finish()
    }

    fn digest(rows: &[Row]) -> String {
        digest_of(&[("id", Type::Text), ("n", Type::Text)], rows)
    }

    const A: Row = &[Some("a"), Some("1")];
    const B: Row = &[Some("b"), None];

    #[test]
    fn the_order_of_rows_is_no_difference() {
        assert_eq!(digest(&[A, B, A]), digest(&[A, A, B]));
        assert_eq!(digest(&[A, B]).len(), 64);
    }

    #[test]
    fn how_often_a_row_comes_is_a_difference() {
        let digests = [digest(&[]), digest(&[A]), digest(&[B]), digest(&[A, A, B]), digest(&[B, B, B])];
        let different: std::collections::BTreeSet<&String> = digests.iter().collect();
        assert_eq!(different.len(), digests.len());
        assert_ne!(digest(&[A, A, B]), digest(&[B]), "a pair does not cancel itself out");
    }

    #[test]
    fn rows_that_look_alike_differ() {
        assert_ne!(digest(&[&[Some("ab"), Some("c")]]), digest(&[&[Some("a"), Some("bc")]]));
        assert_ne!(digest(&[&[Some(""), None]]), digest(&[&[None, Some("")]]));
        assert_ne!(digest(&[&[Some("a"), None]]), digest(&[&[Some("a"), Some("")]]));
        assert_ne!(
            digest(&[&[Some("a\u{1}b"), Some("c")]]),
            digest(&[&[Some("a"), Some("b\u{1}c")]]),
            "a text is as long as it is, whatever is in it"
        );
        let swapped: [Row; 2] = [&[Some("a"), None], &[Some("b"), Some("1")]];
        assert_ne!(digest(&[A, B]), digest(&swapped), "values belong to their rows");
    }

    #[test]
    fn names_and_types_of_columns_are_part_of_it() {
        let rows: [Row; 1] = [&[Some("1")]];
        assert_ne!(digest_of(&[("a", Type::Text)], &rows), digest_of(&[("b", Type::Text)], &rows));
        assert_ne!(digest_of(&[("a", Type::Text)], &rows), digest_of(&[("a", Type::Bigint)], &rows));
    }

    #[test]
    fn sums_carry_from_limb_to_limb() {
        let mut digest = RowsDigest::of(&Columns { fields: [].into(), id: 0 });
        digest.add_hash(&[0xff; 32]);
        digest.add_hash(&[&[1][..], &[0; 31]].concat());
        assert_eq!(digest.sum, [0; 4]);
        digest.add_hash(&[[0xff; 8], [0; 8], [0; 8], [0; 8]].concat());
        digest.add_hash(&[&[1][..], &[0; 31]].concat());
        assert_eq!(digest.sum, [0, 1, 0, 0]);
    }
}
