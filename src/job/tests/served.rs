//! `[serve]`: how what was gathered is served.

use std::time::Duration;

use super::super::Serve;
use super::{parse, said_of, small};

fn with(serve: &str) -> String {
    format!("{}[serve]\n{serve}\n", small(""))
}

fn served(serve: &str) -> Serve {
    parse(&with(serve)).unwrap_or_else(|error| panic!("{error}")).serve
}

#[test]
fn a_job_that_says_nothing_is_served_as_usual() {
    let usual = Serve { stale_after: None, cors: vec![], max_rows: 10_000, max_memory: 1_000_000_000 };
    assert_eq!(parse(&small("")).unwrap().serve, usual);
    assert_eq!(served(""), usual);
    let given = served("stale_after = '15m'\ncors = ['*']\nmax_rows = 1_000_000\nmax_memory = '2GiB'");
    let stale_after = Some(Duration::from_secs(900));
    assert_eq!(
        given,
        Serve { stale_after, cors: vec!["*".into()], max_rows: 1_000_000, max_memory: 2 << 30 }
    );
}

/// An origin is compared with what browsers send.
#[test]
fn origins_are_spelled_as_browsers_spell_them() {
    let cors = served("cors = ['https://App.Example.com:443', 'http://localhost:3000', 'https://bücher.example', 'https://app.example.com']").cors;
    assert_eq!(cors, ["https://app.example.com", "http://localhost:3000", "https://xn--bcher-kva.example"]);
    let said = |origin: &str| {
        said_of(&with(&format!("cors = ['{origin}']"))).lines().skip(1).collect::<Vec<_>>().join("\n")
    };
    let wrong = [
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/a?b",
        "https://*.example.com",
        "null",
        "",
        "https://user@app.example.com",
        "ftp://app.example.com",
        "https://",
        "https://a b",
        "localhost:3000",
    ];
    let told: Vec<String> = wrong.iter().map(|origin| format!("{}\n", said(origin))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    "app.example.com" is no origin
    hint: write its scheme, too: "https://app.example.com"

    "https://app.example.com/" is no origin
    hint: an origin has no path, no query and no user: write "https://app.example.com"

    "https://app.example.com/a?b" is no origin
    hint: an origin has no path, no query and no user: write "https://app.example.com"

    "https://*.example.com" is no origin
    hint: write each origin out, or ["*"] for those of all

    "null" is no origin
    hint: write scheme and host, as in "https://app.example.com"

    "" is no origin
    hint: write scheme and host, as in "https://app.example.com"

    "https://user@app.example.com" is no origin
    hint: an origin has no path, no query and no user: write "https://app.example.com"

    "ftp://app.example.com" is no origin
    hint: write scheme and host, as in "https://app.example.com"

    "https://" is no origin
    hint: write scheme and host, as in "https://app.example.com"

    "https://a b" is no origin
    hint: write scheme and host, as in "https://app.example.com"

    "localhost:3000" is no origin
    hint: write its scheme, too: "https://localhost:3000"
    "#);
    insta::assert_snapshot!(said_of(&with("cors = ['*', 'https://a.example']")), @r#"
    line 10: '*'
    `*` beside other origins
    hint: write ["*"] alone, or leave it out
    "#);
}

#[test]
fn bounds_are_told() {
    insta::assert_snapshot!(said_of(&with("stale_after = '0s'\nmax_rows = 0\nmax_memory = '2TiB'\nlisten = '127.0.0.1:80'")), @r#"
    line 10: '0s'
    0s is out of bounds
    hint: write it like "500ms", "10s" or "5m", from 1s to 9years 11months 27days 21h 50m 24s

    line 11: 0
    0 is out of bounds
    hint: write a whole number from 1 to 1000000

    line 12: '2TiB'
    2199023255552 bytes are out of bounds
    hint: write it like "16MiB", at most 1.0 TiB

    line 13: listen
    unknown key `listen` in [serve]
    hint: leave it out: `windrow serve --listen 127.0.0.1:8480` says where
    "#);
}
