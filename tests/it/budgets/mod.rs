//! Budgets and patience: limits that all processes keep together, quotas that last longer than a run, and runs that end
//! whatever their servers do. All is measured at the origin, in real time: closely in `make soak`, else as a busy
//! machine allows.
//!
//! | file | asks |
//! |---|---|
//! | [`rates`] | is a rate kept over every second, used up, and shared fairly, also while processes are killed? |
//! | [`apart`] | is an endpoint without a limit asked while another waits for its rate? |
//! | [`pauses`] | does one 429 silence all processes for as long as it says? |
//! | [`quotas`] | does a run pause when its quota is used up, and go on there? |
//! | [`patience`] | does a run end in time where servers are down, slow or failing? |
//! | [`known`] | is what is known of hosts and limits shown, lifted and swept? |
//! | [`feedback`] | do latency, headers and costs of the answers slow all processes down, and not more than needed? |

mod apart;
mod feedback;
mod known;
mod patience;
mod pauses;
mod quotas;
mod rates;

use std::path::PathBuf;
use std::time::Duration;

use crate::support::processes::until;
use crate::support::{Origin, Sandbox, film_ids, published};

/// A job over some of the films, with one endpoint; texts are lines of the job file.
#[derive(Debug, Clone, Default)]
struct Films<'a> {
    /// Of the films' list.
    first: usize,
    count: usize,
    /// Of `[job]`.
    settings: &'a str,
    /// Of the limit of the origin's address; empty for none.
    limit: &'a str,
    /// Of the endpoint.
    endpoint: &'a str,
    /// Sections after the table.
    more: &'a str,
}

impl Films<'_> {
    /// Writes the job file, whose name is that of its job: `films`.
    fn write(&self, sandbox: &Sandbox, origin: &Origin) -> PathBuf {
        let Films { first, count, settings, limit, endpoint, more } = self;
        sandbox.write("ids.txt", film_ids(first + count)[*first..].join("\n"));
        let limits = if limit.is_empty() {
            String::new()
        } else {
            format!("[limit.\"127.0.0.1:{}\"]\n{limit}\n", origin.port)
        };
        let url = origin.url();
        sandbox.write(
            "films.toml",
            format!(
                r#"
[job]
name = "films"
{settings}

[input]
file = "ids.txt"
id = "imdb_id"

{limits}
[[endpoint]]
name = "omdb"
url = "{url}/"
params = {{ i = "{{imdb_id}}" }}
missing = '.Response == "False"'
columns = {{ title = ".Title" }}
{endpoint}

[table]
to = "duckdb:films.duckdb"
name = "films"
mode = "upsert"
key = ["imdb_id"]

{more}
"#
            ),
        )
    }
}

/// Rows that are published.
#[track_caller]
fn rows(sandbox: &Sandbox) -> usize {
    published(&sandbox.path().join("films.duckdb"), "SELECT count(*) FROM films")[0].parse().unwrap()
}

/// Pairs of the requests view, by status.
#[track_caller]
fn pairs(sandbox: &Sandbox, condition: &str) -> usize {
    let sql = format!("SELECT count(*) FROM requests WHERE {condition}");
    sandbox.query("films", &sql)[0].parse().unwrap()
}

/// Every pair has its line, and the server had an answer to all.
#[track_caller]
fn all_answered(sandbox: &Sandbox, count: usize) {
    assert_eq!((pairs(sandbox, "status IN ('ok', 'missing')"), pairs(sandbox, "true")), (count, count));
    assert_eq!(rows(sandbox), count);
}

/// Waits for so many requests at the origin, which notes arrivals.
#[track_caller]
fn wait_for_arrivals(origin: &Origin, count: u64) {
    until(Duration::from_secs(30), "requests at the origin", || origin.arrivals().count >= count);
}
