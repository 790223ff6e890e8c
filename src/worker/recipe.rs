//! What the work loop needs to know of the endpoints, made once per process.

use std::collections::HashMap;
use std::ops::Range;

use super::WorkerError;
use super::condition::{self, Condition, Input};
use super::pace::Price;
use super::pair::{AnswerIndex, RecordState};
use super::pipe::Pipe;
use crate::budget::token_folder;
use crate::extract::{Extractor, ExtractorError, Guarded};
use crate::fetch::{Question, QuestionError, TokenSettings, Tokens, Values};
use crate::handoff::{Plan, event};
use crate::job::{Endpoint, Job, OnAbsent, Pages, Part};
use crate::os::{Watchdog, Working};
use crate::record::{Ordinal, Rows};
use crate::secrets::Secrets;
use crate::value::{Field, Type, Value};

/// One endpoint, ready to be asked.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) question: Question,
    pub(super) extractor: Guarded<Extractor>,
    /// Columns of its answers.
    pub(super) columns: usize,
    /// Endpoints that must be settled before.
    pub(super) after: Vec<usize>,
    /// Endpoints that wait for this one.
    pub(super) dependents: Vec<usize>,
    /// Columns of other endpoints that its templates use.
    pub(super) needs: Vec<AnswerIndex>,
    /// The condition under which a record is asked.
    pub(super) when: Option<Condition>,
    /// Most records of one request, where several share one.
    pub(super) batch: Option<usize>,
    /// The input's column by which a batch's answer is given back.
    pub(super) batch_column: Option<(usize, Type)>,
    /// What becomes of a record that is absent from its batch's answer.
    pub(super) on_absent: OnAbsent,
    /// Most pages, and what the next one is made of.
    pub(super) pages: Option<Pages>,
    /// The job's own program for its answers.
    pub(super) pipe: Option<Pipe>,
    /// What an answer says that its request cost.
    pub(super) price: Option<Price>,
    /// Whether the list says which hosts are asked: one that takes no more is not the others' matter.
    pub(super) asks_anywhere: bool,
    /// Whether an answer may give several rows, or none.
    explodes: bool,
}

impl Step {
    /// The rows of an answer that says that the id does not exist there.
    pub(super) fn missing_rows(&self) -> Rows {
        if self.explodes { Rows::default() } else { Rows::null(self.columns) }
    }
}

/// All endpoints, and where their values come from.
pub(super) struct Recipe {
    pub(super) steps: Vec<Step>,
    /// Columns to read of the frozen input, as it names them: the plan's, then those carried from earlier rounds.
    pub(super) fields: Vec<Field>,
    /// The input's columns, as the job's own programs see them.
    pub(super) inputs: Vec<Input>,
    /// Where a carried answer stands among `fields`.
    carried: HashMap<AnswerIndex, usize>,
    /// Pairs that ended this shard's process before, in that order.
    crashed: Vec<(Ordinal, usize)>,
    /// Whether records that may share a request are asked one by one: an earlier run's answers are found by record.
    pub(super) one_by_one: bool,
    /// Looks on while code of the job's own runs.
    watchdog: Watchdog,
}

impl Recipe {
    pub(super) fn new(
        plan: &Plan,
        job: &Job,
        secrets: &Secrets,
        crashed: &[(Ordinal, String)],
        watchdog: Watchdog,
    ) -> Result<(Recipe, Tokens), WorkerError> {
        let (fields, carried) = input_fields(plan, job);
        let wrong = |error: QuestionError| WorkerError::Job(error.to_string());
        let questions = Question::compile_all(&job.endpoints, &plan.columns, secrets).map_err(wrong)?;
        let settings = TokenSettings { folder: token_folder(), patience: job.settings.patience };
        let tokens = Tokens::compile(&job.endpoints, &questions, secrets, settings).map_err(wrong)?;
        let steps = questions
            .into_iter()
            .enumerate()
            .map(|(at, question)| step(job, at, question, &plan.columns))
            .collect::<Result<_, _>>()?;
        let crashed = crashed
            .iter()
            .filter_map(|(ordinal, name)| job.endpoint(name).map(|(endpoint, _)| (*ordinal, endpoint)))
            .collect();
        let inputs = condition::inputs(&plan.columns, |_| true);
        Ok((Recipe { steps, fields, inputs, carried, crashed, one_by_one: false, watchdog }, tokens))
    }

