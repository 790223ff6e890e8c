//! The films job, asked of an origin of the test's own.

use std::path::{Path, PathBuf};

use super::{Origin, Sandbox};

/// The project's own films job and list, laid out as the project lays them out, with the origin's address.
pub fn films_job(sandbox: &Sandbox, origin: &Origin) -> PathBuf {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let job = std::fs::read_to_string(schemas.join("movies.toml")).unwrap();
    let list = std::fs::read(schemas.join("movie_ids.csv")).unwrap();
    sandbox.write("schemas/movie_ids.csv", list);
    sandbox.write("schemas/movies.toml", job.replace("http://127.0.0.1:8477", &origin.url()))
}

/// The first ids of the films' list.
pub fn film_ids(count: usize) -> Vec<String> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/movie_ids.csv");
    let text = std::fs::read_to_string(list).unwrap();
    let id = |line: &str| line.split(',').next().unwrap().to_owned();
    text.lines().skip(1).take(count).map(id).collect()
}

/// A small job over the first films: title, year and budget of each; `more` is put before the first endpoint.
pub fn small_job(
    sandbox: &Sandbox,
    origin: &Origin,
    films: usize,
    settings: &str,
    endpoint: &str,
) -> PathBuf {
    sandbox.write("ids.txt", film_ids(films).join("\n"));
    let url = origin.url();
    sandbox.write(
        "small.toml",
        format!(
            r#"
[job]
name = "small"
{settings}

[input]
file = "ids.txt"
id = "imdb_id"

[defaults]
retry = {{ attempts = 3, backoff = "10ms", max_backoff = "50ms" }}

[[endpoint]]
name = "omdb"
url = "{url}/"
params = {{ i = "{{imdb_id}}" }}
missing = '.Response == "False"'
nulls = ["N/A"]
columns = {{ title = ".Title", year = {{ jq = ".Year", type = "integer" }} }}
{endpoint}

[[endpoint]]
name = "business"
url = "{url}/business/{{imdb_id}}"
missing = [404]
columns = {{ budget = {{ jq = ".budget[0]", regex = '\$([\d,]+)', remove = ",", type = "bigint" }} }}

[table]
to = "duckdb:small.duckdb"
name = "films"
mode = "upsert"
key = ["imdb_id"]
"#
        ),
    )
}
