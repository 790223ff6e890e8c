//! The social job from a table of URLs into a table that was made by hand (`schemas/social_postgres.*`).

use std::path::Path;

use crate::postgres_server::{self, TestDatabase};
use crate::support::{Origin, Sandbox};

const COUNTS: &str =
    "SELECT count(*), count(pin_count), count(plus_one_count), min(day) = max(day) FROM social_stats";

/// The job's file and its tables, with so many URLs.
fn stage(sandbox: &Sandbox, origin: &Origin, urls: usize) -> TestDatabase<'static> {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let read = |name: &str| std::fs::read_to_string(schemas.join(name)).unwrap();
    let database = postgres_server::database();
    database.execute(&read("social_postgres.sql"));
    database.execute(&format!(
        "INSERT INTO urls SELECT n, 'https://example.com/articles/' || n FROM generate_series(1, {urls}) n"
    ));
    let job = read("social_postgres.toml").replace("http://127.0.0.1:8477", &origin.url());
    sandbox
        .write("schemas/social_postgres.toml", job.replace("postgres://localhost/social", &database.url()));
    database
}

#[test]
fn a_table_made_by_hand_is_filled_from_a_query() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let database = stage(&sandbox, &origin, 300);
    let ended = sandbox.run(["run", "schemas/social_postgres.toml"]).with_code(0);
    assert_eq!(
        database.rows("SELECT count(*), count(DISTINCT id), count(DISTINCT note) FROM social_stats"),
        ["300|300|1"]
    );
    assert_eq!(database.rows("SELECT min(url_id), max(url_id) FROM social_stats"), ["1|300"]);
    assert!(database.rows(COUNTS)[0].ends_with("|t"), "{}", ended.stderr);
    let serials = database.rows("SELECT url_id, id FROM social_stats ORDER BY 1");
    // The second run of a day updates: serial numbers stay, and so does what the job does not name.
    database.execute("UPDATE social_stats SET note = 'mine' WHERE url_id = 7");
    let again =
        sandbox.run(["run", "schemas/social_postgres.toml"]).with_code(0).saying("published 300 rows");
    assert!(again.stderr.contains("300 rows replaced"), "{}", again.stderr);
    assert_eq!(database.rows("SELECT url_id, id FROM social_stats ORDER BY 1"), serials);
    assert_eq!(database.rows("SELECT note FROM social_stats WHERE url_id = 7"), ["mine"]);
    let report = std::fs::read_to_string(sandbox.path().join("social_failures.csv")).unwrap();
    assert_eq!(report.lines().next(), Some("endpoint,kind,failures"));
}

#[test]
fn a_url_that_was_deleted_meanwhile_does_not_refuse_the_others() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let database = stage(&sandbox, &origin, 50);
    // Fetched, but not published yet.
    sandbox.edit("schemas/social_postgres.toml", "min_success = 0.9", "min_success = 0.9\nmin_rows = 51");
    sandbox.run(["run", "schemas/social_postgres.toml"]).with_code(1);
    assert_eq!(database.rows("SELECT count(*) FROM social_stats"), ["0"]);
    assert_eq!(database.rows("SELECT to_regclass('windrow_runs')"), ["~"]);
    sandbox.edit("schemas/social_postgres.toml", "\nmin_rows = 51", "");
    database.execute("DELETE FROM urls WHERE id IN (13, 17)");
    let merged = sandbox.run(["merge", "social_postgres"]).with_code(0);
    assert!(merged.stderr.contains("2 rows left out by the job's own statements"), "{}", merged.stderr);
    assert_eq!(database.rows("SELECT count(*) FROM social_stats"), ["48"]);
    // Without the statement the foreign key refuses all of them, and says which.
    sandbox.edit(
        "schemas/social_postgres.toml",
        "[[publish.before]]\nsql = \"DELETE FROM windrow_rows",
        "[[publish.before]]\nsql = \"SELECT count(*) FROM windrow_rows",
    );
    database.execute("TRUNCATE social_stats; DELETE FROM windrow_runs");
    let refused = sandbox.run(["merge", "social_postgres"]).with_code(5);
    assert!(refused.stderr.contains("foreign key") && refused.stderr.contains("13"), "{}", refused.stderr);
    assert_eq!(database.rows("SELECT count(*) FROM social_stats"), ["0"]);
}
