//! What `make soak` throws at this module, and what holds whatever it is. `make test` gives it the seeds that lie in
//! `tests/fuzz/seeds`.

use std::str::from_utf8;

use serde::de::IgnoredAny;

use super::expression::{Expression, ParsedAnswer, planted};
use super::{Extracted, Extractor, jq};
use crate::job::{self, AnswerFormat, Css, Endpoint, Template};
use crate::record::Kind;
use crate::value::Type;

/// Nesting that every reader of JSON here takes.
const SHALLOW: usize = 100;

/// An expression in the first line, and an answer: an expression is compiled or refused; a plain path means what it means to
/// the interpreter; and what is JSON here is JSON to another library.
pub fn json(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let (path, text) = text.split_once('\n').unwrap_or((text, "null"));
    let Ok(mut plain) = Expression::new(path) else { return };
    // One that is not plain may run for ever: that is the watchdog's.
    let Some(path_of) = plain.plain() else { return };
    // A comment may take the bracket with it.
    if path.contains('#') {
        return;
    }
    let trie = planted([path_of]);
    let is_shallow = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() < SHALLOW;
    if !is_shallow || text.trim_ascii().is_empty() {
        return;
    }
    let read = ParsedAnswer::read(text, &trie);
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert_eq!(read.is_ok(), is_json, "{text}");
    let Ok(answer) = read else { return };
    let interpreted = Expression::new(&format!("({path}\n), empty")).expect("a path stays one in brackets");
    assert_eq!(outcome(&plain, &answer), outcome(&interpreted, &answer), "{path} of {text}");
}

/// What an expression gives, in the interpreter's spelling.
fn outcome(expression: &Expression, answer: &ParsedAnswer<'_>) -> Result<Option<String>, Kind> {
    let json = expression.value(answer, "x").map_err(|failure| failure.kind)?;
    Ok(json.map(|json| jq::parse(&json).and_then(|value| jq::to_json(&value)).unwrap_or_default()))
}

/// A selector for rows, one for a value, and a page: each row has its value, text is one line, and the same page gives the
/// same again.
pub fn html(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let mut parts = text.splitn(3, '\n');
    let (rows, selector, page) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let css = |attribute: Option<&str>| {
        let selector = selector.unwrap_or_default().to_owned();
        job::Expression::Css(Css {
            selector,
            attribute: attribute.map(str::to_owned),
            all: attribute.is_none(),
        })
    };
    let columns = vec![
        job::Column::plain("all", css(None), Type::Json),
        job::Column::plain("href", css(Some("href")), Type::Text),
        job::Column::plain(
            "text",
            job::Expression::Css(Css { selector: ":scope".to_owned(), attribute: None, all: false }),
            Type::Text,
        ),
    ];
    let mut endpoint = Endpoint::get("fuzz", Template { parts: Vec::new() }, columns);
    endpoint.format = AnswerFormat::Html;
    endpoint.rows = rows.filter(|rows| !rows.is_empty()).map(str::to_owned);
    endpoint.bounds.max_answer = 1 << 20;
    let Ok(extractor) = Extractor::compile(&endpoint) else { return };
    let first = extractor.extract(page.as_bytes());
    if let Ok(Extracted::Rows(rows)) = &first {
        assert_eq!(rows.values.len() % 3, 0);
        assert!(endpoint.rows.is_some() || rows.values.len() == 3);
    }
    assert_eq!(format!("{first:?}"), format!("{:?}", extractor.extract(page.as_bytes())));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_hold() {
        for (target, run) in [("json", super::json as fn(&[u8])), ("html", super::html)] {
            crate::fuzz_seeds::of(target).iter().for_each(|seed| run(seed));
        }
    }
}
