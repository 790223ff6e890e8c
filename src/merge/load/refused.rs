//! Which rows the table refuses, after a load of them all was refused.
//!
//! All that a load does is done once more up to the rows, in a transaction that is undone; then each condition that
//! DuckDB tells of the table is asked of all of them at once: types, NOT NULL, CHECK, keys and unique indexes, references.
//! A condition on columns that the rows do not fill is not asked. What only one row may have is asked last, of the rows that
//! nothing else refuses. Where the job lets the table refuse some, the first of such rows is taken.

use std::path::Path;

use duckdb::{Connection, Result, params};

use super::insert::Insertion;
use super::staged::{ROWS, staged_from};
use super::{Ground, Loading, Order};
use crate::handoff::RefusedRow;
use crate::handoff::names::beside;
use crate::merge::columns::{Origin, schema_and_table};
use crate::merge::refused::{FoundRows, id_of};
use crate::merge::slice::column;
use crate::merge::statements::{Views, place};
use crate::merge::target::TargetColumn;
use crate::merge::{MergeError, database, sql};
use crate::value::Type;

/// Temporary table: the rows in the types of the table, null where a value is not of its column's type.
const TYPED: &str = "temp.windrow_typed";
/// Temporary table: ordinal and part of what is refused, and the number of the condition.
const REFUSED: &str = "temp.windrow_refused";

/// The rows that were refused, where the error of a load is about rows, and they are found.
pub(super) fn find(
    connection: &Connection,
    order: &Order,
    path: &Path,
    error: &MergeError,
) -> Option<FoundRows> {
    let is_about_rows = match error {
        MergeError::Constraint { .. } => true,
        MergeError::Database { message, .. } => message.starts_with("Conversion Error"),
        _ => false,
    };
    if !is_about_rows || order.plan().trial {
        return None;
    }
    // What goes wrong here is not what the person needs to know.
    find_in(connection, order, path).ok().filter(|found| !found.rows.is_empty())
}

fn find_in(
    connection: &Connection,
    order: &Order,
    path: &Path,
) -> std::result::Result<FoundRows, MergeError> {
    let failed = |error: duckdb::Error| database::failed(path, &error);
    let mut loading = Loading::begin(&Ground { connection, path, ordered: false, unread: 0 }, order)?;
    let rows = loading.refused_rows();
    connection.execute_batch("ROLLBACK").map_err(failed)?;
    let (rows, all) = rows?;
    Ok(FoundRows { table: loading.target.name, rows, all: Some(all) })
}

/// A condition of the table.
struct Condition {
    /// In words.
    why: String,
    /// The columns that it is about.
    columns: Vec<String>,
    /// A SELECT from [`TYPED`] of the ordinal and part of the rows that do not meet it.
    unmet: String,
}

/// The rows as they would be written.
struct Typed {
    /// Their columns.
    names: Vec<String>,
    /// The names of their ordinal and part there, quoted.
    place: String,
    /// The name of their ordinal, quoted.
    ordinal: String,
}

impl Typed {
    fn has(&self, columns: &[String]) -> bool {
        !columns.is_empty()
            && columns.iter().all(|name| self.names.iter().any(|has| has.eq_ignore_ascii_case(name)))
    }

    /// A SELECT of the rows for which a condition on their columns holds.
    fn having(&self, condition: &str) -> String {
        format!("SELECT {} FROM {TYPED} typed WHERE {condition}", self.place)
    }
}

