//! The run's rows before they are written, as a table: for the job's own statements, and for servers.
//!
//! Its columns are those of [`place`], then whether each endpoint failed that keeps its columns, then those of the table.

use duckdb::Result;

use super::insert::{Insertion, Only, select};
use super::{Loading, Origin, Slice};
use crate::merge::columns::Output;
use crate::merge::select::{STANDING, Selection, Standing};
use crate::merge::slice::column;
use crate::merge::sql;
use crate::merge::statements::{own_column, place};
use crate::value::{Field, Type};

/// The table in DuckDB: a real one, so that statements can delete and update there.
pub(super) const ROWS: &str = "temp.windrow_rows";

/// The column that says whether an endpoint failed.
pub(in crate::merge) fn failed_column(endpoint: usize, columns: &[Output]) -> String {
    own_column(&format!("windrow_failed_{endpoint}"), columns)
}

impl Loading<'_> {
    /// The columns.
    pub(super) fn staged_fields(&self) -> Vec<Field> {
        let field = |name, ty| Field { name, ty };
        let [ordinal, part] = place(&self.columns);
        let mut fields = vec![field(ordinal, Type::Bigint), field(part, Type::Integer)];
        fields.extend(self.keeping().map(|at| field(failed_column(at, &self.columns), Type::Boolean)));
        let of_the_table = |output: &Output| field(output.name.clone(), output.ty.unwrap_or(Type::Text));
        fields.extend(self.columns.iter().map(of_the_table));
        fields
    }

    /// The rows of a slice.
    pub(super) fn staged_select(&self, slice: &Slice<'_>, only: Option<&Only>) -> String {
        let selection = Selection { columns: &self.columns, policy: &self.policy, standing: None };
        let part = selection.part().unwrap_or_else(|| "0::INTEGER".to_owned());
        let failed = self.keeping().map(|at| selection.failed(at));
        let mut values: Vec<String> = [selection.ordinal(), part].into_iter().chain(failed).collect();
        values.extend(self.columns.iter().map(|output| selection.expression(slice, output)));
        select(&selection, slice, only, &values)
    }

    /// Makes [`ROWS`]; the number of its rows.
    pub(super) fn stage(&self, only: Option<&Only>) -> Result<u64> {
        let column =
            |field: &Field| format!("{} {}", sql::identifier(&field.name), sql::column_type(field.ty));
        let columns: Vec<String> = self.staged_fields().iter().map(column).collect();
        self.connection.execute_batch(&format!("CREATE TEMP TABLE windrow_rows ({})", columns.join(", ")))?;
        let mut rows = 0;
        for slice in self.slices() {
            let insert = format!("INSERT INTO {ROWS} {}", self.staged_select(&slice, only));
            rows += self.connection.execute(&insert, [])? as u64;
        }
        Ok(rows)
    }

    /// Rows that are left in [`ROWS`].
    pub(super) fn staged_rows(&self) -> Result<u64> {
        self.connection.query_row(&format!("SELECT count(*) FROM {ROWS}"), [], |row| row.get(0))
    }

    /// Inserts [`ROWS`] as they are now; their number.
    pub(super) fn insert_staged(&self, insertion: &Insertion) -> Result<u64> {
        let (names, values): (Vec<String>, Vec<String>) = self.staged_values(insertion).into_iter().unzip();
        let insert = format!(
            "INSERT INTO {} ({}) SELECT {} {} ORDER BY {}",
            self.target.qualified,
            names.iter().map(|name| sql::identifier(name)).collect::<Vec<_>>().join(", "),
            values.join(", "),
            staged_from(insertion),
            place(&self.columns).map(|name| column("staged", &name)).join(", ")
        );
        self.connection.execute(&insert, []).map(|rows| rows as u64)
    }

    /// The columns that are written, and the value of each in [`staged_from`].
    pub(super) fn staged_values(&self, insertion: &Insertion) -> Vec<(String, String)> {
        let own =
            self.columns.iter().map(|output| (output.name.clone(), self.staged_value(output, insertion)));
        own.chain(insertion.further.iter().cloned()).collect()
    }

    fn staged_value(&self, output: &Output, insertion: &Insertion) -> String {
        let new = column("staged", &output.name);
        match output.origin {
            Origin::Answer(at) if self.policy.keeps(at) && insertion.standing.is_some() => {
                let failed = column("staged", &failed_column(at, &self.columns));
                let old = column(STANDING, &output.name);
                format!("CASE WHEN {failed} THEN {old} ELSE {new} END")
            }
            _ => new,
        }
    }

    /// The endpoints whose columns stay as the table has them where they fail.
    fn keeping(&self) -> impl Iterator<Item = usize> {
        self.policy.endpoints().filter(|at| self.policy.keeps(*at))
    }
}

/// [`ROWS`] as `staged`, with the rows as they stand.
pub(super) fn staged_from(insertion: &Insertion) -> String {
    let standing = insertion.standing.as_ref().map_or_else(String::new, staged_join);
    format!("FROM {ROWS} staged{standing}")
}

/// Finds the row as it stands by the staged one's key, in the types of the table.
fn staged_join(standing: &Standing) -> String {
    let equal = |(name, ty): &(String, String)| {
        format!("{} {} CAST({} AS {ty})", column(STANDING, name), standing.equal, column("staged", name))
    };
    let on: Vec<String> = standing.key.iter().map(equal).collect();
    format!(" LEFT JOIN {} {STANDING} ON {}", standing.table, on.join(" AND "))
}
