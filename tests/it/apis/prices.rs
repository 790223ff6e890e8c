//! The prices job: what three places say, one of which fails for a while, into a Parquet file and a report of it.

use std::collections::BTreeMap;

use duckdb::{Connection, Row};

use super::example;
use crate::support::{Origin, Sandbox};

/// Cents by symbol, of a place at a round, or of a file.
type Prices = BTreeMap<String, u64>;

fn cents(price: &str) -> u64 {
    price.replace('.', "").parse().unwrap()
}

fn truth(origin: &Origin, place: &str, round: u64) -> Prices {
    let told = origin.truth(&format!("prices/{place}?at={round}"));
    let prices = told.as_array().unwrap().iter();
    prices.map(|one| (one["symbol"].as_str().unwrap().to_owned(), cents(one["price"].as_str().unwrap()))).collect()
}

/// What a file in the sandbox says of these rows.
fn filed(sandbox: &Sandbox, file: &str, place: &str) -> Prices {
    let file = sandbox.path().join(file);
    let sql = format!("SELECT symbol, price::VARCHAR FROM '{}' WHERE place LIKE '{place}'", file.display());
    let connection = Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare(&sql).unwrap();
    let row = |row: &Row<'_>| Ok((row.get(0)?, cents(&row.get::<_, String>(1)?)));
    statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_place_that_fails_keeps_its_prices_and_the_cheapest_are_those_that_stand() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let job = example(&sandbox, &origin, "prices", "prices_places.csv");
    let run = || sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    run();
    origin.knobs(r#"{"fail_ids": {"osaka": {"status": 503}}}"#);
    run();
    let expected = [("lisbon", 2), ("osaka", 1), ("quito", 2)].map(|(place, round)| (place, truth(&origin, place, round)));
    for (place, prices) in &expected {
        assert_eq!(filed(&sandbox, "prices.parquet", place), *prices, "{place}");
    }
    let least = |symbol: &String| expected.iter().map(|(_, prices)| prices[symbol]).min().unwrap();
    let cheapest: Prices = expected[0].1.keys().map(|symbol| (symbol.clone(), least(symbol))).collect();
    assert_eq!(filed(&sandbox, "cheapest.parquet", "%"), cheapest);
}
