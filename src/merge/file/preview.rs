//! The first rows of a file, for people.

use std::path::{Path, PathBuf};

use csv::ReaderBuilder;

use super::folder::Folder;
use crate::merge::query::{AnswerColumn, QueryResult, RunQuery};
use crate::merge::{MergeError, sql};

/// The first rows of a CSV file. No value and an empty text look alike.
pub(in crate::merge) fn first_rows_of_csv(path: &Path, limit: usize) -> Result<QueryResult, MergeError> {
    let failed = |error: csv::Error| MergeError::on_disk(path, &std::io::Error::other(error));
    let mut reader = ReaderBuilder::new().flexible(true).from_path(path).map_err(failed)?;
    let names = reader.headers().map_err(failed)?.clone();
    let columns = names.iter().map(|name| AnswerColumn { name: name.to_owned(), ty: "VARCHAR".into() });
    let value = |field: &str| (!field.is_empty()).then(|| field.to_owned());
    let mut rows = Vec::new();
    for record in reader.records().take(limit.saturating_add(1)) {
        rows.push(record.map_err(failed)?.iter().map(value).collect());
    }
    let truncated = rows.len() > limit;
    rows.truncate(limit);
    Ok(QueryResult { columns: columns.collect(), rows, truncated })
}

/// The first rows of a Parquet file, or of a folder of them.
pub(in crate::merge) fn first_rows_of_parquet(path: &Path, limit: usize) -> Result<QueryResult, MergeError> {
    let from = if path.is_dir() {
        let folder = Folder::read(path).map_err(|error| MergeError::on_disk(path, &error))?;
        if folder.files.is_empty() {
            return Ok(QueryResult { columns: vec![], rows: vec![], truncated: false });
        }
        sql::divided(folder.files.iter().map(PathBuf::as_path), &folder.divided_by(path))
    } else {
        sql::parquet([path].into_iter(), &[])
    };
    let limited = format!("FROM {from} LIMIT {}", limit.saturating_add(1));
    RunQuery::in_memory()?.ask(&limited, Some(limit))
}
