//! Answers of earlier rounds that a retry needs: columns of endpoints that are not asked again, for endpoints that are.

use polars::prelude::*;

use super::history::{Done, History, typed};
use super::pairs::Pairs;
use crate::handoff::input::{ORDINAL, PART};
use crate::handoff::{Content, Plan};
use crate::job::Job;
use crate::plan::columns::answers;
use crate::plan::{PlanError, ScratchError};
use crate::record::Ordinal;
use crate::value::{self, Field, Type, Value};

/// A column of an endpoint's answers that templates or conditions use.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Carried {
    /// The endpoint that gave it.
    endpoint: usize,
    /// Its name in the chunks of that.
    column: String,
    /// A bit for every endpoint that uses it.
    users: u64,
    /// Its name and type in `input.parquet`.
    field: Field,
}

/// Every answer that any template or `when` uses, each once, in the order of the endpoints that use them.
pub(super) fn carried(job: &Job, plan: &Plan) -> Vec<Carried> {
    let mut all: Vec<Carried> = Vec::new();
    for (user, endpoint) in job.endpoints.iter().enumerate() {
        for (source, column) in answers(endpoint) {
            let next = one(job, plan, source, column);
            let known = all.iter().position(|carried| carried.field == next.field);
            let index = known.unwrap_or(all.len());
            if known.is_none() {
                all.push(next);
            }
            all[index].users |= 1 << user;
        }
    }
    all
}

fn one(job: &Job, plan: &Plan, endpoint: usize, column: usize) -> Carried {
    let ty = job.endpoints[endpoint].columns[column].ty;
    let name = plan.carried_name(endpoint, column);
    let in_chunks = plan.answer_names(endpoint).swap_remove(plan.id_columns + column);
    Carried { endpoint, column: in_chunks, users: 0, field: Field { name, ty } }
}

/// A record of the retry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Asked {
    pub ordinal: Ordinal,
    /// A bit for every endpoint that is asked.
    pub mask: u64,
}

impl Carried {
    /// The name of the endpoint that gave it.
    pub fn source<'j>(&self, job: &'j Job) -> &'j str {
        &job.endpoints[self.endpoint].name
    }

    /// Whether a record needs it: someone who uses it is asked, and who gave it is not.
    fn needed(&self, asked: &Asked) -> bool {
        asked.mask & self.users != 0 && asked.mask >> self.endpoint & 1 == 0
    }

    /// The column for these records, in ascending order; null where it is not needed, or where there is no value.
    pub async fn column(
        &self,
        history: &History<'_>,
        blocks: &[Done],
        pairs: &Pairs,
        records: &[Asked],
        endpoint: &str,
    ) -> Result<Column, PlanError> {
        let mut values = vec![Value::Null; records.len()];
        let content = Content::Rows(endpoint.to_owned());
        for (index, done) in blocks.iter().enumerate() {
            let end =
                blocks.get(index + 1).filter(|next| next.round == done.round).map(|next| next.commit.first);
            let (from, to) = (
                position(records, done.commit.first),
                end.map_or(records.len(), |end| position(records, end)),
            );
            if !records[from..to.max(from)].iter().any(|asked| self.needed(asked)) {
                continue;
            }
            let columns = [ORDINAL, PART, &self.column];
            let Some(rows) = history.chunk(done, &content, &columns).await? else { continue };
            for row in 0..rows.height() {
                let Some(index) = self.wanted(&rows, row, done.round, pairs, records)? else { continue };
                values[index] = typed(&rows.column(&self.column)?.get(row)?, &self.field)?;
            }
        }
        Ok(value::column(&self.field.name, self.field.ty, values.iter())?)
    }

    /// The record that a row of a chunk is for: its first part, as of the round that counts.
    fn wanted(
        &self,
        rows: &DataFrame,
        row: usize,
        round: usize,
        pairs: &Pairs,
        records: &[Asked],
    ) -> Result<Option<usize>, PlanError> {
        let ordinal = whole(&rows.column(ORDINAL)?.get(row)?)?;
        let index = position(records, ordinal);
        let Some(asked) = records.get(index).filter(|asked| asked.ordinal == ordinal) else {
            return Ok(None);
        };
        let counts = usize::from(pairs.get(ordinal, self.endpoint).round) == round;
        let first_part = whole(&rows.column(PART)?.get(row)?)? == 0;
        Ok((counts && first_part && self.needed(asked)).then_some(index))
    }
}

/// A whole number, from Parquet or from CSV.
fn whole(value: &AnyValue<'_>) -> Result<u64, ScratchError> {
    let number = match value.get_str() {
        Some(text) => value::parse(text, Type::Bigint).ok(),
        None => value::from_any(value).ok(),
    };
    match number {
        Some(Value::Bigint(number)) => Ok(number as u64),
        Some(Value::Integer(number)) => Ok(number as u64),
        _ => Err(PolarsError::ComputeError("an ordinal or part is no number".into()).into()),
    }
}

/// Where `ordinal` is, or would be, among records in ascending order.
fn position(records: &[Asked], ordinal: Ordinal) -> usize {
    records.partition_point(|asked| asked.ordinal < ordinal)
}
