//! What valid job files become.

use std::path::PathBuf;
use std::time::Duration;

use super::super::*;
use super::{FILMS, films, films_with, parse};
use crate::value::Type;

fn literal(text: &str) -> Part {
    Part::Literal(text.into())
}

fn input(name: &str) -> Part {
    Part::Input(name.into())
}

#[test]
fn the_list_is_read_as_written() {
    let job = films();
    let path = PathBuf::from("/nowhere/schemas/../film_ids.csv");
    let expected = Input {
        source: Source::File { path, format: Format::Csv },
        id: vec!["imdb_id".into()],
        columns: vec!["country".into()],
        types: vec![("country".into(), Type::Text), ("year".into(), Type::Integer)],
        on_duplicate: OnDuplicate::First,
        allow_empty: true,
        dialect: Dialect::default(),
    };
    assert_eq!(job.input, expected);
    assert_eq!(job.used_columns(), ["imdb_id", "year"]);
    assert_eq!(job.input_columns(), ["imdb_id", "country", "year"]);
    assert_eq!(job.secrets(), ["OMDB_KEY"]);
}

#[test]
fn templates_know_their_columns_and_what_comes_before() {
    let job = films();
    let omdb = &job.endpoints[0];
    let names: Vec<&str> = omdb.params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["i", "y", "apikey"]);
    assert_eq!(omdb.params[2].1.parts, [Part::Secret("OMDB_KEY".into())]);
    let business = &job.endpoints[1];
    let expected = [
        literal("http://localhost:8080/business/"),
        Part::Answer { endpoint: 0, column: 0, name: "omdb.title".into() },
        literal("/"),
        input("imdb_id"),
    ];
    assert_eq!(business.url.parts, expected);
    assert_eq!(business.url.to_string(), "http://localhost:8080/business/{omdb.title}/{imdb_id}");
    assert_eq!((omdb.after.as_slice(), business.after.as_slice()), (&[][..], &[0][..]));
}

#[test]
fn columns_have_their_conversions() {
    let job = films();
    let columns = &job.endpoints[0].columns;
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["title", "released", "votes", "rating", "fetched"]);
    let plain = Column::plain("title", Expression::Jq(".Title".into()), Type::Text);
    assert_eq!(columns[0], Column { nulls: vec!["N/A".into(), "".into()], ..plain }, "nulls of the defaults");
    assert_eq!(columns[1].format.as_deref(), Some("%d %b %Y"));
    assert_eq!(columns[2].remove.as_deref(), Some(","));
    assert_eq!(columns[3].ty, Type::Decimal { precision: 3, scale: 1 });
    assert_eq!((columns[3].on_error, columns[3].nulls.as_slice()), (OnError::Null, &["-".to_owned()][..]));
    assert_eq!((columns[4].zone.as_deref(), columns[4].not_null), (Some("Europe/Berlin"), true));
    assert_eq!(job.endpoints[1].columns[0].regex.as_deref(), Some(r"\$([\d,]+)"));
    assert_eq!(job.endpoints[0].missing.statuses, [404, 410]);
    assert_eq!(job.endpoints[0].missing.when.as_deref(), Some(r#".Response == "False""#));
}

#[test]
fn an_endpoint_has_its_own_bounds_then_those_of_the_defaults_then_the_usual() {
    let job = films();
    let [omdb, business] = job.endpoints.as_slice() else { panic!("two endpoints") };
    assert_eq!(omdb.bounds, Bounds { timeout: Duration::from_secs(20), ..Bounds::default() });
    let expected = Bounds {
        connect_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(20),
        max_answer: 1 << 20,
        max_depth: 64,
        max_redirects: 0,
    };
    assert_eq!(business.bounds, expected);
    let retry = Retry { attempts: 3, backoff: Duration::from_millis(100), ..Retry::default() };
    assert_eq!(omdb.retry, retry);
    let max_backoff = Duration::from_secs(60);
    assert_eq!(business.retry, Retry { max_backoff, max_retry_after: Duration::from_secs(600), ..retry });
    let names =
        |endpoint: &Endpoint| endpoint.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(omdb), ["user-agent", "accept"]);
    assert_eq!(names(business), ["user-agent", "accept", "x-key"]);
    assert_eq!(business.headers[1].1.parts, [literal("*/*")]);
}

