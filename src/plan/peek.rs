//! A look into a list of which nothing is known yet: which columns it has, and what its records hold.
//!
//! Promise: it is read as a job reads it that says no more than its path, so that a list which can be looked into can be
//! worked, and what is wrong with it is said in the same words. Columns that a job could not name, since another has the
//! same name or they have none, are left out.

use std::ops::ControlFlow;
use std::path::Path;

use polars::prelude::{Column, DataFrame, DataType};

use super::list::{self, List, ListError};
use super::{PlanError, PlanOptions};
use crate::job::{Format, Job, OnDuplicate, Source};
use crate::secrets::Secrets;

/// The column of a list that has none.
pub const ID_OF_LINES: &str = "id";

/// Stands for no column: a name that no file has.
const NO_COLUMN: &str = "\u{1}";

/// A list that was looked into.
pub struct PeekedList {
    /// Its columns, in their order.
    pub columns: Vec<String>,
    list: List,
}

impl PeekedList {
    /// How many records it has.
    pub fn records(&self) -> u64 {
        self.list.spool.records()
    }

    /// Shows each record, from 0 on, as texts in the order of the columns, until told to stop.
    ///
    /// # Errors
    /// Where the temporary file that holds the list cannot be read.
    pub fn each_record(
        &self,
        mut show: impl FnMut(u64, &[Option<String>]) -> ControlFlow<()>,
    ) -> Result<(), PlanError> {
        let mut number = 0;
        for batch in 0..self.list.spool.batches() {
            let texts = texts(&self.list.spool.read(batch)?, &self.columns)?;
            for row in 0..texts.first().map_or(0, Vec::len) {
                let record: Vec<Option<String>> = texts.iter().map(|column| column[row].clone()).collect();
                if show(number, &record).is_break() {
                    return Ok(());
                }
                number += 1;
            }
        }
        Ok(())
    }
}

/// Looks into the list of a job; what the job says of its id and columns does not count. `scratch` as of
/// [`read_list`](super::read_list).
///
/// # Errors
/// A list that cannot be read.
pub async fn peek_list(job: &Job, scratch: &Path) -> Result<PeekedList, PlanError> {
    let mut job = job.clone();
    job.input.on_duplicate = OnDuplicate::Keep;
    // None of them is the id: a record may lack any value.
    job.input.id = Vec::new();
    job.endpoints = Vec::new();
    job.input.types = Vec::new();
    job.input.columns = columns(&job, scratch).await?;
    let list = read(&job, scratch).await?;
    Ok(PeekedList { columns: job.input.columns, list })
}

/// The names of its columns: the readers tell them when they do not find one.
async fn columns(job: &Job, scratch: &Path) -> Result<Vec<String>, PlanError> {
    if matches!(&job.input.source, Source::File { format: Format::Lines, .. } | Source::Ids(_)) {
        return Ok(vec![ID_OF_LINES.to_owned()]);
    }
    let mut job = job.clone();
    job.input.columns = vec![NO_COLUMN.to_owned()];
    match read(&job, scratch).await {
        Err(PlanError::List(ListError::NoColumn { there, .. })) => Ok(nameable(there)),
        Err(error) => Err(error),
        // JSON lines that are all empty objects.
        Ok(_) => Ok(Vec::new()),
    }
}

fn nameable(there: Vec<String>) -> Vec<String> {
    let is_once = |name: &&str| there.iter().filter(|other| other.trim() == *name).count() == 1;
    there
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .filter(is_once)
        .map(str::to_owned)
        .collect()
}

async fn read(job: &Job, scratch: &Path) -> Result<List, PlanError> {
    let (sizes, secrets, options) = (list::Sizes::default(), Secrets::default(), PlanOptions::default());
    list::Request { job, options: &options, secrets: &secrets, scratch, sizes }
        .read(Box::new(std::io::empty()))
        .await
}

/// The columns of a batch as texts.
fn texts(frame: &DataFrame, columns: &[String]) -> Result<Vec<Vec<Option<String>>>, PlanError> {
    columns.iter().map(|name| Ok(text_of(frame.column(name)?)?)).collect()
}

fn text_of(column: &Column) -> polars::prelude::PolarsResult<Vec<Option<String>>> {
    let column = column.cast(&DataType::String)?;
    Ok(column.str()?.iter().map(|text| text.map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sandbox::{Sandbox, wait};

    fn peeked(format: Format, content: &str) -> Result<(Vec<String>, Vec<Vec<Option<String>>>), PlanError> {
        let sandbox = Sandbox::new();
        let job = sandbox.job(format, content.as_bytes());
        let peeked = wait(peek_list(&job, sandbox.path()))?;
        let mut records = Vec::new();
        peeked.each_record(|number, record| {
            assert_eq!(number, records.len() as u64);
            records.push(record.to_vec());
            ControlFlow::Continue(())
        })?;
        assert_eq!(peeked.records(), records.len() as u64);
        Ok((peeked.columns, records))
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect()
    }

    #[test]
    fn each_format_tells_its_columns_and_records() {
        let (columns, records) =
            peeked(Format::Csv, "\u{feff}id, country ,x\n1,de,\n,fr,7\n1,de,\n").unwrap();
        assert_eq!(columns, ["id", "country", "x"]);
        assert_eq!(records, [some(&["1", "de", ""]), some(&["", "fr", "7"]), some(&["1", "de", ""])]);
        let (columns, records) =
            peeked(Format::Jsonl, "{\"a\":1,\"b\":\"x\"}\n{\"b\":null,\"a\":2}\n").unwrap();
        assert_eq!(columns, ["a", "b"]);
        assert_eq!(records, [some(&["1", "x"]), some(&["2", ""])]);
        let (columns, records) = peeked(Format::Lines, "tt1\n\ntt2\n").unwrap();
        assert_eq!((columns, records), (vec!["id".to_owned()], vec![some(&["tt1"]), some(&["tt2"])]));
    }

    #[test]
    fn columns_that_no_job_could_name_are_left_out() {
        let (columns, records) = peeked(Format::Csv, "id,note,,note\n1,a,b,c\n").unwrap();
        assert_eq!((columns, records), (vec!["id".to_owned()], vec![some(&["1"])]));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said_as_in_a_run() {
        let error = peeked(Format::Csv, "id,b\n1,2,3\n").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        assert!(peeked(Format::Csv, "").is_err());
    }
}
