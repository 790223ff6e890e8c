//! Lists that are compressed with gzip (RFC 1952) or zstd (RFC 8878), undone as they are read.
//!
//! Promises: what is recognised by its first bytes is undone whole, however many members or frames it has, and zero bytes
//! after the last gzip member are padding, as gzip has it. A stream that is cut off, damaged or followed by anything
//! else is a [`Damaged`] error at its end, never a shorter list. Memory does not grow with what comes out.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

/// How a list is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

/// A compressed list that cannot be undone to its end.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(super) struct Damaged {
    pub compression: Compression,
    pub source: io::Error,
}

impl Compression {
    /// By the first bytes.
    pub fn of_bytes(beginning: &[u8]) -> Option<Compression> {
        match beginning {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            // A frame, or a skippable one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// By a file's ending.
    pub fn of_ending(path: &Path) -> Option<Compression> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "gz" => Some(Compression::Gzip),
            "zst" => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// What comes out of `packed`.
    pub fn undo(self, packed: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
        let packed = BufReader::with_capacity(1 << 16, packed);
        let inner: Box<dyn Read> = match self {
            Compression::Gzip => Box::new(Members { now: Some(GzDecoder::new(packed)) }),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?),
        };
        Ok(Box::new(Undone { compression: self, inner }))
    }

    /// An error of a decoder's own as [`Damaged`]; trouble with the file stays what it is.
    fn error(self, source: io::Error) -> io::Error {
        use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
        match source.kind() {
            UnexpectedEof | InvalidData | InvalidInput | Other => {
                io::Error::other(Damaged { compression: self, source })
            }
            _ => source,
        }
    }
}

/// Errors by their meaning.
struct Undone {
    compression: Compression,
    inner: Box<dyn Read>,
}

impl Read for Undone {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.inner.read(out).map_err(|error| self.compression.error(error))
    }
}

/// The members of a gzip stream, one after the other.
struct Members<R> {
    /// `None` at the end.
    now: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.now {
            let count = member.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            let Some(mut rest) = self.now.take().map(GzDecoder::into_inner) else { break };
            if !is_at_end(&mut rest)? {
                self.now = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// Whether nothing follows but padding, which is read.
fn is_at_end(rest: &mut impl BufRead) -> io::Result<bool> {
    if rest.fill_buf()?.first().is_some_and(|first| *first != 0) {
        return Ok(false);
    }
    loop {
        let padding = rest.fill_buf()?;
        let count = padding.len();
        if count == 0 {
            return Ok(true);
        }
        if padding.iter().any(|byte| *byte != 0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "bytes that are not gzip follow it"));
        }
        rest.consume(count);
    }
}
