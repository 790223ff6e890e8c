//! The lists that the example jobs read, as `--print-ids` prints them.

use std::io::{self, Write};

use clap::ValueEnum;

use crate::library::Library;
use crate::social::urls;
use crate::{odds, ohlc};

/// A list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum List {
    /// schemas/movie_ids.csv
    Films,
    /// schemas/social_urls.csv
    Urls,
    /// schemas/odds_matches.csv
    Matches,
    /// schemas/ohlc_symbols.csv
    Symbols,
    /// schemas/scrape_urls.txt
    Pages,
}

/// Pages in `schemas/scrape_urls.txt`.
const PAGES: u64 = 50;

impl List {
    /// Writes the list.
    pub fn print(self, library: &Library, mut out: impl Write) -> io::Result<()> {
        match self {
            List::Films => library.print_ids(out),
            List::Urls => {
                // Some URLs hold commas, none a quote.
                let lines =
                    (0..urls::LISTED).map(urls::url).map(|(url, section)| format!("\"{url}\",{section}\n"));
                out.write_all(format!("url,section\n{}", lines.collect::<String>()).as_bytes())
            }
            List::Matches => {
                let lines =
                    (0..odds::LISTED).map(odds::listed).map(|(id, league)| format!("{id},{league}\n"));
                out.write_all(format!("match_id,league\n{}", lines.collect::<String>()).as_bytes())
            }
            List::Symbols => {
                let lines: String = (0..ohlc::LISTED).map(|place| ohlc::listed(place) + "\n").collect();
                out.write_all(format!("symbol\n{lines}").as_bytes())
            }
            List::Pages => {
                let lines = (1..=PAGES).map(|number| format!("http://127.0.0.1:8477/pages/{number}\n"));
                out.write_all(lines.collect::<String>().as_bytes())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids;

    /// After a change on purpose: `cargo run --example origin -- --print-ids=urls > schemas/social_urls.csv`, and so on.
    #[test]
    fn the_lists_have_not_drifted() {
        let library = Library::open(ids::LISTED).expect("movies.json");
        for (list, name, kept) in [
            (List::Films, "movie_ids.csv", &include_bytes!("../../schemas/movie_ids.csv")[..]),
            (List::Urls, "social_urls.csv", include_bytes!("../../schemas/social_urls.csv")),
            (List::Matches, "odds_matches.csv", include_bytes!("../../schemas/odds_matches.csv")),
            (List::Symbols, "ohlc_symbols.csv", include_bytes!("../../schemas/ohlc_symbols.csv")),
            (List::Pages, "scrape_urls.txt", include_bytes!("../../schemas/scrape_urls.txt")),
        ] {
            let mut printed = Vec::new();
            list.print(&library, &mut printed).expect("memory");
            assert!(printed == kept, "schemas/{name} has drifted");
        }
    }
}
