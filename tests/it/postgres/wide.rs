//! Large values: what a load holds in memory is bounded, however many there are.

use std::process::Child;
use std::time::Duration;

use crate::postgres_server::PostgresServer;
use crate::support::{Ended, Origin, Sandbox, alone, film_ids, wait};

/// Records of half a megabyte each, that cannot be compressed: a quarter of a gigabyte.
const FILMS: usize = 512;

/// What a load may take, in megabytes: it takes some 400, and where one statement reads all of it, some 600 and more for
/// more records.
const MOST: u64 = 500;

/// Makes of each answer a text of half a megabyte.
const WIDE: &str = r#"
import json, random, sys

for line in sys.stdin:
    ordinal = json.loads(line)["ordinal"]
    text = random.Random(ordinal).randbytes(250_000).hex()
    print(json.dumps({"ordinal": ordinal, "answer": {"text": text}}), flush=True)
"#;

/// Waits for its end; also the most memory that it ever had resident, in megabytes (`VmHWM` of proc_pid_status(5)).
fn with_peak(mut run: Child) -> (Ended, u64) {
    let (status, mut peak) = (format!("/proc/{}/status", run.id()), 0);
    while run.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(now.unwrap_or(0_u64) / 1024);
        std::thread::sleep(Duration::from_millis(5));
    }
    (wait(run), peak)
}

#[test]
fn a_load_of_large_values_takes_little_memory() {
    let (_alone, sandbox, origin) = (alone(), Sandbox::new(), Origin::start(&[]));
    let server = PostgresServer::start(&[("fsync", "off")]);
    let (url, port, database) = (origin.url(), server.port, server.database().name);
    sandbox.write("wide.py", WIDE);
    sandbox.write("ids.txt", film_ids(FILMS).join("\n"));
    sandbox.write(
        "films.toml",
        format!(
            r#"
[job]
name = "films"
in_flight = 8

[input]
file = "ids.txt"
id = "imdb_id"

[[endpoint]]
name = "omdb"
url = "{url}/"
params = {{ i = "{{imdb_id}}" }}
pipe = ["python3", "wide.py"]
columns = {{ text = ".text" }}

[table]
to = "postgres://postgres@127.0.0.1:{port}/{database}"
name = "films"
mode = "append"
"#
        ),
    );
    let (ended, peak) = with_peak(sandbox.start(["run", "films.toml"]));
    ended.with_code(0);
    let whole = "SELECT count(*) || ' ' || min(length(text)) || ' ' || max(length(text)) FROM films";
    assert_eq!(server.rows(&database, whole), [format!("{FILMS} 500000 500000")]);
    assert!(peak < MOST, "{peak} MB");
}
