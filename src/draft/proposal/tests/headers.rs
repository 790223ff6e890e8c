//! Limits and pages that headers and URLs tell of.

use super::support::*;
use crate::draft::{Sample, propose};

fn with(url: &str, headers: &[(&str, &str)], body: &str) -> Vec<Sample> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    vec![Sample { url: url.to_owned(), headers, ..sample("1", 200, body) }]
}

/// The limit and the notes of an answer with such headers.
fn limited(headers: &[(&str, &str)]) -> String {
    let samples = with("https://api.example.com/t/1", headers, r#"{"a":1}"#);
    let proposal = propose(&samples, "id", &[]);
    check(&samples, &proposal);
    let keys = proposal.limit.map_or(Vec::new(), |limit| limit.value);
    let keys = keys.into_iter().map(|(key, value)| format!("{key} = {value}"));
    keys.chain(proposal.notes).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_limit_needs_its_window() {
    for (headers, limit) in [
        (&[("ratelimit-policy", r#""default";q=100;w=60"#)][..], "rate = 100/min"),
        (
            &[("ratelimit-policy", r#""burst";q=10;w=1, "day";q=5000;w=86400"#)],
            "rate = 10/s, quota = 5000/day",
        ),
        (&[("ratelimit-policy", "100;w=900"), ("ratelimit-limit", "100")], "rate = 100/900s"),
        (&[("ratelimit-limit", "100, 100;w=10")], "rate = 100/10s"),
        (
            &[("x-ratelimit-limit-minute", "60"), ("x-ratelimit-limit-day", "1000")],
            "rate = 60/min, quota = 1000/day",
        ),
        (&[("x-rate-limit-limit", "50"), ("x-rate-limit-interval", "1s")], "rate = 50/s"),
        (&[("x-ratelimit-limit", "10"), ("x-ratelimit-window", "2")], "rate = 10/2s"),
        (
            &[("x-ratelimit-limit", "5000"), ("x-ratelimit-reset", "1700000000")],
            "answers say x-ratelimit-limit: 5000, and not in which time: look it up, and add a [limit]",
        ),
        (&[("ratelimit-policy", "what?;;")], ""),
        (&[("ratelimit-policy", r#""x";q=0;w=60"#)], ""),
        (&[("ratelimit-policy", r#""x";q=5;w=0"#)], ""),
        (&[("x-ratelimit-limit-minute", "many")], ""),
        (&[], ""),
    ] {
        assert_eq!(limited(headers), limit, "{headers:?}");
    }
}

/// The pages of an answer, and the notes.
fn paged(url: &str, headers: &[(&str, &str)], body: &str) -> String {
    let samples = with(url, headers, body);
    let proposal = propose(&samples, "id", &[]);
    check(&samples, &proposal);
    let pages = proposal.pages.map(|pages| pages.value);
    let param = proposal.pages_param.map(|param| format!("without {param}"));
    pages.into_iter().chain(param).chain(proposal.notes).collect::<Vec<_>>().join(", ")
}

#[test]
fn pages_are_found_where_answers_or_urls_show_them() {
    let url = "https://api.example.com/t/1";
    let next = [("link", r#"<https://api.example.com/t/1?page=2>; rel="next", <x>; rel="last""#)];
    assert_eq!(paged(url, &next, r#"[{"a":1}]"#), "{ link = true }");
    let last = [("link", r#"<https://api.example.com/t/1?page=1>; rel="prev""#)];
    assert_eq!(paged(url, &last, r#"[{"a":1}]"#), "");
    let numbered = r#"{"page":1,"total_pages":3,"results":[{"a":1}]}"#;
    assert_eq!(
        paged("https://api.example.com/t/1?x=y&page=1", &[], numbered),
        r#"{ page_param = "page", more = ".page < .total_pages" }, without page"#
    );
    assert_eq!(
        paged("https://api.example.com/t/1?page=0", &[], r#"[{"a":1}]"#),
        r#"{ page_param = "page", first = 0 }, without page"#
    );
    assert_eq!(
        paged("https://api.example.com/t/1?start=0", &[], r#"{"start":0,"numFound":9,"docs":[{"a":1}]}"#),
        r#"{ offset_param = "start", more = ".start + (.docs | length) < .numFound" }, without start"#
    );
    assert_eq!(
        paged(
            "https://api.example.com/t/1?cursor=*",
            &[],
            r#"{"meta":{"next_cursor":"x"},"results":[{"a":1}]}"#
        ),
        r#"{ cursor = ".meta.next_cursor", cursor_param = "cursor" }"#
    );
    // One object is no page.
    assert_eq!(paged("https://api.example.com/t/1?page=1", &[], r#"{"a":1,"b":2}"#), "");
}

#[test]
fn more_rows_that_nothing_leads_to_are_told() {
    let url = "https://api.example.com/t/1";
    for (body, note) in [
        (r#"{"has_more":true,"items":[{"a":1}]}"#, "`.has_more` says that there are more rows, and"),
        (r#"{"total":5,"items":[{"a":1}]}"#, "an answer has 1 of the 5 rows that `.total` counts, and"),
        (
            r#"{"next_cursor":"x","items":[{"a":1}]}"#,
            "`.next_cursor` leads to the next page: name the parameter",
        ),
        (r#"{"next":null,"items":[{"a":1}]}"#, "`.next` is null in all answers: if it is a URL elsewhere"),
    ] {
        let told = paged(url, &[], body);
        assert!(told.starts_with(note), "{told}");
    }
    let full = format!("[{}]", vec![r#"{"a":1}"#; 30].join(","));
    assert!(paged(url, &[], &full).starts_with("1 answers have 30 rows, as for 1: if that is a page"));
    assert_eq!(paged(url, &[], r#"{"total":1,"items":[{"a":1}]}"#), "");
}
