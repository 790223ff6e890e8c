//! PostgreSQL: one SELECT, in one transaction that only reads.
//!
//! Rows come as the connection delivers them, and the server is held back while we are busy: neither side gathers
//! the answer. How values are written is set for this transaction, so that it does not depend on the server's settings.

use futures_util::TryStreamExt as _;
use tokio_postgres::types::Type as ServerType;
use tokio_postgres::{Column, Row, Statement};

use super::mistake::{ONE_SELECT, WORDS, excerpt, wrong};
use super::{Columns, Given, ListError, PlanError, Reader, Take, bare, question};
use crate::database::postgres::{Server, Session, our_type};
use crate::database::{DatabaseError, Trouble};
use crate::job::ServerUrl;
use crate::secrets::Secrets;

/// The answer may take as long as it takes; text is what [`value`](crate::value) reads.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL statement_timeout = 0; SET LOCAL TimeZone = 'UTC'; \
                     SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres'; \
                     SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'";

/// An answer that is about to come.
pub(super) struct PreparedQuery {
    session: Session,
    statement: Statement,
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
        let given = given(&session, query, reader).await?;
        let (sql, columns) = question(bare(query), &given, reader)?;
        // What was prepared alone can fail here only for what it is, or for what follows its end.
        let statement =
            session.client().prepare(&sql).await.map_err(|error| {
                refused(reader.list, session.failed(&error), |_| String::new(), ONE_SELECT)
            })?;
        Ok(PreparedQuery { session, statement, columns })
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Runs the query, and hands its rows on.
    pub async fn each(self, reader: &Reader<'_>, take: &mut Take<'_>) -> Result<(), PlanError> {
        let failed = |error| refused(reader.list, self.session.failed(&error), |_| String::new(), WORDS);
        let nothing = std::iter::empty::<&str>();
        let rows = self.session.client().query_raw(&self.statement, nothing).await.map_err(failed)?;
        let mut rows = std::pin::pin!(rows);
        let mut number = 0;
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            number += 1;
            take(number, &texts(&row, reader)?)?;
        }
        self.session.close().await;
        Ok(())
    }
}

/// The columns of the user's query as it is written, so that its mistakes point into it.
async fn given(session: &Session, query: &str, reader: &Reader<'_>) -> Result<Vec<Given>, ListError> {
    let prepared = session.client().prepare(query).await.map_err(|error| {
        refused(reader.list, session.failed(&error), |position| excerpt(query, position), WORDS)
    })?;
    if prepared.columns().is_empty() {
        return Err(wrong(reader.list, "the query gives no columns", String::new(), ONE_SELECT));
    }
    if !prepared.params().is_empty() {
        return Err(wrong(reader.list, "the query has a parameter", String::new(), ONE_SELECT));
    }
    Ok(prepared.columns().iter().map(column).collect())
}

fn column(column: &Column) -> Given {
    Given {
        name: column.name().to_owned(),
        ty: our_type(column.type_(), column.type_modifier()),
        printed_by: printed_by(column.type_()),
    }
}

/// Of all casts to text that are not the type's own output (those in `pg_cast`), `inet`'s alone adds what PostgreSQL
/// does not print: the netmask of a single address.
fn printed_by(found: &ServerType) -> Option<&'static str> {
    (*found == ServerType::INET).then_some("pg_catalog.abbrev")
}

/// What a refusal means: a mistake in the query, or trouble of the server's own.
fn refused(list: &str, error: DatabaseError, place: impl Fn(u32) -> String, hint: &'static str) -> ListError {
    match error {
        DatabaseError::Refused {
            message, trouble: Trouble::Statement | Trouble::Value, position, ..
        } => wrong(list, &message, position.map_or_else(String::new, place), hint),
        error => ListError::Server(error),
    }
}

/// A row's values, all of which were asked for as text.
fn texts<'r>(row: &'r Row, reader: &Reader<'_>) -> Result<Vec<Option<&'r str>>, ListError> {
    let unreadable = |error| reader.unreadable(std::io::Error::other(error));
    (0..row.len()).map(|index| row.try_get(index).map_err(unreadable)).collect()
}
