//! Names of columns, where windrow's own and those of a list, an answer or a table stand side by side.
//!
//! Any name may come from outside, so none is reserved: where two meet, one of them gets a `_` at its end. In the files
//! of a run, which programs read, windrow's own names are fixed and the others yield; in the views that people see it is
//! windrow's that yield. Names that differ in capitals only are one name to DuckDB, and count as one here.

use std::collections::HashSet;

use super::input::{ASK, ORDINAL, PART};
use super::plan::Plan;
use crate::value::Field;

/// What windrow's own columns are called in the files that hold those of others, too.
const OWN: [&str; 3] = [ORDINAL, ASK, PART];

/// The names in their order; one that is among the taken, or that came before, gets `_`s until it is not.
pub fn distinct<'a>(
    taken: impl IntoIterator<Item = &'a str>,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let mut taken: HashSet<String> = taken.into_iter().map(str::to_lowercase).collect();
    let unlike = |name: &str| {
        let mut name = name.to_owned();
        while !taken.insert(name.to_lowercase()) {
            name.push('_');
        }
        name
    };
    names.into_iter().map(unlike).collect()
}

/// A name of windrow's own beside those of others.
pub fn beside<'a>(own: &'a str, others: impl IntoIterator<Item = &'a str>) -> String {
    distinct(others, [own]).remove(0)
}

/// The names of columns in a run's files.
pub fn in_files<'a>(columns: impl IntoIterator<Item = &'a Field>) -> Vec<String> {
    distinct(OWN, columns.into_iter().map(|column| column.name.as_str()))
}

/// What the columns of a view are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Windrow's own.
    pub own: Vec<String>,
    /// Those of others.
    pub others: Vec<String>,
}

impl Shown {
    /// Windrow's own yield to the others, and of these the later to the earlier.
    pub fn of<'a>(own: &[&str], others: impl IntoIterator<Item = &'a Field>) -> Shown {
        let others = distinct([], others.into_iter().map(|column| column.name.as_str()));
        let own = distinct(others.iter().map(String::as_str), own.iter().copied());
        Shown { own, others }
    }
}

impl Plan {
    /// What a view of windrow's own is called beside those of the endpoints.
    pub fn view(&self, own: &str) -> String {
        beside(own, self.endpoints.iter().map(|endpoint| endpoint.name.as_str()))
    }

    /// The columns of the view of the frozen lines: the ordinal, and those of the list.
    pub fn shown_input(&self) -> Shown {
        Shown::of(&[ORDINAL], &self.columns)
    }

    /// The columns of the view of an endpoint: the ordinal, the part if it explodes, and those of its chunks.
    pub fn shown_answers(&self, endpoint: usize) -> Shown {
        let own: &[&str] = if self.endpoints[endpoint].explodes { &[ORDINAL, PART] } else { &[ORDINAL] };
        Shown::of(own, self.answer_columns(endpoint))
    }

    /// What the frozen columns are called in `input.parquet`.
    pub fn input_names(&self) -> Vec<String> {
        in_files(&self.columns)
    }

    /// The columns of an endpoint's chunks behind windrow's own: the id's, the endpoint's.
    pub fn answer_columns(&self, endpoint: usize) -> impl Iterator<Item = &Field> + Clone {
        self.columns.iter().take(self.id_columns).chain(&self.endpoints[endpoint].columns)
    }

    /// What those are called there. The id's columns are called the same in all files of the run.
    pub fn answer_names(&self, endpoint: usize) -> Vec<String> {
        in_files(self.answer_columns(endpoint))
    }

    /// What an answer's column is called in the `input.parquet` of a retry: `<endpoint>.<column>`, beside the frozen ones.
    pub fn carried_name(&self, endpoint: usize, column: usize) -> String {
        let of = |planned: &super::plan::PlannedEndpoint| {
            planned
                .columns
                .iter()
                .map(|column| format!("{}.{}", planned.name, column.name))
                .collect::<Vec<_>>()
        };
        let all: Vec<String> = self.endpoints.iter().flat_map(of).collect();
        let before: usize = self.endpoints[..endpoint].iter().map(|planned| planned.columns.len()).sum();
        let frozen = self.input_names();
        let taken = OWN.into_iter().chain(frozen.iter().map(String::as_str));
        distinct(taken, all.iter().map(String::as_str)).swap_remove(before + column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    fn names(of: &[&str]) -> Vec<String> {
        let field = |name: &&str| Field { name: (*name).to_owned(), ty: Type::Text };
        in_files(&of.iter().map(field).collect::<Vec<_>>())
    }

    #[test]
    fn the_names_of_others_yield_in_files() {
        assert_eq!(names(&["id", "größe", "a b"]), ["id", "größe", "a b"]);
        assert_eq!(
            names(&["ordinal", "ordinal_", "PART", "ask"]),
            ["ordinal_", "ordinal__", "PART_", "ask_"]
        );
        assert_eq!(names(&["Title", "title", "TITLE", "title_"]), ["Title", "title_", "TITLE__", "title___"]);
    }

    #[test]
    fn our_own_yield_to_others() {
        assert_eq!(beside("ordinal", ["id", "part"]), "ordinal");
        assert_eq!(beside("ordinal", ["Ordinal", "ordinal_"]), "ordinal__");
    }
}
