//! What bodies are written as, and how they are encoded on their way.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// As programs choose by default; more takes long and saves little.
const ZSTD_LEVEL: i32 = 3;

/// What rows are answered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// A list of objects.
    Json,
    /// An object in each line.
    Ndjson,
    /// RFC 4180 with a header; null is an empty field, an empty text `""`.
    Csv,
    /// Apache Parquet, only of the whole table: the published file itself, where it is one.
    Parquet,
}

impl BodyFormat {
    pub const ALL: [BodyFormat; 4] =
        [BodyFormat::Json, BodyFormat::Ndjson, BodyFormat::Csv, BodyFormat::Parquet];

    /// As the ending of a URL has it.
    pub fn ending(self) -> &'static str {
        match self {
            BodyFormat::Json => "json",
            BodyFormat::Ndjson => "ndjson",
            BodyFormat::Csv => "csv",
            BodyFormat::Parquet => "parquet",
        }
    }

    /// The format of that ending.
    pub fn of_ending(ending: &str) -> Option<BodyFormat> {
        BodyFormat::ALL.into_iter().find(|format| format.ending() == ending)
    }

    /// As `Content-Type` has it.
    pub fn media_type(self) -> &'static str {
        match self {
            BodyFormat::Json => "application/json",
            BodyFormat::Ndjson => "application/x-ndjson",
            BodyFormat::Csv => "text/csv; charset=utf-8; header=present",
            BodyFormat::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// How the bytes of a body are encoded on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    pub const ALL: [Encoding; 3] = [Encoding::Identity, Encoding::Gzip, Encoding::Zstd];

    /// As `Content-Encoding` has it; `None` where it is left out.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Encoding::Identity => None,
            Encoding::Gzip => Some("gzip"),
            Encoding::Zstd => Some("zstd"),
        }
    }

    /// Encodes as it writes.
    pub(super) fn encode(self, plain: &[u8], mut out: impl Write) -> io::Result<()> {
        match self {
            Encoding::Identity => out.write_all(plain),
            Encoding::Gzip => {
                let mut encoder = GzEncoder::new(out, Compression::default());
                encoder.write_all(plain)?;
                encoder.finish().map(drop)
            }
            Encoding::Zstd => zstd::stream::copy_encode(plain, out, ZSTD_LEVEL),
        }
    }

    /// The same into memory.
    pub fn encoded(self, plain: Vec<u8>) -> io::Result<Vec<u8>> {
        if self == Encoding::Identity {
            return Ok(plain);
        }
        let mut out = Vec::with_capacity(plain.len() / 4);
        self.encode(&plain, &mut out)?;
        Ok(out)
    }
}
