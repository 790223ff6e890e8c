//! The run's columns beside the table's: their names there, how values go in, and how rows are compared.

use super::target::OutsideTarget;
use crate::job::{Mode, Table};
use crate::merge::columns::{Origin, Output};
use crate::merge::dialect::{Dialect, Fit, Sent};

/// The run's columns, and what they are in the table. In SQL `old` is a row of the table, `new` one of the run.
pub(super) struct Rows<'a> {
    dialect: &'static dyn Dialect,
    pub outputs: &'a [Output],
    table: &'a Table,
    /// The columns' names there, and how they go in.
    names: Vec<String>,
    fits: Vec<Fit>,
}

impl<'a> Rows<'a> {
    pub fn of(
        dialect: &'static dyn Dialect,
        outputs: &'a [Output],
        table: &'a Table,
        target: &OutsideTarget,
    ) -> Rows<'a> {
        Rows { dialect, outputs, table, names: target.names(outputs), fits: target.fits(outputs) }
    }

    /// Whether all of them can be written straight into the table.
    pub fn are_direct(&self) -> bool {
        self.dialect.loads_row_by_row() || self.fits.iter().all(|fit| fit.direct)
    }

    /// What becomes of them on their way there, each in the place of a `?`.
    pub fn values(&self) -> Option<String> {
        let value = |fit: &Fit| fit.cast.as_deref().unwrap_or("{new}").replace("{new}", "?");
        self.dialect.loads_row_by_row().then(|| listed(self.fits.iter().map(value)))
    }

    /// How each of them goes straight into the table.
    pub fn sent_as(&self) -> Vec<Sent> {
        self.fits.iter().map(|fit| fit.sent).collect()
    }

    /// Their names in the table, quoted.
    pub fn names(&self) -> String {
        listed(self.names.iter().map(|name| self.dialect.identifier(name)))
    }

    /// The key: the job's, or else the id; the id where rows are replaced by it.
    pub fn key(&self) -> Vec<&'a Output> {
        if self.table.key.is_empty() || self.table.mode == Mode::ReplaceIds {
            return self.ids();
        }
        self.outputs.iter().filter(|output| self.table.key.contains(&output.name)).collect()
    }

    /// The key's names in the table, not quoted.
    pub fn key_names(&self) -> Vec<String> {
        self.key().into_iter().map(|key| self.names[self.at(key)].clone()).collect()
    }

    /// Whether rows that stand are looked for by this column of the run: it is of the key, or of the id.
    pub fn is_compared(&self, name: &str) -> bool {
        self.key().into_iter().chain(self.ids()).any(|output| output.name == name)
    }

    /// Whether the table may find keys alike that differ for us.
    pub fn has_coarse_key(&self) -> bool {
        self.key().into_iter().any(|key| self.fit(key).coarse)
    }

    /// Whether the key is sent as the table takes it.
    pub fn has_direct_key(&self) -> bool {
        self.key().into_iter().all(|key| self.fit(key).direct)
    }

    pub fn ids(&self) -> Vec<&'a Output> {
        self.outputs.iter().filter(|output| output.origin == Origin::Id).collect()
    }

    /// A condition: `old` has the key of `new`.
    pub fn same_key(&self) -> String {
        self.same_all(&self.key())
    }

    /// A condition: `old` has the id of `new`.
    pub fn same_id(&self) -> String {
        self.same_all(&self.ids())
    }

    fn same_all(&self, outputs: &[&Output]) -> String {
        outputs.iter().map(|output| self.same(output)).collect::<Vec<_>>().join(" AND ")
    }

    /// A condition: `old` and `new` have one value there. Ids and keys are never null.
    fn same(&self, output: &Output) -> String {
        let old = format!("old.{}", self.name(output));
        match &self.fit(output).alike {
            Some(alike) => alike.replace("{old}", &old).replace("{new}", &self.sent(output)),
            None => format!("{old} = {}", self.converted(output)),
        }
    }

    /// A column of `new` as [`Rows::same`] compares it, for an index on its own table.
    pub fn compared(&self, output: &Output) -> String {
        let name = self.dialect.identifier(&output.name);
        match &self.fit(output).cast {
            Some(cast) => cast.replace("{new}", &name),
            None => name,
        }
    }

    /// A value of `new` as it is written: an error where the table would cut it.
    pub fn written(&self, output: &Output) -> String {
        let value = self.converted(output);
        match &self.fit(output).guard {
            Some(guard) => guard.replace("{new}", &value),
            None => value,
        }
    }

    /// A value of `new` in the table's type.
    pub fn converted(&self, output: &Output) -> String {
        let value = self.sent(output);
        match &self.fit(output).cast {
            Some(cast) => cast.replace("{new}", &value),
            None => value,
        }
    }

    /// A value of `new` as it was sent.
    fn sent(&self, output: &Output) -> String {
        format!("new.{}", self.dialect.identifier(&output.name))
    }

    /// The column's name in the table, quoted.
    pub fn name(&self, output: &Output) -> String {
        self.dialect.identifier(self.plain_name(output))
    }

    /// The column's name in the table, not quoted.
    pub fn plain_name(&self, output: &Output) -> &str {
        &self.names[self.at(output)]
    }

    fn fit(&self, output: &Output) -> &Fit {
        &self.fits[self.at(output)]
    }

    fn at(&self, output: &Output) -> usize {
        self.outputs.iter().position(|column| column.name == output.name).unwrap_or_default()
    }
}

/// `a, b, c`.
pub(super) fn listed(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
