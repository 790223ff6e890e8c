//! What came of each column over the records that were asked.

use console::measure_text_width;
use serde::Serialize;

use super::super::nulls::{looks_for, null_columns, quoted};
use super::super::stdout::shorten;
use crate::fetch::Mask;
use crate::handoff::Plan;
use crate::handoff::summary::NullColumn;
use crate::job::Job;
use crate::merge::RunQuery;
use crate::os::printable;
use crate::runner::RunnerError;

/// Characters of what a column looks for.
const LOOKS_FOR: usize = 24;

/// Least width of an example.
const LEAST_EXAMPLE: usize = 12;

/// What stands between columns.
const GAP: &str = "  ";

/// What stands before the table.
const INDENT: usize = 2;

/// A column over the rows of the records that were asked.
#[derive(Debug, Serialize)]
pub(super) struct ColumnFacts {
    pub endpoint: String,
    pub column: String,
    #[serde(rename = "type")]
    pub ty: String,
    /// Its expression, as the job has it.
    pub looks_for: String,
    /// A value, as it stands in the table.
    pub example: Option<String>,
    /// Rows of answers that were read, and those without a value.
    pub rows: u64,
    pub nulls: u64,
    /// Where no row has a value: what the answers have that is called alike.
    pub did_you_mean: Option<String>,
}

impl ColumnFacts {
    /// Of all endpoints that were answered, at these places.
    pub(super) fn all(
        query: &RunQuery,
        plan: &Plan,
        job: &Job,
        answered: &[usize],
        mask: &Mask,
    ) -> Result<Vec<ColumnFacts>, RunnerError> {
        let null = null_columns(query, plan, job, answered, mask)?;
        let mut all = Vec::new();
        for &endpoint in answered {
            all.extend(of_endpoint(query, plan, job, endpoint, mask)?);
        }
        for column in &mut all {
            let is_it = |null: &&NullColumn| null.column == column.column && null.endpoint == column.endpoint;
            column.did_you_mean = null.iter().find(is_it).and_then(|null| null.did_you_mean.clone());
        }
        Ok(all)
    }

    /// Whether there are rows, and none has a value.
    pub(super) fn is_null(&self) -> bool {
        self.rows > 0 && self.nulls == self.rows
    }

    /// That it has none: `year is null in all 3 rows: .Yaer found nothing; the answers have .Year`.
    pub(super) fn warning(&self) -> String {
        let rows = match self.rows {
            1 => "the only row".to_owned(),
            rows => format!("all {rows} rows"),
        };
        let mut said = format!("{} is null in {rows}", self.column);
        if !self.looks_for.is_empty() {
            said += &format!(": {} found nothing", self.looks_for);
        }
        if let Some(meant) = &self.did_you_mean {
            said += &format!("; the answers have {meant}");
        }
        said
    }
}

fn of_endpoint(
    query: &RunQuery,
    plan: &Plan,
    job: &Job,
    at: usize,
    mask: &Mask,
) -> Result<Vec<ColumnFacts>, RunnerError> {
    let (planned, shown) = (&plan.endpoints[at], plan.shown_answers(at));
    let names: Vec<String> = shown.others.into_iter().skip(plan.id_columns).map(quoted).collect();
    let figures: Vec<String> =
        names.iter().map(|name| format!("count({name}), CAST(any_value({name}) AS VARCHAR)")).collect();
    let sql = format!(
        "SELECT count(*), {} FROM {} WHERE {} IN (SELECT ordinal FROM {} WHERE endpoint = '{}' AND status = 'ok')",
        figures.join(", "),
        quoted(planned.name.clone()),
        shown.own[0],
        plan.view("requests"),
        planned.name
    );
    let found = query.ask(&sql, None)?.rows;
    let cell = |at: usize| found.first().and_then(|row| row.get(at)).cloned().flatten();
    let number = |at: usize| cell(at).and_then(|cell| cell.parse().ok()).unwrap_or(0);
    let rows: u64 = number(0);
    let column = |(place, field): (usize, &crate::value::Field)| {
        let own = job.endpoint(&planned.name).map(|(_, endpoint)| endpoint.columns.as_slice());
        let own = own.unwrap_or_default().iter().find(|column| column.name == field.name);
        ColumnFacts {
            endpoint: planned.name.clone(),
            column: field.name.clone(),
            ty: field.ty.to_string(),
            looks_for: own.map(looks_for).unwrap_or_default(),
            example: cell(2 + 2 * place).map(|value| mask.apply(&value)),
            rows,
            nulls: rows - number(1 + 2 * place),
            did_you_mean: None,
        }
    };
    Ok(planned.columns.iter().enumerate().map(column).collect())
}

/// Lines of a table, the first its header, that fit into a width unless names leave no room.
pub(super) fn table(columns: &[&ColumnFacts], width: usize) -> Vec<String> {
    let cell = |text: &str, most: usize| {
        let mut text = printable(&text.replace(['\n', '\t'], " ")).into_owned();
        shorten(&mut text, most);
        text
    };
    let header = ["column", "type", "looks for", "nulls"].map(str::to_owned);
    let line = |column: &&ColumnFacts| {
        let looks_for = cell(&column.looks_for, LOOKS_FOR);
        let nulls = format!("{} of {}", column.nulls, column.rows);
        [column.column.clone(), column.ty.clone(), looks_for, nulls]
    };
    let cells: Vec<_> = std::iter::once(header).chain(columns.iter().map(line)).collect();
    let widths =
        [0, 1, 2, 3].map(|at| cells.iter().map(|line| measure_text_width(&line[at])).max().unwrap_or(0));
    let used: usize = widths.iter().map(|width| width + GAP.len()).sum();
    let room = width.saturating_sub(used + INDENT + 1).max(LEAST_EXAMPLE);
    let examples = columns.iter().map(|column| cell(column.example.as_deref().unwrap_or_default(), room));
    let lines = cells.iter().zip(std::iter::once("example".to_owned()).chain(examples));
    let padded = |text: &String, width: usize| {
        format!("{text}{}{GAP}", " ".repeat(width.saturating_sub(measure_text_width(text))))
    };
    lines
        .map(|(line, example)| {
            let begin: String = line.iter().zip(widths).map(|(text, width)| padded(text, width)).collect();
            format!("{begin}{example}").trim_end().to_owned()
        })
        .collect()
}
