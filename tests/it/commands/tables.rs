//! Modes over two runs, and formats of lists and of chunks: the same table, however it came about.

use std::process::Stdio;

use crate::support::{Origin, Sandbox, film_ids, published, published_films, small_job, wait};

/// Two runs over changed lists; the ids of the table after the second, those that came twice twice.
fn after_two_runs(mode: &str) -> Vec<String> {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 1, "", "");
    let mode = format!("mode = \"{mode}\"");
    sandbox.edit("small.toml", "mode = \"upsert\"", &mode);
    if mode.contains("append") || mode.contains("replace") {
        sandbox.edit("small.toml", "key = [\"imdb_id\"]\n", "");
    }
    // Nobody knows the ids: that the job publishes so is its own decision.
    sandbox.edit("small.toml", "[table]", "[publish]\nmin_success = 1\n\n[table]");
    for list in ["a\nb\n", "b\nc\n"] {
        sandbox.write("ids.txt", list);
        sandbox.run(["run", job.to_str().unwrap()]).with_code(0).saying("published 2 rows");
        sandbox.run(["merge", "small"]).with_code(0).saying("already published");
    }
    published(&sandbox.path().join("small.duckdb"), "SELECT imdb_id FROM films ORDER BY ALL")
}

#[test]
fn a_second_run_appends_or_replaces_rows_or_all() {
    assert_eq!(after_two_runs("append"), ["a", "b", "b", "c"]);
    assert_eq!(after_two_runs("upsert"), ["a", "b", "c"]);
    assert_eq!(after_two_runs("replace"), ["b", "c"]);
}

#[test]
fn chunks_as_csv_give_the_same_table() {
    let origin = Origin::start(&[]);
    // Values that are hard on CSV: quotes, line ends, null beside the empty text.
    let ids = film_ids(100);
    let odd = r#"{"Title": "a,\"b\"\r\nc", "Year": null}"#;
    let bodies =
        serde_json::json!({ ids[3].clone(): odd, ids[4].clone(): r#"{"Title": "", "Year": "1999"}"# });
    origin.knobs(&serde_json::json!({ "body_ids": bodies }).to_string());
    let films = |settings: &str| {
        let sandbox = Sandbox::new();
        let job = small_job(&sandbox, &origin, 100, settings, "");
        sandbox.run(["run", job.to_str().unwrap()]).with_code(0).saying("published 100 rows");
        let rows =
            sandbox.query("small", "SELECT md5(string_agg(rows::VARCHAR, ' ' ORDER BY imdb_id)) FROM rows");
        let empty = "SELECT count(*) FROM films WHERE title = ''";
        assert_eq!(published(&sandbox.path().join("small.duckdb"), empty), ["1"], "{settings}");
        let run = sandbox.newest_run("small").join("00000");
        let csv = std::fs::read_dir(run)
            .unwrap()
            .any(|file| file.unwrap().path().extension() == Some("csv".as_ref()));
        assert_eq!(csv, settings.contains("csv"));
        (published_films(&sandbox.path().join("small.duckdb")), rows)
    };
    assert_eq!(films("chunks = \"csv\""), films(""));
}

#[test]
fn every_format_of_list_gives_the_same_table() {
    let origin = Origin::start(&[]);
    let ids = film_ids(50);
    let joined = |head: &str, line: &dyn Fn(&String) -> String| {
        ids.iter().map(line).fold(head.to_owned(), |text, line| text + &line)
    };
    let lists = [
        ("ids.csv", joined("country,imdb_id\r\n", &|id| format!("\"d,e\",{id}\r\n"))),
        ("ids.tsv", joined("\u{feff}imdb_id\tcountry\n", &|id| format!("{id}\tde\n"))),
        ("ids.jsonl", joined("", &|id| format!("{{\"x\": [1], \"imdb_id\": \"{id}\"}}\n"))),
        ("ids.txt", joined("", &|id| format!("{id}\n"))),
    ];
    let mut tables = Vec::new();
    for (name, content) in lists {
        let sandbox = Sandbox::new();
        let job = small_job(&sandbox, &origin, 1, "", "");
        sandbox.write(name, content);
        sandbox.edit("small.toml", "file = \"ids.txt\"", &format!("file = \"{name}\""));
        sandbox.run(["run", job.to_str().unwrap()]).with_code(0).saying("published 50 rows");
        tables.push(published_films(&sandbox.path().join("small.duckdb")));
    }
    let sandbox = Sandbox::new();
    let job = small_job(&sandbox, &origin, 1, "", "");
    sandbox.edit("small.toml", "file = \"ids.txt\"", &format!("ids = {ids:?}"));
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0).saying("published 50 rows");
    tables.push(published_films(&sandbox.path().join("small.duckdb")));
    assert_eq!(tables[0].len(), 50);
    assert!(tables.iter().all(|table| *table == tables[0]));
}

#[test]
fn a_list_from_standard_input_is_read_once_and_resumed_without_it() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 40, "", "");
    let job = job.to_str().unwrap();
    sandbox.edit("small.toml", "file = \"ids.txt\"", "file = \"-\"");
    let piped = |words: &[&str]| {
        let list = std::fs::File::open(sandbox.path().join("ids.txt")).unwrap();
        let mut command = sandbox.command(words);
        wait(command.stdin(list).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    };
    sandbox.run(["run", job]).with_code(2).saying("stdin holds no records").saying("hint: ");
    piped(&["run", job, "--max-requests", "30"]).with_code(7);
    // The list is frozen in the run: nothing needs to be piped again.
    sandbox.run(["run", job]).with_code(0).saying("continuing run").saying("published 40 rows");
    assert_eq!(origin.counts()["total"], 80);
}

