//! Tests of the job file as a whole: what a valid one becomes, each kind of mistake, what people read, and texts
//! at random.

mod answers;
mod auth;
mod budget_mistakes;
mod budgets;
mod conditions;
mod databases;
mod files;
mod hostile;
mod inferred;
mod misplaced;
mod mistakes;
mod names;
mod notify;
mod others;
mod queues;
mod report;
mod requests;
mod schedules;
mod served;
mod statements;
mod tables;
mod valid;

use std::path::Path;

use super::mistake::Mistake;
use super::{Endpoint, Job, JobError};

/// A job in the shape of the films job, with every kind of key.
const FILMS: &str = r##"[job]
name = "films"
chunks = "csv"
shard_size = 10_000
in_flight = 64
retry_rounds = 2
resume_within = "2d"
keep_answers = "none"

[input]
file = "../film_ids.csv"
id = "imdb_id"
columns = ["country"]
types = { country = "text", year = "integer" }
on_duplicate = "first"
allow_empty = true

[defaults]
headers = { User-Agent = "films/1.0", Accept = "application/json" }
nulls = ["N/A", ""]
timeout = "20s"
retry = { attempts = 3, backoff = "100ms" }

[[endpoint]]
name = "omdb"
url = "https://www.omdbapi.com/"
params = { i = "{imdb_id}", y = "{year}", apikey = "${OMDB_KEY}" }
missing = ['.Response == "False"', 404, 410]

[endpoint.columns]
title = ".Title"
released = { jq = ".Released", format = "%d %b %Y", type = "date" }
votes = { jq = ".imdbVotes", remove = ",", type = "bigint" }
rating = { jq = ".imdbRating", type = "decimal(3,1)", on_error = "null", nulls = ["-"] }
fetched = { jq = ".At", type = "timestamp", zone = "Europe/Berlin", not_null = true }

[[endpoint]]
name = "business"
url = "http://localhost:8080/business/{omdb.title}/{imdb_id}"
on_failure = "keep"
headers = { accept = "*/*", X-Key = "${OMDB_KEY}" }
max_answer = "1MiB"
max_depth = 64
max_redirects = 0
connect_timeout = "1s"
idle_timeout = "5s"
retry = { max_backoff = "1m", max_retry_after = "10m" }
columns = { budget = { jq = ".budget[0]", regex = '\$([\d,]+)', remove = ",", type = "bigint" } }

[table]
to = "duckdb:../films.duckdb"
name = "main.films"
mode = "upsert"
key = ["imdb_id"]
stamp = { fetched_at = "record.fetched_at", run = "run.id" }

[publish]
min_success = 0.98
"##;

/// A job with the keys that the films job has no use for.
pub(super) const FULL: &str = r#"
job = { name = "full", on_change = "stop", keep_runs = "14d", runs_permissions = "0750", patience = "1m", cron = "*/5 6-22 L * 1-5", zone = "Asia/Tokyo" }
serve = { stale_after = "1h", cors = ["https://app.example.com"], max_rows = 5, max_memory = "1GB" }
publish = { on_pause = "publish", max_failed = 9, min_rows = 1, max_change = 0.5 }
limit.one = { rate = "9 tokens/10s", burst = 3, in_flight = 8 }
limit."example.org:443" = { quota = { amount = "5 tokens/week", renews_at = "09:00", zone = "Asia/Tokyo" } }
input = { file = "ids.csv", id = "id" }
table = { to = "duckdb:full.duckdb", name = "full", mode = "append" }
[[endpoint]]
name = "many"
url = "https://example.org/many"
method = "PUT"
json = { ids = "{id}", deep = [1, true, { x = "{{}}{id}" }] }
when = '.country == "US"'
batch = { size = 50, split = '.data[]', match = '.id', join = ';', on_absent = 'alone' }
format = "jsonp"
ok = ".fine"
limit = ["one"]
cost = ".usage.total"
retry = { on = [408, "5xx", "timeout"], deadline = "1m" }
min_success = 0.5
columns = { a = ".a" }
[[endpoint]]
name = "page"
url = "{page:url}"
hosts = ["example.org", "*.example.org"]
form = { q = "{id}" }
format = "html"
rows = "table tr"
pages = { next = "a.next", max = 5 }
columns = { b = { css = "td", attr = "id", all = true }, c = { css = "h1", from = "answer" } }
[[endpoint]]
name = "piped"
url = "https://example.org/piped"
redirects = "browser"
body = "id={id}"
pipe = ["python3", "parse.py"]
columns = { d = ".d" }
[[endpoint]]
name = "text"
url = "https://example.org/text"
format = "text"
columns = { e = '(\d+)', f = {} }
"#;

