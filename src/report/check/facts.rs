//! What was asked, answered and made of each record, as a value that people and programs are shown alike.

use std::collections::HashMap;

use serde::{Serialize, Serializer};

use super::super::table::Objects;
use super::answered::Answered;
use super::columns::ColumnFacts;
use super::pretty::answer_lines;
use super::seen::Seen;
use super::text::beginning;
use crate::chunk::KeptAnswer;
use crate::fetch::Mask;
use crate::handoff::{Plan, RunStore};
use crate::job::Job;
use crate::merge::{QueryResult, RunQuery};

use crate::runner::{LiveRun, RunnerError, id_columns, kept_answers};

/// Rows of one answer that are shown.
const ROWS: usize = 5;

/// How requests ended, by record and endpoint.
pub(super) type Ends = HashMap<(String, String), End>;

/// A record, and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct RecordFacts {
    #[serde(skip)]
    pub ordinal: String,
    /// Its id, by column.
    #[serde(serialize_with = "as_map")]
    pub id: Vec<(String, Option<String>)>,
    pub endpoints: Vec<EndpointFacts>,
}

/// What became of one question.
#[derive(Debug, Serialize)]
pub(super) struct EndpointFacts {
    pub endpoint: String,
    /// How it ended, with the job as it is now.
    #[serde(flatten)]
    pub end: End,
    /// How it ended in the run whose answers are looked at; null where somebody was asked.
    pub then: Option<End>,
    /// The record with which it was asked, where several shared a request; null otherwise.
    pub asked_with: Option<u64>,
    /// What was sent, a line each.
    pub requests: Vec<Vec<String>>,
    /// The same as lines for a shell, one each; null where there is none. Where nobody was asked: what would be sent.
    pub curl: Vec<Option<String>>,
    /// How each of their attempts was answered.
    pub received: Vec<Answered>,
    /// The beginning of the answer; null where none was kept.
    pub answer: Option<String>,
    /// More of it, in lines.
    #[serde(skip)]
    pub answer_lines: Vec<String>,
    /// The rows that were made of it.
    #[serde(serialize_with = "as_objects")]
    pub rows_made: Option<QueryResult>,
}

