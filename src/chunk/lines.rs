//! The lines of a ledger, whole.

use bytes::Bytes;
use polars::prelude::*;

use super::{ChunkError, parquet};
use crate::handoff::ledger::Line;
use crate::record::{Failure, Kind, Ordinal, Status};

/// The lines of a block's ledger, in its order; `endpoints` are the plan's names.
pub fn read_ledger(bytes: Bytes, endpoints: &[String]) -> Result<Vec<Line>, ChunkError> {
    let frame = parquet::read(bytes, None, None)?;
    let columns = Columns::of(&frame, endpoints)?;
    let ordinals = parquet::whole_numbers(&frame, "ordinal")?;
    let line = |(row, ordinal): (usize, Ordinal)| {
        let broken = || ChunkError::Content(format!("the line of ordinal {ordinal} is not whole"));
        columns.line(row, ordinal).ok_or_else(broken)
    };
    ordinals.into_iter().enumerate().map(line).collect()
}

/// The columns of a ledger's frame.
struct Columns<'a> {
    endpoints: &'a [String],
    endpoint: &'a StringChunked,
    status: &'a StringChunked,
    kind: &'a StringChunked,
    detail: &'a StringChunked,
    worth_repeating: &'a BooleanChunked,
    http_status: &'a Int32Chunked,
    attempts: &'a Int32Chunked,
    requests: &'a Int32Chunked,
    pages: &'a Int32Chunked,
    rows: &'a Int32Chunked,
    bytes: &'a Int64Chunked,
    started_at: &'a Int64Chunked,
    finished_at: &'a Int64Chunked,
    batch: &'a Int64Chunked,
    host: Option<&'a StringChunked>,
}

impl<'a> Columns<'a> {
    fn of(frame: &'a DataFrame, endpoints: &'a [String]) -> Result<Columns<'a>, ChunkError> {
        Ok(Columns {
            endpoints,
            endpoint: frame.column("endpoint")?.str()?,
            status: frame.column("status")?.str()?,
            kind: frame.column("kind")?.str()?,
            detail: frame.column("detail")?.str()?,
            worth_repeating: frame.column("worth_repeating")?.bool()?,
            http_status: frame.column("http_status")?.i32()?,
            attempts: frame.column("attempts")?.i32()?,
            requests: frame.column("requests")?.i32()?,
            pages: frame.column("pages")?.i32()?,
            rows: frame.column("rows")?.i32()?,
            bytes: frame.column("bytes")?.i64()?,
            started_at: frame.column("started_at")?.datetime()?.physical(),
            finished_at: frame.column("finished_at")?.datetime()?.physical(),
            batch: frame.column("batch")?.i64()?,
            host: frame.column("host").ok().map(|host| host.str()).transpose()?,
        })
    }

    fn line(&self, row: usize, ordinal: Ordinal) -> Option<Line> {
        let count = |column: &Int32Chunked| column.get(row)?.try_into().ok();
        let name = self.endpoint.get(row)?;
        Some(Line {
            ordinal,
            endpoint: self.endpoints.iter().position(|endpoint| endpoint == name)?,
            status: Status::from_word(self.status.get(row)?)?,
            failure: self.failure(row)?,
            http_status: self.status_code(row),
            attempts: count(self.attempts)?,
            requests: count(self.requests)?,
            pages: count(self.pages)?,
            rows: count(self.rows)?,
            bytes: self.bytes.get(row)?.try_into().ok()?,
            started_at: self.started_at.get(row),
            finished_at: self.finished_at.get(row),
            batch: self.batch.get(row).and_then(|ordinal| ordinal.try_into().ok()),
            host: self.host.and_then(|host| host.get(row)).map(Into::into),
        })
    }

    /// Why it is no success, if it is not; none where a kind is not one of ours.
    fn failure(&self, row: usize) -> Option<Option<Failure>> {
        let Some(word) = self.kind.get(row) else { return Some(None) };
        let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
        let failure = Failure {
            kind,
            status: self.status_code(row),
            detail: self.detail.get(row).unwrap_or_default().to_owned(),
            worth_repeating: self.worth_repeating.get(row).unwrap_or(false),
        };
        Some(Some(failure))
    }

    fn status_code(&self, row: usize) -> Option<u16> {
        self.http_status.get(row).and_then(|status| status.try_into().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::encode_ledger;

    #[test]
    fn lines_come_back_as_they_were_written() {
        let ok = Line {
            ordinal: 3,
            endpoint: 1,
            status: Status::Ok,
            failure: None,
            http_status: Some(200),
            attempts: 2,
            requests: 3,
            pages: 2,
            rows: 7,
            bytes: 1 << 40,
            started_at: Some(-1),
            finished_at: Some(2),
            batch: Some(1),
            host: Some("example.com:443".into()),
        };
        let failure = Failure::passing(Kind::Timeout, "no answer within 60s");
        let failed = Line {
            ordinal: 4,
            endpoint: 0,
            status: Status::Failed,
            failure: Some(failure),
            http_status: None,
            started_at: None,
            batch: None,
            ..ok.clone()
        };
        let names = ["a".to_owned(), "b".to_owned()];
        let lines = [ok, failed];
        assert_eq!(read_ledger(encode_ledger(&names, &lines).unwrap(), &names).unwrap(), lines);
        assert!(read_ledger(encode_ledger(&names, &lines).unwrap(), &names[..1]).is_err());
    }
}