fn parse(text: &str) -> Result<Job, JobError> {
    Job::parse(text.to_owned(), Path::new("/nowhere/schemas/films.toml"))
}

fn films() -> Job {
    parse(FILMS).expect("the films job is valid")
}

/// The films job with one text in place of another, which it has once.
fn films_with(old: &str, new: &str) -> String {
    assert_eq!(FILMS.matches(old).count(), 1, "{old:?} stands once in the films job");
    FILMS.replace(old, new)
}

fn mistakes_of(text: &str) -> Vec<Mistake> {
    match parse(text) {
        Ok(_) => Vec::new(),
        Err(error) => error.mistakes().to_vec(),
    }
}

/// The line of a text where `part` stands first, from 1.
fn line_of(text: &str, part: &str) -> usize {
    let at = text.find(part).unwrap_or_else(|| panic!("{part:?} is not in the text"));
    text[..at].matches('\n').count() + 1
}

/// A small job whose one endpoint has these keys, and a URL and columns unless they say otherwise.
fn small(keys: &str) -> String {
    let lacks = |key: &str| !keys.lines().any(|line| line.starts_with(key));
    let url = if lacks("url = ") { "url = \"https://example.org/{id}\"\n" } else { "" };
    let columns = if lacks("columns = ") { "columns = { x = \".x\" }\n" } else { "" };
    format!("{SMALL}[[endpoint]]\nname = \"one\"\n{url}{columns}{keys}\n")
}

/// All but the endpoints of a small job.
const SMALL: &str = r#"job.name = "small"
input = { file = "ids.csv", id = "id", columns = ["kept", "tags"], types = { tags = "json" } }
table = { to = "duckdb:small.duckdb", name = "small", mode = "append" }
"#;

/// The first endpoint of the small job with these keys.
fn endpoint(keys: &str) -> Endpoint {
    parse(&small(keys)).unwrap_or_else(|error| panic!("{keys}\n{error}")).endpoints.remove(0)
}

/// What is said about the small job with these keys: a paragraph for each mistake, with what it points at.
fn said(keys: &str) -> String {
    said_of(&small(keys))
}

/// What is said about a job, in the same way.
fn said_of(text: &str) -> String {
    let mistakes = mistakes_of(text);
    let said = mistakes.iter().map(|mistake| {
        let line = text.lines().nth(mistake.line - 1).unwrap_or_default();
        let skipped = line.chars().skip(mistake.columns.start - 1);
        let quoted: String = skipped.take(mistake.columns.end - mistake.columns.start).collect();
        format!("line {}: {quoted}\n{}\nhint: {}\n", mistake.line, mistake.message, mistake.hint)
    });
    said.collect::<Vec<_>>().join("\n")
}

/// The small job with these keys in `[job]`, `[publish]` and `[table]`.
fn around(job: &str, publish: &str, table: &str) -> String {
    let text = small("").replace("job.name = \"small\"", &format!("job = {{ name = \"small\"{job} }}"));
    let text = text.replace("mode = \"append\"", table);
    format!("publish = {{ {publish} }}\n{text}")
}

/// The small job with these limits, and these keys of its endpoint.
fn limited(limits: &str, keys: &str) -> String {
    format!("{}\n{limits}\n", small(keys))
}