#[test]
fn merge_publishes_elsewhere_when_told() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 20, "", "");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    sandbox.run(["merge", "small", "--to", "duckdb:copy.duckdb"]).with_code(0).saying("published 20 rows");
    let films = |name: &str| published_films(&sandbox.path().join(name));
    assert_eq!(films("copy.duckdb"), films("small.duckdb"));
    sandbox
        .run(["merge", "small", "--to", "oracle://x"])
        .with_code(2)
        .saying("unknown destination")
        .saying("hint: ");
}

#[test]
fn a_column_that_the_job_gains_is_refused_or_told_and_added() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 6, "", "");
    let job = job.to_str().unwrap();
    sandbox.run(["run", job]).with_code(0).saying("published 6 rows");
    // The list changes: three films go, three come.
    sandbox.write("ids.txt", film_ids(9)[3..].join("\n"));
    sandbox.edit("small.toml", "year = {", "plot = \".Plot\", year = {");
    sandbox.edit("small.toml", "[table]", "[table]\nstamp = { fetched_at = \"record.fetched_at\" }");
    let asked = origin.counts()["total"].clone();
    for words in [vec!["run", job], vec!["plan", job], vec!["check", job]] {
        let refused = sandbox.run(words).with_code(2).saying("  it has no column \"plot\"");
        refused
            .saying("  it has no column \"fetched_at\"")
            .saying("on_new_column = \"add\" in [table] lets windrow");
    }
    assert_eq!(origin.counts()["total"], asked);
    sandbox.edit("small.toml", "[table]", "[table]\non_new_column = \"add\"");
    let words = "films is there, and is filled as it is; 2 columns are added: plot, fetched_at";
    let plan = sandbox.run(["plan", job]).with_code(0);
    assert!(plan.stdout.contains(&format!("table     {words}\n")), "{}", plan.stdout);
    let ddl = "\n\nALTER TABLE \"films\" ADD COLUMN \"plot\" VARCHAR;\nALTER TABLE \"films\" ADD COLUMN \"fetched_at\" TIMESTAMP;\n";
    assert!(plan.stdout.ends_with(ddl), "{}", plan.stdout);
    sandbox.run(["check", job]).with_code(0).saying(&format!("small: table {words}"));
    let run = sandbox.run(["run", job]).with_code(0).saying(&format!("small: table {words}"));
    run.saying("published 6 rows, 3 rows replaced; 2 columns added: plot, fetched_at; the table has 9");
    let database = sandbox.path().join("small.duckdb");
    let counted = "SELECT concat_ws('|', count(*), count(title), count(plot), count(fetched_at)) FROM films";
    assert_eq!(published(&database, counted), ["9|9|6|6"]);
    // Now they are there: nothing is told, and what the job no longer has stays.
    sandbox.edit("small.toml", "plot = \".Plot\", ", "");
    let plan = sandbox.run(["plan", job]).with_code(0);
    assert!(plan.stdout.contains("films is there, and is filled as it is\n"), "{}", plan.stdout);
    sandbox.run(["run", job]).with_code(0).saying("published 6 rows, 6 rows replaced; the table has 9");
    assert_eq!(published(&database, counted), ["9|9|6|6"]);
    // A merge tells it, too.
    let narrow = "CREATE TABLE kept AS SELECT * EXCLUDE (fetched_at) FROM films; DROP TABLE films; \
                  ALTER TABLE kept RENAME TO films; DELETE FROM windrow_runs";
    duckdb::Connection::open(&database).unwrap().execute_batch(narrow).unwrap();
    let merged = sandbox.run(["merge", "small"]).with_code(0);
    merged
        .saying("small: table films is there, and is filled as it is; a column is added: fetched_at")
        .saying("published 6 rows, 6 rows replaced; 1 column added: fetched_at; the table has 9");
}