impl Loading<'_> {
    /// The first rows that are refused, and how many there are. To be called in a transaction that is undone.
    fn refused_rows(&mut self) -> std::result::Result<(Vec<RefusedRow>, u64), MergeError> {
        let room = self.make_ready(Views { rows: true, ..self.named_views() })?;
        self.checked(self.ask_conditions(&room.insertion))
    }

    fn ask_conditions(&self, insertion: &Insertion) -> Result<(Vec<RefusedRow>, u64)> {
        let typed = self.type_rows(insertion)?;
        let conditions = self.conditions(&typed)?;
        let place = &typed.place;
        self.connection.execute_batch(&format!(
            "CREATE TEMP TABLE windrow_refused AS SELECT {place}, 0 AS condition FROM {TYPED} WHERE false"
        ))?;
        for (number, condition) in conditions.iter().enumerate() {
            let Condition { unmet, .. } = condition;
            let insert = format!("INSERT INTO {REFUSED} SELECT *, {number} FROM ({unmet})");
            // One on columns that the rows do not fill is not asked.
            if let Ok(mut insert) = self.connection.prepare(&insert) {
                insert.execute([])?;
            }
        }
        let all = format!("SELECT count(DISTINCT {}) FROM {REFUSED}", typed.ordinal);
        let all = self.connection.query_row(&all, [], |row| row.get(0))?;
        Ok((self.first_refused(&typed, &conditions)?, all))
    }

    /// Fills [`TYPED`].
    fn type_rows(&self, insertion: &Insertion) -> Result<Typed> {
        let values = self.staged_values(insertion);
        let names: Vec<String> = values.iter().map(|(name, _)| name.clone()).collect();
        let own =
            ["windrow_ordinal", "windrow_part"].map(|own| beside(own, names.iter().map(String::as_str)));
        let of_row = place(&self.columns).map(|name| column("staged", &name));
        let of_row =
            of_row.iter().zip(&own).map(|(value, name)| format!("{value} AS {}", sql::identifier(name)));
        let of_table = values.iter().map(|(name, value)| {
            let ty = self.target.column(name).map_or("VARCHAR", |column| &column.ty);
            format!("TRY_CAST({value} AS {ty}) AS {}", sql::identifier(name))
        });
        let columns: Vec<String> = of_row.chain(of_table).collect();
        let create = format!(
            "CREATE TEMP TABLE windrow_typed AS SELECT {} {}",
            columns.join(", "),
            staged_from(insertion)
        );
        self.connection.execute_batch(&create)?;
        let own = own.map(|name| sql::identifier(&name));
        Ok(Typed { names, place: own.join(", "), ordinal: own[0].clone() })
    }

    /// The conditions of the table that can be asked of the rows.
    fn conditions(&self, typed: &Typed) -> Result<Vec<Condition>> {
        let mut conditions: Vec<Condition> =
            self.target.columns.iter().filter_map(|c| self.misfit(typed, c)).collect();
        conditions.extend(self.target.columns.iter().filter_map(|c| self.not_generated(typed, c)));
        let (unique, others): (Vec<_>, Vec<_>) =
            self.constraints()?.into_iter().partition(Constraint::is_of_one_row);
        for constraint in others.into_iter().chain(unique) {
            conditions.extend(self.condition(typed, constraint));
        }
        for (name, create) in self.unique_indexes()? {
            let keys = index_keys(&create);
            let is_key =
                |name: &&String| keys.iter().any(|key| *key == **name || *key == sql::identifier(name));
            let columns = typed.names.iter().filter(is_key).cloned().collect();
            conditions.extend(self.uniqueness(typed, &keys, columns, &format!("the unique index {name:?}")));
        }
        Ok(conditions)
    }

    /// Values that are not of their column's type.
    fn misfit(&self, typed: &Typed, standing: &TargetColumn) -> Option<Condition> {
        let output = self.columns.iter().find(|output| output.name.eq_ignore_ascii_case(&standing.name))?;
        let [ordinal, part] = place(&self.columns).map(|name| sql::identifier(&name));
        let given = sql::identifier(&output.name);
        let is_given =
            format!("({}) IN (SELECT {ordinal}, {part} FROM {ROWS} WHERE {given} IS NOT NULL)", typed.place);
        Some(Condition {
            why: format!("it is no value of type {}", standing.ty),
            columns: vec![output.name.clone()],
            unmet: typed.having(&format!("{} IS NULL AND {is_given}", column("typed", &output.name))),
        })
    }

    /// Values that a generated column cannot be computed from.
    fn not_generated(&self, typed: &Typed, standing: &TargetColumn) -> Option<Condition> {
        let expression = standing.default.as_ref().filter(|_| standing.generated)?;
        let columns = typed.names.iter().filter(|name| expression.contains(name.as_str()));
        Some(Condition {
            why: format!("the generated column {:?} cannot be computed", standing.name),
            columns: columns.cloned().collect(),
            unmet: typed.having(&format!("TRY(({expression}) IS NULL) IS NULL")),
        })
    }

    fn condition(&self, typed: &Typed, constraint: Constraint) -> Option<Condition> {
        let Constraint { kind, text, expression, columns, referenced, referenced_columns } = constraint;
        if !typed.has(&columns) {
            return None;
        }
        let keys: Vec<String> = columns.iter().map(|name| sql::identifier(name)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        // Of a table that refers to itself DuckDB has no text.
        let text = match (&referenced, text.is_empty()) {
            (Some(table), true) => format!(
                "{kind} ({}) REFERENCES {table}({})",
                columns.join(", "),
                referenced_columns.join(", ")
            ),
            _ => text,
        };
        let unmet = match kind.as_str() {
            "NOT NULL" => typed.having(&format!("{} IS NULL", keys[0])),
            // One that fails is not met.
            "CHECK" => typed.having(&format!("TRY(({}) IS NOT FALSE) IS NOT TRUE", expression?)),
            "FOREIGN KEY" => {
                let table = format!("{}.{}", self.target.schema, sql::identifier(&referenced?));
                let there: Vec<String> =
                    referenced_columns.iter().map(|name| sql::identifier(name)).collect();
                let there = format!("SELECT {} FROM {table}", there.join(", "));
                typed.having(&format!("{} AND row({}) NOT IN ({there})", all_set(&keys), keys.join(", ")))
            }
            "PRIMARY KEY" | "UNIQUE" => return self.uniqueness(typed, &keys, columns, &text),
            _ => return None,
        };
        Some(Condition { why: text, columns, unmet })
    }

    /// Rows with the values of another one, or of one that stands and stays.
    fn uniqueness(
        &self,
        typed: &Typed,
        keys: &[&str],
        columns: Vec<String>,
        name: &str,
    ) -> Option<Condition> {
        let (place, is_set, keys) = (&typed.place, all_set(keys), keys.join(", "));
        let standing = format!("SELECT {keys} FROM {}", self.target.qualified);
        // Which of them is in the way of another, or, where the others are to be left out, which comes later.
        let alike = if self.order.may_reject() > 0 { "row_number()" } else { "count(*)" };
        let by = if self.order.may_reject() > 0 { format!(" ORDER BY {place}") } else { String::new() };
        let counted = format!(
            "SELECT {place}, row({keys}) IN ({standing}) AS stands, {alike} OVER (PARTITION BY {keys}{by}) AS alike \
             FROM {TYPED} typed ANTI JOIN {REFUSED} refused USING ({}) WHERE {is_set}",
            typed.ordinal
        );
        (!keys.is_empty()).then(|| Condition {
            why: format!("another row has that value, and {name} lets only one"),
            columns,
            unmet: format!("SELECT {place} FROM ({counted}) WHERE stands OR alike > 1"),
        })
    }

    /// The first of the rows in [`REFUSED`], each with the first condition that it does not meet.
    fn first_refused(&self, typed: &Typed, conditions: &[Condition]) -> Result<Vec<RefusedRow>> {
        let [ordinal, part] = place(&self.columns).map(|name| column("staged", &name));
        let texts: Vec<String> = self
            .columns
            .iter()
            .map(|output| match (column("staged", &output.name), output.ty) {
                (value, Some(Type::Blob)) => sql::as_hex(&value),
                (value, _) => format!("CAST({value} AS VARCHAR)"),
            })
            .collect();
        let select = format!(
            "SELECT {ordinal}, first.condition, {} FROM {ROWS} staged JOIN \
             (SELECT {1}, min(condition) AS condition FROM {REFUSED} GROUP BY {1} \
              QUALIFY row_number() OVER (PARTITION BY {2} ORDER BY {1}) = 1) AS first(o, p, condition) \
             ON first.o = {ordinal} AND first.p = {part} ORDER BY {ordinal} LIMIT {3}",
            texts.join(", "),
            typed.place,
            typed.ordinal,
            self.order.looks_for(),
        );
        let mut statement = self.connection.prepare(&select)?;
        let row = |row: &duckdb::Row<'_>| {
            let condition = &conditions[row.get::<_, usize>(1)?];
            let text = |at: usize| row.get::<_, Option<String>>(at + 2);
            let (mut id, mut values) = (Vec::new(), Vec::new());
            for (at, output) in self.columns.iter().enumerate() {
                if output.origin == Origin::Id {
                    id.push((output.name.clone(), text(at)?));
                }
                if condition.columns.iter().any(|name| name.eq_ignore_ascii_case(&output.name)) {
                    values.push((output.name.clone(), text(at)?));
                }
            }
            Ok(RefusedRow { record: row.get(0)?, id: id_of(&id), values, why: condition.why.clone() })
        };
        statement.query_map([], row)?.collect()
    }

    fn constraints(&self) -> Result<Vec<Constraint>> {
        let (schema, table) = schema_and_table(&self.target.name);
        // Lists as JSON: the driver has no other way for them.
        let select = "SELECT constraint_type, constraint_text, expression, to_json(constraint_column_names)::VARCHAR, \
                      referenced_table, to_json(referenced_column_names)::VARCHAR FROM duckdb_constraints() \
                      WHERE database_name = current_database() AND lower(schema_name) = lower(?) \
                      AND lower(table_name) = lower(?) ORDER BY constraint_index";
        let mut statement = self.connection.prepare(select)?;
        let names =
            |text: Option<String>| serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        let constraint = |row: &duckdb::Row<'_>| {
            Ok(Constraint {
                kind: row.get(0)?,
                text: row.get(1)?,
                expression: row.get(2)?,
                columns: names(row.get(3)?),
                referenced: row.get(4)?,
                referenced_columns: names(row.get(5)?),
            })
        };
        statement.query_map(params![schema, table], constraint)?.collect()
    }

    /// Name and CREATE statement of each unique index.
    fn unique_indexes(&self) -> Result<Vec<(String, String)>> {
        let (schema, table) = schema_and_table(&self.target.name);
        let select = "SELECT index_name, sql FROM duckdb_indexes() WHERE is_unique AND sql IS NOT NULL \
                      AND database_name = current_database() AND lower(schema_name) = lower(?) \
                      AND lower(table_name) = lower(?)";
        let mut statement = self.connection.prepare(select)?;
        statement.query_map(params![schema, table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }
}

/// A line of `duckdb_constraints()`.
struct Constraint {
    kind: String,
    text: String,
    expression: Option<String>,
    columns: Vec<String>,
    referenced: Option<String>,
    referenced_columns: Vec<String>,
}

impl Constraint {
    /// Whether it lets one row have what several may not.
    fn is_of_one_row(&self) -> bool {
        matches!(self.kind.as_str(), "PRIMARY KEY" | "UNIQUE")
    }
}

/// A condition: none of these is null.
fn all_set(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("{key} IS NOT NULL")).collect::<Vec<_>>().join(" AND ")
}

/// The keys of a CREATE INDEX: what stands in its last brackets, between commas.
fn index_keys(create: &str) -> Vec<&str> {
    let text = create.trim_end().trim_end_matches(';').trim_end();
    let Some(text) = text.strip_suffix(')') else { return Vec::new() };
    let (mut keys, mut depth, mut end, mut is_quoted) = (Vec::new(), 0, text.len(), false);
    for (at, letter) in text.char_indices().rev() {
        match letter {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            ')' => depth += 1,
            '(' if depth > 0 => depth -= 1,
            '(' => {
                keys.push(text[at + 1..end].trim());
                return keys;
            }
            ',' if depth == 0 => {
                keys.push(text[at + 1..end].trim());
                end = at;
            }
            _ => {}
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_its_keys_in_the_last_brackets() {
        let create = "CREATE UNIQUE INDEX i ON s.\"t (1)\"((lower(id)), \"Pri, (ce\", coalesce(a, b));";
        assert_eq!(index_keys(create), ["coalesce(a, b)", "\"Pri, (ce\"", "(lower(id))"]);
        assert_eq!(index_keys("CREATE UNIQUE INDEX j ON t(a)"), ["a"]);
        assert!(index_keys("no index").is_empty());
    }
}
