//! From a question to SQL: columns of the table by name, and everything else bound.
//!
//! Without `order` there is no ORDER BY: FROM one table, WHERE, LIMIT and OFFSET keep the order in which its rows were inserted
//! (<https://duckdb.org/docs/stable/sql/dialect/order_preservation>). Beside an ORDER BY with a LIMIT DuckDB would take no index,
//! and look at each row for a page of a hundred.

use super::operator::Operator;
use super::question::{Condition, Direction, Question};
use super::words::quoted;
use crate::serve::column::ORDER;

impl Question {
    /// What stands behind `FROM`, and the values of its parameters. It asks for one row more than the answer may have, so that
    /// whoever asks sees whether there are more.
    pub fn sql(&self) -> (String, Vec<String>) {
        let most = u64::from(self.limit.unwrap_or(self.max_rows)) + 1;
        if self.conditions.is_empty() && self.order.is_empty() {
            return rows_from(self.offset, most);
        }
        let conditions: Vec<String> = self.conditions.iter().map(condition).collect();
        let narrowed = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {} ", conditions.join(" AND "))
        };
        let order: String = self.order.iter().map(ordered).collect();
        let sorted = if order.is_empty() { String::new() } else { format!("ORDER BY {order}{ORDER} ") };
        let offset = if self.offset == 0 { String::new() } else { format!(" OFFSET {}", self.offset) };
        let values = self.conditions.iter().filter(|condition| condition.operator != Operator::Null);
        let values = values.flat_map(|condition| condition.values.iter().cloned()).collect();
        (format!("{narrowed}{sorted}LIMIT {most}{offset}"), values)
    }
}

/// Rows are numbered without a gap: those of a page are found at once, where an OFFSET would pass over all before it.
fn rows_from(offset: u64, most: u64) -> (String, Vec<String>) {
    let sql = format!("WHERE {ORDER} >= CAST(? AS BIGINT) AND {ORDER} < CAST(? AS BIGINT) ORDER BY {ORDER}");
    (sql, vec![offset.to_string(), (offset + most).to_string()])
}

fn condition(condition: &Condition) -> String {
    let column = quoted(&condition.column.name);
    if condition.operator == Operator::Null {
        let is_null = condition.values.iter().any(|value| value == "true");
        return condition.operator.sql(&column, if is_null { "NULL" } else { "NOT NULL" });
    }
    // Of the column's own type: so DuckDB takes the index, and compares nothing as another type.
    let value = format!("CAST(? AS {})", condition.column.ty);
    let values = vec![value.as_str(); condition.values.len()];
    condition.operator.sql(&column, &values.join(", "))
}

fn ordered((name, direction): &(String, Direction)) -> String {
    let word = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    format!("{} {word} NULLS LAST, ", quoted(name))
}
