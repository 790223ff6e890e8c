//! The job's own statements, in DuckDB's transaction. A trial runs none: its database has none of the job's other tables.

use duckdb::Connection;

use super::keys::{KEYS, WINNERS};
use super::staged::ROWS;
use super::{Chosen, Loading};
use crate::chunk::ReportError;
use crate::handoff::input::ORDINAL;
use crate::job::{Mode, Statement};
use crate::merge::slice::column;
use crate::merge::statements::{self, Report, ReportFormat, Views, place};
use crate::merge::typed::{listed, parquet_value};
use crate::merge::{MergeError, database, sql, views};

impl Loading<'_> {
    /// What the statements name.
    pub(super) fn named_views(&self) -> Views {
        if self.order.plan().trial { Views::default() } else { Views::named(&self.order.job) }
    }

    /// Shows the run to the statements and runs those before the rows; the rows that they took out.
    pub(super) fn before(&self, views: Views, chosen: &mut Chosen) -> Result<u64, MergeError> {
        if self.order.plan().trial {
            return Ok(0);
        }
        for (name, select) in views::of_statements(&self.order.proof.files) {
            if (views.input && name == "windrow_input") || (views.failures && name == "windrow_failures") {
                let create = format!("CREATE TEMP VIEW {name} AS {select}");
                self.checked(self.connection.execute_batch(&create))?;
            }
        }
        let staged = if views.rows { self.checked(self.stage(chosen.only.as_ref()))? } else { 0 };
        for (name, statement) in statements::before(&self.order.job) {
            self.run_statement(&name, statement)?;
        }
        if !views.rows {
            return Ok(0);
        }
        let withheld = statements::withheld(staged, self.checked(self.staged_rows())?)?;
        if self.order.mode() == Mode::Upsert {
            self.choose_again(chosen)?;
        }
        Ok(withheld)
    }

    /// Chooses among the rows as the statements have left them: some may be gone, others may have another key.
    fn choose_again(&self, chosen: &mut Chosen) -> Result<(), MergeError> {
        self.checked(self.connection.execute_batch(&format!("DROP TABLE {KEYS}; DROP TABLE {WINNERS}")))?;
        self.checked(self.collect_staged_keys())?;
        self.refuse_null_keys()?;
        let lost = self.checked(self.choose_winners(false))?;
        if lost.rows > 0 {
            self.checked(self.leave_out_losers())?;
        }
        chosen.twins = lost;
        Ok(())
    }

    /// Deletes the staged rows that have lost.
    fn leave_out_losers(&self) -> duckdb::Result<()> {
        let [ordinal, part] = place(&self.columns).map(|name| column("staged", &name));
        let same_part = match self.policy.exploding {
            Some(_) => format!(" AND {part} = winner.part"),
            None => String::new(),
        };
        self.connection.execute_batch(&format!(
            "DELETE FROM {ROWS} staged WHERE NOT EXISTS (SELECT 1 FROM {WINNERS} winner \
             WHERE {ordinal} = winner.{ORDINAL}{same_part})"
        ))
    }

    /// Runs a statement, or several, which must leave the transaction ours.
    pub(super) fn run_statement(&self, name: &str, statement: &Statement) -> Result<(), MergeError> {
        let transaction = self.transaction()?;
        let refused = |error: duckdb::Error| MergeError::Statement {
            name: name.to_owned(),
            message: database::whole_message(&error),
            hint: statements::REFUSED,
        };
        self.connection.execute_batch(&statement.sql).map_err(refused)?;
        if self.transaction()? == transaction { Ok(()) } else { Err(statements::ended_the_transaction(name)) }
    }

    fn transaction(&self) -> Result<i64, MergeError> {
        self.checked(self.connection.query_row("SELECT txid_current()::BIGINT", [], |row| row.get(0)))
    }

    /// Writes the answer of a query: as CSV with a header, or as Parquet.
    pub(super) fn write_report(
        &self,
        name: &str,
        statement: &Statement,
        report: Report,
    ) -> Result<Report, MergeError> {
        let query = statement.sql.trim().trim_end_matches(';');
        let refused = |error: duckdb::Error| MergeError::Statement {
            name: name.to_owned(),
            message: database::whole_message(&error),
            hint: statements::REFUSED,
        };
        let (select, options) = match report.format() {
            ReportFormat::Csv => (query.to_owned(), "FORMAT csv, HEADER true"),
            ReportFormat::Parquet => {
                let columns = described(self.connection, query).map_err(refused)?;
                if let Some(twice) = twice(&columns) {
                    return Err(statements::unwritten(name, &ReportError::Twice(twice)));
                }
                (typed(query, &columns), "FORMAT parquet, COMPRESSION zstd")
            }
        };
        let path = sql::text(&report.aside().to_string_lossy());
        let copy = format!("COPY (\n{select}\n) TO {path} ({options})");
        self.connection.execute_batch(&copy).map_err(refused)?;
        report.seal()
    }
}

/// The columns of a query, each with its type.
fn described(connection: &Connection, query: &str) -> duckdb::Result<Vec<(String, String)>> {
    // First, so that nothing but one query is described: DuckDB runs all but the last of several statements.
    drop(connection.prepare(&format!("SELECT * FROM (\n{query}\n) AS windrow_report"))?);
    let mut described = connection.prepare(&format!("DESCRIBE\n{query}"))?;
    described.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn twice(columns: &[(String, String)]) -> Option<String> {
    let names = columns.iter().enumerate();
    let twice =
        |(at, (name, _)): &(usize, &(String, String))| columns[..*at].iter().any(|(one, _)| one == name);
    names.into_iter().find(twice).map(|(_, (name, _))| name.clone())
}

/// The query with columns of the types that a report has.
fn typed(query: &str, columns: &[(String, String)]) -> String {
    let (values, given) = listed(columns, parquet_value);
    format!("SELECT {values} FROM (\n{query}\n) AS windrow_report ({given})")
}
