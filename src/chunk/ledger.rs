//! The requests of a block: one line for every planned pair.

use bytes::Bytes;
use polars::prelude::*;

use super::{ChunkError, parquet};
use crate::handoff::ledger::Line;
use crate::record::{Ordinal, Status};

/// What the proof needs of a ledger line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerKey {
    /// The record.
    pub ordinal: Ordinal,
    /// The endpoint's name.
    pub endpoint: String,
    /// How the pair ended.
    pub status: Status,
    /// Whether the line says why it is not a success: a pair that its `when` left out has no kind.
    pub has_kind: bool,
    /// Rows in the endpoint's chunk.
    pub rows: u32,
}

/// The file of a block's ledger; `lines` are by ordinal, then endpoint, `endpoints` are the plan's names.
pub fn encode_ledger(endpoints: &[String], lines: &[Line]) -> Result<Bytes, ChunkError> {
    let columns = vec![
        numbers("ordinal", lines, |line| Some(line.ordinal as i64)),
        texts("endpoint", lines, |line| endpoints.get(line.endpoint).map(String::as_str)),
        texts("status", lines, |line| Some(line.status.word())),
        texts("kind", lines, |line| line.failure.as_ref().map(|failure| failure.kind.word())),
        small("http_status", lines, |line| line.http_status.map(i32::from)),
        texts("detail", lines, |line| line.failure.as_ref().map(|failure| failure.detail.as_str())),
        flags("worth_repeating", lines, |line| line.failure.as_ref().map(|failure| failure.worth_repeating)),
        small("attempts", lines, |line| Some(line.attempts as i32)),
        small("requests", lines, |line| Some(line.requests as i32)),
        small("pages", lines, |line| Some(line.pages as i32)),
        small("rows", lines, |line| Some(line.rows as i32)),
        numbers("bytes", lines, |line| Some(line.bytes as i64)),
        moments("started_at", lines, |line| line.started_at),
        moments("finished_at", lines, |line| line.finished_at),
        numbers("batch", lines, |line| line.batch.map(|ordinal| ordinal as i64)),
        texts("host", lines, |line| line.host.as_deref()),
    ];
    parquet::write(&mut DataFrame::new(lines.len(), columns)?)
}

fn numbers(name: &str, lines: &[Line], value: impl Fn(&Line) -> Option<i64>) -> Column {
    Int64Chunked::from_iter_options(name.into(), lines.iter().map(value)).into_series().into()
}

fn small(name: &str, lines: &[Line], value: impl Fn(&Line) -> Option<i32>) -> Column {
    Int32Chunked::from_iter_options(name.into(), lines.iter().map(value)).into_series().into()
}

fn flags(name: &str, lines: &[Line], value: impl Fn(&Line) -> Option<bool>) -> Column {
    BooleanChunked::from_iter_options(name.into(), lines.iter().map(value)).into_series().into()
}

fn moments(name: &str, lines: &[Line], value: impl Fn(&Line) -> Option<i64>) -> Column {
    Int64Chunked::from_iter_options(name.into(), lines.iter().map(value))
        .into_datetime(TimeUnit::Microseconds, None)
        .into_series()
        .into()
}

fn texts<'a>(name: &str, lines: &'a [Line], value: impl Fn(&'a Line) -> Option<&'a str>) -> Column {
    StringChunked::from_iter_options(name.into(), lines.iter().map(value)).into_series().into()
}

/// The keys of a ledger, in the order of its lines.
pub fn read_ledger_keys(bytes: Bytes) -> Result<Vec<LedgerKey>, ChunkError> {
    let frame = parquet::read(bytes, Some(&["ordinal", "endpoint", "status", "kind", "rows"]), None)?;
    let ordinals = parquet::whole_numbers(&frame, "ordinal")?;
    let endpoints = frame.column("endpoint")?.str()?;
    let statuses = frame.column("status")?.str()?;
    let kinds = frame.column("kind")?.str()?;
    let rows = frame.column("rows")?.i32()?;
    let ends = statuses.iter().zip(kinds.iter().map(|kind| kind.is_some()));
    let keys = ordinals.into_iter().zip(endpoints.iter()).zip(ends).zip(rows.iter());
    keys.map(|(((ordinal, endpoint), end), rows)| ledger_key(ordinal, endpoint, end, rows)).collect()
}

fn ledger_key(
    ordinal: Ordinal,
    endpoint: Option<&str>,
    (status, has_kind): (Option<&str>, bool),
    rows: Option<i32>,
) -> Result<LedgerKey, ChunkError> {
    let status = status.and_then(Status::from_word);
    let rows = rows.and_then(|rows| u32::try_from(rows).ok());
    match (endpoint, status, rows) {
        (Some(endpoint), Some(status), Some(rows)) => {
            Ok(LedgerKey { ordinal, endpoint: endpoint.to_owned(), status, has_kind, rows })
        }
        _ => Err(ChunkError::Content(format!("the line of ordinal {ordinal} is not whole"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::ledger::COLUMNS;
    use crate::record::{Failure, Kind};

    fn line() -> Line {
        Line {
            ordinal: 3,
            endpoint: 1,
            status: Status::Failed,
            failure: Some(Failure::passing(Kind::Timeout, "no answer within 60s")),
            http_status: None,
            attempts: 5,
            requests: 5,
            pages: 0,
            rows: 0,
            bytes: 0,
            started_at: Some(1),
            finished_at: Some(2),
            batch: None,
            host: Some("example.com:443".into()),
        }
    }

    #[test]
    fn the_file_has_the_documented_columns() {
        let bytes = encode_ledger(&["a".into(), "b".into()], &[line()]).unwrap();
        let frame = parquet::read(bytes.clone(), None, None).unwrap();
        let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
        assert_eq!(names, COLUMNS.map(|(name, _)| name));
        let status = Status::Failed;
        let key = LedgerKey { ordinal: 3, endpoint: "b".into(), status, has_kind: true, rows: 0 };
        assert_eq!(read_ledger_keys(bytes).unwrap(), [key]);
    }

    #[test]
    fn a_pair_that_was_skipped_for_no_reason_is_told_from_one_that_failed() {
        let not_asked = Line { status: Status::NotAsked, rows: 1, ..line() };
        let lines = [Line { failure: None, ..not_asked.clone() }, not_asked];
        let keys = read_ledger_keys(encode_ledger(&["a".into(), "b".into()], &lines).unwrap()).unwrap();
        assert_eq!(
            keys.iter().map(|key| (key.has_kind, key.rows)).collect::<Vec<_>>(),
            [(false, 1), (true, 1)]
        );
    }

    #[test]
    fn an_empty_ledger_can_be_read() {
        let bytes = encode_ledger(&["a".into()], &[]).unwrap();
        assert_eq!(read_ledger_keys(bytes).unwrap(), []);
    }
}
