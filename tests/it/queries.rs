//! Lists that a database answers with, from the job file to the table: a real PostgreSQL, DuckDB over files, the origin.

use crate::postgres_server::{PostgresServer, TestDatabase};
use crate::support::{Ended, Origin, Sandbox, published};

/// A job that asks the echo about each id of the query.
fn job(sandbox: &Sandbox, origin: &Origin, input: &str, settings: &str) {
    let url = origin.url();
    sandbox.write(
        "echo.toml",
        format!(
            r#"
[job]
name = "echo"
{settings}

[input]
{input}
id = "id"
columns = ["name", "seen"]

[defaults]
retry = {{ attempts = 2, backoff = "10ms", max_backoff = "50ms" }}

[[endpoint]]
name = "path"
url = "{url}/echo/{{id}}"
columns = {{ target = ".target" }}

[table]
to = "duckdb:echo.duckdb"
name = "echoes"
mode = "append"
"#
        ),
    );
}

fn from_server(database: &TestDatabase<'_>, query: &str) -> String {
    format!("database = \"{}\"\nsql = \"\"\"\n{query}\"\"\"", database.url())
}

const PEOPLE: &str = "CREATE TABLE people AS SELECT i AS id, 'p' || i AS name, \
                      timestamptz '2024-05-31 12:00+02' + i * interval '1 s' AS seen FROM generate_series(1, 2000) i";

const QUERY: &str = "SELECT id, name, seen\nFROM people\nORDER BY id DESC;\n";

fn echoes(sandbox: &Sandbox, select: &str) -> Vec<String> {
    published(&sandbox.path().join("echo.duckdb"), select)
}

fn server() -> PostgresServer {
    PostgresServer::start(&[("fsync", "off")])
}

#[test]
fn a_table_of_a_server_is_asked_about_to_the_last_row() {
    let (server, origin, sandbox) = (server(), Origin::start(&[]), Sandbox::new());
    let database = server.database();
    database.execute(PEOPLE);
    job(&sandbox, &origin, &from_server(&database, QUERY), "");
    let planned = plan(&sandbox);
    let list = format!("{}: SELECT id, name, seen FROM people ORDER BY id DESC;", database.url());
    assert!(planned.stdout.contains(&list), "{}", planned.stdout);
    sandbox.run(["run", "echo.toml"]).with_code(0).saying("continuing run");
    let rows = echoes(
        &sandbox,
        "SELECT concat_ws('|', count(*), count(DISTINCT id), min(seen), bool_and(target LIKE '%/echo/' || id), \
         bool_and(name = 'p' || id), any_value(typeof(id)), any_value(typeof(seen))) FROM echoes",
    );
    assert_eq!(rows, ["2000|2000|2024-05-31 10:00:01|true|true|INTEGER|TIMESTAMP"]);
    let first = sandbox.query("echo", "SELECT id FROM input WHERE ordinal = 0");
    assert_eq!(first, ["2000"], "the query's own order");
    let plan = std::fs::read_to_string(sandbox.newest_run("echo").join("plan.json")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["source"], format!("{}: {}", database.url(), QUERY.trim()));
    sandbox.run(["check", "echo.toml"]).with_code(0).saying("the job is valid");
    sandbox.run(["status", "echo"]).with_code(0);
}

/// Leaves a run unfinished.
fn plan(sandbox: &Sandbox) -> Ended {
    sandbox.run(["plan", "echo.toml"]).with_code(0)
}

