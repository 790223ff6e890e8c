//! `when`: an endpoint that is asked for some records only. `ok`: an answer that says that it is none.

use super::{found, job, run};
use crate::support::{Origin, Sandbox, film_ids, published};

/// Films of which some are `wanted`, and the films job's two endpoints, asked under conditions.
fn films(sandbox: &Sandbox, origin: &Origin, wanted: &[(String, u8)], omdb: &str, business: &str) {
    let lines: String = wanted.iter().map(|(id, wanted)| format!("{id},{wanted}\n")).collect();
    sandbox.write("ids.csv", format!("imdb_id,wanted\n{lines}"));
    let url = origin.url();
    sandbox.write(
        "job.toml",
        format!(
            r#"
job = {{ name = "apis" }}
input = {{ file = "ids.csv", id = "imdb_id", types = {{ wanted = "integer" }} }}
table = {{ to = "duckdb:found.duckdb", name = "found", mode = "append" }}
[[endpoint]]
name = "omdb"
url = "{url}/"
params = {{ i = "{{imdb_id}}" }}
{omdb}
missing = '.Response == "False"'
nulls = ["N/A"]
columns = {{ title = ".Title", year = {{ jq = ".Year", type = "integer" }} }}
[[endpoint]]
name = "business"
url = "{url}/business/{{imdb_id}}"
{business}
columns = {{ budget = ".budget[0]" }}
"#
        ),
    );
}

/// The first films, each with one of the numbers in turn.
fn wanted(films: usize, turns: &[u8]) -> Vec<(String, u8)> {
    film_ids(films).into_iter().zip(turns.iter().copied().cycle()).collect()
}

#[test]
fn an_endpoint_is_asked_where_an_earlier_answer_says_so() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let condition = "when = \".wanted == 1 and .omdb.year >= 1990\"";
    films(&sandbox, &origin, &wanted(300, &[1, 0, 1]), "", condition);
    run(&sandbox);
    let asked = "SELECT count(*) FROM requests b JOIN input USING (ordinal) JOIN omdb USING (ordinal) WHERE b.endpoint = 'business'";
    let wrong =
        format!("{asked} AND (b.status <> 'not_asked') <> coalesce(wanted = 1 AND year >= 1990, false)");
    assert_eq!(sandbox.query("apis", &wrong), ["0"]);
    let skipped =
        format!("{asked} AND b.status = 'not_asked' AND kind IS NULL AND rows = 1 AND b.requests = 0");
    let skipped: u64 = sandbox.query("apis", &skipped)[0].parse().unwrap();
    assert!(skipped > 100 && skipped < 300, "{skipped}");
    assert_eq!(origin.counts()["by_endpoint"]["business"]["total"].as_u64(), Some(300 - skipped));
    // A condition that says no is no failure: every film has its row, and there is nothing to ask again.
    assert_eq!(found(&sandbox, "imdb_id").len(), 300);
    let nulls = "SELECT count(*) FROM found WHERE budget IS NULL";
    let nulls: u64 = published(&sandbox.path().join("found.duckdb"), nulls)[0].parse().unwrap();
    assert!(nulls >= skipped);
    sandbox.run(["failures", "apis"]).with_code(0).saying("nothing failed");
    sandbox.run(["retry", "apis"]).with_code(0).saying("nothing left to ask");
}

#[test]
fn what_depends_on_an_endpoint_that_is_not_asked_is_asked_once() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let list = wanted(100, &[1, 0]);
    films(&sandbox, &origin, &list, "when = \".wanted == 1\"", "when = \".omdb.title == null\"");
    run(&sandbox);
    let counts = origin.counts();
    for (id, _) in list.iter().filter(|(_, wanted)| *wanted == 0) {
        assert_eq!(counts["by_endpoint"]["business"]["counts"][id], 1, "{id}");
        assert_eq!(counts["by_endpoint"]["omdb"]["counts"][id], serde_json::Value::Null);
    }
    assert_eq!(found(&sandbox, "imdb_id").len(), 100);
}

#[test]
fn an_answer_that_says_it_is_none_is_asked_again() {
    let (sandbox, origin) = (Sandbox::new(), Origin::start(&[]));
    let endpoint = "url = \"ORIGIN/states/{id}\"\nparams = { busy = \"{busy}\" }\nok = '.status == \"ok\"'\n\
                    columns = { status = \".status\" }";
    job(&sandbox, &origin, &[], "", endpoint, "");
    sandbox.write("ids.csv", "id,busy\na,1\nb,0\nc,1\n");
    sandbox.edit("job.toml", "ids = []", "file = \"ids.csv\"");
    run(&sandbox).saying("round 1: asking 2 failed requests again");
    assert_eq!(found(&sandbox, "status"), ["ok", "ok", "ok"]);
    let first = "SELECT kind, http_status, detail FROM all_requests WHERE round = 0 AND kind IS NOT NULL";
    let first = sandbox.query("apis", first);
    assert!(first[0].starts_with("not_ok,200,"), "{first:?}");
    // Without the condition the table would hold what is no answer.
    origin.reset();
    sandbox.edit("job.toml", "ok = '.status == \"ok\"'", "");
    run(&sandbox);
    assert!(found(&sandbox, "status").contains(&"error".to_owned()));
}
