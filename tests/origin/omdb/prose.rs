//! What a film is about and what was said of it, told from the file's genre, type and source.

use super::GAP;
use crate::film::Film;

/// Genres as the API names them, separated by commas.
pub fn genre(film: &Film) -> String {
    let chief = film.record.genre.as_deref().and_then(chief_genre);
    let second = film.record.creative_type.as_deref().and_then(second_genre);
    match (chief, second) {
        (Some(chief), Some(second)) if !chief.contains(second) => format!("{chief}, {second}"),
        (Some(only), _) | (None, Some(only)) => only.to_owned(),
        (None, None) => film.draw("genre").weigh(UNNAMED_GENRES).to_owned(),
    }
}

fn chief_genre(name: &str) -> Option<&'static str> {
    Some(match name {
        "Action" => "Action",
        "Adventure" => "Adventure",
        "Black Comedy" => "Comedy, Crime",
        "Comedy" => "Comedy",
        "Concert/Performance" => "Music",
        "Documentary" => "Documentary",
        "Drama" => "Drama",
        "Horror" => "Horror",
        "Musical" => "Musical",
        "Romantic Comedy" => "Comedy, Romance",
        "Thriller/Suspense" => "Thriller",
        "Western" => "Western",
        _ => return None,
    })
}

fn second_genre(name: &str) -> Option<&'static str> {
    Some(match name {
        "Dramatization" => "Biography",
        "Fantasy" => "Fantasy",
        "Historical Fiction" => "History",
        "Kids Fiction" => "Family",
        "Science Fiction" => "Sci-Fi",
        "Super Hero" => "Action",
        _ => return None,
    })
}

const UNNAMED_GENRES: &[(&str, u64)] =
    &[("Drama", 9), ("Comedy", 6), ("Crime, Drama", 3), ("Action", 3), ("Short", 1), (GAP, 1)];

/// One sentence.
pub fn plot(film: &Film) -> Option<String> {
    let hero = film.draw("hero").pick(HEROES);
    let turn = film.draw("turn").pick(TURNS);
    let end = film.draw("end").pick(ENDS);
    let source = film.record.source.as_deref().filter(|source| source.starts_with("Based on"));
    let source = source.map(|source| format!(" {source}.")).unwrap_or_default();
    film.draw("has plot").happens(0.97).then(|| format!("{hero} {turn}, and {end}.{source}"))
}

const HEROES: &[&str] = &[
    "A retired detective",
    "A small-town teacher",
    "Two estranged brothers",
    "A young widow",
    "The last lighthouse keeper",
    "A \"harmless\" thief",
    "An ageing boxer",
    "A ship's cook",
    "Four old friends",
    "A lawyer on her first case",
];

const TURNS: &[&str] = &[
    "returns home after twenty years",
    "finds a letter that was meant for somebody else",
    "is blamed for a robbery",
    "must cross the country in three days",
    "hears a stranger call on the radio",
    "inherits a house that nobody dares to enter",
    "loses everything in one night",
    "is asked to keep a secret",
];

const ENDS: &[&str] = &[
    "nothing stays as it was",
    "learns what the town has hidden",
    "falls in love on the way",
    "has until dawn to put it right",
    "meets an unlikely ally",
    "finds out that the past isn't over",
];

/// The languages of the countries, without repetition.
pub fn language(film: &Film) -> String {
    let mut languages = Vec::new();
    for country in film.countries() {
        let language = language_of(country);
        if !languages.contains(&language) {
            languages.push(language);
        }
    }
    languages.join(", ")
}

fn language_of(country: &str) -> &'static str {
    match country {
        "France" => "French",
        "Germany" => "German",
        "Japan" => "Japanese",
        "Italy" => "Italian",
        "Spain" | "Mexico" => "Spanish",
        "India" => "Hindi",
        "Hong Kong" => "Cantonese",
        _ => "English",
    }
}

/// Prizes; the better the rating, the more.
pub fn awards(film: &Film) -> Option<String> {
    let rating = film.record.rating?;
    let wins = film.draw("wins").between(0, (rating * 2.0) as u64);
    let nominations = wins + film.draw("nominations").between(1, (rating * 2.5) as u64 + 1);
    let oscars = film.draw("oscars").between(1, 4);
    match wins {
        _ if rating > 8.0 => {
            Some(format!("Won {oscars} Oscars. Another {wins} wins & {nominations} nominations."))
        }
        0 if film.draw("no awards").happens(0.6) => None,
        0 => Some(format!("{nominations} nominations.")),
        1 => Some(format!("1 win & {nominations} nominations.")),
        _ => Some(format!("{wins} wins & {nominations} nominations.")),
    }
}

/// Address of the poster.
pub fn poster(film: &Film) -> Option<String> {
    let name = film.draw("poster name").between(1_000_000_000, 9_999_999_999);
    film.draw("has poster")
        .happens(0.94)
        .then(|| format!("https://images.example.com/posters/{name}_SX300.jpg"))
}

/// Address of the film's own site; few films have one.
pub fn website(film: &Film) -> Option<String> {
    let title = slug(film, "-")?;
    film.draw("has website").happens(0.35).then(|| format!("http://www.{title}.example.com/"))
}

/// The title in lower case, for an address; `None` where nothing is left of it.
pub fn slug(film: &Film, separator: &str) -> Option<String> {
    let title = film.title()?.to_ascii_lowercase();
    let words =
        title.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<&str>>().join(separator);
    (!slug.is_empty()).then_some(slug)
}
