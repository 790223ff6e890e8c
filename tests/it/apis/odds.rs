//! The odds job: pages that explode into rows, replaced match by match, in DuckDB and in MariaDB.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::example;
use crate::mariadb_server;
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

/// The same into MariaDB, into a table made by hand (`schemas/odds_mariadb.sql`): by its key, where offers that are gone stay,
/// then by its matches, where they go; repeated, and merged twice.
#[test]
fn a_table_of_mariadb_with_a_readers_indexes_has_the_offers_of_every_round() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let database = mariadb_server::database();
    let job = example(&sandbox, &origin, "odds_mariadb", "odds_matches.csv");
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    database.execute(&std::fs::read_to_string(schemas.join("odds_mariadb.sql")).unwrap());
    sandbox.edit("schemas/odds_mariadb.toml", "mysql://localhost/odds", &database.url());
    let ids = ids(&sandbox);
    let select = "SELECT CONCAT_WS('|', match_id, home, away, bookmaker, market, price) FROM odds";
    let rows = || {
        let mut rows = database.rows(select);
        rows.sort();
        rows
    };
    // An offer without its price: what the key tells apart.
    let offer = |row: &String| row.split('|').take(5).collect::<Vec<_>>().join("|");
    let mut standing: BTreeMap<String, String> = BTreeMap::new();
    let serials = || database.rows("SELECT match_id, bookmaker, market, id FROM odds").into_iter();
    let mut numbered = BTreeSet::new();
    for round in [0, 1, 2, 2] {
        origin.knobs(&format!(r#"{{"odds_round": {round}}}"#));
        sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
        standing.extend(truth(&origin, &ids, round).into_iter().map(|row| (offer(&row), row)));
        let mut expected: Vec<String> = standing.values().cloned().collect();
        expected.sort();
        assert_eq!(rows(), expected, "upsert, round {round}");
        let now: BTreeSet<String> = serials().collect();
        assert!(now.is_superset(&numbered), "an offer keeps its serial number, round {round}");
        numbered = now;
    }
    sandbox.edit(
        "schemas/odds_mariadb.toml",
        "mode = \"upsert\"\nkey = [\"match_id\", \"bookmaker\", \"market\"]",
        "mode = \"replace_ids\"",
    );
    for round in [3, 4, 4] {
        origin.knobs(&format!(r#"{{"odds_round": {round}}}"#));
        sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
        assert_eq!(rows(), truth(&origin, &ids, round), "replace_ids, round {round}");
        sandbox.run(["merge", "odds_mariadb"]).with_code(0);
        assert_eq!(rows(), truth(&origin, &ids, round), "merged again, round {round}");
    }
}
