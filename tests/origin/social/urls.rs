//! The URLs of the example's list: pages of four invented sites, with everything that a URL may hold.

use crate::draw::Draw;

/// URLs in `schemas/social_urls.csv`.
pub const LISTED: u64 = 300;

/// The URL at a place of the list, and its section.
pub fn url(place: u64) -> (String, &'static str) {
    let draw = |fact: &str| Draw::about(place, fact);
    let words = format!("{}-{}", draw("first word").pick(FIRST), draw("second word").pick(SECOND));
    let (year, month) = (draw("year").between(2012, 2016), draw("month").between(1, 12));
    match draw("site").weigh(&[(0, 5), (1, 3), (2, 2), (3, 1)]) {
        0 => (format!("http://www.example.com/{year}/{month:02}/{words}-{place}/"), "blog"),
        1 => (
            format!(
                "https://shop.example.org/item?id={place}&colours=red,blue&q={}",
                words.replace('-', "+")
            ),
            "shop",
        ),
        2 => (format!("http://news.example.net/{words},{place}.html"), "news"),
        _ => (format!("https://example.org/caf%C3%A9/größe/{place}~{words}"), "travel"),
    }
}

const FIRST: &[&str] = &["ten", "best", "new", "easy", "cheap", "secret", "wild", "quiet", "slow", "perfect"];
const SECOND: &[&str] =
    &["recipes", "gardens", "walks", "songs", "lamps", "maps", "trains", "shoes", "islands"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn urls_differ_and_some_are_awkward() {
        let urls: BTreeSet<String> = (0..LISTED).map(|place| url(place).0).collect();
        assert_eq!(urls.len() as u64, LISTED);
        for sign in [",", "&", "+", "%", "ö", "~"] {
            assert!(urls.iter().any(|url| url.contains(sign)), "{sign}");
        }
    }
}