#[test]
fn table_gate_and_settings_are_read() {
    let job = films();
    let to = Destination::DuckDb("/nowhere/schemas/../films.duckdb".into());
    let expected = Table {
        key: vec!["imdb_id".into()],
        stamp: vec![("fetched_at".into(), Stamp::FetchedAt), ("run".into(), Stamp::RunId)],
        ..Table::plain(to, "main.films", Mode::Upsert)
    };
    assert_eq!(job.table, expected);
    assert_eq!(job.publish, Publish { min_success: Some(0.98), ..Publish::default() });
    let expected = Settings {
        chunks: ChunkFormat::Csv,
        keep_answers: KeepAnswers::None,
        shard_size: 10_000,
        in_flight: 64,
        retry_rounds: 2,
        resume_within: Duration::from_secs(2 * 24 * 60 * 60),
        ..Settings::default()
    };
    assert_eq!(job.settings, expected);
    assert_eq!((job.text.as_str(), job.folder), (FILMS, PathBuf::from("/nowhere/schemas")));
}

const SMALL: &str = r#"
job.name = "small"
input = { ids = ["a", 7], id = "id" }
table = { to = "duckdb:/tmp/small.duckdb", name = "small", mode = "append" }
[[endpoint]]
name = "one"
url = "http://[::1]:8080/{id}?x=%20"
columns = { x = "." }
"#;

#[test]
fn a_small_job_has_the_usual_settings() {
    let job = parse(SMALL).expect("valid");
    assert_eq!(job.settings, Settings::default());
    assert_eq!(job.publish, Publish::default());
    assert_eq!(job.input.source, Source::Ids(vec!["a".into(), "7".into()]));
    assert_eq!((job.input.on_duplicate, job.input.allow_empty), (OnDuplicate::Fail, false));
    let one = &job.endpoints[0];
    assert_eq!(
        (&one.bounds, &one.retry, one.on_failure),
        (&Bounds::default(), &Retry::default(), OnFailure::Skip)
    );
    assert_eq!(one.missing, Missing::default());
    assert!(one.columns[0].nulls.is_empty());
}

