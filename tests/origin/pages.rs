//! `/pages/{n}`: plain pages with a title and links, from 1 to a million. The number says how a page is written and
//! packed, so that a test can choose.
//!
//! | n mod 7 | charset | where it is declared |
//! |---|---|---|
//! | 0 | UTF-8 | header |
//! | 1 | ISO-8859-1 | header |
//! | 2 | windows-1252 | `<meta charset>` |
//! | 3 | UTF-8 | `<meta http-equiv>` |
//! | 4 | windows-1252 | header; the `<meta>` says UTF-8 and is wrong |
//! | 5 | UTF-8 | by its byte order mark |
//! | 6 | ASCII, the rest as entities | nowhere |
//!
//! ⌊n / 7⌋ mod 5: not packed, gzip, deflate, br, zstd, for whoever accepts it.

use hyper::StatusCode;
use serde::Serialize;

use crate::answer::Answer;
use crate::coding::Coding;
use crate::draw::Draw;
use crate::html::{self, escaped};

/// The last page.
const LAST: u64 = 1_000_000;

/// What a page says.
#[derive(Debug, Serialize)]
pub struct Page {
    pub number: u64,
    pub title: String,
    /// The `href` of every link, in order, as an HTML reader gives it.
    pub links: Vec<String>,
}

/// How a page's text becomes bytes, and how a reader learns of it.
struct Writing {
    content_type: &'static str,
    /// An element in the page's head.
    meta: &'static str,
    encode: fn(&str) -> Vec<u8>,
}

const WRITINGS: [Writing; 7] = [
    Writing { content_type: "text/html; charset=utf-8", meta: "", encode: utf8 },
    Writing { content_type: "text/html; charset=ISO-8859-1", meta: "", encode: windows1252 },
    Writing { content_type: "text/html", meta: "<meta charset=\"windows-1252\">", encode: windows1252 },
    Writing {
        content_type: "text/html",
        meta: "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">",
        encode: utf8,
    },
    Writing {
        content_type: "text/html; charset=\"windows-1252\"",
        meta: "<meta charset=\"utf-8\">",
        encode: windows1252,
    },
    Writing { content_type: "text/html", meta: "", encode: utf8_with_mark },
    Writing { content_type: "text/html", meta: "", encode: ascii },
];

/// The page of a number.
pub fn answer(id: &str) -> Answer {
    let Some(page) = Page::find(id) else { return html::not_found(&format!("page {id}")) };
    let writing = &WRITINGS[page.number as usize % WRITINGS.len()];
    let coding = match page.number / 7 % 5 {
        1 => Some(Coding::Gzip),
        2 => Some(Coding::Deflate),
        3 => Some(Coding::Brotli),
        4 => Some(Coding::Zstandard),
        _ => None,
    };
    let body = (writing.encode)(&page.html(writing.meta));
    Answer { status: StatusCode::OK, coding, ..Answer::of(writing.content_type, body) }
}

impl Page {
    /// The page of a number; `None` for what is none.
    pub fn find(id: &str) -> Option<Page> {
        let number = id.parse().ok().filter(|number| (1..=LAST).contains(number))?;
        let links =
            (0..Draw::about(number, "links").between(0, 9)).map(|place| link(number, place)).collect();
        Some(Page { number, title: title(number), links })
    }

    fn html(&self, meta: &str) -> String {
        let links = self.links.iter().map(|link| format!("<li><a href=\"{}\">Go</a></li>\n", escaped(link)));
        format!(
            "<!DOCTYPE html>\n<html>\n<head>{meta}\n<title>\n  {}\n</title>\n</head>\n<body>\n<a name=\"top\"></a>\n\
             <h1>{}</h1>\n<ul>\n{}</ul>\n</body>\n</html>\n",
            escaped(&self.title),
            escaped(&self.title),
            links.collect::<String>(),
        )
    }
}

/// In letters that the page's charset has; ISO-8859-1 has no dash and no euro sign.
fn title(number: u64) -> String {
    let word =
        Draw::about(number, "word").pick(&["Café", "Größe", "Señor", "naïve", "smörgås", "Über", "coração"]);
    let sign = match number % 7 {
        1 => "§ 2",
        2 | 4 => "– 5 €",
        _ => "– 東京",
    };
    format!("{word} & Co. {sign}, no. {number}")
}

fn link(number: u64, place: u64) -> String {
    let draw = Draw::about(number, &format!("link {place}"));
    let other = draw.between(1, 50);
    match draw.between(0, 1_000) % 6 {
        0 => format!("/pages/{other}"),
        1 => format!("{other}"),
        2 => format!("../pages/{other}?from={number}&place={place}#top"),
        3 => format!("https://www.example.com/articles/{other}"),
        4 => format!("//cdn.example.net/{other}.pdf"),
        _ => "#top".to_owned(),
    }
}

fn utf8(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn utf8_with_mark(text: &str) -> Vec<u8> {
    [b"\xef\xbb\xbf", text.as_bytes()].concat()
}

/// Also ISO-8859-1, where the text has nothing between U+0080 and U+009F.
fn windows1252(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
}

fn ascii(text: &str) -> Vec<u8> {
    let entity = |one: char| if one.is_ascii() { one.to_string() } else { format!("&#{};", one as u32) };
    text.chars().map(entity).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
    use scraper::{Html, Selector};

    use super::*;

    /// How each kind of page is decoded by whoever follows its declaration.
    const DECODED: [&Encoding; 7] = [UTF_8, WINDOWS_1252, WINDOWS_1252, UTF_8, WINDOWS_1252, UTF_8, UTF_8];

    /// The titles and the links that a reader finds.
    fn read(page: &Html) -> (Vec<String>, Vec<String>) {
        let [title, link] =
            ["title", "a[href]"].map(|selector| Selector::parse(selector).expect("a selector"));
        let titles = page.select(&title).map(|title| title.text().collect::<String>().trim().to_owned());
        let links = page.select(&link).filter_map(|link| link.attr("href")).map(str::to_owned);
        (titles.collect(), links.collect())
    }

    #[test]
    fn a_reader_finds_title_and_links() {
        for number in 1..=70 {
            let answer = answer(&number.to_string());
            let (text, _, had_errors) = DECODED[number % 7].decode(&answer.body);
            let page = Html::parse_document(&text);
            let expected = Page::find(&number.to_string()).expect("a page");
            assert_eq!(read(&page), (vec![expected.title], expected.links), "{number}");
            assert!(!had_errors, "{number}");
        }
    }

    #[test]
    fn iso_8859_1_is_what_it_says() {
        for number in (1..700).step_by(7) {
            assert!(
                answer(&number.to_string()).body.iter().all(|byte| !(0x80..0xa0).contains(byte)),
                "{number}"
            );
        }
    }

    #[test]
    fn every_coding_comes_with_every_charset() {
        let codings = |kind: u64| {
            (0..5).map(move |row| answer(&(row * 7 + kind + 7).to_string()).coding.map(Coding::name))
        };
        for kind in 0..7 {
            let mut codings: Vec<_> = codings(kind).collect();
            codings.sort();
            assert_eq!(codings, [None, Some("br"), Some("deflate"), Some("gzip"), Some("zstd")]);
        }
    }

    #[test]
    fn what_is_no_page_is_not_found() {
        for id in ["", "0", "1000001", "x", "-1"] {
            assert_eq!(answer(id).status, StatusCode::NOT_FOUND, "{id}");
        }
    }
}
