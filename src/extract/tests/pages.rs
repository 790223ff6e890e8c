//! Pages: what an answer says of the one after it.

use super::*;
use crate::job::{NextPage, Pages};
use crate::record::{Kind, Rows};

fn paged(next: NextPage) -> Extractor {
    let columns = vec![column("id", ".id", Type::Integer)];
    Extractor::new(&Endpoint {
        rows: Some(".items[]".to_owned()),
        pages: Some(Pages { next, most: 1000 }),
        ..endpoint(columns, Some(".gone"))
    })
    .unwrap()
}

fn url(jq: &str) -> Extractor {
    paged(NextPage::Url(jq.to_owned()))
}

fn next(extractor: &Extractor, json: &str) -> Result<Option<String>, Failure> {
    let page = extractor.page(format!(r#"{{"items":[{{"id":1}}],"next":{json}}}"#).as_bytes())?;
    assert_eq!(page.extracted, Extracted::Rows(Rows::one(vec![Value::Integer(1)])));
    assert_eq!(page.more, None);
    Ok(page.next)
}

#[test]
fn a_next_page_is_a_text_or_a_number() {
    let cursor = NextPage::Cursor { value: ".next".to_owned(), parameter: "cursor".to_owned() };
    for extractor in [url(".next"), url("first(.next)"), paged(cursor)] {
        for (json, expected) in [
            (r#""/films?page=2""#, Some("/films?page=2")),
            (r#""a\u002fb""#, Some("a/b")),
            ("17", Some("17")),
            ("12345678901234567890", Some("12345678901234567890")),
            ("null", None),
            ("false", None),
            (r#""""#, None),
        ] {
            assert_eq!(next(&extractor, json).unwrap().as_deref(), expected, "{json}");
        }
        for json in ["true", "{}", "[1]"] {
            assert_eq!(next(&extractor, json).unwrap_err().kind, Kind::Extract, "{json}");
        }
    }
    assert_eq!(next(&url(".next"), r#""\ud800""#).unwrap_err().kind, Kind::Extract);
    assert_eq!(next(&url(".next?.url"), "null").unwrap(), None);
    assert_eq!(next(&url("empty"), "1").unwrap(), None);
    let failure = next(&url(".next.url"), "7").unwrap_err();
    assert_eq!(failure.detail, r#"pages.next: cannot index a number with "url""#);
}

#[test]
fn more_is_a_condition() {
    let more = |more: &str| NextPage::Offset { parameter: "start".into(), first: 0, more: Some(more.into()) };
    for jq in [".has_more", "first(.has_more)"] {
        let extractor = paged(more(jq));
        for (body, expected) in [(r#"{"items":[],"has_more":true}"#, true), (r#"{"items":[]}"#, false)] {
            let page = extractor.page(body.as_bytes()).unwrap();
            assert_eq!((page.next, page.more), (None, Some(expected)));
        }
    }
    let number = paged(NextPage::Number { parameter: "page".into(), first: 1, more: None });
    assert_eq!(number.page(br#"{"items":[]}"#).unwrap(), PageOf::last(Extracted::Rows(Rows::default())));
}

#[test]
fn a_missing_page_is_the_last() {
    let page = url(".next").page(br#"{"gone":true,"next":"/2"}"#).unwrap();
    assert_eq!(page, PageOf::last(Extracted::Missing));
}

#[test]
fn a_page_that_fails_says_nothing_of_the_next() {
    assert_eq!(url(".next").page(br#"{"items":[{"id":"x"}],"next":"/2"}"#).unwrap_err().kind, Kind::Convert);
    assert_eq!(url(".next").page(b"<html>").unwrap_err().kind, Kind::NotJson);
}

#[test]
fn without_pages_a_page_is_the_answer() {
    let extractor = Extractor::new(&endpoint(vec![column("id", ".id", Type::Integer)], None)).unwrap();
    let page = extractor.page(br#"{"id":7}"#).unwrap();
    assert_eq!(page, PageOf::last(extractor.extract(br#"{"id":7}"#).unwrap()));
}
