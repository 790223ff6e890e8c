//! The table of runs in a DuckDB file, in the schema `main`.

use duckdb::{Connection, params};

use super::{Ledger, Publication, TABLE, create, lacking};
use crate::merge::dialect::DuckDb;

/// The table, as statements name it.
pub(in crate::merge) fn qualified() -> String {
    format!("main.{TABLE}")
}

/// Makes the table if it is not there.
pub(in crate::merge) fn make(connection: &Connection) -> duckdb::Result<()> {
    if columns(connection)?.is_empty() {
        connection.execute_batch(&create(&DuckDb, &qualified()))
    } else {
        Ok(())
    }
}

/// The run's publications into the table; none where nothing was ever published there.
pub(in crate::merge) fn publications(
    connection: &Connection,
    ledger: &Ledger<'_>,
) -> duckdb::Result<Vec<Publication>> {
    if columns(connection)?.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(&ledger.publications())?;
    let texts = |row: &duckdb::Row<'_>| (0..6).map(|at| row.get(at)).collect::<duckdb::Result<Vec<_>>>();
    statement.query_map([], |row| Ok(ledger.publication(&texts(row)?)))?.collect()
}

/// Why the table that has the name is not one that notes runs.
pub(in crate::merge) fn not_ours(connection: &Connection) -> duckdb::Result<Option<String>> {
    let columns = columns(connection)?;
    let lacking = lacking(&columns).filter(|_| !columns.is_empty());
    Ok(lacking.map(|lacking| {
        format!(
            "windrow notes its runs in a table {TABLE}, and the one that is there lacks {lacking} (a table of yours? \
             rename it, or publish into another file)"
        )
    }))
}

/// The columns of the table; none where it is not there.
fn columns(connection: &Connection) -> duckdb::Result<Vec<String>> {
    let sql = "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() \
               AND schema_name = 'main' AND lower(table_name) = ?";
    connection.prepare(sql)?.query_map(params![TABLE], |row| row.get(0))?.collect()
}
