//! The job's own statements, in the same transaction.

use std::io::{self, BufWriter, Write as _};

use crate::chunk::{ReportError, ReportWriter};
use crate::database::{DatabaseError, Session, Trouble};
use crate::job::Statement;
use crate::merge::statements::{REFUSED, Report, ReportFormat, ended_the_transaction, unwritten};
use crate::merge::{MergeError, dialect};

/// A savepoint that stands while a statement of the job's own runs: released afterwards, it proves that the transaction
/// is still ours.
const OURS: &str = "windrow_statement";

/// Runs a statement, or several.
pub(super) async fn run(session: &Session, name: &str, statement: &Statement) -> Result<(), MergeError> {
    session.run(&format!("SAVEPOINT {OURS}")).await?;
    session.run(&statement.sql).await.map_err(|error| if error.is_lost() && !session.is_closed() { MergeError::Statement {
            name: name.to_owned(),
            message: "it copies from or to the client, and windrow has nothing to say there".into(),
            hint: "nothing was published; an answer goes into a file with file = \"report.csv\" beside the query",
        } } else { refused(name, &statement.sql, error) })?;
    let released = session.run(&format!("RELEASE SAVEPOINT {OURS}")).await;
    released.map_err(|error| match error.trouble() {
        Some(Trouble::Ended) => ended_the_transaction(name),
        _ => error.into(),
    })
}

/// Runs a query and writes its answer into a report.
pub(super) async fn report(
    session: &Session,
    name: &str,
    statement: &Statement,
    report: Report,
) -> Result<Report, MergeError> {
    let query = statement.sql.trim_end().trim_end_matches(';');
    let written = match report.format() {
        ReportFormat::Csv => write_csv(session, query, &report).await,
        ReportFormat::Parquet => write_parquet(session, query, &report).await,
    };
    written.map_err(|error| match error {
        Unwritten::Server(error) => refused(name, query, error),
        Unwritten::Report(ReportError::File(error)) => report.failed(&io::Error::other(error)),
        Unwritten::Report(error) => unwritten(name, &error),
        Unwritten::Merge(error) => error,
    })?;
    report.seal()
}

/// Why a report is not written.
enum Unwritten {
    Server(DatabaseError),
    Report(ReportError),
    Merge(MergeError),
}

impl From<DatabaseError> for Unwritten {
    fn from(error: DatabaseError) -> Unwritten {
        Unwritten::Server(error)
    }
}

impl From<ReportError> for Unwritten {
    fn from(error: ReportError) -> Unwritten {
        Unwritten::Report(error)
    }
}

impl From<MergeError> for Unwritten {
    fn from(error: MergeError) -> Unwritten {
        Unwritten::Merge(error)
    }
}

/// With a header.
async fn write_csv(session: &Session, query: &str, report: &Report) -> Result<(), Unwritten> {
    let mut file = report.file()?;
    let write = |piece: &[u8]| file.write_all(piece).map_err(|error| report.failed(&error).into());
    session.write_csv(query, write).await
}

/// With typed columns. What a statement before has set (a time zone, say) does not hold for it.
async fn write_parquet(session: &Session, query: &str, report: &Report) -> Result<(), Unwritten> {
    session.run(dialect::of(session).settings()).await?;
    let mut file = BufWriter::new(report.file()?);
    let mut writer = ReportWriter::begin(&mut file, session.fields(query).await?)?;
    session.each_row(query, |row| Ok::<_, Unwritten>(writer.add(row.iter().map(Option::as_deref))?)).await?;
    writer.finish()?;
    file.flush().map_err(|error| report.failed(&error).into())
}

/// A refusal names the statement, and the line of it that the server points at.
fn refused(name: &str, sql: &str, error: DatabaseError) -> MergeError {
    let DatabaseError::Refused { message, position, trouble, .. } = &error else { return error.into() };
    if matches!(trouble, Trouble::Deadlock | Trouble::Passing) {
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
