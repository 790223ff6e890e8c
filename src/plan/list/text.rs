//! The lines of a text list, never more than one of them at once.
//!
//! A line ends with LF, CRLF or CR alone, the last one also with the text. Lines are numbered from 1, those that are
//! passed over (`skip_lines`, `comment`) included.

use std::io::{self, BufRead, BufReader, Read};

use super::source::{Digest, Text};
use super::{ListError, Reader};
use crate::job::Dialect;

/// Bytes that one line, or one CSV record, may have.
pub(in crate::plan) const LINE_LIMIT: usize = 8 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads line after line.
pub(super) struct Lines<'d> {
    reader: BufReader<Box<dyn Read>>,
    digest: Digest,
    dialect: &'d Dialect,
    /// The line with its end, or several where a CSV record has several.
    line: Vec<u8>,
    /// Where the last line in `line` begins.
    start: usize,
    /// Bytes of `line` without the last end.
    length: usize,
    number: u64,
}

impl<'d> Lines<'d> {
    pub fn of(text: Text, dialect: &'d Dialect) -> Lines<'d> {
        let reader = BufReader::with_capacity(1 << 16, text.reader);
        Lines { reader, digest: text.digest, dialect, line: Vec::new(), start: 0, length: 0, number: 0 }
    }

    /// Goes to the next line that counts; its number, or `None` at the end.
    pub fn advance(&mut self, reader: &Reader<'_>) -> Result<Option<u64>, ListError> {
        loop {
            self.line.clear();
            if !self.append(reader)? {
                return Ok(None);
            }
            if self.number > self.dialect.skip_lines && !self.is_comment() {
                return Ok(Some(self.number));
            }
        }
    }

    /// Appends the next line to what is there; false at the end.
    pub fn append(&mut self, reader: &Reader<'_>) -> Result<bool, ListError> {
        self.start = self.line.len();
        self.number += 1;
        let ended = self.fill().map_err(|error| reader.unreadable_line(self.number, error))?;
        if self.line.len() > LINE_LIMIT {
            return Err(reader.line_too_long(self.number));
        }
        if self.line[self.start..].starts_with(BYTE_ORDER_MARK) {
            return Err(ListError::MarkWithin(reader.place(self.number)));
        }
        self.length = self.line.len() - ended;
        Ok(self.line.len() > self.start)
    }

    /// The line without its end.
    pub fn text(&self) -> &[u8] {
        &self.line[..self.length]
    }

    /// Where the line that was appended last begins.
    pub fn start(&self) -> usize {
        self.start
    }

    /// The number of the last line that was read.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The digest of all bytes that were read.
    pub fn sha256(&self) -> String {
        self.digest.hex()
    }

    fn is_comment(&self) -> bool {
        self.dialect.comment.as_ref().is_some_and(|comment| self.text().starts_with(comment.as_bytes()))
    }

    /// Reads to the end of a line, or somewhat beyond the limit; the length of what ends the line.
    fn fill(&mut self) -> io::Result<usize> {
        while self.line.len() <= LINE_LIMIT {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            let found = memchr::memchr2(b'\n', b'\r', buffer);
            let taken = found.map_or(buffer.len(), |at| at + 1);
            let end = found.map(|at| buffer[at]);
            self.line.extend_from_slice(&buffer[..taken]);
            self.reader.consume(taken);
            match end {
                Some(b'\r') => return Ok(1 + self.line_feed()?),
                Some(_) => return Ok(1),
                None if taken == 0 => return Ok(0),
                None => {}
            }
        }
        Ok(0)
    }

    /// Takes the LF of a CRLF.
    fn line_feed(&mut self) -> io::Result<usize> {
        let next = loop {
            match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                buffer => break buffer?.first().copied(),
            }
        };
        if next != Some(b'\n') {
            return Ok(0);
        }
        self.line.push(b'\n');
        self.reader.consume(1);
        Ok(1)
    }
}
