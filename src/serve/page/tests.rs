//! What stands on the page, whatever stands in names and texts.

use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use regex::Regex;

use super::{Address, page};
use crate::handoff::StateOfRun;
use crate::serve::standing::JobStanding;
use crate::serve::standing::tests::{NOW, hostile, prices};

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn address() -> Address {
    Address { origin: "http://127.0.0.1:8480".to_owned(), wants_token: false }
}

fn shown(jobs: &[JobStanding]) -> String {
    page(jobs, now(), &address())
}

/// Its tags, with their attributes and without the values of these.
fn tags(page: &str) -> Vec<String> {
    let (tag, value) = (Regex::new("<[^>]*>").unwrap(), Regex::new("\"[^\"]*\"").unwrap());
    tag.find_iter(page).map(|tag| value.replace_all(tag.as_str(), "\"\"").into_owned()).collect()
}

/// What a person reads, without the style: a space for each run of them.
fn text(page: &str) -> String {
    let (_, body) = page.split_once("<body>").unwrap();
    let text = Regex::new("<[^>]*>").unwrap().replace_all(body, " ").into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_job_that_is_well_is_told_with_its_run_its_table_and_the_ways_to_read_it() {
    let page = shown(&[prices()]);
    assert!(page.contains("<title>prices: The job is well</title>"), "{page}");
    insta::assert_snapshot!(text(&page), @r#"The job is well as of 2026-11-30 23:41:40 UTC prices ✓ well Last run published 20261130T233829-4f2a9c81d3f60 Started 3 min 11 s ago 2026-11-30 23:38:29 UTC Took 1.3 s Records 1,204 Rows 1,201 Next run in 110 s 2026-11-30 23:43:30 UTC every 5m Failed: 3 requests of its last run Kind Requests For example status 3 HTTP 503 of https://api.example.com/c Table prices ✓ ready Rows 1,201 Size 48.2 kB Published 3 min 10 s ago 2026-11-30 23:38:30 UTC By run 20261130T233829-4f2a9c81d3f60 Key symbol Columns symbol , price , place , fetched_at .json .csv .parquet .ndjson .json?order=-symbol&amp;limit=10 a row: /prices/{ symbol } curl -sf --compressed http://127.0.0.1:8480/prices.csv curl -sf --compressed 'http://127.0.0.1:8480/prices.json?order=-symbol&amp;limit=10' openapi.json metrics readyz healthz"#);
    for link in ["/prices.json", "/prices.csv", "/prices.parquet", "/prices.ndjson"] {
        assert!(page.contains(&format!("<a href=\"{link}\">")), "{link}: {page}");
    }
    let next = "<time datetime=\"2026-11-30T23:43:30Z\" title=\"2026-11-30 23:43:30 UTC\">in 110 s</time>";
    assert!(page.contains(next), "{page}");
}

#[test]
fn what_is_wrong_stands_first_and_in_words() {
    let mut refused = prices();
    refused.name = "rates".to_owned();
    refused.last.as_mut().unwrap().state = StateOfRun::Refused;
    refused.trouble = Some("refused: 40 of 100 records failed".to_owned());
    let mut paused = prices();
    paused.last.as_mut().unwrap().state = StateOfRun::Paused;
    let mut new = prices();
    (new.last, new.tables[0].generation) = (None, None);
    let said = |jobs: &[JobStanding]| text(&shown(jobs));
    let told = said(&[prices(), refused, paused.clone(), new.clone()]);
    assert!(told.starts_with("1 of 4 jobs is not well"), "{told}");
    assert!(
        told.contains("✗ not well rates") || told.contains("rates ✗ not well refused: 40 of 100"),
        "{told}"
    );
    assert!(told.contains("waiting: a quota is used up"), "{told}");
    assert!(said(&[paused.clone(), new.clone(), paused]).starts_with("2 of 3 jobs are waiting"));
    assert!(said(&[new.clone(), new]).starts_with("All 2 jobs have gathered nothing yet"));
    assert!(said(&[]).starts_with("No job is served"));
}

#[test]
fn a_table_that_is_too_old_is_so_whatever_its_job_says() {
    let later = now() + Duration::from_secs(3600);
    let told = text(&page(&[prices()], later, &address()));
    assert!(told.starts_with("The job is not well"), "{told}");
    assert!(told.contains("✗ too old: more than 15 min 0 s"), "{told}");
    assert!(told.contains("due 58 min 10 s ago"), "{told}");
    // A clock that was set back: nothing is negative, and the moment itself is there.
    let told = text(&page(&[prices()], "2026-11-30T20:00:00Z".parse().unwrap(), &address()));
    assert!(told.contains("Published in 3 h 38 min 2026-11-30 23:38:30 UTC"), "{told}");
    let told = text(&page(&[prices()], Timestamp::MIN, &address()));
    assert!(told.contains("✓ ready"), "{told}");
}

const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</style></title><h1>well</h1>",
    "<!-- ",
    "&lt;&#x3c;&amp",
    "javascript:alert(1)",
    "\u{202e}gnp.\u{2066}exe\u{200f}",
    "שלום ✓ well",
    "\u{0}\u{1b}[2J\r\n\u{feff}",
    "Z\u{351}\u{36b}\u{343}\u{36a}a",
    "//evil.example/..%2f..?a=b#c",
];

#[test]
fn names_and_texts_are_text_whatever_is_in_them() {
    let expected = tags(&shown(&[hostile("name"), prices()]));
    let links = Regex::new("href=\"([^\"]*)\"").unwrap();
    for hostility in HOSTILE {
        let page = shown(&[hostile(hostility), prices()]);
        assert_eq!(tags(&page), expected, "{hostility:?}");
        let steers = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{2066}\u{200f}\u{feff}".contains(c);
        assert!(!page.contains(steers), "{hostility:?}");
        let leads_away = |link: &str| !link.starts_with("/") || link.starts_with("//");
        let away: Vec<String> = links.captures_iter(&page).map(|found| found[1].to_owned()).collect();
        let away: Vec<&String> =
            away.iter().filter(|link| leads_away(link) && !link.starts_with("#job-")).collect();
        assert!(away.is_empty(), "{away:?}");
    }
}

proptest! {
    #[test]
    fn no_text_changes_what_the_page_is_made_of(text in any::<String>()) {
        prop_assume!(!["", ".", ".."].contains(&text.as_str()) && text.len() <= 600);
        prop_assert_eq!(tags(&shown(&[hostile(&text)])), tags(&shown(&[hostile("name")])));
    }
}

#[test]
fn a_megabyte_in_every_field_is_cut_and_numbers_may_be_as_large_as_they_are() {
    let page = shown(&vec![hostile(&"\u{202e}<é".repeat(300_000)); 3]);
    assert!(page.len() < 300_000, "{}", page.len());
    let told = text(&page);
    assert!(told.contains("no URL can have its name"), "{}", &told[..2_000]);
    assert!(
        told.contains("18,446,744,073,709,551,615") && told.contains("and 30 more kinds"),
        "{}",
        told.len()
    );
    assert!(told.contains("and 470 more"), "{}", told.len());
}

#[test]
fn the_page_asks_for_nothing_and_runs_nothing() {
    let page = shown(&[prices(), hostile("x")]);
    for word in ["<script", " src=", "@import", "url(", "http-equiv", "<form", "<iframe", "style=\""] {
        assert!(!page.contains(word), "{word}");
    }
    let attributes = tags(&page).concat();
    assert!(!attributes.contains(" on"), "{attributes}");
    assert_eq!(
        page.matches("://").count(),
        page.matches("http://127.0.0.1:8480/").count() + 1,
        "an example of a failure"
    );
}

/// What a shell makes of the lines that are there to be copied.
fn copied(page: &str) -> Vec<String> {
    let lines = Regex::new("(?s)<pre tabindex=\"0\"><code>(.*?)</code>").unwrap();
    let found = &lines.captures(page).unwrap()[1];
    let script =
        found.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\nTOKEN=t0k\n{script}");
    let out = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{script}: {out:?}");
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_lines_to_copy_are_one_question_each() {
    let mut job = prices();
    assert_eq!(
        copied(&shown(&[job.clone()])),
        [
            "-sf",
            "--compressed",
            "http://127.0.0.1:8480/prices.csv",
            "-sf",
            "--compressed",
            "http://127.0.0.1:8480/prices.json?order=-symbol&limit=10",
        ]
    );
    job.tables[0].name = "it's $(reboot) `x` & ü/..".to_owned();
    job.tables[0].generation.as_mut().unwrap().columns = vec!["limit".to_owned(), "a b".to_owned()];
    let address = Address { origin: "http://[::1]:8480".to_owned(), wants_token: true };
    assert_eq!(
        copied(&page(&[job], now(), &address))[2..],
        [
            "-H",
            "Authorization: Bearer t0k",
            "http://[::1]:8480/it%27s%20%24%28reboot%29%20%60x%60%20%26%20%C3%BC%2F...csv",
            "-sf",
            "--compressed",
            "-H",
            "Authorization: Bearer t0k",
            "http://[::1]:8480/it%27s%20%24%28reboot%29%20%60x%60%20%26%20%C3%BC%2F...json?limit=10",
        ]
    );
}