    /// Code of the job's own is about to run for a pair; of a batch the first.
    pub(super) fn work_on(&self, ordinal: Ordinal, endpoint: usize) -> Working<'_> {
        self.watchdog.work_on(event::word_of_pair(ordinal, endpoint))
    }

    /// Whether this pair of a block ended the shard's process before.
    ///
    /// Where several share a request it is not known which of them did: the first that is named of a block only says
    /// that each is to be asked alone ([`Recipe::batch_in`]). Those that are named after that were alone.
    pub(super) fn has_crashed(&self, block: &Range<Ordinal>, ordinal: Ordinal, endpoint: usize) -> bool {
        let unsure = usize::from(self.steps[endpoint].batch.is_some());
        self.crashed_in(block, endpoint).skip(unsure).any(|crashed| crashed == ordinal)
    }

    /// Most records of a block that share a request; none where each has its own.
    pub(super) fn batch_in(&self, block: &Range<Ordinal>, endpoint: usize) -> Option<usize> {
        let size = self.steps[endpoint].batch?;
        let alone = self.one_by_one || self.crashed_in(block, endpoint).next().is_some();
        Some(if alone { 1 } else { size })
    }

    /// The records of a block that are named, in the order in which it was found out.
    fn crashed_in(&self, block: &Range<Ordinal>, endpoint: usize) -> impl Iterator<Item = Ordinal> {
        let is_meant = move |(ordinal, at): &&(Ordinal, usize)| *at == endpoint && block.contains(ordinal);
        self.crashed.iter().filter(is_meant).map(|(ordinal, _)| *ordinal)
    }

    /// A record's values as the templates see them.
    pub(super) fn values<'a>(&'a self, record: &'a RecordState) -> RecordValues<'a> {
        RecordValues { recipe: self, record }
    }
}

fn step(job: &Job, at: usize, question: Question, columns: &[Field]) -> Result<Step, WorkerError> {
    let endpoint = &job.endpoints[at];
    let wrong = |error: ExtractorError| WorkerError::Job(format!("endpoint {}: {error}", endpoint.name));
    let waits = |other: &usize| job.endpoints[*other].after.contains(&at);
    let when = endpoint.when.as_ref().map(|when| Condition::new(when, job, columns)).transpose()?;
    let bounds = &endpoint.bounds;
    let pipe = endpoint
        .pipe
        .as_ref()
        .map(|arguments| Pipe::start(arguments, &job.folder, bounds.timeout, bounds.max_answer));
    let no_program = |why: String| {
        let program = endpoint.pipe.iter().flatten().next().map_or("", String::as_str);
        WorkerError::Job(format!(
            "endpoint {}: {program} {why}\nhint: `pipe` names a program and its arguments",
            endpoint.name
        ))
    };
    Ok(Step {
        name: endpoint.name.clone(),
        question,
        extractor: Guarded::new(endpoint).map_err(wrong)?,
        columns: endpoint.columns.len(),
        after: endpoint.after.clone(),
        dependents: (0..job.endpoints.len()).filter(waits).collect(),
        needs: needs_of(endpoint),
        when,
        batch: endpoint.batch.as_ref().map(|batch| batch.size as usize),
        batch_column: endpoint.batch.as_ref().and_then(|batch| column_named(columns, &batch.column)),
        on_absent: endpoint.batch.as_ref().map_or(OnAbsent::Missing, |batch| batch.on_absent),
        pages: endpoint.pages.clone(),
        pipe: pipe.transpose().map_err(no_program)?,
        price: Price::of(endpoint).map_err(wrong)?,
        asks_anywhere: endpoint.url.parts.iter().any(|part| matches!(part, Part::Url(_))),
        explodes: endpoint.explodes(),
    })
}

fn column_named(columns: &[Field], name: &str) -> Option<(usize, Type)> {
    let found = columns.iter().enumerate().find(|(_, field)| field.name == name);
    found.map(|(at, field)| (at, field.ty))
}

/// The columns of the frozen input, those of earlier answers last.
fn input_fields(plan: &Plan, job: &Job) -> (Vec<Field>, HashMap<AnswerIndex, usize>) {
    let named = plan.columns.iter().zip(plan.input_names());
    let mut fields: Vec<Field> = named.map(|(column, name)| Field { name, ty: column.ty }).collect();
    let mut carried = HashMap::new();
    for (endpoint, column) in job.endpoints.iter().flat_map(Endpoint::answers) {
        carried.entry((endpoint, column)).or_insert_with(|| {
            let ty = job.endpoints[endpoint].columns[column].ty;
            fields.push(Field { name: plan.carried_name(endpoint, column), ty });
            fields.len() - 1
        });
    }
    (fields, carried)
}

/// The answers' columns that an endpoint's templates use: without them there is nothing to ask.
fn needs_of(endpoint: &Endpoint) -> Vec<AnswerIndex> {
    let parts = endpoint.templates().flat_map(|template| &template.parts);
    let mut needs: Vec<AnswerIndex> = parts.filter_map(answer_in).collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

fn answer_in(part: &Part) -> Option<AnswerIndex> {
    match part {
        Part::Answer { endpoint, column, .. } => Some((*endpoint, *column)),
        _ => None,
    }
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
