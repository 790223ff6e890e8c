//! What a run brings, for a database that is not DuckDB: DuckDB works it out in memory over the run's files, and hands
//! it on as SELECTs.
//!
//! Which rows are written, which of them win where a key comes twice, which ids were answered: all of it is decided
//! here as it is for a DuckDB table, by the types of the job's own columns. What stands in the table is the other
//! database's to say.

use duckdb::Connection;

use super::ids::{ANSWERED, LISTED, SPARED};
use super::insert::select;
use super::keys::key_column;
use super::{Chosen, Loading, Order};
use crate::handoff::input::ORDINAL;
use crate::job::Mode;
use crate::merge::columns::Output;
use crate::merge::policy::Policy;
use crate::merge::runs::Publication;
use crate::merge::select::Selection;
use crate::merge::target::{Target, TargetColumn};
use crate::merge::{MergeError, sql, views};
use crate::record::{Field, Type};

/// Something that a run brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::merge) enum Relation {
    /// The rows to write: the columns of the table alone.
    Rows,
    /// The same with what tells them apart before: [`PLACE`], then whether each endpoint failed that keeps its columns.
    Staged,
    /// The ids whose rows are replaced.
    Answered,
    /// The ids whose rows stay as they stand, though the others are deleted.
    Spared,
    /// All ids of the list.
    Listed,
    /// The frozen lines.
    Input,
    /// The latest line of every pair without success.
    Failures,
}

/// Columns of [`Relation::Staged`]: the record's ordinal, and the row's place among those of its record.
pub(in crate::merge) const PLACE: [&str; 2] = ["windrow_ordinal", "windrow_part"];

/// The column of [`Relation::Staged`] that says whether an endpoint failed.
pub(in crate::merge) fn failed_column(endpoint: usize) -> String {
    format!("windrow_failed_{endpoint}")
}

/// A relation's columns, and the statements that give its rows one after the other.
pub(in crate::merge) struct Exported {
    pub fields: Vec<Field>,
    pub selects: Vec<String>,
}

/// What a run brings.
pub(in crate::merge) struct Export<'a> {
    loading: Loading<'a>,
    chosen: Chosen,
    /// Answers of records that were appended before.
    pub late: u64,
    /// Whether only what is new since an earlier publication is brought.
    pub narrowed: bool,
}

