//! Content codings: how a body is packed for whoever says that it accepts them.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

/// A content coding (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    /// zlib's format, as the name means in HTTP.
    Deflate,
    Brotli,
    Zstandard,
}

impl Coding {
    /// The name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Brotli => "br",
            Coding::Zstandard => "zstd",
        }
    }

    /// Whether a request accepts it: named, and not with a weight of 0.
    pub fn is_accepted(self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight: String = weight.split_whitespace().collect();
            name.trim().eq_ignore_ascii_case(self.name())
                && !matches!(weight.as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
    }

    /// The body packed.
    pub fn pack(self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(body)?;
                encoder.finish()
            }
            Coding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(body)?;
                encoder.finish()
            }
            Coding::Brotli => Ok(brotli(body)),
            Coding::Zstandard => zstd::bulk::compress(body, 1),
        }
    }
}

/// Bytes of an uncompressed Brotli block whose length takes four nibbles.
const BLOCK: usize = 1 << 16;

/// The body as a Brotli stream of uncompressed blocks (RFC 7932, section 9): no encoder is at hand, and every decoder
/// reads them.
fn brotli(body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(body.len() + 8);
    // The window's size, one bit 0 for 64 KiB, comes before the first block's header.
    let mut bits_before = 1;
    for block in body.chunks(BLOCK) {
        // From the lowest bit: not the last block (1 bit), four nibbles (2), length - 1 (16), uncompressed (1).
        let header = (((block.len() - 1) << 3 | 1 << 19) as u32) << bits_before;
        packed.extend(&header.to_le_bytes()[..3]);
        packed.extend(block);
        bits_before = 0;
    }
    // The last block, which is empty.
    packed.push(0b11 << bits_before);
    packed
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn unpacked(coding: Coding, packed: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        let read = match coding {
            Coding::Gzip => flate2::read::GzDecoder::new(packed).read_to_end(&mut body),
            Coding::Deflate => flate2::read::ZlibDecoder::new(packed).read_to_end(&mut body),
            Coding::Brotli => brotli_decompressor::Decompressor::new(packed, 4096).read_to_end(&mut body),
            Coding::Zstandard => {
                zstd::Decoder::new(packed).and_then(|mut decoder| decoder.read_to_end(&mut body))
            }
        };
        read.expect("a whole stream");
        body
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let long: Vec<u8> = (0..200_000_u64).map(|number| (number * number / 128) as u8).collect();
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstandard] {
            for body in [&b""[..], b"x", &long[..BLOCK], &long] {
                let packed = coding.pack(body).expect("memory");
                assert!(unpacked(coding, &packed) == body, "{coding:?}, {} bytes", body.len());
            }
        }
    }

    #[test]
    fn only_what_is_named_is_accepted() {
        let accepts = |value: &'static str, coding: Coding| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().expect("a value"))]);
            coding.is_accepted(&headers)
        };
        assert!(accepts("deflate, GZIP;q=0.5", Coding::Gzip) && accepts("br", Coding::Brotli));
        assert!(!accepts("gzip;q=0, br", Coding::Gzip) && !accepts("x-gzip", Coding::Gzip));
        assert!(!Coding::Gzip.is_accepted(&HeaderMap::new()));
    }
}