fn as_map<S: Serializer>(id: &[(String, Option<String>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(id.iter().map(|(name, value)| (name, value)))
}

fn as_objects<S: Serializer>(rows: &Option<QueryResult>, serializer: S) -> Result<S::Ok, S::Error> {
    rows.as_ref().map(Objects).serialize(serializer)
}

/// How a request ended.
#[derive(Debug, Clone, Serialize)]
pub(super) struct End {
    pub status: String,
    pub kind: Option<String>,
    pub http_status: Option<u16>,
    pub detail: Option<String>,
    pub bytes: u64,
    pub pages: u32,
    pub rows: u32,
    #[serde(skip)]
    pub batch: Option<u64>,
}

/// Columns of [`ends`], in order.
const END: &str = "ordinal, endpoint, status, kind, http_status, detail, bytes, pages, rows, batch";

/// How the requests of some records ended.
pub(super) fn ends(query: &RunQuery, plan: &Plan, which: &str) -> Result<Ends, RunnerError> {
    let found = query.ask(&format!("SELECT {END} FROM {} {which}", plan.view("requests")), None)?;
    let end = |row: Vec<Option<String>>| {
        let text = |at: usize| row[at].clone();
        let end = End {
            status: text(2).unwrap_or_default(),
            kind: text(3),
            http_status: number(&row[4]),
            detail: text(5),
            bytes: number(&row[6]).unwrap_or_default(),
            pages: number(&row[7]).unwrap_or_default(),
            rows: number(&row[8]).unwrap_or_default(),
            batch: number(&row[9]),
        };
        ((text(0).unwrap_or_default(), text(1).unwrap_or_default()), end)
    };
    Ok(found.rows.into_iter().map(end).collect())
}

fn number<T: std::str::FromStr>(cell: &Option<String>) -> Option<T> {
    cell.as_ref()?.parse().ok()
}

/// The run whose answers are looked at.
pub(super) struct Earlier {
    pub run: String,
    ends: Ends,
}

impl Earlier {
    /// Of these records, as SQL lists them.
    async fn of(run: &RunStore, ordinals: &str) -> Result<Earlier, RunnerError> {
        let (plan, query) = (run.plan().await?, RunQuery::open(run, None).await?);
        let ends = ends(&query, &plan, &format!("WHERE ordinal IN ({ordinals})"))?;
        Ok(Earlier { run: plan.run, ends })
    }
}

/// Everything that is known of the records.
pub(super) struct Checked {
    pub records: Vec<RecordFacts>,
    pub answers: Vec<KeptAnswer>,
    pub columns: Vec<ColumnFacts>,
    pub earlier: Option<Earlier>,
}

impl Checked {
    /// Of a run that was worked, with what was sent; `earlier` is the run whose answers stood for requests.
    pub async fn of(
        run: &LiveRun,
        job: &Job,
        seen: &Seen,
        earlier: Option<&RunStore>,
        mask: &Mask,
    ) -> Result<Checked, RunnerError> {
        let query = RunQuery::open(&run.store, Some(job)).await?;
        let plan = &run.plan;
        let (input, ordinal) = (plan.view("input"), &plan.shown_input().own[0]);
        let id = id_columns(plan).join(", ");
        let input = query.ask(&format!("SELECT {ordinal}, {id} FROM {input} ORDER BY {ordinal}"), None)?;
        let ordinals: Vec<String> = input.rows.iter().filter_map(|row| row[0].clone()).collect();
        let earlier = match earlier {
            Some(earlier) => Some(Earlier::of(earlier, &ordinals.join(", ")).await?),
            None => None,
        };
        let ends = ends(&query, plan, "")?;
        let answers = kept_answers(&run.store).await?;
        let gathering = Gathering { query: &query, plan, job, seen, ends: &ends, answers: &answers, mask };
        let mut records = Vec::new();
        for row in &input.rows {
            records.push(gathering.record(&input, row, earlier.as_ref())?);
        }
        let is_ok =
            |name: &String| ends.iter().any(|((_, endpoint), end)| endpoint == name && end.status == "ok");
        let answered: Vec<usize> =
            (0..plan.endpoints.len()).filter(|at| is_ok(&plan.endpoints[*at].name)).collect();
        let columns = ColumnFacts::all(&query, plan, job, &answered, mask)?;
        Ok(Checked { records, answers, columns, earlier })
    }

    /// Requests that failed.
    pub fn failed(&self) -> usize {
        let endpoints = self.records.iter().flat_map(|record| &record.endpoints);
        endpoints.filter(|endpoint| endpoint.end.status == "failed").count()
    }
}

/// What the facts are gathered from.
struct Gathering<'a> {
    query: &'a RunQuery,
    plan: &'a Plan,
    job: &'a Job,
    seen: &'a Seen,
    ends: &'a Ends,
    answers: &'a [KeptAnswer],
    mask: &'a Mask,
}

impl Gathering<'_> {
    fn record(
        &self,
        input: &QueryResult,
        row: &[Option<String>],
        earlier: Option<&Earlier>,
    ) -> Result<RecordFacts, RunnerError> {
        let ordinal = row[0].clone().unwrap_or_default();
        let named = input.columns.iter().zip(row).skip(1);
        let id = named.map(|(column, value)| (column.name.clone(), value.clone())).collect();
        let mut endpoints = Vec::new();
        for (at, endpoint) in self.job.endpoints.iter().enumerate() {
            let key = (ordinal.clone(), endpoint.name.clone());
            if let Some(end) = self.ends.get(&key) {
                let then = earlier.and_then(|earlier| earlier.ends.get(&key)).cloned();
                endpoints.push(self.endpoint(at, &key, end.clone(), then)?);
            }
        }
        Ok(RecordFacts { ordinal, id, endpoints })
    }

    fn endpoint(
        &self,
        at: usize,
        (ordinal, endpoint): &(String, String),
        end: End,
        then: Option<End>,
    ) -> Result<EndpointFacts, RunnerError> {
        let is_its = |body: &&KeptAnswer| body.ordinal.to_string() == *ordinal && body.endpoint == *endpoint;
        let exchanges = || self.seen.of(at, ordinal);
        let answer = self.answers.iter().find(is_its);
        Ok(EndpointFacts {
            endpoint: endpoint.clone(),
            asked_with: end.batch.filter(|first| first.to_string() != *ordinal),
            // Where nobody was asked, nothing was sent.
            requests: match then {
                Some(_) => Vec::new(),
                None => exchanges().map(|exchange| exchange.request.lines()).collect(),
            },
            curl: exchanges().map(|exchange| exchange.request.curl.clone().ok()).collect(),
            received: exchanges().flat_map(|exchange| exchange.answered.iter().cloned()).collect(),
            answer: answer.map(|body| beginning(body.shown())),
            answer_lines: answer.map(|body| answer_lines(body.shown())).unwrap_or_default(),
            rows_made: Some(self.rows(at, ordinal)?).filter(|rows| !rows.rows.is_empty()),
            end,
            then,
        })
    }

    /// What was made of an answer, without the id.
    fn rows(&self, endpoint: usize, ordinal: &str) -> Result<QueryResult, RunnerError> {
        let own = self.plan.shown_answers(endpoint).own;
        let (name, place) = (&self.plan.endpoints[endpoint].name, &own[0]);
        let sql = format!("SELECT * EXCLUDE ({}) FROM \"{name}\" WHERE {place} = {ordinal}", own.join(", "));
        let mut rows = self.query.ask(&sql, Some(ROWS))?;
        rows.rows.iter_mut().flatten().flatten().for_each(|value| *value = self.mask.apply(value));
        Ok(rows)
    }
}

/// What programs are told.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    pub version: u32,
    pub job: &'a str,
    /// Whether nobody was asked.
    pub offline: bool,
    /// The run whose answers stood for requests; null where somebody was asked.
    pub answers_of: Option<&'a str>,
    pub records: &'a [RecordFacts],
    /// What came of each column.
    pub columns: &'a [ColumnFacts],
    /// Requests that failed.
    pub failed: usize,
}
