//! The rows of the table: each record's answers joined on its ordinal.
//!
//! An endpoint's chunks hold a row exactly where it succeeded, so an endpoint that a record needs is an inner join,
//! others are outer ones, and the ledger is read only where a stamp asks for its times. The one endpoint that
//! explodes has any number of rows for a success: the join repeats the others' columns on each of them. Where it
//! is not needed, the ledger tells no rows from no success.

use super::columns::{Origin, Output};
use super::policy::Policy;
use super::slice::{Slice, column};
use super::sql;
use crate::handoff::input::ORDINAL;
use crate::job::Stamp;

/// What to select from a slice.
pub(super) struct Selection<'a> {
    pub columns: &'a [Output],
    pub policy: &'a Policy,
    /// Where `keep` finds what the table has.
    pub standing: Option<&'a Standing>,
}

/// The temporary table of rows as they stand, found by key.
pub(super) struct Standing {
    /// Its name.
    pub table: &'static str,
    /// Its key columns with their types.
    pub key: Vec<(String, String)>,
    /// How a key's column is compared: whether null is like null.
    pub equal: &'static str,
}

/// The alias of the rows as they stand.
pub(super) const STANDING: &str = "standing";

impl Selection<'_> {
    /// The relation of the slice's rows, without SELECT; [`Selection::expression`] speaks its language.
    pub fn from(&self, slice: &Slice<'_>) -> String {
        let wanted: Vec<usize> = self.policy.endpoints().filter(|at| self.wants(*at)).collect();
        let base = self.base();
        let mut sql = match base {
            Some(endpoint) => format!("FROM {} {}", slice.answers(endpoint), alias(endpoint)),
            None => format!("FROM {} record", slice.input()),
        };
        let record = self.record(base);
        sql += &slice.taken(&format!("{record}.{ORDINAL}"));
        if base.is_none() && !slice.files.complete {
            sql += &format!(" SEMI JOIN {} asked ON asked.{ORDINAL} = {record}.{ORDINAL}", slice.requests());
        }
        for endpoint in wanted.into_iter().filter(|at| Some(*at) != base) {
            let join = if self.policy.needs(endpoint) { "JOIN" } else { "LEFT JOIN" };
            let (answers, name) = (slice.answers(endpoint), alias(endpoint));
            sql += &format!(" {join} {answers} {name} ON {name}.{ORDINAL} = {record}.{ORDINAL}");
        }
        if let Some(exploding) = self.policy.exploding.filter(|at| !self.policy.needs(*at)) {
            let emptied = slice.emptied(exploding);
            sql += &format!(" ANTI JOIN {emptied} emptied ON emptied.{ORDINAL} = {record}.{ORDINAL}");
        }
        if self.has_stamp(Stamp::FetchedAt) {
            sql += &format!(" LEFT JOIN {} fetched ON fetched.{ORDINAL} = {record}.{ORDINAL}", times(slice));
        }
        sql + &self.join_standing(slice)
    }

    /// The value of a column in the relation of [`Selection::from`].
    pub fn expression(&self, slice: &Slice<'_>, published: &Output) -> String {
        let name = &published.name;
        let plan = &slice.files.plan;
        match published.origin {
            Origin::Id | Origin::Input => column(&self.record(self.base()), &slice.frozen(name)),
            Origin::Answer(at) => {
                let new = column(&alias(at), &slice.answered(at, name));
                match (self.policy.keeps(at), self.standing) {
                    (true, Some(_)) => {
                        let (failed, old) = (self.failed(at), column(STANDING, name));
                        format!("CASE WHEN {failed} THEN {old} ELSE {new} END")
                    }
                    _ => new,
                }
            }
            Origin::Stamp(Stamp::FetchedAt) => "fetched.last_answer".to_owned(),
            Origin::Stamp(Stamp::RunId) => sql::text(&plan.run),
            Origin::Stamp(Stamp::RunStartedAt) => format!("make_timestamp({}::BIGINT)", plan.created_at),
            Origin::Stamp(Stamp::RunDay) => format!("make_timestamp({}::BIGINT)::DATE", plan.created_at),
            Origin::Stamp(Stamp::Ordinal) => self.ordinal(),
        }
    }

    /// Whether the endpoint failed, in the relation of [`Selection::from`].
    pub fn failed(&self, endpoint: usize) -> String {
        format!("{}.{ORDINAL} IS NULL", alias(endpoint))
    }

    /// The record's ordinal in the relation of [`Selection::from`].
    pub fn ordinal(&self) -> String {
        format!("{}.{ORDINAL}", self.record(self.base()))
    }

    /// The row's place among those of its record; `None` where each record has one row.
    pub fn part(&self) -> Option<String> {
        self.policy.exploding.map(|at| format!("coalesce({}.part, 0)", alias(at)))
    }

    /// The endpoint that every row has an answer of, where that is enough to start from.
    fn base(&self) -> Option<usize> {
        let needs_input = self.columns.iter().any(|column| column.origin == Origin::Input);
        self.policy.needed().next().filter(|_| !needs_input)
    }

    /// The alias of the relation that the record's id comes from.
    fn record(&self, base: Option<usize>) -> String {
        base.map_or_else(|| "record".to_owned(), alias)
    }

    /// Whether the endpoint decides about the rows or gives one of their columns.
    fn wants(&self, endpoint: usize) -> bool {
        let gives = self.columns.iter().any(|column| column.origin == Origin::Answer(endpoint));
        gives || self.policy.needs(endpoint) || self.policy.exploding == Some(endpoint)
    }

    fn has_stamp(&self, stamp: Stamp) -> bool {
        self.columns.iter().any(|column| column.origin == Origin::Stamp(stamp))
    }

    /// Finds the row as it stands by the new row's key, in the types of the table.
    fn join_standing(&self, slice: &Slice<'_>) -> String {
        let Some(standing) = self.standing else { return String::new() };
        let fresh = Selection { standing: None, ..*self };
        let equal = |(name, ty): &(String, String)| {
            let published = self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
            let value = published.map_or_else(|| "NULL".into(), |p| fresh.expression(slice, p));
            format!("{} {} CAST({value} AS {ty})", column(STANDING, name), standing.equal)
        };
        let on: Vec<String> = standing.key.iter().map(equal).collect();
        format!(" LEFT JOIN {} {STANDING} ON {}", standing.table, on.join(" AND "))
    }
}

/// The alias of an endpoint's answers.
fn alias(endpoint: usize) -> String {
    format!("answer{endpoint}")
}

/// When each record's last answer came.
fn times(slice: &Slice<'_>) -> String {
    format!(
        "(SELECT {ORDINAL}, max(finished_at) AS last_answer FROM {} WHERE status IN ('ok', 'missing') GROUP BY {ORDINAL})",
        slice.requests()
    )
}
