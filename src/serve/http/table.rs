//! Tables and rows.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, HeaderName, HeaderValue, LINK, ORIGIN, VARY,
};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use bytes::Bytes;

use super::conditional::{encoding, is_known};
use super::facts::{Facts, insert};
use super::problem::Problem;
use super::site::Site;
use crate::serve::column::Column;
use crate::serve::filter::{Question, TableShape};
use crate::serve::snapshot::{BodyFormat, Encoding, Generation, Rows, Served, Unanswered, write_rows};

/// How long a question may take, and how long it may wait for its turn.
const LONGEST: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that is made in memory.
const MOST_BYTES: usize = 128 << 20;
/// Smaller answers are not worth encoding.
const ENCODED_FROM: usize = 1 << 10;
const MATCHED: HeaderName = HeaderName::from_static("windrow-rows");

/// A table, or those of its rows that are asked for.
pub(super) async fn rows(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let (table, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    let Some(served) = site.shelf.table(table) else { return unknown(&site) };
    let Some(format) = BodyFormat::of_ending(ending) else {
        return Problem::new(
            StatusCode::NOT_FOUND,
            format!("a table is read as {table}.json, .ndjson, .csv or .parquet"),
        )
        .into_response();
    };
    let answered = answer_rows(&site, served, format, query.as_deref(), &headers).await;
    shared(served, &headers, answered.unwrap_or_else(Problem::into_response))
}

/// One row, by its key; all that have it, where several may.
pub(super) async fn row(
    State(site): State<Arc<Site>>,
    Path((table, key)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let Some(served) = site.shelf.table(&table) else { return unknown(&site) };
    let answered = answer_row(&site, served, &key, query.as_deref(), &headers).await;
    shared(served, &headers, answered.unwrap_or_else(Problem::into_response))
}

/// A browser asks whether a page of another origin may ask with a token.
pub(super) async fn preflight(
    State(site): State<Arc<Site>>,
    Path(name): Path<Vec<String>>,
    headers: HeaderMap,
) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    // Of a table that is not there nothing is allowed, and nothing said: no token was shown.
    let first = name.first().map(String::as_str).unwrap_or_default();
    let table = first.rsplit_once('.').map_or(first, |(table, _)| table);
    let Some(served) = site.shelf.table(table).or_else(|| site.shelf.table(first)) else { return response };
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
    let allowed = HeaderValue::from_static("authorization, if-none-match, range");
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    shared(served, &headers, response)
}

fn unknown(site: &Site) -> Response<Body> {
    Problem::new(StatusCode::NOT_FOUND, "there is no such table").hint(site.what_there_is()).into_response()
}

fn generation_of(served: &Served) -> Result<Arc<Generation>, Problem> {
    served.generation().ok_or_else(|| {
        let why = served.standing().trouble.unwrap_or_else(|| "nothing was published yet".to_owned());
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("{}: {why}", served.file.name)).retry_after(5)
    })
}

fn shape<'a>(served: &Served, generation: &'a Generation) -> TableShape<'a> {
    TableShape { columns: &generation.columns, digest: generation.digest(), max_rows: served.max_rows() }
}

async fn answer_rows(
    site: &Site,
    served: &Served,
    format: BodyFormat,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response<Body>, Problem> {
    let generation = generation_of(served)?;
    if !generation.has(format) {
        let detail = format!("{} was published as CSV, and is no Parquet", served.file.name);
        return Err(Problem::new(StatusCode::NOT_FOUND, detail).hint("ask for .csv, .json or .ndjson"));
    }
    let question = Question::parse(query, &shape(served, &generation))?;
    let encoding = if format == BodyFormat::Parquet { Encoding::Identity } else { encoding(headers) };
    let facts = Facts::new(site, served, &generation, &question, format, encoding);
    if is_known(headers, &facts.etag, generation.published_at()) {
        return Ok(facts.unchanged());
    }
    if format == BodyFormat::Parquet && !question.is_whole() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "of .parquet there is only the whole table")
            .hint("ask for .csv or .json with the same parameters, or for .parquet without any"));
    }
    if question.is_whole() {
        let body = generation.whole(format, encoding).await.map_err(|why| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("it could not be made: {why}"))
                .retry_after(10)
        })?;
        return Ok(facts.part_of(headers, body));
    }
    let limit = question.limit().unwrap_or(served.max_rows()) as usize;
    let mut rows = answer(site, &generation, &question).await?;
    let has_more = rows.rows.len() > limit;
    if has_more && question.limit().is_none() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, format!("more than {limit} rows fit"))
            .hint("add limit=…, and follow `Link: …; rel=\"next\"`; or ask for the whole table, without any parameter"));
    }
    rows.rows.truncate(limit);
    let next = has_more.then(|| {
        format!(
            "</{}.{}?{}>; rel=\"next\"",
            percent(&served.file.name),
            format.ending(),
            question.next(generation.digest())
        )
    });
    let count = rows.rows.len();
    let mut response = facts.made(spelled(rows, format, encoding).await?);
    insert(response.headers_mut(), LINK, next);
    insert(response.headers_mut(), MATCHED, Some(count.to_string()));
    Ok(response)
}

