//! Film ids, computed instead of stored.
//!
//! The `index`-th id is `tt` and the seven digits of `(index × STRIDE + 1) mod MODULUS`. The modulus is prime, so no
//! two indices share an id, the ids lie far apart, and the way back is one multiplication. The list file and the
//! server both use these functions and so cannot disagree.

use crate::draw::Draw;

/// Ids in `schemas/movie_ids.csv`.
pub const LISTED: u32 = 22_305;

/// Most ids that a list can have.
pub const MOST: u32 = MODULUS as u32;

/// The largest prime below ten million: every remainder has at most seven digits.
const MODULUS: u64 = 9_999_991;
/// Near the golden section of the modulus, so that neighbours in the list are strangers as numbers.
const STRIDE: u64 = 6_180_337;
/// `STRIDE × INVERSE ≡ 1 (mod MODULUS)`.
const INVERSE: u64 = 2_337_385;

/// Share of the ids that the list has and the film endpoint does not know.
const UNKNOWN_SHARE: f64 = 0.007;

/// Bytes of an id.
pub const LENGTH: usize = 9;

/// The id at a place of the list, as ASCII.
pub fn text(index: u32) -> [u8; LENGTH] {
    let mut rest = (u64::from(index) * STRIDE + 1) % MODULUS;
    let mut text = *b"tt0000000";
    for place in text[2..].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text
}

/// The place of an id in the endless list; `None` for what is no id. The caller compares it with the list's length.
pub fn index(id: &str) -> Option<u32> {
    let digits = id.strip_prefix("tt")?.as_bytes();
    if digits.len() != LENGTH - 2 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    let index = (number + MODULUS - 1) % MODULUS * INVERSE % MODULUS;
    (number < MODULUS).then_some(index as u32)
}

/// Whether the film endpoint knows the listed id: a list always names some films that the library does not have.
pub fn is_known(index: u32) -> bool {
    !Draw::about(u64::from(index), "unknown id").happens(UNKNOWN_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(index: u32) -> String {
        String::from_utf8_lossy(&text(index)).into_owned()
    }

    #[test]
    fn an_id_leads_back_to_its_index() {
        for place in (0..LISTED).chain([MOST - 1, MOST / 2]) {
            assert_eq!(index(&owned(place)), Some(place));
        }
    }

    #[test]
    fn the_first_ids_stay_what_they_are() {
        let first: Vec<String> = (0..3).map(owned).collect();
        assert_eq!(first, ["tt0000001", "tt6180338", "tt2360684"]);
    }

    #[test]
    fn what_is_no_id_has_no_index() {
        for id in
            ["", "tt", "tt123", "tt12345678", "xx1234567", "tt12345é", "tt+123456", "tt9999991", "tt9999999"]
        {
            assert_eq!(index(id), None, "{id}");
        }
    }

    #[test]
    fn a_small_share_is_unknown() {
        let unknown = (0..LISTED).filter(|&place| !is_known(place)).count();
        assert!((112..=200).contains(&unknown), "{unknown}");
    }
}
