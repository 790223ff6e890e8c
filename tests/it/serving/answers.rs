//! Is what was published answered in each format, whole, by filter, by key, in part and unchanged?

use std::io::Read as _;

use serde_json::json;

use super::stage::{SOON, Stage, ask, served};
use crate::support::processes::until;

#[test]
fn a_table_is_answered_whole_in_each_format() {
    let (stage, serving) = served();
    let rows = serving.get("/prices.json").json();
    let targets: Vec<&str> =
        rows.as_array().unwrap().iter().map(|row| row["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["/echo/a", "/echo/b", "/echo/c"]);
    let run = stage.sandbox.newest_run("prices").file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(rows[0]["run"], run.as_str());
    let at = rows[0]["fetched_at"].as_str().unwrap();
    assert!(at.parse::<jiff::Timestamp>().is_ok() && at.contains('T'), "{at}");
    let lines = serving.get("/prices.ndjson").text();
    let each: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(each), rows);
    let csv = serving.get("/prices.csv").text();
    assert!(csv.starts_with("id,target,run,fetched_at\na,/echo/a,"), "{csv}");
    let published = std::fs::read(stage.sandbox.path().join("prices.parquet")).unwrap();
    let parquet = serving.get("/prices.parquet");
    assert!(parquet.body == published, "the file itself");
    let types = ["json", "ndjson", "csv", "parquet"].map(|ending| {
        let answer = serving.get(&format!("/prices.{ending}"));
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        answer.header("content-type").to_owned()
    });
    let expected = [
        "application/json",
        "application/x-ndjson",
        "text/csv; charset=utf-8; header=present",
        "application/vnd.apache.parquet",
    ];
    assert_eq!(types, expected);
    serving.end();
}

#[test]
fn what_is_told_of_a_body_says_which_publication_it_is() {
    let (stage, serving) = served();
    let answer = serving.get("/prices.json");
    let run = stage.sandbox.newest_run("prices").file_name().unwrap().to_str().unwrap().to_owned();
    until(SOON, "the run is known", || serving.get("/prices.json").header("windrow-run") == run);
    let etag = answer.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with("-json\""), "{etag}");
    assert_eq!(
        answer.header("cache-control"),
        "public, no-cache, stale-if-error=86400",
        "nobody says when it runs"
    );
    assert!(!answer.header("last-modified").is_empty() && answer.header("age").is_empty());
    // Unchanged, by its tag or its time; another format is another body.
    for (name, value, path, expected) in [
        ("If-None-Match", etag.as_str(), "/prices.json", 304),
        ("If-None-Match", "*", "/prices.json", 304),
        ("If-None-Match", etag.as_str(), "/prices.csv", 200),
        ("If-None-Match", etag.as_str(), "/prices.json?id=a", 200),
        ("If-Modified-Since", answer.header("last-modified"), "/prices.json", 304),
    ] {
        let again = serving.ask(path, &[(name, value)]).with_status(expected);
        assert_eq!(again.body.is_empty(), expected == 304);
    }
    let head = ask(serving.address, "HEAD", "/prices.json", &[]).unwrap();
    assert_eq!(
        (head.header("etag"), head.header("content-length")),
        (&*etag, answer.header("content-length"))
    );
    assert!(head.body.is_empty());
    // The next publication is another.
    stage.run().with_code(0);
    until(SOON, "the new one is served", || serving.get("/prices.json").header("etag") != etag);
    serving.ask("/prices.json", &[("If-None-Match", &etag)]).with_status(200);
    serving.end();
}

#[test]
fn who_takes_an_encoding_gets_it_and_it_is_the_same() {
    let (_stage, serving) = served();
    let plain = serving.get("/prices.json").body;
    let gzip = serving.ask("/prices.json", &[("Accept-Encoding", "gzip, deflate")]);
    assert_eq!((gzip.header("content-encoding"), gzip.header("vary")), ("gzip", "accept-encoding"));
    let mut decoded = Vec::new();
    flate2::read::GzDecoder::new(gzip.body.as_slice()).read_to_end(&mut decoded).unwrap();
    assert_eq!(decoded, plain);
    let zstd = serving.ask("/prices.json", &[("Accept-Encoding", "br, zstd, gzip")]);
    assert_eq!(zstd.header("content-encoding"), "zstd");
    assert_eq!(zstd::decode_all(zstd.body.as_slice()).unwrap(), plain);
    assert!(gzip.header("etag") != zstd.header("etag"), "other bytes, another tag");
    let parquet = serving.ask("/prices.parquet", &[("Accept-Encoding", "gzip")]);
    assert_eq!(parquet.header("content-encoding"), "", "it is compressed already");
    serving.end();
}

