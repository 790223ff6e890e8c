//! What the work loop needs to know of the endpoints, made once per process.

use std::collections::HashMap;

use super::WorkerError;
use crate::extract::{Extractor, ExtractorError};
use crate::fetch::{Question, Secrets, Values};
use crate::handoff::{Plan, input};
use crate::job::{Endpoint, Job, Part, Template};
use crate::record::{Field, Ordinal, Value};

use super::board::RecordState;

/// An endpoint and a column of it.
pub(super) type Answer = (usize, usize);

/// One endpoint, ready to be asked.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) question: Question,
    pub(super) extractor: Extractor,
    /// Columns of its answers.
    pub(super) columns: usize,
    /// Endpoints that must be settled before.
    pub(super) after: Vec<usize>,
    /// Endpoints that wait for this one.
    pub(super) dependents: Vec<usize>,
    /// Columns of other endpoints that its templates use.
    pub(super) needs: Vec<Answer>,
}

/// All endpoints, and where their values come from.
pub(super) struct Recipe {
    pub(super) steps: Vec<Step>,
    /// Columns to read of the frozen input: the plan's, then those carried from earlier rounds.
    pub(super) fields: Vec<Field>,
    /// Where a carried answer stands among `fields`.
    carried: HashMap<Answer, usize>,
    /// Pairs that ended this shard's process before.
    crashed: Vec<(Ordinal, usize)>,
}

impl Recipe {
    pub(super) fn new(
        plan: &Plan,
        job: &Job,
        secrets: &Secrets,
        crashed: &[(Ordinal, String)],
    ) -> Result<Recipe, WorkerError> {
        let needs: Vec<Vec<Answer>> = job.endpoints.iter().map(needs_of).collect();
        let (fields, carried) = input_fields(plan, job, &needs);
        let questions = Question::compile_all(&job.endpoints, &plan.columns, secrets)
            .map_err(|error| WorkerError::Job(error.to_string()))?;
        let steps = questions
            .into_iter()
            .zip(needs)
            .enumerate()
            .map(|(at, (question, needs))| step(job, at, question, needs))
            .collect::<Result<_, _>>()?;
        let crashed = crashed
            .iter()
            .filter_map(|(ordinal, name)| job.endpoint(name).map(|(endpoint, _)| (*ordinal, endpoint)))
            .collect();
        Ok(Recipe { steps, fields, carried, crashed })
    }

    /// Whether this pair ended the shard's process before.
    pub(super) fn has_crashed(&self, ordinal: Ordinal, endpoint: usize) -> bool {
        self.crashed.contains(&(ordinal, endpoint))
    }

    /// A record's values as the templates see them.
    pub(super) fn values<'a>(&'a self, record: &'a RecordState) -> RecordValues<'a> {
        RecordValues { recipe: self, record }
    }
}

fn step(job: &Job, at: usize, question: Question, needs: Vec<Answer>) -> Result<Step, WorkerError> {
    let endpoint = &job.endpoints[at];
    let wrong = |error: ExtractorError| WorkerError::Job(format!("endpoint {}: {error}", endpoint.name));
    let waits = |other: &usize| job.endpoints[*other].after.contains(&at);
    Ok(Step {
        name: endpoint.name.clone(),
        question,
        extractor: Extractor::new(endpoint).map_err(wrong)?,
        columns: endpoint.columns.len(),
        after: endpoint.after.clone(),
        dependents: (0..job.endpoints.len()).filter(waits).collect(),
        needs,
    })
}

/// The columns of the frozen input, those of earlier answers last.
fn input_fields(plan: &Plan, job: &Job, needs: &[Vec<Answer>]) -> (Vec<Field>, HashMap<Answer, usize>) {
    let mut fields = plan.columns.clone();
    let mut carried = HashMap::new();
    for &(endpoint, column) in needs.iter().flatten() {
        carried.entry((endpoint, column)).or_insert_with(|| {
            let source = &job.endpoints[endpoint];
            let column = &source.columns[column];
            fields.push(Field { name: input::answer_column(&source.name, &column.name), ty: column.ty });
            fields.len() - 1
        });
    }
    (fields, carried)
}

/// The answers' columns that an endpoint's templates use.
fn needs_of(endpoint: &Endpoint) -> Vec<Answer> {
    let templates = std::iter::once(&endpoint.url)
        .chain(endpoint.query.iter().map(|(_, template)| template))
        .chain(endpoint.headers.iter().map(|(_, template)| template));
    let mut needs: Vec<Answer> = templates.flat_map(answers_in).collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

fn answers_in(template: &Template) -> impl Iterator<Item = Answer> {
    template.parts.iter().filter_map(|part| match part {
        Part::Answer { endpoint, column } => Some((*endpoint, *column)),
        _ => None,
    })
}

/// A record's values: its own, and those of answers of this round or an earlier one.
pub(super) struct RecordValues<'a> {
    recipe: &'a Recipe,
    record: &'a RecordState,
}

impl Values for RecordValues<'_> {
    fn input(&self, column: usize) -> &Value {
        self.record.input.values.get(column).unwrap_or(&Value::Null)
    }

    fn answer(&self, endpoint: usize, column: usize) -> Option<&Value> {
        if let Some(settled) = &self.record.pairs[endpoint] {
            return settled.rows.as_ref()?.values.get(column);
        }
        self.record.input.values.get(*self.recipe.carried.get(&(endpoint, column))?)
    }
}
