//! A list that a database answers with: one SELECT, read row by row as it comes, in memory that does not grow with it.
//!
//! The query is asked (but of SQLite) within a query of ours, `WITH windrow_list (…) AS (…) SELECT … FROM windrow_list`, which every
//! database reads (not all of them rename the columns of a subquery). It takes the needed columns, each as the text that
//! the database prints for it; [`value`](crate::value) reads that text. Rows come in the order of the query's own
//! ORDER BY. Times are in UTC, whatever the server's zone is.
//!
//! | PostgreSQL | DuckDB | MariaDB, MySQL | column |
//! |---|---|---|---|
//! | `boolean` | `BOOLEAN` | | boolean |
//! | `smallint`, `integer` | `TINYINT` to `INTEGER`, `UTINYINT`, `USMALLINT` | `tinyint` to `int`, `year` | integer |
//! | `bigint`, `oid` | `BIGINT`, `UINTEGER` | `int unsigned`, `bigint`, `bit` | bigint |
//! | `real`, `double precision` | `FLOAT`, `DOUBLE` | `float`, `double` | double |
//! | `numeric(p,s)` where `p` ≤ 38 and 0 ≤ `s` ≤ `p` | `DECIMAL(p,s)` | `decimal(p,s)`, `bigint unsigned` | decimal(p,s) |
//! | `date` | `DATE` | `date` | date |
//! | `timestamp`, `timestamptz` | `TIMESTAMP` of any precision, with a zone or without | `datetime`, `timestamp` | timestamp |
//! | `json`, `jsonb` | `JSON` | `json` of MySQL | json |
//! | anything else: text, `uuid`, `inet`, enums, arrays, `numeric` alone, … | `VARCHAR`, `UUID`, `HUGEINT`, lists, … | texts, `time`, enums, … | text |
//!
//! SQLite's columns take any value, whatever they declare; ours has the declared type: of `INT`, `BIGINT`, … a bigint, of `REAL`,
//! `FLOAT`, `DOUBLE` a double, of `BOOLEAN`, `DECIMAL(p,s)`, `NUMERIC(p,s)`, `DATE`, `DATETIME`, `TIMESTAMP` and `JSON` the one of that name, of
//! anything else, and of what is computed, a text. A value that is not of the type is an error that names the row.
//!
//! Memory does not grow with the answer: as of any list, a batch of records and the hashes of a million ids are held.
//! Measured with two columns, the whole test process: 51 MB at the most for 200,000 rows of PostgreSQL, 72 MB for 2 and
//! for 10 million; of DuckDB 76 MB, 99 MB and 100 MB.
//!
//! A text is what `psql` shows: `10.0.0.1` of an `inet`, `{1,2}` of an array, `0.1` of a `real`. Only `char(n)` comes
//! without the blanks that pad it, which PostgreSQL itself takes for no part of the value.
//!
//! `types` of the job comes first. What no column of ours can hold (a date of infinity, NaN) is an error that names
//! the row.
//!
//! | file | what is there |
//! |---|---|
//! | `postgres.rs` | a server is asked, in a transaction that only reads |
//! | `mysql.rs` | a MariaDB or MySQL server is asked, in the same way |
//! | `duckdb.rs` | DuckDB is asked: a file that is only read, or the files that the query names |
//! | `sqlite.rs` | an SQLite file is asked, which is only read |
//! | `digest.rs` | what tells one answer from another |
//! | `mistake.rs` | what is wrong with a query, and where in it |

mod digest;
mod duckdb;
mod mistake;
mod mysql;
mod postgres;
mod sqlite;

use self::digest::RowsDigest;
use super::{Cell, Columns, Intake, ListError, Reader, Request, Unit, WantedColumns};
use crate::job::{Database, Job, ServerKind};
use crate::plan::PlanError;
use crate::secrets::Secrets;
use crate::value::Type;

/// What each row of an answer, numbered from 1, is handed to: the needed columns as text, null as `None`.
type Take<'t> = dyn FnMut(u64, &[Option<&str>]) -> Result<(), PlanError> + 't;

/// An answer that is ready to be read.
enum PreparedQuery {
    Postgres(postgres::PreparedQuery),
    MySql(mysql::PreparedQuery),
    DuckDb(duckdb::PreparedQuery),
    Sqlite(sqlite::PreparedQuery),
}

/// Reads the answer; its digest.
pub(super) async fn read(
    request: &Request<'_>,
    database: &Database,
    query: &str,
    reader: &Reader<'_>,
) -> Result<(Intake, String), PlanError> {
    let answer = PreparedQuery::ask(request.job, database, query, request.secrets, reader).await?;
    let mut intake = request.intake(reader, answer.columns().clone())?;
    let mut digest = RowsDigest::of(answer.columns());
    let mut take = |number, row: &[Option<&str>]| {
        digest.add(row);
        intake.push(number, row.iter().map(|text| text.map_or(Cell::Null, Cell::text)).collect())
    };
    answer.each(reader, &mut take).await?;
    Ok((intake, digest.finish()))
}

