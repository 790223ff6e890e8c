//! Keys: which of a run's rows wins where a key comes twice, and the rows that stand under these keys.

use duckdb::{OptionalExt, Result};

use super::scope::SCOPE;
use super::staged::ROWS;
use super::{ANSWERED, Duplicates, Loading};
use crate::handoff::input::ORDINAL;
use crate::handoff::names::beside;
use crate::job::Mode;
use crate::merge::columns::{Origin, Output};
use crate::merge::refused::id_of;
use crate::merge::select::{Selection, Standing};
use crate::merge::slice::column;
use crate::merge::statements::place;
use crate::merge::target::TargetColumn;
use crate::merge::{MergeError, sql};

/// Compares ids.
pub(super) const NULL_LIKE_NULL: &str = "IS NOT DISTINCT FROM";
/// Temporary table: ordinal and key of every row of the run, and its part where a record may have several rows.
pub(super) const KEYS: &str = "temp.windrow_keys";
/// Temporary table: the same of the rows to load, each key once.
pub(super) const WINNERS: &str = "temp.windrow_winners";
/// Temporary table: the rows that stand under the run's keys.
const STANDING_ROWS: &str = "temp.windrow_standing";
/// The place of a row of a table, unless a column of its own hides it.
pub(super) const ROWID: &str = "rowid";

