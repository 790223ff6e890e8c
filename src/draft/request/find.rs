//! Which values of the list a request holds, and where.
//!
//! A value is found where it is a whole piece of the request; where none is, within a piece, between characters that are
//! neither letters nor digits. Of several columns the one with the longest value comes first: `tt0111161` is no accident,
//! `7` may be. Further columns count only with what they have in the record that was found.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use super::piece::{Piece, Place};
use crate::plan::{PeekedList, PlanError};

/// Records that are looked for within pieces.
const WITHIN: u64 = 200_000;

/// Shortest value that is looked for within pieces.
const SHORTEST_WITHIN: usize = 3;

/// Shortest value that is no accident wherever it stands.
const TELLING: usize = 4;

/// A column whose value the request holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Index of the column.
    pub column: usize,
    /// The record, from 0; `None` where the list does not have the value.
    pub record: Option<u64>,
    /// The value.
    pub value: String,
    /// Whether it is the whole URL.
    pub is_whole_url: bool,
    /// Where it stands: indexes of pieces, and the bytes there.
    pub(super) places: Vec<(usize, Range<usize>)>,
}

/// The columns whose values stand in the request, the most telling first.
pub(super) fn candidates(
    list: &PeekedList,
    url: &str,
    pieces: &[&Piece],
) -> Result<Vec<Candidate>, PlanError> {
    let mut found = longest(list, u64::MAX, |value| (value == url).then(Vec::new))?;
    found.iter_mut().for_each(|candidate| candidate.is_whole_url = true);
    if found.is_empty() {
        found = whole(list, pieces)?;
    }
    if found.is_empty() {
        found = within(list, pieces)?;
    }
    // Stable: of values of one length the first column.
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.value.chars().count()));
    Ok(found)
}

/// Values that are whole pieces.
fn whole(list: &PeekedList, pieces: &[&Piece]) -> Result<Vec<Candidate>, PlanError> {
    let mut by_text: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, piece) in
        pieces.iter().enumerate().filter(|(_, piece)| !piece.text.is_empty() && piece.is_literal())
    {
        by_text.entry(&piece.text).or_default().push(at);
    }
    let places = |value: &str| {
        let places = by_text.get(value)?;
        Some(likely(pieces, places, value).into_iter().map(|at| (at, 0..value.len())).collect())
    };
    longest(list, u64::MAX, places)
}

/// Values that stand within pieces.
fn within(list: &PeekedList, pieces: &[&Piece]) -> Result<Vec<Candidate>, PlanError> {
    let places = |value: &str| {
        if value.chars().count() < SHORTEST_WITHIN {
            return None;
        }
        let found = pieces.iter().enumerate().filter(|(_, piece)| piece.is_literal());
        let places: Vec<_> =
            found.filter_map(|(at, piece)| Some((at, inside(&piece.text, value)?))).collect();
        (!places.is_empty()).then_some(places)
    };
    longest(list, WITHIN, places)
}

/// Of each column the longest value that has a place, of equally long ones the first.
fn longest(
    list: &PeekedList,
    records: u64,
    places: impl Fn(&str) -> Option<Vec<(usize, Range<usize>)>>,
) -> Result<Vec<Candidate>, PlanError> {
    let mut found: Vec<Option<Candidate>> = vec![None; list.columns.len()];
    list.each_record(|record, values| {
        for (column, value) in values.iter().enumerate() {
            let Some(value) = value.as_deref().filter(|value| !value.is_empty()) else { continue };
            if found[column].as_ref().is_some_and(|best| best.value.len() >= value.len()) {
                continue;
            }
            if let Some(places) = places(value) {
                found[column] = Some(Candidate {
                    column,
                    record: Some(record),
                    value: value.to_owned(),
                    places,
                    is_whole_url: false,
                });
            }
        }
        if record + 1 < records { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Where a value stands in a text with nothing beside it that it could be a part of.
pub(super) fn inside(text: &str, value: &str) -> Option<Range<usize>> {
    let is_apart = |range: &Range<usize>| {
        let before = text[..range.start].chars().next_back();
        let after = text[range.end..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    };
    text.match_indices(value).map(|(at, _)| at..at + value.len()).find(is_apart)
}

/// Of the pieces that are a value those that mean it: a short one means it once.
fn likely(pieces: &[&Piece], places: &[usize], value: &str) -> Vec<usize> {
    if value.chars().count() >= TELLING {
        return places.to_vec();
    }
    let rank = |at: &&usize| {
        let piece = pieces[**at];
        let is_named = piece.name.to_lowercase().contains("id");
        match piece.place {
            // The last segment of several.
            Place::Path => (0, usize::MAX - **at),
            _ if is_named => (1, **at),
            Place::Param => (2, **at),
            Place::Payload => (3, **at),
            Place::Header => (4, **at),
        }
    };
    places.iter().min_by_key(rank).into_iter().copied().collect()
}

/// What else of the record stands in the request as a whole piece: pieces, and the columns whose values they are.
pub(super) fn others(
    list: &PeekedList,
    pieces: &[&Piece],
    chosen: &Candidate,
) -> Result<Vec<(usize, usize)>, PlanError> {
    let mut found = Vec::new();
    let Some(of) = chosen.record else { return Ok(found) };
    list.each_record(|record, values| {
        if record < of {
            return ControlFlow::Continue(());
        }
        for (at, piece) in pieces.iter().enumerate() {
            let is_its = |(column, value): &(usize, &Option<String>)| {
                let named = list.columns[*column].eq_ignore_ascii_case(&piece.name);
                let is_telling = named || piece.text.chars().count() >= TELLING;
                *column != chosen.column && is_telling && value.as_deref() == Some(piece.text.as_str())
            };
            let is_free = piece.is_literal() && !chosen.places.iter().any(|(place, _)| *place == at);
            let column = values.iter().enumerate().find(is_its).filter(|_| is_free && !piece.text.is_empty());
            found.extend(column.map(|(column, _)| (at, column)));
        }
        ControlFlow::Break(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_within_a_text_stands_apart() {
        assert_eq!(inside("films/tt01.json", "tt01"), Some(6..10));
        assert_eq!(inside("a/v1/1", "1"), Some(5..6));
        assert_eq!(inside("user_123", "123"), Some(5..8));
        assert_eq!(inside("tt01112", "tt0111"), None);
        assert_eq!(inside("größe", "gr"), None);
    }

    #[test]
    fn a_short_value_means_one_place() {
        let pieces = [
            Piece::plain(Place::Path, "", "7"),
            Piece::plain(Place::Path, "", "7"),
            Piece::plain(Place::Param, "page", "7"),
        ];
        let pieces: Vec<&Piece> = pieces.iter().collect();
        assert_eq!(likely(&pieces, &[0, 1, 2], "7"), [1]);
        assert_eq!(likely(&pieces, &[0, 1, 2], "7777"), [0, 1, 2]);
        let params = [Piece::plain(Place::Param, "page", "7"), Piece::plain(Place::Param, "user_id", "7")];
        let params: Vec<&Piece> = params.iter().collect();
        assert_eq!(likely(&params, &[0, 1], "7"), [1]);
    }
}
