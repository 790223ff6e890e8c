//! The list's bytes: opened, recognised, hashed as they pass, and never more than a line of them at once.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::ListError;
use crate::handoff::digest::hex;
use crate::job::Format;

/// Bytes that one line, or one CSV record, may have.
pub(in crate::plan) const LINE_LIMIT: u64 = 8 << 20;

/// Bytes looked at to recognise what a list is.
const HEAD: u64 = 512;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// First bytes of what is often taken for a list.
const KNOWN: [(&[u8], &str, &str); 13] = [
    (b"\x1f\x8b", "compressed with gzip", "decompress it first, as with `gunzip`"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "decompress it first, as with `unzstd`"),
    (b"\xfd7zXZ\0", "compressed with xz", "decompress it first, as with `unxz`"),
    (b"BZh", "compressed with bzip2", "decompress it first, as with `bunzip2`"),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet", "save the sheet as CSV"),
    (b"\x89PNG\r\n", "a PNG image", "name the list"),
    (b"\xff\xd8\xff", "a JPEG image", "name the list"),
    (b"%PDF-", "a PDF", "name the list"),
    (b"\x7fELF", "a program", "name the list"),
    (b"SQLite format 3\0", "an SQLite database", "export the ids as CSV"),
    (b"\xff\xfe", "UTF-16 text", "convert it, as with `iconv -f utf-16 -t utf-8`"),
    (b"\xfe\xff", "UTF-16 text", "convert it, as with `iconv -f utf-16 -t utf-8`"),
];

/// Opens a list's file.
pub(in crate::plan) fn open(path: &Path) -> Result<File, ListError> {
    let shown = || path.display().to_string();
    let file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ListError::Missing(shown()),
        _ => ListError::Unreadable { list: shown(), source },
    })?;
    let facts = file.metadata().map_err(|source| ListError::Unreadable { list: shown(), source })?;
    if facts.is_dir() { Err(ListError::Folder(shown())) } else { Ok(file) }
}

/// A list's bytes, hashed as they are read.
pub(super) struct Bytes {
    inner: Box<dyn Read>,
    hash: Sha256,
    given: u64,
    /// Bytes that may be given before reading fails.
    allowed: u64,
    /// The last byte given that ends no line.
    last: u8,
}

/// Reading went beyond what one line may have.
#[derive(Debug, thiserror::Error)]
#[error("a line is too long")]
pub(super) struct Beyond;

impl Bytes {
    pub fn new(inner: Box<dyn Read>) -> Bytes {
        Bytes { inner, hash: Sha256::new(), given: 0, allowed: u64::MAX, last: 0 }
    }

    /// Lets so many bytes, from the start, be read.
    pub fn allow(&mut self, until: u64) {
        self.allowed = until;
    }

    /// The last byte that was read and ends no line.
    pub fn last(&self) -> u8 {
        self.last
    }

    /// The digest of all bytes that were read.
    pub fn sha256(self) -> String {
        hex(self.hash)
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.allowed {
            return Err(io::Error::other(Beyond));
        }
        let count = self.inner.read(buffer)?;
        let read = &buffer[..count];
        self.hash.update(read);
        self.given += count as u64;
        if let Some(last) = read.iter().rev().find(|byte| !b"\r\n".contains(byte)) {
            self.last = *last;
        }
        Ok(count)
    }
}

/// A text list without its byte order mark, once its first bytes were looked at.
pub(super) type Text = io::Chain<Cursor<Vec<u8>>, Bytes>;

/// Looks at a text list's first bytes and refuses what is no text.
pub(super) fn text(list: &str, mut bytes: Bytes, format: Format) -> Result<Text, ListError> {
    let mut head = Vec::new();
    let read = bytes.by_ref().take(HEAD).read_to_end(&mut head);
    read.map_err(|source| ListError::Unreadable { list: list.to_owned(), source })?;
    recognise(list, &head, format)?;
    if head.starts_with(BOM) {
        head.drain(..BOM.len());
    }
    Ok(Cursor::new(head).chain(bytes))
}

fn recognise(list: &str, head: &[u8], format: Format) -> Result<(), ListError> {
    let foreign = |what: &str, hint: &str| {
        Err(ListError::Foreign { list: list.to_owned(), what: what.to_owned(), hint: hint.to_owned() })
    };
    if let Some((_, what, hint)) = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return foreign(what, hint);
    }
    if head.starts_with(b"PAR1") {
        return foreign("a Parquet file", "say format = \"parquet\"");
    }
    let first_line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if matches!(format, Format::Csv | Format::Tsv) && first_line.contains(&0) {
        return foreign("a binary file, its header holds NUL bytes", "name the list");
    }
    Ok(())
}

/// The lines of a text, without their ends.
pub(super) struct Lines {
    reader: BufReader<Text>,
    line: Vec<u8>,
    number: u64,
}

/// What [`Lines`] finds next.
pub(super) enum Line<'a> {
    /// A line and its number, from 1.
    Text(u64, &'a [u8]),
    /// A line above [`LINE_LIMIT`].
    TooLong(u64),
    /// The end.
    End,
}

impl Lines {
    pub fn of(text: Text) -> Lines {
        Lines { reader: BufReader::with_capacity(1 << 16, text), line: Vec::new(), number: 0 }
    }

    /// The next line, an empty one included.
    pub fn next_line(&mut self) -> io::Result<Line<'_>> {
        self.line.clear();
        let mut limited = self.reader.by_ref().take(LINE_LIMIT + 1);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(Line::End);
        }
        self.number += 1;
        if self.line.len() as u64 > LINE_LIMIT {
            return Ok(Line::TooLong(self.number));
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Line::Text(self.number, line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// The digest of what was read.
    pub fn sha256(self) -> String {
        self.reader.into_inner().into_inner().1.sha256()
    }
}
