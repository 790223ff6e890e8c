//! The scrape job: pages whose URLs come from standard input.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::example;
use crate::support::{Ended, Origin, Sandbox, published, wait};

/// Runs the job over some URLs, a line each.
#[track_caller]
fn scrape(sandbox: &Sandbox, urls: &[String]) -> Ended {
    let mut command = sandbox.command(["run", "schemas/scrape.toml"]);
    let list = sandbox.write("urls", urls.join("\n"));
    command.stdin(std::fs::File::open(list).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    wait(command.spawn().unwrap())
}

fn urls(origin: &Origin, pages: std::ops::Range<u32>) -> Vec<String> {
    pages.map(|page| format!("{}/pages/{page}", origin.url())).collect()
}

#[test]
fn titles_and_links_of_every_charset_and_encoding_are_read() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    example(&sandbox, &origin, "scrape", "scrape_urls.txt");
    let urls = urls(&origin, 1..71);
    scrape(&sandbox, &urls).with_code(0);
    let select = "SELECT concat_ws('|', url, title, links) FROM pages";
    let mut rows = published(&sandbox.path().join("scrape.duckdb"), select);
    rows.sort();
    let mut expected: Vec<String> = (1..71)
        .map(|page| {
            let told = origin.truth(&format!("pages/{page}"));
            let links = serde_json::to_string(&told["links"]).unwrap();
            format!("{}/pages/{page}|{}|{links}", origin.url(), told["title"].as_str().unwrap())
        })
        .collect();
    expected.sort();
    assert_eq!(rows, expected);
}

#[test]
fn fifty_pages_of_a_second_each_take_little_more_than_a_second() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    example(&sandbox, &origin, "scrape", "scrape_urls.txt");
    origin.knobs(r#"{"latency_ms": 1000}"#);
    let started = Instant::now();
    scrape(&sandbox, &urls(&origin, 1..51)).with_code(0);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}: one after the other they would take 50 s");
}

#[test]
fn a_url_may_only_lead_where_the_job_says() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    example(&sandbox, &origin, "scrape", "scrape_urls.txt");
    sandbox.edit("schemas/scrape.toml", "min_success = 0.9", "min_success = 0.0");
    let port = origin.port;
    let redirect = format!("{}/redirects/1?to=http://localhost:{port}/pages/1", origin.url());
    let bad = [
        format!("http://localhost:{port}/pages/1"),
        "file:///etc/passwd".to_owned(),
        format!("http://user@127.0.0.1:{port}/pages/1"),
        "no url".to_owned(),
        redirect,
    ];
    let good = urls(&origin, 3..4);
    scrape(&sandbox, &[&bad[..], &good].concat()).with_code(0);
    let kinds = sandbox.query("scrape", "SELECT status, kind FROM requests ORDER BY ordinal");
    let refused = "failed,template";
    assert_eq!(kinds, [refused, refused, refused, refused, "failed,redirect", "ok,"]);
    assert_eq!(origin.counts()["by_endpoint"]["pages"]["total"], 1);

    // Without `hosts` any public address may be asked, and this machine has none.
    let text = std::fs::read_to_string(sandbox.path().join("schemas/scrape.toml")).unwrap();
    let public: Vec<&str> = text.lines().filter(|line| !line.starts_with("hosts = ")).collect();
    sandbox.write("schemas/scrape.toml", public.join("\n"));
    origin.reset();
    let private =
        [good[0].clone(), format!("http://localhost:{port}/pages/3"), format!("http://[::1]:{port}/pages/3")];
    scrape(&sandbox, &private).with_code(0);
    assert_eq!(sandbox.query("scrape", "SELECT DISTINCT status, kind FROM requests"), [refused]);
    assert_eq!(origin.counts()["total"], 0);
}
