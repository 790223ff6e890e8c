//! Which columns of the list a run needs: the id, what is kept, and what the endpoints use.

use std::sync::Arc;

use crate::job::{Endpoint, Job};
use crate::value::{Field, Type};

/// The columns to freeze, as the job names them, before the list was looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WantedColumns {
    /// Each once: the id columns, `columns`, then what templates and conditions use in the order of the endpoints.
    pub names: Vec<String>,
    /// What `types` says of each.
    pub types: Vec<Option<Type>>,
    /// How many of them, from the first, are the id.
    pub id: usize,
}

/// The columns to freeze, typed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns {
    /// In the order of `input.parquet`.
    pub fields: Arc<[Field]>,
    /// How many of them, from the first, are the id.
    pub id: usize,
}

impl WantedColumns {
    /// What the job needs.
    pub fn of(job: &Job) -> WantedColumns {
        let names = job.input_columns();
        let declared =
            |name: &String| job.input.types.iter().find(|(declared, _)| declared == name).map(|(_, ty)| *ty);
        let types = names.iter().map(declared).collect();
        WantedColumns { names, types, id: job.input.id.len() }
    }

    /// The columns, those without a declared type as `found` (by position) has it.
    pub fn typed(&self, found: impl Fn(usize) -> Type) -> Columns {
        let field = |index: usize| Field {
            name: self.names[index].clone(),
            ty: self.types[index].unwrap_or_else(|| found(index)),
        };
        Columns { fields: (0..self.names.len()).map(field).collect(), id: self.id }
    }

    /// The columns, text unless declared.
    pub fn textual(&self) -> Columns {
        self.typed(|_| Type::Text)
    }
}

/// The answers, (endpoint, column), that an endpoint's templates and its condition name.
pub(super) fn answers(endpoint: &Endpoint) -> impl Iterator<Item = (usize, usize)> {
    endpoint.answers()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::When;
    use crate::plan::sandbox::{endpoint, job_of};

    #[test]
    fn each_needed_column_comes_once_the_id_first() {
        let mut job = job_of(crate::job::Source::Ids(vec![]));
        job.input.columns = vec!["country".into(), "id".into()];
        job.input.types = vec![("year".into(), Type::Integer), ("unused".into(), Type::Date)];
        job.endpoints =
            vec![endpoint("one", "https://a/{id}/{year}"), endpoint("two", "https://a/{country}/{slug}")];
        let wanted = WantedColumns::of(&job);
        assert_eq!(wanted.names, ["id", "country", "year", "slug"]);
        assert_eq!(wanted.id, 1);
        let columns = wanted.textual();
        assert_eq!(columns.fields[2], Field { name: "year".into(), ty: Type::Integer });
        assert_eq!(columns.fields[3].ty, Type::Text);
    }

    #[test]
    fn a_condition_needs_its_columns_too() {
        let mut job = job_of(crate::job::Source::Ids(vec![]));
        let when = When { jq: ".year > 3".into(), inputs: vec!["year".into()], answers: vec![(1, 0)] };
        job.endpoints = vec![endpoint("one", "https://a/{slug}"), endpoint("two", "https://a/{id}")];
        job.endpoints[0].when = Some(when);
        assert_eq!(WantedColumns::of(&job).names, ["id", "slug", "year"]);
        assert_eq!(answers(&job.endpoints[0]).collect::<Vec<_>>(), [(1, 0)]);
    }
}
