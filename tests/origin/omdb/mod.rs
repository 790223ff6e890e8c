//! A film in the shape of the Open Movie Database's API (<https://www.omdbapi.com>): every value is text, and what is
//! not known is `N/A`.

mod people;
mod prose;
mod scores;

use serde::Serialize;

use crate::film::{Film, dollars};
use scores::{Rating, Tomatoes};

/// What the API answers to an id that it does not have, with status 200.
pub const UNKNOWN: &str = r#"{"Response":"False","Error":"Incorrect IMDb ID."}"#;

/// What stands where nothing is known.
const GAP: &str = "N/A";

/// The answer of `/?i={id}`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    title: String,
    year: String,
    rated: String,
    released: String,
    runtime: String,
    genre: String,
    director: String,
    writer: String,
    actors: String,
    plot: String,
    language: String,
    country: String,
    awards: String,
    poster: String,
    ratings: Vec<Rating>,
    metascore: String,
    #[serde(rename = "imdbRating")]
    imdb_rating: String,
    #[serde(rename = "imdbVotes")]
    imdb_votes: String,
    #[serde(rename = "imdbID")]
    imdb_id: &'static str,
    r#type: &'static str,
    #[serde(flatten)]
    tomatoes: Tomatoes,
    #[serde(rename = "DVD")]
    dvd: String,
    box_office: String,
    production: String,
    website: String,
    response: &'static str,
}

/// The document of a film, with a placeholder for its id.
pub fn document(film: &Film, id: &'static str) -> Document {
    let record = &film.record;
    let metascore = scores::metascore(film);
    Document {
        title: or_gap(film.title()),
        year: or_gap(film.released().map(|(_, _, year)| year.to_owned())),
        rated: or_gap(record.rated.clone()),
        released: or_gap(film.released().map(|(month, day, year)| format!("{day} {month} {year}"))),
        runtime: or_gap(runtime(film)),
        genre: prose::genre(film),
        director: or_gap(people::director(film)),
        writer: or_gap(people::writers(film)),
        actors: or_gap(people::actors(film)),
        plot: or_gap(prose::plot(film)),
        language: prose::language(film),
        country: film.countries().join(", "),
        awards: or_gap(prose::awards(film)),
        poster: or_gap(prose::poster(film)),
        ratings: scores::ratings(film, metascore),
        metascore: or_gap(metascore.map(|score| score.to_string())),
        imdb_rating: or_gap(record.rating.map(|rating| format!("{rating:.1}"))),
        imdb_votes: or_gap(record.votes.map(crate::film::grouped)),
        imdb_id: id,
        r#type: "movie",
        tomatoes: scores::tomatoes(film),
        dvd: or_gap(dvd(film)),
        box_office: or_gap(record.usa_gross.map(dollars)),
        production: or_gap(record.distributor.clone()),
        website: or_gap(prose::website(film)),
        response: "True",
    }
}

fn or_gap(value: Option<String>) -> String {
    value.unwrap_or_else(|| GAP.to_owned())
}

fn runtime(film: &Film) -> Option<String> {
    let guess = || film.draw("has runtime").happens(0.9).then(|| film.draw("runtime").between(80, 138));
    film.record.runtime.or_else(guess).map(|minutes| format!("{minutes} min"))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Some months after the release, or in the disc's first years for what is older. Of a few only the year is known.
fn dvd(film: &Film) -> Option<String> {
    let released = film.year().filter(|&year| year < 2012 && film.draw("has DVD").happens(0.88))?;
    let months = match released {
        0..1997 => film.draw("DVD").between(1998 * 12, 2006 * 12),
        _ => released * 12 + film.draw("DVD").between(6, 17),
    };
    let (month, year) = (MONTHS[(months % 12) as usize], months / 12);
    if film.draw("DVD day").happens(0.004) {
        return Some(year.to_string());
    }
    Some(format!("{:02} {month} {year}", film.draw("DVD day of month").between(1, 28)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::film;
    use serde_json::Value;

    fn documents() -> Vec<Value> {
        let films = film::all().expect("movies.json");
        films.iter().map(|film| serde_json::to_value(document(film, "tt0000000")).expect("JSON")).collect()
    }

    #[test]
    fn the_files_own_values_are_shown() {
        let first = &documents()[0];
        for (key, value) in [
            ("Title", "The Land Girls"),
            ("Year", "1998"),
            ("Rated", "R"),
            ("Released", "12 Jun 1998"),
            ("imdbRating", "6.1"),
            ("imdbVotes", "1,071"),
            ("BoxOffice", "$146,083"),
            ("Production", "Gramercy"),
            ("Type", "movie"),
            ("Response", "True"),
        ] {
            assert_eq!(first[key], value, "{key}");
        }
    }

    #[test]
    fn every_value_is_text_but_the_list_of_ratings() {
        for document in documents() {
            let fields = document.as_object().expect("an object");
            assert_eq!(fields.len(), 36);
            assert!(fields.iter().all(|(key, value)| value.is_string() || key == "Ratings"), "{document}");
        }
    }

    #[test]
    fn gaps_are_neither_rare_nor_everywhere() {
        let documents = documents();
        for key in
            ["Rated", "Runtime", "Director", "Plot", "Awards", "Poster", "DVD", "Website", "tomatoMeter"]
        {
            let gaps = documents.iter().filter(|document| document[key] == GAP).count();
            assert!((15..2_900).contains(&gaps), "{key}: {gaps}");
        }
    }
}
