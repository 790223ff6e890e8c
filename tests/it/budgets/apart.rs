//! Endpoints side by side: one that is limited, one that is not.

use std::time::Duration;

use crate::support::processes::until;
use crate::support::{Origin, Sandbox, alone, film_ids, published, wait};

/// Films altogether, no more than one shard takes; those of them, the first, that the limited endpoint is asked for: so
/// many that those who wait for its rate could hold all places, and fewer than twice as many, so that there are lanes left.
const FILMS: usize = 64;
const LIMITED: usize = 14;
const IN_FLIGHT: usize = 8;

fn job(sandbox: &Sandbox, origin: &Origin) {
    let line = |(at, id): (usize, &String)| format!("{id},{}\n", if at < LIMITED { "both" } else { "one" });
    let lines: String = film_ids(FILMS).iter().enumerate().map(line).collect();
    sandbox.write("ids.csv", format!("imdb_id,asks\n{lines}"));
    let url = origin.url();
    sandbox.write(
        "films.toml",
        format!(
            r#"
[job]
name = "films"
in_flight = {IN_FLIGHT}

[input]
file = "ids.csv"
id = "imdb_id"
columns = ["asks"]

[limit.slow]
rate = "1/s"

[[endpoint]]
name = "business"
url = "{url}/business/{{imdb_id}}"
when = '.asks == "both"'
limit = "slow"
missing = [404]
columns = {{ budget = ".budget" }}
on_failure = "null"

[[endpoint]]
name = "omdb"
url = "{url}/"
params = {{ i = "{{imdb_id}}" }}
missing = '.Response == "False"'
columns = {{ title = ".Title" }}

[table]
to = "duckdb:films.duckdb"
name = "films"
mode = "upsert"
key = ["imdb_id"]
"#
        ),
    );
}

/// Requests of an endpoint until now.
fn asked(origin: &Origin, endpoint: &str) -> u64 {
    origin.counts()["by_endpoint"][endpoint]["total"].as_u64().unwrap()
}

#[test]
fn an_endpoint_without_a_limit_does_not_wait_for_one_that_has_one() {
    let (_alone, origin, sandbox) = (alone(), Origin::start(&[]), Sandbox::new());
    job(&sandbox, &origin);
    let run = sandbox.start(["run", "films.toml", "--processes", "1"]);
    until(Duration::from_secs(60), "all of the other endpoint", || asked(&origin, "omdb") == FILMS as u64);
    // If they held their places, there would be none for the other one until no more of them waited than there are places.
    let limited = asked(&origin, "business");
    assert!(limited < (LIMITED - IN_FLIGHT) as u64, "{limited}");
    wait(run).with_code(0);
    assert_eq!(asked(&origin, "business"), LIMITED as u64);
    let rows = published(&sandbox.path().join("films.duckdb"), "SELECT count(*) FROM films");
    assert_eq!(rows, [FILMS.to_string()]);
}
