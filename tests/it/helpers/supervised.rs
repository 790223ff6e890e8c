//! Helpers that the supervisor starts, where one shard is much slower than the other.

use std::collections::BTreeMap;

use super::site::{Commit, commits, on_cores, writers};
use crate::support::{Ended, Origin, Sandbox, ended, film_ids, published, small_job};

/// Films of each shard: 32 blocks of 64.
const FILMS: usize = 2048;

/// A run of two shards on two cores. The films of the first are asked of a fast origin, those of the second of a slow
/// one.
struct Uneven {
    sandbox: Sandbox,
    fast: Origin,
    slow: Origin,
}

impl Uneven {
    fn new(title: &str) -> Uneven {
        let (sandbox, fast, slow) = (Sandbox::new(), Origin::start(&[]), Origin::start(&[]));
        slow.knobs(r#"{"latency_ms": 300}"#);
        let line = |(at, id): (usize, &String)| {
            let origin = if at < FILMS { &fast } else { &slow };
            format!("{id},{}/?i={id}", origin.url())
        };
        let ids = film_ids(2 * FILMS);
        let lines: Vec<String> = ids.iter().enumerate().map(line).collect();
        sandbox.write("films.csv", format!("imdb_id,page\n{}\n", lines.join("\n")));
        let job = format!(
            r#"
[job]
name = "uneven"

[input]
file = "films.csv"
id = "imdb_id"

[[endpoint]]
name = "omdb"
url = "{{page:url}}"
hosts = ["127.0.0.1"]
missing = '.Response == "False"'
columns = {{ title = '{title}' }}

[table]
to = "duckdb:uneven.duckdb"
name = "films"
mode = "upsert"
key = ["imdb_id"]
"#
        );
        sandbox.write("uneven.toml", job);
        Uneven { sandbox, fast, slow }
    }

    fn run(&self, more: &[&str]) -> Ended {
        ended(on_cores(&self.sandbox, "0,1", &[&["run", "uneven.toml"][..], more].concat()))
    }

    fn commits(&self, shard: &str) -> BTreeMap<u64, Commit> {
        commits(&self.sandbox.newest_run("uneven").join(shard))
    }

    fn films(&self) -> Vec<String> {
        published(&self.sandbox.path().join("uneven.duckdb"), "SELECT count(*) FROM films")
    }

    /// How often the slow origin was asked.
    fn asked_slowly(&self) -> u64 {
        self.slow.counts()["total"].as_u64().unwrap()
    }
}

#[test]
fn the_idle_process_helps_the_slow_shard_and_nothing_is_asked_twice() {
    let uneven = Uneven::new(".Title");
    uneven.run(&[]).with_code(0).saying("4,096 requests");
    let slow = uneven.commits("00001");
    let by_helper = slow.values().filter(|commit| commit.attempt != slow[&(FILMS as u64)].attempt).count();
    println!("a helper committed {by_helper} of {} blocks", slow.len());
    assert!(by_helper > 0);
    assert_eq!(writers(&slow).len(), 2, "the shard's own process from the front, the helper from the back");
    assert_eq!(writers(&uneven.commits("00000")).len(), 1, "there was nothing to help the fast one with");
    let fast = uneven.fast.counts()["total"].as_u64().unwrap();
    assert_eq!((fast, uneven.asked_slowly()), (FILMS as u64, FILMS as u64));
    assert_eq!(uneven.slow.counts()["by_endpoint"]["omdb"]["ids"], FILMS);
}

#[test]
fn nobody_helps_where_requests_are_shared_out_by_shards() {
    let uneven = Uneven::new(".Title");
    uneven.run(&["--max-requests", "10000"]).with_code(0);
    assert_eq!(writers(&uneven.commits("00001")).len(), 1);
}

#[test]
fn a_record_that_crashes_a_helper_is_found_and_named_by_the_shards_own_process() {
    let uneven = Uneven::new(r#"def f: [f]; if .Title == "bomb" then f else .Title end"#);
    let last = 2 * FILMS - 1;
    let ids = film_ids(2 * FILMS);
    uneven.slow.knobs(&format!(r#"{{"body_ids": {{"{}": "{{\"Title\": \"bomb\"}}"}}}}"#, ids[last]));
    let named = format!("worked on endpoint omdb of record {last}; that record is left out as crashed");
    let ended = uneven.run(&[]).with_code(0).saying("shard 1: a helper process ended").saying(&named);
    assert_eq!(
        ended.stderr.matches("a helper process ended").count(),
        1,
        "and nobody helps that shard again"
    );
    let failed = "SELECT ordinal, status, kind FROM requests WHERE status NOT IN ('ok', 'missing')";
    assert_eq!(uneven.sandbox.query("uneven", failed), [format!("{last},failed,crashed")]);
    assert_eq!(uneven.films(), [(2 * FILMS - 1).to_string()]);
}

#[test]
fn a_run_that_goes_on_with_one_shard_works_it_on_every_core() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    small_job(&sandbox, &origin, 2 * FILMS, "", "");
    ended(on_cores(&sandbox, "0,1", &["plan", "small.toml"])).with_code(0);
    let run = sandbox.newest_run("small");
    sandbox.run(["shard", run.to_str().unwrap(), "0"]).with_code(0);
    origin.knobs(r#"{"latency_ms": 100}"#);
    ended(on_cores(&sandbox, "0,1", &["run", "small.toml"])).with_code(0).saying("continuing run");
    assert!(writers(&commits(&run.join("00001"))).len() > 1, "somebody helped");
    assert_eq!(origin.counts()["total"], 4 * FILMS, "and nothing was asked twice");
}