impl<'a> Export<'a> {
    /// Works out what is to be written beside these earlier publications.
    pub fn prepare(
        connection: &'a Connection,
        order: &'a Order,
        columns: Vec<Output>,
        earlier: Vec<Publication>,
        is_new: bool,
    ) -> Result<Export<'a>, MergeError> {
        let target = stand_in(&columns);
        let path = &order.job.folder;
        let loading = Loading { connection, order, path, columns, policy: order.policy(), target, earlier };
        let narrowed = loading.checked(loading.narrow())?;
        let late = match narrowed && order.mode() == Mode::Append {
            true => loading.checked(loading.late_answers())?,
            false => 0,
        };
        let chosen = loading.choose(is_new, narrowed)?;
        if let Some(sparing) = loading.policy.sparing()
            && order.spares(&loading.policy, is_new)
        {
            loading.checked(loading.collect_spared(sparing))?;
        }
        if order.deletes_gone() && !is_new {
            loading.checked(loading.collect_listed())?;
        }
        Ok(Export { loading, chosen, late, narrowed })
    }

    /// Rows that are not brought, since a later one has their key.
    pub fn duplicates(&self) -> u64 {
        self.chosen.duplicates
    }

    /// A relation. Of the ids only those that [`Export::prepare`] found to be needed are there.
    pub fn relation(&self, relation: Relation) -> Exported {
        match relation {
            Relation::Rows => self.rows(Vec::new(), |_, _| Vec::new()),
            Relation::Staged => self.staged(),
            Relation::Answered => self.ids(ANSWERED),
            Relation::Spared => self.ids(SPARED),
            Relation::Listed => self.ids(LISTED),
            Relation::Input => self.input(),
            Relation::Failures => self.failures(),
        }
    }

    fn staged(&self) -> Exported {
        let keeping: Vec<usize> = keeping(&self.loading.policy).collect();
        let mut fields = vec![field(PLACE[0], Type::Bigint), field(PLACE[1], Type::Integer)];
        fields.extend(keeping.iter().map(|at| field(&failed_column(*at), Type::Boolean)));
        self.rows(fields, |selection, _| {
            let part = selection.part().unwrap_or_else(|| "0::INTEGER".to_owned());
            let failed = keeping.iter().map(|at| selection.failed(*at));
            [selection.ordinal(), part].into_iter().chain(failed).collect()
        })
    }

    fn rows(
        &self,
        mut fields: Vec<Field>,
        first: impl Fn(&Selection<'_>, &super::Slice<'_>) -> Vec<String>,
    ) -> Exported {
        let Loading { columns, policy, .. } = &self.loading;
        fields.extend(columns.iter().map(|output| field(&output.name, output.ty.unwrap_or(Type::Text))));
        let selection = Selection { columns, policy, standing: None };
        let select = |slice: &super::Slice<'_>| {
            let mut values = first(&selection, slice);
            values.extend(columns.iter().map(|output| selection.expression(slice, output)));
            select(&selection, slice, self.chosen.only.as_ref(), &values)
        };
        let selects = self.loading.slices().iter().map(select).collect();
        Exported { fields, selects }
    }

    fn ids(&self, table: &str) -> Exported {
        let ids = self.loading.columns.iter().filter(|output| output.origin == super::Origin::Id);
        let fields: Vec<Field> = ids.map(|id| field(&id.name, id.ty.unwrap_or(Type::Text))).collect();
        let names: Vec<String> = fields.iter().map(|field| key_column(&field.name)).collect();
        Exported { fields, selects: vec![format!("SELECT DISTINCT {} FROM {table}", names.join(", "))] }
    }

    fn input(&self) -> Exported {
        let mut fields = vec![field(ORDINAL, Type::Bigint)];
        fields.extend(self.loading.order.plan().columns.iter().cloned());
        let names: Vec<String> = fields.iter().map(|field| sql::identifier(&field.name)).collect();
        let select = |slice: &super::Slice<'_>| format!("SELECT {} FROM {}", names.join(", "), slice.input());
        Exported { selects: self.loading.slices().iter().map(select).collect(), fields }
    }

    fn failures(&self) -> Exported {
        let files = &self.loading.order.proof.files;
        let plan = &files.plan;
        let ids: Vec<Field> = plan.columns.iter().take(plan.id_columns).cloned().collect();
        let mut names = vec![format!("failure.{ORDINAL}")];
        names.extend(ids.iter().map(|id| format!("record.{}", sql::identifier(&id.name))));
        names.extend(FAILURE.iter().map(|(name, _)| format!("failure.{name}")));
        let mut fields = vec![field(ORDINAL, Type::Bigint)];
        fields.extend(ids);
        fields.extend(FAILURE.iter().map(|(name, ty)| field(name, *ty)));
        let sql = format!(
            "SELECT {} FROM ({}) failure JOIN {} record USING ({ORDINAL}) WHERE failure.kind IS NOT NULL",
            names.join(", "),
            views::requests(files),
            crate::merge::slice::whole(files).input(),
        );
        Exported { fields, selects: vec![sql] }
    }
}

/// Columns of [`Relation::Failures`], after ordinal and id.
const FAILURE: [(&str, Type); 7] = [
    ("endpoint", Type::Text),
    ("status", Type::Text),
    ("kind", Type::Text),
    ("http_status", Type::Integer),
    ("detail", Type::Text),
    ("attempts", Type::Integer),
    ("finished_at", Type::Timestamp),
];

/// The endpoints whose columns stay as the table has them where they fail.
fn keeping(policy: &Policy) -> impl Iterator<Item = usize> {
    policy.endpoints().filter(|at| policy.keeps(*at))
}

/// A table with the job's own types: in them keys are compared.
fn stand_in(columns: &[Output]) -> Target {
    let column = |output: &Output| TargetColumn {
        name: output.name.clone(),
        ty: sql::column_type(output.ty.unwrap_or(Type::Text)),
        nullable: true,
        default: None,
        generated: false,
    };
    let nowhere = String::new;
    let columns = columns.iter().map(column).collect();
    Target { name: nowhere(), qualified: nowhere(), schema: nowhere(), columns }
}

fn field(name: &str, ty: Type) -> Field {
    Field { name: name.to_owned(), ty }
}
