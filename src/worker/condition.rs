//! `when`: whether an endpoint is asked for a record at all. And a record as JSON, which conditions and programs read.

use super::WorkerError;
use super::pair::AnswerIndex;
use crate::extract::{Guarded, When};
use crate::fetch::{Values, json_text};
use crate::job::{self, Job};
use crate::os::Working;
use crate::record::{Failure, Kind};
use crate::value::{Field, Type, Value};

/// A condition on a record.
pub(super) struct Condition {
    when: Guarded<When>,
    inputs: Vec<Input>,
    /// By endpoint.
    answers: Vec<(String, Vec<AnswerInput>)>,
}

/// A column of the input that is shown.
pub(super) struct Input {
    name: String,
    column: usize,
    ty: Type,
}

/// A column of another endpoint's answers.
struct AnswerInput {
    name: String,
    answer: AnswerIndex,
    ty: Type,
}

impl Condition {
    /// Compiles an endpoint's condition; `columns` are those of the frozen input.
    pub(super) fn new(when: &job::When, job: &Job, columns: &[Field]) -> Result<Condition, WorkerError> {
        let compiled = Guarded::when(&when.jq).map_err(|error| WorkerError::Job(error.to_string()))?;
        let mut answers: Vec<(String, Vec<AnswerInput>)> = Vec::new();
        for &(endpoint, column) in &when.answers {
            let source = &job.endpoints[endpoint];
            let named = &source.columns[column];
            let one = AnswerInput { name: named.name.clone(), answer: (endpoint, column), ty: named.ty };
            match answers.iter_mut().find(|(name, _)| *name == source.name) {
                Some((_, columns)) => columns.push(one),
                None => answers.push((source.name.clone(), vec![one])),
            }
        }
        Ok(Condition {
            when: compiled,
            inputs: inputs(columns, |name| when.inputs.iter().any(|n| n == name)),
            answers,
        })
    }

    /// Whether the record is asked.
    pub(super) fn holds(&self, values: &impl Values, working: &Working<'_>) -> Result<bool, Failure> {
        let mut json = Object::new();
        json.inputs(&self.inputs, values)?;
        for (endpoint, columns) in &self.answers {
            let mut inner = Object::new();
            for column in columns {
                let value = values.answer(column.answer.0, column.answer.1).unwrap_or(&Value::Null);
                inner.value(&column.name, value, column.ty)?;
            }
            json.member(endpoint, &inner.end());
        }
        self.when.under(working).holds(&json.end())
    }
}

/// The columns of the input that `is_shown` names.
pub(super) fn inputs(columns: &[Field], is_shown: impl Fn(&str) -> bool) -> Vec<Input> {
    let shown = columns.iter().enumerate().filter(|(_, field)| is_shown(&field.name));
    shown.map(|(column, field)| Input { name: field.name.clone(), column, ty: field.ty }).collect()
}

/// A record's columns of the input as a JSON object.
pub(super) fn record_json(inputs: &[Input], values: &impl Values) -> Result<String, Failure> {
    let mut json = Object::new();
    json.inputs(inputs, values)?;
    Ok(json.end())
}

/// A JSON object being written.
struct Object(String);

impl Object {
    fn new() -> Object {
        Object("{".to_owned())
    }

    fn inputs(&mut self, inputs: &[Input], values: &impl Values) -> Result<(), Failure> {
        inputs.iter().try_for_each(|input| self.value(&input.name, values.input(input.column), input.ty))
    }

    fn value(&mut self, name: &str, value: &Value, ty: Type) -> Result<(), Failure> {
        let text = json_text(value, ty)
            .map_err(|why| Failure::lasting(Kind::Extract, format!("column {name} {why}")))?;
        self.member(name, &text);
        Ok(())
    }

    fn member(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&serde_json::Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(json);
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
