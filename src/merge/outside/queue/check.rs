//! What keeps a queue from being worked, or slows it: asked before the first job is claimed.

use super::QueueTable;
use super::sql::QueueSql;
use super::tables::CLAIMS;
use crate::database::{DatabaseError, Session, Trouble};
use crate::merge::MergeError;
use crate::merge::outside::ask::{complaints, missing_right};

impl QueueTable {
    /// Tries what a worker does with the jobs' table, without a change: what is wrong is told all at once. What only slows it is
    /// returned, in words.
    ///
    /// # Errors
    /// Where the job's conditions or clauses are not understood, or a right is missing; of the database.
    pub async fn check(&self, session: &Session) -> Result<Vec<String>, MergeError> {
        let sql = self.sql(session)?;
        let rights = self.missing_rights(session, &sql).await?;
        if !rights.is_empty() {
            return Err(super::tables::unfit(&self.tables.name, rights));
        }
        session.run(sql.own.begin_read_committed()).await?;
        session.run(sql.dialect.settings()).await?;
        let tried = self.try_statements(session, &sql).await;
        // Nothing was changed.
        session.run("ROLLBACK").await?;
        tried?;
        self.slow(session, &sql).await
    }

    async fn missing_rights(&self, session: &Session, sql: &QueueSql<'_>) -> Result<Vec<String>, MergeError> {
        let mut missing = match sql.own.too_old() {
            Some(query) => complaints(session, query).await?,
            None => Vec::new(),
        };
        if !self.own_tables_lacking(session).await?.is_empty() {
            let query = sql.dialect.may_not_make_table(&self.tables.schema);
            missing.extend(missing_right(session, &query).await?);
        }
        Ok(missing)
    }

    async fn try_statements(&self, session: &Session, sql: &QueueSql<'_>) -> Result<(), MergeError> {
        let (jobs, queue) = (&self.tables.jobs, &self.queue);
        let set = |clause: &String| format!("UPDATE {jobs} SET {clause} WHERE 1 = 0");
        let waits =
            format!("SELECT count(*) FROM (SELECT 1 FROM {jobs} WHERE ({}) LIMIT 1) AS one", queue.condition);
        let mut tries = vec![("where", waits), ("done", set(&queue.done)), ("failed", set(&queue.failed))];
        tries.extend(queue.requeue.iter().map(|clause| ("requeue", set(clause))));
        let lacking = self.own_tables_lacking(session).await?;
        // What reads of tables that `work` makes can be tried when they are there.
        let reads_of_them = |statement: &str| lacking.iter().any(|table| statement.contains(table));
        for (key, statement) in tries.iter().filter(|(_, statement)| !reads_of_them(statement)) {
            session.run(statement).await.map_err(|error| wrong(key, error))?;
        }
        if !lacking.contains(&CLAIMS) {
            session.rows(&sql.next(1)).await.map_err(|error| wrong("order", error))?;
        }
        Ok(())
    }

    /// On MariaDB and MySQL rows are locked in the order in which they are passed: where they have to be sorted, all that wait.
    async fn slow(&self, session: &Session, sql: &QueueSql<'_>) -> Result<Vec<String>, MergeError> {
        let Some(query) = sql.own.indexes(&self.tables.jobs_id) else { return Ok(Vec::new()) };
        let indexes: Vec<Vec<String>> = session.rows(&query).await?.iter().map(|row| row.list(0)).collect();
        let Some((compared, order)) = self.wanted_index() else { return Ok(Vec::new()) };
        if indexes.iter().any(|index| serves(index, &compared, &order, self.tables.id())) {
            return Ok(Vec::new());
        }
        let columns: Vec<String> =
            compared.iter().chain(&order).map(|name| sql.dialect.identifier(name)).collect();
        let columns = columns.join(", ");
        Ok(vec![format!(
            "no index of {} gives the waiting jobs in their order, so each claim sorts, and locks, all of them: workers get in each \
             other's way\nhint: CREATE INDEX {} ON {} ({columns})",
            self.tables.name,
            sql.dialect.identifier("windrow_queue"),
            self.tables.jobs
        )])
    }

