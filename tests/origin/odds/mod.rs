//! `/matches/{id}`: a match and what bookmakers offer for it. The match follows from its id; the offers change with
//! the round, which is the parameter `at`, or else the knob `odds_round`.
//!
//! Matches are `m0001` to `m9999`; a few of them do not exist.

mod page;

use serde::Serialize;

use crate::answer::Answer;
use crate::draw::Draw;
use crate::html;

/// Matches in `schemas/odds_matches.csv`.
pub const LISTED: u32 = 120;

/// Share of the ids that name no match.
const UNKNOWN_SHARE: f64 = 0.03;

/// A match at one round.
#[derive(Debug, PartialEq, Serialize)]
pub struct Match {
    pub id: String,
    pub home: &'static str,
    pub away: &'static str,
    /// RFC 3339, in UTC.
    pub kick_off: String,
    /// In the order of the page; 0 to 48.
    pub offers: Vec<Offer>,
}

/// A row of the page.
#[derive(Debug, PartialEq, Serialize)]
pub struct Offer {
    pub bookmaker: &'static str,
    pub market: &'static str,
    /// With two digits after the point; `None` where the page has `-` or nothing.
    pub price: Option<String>,
}

/// The page of a match at a round.
pub fn answer(id: &str, round: u64) -> Answer {
    match Match::find(id, round) {
        Some(found) => page::of(&found),
        None => html::not_found(&format!("match {id}")),
    }
}

/// The id at a place of the list, from 0, and its league.
pub fn listed(place: u32) -> (String, &'static str) {
    let id = format!("m{:04}", 1 + place * 83 % 9_999);
    let league = draw(&id, "league").pick(LEAGUES);
    (id, league)
}

impl Match {
    /// The match of an id, with its offers of that round.
    pub fn find(id: &str, round: u64) -> Option<Match> {
        let digits = id.strip_prefix('m')?;
        let is_id = digits.len() == 4 && digits != "0000" && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_id || draw(id, "unknown").happens(UNKNOWN_SHARE) {
            return None;
        }
        let home = draw(id, "home").between(0, TEAMS.len() as u64 - 1);
        let away = home + draw(id, "away").between(1, TEAMS.len() as u64 - 1);
        Some(Match {
            id: id.to_owned(),
            home: TEAMS[home as usize],
            away: TEAMS[away as usize % TEAMS.len()],
            kick_off: kick_off(id),
            offers: offers(id, round),
        })
    }
}

fn draw(id: &str, fact: &str) -> Draw {
    Draw::about(0, &format!("match {id} {fact}"))
}

fn kick_off(id: &str) -> String {
    let (day, hour) = (draw(id, "day").between(1, 31), draw(id, "hour").between(12, 20));
    let minute = draw(id, "minute").pick(&[0, 0, 15, 30]);
    format!("2026-08-{day:02}T{hour:02}:{minute:02}:00Z")
}

/// Share of the possible offers that a match has, in per cent, and how many matches in a hundred are so.
const POPULARITY: &[(u64, u64)] = &[(0, 6), (10, 20), (40, 40), (75, 24), (90, 10)];

fn offers(id: &str, round: u64) -> Vec<Offer> {
    let share = draw(id, "popularity").weigh(POPULARITY) as f64 / 100.0;
    let pairs =
        MARKETS.iter().flat_map(|market| BOOKMAKERS.iter().map(move |bookmaker| (*market, *bookmaker)));
    let offered = pairs.filter(|(market, bookmaker)| {
        Draw::about(round, &format!("match {id} {market} {bookmaker} offered")).happens(share)
    });
    offered
        .map(|(market, bookmaker)| Offer { bookmaker, market, price: price(id, round, market, bookmaker) })
        .collect()
}

/// Near the market's price, a little different at each bookmaker and round.
fn price(id: &str, round: u64, market: &str, bookmaker: &str) -> Option<String> {
    let one = Draw::about(round, &format!("match {id} {market} {bookmaker} price"));
    let is_known = !Draw::about(round, &format!("match {id} {market} {bookmaker} no price")).happens(0.06);
    let cents = draw(id, market).between(120, 1_400) * one.between(92, 108) / 100;
    is_known.then(|| format!("{}.{:02}", cents / 100, cents % 100))
}

const LEAGUES: &[&str] = &["First Division", "Coppa d'Oro", "Liga Norte", "Kreisliga Süd"];

const TEAMS: &[&str] = &[
    "Hale & Sons",
    "Port O'Brien",
    "União Varga",
    "Brooks Rovers",
    "1. FC Größenfeld",
    "Ito United",
    "Dubois Olympique",
    "Marsh \"Moor\" Town",
    "Atlético Conti",
    "Nakamura <B>",
];

const BOOKMAKERS: &[&str] = &[
    "Ladd & Brooks",
    "Bet-o-Mat",
    "Will O'Hill",
    "Fair <Odds>",
    "Nordwette",
    "Pick \"Six\"",
    "Tote",
    "Zweiweg",
];

const MARKETS: &[&str] =
    &["1X2: home", "1X2: draw", "1X2: away", "Over 2.5", "Under 2.5", "Both score & win"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn listed_matches() -> Vec<Match> {
        (0..LISTED).filter_map(|place| Match::find(&listed(place).0, 0)).collect()
    }

    #[test]
    fn listed_ids_differ_and_a_few_are_unknown() {
        let ids: BTreeSet<String> = (0..LISTED).map(|place| listed(place).0).collect();
        assert_eq!(ids.len(), LISTED as usize);
        assert!((1..=12).contains(&(LISTED as usize - listed_matches().len())));
        for id in ["", "m", "m0000", "m123", "m12345", "0001", "m00x1"] {
            assert_eq!(Match::find(id, 0), None, "{id}");
        }
    }

    #[test]
    fn matches_have_no_rows_or_few_or_many() {
        let matches = listed_matches();
        let counts: BTreeSet<usize> = matches.iter().map(|found| found.offers.len()).collect();
        assert!(counts.first() == Some(&0) && counts.last() > Some(&38) && counts.len() > 15, "{counts:?}");
        let offers: Vec<&Offer> = matches.iter().flat_map(|found| &found.offers).collect();
        let unknown = offers.iter().filter(|offer| offer.price.is_none()).count();
        assert!((offers.len() / 30..offers.len() / 10).contains(&unknown), "{unknown} of {}", offers.len());
        assert!(matches.iter().all(|found| found.home != found.away));
    }

    #[test]
    fn a_round_changes_the_rows_and_not_the_match() {
        let [first, again, second] = [3, 3, 4].map(|round| Match::find("m0001", round).expect("known"));
        assert_eq!(first, again);
        assert_ne!(first.offers, second.offers);
        assert_eq!((first.home, first.kick_off), (second.home, second.kick_off));
    }
}
