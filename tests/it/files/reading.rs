//! What a published file is to people and to other programs.

use std::path::Path;
use std::process::Command;

use crate::support::{Ended, Origin, Sandbox, ended, films_job, published, small_job};

fn python(sandbox: &Sandbox, script: &str, arguments: &[&str]) -> Ended {
    let mut python = Command::new("python3");
    python.current_dir(sandbox.path()).arg("-c").arg(script).args(arguments);
    ended(python).with_code(0)
}

/// By the column order of the job file, as Python reads it.
const MOVIES: &str = r#"
import csv, tomllib
job = tomllib.load(open("schemas/movies.toml", "rb"))
declared = [job["input"]["id"], *job["input"]["columns"]]
for endpoint in job["endpoint"]:
    declared += list(endpoint["columns"])
declared += list(job["table"]["stamp"])
raw = open("out/movies.csv", "rb").read()
assert raw.endswith(b"\n") and b"\0" not in raw
header, *rows = list(csv.reader(open("out/movies.csv", newline="", encoding="utf-8"), strict=True))
assert header == declared, header
assert all(len(row) == len(header) for row in rows)
films = list(csv.DictReader(open("schemas/movie_ids.csv", newline="", encoding="utf-8")))
assert [row[0] for row in rows] == [film["imdb_id"] for film in films]
assert [row[1] for row in rows] == [film["country"] for film in films]
for row in rows[:3] + rows[-2:]:
    print("|".join(row[:9] + row[-6:]))
"#;

/// As people who know only pandas read it.
const PANDAS: &str = r#"
import pandas
csv = pandas.read_csv("out/movies.csv", parse_dates=["released", "dvd", "fetched_at"])
assert str(csv["released"].dtype) == "datetime64[ns]", csv.dtypes
assert str(csv["fetched_at"].dtype) == "datetime64[ns, UTC]", csv.dtypes
assert csv["fetched_at"].notna().all()
parquet = pandas.read_parquet("out/movies.parquet")
assert str(parquet["fetched_at"].dtype) == "datetime64[us, UTC]", parquet.dtypes
assert list(csv.columns) == list(parquet.columns)
for column in ["imdb_id", "title", "budget", "imdb_rating", "imdb_votes", "released", "fetched_at"]:
    one, other = csv[column], parquet[column]
    assert (one.isna() == other.isna()).all(), column
    if one.dtype.kind == "M":
        one, other = (pandas.to_datetime(values, utc=True) for values in (one, other))
    assert (one.isna() | (one == other.astype(one.dtype))).all(), column
print(len(csv), int(csv["budget"].sum()), csv["released"].isna().sum())
"#;

#[test]
fn the_films_are_in_a_csv_file_with_the_declared_columns_and_others_read_it() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = films_job(&sandbox, &origin);
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    std::fs::create_dir(sandbox.path().join("out")).unwrap();
    for kind in ["csv", "parquet"] {
        let to = format!("{kind}:out/movies.{kind}");
        let ended = sandbox.run(["merge", "movies", "--to", &to]).with_code(0);
        ended
            .saying(&format!("file   out/movies.{kind}"))
            .saying("published 22,305 rows; the file has 22,305, in ");
        let ended = sandbox.run(["merge", "movies", "--to", &to]).with_code(0);
        ended.saying("already published, nothing to do; the file has 22,305 rows");
    }
    let database = sandbox.path().join("movies.duckdb");
    let few = "SELECT replace(concat_ws('|', *COLUMNS(x -> true)), '~', '') FROM (SELECT \
               coalesce(COLUMNS(* EXCLUDE ordinal)::VARCHAR, '~') FROM (SELECT imdb_id, country, title, year, rated, \
               released, runtime_minutes, genre, director, budget, gross, gross_worldwide, opening_weekend, dvd_sales, \
               fetched_at::VARCHAR || 'Z' AS fetched_at, ordinal FROM movies JOIN read_csv('LIST') list USING (imdb_id, country) ORDER BY ordinal))";
    let list = sandbox.path().join("list.csv");
    let ids = std::fs::read_to_string(sandbox.path().join("schemas/movie_ids.csv")).unwrap();
    let lines = ids
        .lines()
        .enumerate()
        .map(|(at, line)| format!("{line},{}\n", if at == 0 { "ordinal".into() } else { at.to_string() }));
    std::fs::write(&list, lines.collect::<String>()).unwrap();
    let few = published(&database, &few.replace("LIST", list.to_str().unwrap()));
    let expected = [&few[..3], &few[few.len() - 2..]].concat().join("\n") + "\n";
    assert_eq!(python(&sandbox, MOVIES, &[]).stdout, expected);
    let sums = "SELECT concat_ws(' ', count(*), sum(budget), count(*) - count(released)) FROM movies";
    assert_eq!(python(&sandbox, PANDAS, &[]).stdout.trim_end(), published(&database, sums)[0]);
}