#[test]
fn an_unfinished_run_is_gone_on_with_until_its_rows_change() {
    let (server, origin, sandbox) = (server(), Origin::start(&[]), Sandbox::new());
    let database = server.database();
    database.execute(PEOPLE);
    let query = "SELECT * FROM people WHERE id <= 20";
    job(&sandbox, &origin, &from_server(&database, query), "on_change = \"stop\"");
    plan(&sandbox);
    // Rows that lie elsewhere come in another order; columns that are not needed do not matter.
    database.execute("UPDATE people SET id = id WHERE id < 10; ALTER TABLE people ADD note text DEFAULT 'x'");
    assert_ne!(
        database.rows(&format!("{query} LIMIT 1")),
        ["1|p1|2024-05-31 10:00:01+00|x"],
        "another order"
    );
    sandbox.run(["run", "echo.toml"]).with_code(0).saying("continuing run");
    plan(&sandbox);
    database.execute("UPDATE people SET name = 'q' WHERE id = 7");
    let said = sandbox.run(["run", "echo.toml"]).with_code(2).stderr;
    let list = format!("the list ({}: {query}) has changed", database.url());
    assert!(said.contains(&list), "{said}");
    sandbox.edit("echo.toml", "on_change = \"stop\"", "");
    sandbox.run(["run", "echo.toml"]).with_code(0).saying(&list).saying("starting a new run");
    assert_eq!(echoes(&sandbox, "SELECT name FROM echoes WHERE id = 7 ORDER BY 1"), ["p7", "q"]);
}

#[test]
fn a_server_that_is_stopped_ends_in_words_and_code_5() {
    let (mut server, origin, sandbox) = (server(), Origin::start(&[]), Sandbox::new());
    let database = server.database();
    database.execute(PEOPLE);
    let input = from_server(&database, QUERY);
    job(&sandbox, &origin, &input, "");
    plan(&sandbox);
    let folder = sandbox.newest_run("echo");
    server.stop_fast();
    for command in ["run", "plan", "check"] {
        let said = sandbox.run([command, "echo.toml"]).with_code(5).stderr;
        assert!(said.contains("cannot connect to postgres://postgres@127.0.0.1:"), "{said}");
        assert!(said.contains("hint: is the server running there"), "{said}");
    }
    assert_eq!(sandbox.newest_run("echo"), folder, "nothing was planned");
    sandbox.run(["status", "echo"]).with_code(0);
    server.launch();
    sandbox.run(["run", "echo.toml"]).with_code(0).saying("continuing run");
    assert_eq!(echoes(&sandbox, "SELECT count(*) FROM echoes"), ["2000"]);
}

#[test]
fn a_wrong_query_is_a_mistake_in_the_job() {
    let (server, origin, sandbox) = (server(), Origin::start(&[]), Sandbox::new());
    let database = server.database();
    database.execute(PEOPLE);
    job(&sandbox, &origin, &from_server(&database, "SELECT id, nme\nFROM people"), "");
    let said = sandbox.run(["run", "echo.toml"]).with_code(2).stderr;
    assert!(said.contains("column \"nme\" does not exist"), "{said}");
    assert!(said.contains("\n  SELECT id, nme\n             ^\nhint: "), "{said}");
    job(&sandbox, &origin, &from_server(&database, "SELECT id, name FROM people"), "");
    sandbox.run(["run", "echo.toml"]).with_code(2).saying("has no column \"seen\"; it has \"id\", \"name\"");
    sandbox.run(["status"]).with_code(0).saying("no runs in shards");
}

#[test]
fn files_beside_the_job_are_a_list_by_sql_wherever_it_is_started() {
    let (origin, sandbox, elsewhere) = (Origin::start(&[]), Sandbox::new(), tempfile::tempdir().unwrap());
    sandbox.write("lists/people.csv", "id,name\n1,a\n2,b\n3,c\n");
    let query = "SELECT id, name, TIMESTAMP '2024-05-31 10:00:00' AS seen FROM read_csv('lists/people.csv') WHERE id > 1";
    job(&sandbox, &origin, &format!("database = \"duckdb:\"\nsql = \"{query}\""), "");
    let mut command = sandbox.command(["run"]);
    command.arg(sandbox.path().join("echo.toml")).current_dir(elsewhere.path());
    crate::support::ended(command).with_code(0);
    assert_eq!(echoes(&sandbox, "SELECT concat_ws('|', id, name) FROM echoes ORDER BY id"), ["2|b", "3|c"]);
}