    /// The columns that `where` compares with a value, and those of the order; `None` where they cannot be told.
    fn wanted_index(&self) -> Option<(Vec<String>, Vec<String>)> {
        let compared = compared(&self.queue.condition)?;
        let order = match &self.queue.order {
            None => self.tables.id().to_vec(),
            Some(order) => order.split(',').map(plain_name).collect::<Option<_>>()?,
        };
        Some((compared, order))
    }
}

/// What the database says to a part of the job file.
fn wrong(key: &str, error: DatabaseError) -> MergeError {
    match error.trouble() {
        Some(Trouble::Statement | Trouble::Value | Trouble::Privilege | Trouble::Other) => {
            MergeError::Statement {
                name: format!("`{key}` of the queue"),
                message: error.message().to_owned(),
                hint: "it is SQL of the queue's own database, over the jobs' table; SELECT and UPDATE are the rights",
            }
        }
        _ => error.into(),
    }
}

/// A column's name, where a text is nothing else.
pub(super) fn plain_name(text: &str) -> Option<String> {
    let text = text.trim();
    let name = text.strip_prefix('`').and_then(|text| text.strip_suffix('`')).unwrap_or(text);
    let is_name = !name.is_empty()
        && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '$');
    is_name.then(|| name.to_owned())
}

/// The columns of a condition that is `column = value`, or several of them joined by AND.
fn compared(condition: &str) -> Option<Vec<String>> {
    let lower = condition.to_ascii_lowercase();
    let mut columns = Vec::new();
    let mut from = 0;
    for end in lower.match_indices(" and ").map(|(at, _)| at).chain([condition.len()]) {
        let (name, value) = condition.get(from..end)?.split_once('=')?;
        let is_comparison = !name.ends_with(['<', '>', '!']) && !value.contains(['=', '(']);
        columns.push(plain_name(name).filter(|_| is_comparison)?);
        from = end + 5;
    }
    Some(columns)
}

/// Whether an index has the rows of some values together, in an order. What identifies a row comes last in each index.
fn serves(index: &[String], compared: &[String], order: &[String], id: &[String]) -> bool {
    let has = |name: &String, among: &[String]| among.iter().any(|one| one.eq_ignore_ascii_case(name));
    let first = &index[..index.len().min(compared.len())];
    let rest: Vec<&String> = index[first.len()..].iter().chain(id).collect();
    compared.iter().all(|name| has(name, first))
        && order.iter().zip(rest).all(|(wanted, there)| wanted.eq_ignore_ascii_case(there))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn an_index_serves_where_it_has_what_waits_in_its_order() {
        for (index, is_served) in [
            ("state id", true),
            ("state", true),
            ("state priority id", false),
            ("id state", false),
            ("id", false),
            ("STATE ID", true),
        ] {
            assert_eq!(
                serves(&names(index), &names("state"), &names("id"), &names("id")),
                is_served,
                "{index}"
            );
        }
        assert!(serves(&names("kind state at"), &names("state kind"), &names("at id"), &names("id")));
        assert!(!serves(&names("kind at"), &names("state kind"), &names("at"), &names("id")));
    }

    #[test]
    fn the_columns_of_a_plain_condition_are_known() {
        assert_eq!(compared("state = 'new'"), Some(names("state")));
        assert_eq!(compared("state = 'new' AND `kind` = 3"), Some(names("state kind")));
        for other in [
            "state <> 'new'",
            "state = 'new' OR kind = 3",
            "coalesce(state, 'new') = 'new'",
            "done_at IS NULL",
            "a >= 3",
        ] {
            assert_eq!(compared(other), None, "{other}");
        }
    }
}
