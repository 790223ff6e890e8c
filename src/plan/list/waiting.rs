//! The jobs of a queue that wait, as a list: what a trial takes its records from. Nothing is claimed.

use crate::job::{Database, Job, Queue, ServerKind, TableName};

/// The database of a queue, and the statement that gives its waiting jobs in their order.
pub(super) fn question(job: &Job, queue: &Queue) -> (Database, String) {
    let kind = queue.database.kind();
    let id: Vec<String> = job.input.id.iter().map(|name| quoted(name, kind)).collect();
    let order = queue.order.clone().unwrap_or_else(|| id.join(", "));
    let (table, condition) = (named(&queue.table, kind), &queue.condition);
    let sql = format!("SELECT * FROM {table} WHERE ({condition}) ORDER BY {order}");
    (Database::Server(queue.database.clone()), sql)
}

fn named(table: &str, kind: ServerKind) -> String {
    match TableName::parse(table) {
        Some(name) => name.parts().map(|part| quoted(part, kind)).collect::<Vec<_>>().join("."),
        None => quoted(table, kind),
    }
}

fn quoted(name: &str, kind: ServerKind) -> String {
    match kind {
        ServerKind::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
        ServerKind::MySql => format!("`{}`", name.replace('`', "``")),
    }
}
