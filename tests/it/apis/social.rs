//! The social job: four counting APIs per URL.

use super::example;
use crate::support::{Origin, Sandbox, published};

const ROWS: &str = "SELECT concat_ws('|', url, pin_count, share_count, comment_count, like_count, \
                    professional_share_count, plus_one_count) FROM social_stats ORDER BY url";

/// What the origin says of a URL, as [`ROWS`] writes it.
fn truth(origin: &Origin, url: &str) -> String {
    let told = origin.truth(&format!("social?url={}", encoded(url)));
    let graph = &told["graph"];
    let counts = [
        &told["pins"],
        &graph["share"]["share_count"],
        &graph["share"]["comment_count"],
        &graph["reactions"]["summary"]["total_count"],
        &told["shares"],
        &told["plus_ones"],
    ];
    let counts = counts.iter().filter(|count| !count.is_null()).map(|count| count.to_string());
    std::iter::once(url.to_owned()).chain(counts).collect::<Vec<_>>().join("|")
}

fn encoded(url: &str) -> String {
    url.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn urls(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.path().join("schemas/social_urls.csv")).unwrap();
    let mut lines = csv::Reader::from_reader(text.as_bytes());
    lines.records().map(|line| line.unwrap()[0].to_owned()).collect()
}

#[test]
fn every_url_gets_the_counts_of_all_four_apis() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = example(&sandbox, &origin, "social_stats", "social_urls.csv");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let mut expected: Vec<String> = urls(&sandbox).iter().map(|url| truth(&origin, url)).collect();
    expected.sort();
    let mut rows = published(&sandbox.path().join("social_stats.duckdb"), ROWS);
    rows.sort();
    assert_eq!(rows, expected);
    assert!(expected.len() > 100, "{}", expected.len());
    let counts = origin.counts();
    let asked = |endpoint: &str| counts["by_endpoint"][endpoint]["total"].as_u64().unwrap();
    let urls = expected.len() as u64;
    assert_eq!((asked("pins"), asked("shares"), asked("plus_ones")), (urls, urls, urls));
    let ledger = sandbox.query(
        "social_stats",
        "SELECT endpoint, count(*), sum(requests), count(DISTINCT batch) FROM requests GROUP BY 1 ORDER BY 1",
    );
    let graph: Vec<u64> = ledger[0].split(',').skip(1).map(|number| number.parse().unwrap()).collect();
    assert_eq!(graph[0], urls, "a line for every URL");
    assert!(graph[1] <= urls.div_ceil(50) + 4, "{} requests for {urls} URLs", graph[1]);
}

#[test]
fn each_endpoint_fails_on_its_own() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = example(&sandbox, &origin, "social_stats", "social_urls.csv");
    let urls = urls(&sandbox);
    // A URL whose every count fails, whichever API is asked; its batch fails with it.
    origin.knobs(&serde_json::json!({"fail_ids": {&urls[3]: {"status": 400}}}).to_string());
    sandbox.edit("schemas/social_stats.toml", "min_success = 0.9", "min_success = 0.1");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let rows = published(&sandbox.path().join("social_stats.duckdb"), ROWS);
    assert_eq!(rows.len(), urls.len());
    assert!(rows.contains(&urls[3]), "a row without a single count");
    let whole = rows.iter().filter(|row| row.contains('|')).count();
    assert_eq!(whole, urls.len() - 1);
    // Alone it would not have spoilt the others' answers.
    sandbox.edit("schemas/social_stats.toml", "on_absent = \"missing\"", "on_absent = \"alone\"");
    sandbox.run(["run", job.to_str().unwrap(), "--new"]).with_code(0);
    let failed = "SELECT endpoint, count(*) FROM requests WHERE status = 'failed' GROUP BY 1 ORDER BY 1";
    assert_eq!(sandbox.query("social_stats", failed), ["graph,1", "pins,1", "plus_ones,1", "shares,1"]);
}
