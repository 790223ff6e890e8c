//! What critics and viewers made of a film, derived from the file's tomato per cent and rating.

use serde::Serialize;

use super::{GAP, prose};
use crate::film::Film;

/// One of the API's `Ratings`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rating {
    source: &'static str,
    value: String,
}

/// The tomato fields; all `N/A` where the file has no per cent.
#[derive(Serialize)]
pub struct Tomatoes {
    #[serde(rename = "tomatoMeter")]
    meter: String,
    #[serde(rename = "tomatoImage")]
    image: String,
    #[serde(rename = "tomatoRating")]
    rating: String,
    #[serde(rename = "tomatoReviews")]
    reviews: String,
    #[serde(rename = "tomatoFresh")]
    fresh: String,
    #[serde(rename = "tomatoRotten")]
    rotten: String,
    #[serde(rename = "tomatoConsensus")]
    consensus: String,
    #[serde(rename = "tomatoUserMeter")]
    user_meter: String,
    #[serde(rename = "tomatoUserRating")]
    user_rating: String,
    #[serde(rename = "tomatoUserReviews")]
    user_reviews: String,
    #[serde(rename = "tomatoURL")]
    url: String,
}

/// Metacritic's score, 0 to 100: near the tomato per cent, and more often unknown.
pub fn metascore(film: &Film) -> Option<u64> {
    let meter = film.record.tomatoes?;
    let score = (meter * 3 / 4 + film.draw("metascore").between(5, 25)).min(100);
    film.draw("has metascore").happens(0.93).then_some(score)
}

/// The scores that are known, each in its owner's notation.
pub fn ratings(film: &Film, metascore: Option<u64>) -> Vec<Rating> {
    let record = &film.record;
    let imdb = record.rating.map(|rating| ("Internet Movie Database", format!("{rating:.1}/10")));
    let tomatoes = record.tomatoes.map(|meter| ("Rotten Tomatoes", format!("{meter}%")));
    let metacritic = metascore.map(|score| ("Metacritic", format!("{score}/100")));
    let known = [imdb, tomatoes, metacritic].into_iter().flatten();
    known.map(|(source, value)| Rating { source, value }).collect()
}

/// The tomato fields.
pub fn tomatoes(film: &Film) -> Tomatoes {
    let Some(meter) = film.record.tomatoes else { return Tomatoes::unknown() };
    let reviews = film.draw("tomato reviews").between(12, 240);
    let fresh = (meter * reviews + 50) / 100;
    let user_meter = (meter / 2 + film.draw("tomato users").between(20, 50)).min(100);
    let rating = (meter as f64 * 0.07 + 1.8 + film.draw("tomato rating").share()).min(10.0);
    Tomatoes {
        meter: meter.to_string(),
        image: image(meter, reviews).to_owned(),
        rating: format!("{rating:.1}"),
        reviews: reviews.to_string(),
        fresh: fresh.to_string(),
        rotten: (reviews - fresh).to_string(),
        consensus: consensus(film, meter).to_owned(),
        user_meter: user_meter.to_string(),
        user_rating: format!("{:.1}", 1.5 + user_meter as f64 * 0.032),
        user_reviews: film.record.votes.map_or(GAP.to_owned(), |votes| (votes * 3 + meter).to_string()),
        url: prose::slug(film, "_")
            .map_or(GAP.to_owned(), |slug| format!("http://www.rottentomatoes.com/m/{slug}/")),
    }
}

impl Tomatoes {
    fn unknown() -> Tomatoes {
        let gap = || GAP.to_owned();
        Tomatoes {
            meter: gap(),
            image: gap(),
            rating: gap(),
            reviews: gap(),
            fresh: gap(),
            rotten: gap(),
            consensus: gap(),
            user_meter: gap(),
            user_rating: gap(),
            user_reviews: gap(),
            url: gap(),
        }
    }
}

fn image(meter: u64, reviews: u64) -> &'static str {
    match meter {
        75.. if reviews >= 80 => "certified",
        60.. => "fresh",
        _ => "rotten",
    }
}

fn consensus(film: &Film, meter: u64) -> &'static str {
    if film.draw("no consensus").happens(0.3) {
        return GAP;
    }
    film.draw("consensus").pick(match meter {
        75.. => PRAISE,
        45.. => DOUBT,
        _ => BLAME,
    })
}

const PRAISE: &[&str] = &[
    "Sharply written and finely played, it earns every one of its quiet turns.",
    "A rare pleasure: clever, warm and never a minute too long.",
    "Its cast and its camera lift a familiar story far above its kind.",
];

const DOUBT: &[&str] = &[
    "Uneven but good-natured, it lives on its leading pair.",
    "Handsome to look at, though its second half loses the thread.",
];

const BLAME: &[&str] = &[
    "Neither funny nor thrilling, it wastes a game cast.",
    "A promising idea, buried under noise and borrowed jokes.",
];