async fn answer_row(
    site: &Site,
    served: &Served,
    key: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response<Body>, Problem> {
    let generation = generation_of(served)?;
    if generation.key.is_empty() {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("rows of {} have no key", served.file.name))
            .hint("filter by a column: /NAME.json?COLUMN=VALUE; a report of [[publish.after]] has a key where key = \"…\" says so"));
    }
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "a row is asked for by its key alone"));
    }
    let question = Question::of_key(key, &generation.key, &shape(served, &generation))?;
    let encoding = encoding(headers);
    let facts = Facts::new(site, served, &generation, &question, BodyFormat::Json, encoding);
    if is_known(headers, &facts.etag, generation.published_at()) {
        return Ok(facts.unchanged());
    }
    let rows = answer(site, &generation, &question).await?;
    if rows.rows.is_empty() {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("{} has no such row", served.file.name)));
    }
    let limit = served.max_rows() as usize;
    if rows.rows.len() > limit {
        return Err(Problem::new(StatusCode::BAD_REQUEST, format!("more than {limit} rows have this key"))
            .hint("ask for them page by page: /NAME.json?KEY=VALUE&limit=…"));
    }
    if !generation.key_is_unique {
        return Ok(facts.made(spelled(rows, BodyFormat::Json, encoding).await?));
    }
    // One object, not a list of one.
    Ok(facts.made(spelled(rows, BodyFormat::Ndjson, encoding).await?))
}

/// Asks, when it is this question's turn, for no longer than it may take. Where nobody waits for the answer any more, it is
/// stopped.
async fn answer(site: &Site, generation: &Arc<Generation>, question: &Question) -> Result<Rows, Problem> {
    let busy = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many ask at once").retry_after(1);
    let turn = tokio::time::timeout(PATIENCE, site.questions.acquire()).await;
    let _turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
    let asked = generation.ask().map_err(failed)?;
    let stop = StopUnlessOver(asked.stop());
    let (rest, values) = question.sql();
    let columns: Vec<Column> = question.selected().iter().map(|at| generation.columns[*at].clone()).collect();
    let task =
        tokio::task::spawn_blocking(move || asked.rows(&columns.iter().collect::<Vec<_>>(), &rest, &values));
    let timeout = tokio::time::timeout(LONGEST, task).await;
    drop(stop);
    match timeout {
        Ok(Ok(rows)) => rows.map_err(failed),
        Ok(Err(_)) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "it could not be answered")),
        Err(_) => {
            let detail = format!("it would take longer than {} s", LONGEST.as_secs());
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                .hint("ask for fewer rows, or order by fewer columns"))
        }
    }
}

/// Stops a question that nobody waits for.
struct StopUnlessOver(Arc<crate::serve::snapshot::StopQuestion>);

impl Drop for StopUnlessOver {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn failed(unanswered: Unanswered) -> Problem {
    match unanswered {
        Unanswered::Stopped => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "it took too long"),
        Unanswered::TooLarge => Problem::new(StatusCode::SERVICE_UNAVAILABLE, unanswered.to_string()).hint(
            "ask for fewer rows or columns; [serve] max_memory is what a table and its questions may take",
        ),
        Unanswered::Failed(why) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why),
    }
}

/// Rows as bytes, on a thread that may take its time.
async fn spelled(rows: Rows, format: BodyFormat, encoding: Encoding) -> Result<(Bytes, Encoding), Problem> {
    let spell = move || {
        let mut plain = Vec::new();
        write_rows(&rows, format, &mut plain)?;
        let encoding = if plain.len() < ENCODED_FROM { Encoding::Identity } else { encoding };
        let is_large = plain.len() > MOST_BYTES;
        Ok::<_, std::io::Error>((
            if is_large { Vec::new() } else { encoding.encoded(plain)? },
            encoding,
            is_large,
        ))
    };
    match tokio::task::spawn_blocking(spell).await {
        Ok(Ok((bytes, encoding, false))) => Ok((bytes.into(), encoding)),
        Ok(Ok(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "the answer is too large")
            .hint("ask for fewer rows or columns, or for the whole table, without any parameter")),
        _ => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "it could not be written")),
    }
}

/// Lets pages of the origins that the job names read the answer.
fn shared(served: &Served, asked: &HeaderMap, mut response: Response<Body>) -> Response<Body> {
    let cors = &served.serve.cors;
    if cors.is_empty() {
        return response;
    }
    let headers = response.headers_mut();
    let is_anybody = cors.iter().any(|origin| origin == "*");
    if is_anybody {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.append(VARY, HeaderValue::from_static("origin"));
        let origin = asked
            .get(ORIGIN)
            .filter(|origin| cors.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
    }
    let exposed = HeaderValue::from_static("etag, link, last-modified, windrow-run, windrow-rows");
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    response
}

fn percent(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
