//! Every film's documents, made once at the start. All ids of a film share its two documents; an answer is a copy
//! with the nine bytes of its id put in place.

use std::io::Write;

use bytes::Bytes;
use serde::Serialize;

use crate::film::{self, Film};
use crate::{business, ids, omdb};

/// The films, as they are served.
pub struct Library {
    films: Vec<Documents>,
    /// Ids that exist: the first so many of the endless list.
    listed: u32,
}

struct Documents {
    omdb: Document,
    business: Document,
    /// The chief country, for the list of ids.
    country: &'static str,
}

impl Library {
    /// Reads the films and makes their documents.
    pub fn open(listed: u32) -> Result<Library, serde_json::Error> {
        let films = film::all()?.iter().map(Documents::of).collect::<Result<_, _>>()?;
        Ok(Library { films, listed })
    }

    /// How many films there are.
    pub fn films(&self) -> usize {
        self.films.len()
    }

    /// How many ids there are.
    pub fn listed(&self) -> u32 {
        self.listed
    }

    /// The film endpoint's document of an id; `None` if it does not know it.
    pub fn omdb(&self, index: Option<u32>) -> Option<Bytes> {
        let index = index.filter(|&index| index < self.listed && ids::is_known(index))?;
        Some(self.film(index).omdb.with_id(index))
    }

    /// The business endpoint's document of an id; `None` if it does not know it.
    pub fn business(&self, index: Option<u32>) -> Option<Bytes> {
        let index = index.filter(|&index| index < self.listed)?;
        Some(self.film(index).business.with_id(index))
    }

    /// Writes the list of ids as CSV, with the country that each film comes from.
    pub fn print_ids(&self, mut out: impl Write) -> std::io::Result<()> {
        let mut lines = String::from("imdb_id,country\n");
        for index in 0..self.listed {
            lines.extend(ids::text(index).map(char::from));
            lines.extend([",", self.film(index).country, "\n"]);
        }
        out.write_all(lines.as_bytes())
    }

    fn film(&self, index: u32) -> &Documents {
        &self.films[index as usize % self.films.len()]
    }
}

impl Documents {
    fn of(film: &Film) -> Result<Documents, serde_json::Error> {
        Ok(Documents {
            omdb: Document::of(&omdb::document(film, PLACEHOLDER))?,
            business: Document::of(&business::document(film, PLACEHOLDER))?,
            country: film.countries()[0],
        })
    }
}

/// Stands in a document where the id goes; no title or name contains it.
const PLACEHOLDER: &str = "tt0000000";

/// JSON with a place for an id.
struct Document {
    body: Vec<u8>,
    /// Where the id begins, in bytes.
    id_at: usize,
}

impl Document {
    fn of(value: &impl Serialize) -> Result<Document, serde_json::Error> {
        let text = serde_json::to_string(value)?;
        let id_at = text.find(PLACEHOLDER).unwrap_or_default();
        Ok(Document { body: text.into_bytes(), id_at })
    }

    fn with_id(&self, index: u32) -> Bytes {
        let mut body = self.body.clone();
        body[self.id_at..self.id_at + ids::LENGTH].copy_from_slice(&ids::text(index));
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn library() -> Library {
        Library::open(ids::LISTED).expect("movies.json")
    }

    #[test]
    fn documents_carry_the_id_that_was_asked() {
        let library = library();
        for index in (0..ids::LISTED).filter(|&index| ids::is_known(index)).step_by(97) {
            let omdb: Value =
                serde_json::from_slice(&library.omdb(Some(index)).expect("known")).expect("JSON");
            let business: Value =
                serde_json::from_slice(&library.business(Some(index)).expect("known")).expect("JSON");
            let id = String::from_utf8_lossy(&ids::text(index)).into_owned();
            assert_eq!((&omdb["imdbID"], &business["imdb_id"]), (&Value::from(id.clone()), &Value::from(id)));
        }
    }

    #[test]
    fn ids_beyond_the_list_are_unknown() {
        let library = library();
        assert!(library.omdb(Some(ids::LISTED)).is_none() && library.business(Some(ids::LISTED)).is_none());
        assert!(library.omdb(None).is_none() && library.business(None).is_none());
    }

    #[test]
    fn no_two_ids_share_a_line_and_all_films_are_reached() {
        let library = library();
        let first = library.omdb(Some(0)).expect("known");
        let again = library.omdb(Some(library.films() as u32)).expect("known");
        assert_ne!(first, again);
        assert_eq!(first.len(), again.len());
    }
}