impl Loading<'_> {
    /// The key: the job's, or else the id; the id where rows are replaced by it.
    fn key(&self) -> Vec<&Output> {
        let named = &self.order.job.table.key;
        let by_id = named.is_empty() || self.order.mode() == Mode::ReplaceIds;
        let is_key =
            |output: &&Output| if by_id { output.origin == Origin::Id } else { named.contains(&output.name) };
        self.columns.iter().filter(is_key).collect()
    }

    /// The key's columns as the table has them: name and type.
    pub(in crate::merge) fn key_columns(&self) -> Vec<(String, String)> {
        self.key().into_iter().map(|output| self.as_it_stands(output)).collect()
    }

    /// Name and type of a column in the table.
    pub(super) fn as_it_stands(&self, output: &Output) -> (String, String) {
        let standing = self.target.column(&output.name);
        let ty = standing.map_or_else(|| "VARCHAR".to_owned(), |column| column.ty.clone());
        (output.name.clone(), ty)
    }

    /// Fills [`KEYS`] with the keys of the staged rows.
    pub(super) fn collect_staged_keys(&self) -> Result<()> {
        self.make_keys()?;
        let [ordinal, part] = place(&self.columns);
        let part = self.policy.exploding.map(|_| part);
        let key = self.key().into_iter().map(|output| output.name.clone());
        let values: Vec<String> =
            [ordinal].into_iter().chain(part).chain(key).map(|name| sql::identifier(&name)).collect();
        self.connection.execute_batch(&format!("INSERT INTO {KEYS} SELECT {} FROM {ROWS}", values.join(", ")))
    }

    /// Makes [`KEYS`], with keys in the types of the table.
    fn make_keys(&self) -> Result<()> {
        let part = if self.policy.exploding.is_some() { " part INTEGER," } else { "" };
        let typed = columns(&self.key_columns());
        self.connection
            .execute_batch(&format!("CREATE TEMP TABLE windrow_keys ({ORDINAL} BIGINT,{part} {typed})"))
    }

    /// Fills [`KEYS`] with the keys of all rows of the run.
    pub(super) fn collect_keys(&self) -> Result<()> {
        self.make_keys()?;
        let key: Vec<Output> = self.key().into_iter().cloned().collect();
        let selection = Selection { columns: &key, policy: &self.policy, standing: None };
        let part = selection.part();
        for slice in self.slices() {
            let values = key.iter().map(|output| selection.expression(&slice, output));
            let values: Vec<String> = part.clone().into_iter().chain(values).collect();
            self.connection.execute_batch(&format!(
                "INSERT INTO {KEYS} SELECT {}, {} {}",
                selection.ordinal(),
                values.join(", "),
                selection.from(&slice)
            ))?;
        }
        Ok(())
    }

    /// Refuses rows whose key is null: nothing could find them again.
    pub(super) fn refuse_null_keys(&self) -> std::result::Result<(), MergeError> {
        for (name, _) in self.key_columns() {
            let sql = format!(
                "SELECT count(*), min({ORDINAL}) FROM {KEYS} WHERE {} IS NULL HAVING count(*) > 0",
                key_column(&name)
            );
            let found = self.connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional();
            if let Some((rows, ordinal)) = self.checked(found)? {
                return Err(MergeError::NullKey { column: name, rows, ordinal });
            }
        }
        Ok(())
    }

    /// Fills [`WINNERS`]: of a key that comes twice the later row, by record and part; those of the scope only,
    /// where there is one. The rows that lost.
    pub(super) fn choose_winners(&self, narrowed: bool) -> Result<Duplicates> {
        let names: Vec<String> = self.key_columns().iter().map(|(name, _)| key_column(name)).collect();
        let names = names.join(", ");
        let part = match self.policy.exploding {
            Some(_) => format!(" arg_max(part, ({ORDINAL}, part)) AS part,"),
            None => String::new(),
        };
        self.connection.execute_batch(&format!(
            "CREATE TEMP TABLE windrow_winners AS \
             SELECT max({ORDINAL}) AS {ORDINAL},{part} {names} FROM {KEYS} GROUP BY {names}"
        ))?;
        let sql = format!("SELECT (SELECT count(*) FROM {KEYS}) - (SELECT count(*) FROM {WINNERS})");
        let rows = self.connection.query_row(&sql, [], |row| row.get(0))?;
        let first = if rows == 0 { None } else { self.first_twins()? };
        if narrowed {
            self.connection.execute_batch(&format!(
                "DELETE FROM {WINNERS} WHERE {ORDINAL} NOT IN (SELECT {ORDINAL} FROM {SCOPE})"
            ))?;
        }
        Ok(Duplicates { rows, first })
    }

    /// The first key of [`KEYS`] that comes more than once, and its first and last record.
    fn first_twins(&self) -> Result<Option<String>> {
        let key = self.key_columns();
        let names: Vec<String> = key.iter().map(|(name, _)| key_column(name)).collect();
        let texts: Vec<String> = names.iter().map(|name| format!("CAST({name} AS VARCHAR)")).collect();
        let sql = format!(
            "SELECT min({ORDINAL}), max({ORDINAL}), {} FROM {KEYS} GROUP BY {} HAVING count(*) > 1 ORDER BY 1 LIMIT 1",
            texts.join(", "),
            names.join(", ")
        );
        let twins = |row: &duckdb::Row<'_>| {
            let text = |(at, (name, _)): (usize, &(String, String))| Ok((name.clone(), row.get(at + 2)?));
            let key = key.iter().enumerate().map(text).collect::<Result<Vec<_>>>()?;
            Ok(match (row.get::<_, u64>(0)?, row.get::<_, u64>(1)?) {
                (first, last) if first == last => {
                    format!("{:?}: record {first}, more than once", id_of(&key))
                }
                (first, last) => format!("{:?}: records {first} and {last}", id_of(&key)),
            })
        };
        self.connection.query_row(&sql, [], twins).optional()
    }

    /// Deletes the rows that stand under the winners' keys; their number.
    pub(super) fn delete_standing(&self) -> Result<u64> {
        let sql = format!(
            "DELETE FROM {} AS old USING {WINNERS} AS new WHERE {}",
            self.target.qualified,
            same(&self.key_columns(), "=")
        );
        self.connection.execute(&sql, []).map(|rows| rows as u64)
    }

    /// Keeps the rows that stand under the run's keys at hand; where a key stands twice the latest, and where an
    /// id does the first.
    pub(super) fn keep_standing(&self, further: &[&TargetColumn]) -> Result<Standing> {
        let key = self.key_columns();
        let (table, equal, order) = match self.order.mode() {
            Mode::ReplaceIds => (ANSWERED, NULL_LIKE_NULL, "ASC"),
            _ => (KEYS, "=", "DESC"),
        };
        let kept = self.columns.iter().filter(|output| self.is_kept(output)).map(|output| &output.name);
        let further = further.iter().map(|column| &column.name);
        let mut names: Vec<&String> = key.iter().map(|(name, _)| name).collect();
        names.extend(kept.chain(further).filter(|name| key.iter().all(|(key, _)| key != *name)));
        let list = |names: Vec<String>| names.join(", ");
        let keys = list(key.iter().map(|(name, _)| column("old", name)).collect());
        let standing = &self.target.qualified;
        let (placed, place) = if self.hides_places() {
            let place = beside(ROWID, self.target.columns.iter().map(|column| column.name.as_str()));
            (format!("(SELECT *, row_number() OVER () AS {place} FROM {standing})"), place)
        } else {
            (standing.clone(), ROWID.to_owned())
        };
        self.connection.execute_batch(&format!(
            "CREATE TEMP TABLE windrow_standing AS SELECT {} FROM {} old SEMI JOIN {table} new ON {} \
             QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY old.{place} {order}) = 1",
            list(names.iter().map(|name| column("old", name)).collect()),
            placed,
            same(&key, equal),
        ))?;
        Ok(Standing { table: STANDING_ROWS, key, equal })
    }

    fn is_kept(&self, output: &Output) -> bool {
        matches!(output.origin, Origin::Answer(at) if self.policy.keeps(at))
    }
}

/// A condition: the columns of `old`, a row of the table, are those of `new`, a row of a table of keys.
pub(super) fn same(columns: &[(String, String)], equal: &str) -> String {
    let equal =
        |(name, _): &(String, String)| format!("{} {equal} new.{}", column("old", name), key_column(name));
    columns.iter().map(equal).collect::<Vec<_>>().join(" AND ")
}

/// The columns of a table of keys.
pub(super) fn columns(typed: &[(String, String)]) -> String {
    let column = |(name, ty): &(String, String)| format!("{} {ty}", key_column(name));
    typed.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// The name of a key's column in a table of keys: never `ordinal`, and another one for every other name, though it
/// differ in capitals only.
pub(in crate::merge) fn key_column(name: &str) -> String {
    let small = |letter: char| match letter {
        '^' => "^^".to_owned(),
        letter if letter.is_ascii_uppercase() => format!("^{}", letter.to_ascii_lowercase()),
        letter => letter.to_string(),
    };
    sql::identifier(&format!("key {}", name.chars().map(small).collect::<String>()))
}
