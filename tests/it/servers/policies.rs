//! What a failure does to its row, and to the endpoints that depend on it.

use crate::support::{Origin, Sandbox, film_ids, published, small_job};

/// A film whose second answer failed: what stood before, then what stands after, for each policy.
#[test]
fn a_failed_endpoint_drops_its_row_or_nulls_or_keeps_its_columns() {
    for (policy, known, unknown) in [
        ("skip", "The Land Girls 8000000", None),
        ("null", "New title NULL", Some("New film NULL")),
        ("keep", "New title 8000000", Some("New film NULL")),
    ] {
        let sandbox = Sandbox::new();
        let origin = Origin::start(&[]);
        let job = small_job(&sandbox, &origin, 10, "retry_rounds = 0", "");
        let job = job.to_str().unwrap();
        sandbox.edit("small.toml", "missing = [404]", &format!("missing = [404]\non_failure = \"{policy}\""));
        sandbox.run(["run", job]).with_code(0).saying("published 10 rows");

        let [known_id, new_id] = [film_ids(1)[0].clone(), film_ids(11)[10].clone()];
        sandbox.write("ids.txt", film_ids(11).join("\n"));
        let knobs = serde_json::json!({
            "body_ids": {
                known_id.clone(): r#"{"Title": "New title", "Year": "2001"}"#,
                new_id.clone(): r#"{"Title": "New film", "Year": "2002"}"#,
            },
            "fail_ids": {
                known_id.clone(): { "status": 500, "endpoint": "business" },
                new_id.clone(): { "status": 404, "endpoint": "business" },
            },
        });
        origin.knobs(&knobs.to_string());
        sandbox.edit("small.toml", "missing = [404]\n", "");
        sandbox.run(["run", job]).with_code(0);
        let row = |id: &str| {
            let sql = format!(
                "SELECT title || ' ' || coalesce(budget::VARCHAR, 'NULL') FROM films WHERE imdb_id = '{id}'"
            );
            published(&sandbox.path().join("small.duckdb"), &sql)
        };
        assert_eq!(row(&known_id), [known], "{policy}");
        assert_eq!(row(&new_id), Vec::from_iter(unknown.map(str::to_owned)), "{policy}");
        let failed = "SELECT count(*) FROM requests WHERE status = 'failed'";
        assert_eq!(
            sandbox.query("small", failed),
            ["2"],
            "{policy}: the failure is told whatever it does to the row"
        );
    }
}

/// The film's year goes into the query of a second question.
fn dependent_job(sandbox: &Sandbox, origin: &Origin, ids: &[String]) -> String {
    let job = small_job(sandbox, origin, 1, "retry_rounds = 0", "");
    sandbox.write("ids.txt", ids.join("\n"));
    let text = std::fs::read_to_string(&job).unwrap();
    let (first, rest) = text.split_once("[[endpoint]]\nname = \"business\"").unwrap();
    let (_, table) = rest.split_once("[table]").unwrap();
    let second = format!(
        "[[endpoint]]\nname = \"after\"\nurl = \"{}/echo/{{imdb_id}}\"\nparams = {{ year = \"{{omdb.year}}\" }}\n\
         columns = {{ asked = \".target\" }}\n\n[table]",
        origin.url()
    );
    sandbox.write("small.toml", format!("{first}{second}{table}"));
    job.to_str().unwrap().to_owned()
}

#[test]
fn what_depends_on_an_answer_is_asked_with_it_or_missing_or_skipped() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let mut ids = film_ids(3);
    ids.push("unknown".to_owned());
    let job = dependent_job(&sandbox, &origin, &ids);
    let knobs = serde_json::json!({
        "fail_ids": { ids[1].clone(): { "status": 500, "endpoint": "omdb" } },
        "body_ids": { ids[2].clone(): r#"{"Title": "A film without a year", "Year": "N/A"}"# },
    });
    origin.knobs(&knobs.to_string());
    sandbox.run(["run", &job]).with_code(0).saying("published 3 rows, 1 record left out");
    let ends = || {
        let sql =
            "SELECT endpoint, status, kind, requests, detail FROM requests ORDER BY ordinal, endpoint DESC";
        sandbox.query("small", sql)
    };
    assert_eq!(
        ends(),
        [
            "omdb,ok,,1,",
            "after,ok,,1,",
            "omdb,failed,status,3,\"500 Internal Server Error: {\"\"error\"\":\"\"Internal Server Error\"\"}\"",
            "after,not_asked,dependency,0,omdb did not succeed",
            "omdb,ok,,1,",
            "after,missing,,0,",
            "omdb,missing,,1,",
            "after,missing,,0,",
        ]
    );
    let asked = "SELECT asked FROM rows WHERE asked IS NOT NULL";
    assert_eq!(sandbox.query("small", asked), [format!("/echo/{}?year=1998", ids[0])]);
    assert_eq!(origin.counts()["by_endpoint"]["echo"]["total"], 1);

    // A retry asks what failed, and with it what depends on it.
    origin.knobs(r#"{"fail_ids": {}}"#);
    sandbox.run(["retry", "small"]).with_code(0).saying("asking 2 requests again").saying("2 ok");
    sandbox.run(["merge", "small"]).with_code(0).saying("published 1 row;").saying("the table has 4");
    assert_eq!(ends()[2..4], ["omdb,ok,,1,", "after,ok,,1,"]);
    assert_eq!(origin.counts()["by_endpoint"]["echo"]["total"], 2);
    assert_eq!(sandbox.query("small", "SELECT count(*) FROM all_requests"), ["10"]);
}
