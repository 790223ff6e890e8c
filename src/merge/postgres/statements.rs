//! The job's own statements, in the same transaction.

use std::io::Write as _;

use futures_util::StreamExt as _;

use crate::database::postgres::{PostgresError, Session, Trouble};
use crate::job::Statement;
use crate::merge::MergeError;
use crate::merge::statements::{REFUSED, Report, ended_the_transaction};

/// Runs a statement, or several.
pub(super) async fn run(session: &Session, name: &str, statement: &Statement) -> Result<(), MergeError> {
    let transaction = number(session).await?;
    session.run(&statement.sql).await.map_err(|error| match error.is_lost() && !session.client().is_closed() {
        true => MergeError::Statement {
            name: name.to_owned(),
            message: "it copies from or to the client, and windrow has nothing to say there".into(),
            hint: "nothing was published; an answer goes into a file with file = \"report.csv\" beside the query",
        },
        false => refused(name, &statement.sql, error),
    })?;
    // Outside of our transaction this is another number, or one of its own.
    match number(session).await? == transaction {
        true => Ok(()),
        false => Err(ended_the_transaction(name)),
    }
}

/// What stands before a query whose answer is a report.
const COPY: &str = "COPY (\n";

/// Runs a query and writes its answer as CSV, with a header.
pub(super) async fn report(
    session: &Session,
    name: &str,
    statement: &Statement,
    report: Report,
) -> Result<Report, MergeError> {
    let query = statement.sql.trim_end().trim_end_matches(';');
    let copy = format!("{COPY}{query}\n) TO STDOUT WITH (FORMAT csv, HEADER true)");
    let failed =
        |error: tokio_postgres::Error| refused(name, query, session.failed(&error).moved(COPY.len()));
    let stream = session.client().copy_out(&copy).await.map_err(failed)?;
    let mut stream = std::pin::pin!(stream);
    let mut file = report.file()?;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(failed)?;
        file.write_all(&piece).map_err(|error| report.failed(&error))?;
    }
    report.seal()
}

async fn number(session: &Session) -> Result<i64, PostgresError> {
    let row = session.client().query_one("SELECT txid_current()", &[]).await;
    Ok(row.map_err(|error| session.failed(&error))?.get(0))
}

/// A refusal names the statement, and the line of it that the server points at.
fn refused(name: &str, sql: &str, error: PostgresError) -> MergeError {
    let PostgresError::Refused { message, position, trouble, .. } = &error else { return error.into() };
    if *trouble == Trouble::Passing {
        // Such as a deadlock: not the statement's fault.
        return error.into();
    }
    let line = position.and_then(|at| line_at(sql, at as usize));
    let line = line.map_or_else(String::new, |(number, line)| format!("\n  line {number}: {line}"));
    MergeError::Statement { name: name.to_owned(), message: format!("{message}{line}"), hint: REFUSED }
}

/// The line in which a character stands, counted from 1, and its number, from 1.
fn line_at(sql: &str, position: usize) -> Option<(usize, &str)> {
    let byte = sql.char_indices().nth(position.checked_sub(1)?)?.0;
    let start = sql[..byte].rfind('\n').map_or(0, |before| before + 1);
    let number = sql[..start].matches('\n').count() + 1;
    Some((number, sql[start..].lines().next()?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_the_server_points_at_is_shown() {
        let sql = "SELECT 'ä'\nFROM urlz\nWHERE x";
        assert_eq!(line_at(sql, 17), Some((2, "FROM urlz")));
        assert_eq!(line_at(sql, 1), Some((1, "SELECT 'ä'")));
        assert_eq!(line_at(sql, 0), None);
        assert_eq!(line_at(sql, 99), None);
    }
}