/// pyarrow, polars and DuckDB read a Parquet file from its end.
#[test]
fn a_part_of_a_body_is_that_part() {
    let (_stage, serving) = served();
    let whole = serving.get("/prices.parquet");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let all = whole.body.len();
    let tail = serving.ask("/prices.parquet", &[("Range", "bytes=-8")]).with_status(206);
    assert_eq!(tail.body, whole.body[all - 8..]);
    assert_eq!(tail.header("content-range"), format!("bytes {}-{}/{all}", all - 8, all - 1));
    let none = serving.ask("/prices.parquet", &[("Range", &format!("bytes={all}-"))]).with_status(416);
    assert_eq!(none.header("content-range"), format!("bytes */{all}"));
    let other = [("Range", "bytes=0-3"), ("If-Range", "\"another\"")];
    assert_eq!(serving.ask("/prices.parquet", &other).with_status(200).body, whole.body);
    serving.end();
}

#[test]
fn rows_are_found_by_their_key_and_by_filters_and_turned_over() {
    let (_stage, serving) = served();
    let row = serving.get("/prices/b").with_status(200).json();
    assert_eq!((row["id"].as_str(), row["target"].as_str()), (Some("b"), Some("/echo/b")));
    serving.get("/prices/d").with_status(404);
    let of = |query: &str| {
        let answer = serving.get(&format!("/prices.json?{query}"));
        let rows = answer.json();
        let ids = rows
            .as_array()
            .map(|rows| rows.iter().map(|row| row["id"].as_str().unwrap_or("-").to_owned()).collect());
        (answer.status, ids.unwrap_or_else(Vec::new).concat())
    };
    assert_eq!(of("id=b"), (200, "b".into()));
    assert_eq!(of("id.in=c,a"), (200, "ac".into()));
    assert_eq!(of("id.gt=a&order=-id"), (200, "cb".into()));
    assert_eq!(of("id=nobody"), (200, "".into()));
    assert_eq!(of("idd=b").0, 400, "no parameter is ignored");
    let one = serving.get("/prices.csv?select=target&id=a").text();
    assert_eq!(one, "target\n/echo/a\n");
    // Page by page, by the link of each.
    let (mut path, mut pages) = ("/prices.json?limit=2&order=-id".to_owned(), Vec::new());
    loop {
        let page = serving.get(&path).with_status(200);
        pages.push(page.json().as_array().unwrap().len());
        let link = page.header("link").to_owned();
        let Some(next) = link.strip_prefix('<').and_then(|link| link.split_once('>')) else { break };
        path = next.0.to_owned();
    }
    assert_eq!(pages, [2, 1]);
    serving.end();
}

/// A part that is taken for the whole loses rows.
#[test]
fn more_rows_than_are_given_at_once_are_an_error_and_a_page_of_before_is_one() {
    let stage = Stage::new();
    stage.change("[table]", "[serve]\nmax_rows = 2\n\n[table]");
    stage.run().with_code(0);
    let serving = stage.serve_only();
    serving.wait_for("/prices.json");
    let refused = serving.get("/prices.json?id.ne=x").with_status(400).json();
    assert_eq!(refused["detail"], "more than 2 rows fit");
    assert_eq!(
        serving.get("/prices.json").json().as_array().unwrap().len(),
        3,
        "the whole table is no question"
    );
    let page = serving.get("/prices.json?limit=2").with_status(200);
    let link = page.header("link").to_owned();
    let next = link.split_once('>').unwrap().0.trim_start_matches('<').to_owned();
    assert_eq!(serving.get(&next).with_status(200).json().as_array().unwrap().len(), 1);
    let before = page.header("etag").to_owned();
    stage.run().with_code(0);
    until(SOON, "the new one is served", || serving.get("/prices.json?limit=2").header("etag") != before);
    serving.get(&next).with_status(410);
    serving.end();
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let (_stage, serving) = served();
    for (path, expected) in [
        ("/price.json", 404),
        ("/prices", 404),
        ("/prices.xml", 404),
        ("/prices.parquet?id=a", 400),
        ("/prices/a?select=id", 400),
        ("/../../etc/passwd", 404),
        ("/prices.json?limit=0", 400),
    ] {
        let told = serving.get(path).with_status(expected);
        assert_eq!(told.header("content-type"), "application/problem+json", "{path}");
        assert!(told.json()["detail"].is_string());
    }
    let told = serving.get("/price.json").json();
    assert_eq!(told["hint"], "there are /prices.json, / for people, and /openapi.json for programs");
    let posted = ask(serving.address, "POST", "/prices.json", &[("Content-Length", "0")]).unwrap();
    assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD"));
    let described = serving.get("/openapi.json").with_status(200).json();
    assert!(described["paths"]["/prices.json"].is_object(), "{described}");
    serving.end();
}

#[test]
fn what_is_published_as_csv_is_that_file_and_no_parquet() {
    let stage = Stage::new();
    stage.change("parquet:prices.parquet", "csv:prices.csv");
    stage.run().with_code(0);
    let serving = stage.serve_only();
    serving.wait_for("/prices.csv");
    let published = std::fs::read(stage.sandbox.path().join("prices.csv")).unwrap();
    assert!(serving.get("/prices.csv").body == published, "the file itself");
    let rows = serving.get("/prices.json").json();
    assert!(rows[0]["fetched_at"].as_str().unwrap().ends_with('Z'), "{rows}");
    serving.get("/prices.parquet").with_status(404);
    assert_eq!(serving.get("/prices/b").with_status(200).json()["target"], "/echo/b");
    serving.end();
}