#[test]
fn timestamps_are_marked_as_utc_and_json_is_text_to_others() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 20, "", "");
    sandbox.edit(
        "small.toml",
        "duckdb:small.duckdb\"",
        "parquet:films.parquet\"\nstamp = { fetched = \"record.fetched_at\" }",
    );
    sandbox.edit(
        "small.toml",
        "title = \".Title\"",
        "title = \".Title\", all = { jq = \".\", type = \"json\" }",
    );
    // What stands is read back and written once more.
    for mode in ["upsert", "upsert", "replace"] {
        sandbox.edit("small.toml", "mode = \"upsert\"", &format!("mode = \"{mode}\""));
        sandbox.run(["run", job.to_str().unwrap(), "--new"]).with_code(0).saying("the file has 20");
        let read = r#"
import json, polars, pyarrow.parquet
schema = pyarrow.parquet.read_schema("films.parquet")
frame = polars.read_parquet("films.parquet")
titles = [json.loads(text)["Title"] for text in frame["all"]]
print(schema.field("fetched").type, schema.field("all").type, frame["all"].dtype, frame["fetched"].dtype,
      titles == frame["title"].to_list())
"#;
        let told = python(&sandbox, read, &[]).stdout;
        assert_eq!(
            told,
            "timestamp[us, tz=UTC] string String Datetime(time_unit='us', time_zone='UTC') True\n"
        );
    }
}

#[test]
fn a_folder_of_files_is_a_data_set_to_others() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 200, "", "");
    sandbox.edit("small.toml", "duckdb:small.duckdb\"", "parquet:films/\"\npartition_by = \"year\"");
    for _ in 0..2 {
        let ended = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
        ended.saying("published 200 rows").saying("the folder has 200").saying("folder films\n");
    }
    // pandas reads it as well, unless a row has no year: it cannot make a category of that.
    let read = r#"
import polars, pyarrow.dataset
table = pyarrow.dataset.dataset("films", partitioning="hive").to_table()
frame = polars.read_parquet("films/**/*.parquet", hive_partitioning=True)
print(table.num_rows, sorted(table.column_names), frame.height, frame["imdb_id"].n_unique(), sorted(frame.columns))
"#;
    let columns = "['budget', 'imdb_id', 'title', 'year']";
    let expected = format!("200 {columns} 200 200 {columns}\n");
    assert_eq!(python(&sandbox, read, &[]).stdout, expected);
}

#[test]
fn a_job_that_names_a_file_is_planned_run_and_merged_again() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 20, "", "");
    sandbox.edit("small.toml", "duckdb:small.duckdb", "csv:small.csv");
    let plan = sandbox.run(["plan", job.to_str().unwrap()]).with_code(0);
    assert!(
        plan.stdout
            .ends_with("-- imdb_id  VARCHAR\n-- title    VARCHAR\n-- year     INTEGER\n-- budget   BIGINT\n"),
        "{}",
        plan.stdout
    );
    let run = sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    run.saying("published 20 rows; the file has 20, in ").saying("\nfile   small.csv\n");
    sandbox
        .run(["merge", "small"])
        .with_code(0)
        .saying("already published, nothing to do; the file has 20 rows");
    let status = sandbox.run(["status", "small"]).with_code(0);
    assert!(status.stdout.contains("published 20 rows into csv:"), "{}", status.stdout);
    // A trial leaves the file alone; a file of other columns is told before the first request.
    sandbox.write("small.csv", "imdb_id,title\n");
    sandbox.run(["run", job.to_str().unwrap(), "--sample", "5"]).with_code(0).saying("trial.duckdb");
    let asked = origin.counts()["total"].clone();
    let refused = sandbox.run(["run", job.to_str().unwrap()]).with_code(2);
    refused
        .saying("its header has no column \"budget\"")
        .saying("hint: change the job, or move what stands there");
    assert_eq!(origin.counts()["total"], asked);
}

#[test]
fn an_appended_table_is_no_file() {
    let sandbox = Sandbox::new();
    let origin = Origin::start(&[]);
    let job = small_job(&sandbox, &origin, 10, "", "");
    sandbox.edit("small.toml", "mode = \"upsert\"\nkey = [\"imdb_id\"]", "mode = \"append\"");
    sandbox.run(["run", job.to_str().unwrap()]).with_code(0);
    let ended = sandbox.run(["merge", "small", "--to", "csv:films.csv"]).with_code(2);
    ended
        .saying("mode = \"append\" cannot add to it")
        .saying("hint: publish with mode = \"upsert\" and a key");
    assert!(!Path::new(&sandbox.path().join("films.csv")).exists());
}
