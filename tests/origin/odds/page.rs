//! A match as a page: one table of odds among other things, with the markup that real pages have.

use std::fmt::Write;

use super::{Match, Offer};
use crate::answer::{Answer, HTML};
use crate::draw::Draw;
use crate::html::escaped;

/// The page. A match without offers has a table with nothing but its head, or no table at all.
pub fn of(found: &Match) -> Answer {
    let (home, away) = (escaped(found.home), escaped(found.away));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{home} v {away} | Odds &amp; Prices</title>\n</head>\n\
         <body data-match=\"{}\">\n<h1><span class=\"home\">{home}</span> v <span class=\"away\">{away}</span></h1>\n\
         <p>Kick-off: <time class=\"kick-off\" datetime=\"{}\">{}</time></p>\n\
         <table class=\"form\"><tr><th>Last five</th><td>{}</td></tr></table>\n",
        found.id,
        found.kick_off,
        spoken(&found.kick_off),
        draw(found, "form").pick(&["WWDLW", "LLDWD", "DDDDW", "WLWLW"]),
    );
    if found.offers.is_empty() && draw(found, "no table").happens(0.5) {
        page += "<p class=\"empty\">No odds yet.</p>\n";
    } else {
        page += &table(&found.offers);
    }
    Answer::of(HTML, page + "</body>\n</html>\n")
}

fn draw(found: &Match, fact: &str) -> Draw {
    super::draw(&found.id, fact)
}

/// `2026-08-15T14:30:00Z` as `15 August 2026, 14:30 UTC`.
fn spoken(kick_off: &str) -> String {
    format!("{} August 2026, {} UTC", kick_off[8..10].trim_start_matches('0'), &kick_off[11..16])
}

fn table(offers: &[Offer]) -> String {
    let mut table = String::from(
        "<table class=\"odds\">\n<thead><tr><th>Bookmaker</th><th>Market</th><th>Price</th></tr></thead>\n<tbody>\n",
    );
    for (place, offer) in offers.iter().enumerate() {
        let written = writeln!(
            table,
            "<tr class=\"{}\">\n  <td class=\"bookmaker\"><a href=\"/bookmakers/{}\">{}</a></td>\n  \
             <td class=\"market\">{}</td>\n  <td class=\"price\">{}</td>\n</tr>",
            if place % 2 == 0 { "odd" } else { "even" },
            slug(offer.bookmaker),
            escaped(offer.bookmaker),
            market(offer.market),
            price(offer, place),
        );
        debug_assert!(written.is_ok(), "text grows without errors");
    }
    table + "</tbody>\n</table>\n"
}

/// With its second half in an element of its own, on a line of its own.
fn market(name: &str) -> String {
    match name.split_once(' ') {
        Some((first, rest)) => format!("<b>{}</b>\n    <span>{}</span>", escaped(first), escaped(rest)),
        None => escaped(name).into_owned(),
    }
}

fn price(offer: &Offer, place: usize) -> String {
    match &offer.price {
        Some(price) if place.is_multiple_of(3) => format!("<span class=\"up\">{price}</span>"),
        Some(price) => price.clone(),
        None if place.is_multiple_of(2) => "-".to_owned(),
        None => String::new(),
    }
}

/// Lower-case letters with dashes between them.
fn slug(name: &str) -> String {
    let words = name.split(|one: char| !one.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use scraper::{ElementRef, Html, Selector};

    use super::super::{LISTED, listed};
    use super::*;

    fn found(place: u32) -> Option<Match> {
        Match::find(&listed(place).0, 0)
    }

    fn parsed(found: &Match) -> Html {
        Html::parse_document(std::str::from_utf8(&of(found).body).expect("UTF-8"))
    }

    /// The texts of what a selector finds, white space folded.
    fn texts(within: ElementRef<'_>, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let text = |found: ElementRef<'_>| found.text().collect::<String>();
        within
            .select(&selector)
            .map(|found| text(found).split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn a_reader_finds_every_offer() {
        for found in (0..LISTED).filter_map(found) {
            let page = parsed(&found);
            let cells = |class| texts(page.root_element(), &format!("table.odds td.{class}"));
            let bookmakers: Vec<&str> = found.offers.iter().map(|offer| offer.bookmaker).collect();
            let markets: Vec<&str> = found.offers.iter().map(|offer| offer.market).collect();
            assert_eq!((cells("bookmaker"), cells("market")), (owned(&bookmakers), owned(&markets)));
            let prices: Vec<Option<String>> = cells("price")
                .into_iter()
                .map(|text| Some(text).filter(|text| !text.is_empty() && text != "-"))
                .collect();
            assert_eq!(prices, found.offers.iter().map(|offer| offer.price.clone()).collect::<Vec<_>>());
            assert_eq!(texts(page.root_element(), ".home"), [found.home]);
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn every_kind_of_gap_comes_up() {
        let pages: Vec<String> = (0..LISTED)
            .filter_map(found)
            .map(|found| String::from_utf8(of(&found).body.to_vec()).expect("UTF-8"))
            .collect();
        for part in [
            "<td class=\"price\"></td>",
            "<td class=\"price\">-</td>",
            "No odds yet",
            "<tbody>\n</tbody>",
            "&amp;",
        ] {
            assert!(pages.iter().any(|page| page.contains(part)), "{part}");
        }
    }

    #[test]
    fn the_kick_off_is_told_twice() {
        assert_eq!(spoken("2026-08-05T14:30:00Z"), "5 August 2026, 14:30 UTC");
    }
}
