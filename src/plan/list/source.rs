//! The list's bytes: opened, hashed as they pass, decompressed, recognised, and made UTF-8.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use encoding_rs::{Encoding, UTF_8};
use sha2::{Digest as _, Sha256};

use super::ListError;
use super::compressed::Compression;
use super::decoded::Decoded;
use crate::handoff::digest::hex;
use crate::job::Format;

/// Bytes looked at to recognise what a list is.
const HEAD: u64 = 512;

/// First bytes of what is often taken for a list.
const KNOWN: [(&[u8], &str, &str); 11] = [
    (b"\x1f\x8b", "compressed with gzip twice", "decompress it once, as with `gunzip`"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd twice", "decompress it once, as with `unzstd`"),
    (
        b"\xfd7zXZ\0",
        "compressed with xz",
        "decompress it first, as with `unxz`; .gz and .zst are read as they are",
    ),
    (
        b"BZh",
        "compressed with bzip2",
        "decompress it first, as with `bunzip2`; .gz and .zst are read as they are",
    ),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet", "save the sheet as CSV"),
    (b"\x89PNG\r\n", "a PNG image", "name the list"),
    (b"\xff\xd8\xff", "a JPEG image", "name the list"),
    (b"%PDF-", "a PDF", "name the list"),
    (b"\x7fELF", "a program", "name the list"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "say database = \"sqlite:FILE\" and sql = \"SELECT …\" under [input], in place of file",
    ),
];

/// Opens a list's file.
pub(in crate::plan) fn open(path: &Path) -> Result<File, ListError> {
    let shown = || path.display().to_string();
    // One that nobody writes into would be waited for when it is opened.
    if path.metadata().is_ok_and(|facts| !facts.is_file() && !facts.is_dir()) {
        return Err(ListError::Pipe(shown()));
    }
    let file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ListError::Missing(shown()),
        _ => ListError::Unreadable { list: shown(), source },
    })?;
    let facts = file.metadata().map_err(|source| ListError::Unreadable { list: shown(), source })?;
    if facts.is_dir() { Err(ListError::Folder(shown())) } else { Ok(file) }
}

/// The SHA-256 of all bytes of a list that were read so far, as they lie there, compressed or not.
#[derive(Clone, Default)]
pub(super) struct Digest(Rc<RefCell<Sha256>>);

impl Digest {
    /// In hexadecimal.
    pub fn hex(&self) -> String {
        hex(self.0.borrow().clone())
    }
}

/// Hashes what passes.
struct Hashed {
    inner: Box<dyn Read>,
    digest: Digest,
}

impl Read for Hashed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.digest.0.borrow_mut().update(&out[..count]);
        Ok(count)
    }
}

/// A list's bytes, decompressed.
pub(super) struct Bytes {
    pub reader: Box<dyn Read>,
    pub digest: Digest,
}

impl Bytes {
    /// `named` is what the file's ending promises.
    pub fn of(list: &str, raw: Box<dyn Read>, named: Option<Compression>) -> Result<Bytes, ListError> {
        let digest = Digest::default();
        let mut reader: Box<dyn Read> = Box::new(Hashed { inner: raw, digest: digest.clone() });
        let head = beginning(list, &mut reader)?;
        if let Some(compression) = named.filter(|_| head.is_empty()) {
            let source = io::ErrorKind::UnexpectedEof.into();
            return Err(ListError::compressed(list, compression, &source));
        }
        let compression = Compression::of_bytes(&head);
        reader = Box::new(Cursor::new(head).chain(reader));
        if let Some(compression) = compression {
            let unreadable = |source| ListError::Unreadable { list: list.to_owned(), source };
            reader = compression.undo(reader).map_err(unreadable)?;
        }
        Ok(Bytes { reader, digest })
    }

    /// The text, as UTF-8 and without its byte order mark, once its first bytes were looked at and what is no text was
    /// refused. `said` is the encoding that the job names; a mark is believed first, as in the Encoding Standard.
    pub fn into_text(
        mut self,
        list: &str,
        format: Format,
        said: Option<&'static Encoding>,
    ) -> Result<Text, ListError> {
        let mut head = beginning(list, &mut self.reader)?;
        recognise(list, &head, format, said)?;
        let marked = Encoding::for_bom(&head);
        if let Some((_, length)) = marked {
            head.drain(..length);
        }
        let encoding = marked.map(|(encoding, _)| encoding).or(said).unwrap_or(UTF_8);
        let reader = Cursor::new(head).chain(self.reader);
        let reader: Box<dyn Read> =
            if encoding == UTF_8 { Box::new(reader) } else { Box::new(Decoded::new(reader, encoding)) };
        Ok(Text { reader, digest: self.digest })
    }
}

/// A list's text.
pub(super) struct Text {
    pub reader: Box<dyn Read>,
    pub digest: Digest,
}

/// The first bytes.
fn beginning(list: &str, reader: &mut Box<dyn Read>) -> Result<Vec<u8>, ListError> {
    let mut head = Vec::new();
    match reader.take(HEAD).read_to_end(&mut head) {
        Ok(_) => Ok(head),
        Err(error) => Err(ListError::of_reading(list, error)),
    }
}

fn recognise(
    list: &str,
    head: &[u8],
    format: Format,
    said: Option<&'static Encoding>,
) -> Result<(), ListError> {
    let foreign = |what: &str, hint: &str| {
        Err(ListError::Foreign { list: list.to_owned(), what: what.to_owned(), hint: hint.to_owned() })
    };
    if let Some((_, what, hint)) = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return foreign(what, hint);
    }
    if head.starts_with(b"PAR1") {
        return foreign("a Parquet file", "say format = \"parquet\"");
    }
    if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        return foreign("UTF-32 text", "convert it, as with `iconv -f utf-32 -t utf-8`");
    }
    if said.is_some() || Encoding::for_bom(head).is_some() {
        return Ok(());
    }
    if let Some(label) = unmarked_utf16(head) {
        let what = "UTF-16 text without a byte order mark, as it seems";
        return foreign(what, &format!("say encoding = \"{label}\" under [input]"));
    }
    let first_line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if matches!(format, Format::Csv | Format::Tsv) && first_line.contains(&0) {
        return foreign("a binary file, its header holds NUL bytes", "name the list");
    }
    Ok(())
}

/// The UTF-16 that a text looks like: every other byte of most of its letters is zero, and none between them.
fn unmarked_utf16(head: &[u8]) -> Option<&'static str> {
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let are_many = |zeros: usize| zeros >= 2 && zeros * 4 >= head.len();
    match (even, odd) {
        (0, odd) if are_many(odd) => Some("utf-16le"),
        (even, 0) if are_many(even) => Some("utf-16be"),
        _ => None,
    }
}
