//! Comma- or tab-separated values with a header line (RFC 4180), quoted or not, CRLF or LF.
//!
//! An empty field is null. Only the needed columns have to be UTF-8. A quote that is never closed would
//! swallow the rest of the file as one field: that is an error, not a lost record.

use std::io;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::source::{Beyond, Bytes, LINE_LIMIT, Text};
use super::{Cell, Intake, ListError, PlanError, Reader};

/// What the csv crate reads ahead of the record it is at.
const READ_AHEAD: usize = 1 << 16;

/// A table's text under the csv crate.
struct Table<'a> {
    csv: csv::Reader<Text>,
    reader: &'a Reader<'a>,
    /// Columns of the header.
    width: usize,
    /// Where each needed column is.
    positions: Vec<usize>,
}

/// Reads the list and returns the digest of its bytes.
pub(super) fn read(
    text: Text,
    separator: u8,
    reader: &Reader<'_>,
    intake: &mut Intake,
) -> Result<String, PlanError> {
    let mut csv = ReaderBuilder::new();
    let csv = csv.delimiter(separator).buffer_capacity(READ_AHEAD).from_reader(text);
    let mut table = Table { csv, reader, width: 0, positions: Vec::new() };
    table.read_header()?;
    let mut record = ByteRecord::new();
    while table.read_record(&mut record)? {
        let number = line_of(&record);
        intake.push(number, table.cells(number, &record)?)?;
    }
    Ok(table.csv.into_inner().into_inner().1.sha256())
}

impl Table<'_> {
    fn read_header(&mut self) -> Result<(), ListError> {
        self.allow_a_record(0);
        let header = self.csv.byte_headers().cloned().map_err(|error| self.reader.csv_error(&error, 1))?;
        self.width = header.len();
        if self.width == 0 {
            return Err(ListError::Empty(self.reader.list.to_owned()));
        }
        let names: Vec<String> = header
            .iter()
            .map(|name| self.reader.utf8(1, name).map(str::to_owned))
            .collect::<Result<_, _>>()?;
        let find = |wanted: &String| self.reader.column(wanted, &names);
        self.positions = self.reader.wanted.names.iter().map(find).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// The next record; false at the end.
    fn read_record(&mut self, record: &mut ByteRecord) -> Result<bool, ListError> {
        let (at, line) = (self.csv.position().byte(), self.csv.position().line());
        self.allow_a_record(at);
        let before = line_of(record);
        let open = !record.is_empty() && ends_a_line_within(record);
        let more = self.csv.read_byte_record(record).map_err(|error| self.reader.csv_error(&error, line))?;
        if !more && open && self.bytes().last() != b'"' {
            return Err(ListError::OpenQuote(self.reader.place(before)));
        }
        Ok(more)
    }

    /// Lets the csv crate read one record from byte `at`, and no more than a record may have.
    fn allow_a_record(&mut self, at: u64) {
        let until = at.saturating_add(LINE_LIMIT + READ_AHEAD as u64);
        self.csv.get_mut().get_mut().1.allow(until);
    }

    fn bytes(&self) -> &Bytes {
        self.csv.get_ref().get_ref().1
    }

    fn cells<'r>(&self, number: u64, record: &'r ByteRecord) -> Result<Vec<Cell<'r>>, ListError> {
        let cell = |position: &usize| match record.get(*position) {
            None | Some([]) => Ok(Cell::Null),
            Some(field) => self.reader.utf8(number, field).map(Cell::text),
        };
        self.positions.iter().map(cell).collect()
    }
}

impl Reader<'_> {
    fn csv_error(&self, error: &csv::Error, line: u64) -> ListError {
        match error.kind() {
            ErrorKind::UnequalLengths { pos, expected_len, len } => ListError::Fields {
                place: self.place(pos.as_ref().map_or(line, csv::Position::line)),
                fields: *len,
                header: *expected_len,
            },
            ErrorKind::Io(error) if is_beyond(error) => self.line_too_long(line),
            ErrorKind::Io(error) => self.unreadable(io::Error::new(error.kind(), error.to_string())),
            _ => self.unreadable(io::Error::other(error.to_string())),
        }
    }
}

fn is_beyond(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Beyond>())
}

fn line_of(record: &ByteRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

/// Whether the last field holds a line's end, so that it must have been quoted.
fn ends_a_line_within(record: &ByteRecord) -> bool {
    record.iter().next_back().is_some_and(|field| field.iter().any(|byte| b"\r\n".contains(byte)))
}