#[test]
fn sources_have_the_format_of_their_ending_or_their_key() {
    let source = |input: &str| {
        let text = SMALL.replace(r#"ids = ["a", 7]"#, input);
        parse(&text).unwrap_or_else(|error| panic!("{error}")).input.source
    };
    let file = |name: &str, format| Source::File { path: format!("/nowhere/schemas/{name}").into(), format };
    assert_eq!(source("file = 'x.csv'"), file("x.csv", Format::Csv));
    assert_eq!(source("file = 'x.TSV'"), file("x.TSV", Format::Tsv));
    assert_eq!(source("file = 'x.jsonl'"), file("x.jsonl", Format::Jsonl));
    assert_eq!(source("file = 'x.ndjson'"), file("x.ndjson", Format::Jsonl));
    assert_eq!(source("file = 'x.parquet'"), file("x.parquet", Format::Parquet));
    assert_eq!(source("file = 'x.txt'"), file("x.txt", Format::Lines));
    assert_eq!(source("file = 'x.lst'"), file("x.lst", Format::Lines));
    assert_eq!(
        source("file = 'x.dat'\nformat = 'csv'".replace('\n', ", ").as_str()),
        file("x.dat", Format::Csv)
    );
    assert_eq!(source("file = '-'"), Source::Stdin { format: Format::Lines });
    assert_eq!(source("file = '-', format = 'jsonl'"), Source::Stdin { format: Format::Jsonl });
}

#[test]
fn a_path_loses_its_dots_where_its_folder_exists() {
    let folder = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(folder.path().join("schemas")).expect("a directory");
    let job = Job::parse(FILMS.to_owned(), &folder.path().join("schemas/films.toml")).expect("valid");
    let root = folder.path().canonicalize().expect("it exists");
    assert_eq!(job.table.to, Destination::DuckDb(root.join("films.duckdb")));
}

#[test]
fn the_forms_of_missing_are_one() {
    let missing = |value: &str| {
        let text = SMALL.replace("[[endpoint]]", &format!("[[endpoint]]\nmissing = {value}"));
        parse(&text).unwrap_or_else(|error| panic!("{error}")).endpoints.remove(0).missing
    };
    assert_eq!(missing("'.gone'"), Missing { statuses: vec![], when: Some(".gone".into()) });
    assert_eq!(missing("[404]"), Missing { statuses: vec![404], when: None });
    assert_eq!(missing("[404, '.gone']"), Missing { statuses: vec![404], when: Some(".gone".into()) });
    assert_eq!(missing("[]"), Missing::default());
}

#[test]
fn a_file_may_start_with_a_byte_order_mark_and_end_its_lines_as_windows_does() {
    let job = parse(&format!("\u{feff}{}", FILMS.replace('\n', "\r\n"))).expect("valid");
    assert_eq!(job.endpoints.len(), 2);
}

#[test]
fn endpoints_may_use_later_ones() {
    let text = films_with("/business/{omdb.title}/", "/business/")
        .replace(r#"y = "{year}""#, r#"y = "{business.budget}""#)
        .replace(", year = \"integer\"", "");
    let job = parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((job.endpoints[0].after.as_slice(), job.endpoints[1].after.as_slice()), (&[1][..], &[][..]));
}

/// Section 3 of the design.
#[test]
fn the_designs_job_file_is_valid() {
    let design = r##"
[job]
name = "movies"
keep_answers = "failed"             # keep answers: "failed" (default), "all" (then `windrow extract` needs no request), "none"

[input]                             # or database + query, or ids = [...], or "-" for stdin
file = "../movie_ids.csv"           # csv, tsv, jsonl, parquet, lines; csv values are text unless types says otherwise (007 stays 007)
id = "imdb_id"                      # or a list of columns
columns = ["country"]               # input columns to carry into the table; the id always is

[limit."www.omdbapi.com"]           # by host (or by name, and an endpoint says limit = "name"); shared by every process of this machine
rate = "200/s"
in_flight = 256
quota = "100000/day"

[[endpoint]]
name = "omdb"
url = "https://www.omdbapi.com/"
params = { i = "{imdb_id}", apikey = "${OMDB_KEY}" }   # {…} a column of the record, encoded; ${…} a secret, masked everywhere
missing = '.Response == "False"'    # the id does not exist there: nulls, a success, no retry (also: missing = [404, 410])
nulls = ["N/A", ""]
[endpoint.columns]
title    = ".Title"                                             # a bare string: jq, type text
released = { jq = ".Released", format = "%d %b %Y", type = "date" }
votes    = { jq = ".imdbVotes", remove = ",", type = "bigint" }

[[endpoint]]
name = "business"
url = "https://www.omdbapi.com/business/{imdb_id}"
on_failure = "keep"                 # of this endpoint: "skip" the record (default), "null", or "keep" what the table already has
columns = { budget = { jq = ".budget[0]", regex = '\$([\d,]+)', remove = ",", type = "bigint" } }

[table]
to = "duckdb:../movies.duckdb"
name = "movies"
mode = "upsert"                     # append, upsert, replace (the whole table), replace_ids (all rows of each answered id)
key = ["imdb_id"]
stamp = { fetched_at = "record.fetched_at" }

[publish]
min_success = 0.98                  # share of the ids; missing counts as success
"##;
    let job = parse(design).unwrap_or_else(|error| panic!("{error}"));
    let limits: Vec<&[usize]> = job.endpoints.iter().map(|endpoint| endpoint.limits.as_slice()).collect();
    assert_eq!((job.limits.len(), limits), (1, vec![&[0][..], &[0]]));
}
