//! What real APIs and pages need, asked of the origin: the example jobs, and each feature with the wrong input beside
//! the right one. What is published is compared with what the origin tells of itself in another way (`/_admin/truth`).

mod batches;
mod conditions;
mod cut_lists;
mod kept;
mod lists;
mod odds;
mod ohlc;
mod pages;
mod parts;
mod prices;
mod programs;
mod public;
mod requests;
mod scrape;
mod social;
mod subscriptions;
mod tried;

use std::path::{Path, PathBuf};

use crate::support::{Ended, Origin, Sandbox, published};

/// A job of one endpoint over some ids, into the table `found`; `endpoint` is everything but its name.
fn job(
    sandbox: &Sandbox,
    origin: &Origin,
    ids: &[&str],
    settings: &str,
    endpoint: &str,
    table: &str,
) -> PathBuf {
    let ids: Vec<String> = ids.iter().map(|id| format!("{id:?}")).collect();
    let endpoint = endpoint.replace("ORIGIN", &origin.url());
    let table = if table.is_empty() { "mode = \"append\"" } else { table };
    sandbox.write(
        "job.toml",
        format!(
            "[job]\nname = \"apis\"\n{settings}\n\n[input]\nids = [{}]\nid = \"id\"\n\n\
             [defaults]\nretry = {{ attempts = 3, backoff = \"5ms\", max_backoff = \"20ms\" }}\n\n\
             [[endpoint]]\nname = \"one\"\n{endpoint}\n\n\
             [table]\nto = \"duckdb:found.duckdb\"\nname = \"found\"\n{table}\n",
            ids.join(", ")
        ),
    )
}

/// Runs the job of [`job`], which publishes.
#[track_caller]
fn run(sandbox: &Sandbox) -> Ended {
    sandbox.run(["run", "job.toml"]).with_code(0)
}

/// One text per row of the table `found`.
#[track_caller]
fn found(sandbox: &Sandbox, select: &str) -> Vec<String> {
    published(&sandbox.path().join("found.duckdb"), &format!("SELECT {select} FROM found ORDER BY ALL"))
}

/// What the ledger says of each pair.
#[track_caller]
fn ledger(sandbox: &Sandbox, columns: &str) -> Vec<String> {
    sandbox.query(
        "apis",
        &format!("SELECT {columns} FROM requests JOIN input USING (ordinal) ORDER BY ordinal, endpoint"),
    )
}

/// An example job of the project, its addresses those of the origin, with what it reads beside it.
fn example(sandbox: &Sandbox, origin: &Origin, name: &str, list: &str) -> PathBuf {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let job = std::fs::read_to_string(schemas.join(format!("{name}.toml"))).unwrap();
    let text = std::fs::read_to_string(schemas.join(list)).unwrap();
    sandbox.write(
        &format!("schemas/{list}"),
        text.replace("127.0.0.1:8477", &format!("127.0.0.1:{}", origin.port)),
    );
    sandbox.write(&format!("schemas/{name}.toml"), job.replace("http://127.0.0.1:8477", &origin.url()))
}