/// The digest that the answer has now.
pub(super) async fn sha256(
    job: &Job,
    database: &Database,
    query: &str,
    secrets: &Secrets,
) -> Result<String, PlanError> {
    let (list, wanted) = (database.to_string(), WantedColumns::of(job));
    let reader = Reader { list: &list, unit: Unit::Row, wanted: &wanted };
    let answer = PreparedQuery::ask(job, database, query, secrets, &reader).await?;
    let mut digest = RowsDigest::of(answer.columns());
    let mut take = |_, row: &[Option<&str>]| {
        digest.add(row);
        Ok(())
    };
    answer.each(&reader, &mut take).await?;
    Ok(digest.finish())
}

impl PreparedQuery {
    async fn ask(
        job: &Job,
        database: &Database,
        query: &str,
        secrets: &Secrets,
        reader: &Reader<'_>,
    ) -> Result<PreparedQuery, ListError> {
        Ok(match database {
            Database::Server(url) => match url.kind() {
                ServerKind::Postgres => {
                    PreparedQuery::Postgres(postgres::PreparedQuery::ask(url, secrets, query, reader).await?)
                }
                ServerKind::MySql => {
                    PreparedQuery::MySql(mysql::PreparedQuery::ask(url, secrets, query, reader).await?)
                }
            },
            Database::DuckDb(file) => PreparedQuery::DuckDb(duckdb::PreparedQuery::ask(
                file.as_deref(),
                &job.folder,
                query,
                reader,
            )?),
            Database::Sqlite(path) => PreparedQuery::Sqlite(sqlite::PreparedQuery::ask(path, query, reader)?),
        })
    }

    /// The needed columns.
    fn columns(&self) -> &Columns {
        match self {
            PreparedQuery::Postgres(answer) => answer.columns(),
            PreparedQuery::MySql(answer) => answer.columns(),
            PreparedQuery::DuckDb(answer) => answer.columns(),
            PreparedQuery::Sqlite(answer) => answer.columns(),
        }
    }

    async fn each(self, reader: &Reader<'_>, take: &mut Take<'_>) -> Result<(), PlanError> {
        match self {
            PreparedQuery::Postgres(answer) => answer.each(reader, take).await,
            PreparedQuery::MySql(answer) => answer.each(reader, take).await,
            PreparedQuery::DuckDb(answer) => answer.each(reader, take),
            PreparedQuery::Sqlite(answer) => answer.each(reader, take),
        }
    }
}

/// A column that the query gives.
struct Given {
    name: String,
    /// Ours for it.
    ty: Type,
    /// The server's function that gives the text it prints, where a cast to text gives another.
    printed_by: Option<&'static str>,
}

/// Where the needed columns are among those that a query gives, each with our type, and what they are.
fn needed(given: Vec<(String, Type)>, reader: &Reader<'_>) -> Result<(Vec<usize>, Columns), ListError> {
    let (names, types): (Vec<String>, Vec<Type>) = given.into_iter().unzip();
    let places = reader.wanted.names.iter().map(|name| reader.column(name, &names));
    let places: Vec<usize> = places.collect::<Result<_, _>>()?;
    let columns = reader.wanted.typed(|index| types[places[index]]);
    Ok((places, columns))
}

/// The query that gives the needed columns of the user's own, as text, and what they are.
///
/// All columns are renamed by their place: databases differ in what they make of names that differ in capitals only.
fn question(query: &str, given: &[Given], reader: &Reader<'_>) -> Result<(String, Columns), ListError> {
    let typed = given.iter().map(|column| (column.name.clone(), column.ty));
    let (places, columns) = needed(typed.collect(), reader)?;
    let taken: Vec<String> = places.iter().map(|place| text_of(*place, &given[*place])).collect();
    let all: Vec<String> = (0..given.len()).map(column_at).collect();
    let (taken, all) = (taken.join(", "), all.join(", "));
    // The inner query, too: as a CTE of its own it could be more than a SELECT.
    let own = format!("SELECT * FROM (\n{query}\n) AS windrow_query");
    Ok((format!("WITH windrow_list ({all}) AS ({own}) SELECT {taken} FROM windrow_list"), columns))
}

fn column_at(place: usize) -> String {
    format!("c{place}")
}

fn text_of(place: usize, column: &Given) -> String {
    let name = column_at(place);
    match column.printed_by {
        Some(function) => format!("{function}({name})"),
        None => format!("CAST({name} AS text)"),
    }
}

/// The query without what ends it, so that it can stand within another.
fn bare(query: &str) -> &str {
    query.trim_end_matches(|letter: char| letter.is_whitespace() || letter == ';')
}

#[cfg(test)]
mod tests;
