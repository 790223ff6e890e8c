//! From the chunks into the table.

use super::Loading;
use crate::handoff::input::ORDINAL;
use crate::merge::select::{STANDING, Selection, Standing};
use crate::merge::slice::{Slice, column, slices};
use crate::merge::sql;
use crate::merge::target::TargetColumn;

/// How the rows of the chunks become rows of the table.
#[derive(Default)]
pub(super) struct Insertion {
    /// Only these.
    pub only: Option<Only>,
    pub standing: Option<Standing>,
    /// Columns that the job does not name: the column and its value.
    pub further: Vec<(String, String)>,
}

/// What is inserted, where it is not all.
pub(super) enum Only {
    /// The records of this table.
    Records(&'static str),
    /// The rows of this table: it has their `part` where a record may have several.
    Rows(&'static str),
}

impl Only {
    fn table(&self) -> &'static str {
        let (Only::Records(table) | Only::Rows(table)) = self;
        table
    }
}

impl<'a> Loading<'a> {
    /// Columns of the table that the job does not name.
    pub(super) fn further(&self) -> Vec<&TargetColumn> {
        self.target.others(&self.columns).collect()
    }

    /// A column that the job does not name, and its value: the row's own, or else its default.
    pub(super) fn kept(&self, further: &TargetColumn) -> (String, String) {
        let old = column(STANDING, &further.name);
        let value = match (&further.default, self.key_columns().first()) {
            (Some(default), Some((key, _))) => {
                format!("CASE WHEN {} IS NULL THEN {default} ELSE {old} END", column(STANDING, key))
            }
            _ => old,
        };
        (further.name.clone(), value)
    }

    /// Inserts slice by slice; the number of rows.
    pub(super) fn insert(&self, insertion: &Insertion) -> duckdb::Result<u64> {
        let mut rows = 0;
        for slice in self.slices() {
            if self.concerns(insertion, &slice)? {
                rows += self.connection.execute(&self.insert_slice(insertion, &slice), [])? as u64;
            }
        }
        Ok(rows)
    }

    /// Whether the slice has any record to insert.
    fn concerns(&self, insertion: &Insertion, slice: &Slice<'_>) -> duckdb::Result<bool> {
        let Some(only) = insertion.only.as_ref().map(Only::table) else { return Ok(true) };
        let (first, until) = (slice.stretch.first, slice.stretch.until);
        let range = format!("{ORDINAL} >= {first} AND {ORDINAL} < {until}");
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {only} WHERE {range})");
        self.connection.query_row(&sql, [], |row| row.get(0))
    }

    fn insert_slice(&self, insertion: &Insertion, slice: &Slice<'_>) -> String {
        let standing = insertion.standing.as_ref();
        let selection = Selection { columns: &self.columns, policy: &self.policy, standing };
        let mut names: Vec<String> = self.columns.iter().map(|c| sql::identifier(&c.name)).collect();
        let mut values: Vec<String> =
            self.columns.iter().map(|output| selection.expression(slice, output)).collect();
        names.extend(insertion.further.iter().map(|(name, _)| sql::identifier(name)));
        values.extend(insertion.further.iter().map(|(_, value)| value.clone()));
        let mut select = select(&selection, slice, insertion.only.as_ref(), &values);
        if self.ordered {
            let by: Vec<String> = [selection.ordinal()].into_iter().chain(selection.part()).collect();
            select += &format!(" ORDER BY {}", by.join(", "));
        }
        format!("INSERT INTO {} ({}) {select}", self.target.qualified, names.join(", "))
    }

    /// The run, in pieces that one statement can take.
    pub(super) fn slices(&self) -> Vec<Slice<'a>> {
        slices(&self.order.proof.files).into_iter().map(|slice| slice.without(&self.order.rejected)).collect()
    }
}

/// The SELECT of these values of the slice's rows.
pub(super) fn select(
    selection: &Selection<'_>,
    slice: &Slice<'_>,
    only: Option<&Only>,
    values: &[String],
) -> String {
    let mut sql = format!("SELECT {} {}", values.join(", "), selection.from(slice));
    if let Some(only) = only {
        let (table, ordinal) = (only.table(), selection.ordinal());
        sql += &format!(" SEMI JOIN {table} chosen ON chosen.{ORDINAL} = {ordinal}");
    }
    if let (Some(Only::Rows(_)), Some(part)) = (only, selection.part()) {
        sql += &format!(" AND chosen.part = {part}");
    }
    sql
}
