//! What a run brings, for a database that is not DuckDB: DuckDB works it out in memory over the run's files, and hands
//! it on as SELECTs.
//!
//! Which rows are written, which of them win where a key comes twice, which ids were answered: all of it is decided
//! here as it is for a DuckDB table, by the types of the job's own columns. What stands in the table is the other
//! database's to say.

use duckdb::Connection;

use super::ids::{LISTED, SPARED};
use super::insert::select;
use super::keys::key_column;
use super::{ANSWERED, Chosen, Duplicates, Loading, Order};
use crate::handoff::input::ORDINAL;
use crate::handoff::names::beside;
use crate::job::Mode;
use crate::merge::columns::Output;
use crate::merge::runs::Publication;
use crate::merge::select::Selection;
use crate::merge::target::{Target, TargetColumn};
use crate::merge::{MergeError, sql, views};
use crate::value::{Field, Type};

/// Something that a run brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::merge) enum Relation {
    /// The rows to write: the columns of the table alone.
    Rows,
    /// The same as [`staged`](super::staged) has them: what tells them apart goes before.
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
        let (policy, ordered, unread) = (order.policy(), false, 0);
        let loading = Loading { connection, order, path, ordered, unread, columns, policy, target, earlier };
        let narrowed = loading.checked(loading.narrow())?;
        let late = if narrowed && order.mode() == Mode::Append {
            loading.checked(loading.late_answers())?
        } else {
            0
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
    pub fn duplicates(&self) -> &Duplicates {
        &self.chosen.duplicates
    }

    /// A relation. Of the ids only those that [`Export::prepare`] found to be needed are there.
    pub fn relation(&self, relation: Relation) -> Exported {
        match relation {
            Relation::Rows => self.rows(),
            Relation::Staged => self.staged(),
            Relation::Answered => self.ids(ANSWERED),
            Relation::Spared => self.ids(SPARED),
            Relation::Listed => self.ids(LISTED),
            Relation::Input => self.input(),
            Relation::Failures => self.failures(),
        }
    }

    fn staged(&self) -> Exported {
        let loading = &self.loading;
        let staged = loading.staged_fields();
        let select = |slice: &super::Slice<'_>| loading.staged_select(slice, self.chosen.only.as_ref());
        Exported { selects: loading.slices().iter().map(select).collect(), fields: staged }
    }

    fn rows(&self) -> Exported {
        let Loading { columns, policy, .. } = &self.loading;
        let selection = Selection { columns, policy, standing: None };
        let select = |slice: &super::Slice<'_>| {
            let values: Vec<String> =
                columns.iter().map(|output| selection.expression(slice, output)).collect();
            select(&selection, slice, self.chosen.only.as_ref(), &values)
        };
        let selects = self.loading.slices().iter().map(select).collect();
        Exported { fields: columns.iter().map(typed).collect(), selects }
    }

    fn ids(&self, table: &str) -> Exported {
        let ids = self.loading.columns.iter().filter(|output| output.origin == super::Origin::Id);
        let fields: Vec<Field> = ids.map(|id| field(&id.name, id.ty.unwrap_or(Type::Text))).collect();
        let names: Vec<String> = fields.iter().map(|field| key_column(&field.name)).collect();
        Exported { fields, selects: vec![format!("SELECT DISTINCT {} FROM {table}", names.join(", "))] }
    }

    fn input(&self) -> Exported {
        let plan = self.loading.order.plan();
        let own = beside(ORDINAL, plan.columns.iter().map(|column| column.name.as_str()));
        let mut fields = vec![field(&own, Type::Bigint)];
        fields.extend(plan.columns.iter().cloned());
        let names: Vec<String> = plan.input_names().iter().map(|name| sql::identifier(name)).collect();
        let names = names.join(", ");
        let select = |slice: &super::Slice<'_>| format!("SELECT {ORDINAL}, {names} FROM {}", slice.input());
        Exported { selects: self.loading.slices().iter().map(select).collect(), fields }
    }

    fn failures(&self) -> Exported {
        let (fields, select) = views::failures(&self.loading.order.proof.files);
        Exported { fields, selects: vec![select] }
    }
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

fn typed(output: &Output) -> Field {
    field(&output.name, output.ty.unwrap_or(Type::Text))
}

fn field(name: &str, ty: Type) -> Field {
    Field { name: name.to_owned(), ty }
}
