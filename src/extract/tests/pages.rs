//! Pages: what an answer says of the one after it.

use super::*;
use crate::job::{NextPage, Pages};
use crate::record::{Kind, Rows};

fn paged(next: NextPage) -> Extractor {
    let columns = vec![column("id", ".id", Type::Integer)];
    Extractor::compile(&Endpoint {
        rows: Some(".items[]".to_owned()),
        pages: Some(Pages { next, max: 1000, items: Some(".items".to_owned()) }),
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

fn counted(rows: &str, items: Option<&str>) -> Extractor {
    let pages = Pages {
        next: NextPage::Number { parameter: "page".into(), first: 1, more: None },
        max: 9,
        items: items.map(str::to_owned),
    };
    let columns = vec![column("id", ".id?", Type::Integer)];
    Extractor::compile(&Endpoint {
        rows: Some(rows.to_owned()),
        pages: Some(pages),
        ..endpoint(columns, None)
    })
    .unwrap()
}

#[test]
fn a_page_holds_its_items_whatever_is_selected_of_them() {
    let body =
        br#"{"items":[{"id":1},{"id":2},{"id":3}],"n":3,"none":null,"map":{"a":{},"b":{}},"word":"x"}"#;
    for (items, expected) in [
        (Some(".items"), 3),
        (Some(".n"), 3),
        (Some(".none"), 0),
        (Some("empty"), 0),
        (Some(".map"), 2),
        (Some(".items | length"), 3),
        (None, 1),
    ] {
        let page = counted(".items[] | select(.id == 2)", items).page(body).unwrap();
        assert_eq!(page.items, expected, "{items:?}");
        let Extracted::Rows(rows) = page.extracted else { panic!("missing") };
        assert_eq!(rows.count, 1);
    }
    for items in [".word", ".items[]", "-1", "1.5", "true"] {
        let failure = counted(".items[]", Some(items)).page(body).unwrap_err();
        assert_eq!(failure.kind, Kind::Extract, "{items}");
        assert!(failure.detail.starts_with("pages.items: "), "{failure:?}");
    }
}

#[test]
fn the_same_items_have_the_same_mark() {
    let extractor = counted(".items[]", Some(".items"));
    let mark = |items: &str, page: u32| {
        extractor.page(format!(r#"{{"items":{items},"page":{page}}}"#).as_bytes()).unwrap().mark
    };
    let ones = r#"[{"id":1},{"id":2}]"#;
    assert_eq!(mark(ones, 1), mark(ones, 2));
    assert!(mark(ones, 1).is_some() && mark(ones, 1) != mark(r#"[{"id":1},{"id":3}]"#, 1));
    assert!(mark(r#"[{"id":1}]"#, 1).is_some());
    assert_eq!(mark("[]", 1), None);
    assert_eq!(mark("[{},{},{}]", 1), None, "all alike");
    let whole = counted(".items[]", None);
    let page = |text: &str| whole.page(text.as_bytes()).unwrap();
    assert_eq!(page(r#"{"items":[{}]}"#).mark, page(r#"{"items":[{}]}"#).mark);
    assert_eq!(page(r#"{"items":[]}"#).mark, None);
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
    let extractor = Extractor::compile(&endpoint(vec![column("id", ".id", Type::Integer)], None)).unwrap();
    let page = extractor.page(br#"{"id":7}"#).unwrap();
    let extracted = extractor.extract(br#"{"id":7}"#).unwrap();
    assert_eq!((page.extracted, page.next, page.more), (extracted, None, None));
}
