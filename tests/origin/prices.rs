//! `/prices/{place}`: what a dozen things cost at a place, `{"place":"lisbon","round":7,"prices":[{"symbol":"AMBER","price":"101.25"},…]}`.
//!
//! Places are `lisbon`, `osaka` and `quito`. Prices are others each time: they follow from the place, the symbol and the round, which
//! is the parameter `at`, or else how often the place was asked.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::draw::Draw;

/// In `schemas/prices_places.csv`.
pub const PLACES: [&str; 3] = ["lisbon", "osaka", "quito"];

/// What is sold, at each place.
pub const SYMBOLS: [&str; 12] = [
    "AMBER", "BRASS", "CLOVE", "DATES", "EBONY", "FLAX", "GINGER", "HONEY", "INDIGO", "JUTE", "KAURI",
    "LINEN",
];

/// The place's document at a round.
pub fn answer(place: &str, round: u64) -> Answer {
    match prices(place, round) {
        Some(prices) => Answer::value(&json!({ "place": place, "round": round, "prices": prices })),
        None => Answer::problem(StatusCode::NOT_FOUND, &format!("no place {place:?}")),
    }
}

/// What things cost there at a round; `None` where there is no such place.
pub fn prices(place: &str, round: u64) -> Option<Vec<Value>> {
    let price = |symbol: &str| {
        let usual = Draw::about(0, &format!("price {symbol}")).between(500, 50_000);
        let cents = usual + Draw::about(round, &format!("price {place} {symbol}")).between(0, usual / 10);
        json!({ "symbol": symbol, "price": format!("{}.{:02}", cents / 100, cents % 100) })
    };
    PLACES.contains(&place).then(|| SYMBOLS.into_iter().map(price).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_others_each_round_and_the_same_within_one() {
        assert_eq!(prices("osaka", 7), prices("osaka", 7));
        assert_ne!(prices("osaka", 7), prices("osaka", 8));
        assert_ne!(prices("osaka", 7), prices("quito", 7));
        assert_eq!(answer("atlantis", 1).status, StatusCode::NOT_FOUND);
    }

    #[test]
    fn the_places_are_those_of_the_jobs_list() {
        let list = include_str!("../../schemas/prices_places.csv");
        assert_eq!(list.lines().skip(1).collect::<Vec<_>>(), PLACES);
    }
}
