//! The jobs of `schemas/` that work a queue, with a producer that goes on inserting.

use std::path::Path;

use super::stage::{SOON, end};
use crate::mariadb_server;
use crate::postgres_server;
use crate::support::processes::until;
use crate::support::{Origin, Sandbox};

/// The job's file, with the origin's address and this database's; the statements that make its tables.
fn example(sandbox: &Sandbox, origin: &Origin, name: &str, local: &str, url: &str) -> String {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let read = |name: String| std::fs::read_to_string(schemas.join(name)).unwrap();
    let job = read(format!("{name}.toml")).replace("http://127.0.0.1:8477", &origin.url());
    assert!(job.contains(local), "{job}");
    sandbox.write(&format!("schemas/{name}.toml"), job.replace(local, url));
    read(format!("{name}.sql"))
}

fn encoded(url: &str) -> String {
    url.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn urls_that_are_inserted_into_postgresql_are_counted() {
    let (sandbox, origin, database) = (Sandbox::new(), Origin::start(&[]), postgres_server::database());
    let tables = example(&sandbox, &origin, "queue_postgres", "postgres://localhost/links", &database.url());
    database.execute(&tables);
    let worker = sandbox.start(["work", "schemas/queue_postgres.toml"]);
    let url = |number: u32| format!("https://example.com/articles/{number}?a=1&b=ä");
    for first in (0..400).step_by(40) {
        let rows: Vec<String> = (first..first + 40).map(|number| format!("('{}')", url(number))).collect();
        database.execute(&format!("INSERT INTO link_jobs (url) VALUES {}", rows.join(", ")));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let done = "SELECT count(*) FROM link_jobs WHERE state = 'done' AND settled_at >= inserted_at";
    until(SOON, "all are done", || database.rows(done) == ["400"]);
    end(worker);
    let expected = |number: u32| {
        let told = origin.truth(&format!("social?url={}", encoded(&url(number))));
        format!("{}|{}|{}", url(number), told["pins"], told["shares"])
    };
    let mut expected: Vec<String> = (0..400).map(expected).collect();
    expected.sort();
    let mut rows =
        database.rows("SELECT url, pins, shares FROM link_counts JOIN link_jobs USING (id) WHERE counted_at > now() - INTERVAL '1 hour'");
    rows.sort();
    assert_eq!(rows, expected);
    assert_eq!(database.rows("SELECT count(*) FROM windrow_claims"), ["0"]);
    // One that is set to wait again, and comes before others.
    database.execute("UPDATE link_jobs SET state = 'new', priority = 1 WHERE id = 17");
    sandbox.run(["work", "schemas/queue_postgres.toml", "--until-empty"]).with_code(0);
    assert_eq!(database.rows(done), ["400"]);
    assert_eq!(database.rows("SELECT count(*) FROM link_counts"), ["400"]);
}

#[test]
fn purchases_that_are_inserted_into_mariadb_are_asked_of_the_store() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&["--token-needed", "--token-rotates", "--token-ms", "2000"]);
    let database = mariadb_server::database();
    database.execute(&example(
        &sandbox,
        &origin,
        "queue_mariadb",
        "mysql://localhost/store",
        &database.url(),
    ));
    sandbox.write("store.env", "STORE_CLIENT_SECRET=shop-secret\nSTORE_REFRESH_TOKEN=shop-refresh\n");
    let words = ["work", "schemas/queue_mariadb.toml", "--env-file", "store.env"];
    let worker = sandbox.start(words);
    for part in 0..10 {
        // Half of the tokens differ in capitals only.
        database.execute(&format!(
            "INSERT INTO purchase_jobs (token, product) \
             SELECT CONCAT(IF(seq % 2, 'tok.', 'TOK.'), {part}, '.', seq DIV 2), 'monthly' FROM seq_1_to_40"
        ));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let done = "SELECT count(*) FROM purchase_jobs WHERE state = 'done' AND settled_at >= inserted_at";
    until(SOON, "all are done", || database.rows(done) == ["400"]);
    end(worker);
    let rows = database.rows(
        "SELECT token, auto_renewing, CAST(UNIX_TIMESTAMP(expires_at) * 1000 AS int) FROM purchase_states ORDER BY token",
    );
    assert_eq!(rows.len(), 400);
    let mut renewing = 0;
    for row in rows {
        let token = row.split('|').next().unwrap();
        let told = origin.truth(&format!("subscriptions/monthly/{token}"));
        let expected = match (told["autoRenewing"].as_bool(), told["expiryTimeMillis"].as_str()) {
            (Some(renews), Some(expiry)) => format!("{token}|{}|{expiry}", u8::from(renews)),
            _ => format!("{token}|~|~"),
        };
        renewing += usize::from(expected.contains("|1|"));
        assert_eq!(row, expected);
    }
    assert!(renewing > 100, "{renewing}");
    assert_eq!(database.rows("SELECT count(*) FROM windrow_claims"), ["0"]);
}
