//! MariaDB and MySQL: one SELECT, in one transaction that only reads.
//!
//! The query is asked as it is: within another, the server would drop its ORDER BY, and refuse two columns of one name. Rows
//! come as the connection delivers them, in the binary protocol, whose numbers are not rounded. The server's own end
//! ends the list: where the connection is lost, or the server stops the query, the list is not whole, and refused.

use mysql_async::Column;

use super::mistake::{ONE_SELECT, WORDS, wrong};
use super::{Columns, ListError, PlanError, Reader, Take, bare, column_at, needed};
use crate::database::mysql::{NoText, Server, Session, Texts, is_binary, our_type};
use crate::database::{DatabaseError, Trouble};
use crate::job::ServerUrl;
use crate::secrets::Secrets;
use crate::value::Type;

/// Moments are UTC, a query may take as long as it takes, texts are not cut, and one state of the database is read.
const BEGIN: &str = "SET NAMES utf8mb4; SET SESSION time_zone = '+00:00', SESSION sql_select_limit = 18446744073709551615, \
                     SESSION sql_big_selects = 1, SESSION max_error_count = 65535, SESSION net_write_timeout = 3600, \
                     SESSION group_concat_max_len = 1073741824 /*M! , SESSION max_statement_time = 0 */; \
                     START TRANSACTION READ ONLY";

/// An answer that is about to come.
pub(super) struct PreparedQuery {
    session: Session,
    query: String,
    /// Where the needed columns are among the query's.
    places: Vec<usize>,
    columns: Columns,
}

impl PreparedQuery {
    /// Connects and prepares the query, which is not run yet.
    pub async fn ask(
        url: &ServerUrl,
        secrets: &Secrets,
        query: &str,
        reader: &Reader<'_>,
    ) -> Result<PreparedQuery, ListError> {
        let session = Server::of(url, secrets)?.connect().await?;
        session.run(BEGIN).await?;
        let query = bare(query).to_owned();
        let given = given(&session, &query, reader).await?;
        refuse_other_statements(&session, &query, given.len(), reader).await?;
        let (places, columns) = needed(given, reader)?;
        Ok(PreparedQuery { session, query, places, columns })
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Runs the query, and hands its rows on.
    pub async fn each(self, reader: &Reader<'_>, take: &mut Take<'_>) -> Result<(), PlanError> {
        let mut number = 0;
        let ended = self.session.each(&self.query, |row| {
            number += 1;
            let texts = texts(row, &self.places, number, reader).map_err(Ended::Plan)?;
            let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
            take(number, &texts).map_err(Ended::Plan)
        });
        ended.await.map_err(|ended| match ended {
            Ended::Plan(error) => error,
            Ended::Server(error) => refused(reader.list, error, WORDS).into(),
        })?;
        self.session.close().await;
        Ok(())
    }
}

/// What reading ended with.
enum Ended {
    Server(DatabaseError),
    Plan(PlanError),
}

impl From<DatabaseError> for Ended {
    fn from(error: DatabaseError) -> Ended {
        Ended::Server(error)
    }
}

fn texts(
    row: &Texts<'_>,
    places: &[usize],
    number: u64,
    reader: &Reader<'_>,
) -> Result<Vec<Option<String>>, PlanError> {
    let text = |(name, place): (&String, &usize)| {
        row.get(*place).map_err(|why| {
            let (what, hint) = match why {
                NoText::ZeroDate => {
                    ("a date with a zero, such as 0000-00-00, which no calendar has", ZERO_DATE)
                }
                NoText::NotUtf8 => ("bytes that are no text", BYTES),
            };
            PlanError::from(wrong(
                reader.list,
                &format!("row {number}: column {name:?} has {what}"),
                String::new(),
                hint,
            ))
        })
    };
    reader.wanted.names.iter().zip(places).map(text).collect()
}

const ZERO_DATE: &str = "leave such rows out, or write NULLIF(column, 0) in the query";
const BYTES: &str = "write HEX(column), or CONVERT(column USING utf8mb4), in the query";

/// The columns of the user's query as it is written.
async fn given(
    session: &Session,
    query: &str,
    reader: &Reader<'_>,
) -> Result<Vec<(String, Type)>, ListError> {
    let (columns, parameters) =
        session.prepare(query).await.map_err(|error| refused(reader.list, error, WORDS))?;
    if columns.is_empty() {
        return Err(wrong(reader.list, "the query gives no columns", String::new(), ONE_SELECT));
    }
    if parameters > 0 {
        return Err(wrong(reader.list, "the query has a parameter", String::new(), ONE_SELECT));
    }
    let needed = |column: &&Column| reader.wanted.names.iter().any(|name| *name == column.name_str());
    if let Some(column) = columns.iter().filter(needed).find(|column| is_binary(column)) {
        let message = format!("column {:?} is binary, and a list is text", column.name_str());
        return Err(wrong(reader.list, &message, String::new(), BYTES));
    }
    Ok(columns.iter().map(|column| (column.name_str().into_owned(), our_type(column))).collect())
}

/// Refuses what gives rows and is no SELECT, such as a procedure, which may do anything.
async fn refuse_other_statements(
    session: &Session,
    query: &str,
    columns: usize,
    reader: &Reader<'_>,
) -> Result<(), ListError> {
    let all: Vec<String> = (0..columns).map(column_at).collect();
    let within =
        format!("WITH windrow_list ({}) AS (\n{query}\n) SELECT 1 FROM windrow_list", all.join(", "));
    let prepared = session.prepare(&within).await;
    prepared.map(drop).map_err(|error| refused(reader.list, error, ONE_SELECT))
}

/// What a refusal means: a mistake in the query, or trouble of the server's own.
fn refused(list: &str, error: DatabaseError, hint: &'static str) -> ListError {
    match error {
        DatabaseError::Refused { message, trouble: Trouble::Statement | Trouble::Value, .. } => {
            wrong(list, &message, String::new(), hint)
        }
        error => ListError::Server(error),
    }
}
