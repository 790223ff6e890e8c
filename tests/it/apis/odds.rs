//! The odds job: pages that explode into rows, replaced match by match.

use super::example;
use crate::support::{Origin, Sandbox, published};

const ROWS: &str =
    "SELECT concat_ws('|', match_id, home, away, bookmaker, market, price) FROM odds ORDER BY ALL";

/// What the origin says of the matches at a round, as [`ROWS`] writes it.
fn truth(origin: &Origin, ids: &[String], round: u64) -> Vec<String> {
    let mut rows = Vec::new();
    for id in ids {
        let told = origin.truth(&format!("matches/{id}?at={round}"));
        for offer in told["offers"].as_array().into_iter().flatten() {
            let facts = [
                &told["id"],
                &told["home"],
                &told["away"],
                &offer["bookmaker"],
                &offer["market"],
                &offer["price"],
            ];
            let texts: Vec<&str> = facts.iter().filter_map(|fact| fact.as_str()).collect();
            rows.push(texts.join("|"));
        }
    }
    rows.sort();
    rows
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.path().join("schemas/odds_matches.csv")).unwrap();
    text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

fn rows(sandbox: &Sandbox) -> Vec<String> {
    let mut rows = published(&sandbox.path().join("odds.duckdb"), ROWS);
    rows.sort();
    rows
}

#[test]
fn refreshing_replaces_the_rows_of_each_match() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = example(&sandbox, &origin, "odds", "odds_matches.csv");
    let ids = ids(&sandbox);
    for round in 0..3 {
        origin.knobs(&format!(r#"{{"odds_round": {round}}}"#));
        sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
        let expected = truth(&origin, &ids, round);
        assert!(expected.len() > ids.len(), "{} rows", expected.len());
        assert_eq!(rows(&sandbox), expected, "round {round}");
    }
    let counted = "SELECT sum(rows) FROM requests";
    assert_eq!(sandbox.query("odds", counted), [truth(&origin, &ids, 2).len().to_string()]);
}

#[test]
fn a_match_that_failed_keeps_its_rows_and_one_that_left_the_list_goes() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = example(&sandbox, &origin, "odds", "odds_matches.csv");
    sandbox.edit("schemas/odds.toml", "min_success = 0.95", "min_success = 0.5");
    let mut ids = ids(&sandbox);
    let offers =
        |id: &str| origin.truth(&format!("matches/{id}?at=0"))["offers"].as_array().map_or(0, Vec::len);
    let with_rows: Vec<String> = ids.iter().filter(|id| offers(id) > 0).cloned().collect();
    let (failing, leaving) = (&with_rows[0], &with_rows[1]);
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let list = std::fs::read_to_string(sandbox.path().join("schemas/odds_matches.csv")).unwrap();
    let shorter: Vec<&str> = list.lines().filter(|line| !line.starts_with(leaving)).collect();
    sandbox.write("schemas/odds_matches.csv", shorter.join("\n"));
    origin.knobs(&format!(r#"{{"odds_round": 1, "fail_ids": {{"{failing}": {{"status": 404}}}}}}"#));
    sandbox.edit("schemas/odds.toml", "missing = [404]", "missing = [410]");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let kept = truth(&origin, std::slice::from_ref(failing), 0);
    ids.retain(|id| id != failing && id != leaving);
    let mut expected = [kept, truth(&origin, &ids, 1)].concat();
    expected.sort();
    assert_eq!(rows(&sandbox), expected);
}
