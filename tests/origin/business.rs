//! A film's money as an older library gives it: lists of text, each with its remark in brackets.

use serde::Serialize;

use crate::film::{Film, dollars};

/// Share of the films without a budget.
const NO_BUDGET_SHARE: f64 = 0.06;

/// The answer of `/business/{id}`. A list that the library does not have is left out or empty.
#[derive(Serialize)]
pub struct Business {
    imdb_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Vec<String>>,
    /// In the USA, then worldwide.
    gross: Vec<String>,
    opening_weekend: Vec<String>,
    dvd_sales: Vec<String>,
}

/// The document of a film, with a placeholder for its id.
pub fn document(film: &Film, id: &'static str) -> Business {
    Business {
        imdb_id: id,
        budget: budget(film),
        gross: gross(film),
        opening_weekend: opening_weekend(film),
        dvd_sales: film
            .record
            .dvd_sales
            .map(|amount| format!("{} (USA)", dollars(amount)))
            .into_iter()
            .collect(),
    }
}

fn budget(film: &Film) -> Option<Vec<String>> {
    let known = film.record.budget.filter(|_| !film.draw("no budget").happens(NO_BUDGET_SHARE));
    match known {
        Some(amount) if film.draw("exact budget").happens(0.15) => Some(vec![dollars(amount)]),
        Some(amount) => Some(vec![format!("{} (estimated)", dollars(amount))]),
        None if film.draw("empty budget").happens(0.5) => Some(Vec::new()),
        None => None,
    }
}

fn gross(film: &Film) -> Vec<String> {
    let usa = film.record.usa_gross.map(|amount| format!("{} (USA)", dollars(amount)));
    let worldwide = film.record.worldwide_gross.map(|amount| format!("{} (Worldwide)", dollars(amount)));
    usa.into_iter().chain(worldwide).collect()
}

fn opening_weekend(film: &Film) -> Vec<String> {
    let known = film.record.usa_gross.filter(|&gross| gross > 0 && film.year() > Some(1980));
    let line = known.zip(film.released()).map(|(gross, (month, day, year))| {
        let amount = gross * film.draw("opening weekend").between(8, 40) / 100;
        format!("{} (USA) ({day} {month} {year})", dollars(amount))
    });
    line.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::film;

    fn documents() -> Vec<serde_json::Value> {
        let films = film::all().expect("movies.json");
        films.iter().map(|film| serde_json::to_value(document(film, "tt0000000")).expect("JSON")).collect()
    }

    #[test]
    fn money_is_text_in_lists() {
        let first = &documents()[0];
        assert_eq!(first["budget"][0], "$8,000,000");
        assert_eq!(first["gross"][0], "$146,083 (USA)");
        assert_eq!(first["gross"][1], "$146,083 (Worldwide)");
    }

    #[test]
    fn most_budgets_are_estimated() {
        let documents = documents();
        let budgets = documents.iter().filter_map(|business| business["budget"][0].as_str());
        let estimated = budgets.filter(|budget| budget.ends_with(" (estimated)")).count();
        assert!((2_450..=2_750).contains(&estimated), "{estimated}");
    }

    #[test]
    fn some_films_have_no_budget_in_either_way() {
        let documents = documents();
        let absent = documents.iter().filter(|business| business.get("budget").is_none()).count();
        let empty = documents.iter().filter(|business| business["budget"] == serde_json::json!([])).count();
        assert!((65..=130).contains(&absent) && (65..=130).contains(&empty), "{absent} {empty}");
    }
}
