//! One film: its line in `movies.json` and the facts that several documents share.

use serde::Deserialize;
use serde_json::Value;

use crate::draw::Draw;

const MOVIES: &str = include_str!("data/movies.json");

/// A line of `movies.json`; amounts are whole US dollars.
#[derive(Debug, Deserialize)]
pub struct Record {
    /// Text, but also a number (`1776`) or null.
    #[serde(rename = "Title")]
    pub title: Value,
    #[serde(rename = "US Gross")]
    pub usa_gross: Option<u64>,
    #[serde(rename = "Worldwide Gross")]
    pub worldwide_gross: Option<u64>,
    #[serde(rename = "US DVD Sales")]
    pub dvd_sales: Option<u64>,
    #[serde(rename = "Production Budget")]
    pub budget: Option<u64>,
    /// `Jun 12 1998`; some lie in years to come, as the file has them.
    #[serde(rename = "Release Date")]
    pub released: String,
    #[serde(rename = "MPAA Rating")]
    pub rated: Option<String>,
    /// Minutes.
    #[serde(rename = "Running Time min")]
    pub runtime: Option<u64>,
    #[serde(rename = "Distributor")]
    pub distributor: Option<String>,
    #[serde(rename = "Source")]
    pub source: Option<String>,
    #[serde(rename = "Major Genre")]
    pub genre: Option<String>,
    #[serde(rename = "Creative Type")]
    pub creative_type: Option<String>,
    #[serde(rename = "Director")]
    pub director: Option<String>,
    /// Per cent.
    #[serde(rename = "Rotten Tomatoes Rating")]
    pub tomatoes: Option<u64>,
    /// 0 to 10.
    #[serde(rename = "IMDB Rating")]
    pub rating: Option<f64>,
    #[serde(rename = "IMDB Votes")]
    pub votes: Option<u64>,
}

/// A film and its place in `movies.json`, which seeds everything that the file does not say.
pub struct Film {
    pub number: u64,
    pub record: Record,
}

/// Every film of `movies.json`, in its order.
pub fn all() -> Result<Vec<Film>, serde_json::Error> {
    let records: Vec<Record> = serde_json::from_str(MOVIES)?;
    Ok((0..).zip(records).map(|(number, record)| Film { number, record }).collect())
}

impl Film {
    /// The draw that decides this fact of this film.
    pub fn draw(&self, fact: &str) -> Draw {
        Draw::about(self.number, fact)
    }

    /// The title as text, whatever the file has it as.
    pub fn title(&self) -> Option<String> {
        match &self.record.title {
            Value::Null => None,
            Value::String(title) => Some(title.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Month, day and year of the release, as text: `("Jun", "12", "1998")`.
    pub fn released(&self) -> Option<(&str, &str, &str)> {
        let mut parts = self.record.released.split_whitespace();
        Some((parts.next()?, parts.next()?, parts.next()?))
    }

    /// Year of the release.
    pub fn year(&self) -> Option<u64> {
        self.released()?.2.parse().ok()
    }

    /// Where it was made, the chief country first.
    pub fn countries(&self) -> Vec<&'static str> {
        let chief = self.draw("country").weigh(COUNTRIES);
        let partner = self.draw("second country").weigh(COUNTRIES);
        let shared = partner != chief && self.draw("co-production").happens(0.4);
        if shared { vec![chief, partner] } else { vec![chief] }
    }
}

/// Countries and how many in a hundred films come from there.
const COUNTRIES: &[(&str, u64)] = &[
    ("USA", 72),
    ("UK", 8),
    ("France", 4),
    ("Canada", 4),
    ("Germany", 3),
    ("Australia", 2),
    ("Japan", 2),
    ("Italy", 1),
    ("Spain", 1),
    ("India", 1),
    ("Hong Kong", 1),
    ("Mexico", 1),
];

/// `1071` as `1,071`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `146083` as `$146,083`.
pub fn dollars(amount: u64) -> String {
    format!("${}", grouped(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_film_is_read() {
        let films = all().expect("movies.json");
        assert_eq!(films.len(), 3_201);
        assert!(films.iter().all(|film| film.released().is_some()));
        assert_eq!(films.iter().filter(|film| film.title().is_none()).count(), 1);
        assert!(films.iter().any(|film| film.title().as_deref() == Some("1776")));
    }

    #[test]
    fn thousands_are_grouped() {
        let texts: Vec<String> = [0, 999, 1_071, 146_083, 2_767_891_499].map(grouped).to_vec();
        assert_eq!(texts, ["0", "999", "1,071", "146,083", "2,767,891,499"]);
    }
}
