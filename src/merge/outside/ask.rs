//! What a database is asked in passing.

use crate::database::{DatabaseError, Server, Session, Trouble};
use crate::merge::dialect;

/// A connection with a transaction that only reads.
pub(super) async fn connect_to_read(server: &Server) -> Result<Session, DatabaseError> {
    let session = server.connect_to_read().await?;
    session.run(dialect::of(&session).begin_reading()).await?;
    Ok(session)
}

/// Runs a statement, where this database has one for what is wanted.
pub(super) async fn run_if_any(session: &Session, sql: Option<String>) -> Result<(), DatabaseError> {
    match sql {
        Some(sql) => session.run(&sql).await,
        None => Ok(()),
    }
}

/// The complaints that a query answers with.
pub(super) async fn complaints(session: &Session, query: &str) -> Result<Vec<String>, DatabaseError> {
    Ok(session.rows(query).await?.iter().map(|row| row.text(0)).collect())
}

/// The complaints that a query about a right answers with; that it is refused for want of the right is one, too.
pub(super) async fn missing_right(session: &Session, query: &str) -> Result<Vec<String>, DatabaseError> {
    match session.rows(query).await {
        Err(error) if error.trouble() == Some(Trouble::Privilege) => Ok(vec![error.message().to_owned()]),
        rows => Ok(rows?.iter().map(|row| row.text(0)).collect()),
    }
}

/// Whether a condition holds.
pub(super) async fn has(session: &Session, condition: &str) -> Result<bool, DatabaseError> {
    Ok(session.row(&format!("SELECT {condition}")).await?.flag(0))
}
