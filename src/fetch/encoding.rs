//! Codings of a body undone as a stream: gzip, deflate, br and zstd, also one in another.
//!
//! | the server says | so |
//! |---|---|
//! | `Content-Encoding` (RFC 9110, section 8.4) with codings from above | they are undone |
//! | one that is registered, or in use, and not from above: `compress`, `dcb`, `lzma` | a failure: the body is what nobody here can read |
//! | a word that is no coding: `utf-8`, `none`, `binary` | it says nothing of the body, and is ignored |
//! | `Transfer-Encoding` (RFC 9112, section 7): `chunked` alone, or last after gzip or deflate | it is undone |
//! | any other: `chunked, identity`, `xchunked`, `chunked` twice | a failure: where the body ends, or what it is, cannot be known |
//!
//! A body that breaks off where nothing tells its length is a connection that broke. Any other that is not what it is said
//! to be is a failure, also if it happens to be text, as it is for curl and browsers.
//! Zero bytes after a whole gzip or deflate stream are padding, as gzip(1) has it; any other bytes there, and any after a
//! br or zstd stream, are a failure, since they may be a part of the answer: gzip(1) warns of them, curl fails.
//!
//! What comes out is bounded twice: by the limit that the caller gives, and by what came over the wire. So are the
//! layers in between, and the windows that decoders keep: a hostile answer costs memory and time in proportion to
//! the bytes that it is.

use std::io::{self, BufRead, BufReader, Read};

use bytes::Bytes;
use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING};

use crate::record::{Failure, Kind};

/// Encodings that one answer may have. Two are a proxy that compresses what was compressed; more are a joke.
const MOST_LAYERS: usize = 3;

/// Decoded bytes for each byte over the wire. deflate cannot exceed 1032 and real text stays far below 100; only br
/// and zstd can pack more, and only filler: megabytes of it in an answer of some bytes are made to exhaust us.
const MAX_RATIO: u64 = 1000;

/// Decoded bytes that are harmless at any ratio.
const FREE_OF_RATIO: u64 = 1 << 20;

/// Largest zstd window, 8 MiB: what encoders for HTTP may use and decoders must take (RFC 9659, section 3).
const ZSTD_WINDOW_LOG: u32 = 23;

/// Bytes that are reserved before a body of unknown decoded size is decoded.
const FIRST_GUESS: usize = 64 * 1024;

/// The first byte of a gzip member (RFC 1952, section 2.3.1).
const GZIP: u8 = 0x1f;

/// Between two layers.
const BUFFER: usize = 8 * 1024;

/// Codings that cannot be undone here, of IANA's registry "HTTP Content Coding" and those that servers made up.
const NOT_OURS: [&str; 17] = [
    "compress",
    "x-compress",
    "aes128gcm",
    "dcb",
    "dcz",
    "exi",
    "pack200-gzip",
    "bzip2",
    "x-bzip2",
    "lz4",
    "lzma",
    "x-lzma",
    "sdch",
    "snappy",
    "x-snappy-framed",
    "xpress",
    "xz",
];

/// Undoes the content encoding; at most `limit` bytes come out.
pub(super) fn decode(headers: &HeaderMap, wire: Bytes, limit: u64) -> Result<Bytes, Failure> {
    let layers = layers(headers)?;
    if layers.is_empty() || wire.is_empty() {
        return Ok(wire);
    }
    let mut decoded = Vec::with_capacity(FIRST_GUESS.min(wire.len().saturating_mul(8)));
    let allowed = limit.min(FREE_OF_RATIO.max(MAX_RATIO.saturating_mul(wire.len() as u64)));
    let read = reader(&layers, &wire, allowed).and_then(|mut reader| reader.read_to_end(&mut decoded));
    match read {
        Ok(_) => Ok(decoded.into()),
        Err(error) if is_too_much(&error) && allowed < limit => Err(out_of_ratio(wire.len())),
        Err(error) if is_too_much(&error) => Err(too_large(limit)),
        Err(error) => {
            let names: Vec<&str> = layers.iter().map(|layer| layer.name()).collect();
            Err(not_undone(headers, &names.join(", "), &error))
        }
    }
}

/// The failure of a body that is not what it is said to be. Where nothing tells its length, one that breaks off is what is
/// seen of a connection that does, and asking again may mend it.
fn not_undone(headers: &HeaderMap, names: &str, error: &io::Error) -> Failure {
    let has_length = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    if error.kind() == io::ErrorKind::UnexpectedEof && !has_length {
        let why = format!("the answer breaks off, and nothing tells its length: {names}: {error}");
        return Failure::passing(Kind::Reset, why);
    }
    Failure::lasting(Kind::Decode, format!("the body is not valid {names}: {error}"))
}

/// As much of the beginning as can be had of a body that may be cut off, at most `limit` bytes.
pub(super) fn decode_beginning(headers: &HeaderMap, wire: Bytes, limit: usize) -> Bytes {
    let Ok(layers) = layers(headers) else { return Bytes::new() };
    if layers.is_empty() {
        return wire.slice(..wire.len().min(limit));
    }
    let mut decoded = Vec::new();
    if let Ok(reader) = reader(&layers, &wire, FREE_OF_RATIO) {
        // What came before an error is kept.
        let _ = reader.take(limit as u64).read_to_end(&mut decoded);
    }
    decoded.into()
}

/// The failure of a body that is larger than its limit.
pub(super) fn too_large(limit: u64) -> Failure {
    Failure::lasting(
        Kind::TooLarge,
        format!("the body has more than the {limit} bytes that max_answer allows"),
    )
}

fn out_of_ratio(wire: usize) -> Failure {
    let why =
        format!("the body grows to more than {MAX_RATIO} times the {wire} bytes that came over the wire");
    Failure::lasting(Kind::TooLarge, why)
}

/// One content encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Layer {
    fn name(self) -> &'static str {
        match self {
            Layer::Gzip => "gzip",
            Layer::Deflate => "deflate",
            Layer::Brotli => "br",
            Layer::Zstd => "zstd",
        }
    }

    /// Whether RFC 9112, section 7.2, has it as a transfer coding as well.
    fn is_of_transfer(self) -> bool {
        matches!(self, Layer::Gzip | Layer::Deflate)
    }

    fn of(name: &str) -> Option<Layer> {
        let known = [Layer::Gzip, Layer::Deflate, Layer::Brotli, Layer::Zstd];
        let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
        known.into_iter().find(|layer| layer.name().eq_ignore_ascii_case(name))
    }
}

/// The encodings of a body, in the order in which they were applied: those of the content, then those of its transfer.
fn layers(headers: &HeaderMap) -> Result<Vec<Layer>, Failure> {
    let mut layers = Vec::new();
    for name in codings(headers, &CONTENT_ENCODING).map(without_parameters) {
        match Layer::of(name) {
            Some(layer) => layers.push(layer),
            None if NOT_OURS.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
                let why = format!("content encoding {name:?} was not asked for and cannot be undone");
                return Err(Failure::lasting(Kind::Decode, why));
            }
            None => {}
        }
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        add_of_transfer(headers, &mut layers)?;
    }
    if layers.len() > MOST_LAYERS {
        Err(Failure::lasting(Kind::Decode, format!("more than {MOST_LAYERS} encodings")))
    } else {
        Ok(layers)
    }
}

/// The codings that a header names, with their parameters.
fn codings<'h>(headers: &'h HeaderMap, header: &HeaderName) -> impl Iterator<Item = &'h str> {
    let names = headers.get_all(header).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = names.map(|name| std::str::from_utf8(name).unwrap_or("(not text)"));
    names.map(str::trim).filter(|name| !name.is_empty())
}

fn without_parameters(name: &str) -> &str {
    name.split(';').next().unwrap_or_default().trim()
}

/// Adds what is left of the transfer encoding when hyper has undone `chunked`, which it does where that word is the
/// last, and bare: `chunked;x=y` it leaves as it came.
fn add_of_transfer(headers: &HeaderMap, layers: &mut Vec<Layer>) -> Result<(), Failure> {
    let mut is_chunked = false;
    for name in codings(headers, &TRANSFER_ENCODING) {
        match Layer::of(name).filter(|layer| layer.is_of_transfer()) {
            _ if is_chunked => return Err(not_transferred(headers)),
            Some(layer) => layers.push(layer),
            None if name.eq_ignore_ascii_case("chunked") => is_chunked = true,
            None => return Err(not_transferred(headers)),
        }
    }
    if is_chunked { Ok(()) } else { Err(not_transferred(headers)) }
}

fn not_transferred(headers: &HeaderMap) -> Failure {
    let names: Vec<&str> = codings(headers, &TRANSFER_ENCODING).collect();
    let why = format!("transfer encoding {:?} was not asked for and cannot be undone", names.join(", "));
    Failure::lasting(Kind::Protocol, why)
}

/// The decoded body. None of the layers gives more than `allowed` bytes.
fn reader<'a>(layers: &[Layer], wire: &'a [u8], allowed: u64) -> io::Result<Box<dyn Read + 'a>> {
    let mut layers = layers.iter().rev();
    let bounded = |inner| Box::new(Bounded { inner, left: allowed });
    let Some(outermost) = layers.next() else { return Ok(Box::new(wire)) };
    let mut reader = bounded(undo(*outermost, wire)?);
    for layer in layers {
        reader = bounded(undo(*layer, BufReader::with_capacity(BUFFER, reader))?);
    }
    Ok(reader)
}

fn undo<'a>(layer: Layer, mut encoded: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match layer {
        Layer::Gzip => Box::new(Gunzip(Some(GzDecoder::new(encoded)))),
        Layer::Deflate => {
            let has_header = is_zlib(encoded.fill_buf()?);
            Box::new(Inflate { stream: Decompress::new(has_header), encoded, is_whole: false })
        }
        Layer::Brotli => {
            refuse_large_window(encoded.fill_buf()?)?;
            Box::new(Unbrotli(brotli_decompressor::Decompressor::new(encoded, BUFFER)))
        }
        Layer::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(encoded)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    })
}

/// Whether a `deflate` body begins with zlib's header (RFC 1950, section 2.2), as it should. Some servers send the
/// bare stream (RFC 1951), which no encoder begins like that.
fn is_zlib(beginning: &[u8]) -> bool {
    match beginning {
        [method, flags, ..] => {
            method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => true,
    }
}

/// RFC 7932, section 9.1, leaves this first byte invalid; an extension uses it for windows of up to 1 GiB, which the
/// decoder would make room for.
fn refuse_large_window(beginning: &[u8]) -> io::Result<()> {
    match beginning.first() {
        Some(first) if first & 0x7f == 0x11 => Err(io::Error::other("its window is too large")),
        _ => Ok(()),
    }
}

/// gzip members one after the other (RFC 1952, section 2.2), with zero bytes between and after them. flate2's own
/// reader of several takes zeros for the header of another member.
struct Gunzip<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            let Some(member) = &mut self.0 else { break };
            let length = member.read(out)?;
            if length > 0 {
                return Ok(length);
            }
            let rest = self.0.take().map(GzDecoder::into_inner);
            if let Some(mut rest) = rest
                && !is_padding(&mut rest)?
            {
                if rest.fill_buf()?.first() != Some(&GZIP) {
                    return Err(after_the_end());
                }
                self.0 = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

fn after_the_end() -> io::Error {
    io::Error::other("other bytes follow its end")
}

/// Whether nothing but zero bytes follow; reads up to the first other one.
fn is_padding(rest: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = rest.fill_buf()?;
        let (length, zeros) = (bytes.len(), bytes.iter().take_while(|byte| **byte == 0).count());
        rest.consume(zeros);
        match length {
            0 => return Ok(true),
            _ if zeros < length => return Ok(false),
            _ => {}
        }
    }
}

/// A deflate stream. flate2's own readers take one that breaks off for one that is whole.
struct Inflate<R> {
    stream: Decompress,
    encoded: R,
    is_whole: bool,
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.is_whole && !out.is_empty() {
            let input = self.encoded.fill_buf()?;
            let is_end = input.is_empty();
            let before = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.decompress(input, out, FlushDecompress::None)?;
            let written = (self.stream.total_out() - before.1) as usize;
            self.encoded.consume((self.stream.total_in() - before.0) as usize);
            self.is_whole = status == Status::StreamEnd;
            if self.is_whole && !is_padding(&mut self.encoded)? {
                return Err(after_the_end());
            }
            if written > 0 {
                return Ok(written);
            }
            if is_end && !self.is_whole {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it breaks off"));
            }
        }
        Ok(0)
    }
}

/// A br stream. Its decoder ends where the stream does, and complains of what follows only to who reads on.
struct Unbrotli<R: BufRead>(brotli_decompressor::Decompressor<R>);

impl<R: BufRead> Read for Unbrotli<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(out)?;
        if length == 0 && !out.is_empty() {
            let is_end = self.0.read(out).is_ok_and(|more| more == 0);
            if !is_end || !self.0.get_mut().fill_buf()?.is_empty() {
                return Err(after_the_end());
            }
        }
        Ok(length)
    }
}

/// A reader that fails instead of giving more than it may.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(out)?;
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| io::Error::other(TooMuch))?;
        Ok(length)
    }
}

/// A layer gave more than it may.
#[derive(Debug, thiserror::Error)]
#[error("too much comes out of it")]
struct TooMuch;

/// Decoders pass the error of what they read from on as it is.
fn is_too_much(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<TooMuch>())
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use hyper::header::HeaderValue;

    use super::*;
    use crate::seed::seeded;

    const LIMIT: u64 = 4 << 20;

    pub(in crate::fetch) fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    pub(in crate::fetch) fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 9).unwrap()
    }

    /// `br` without an encoder: uncompressed blocks of at most 64 KiB (RFC 7932, section 9.2).
    fn brotli(text: &[u8]) -> Vec<u8> {
        // Window bits 16 ("0"); then for each block: not the last, four nibbles of length, uncompressed.
        let mut out = Vec::new();
        let mut lead = 1;
        for block in text.chunks(1 << 16) {
            let length = block.len() as u32 - 1;
            // "0" not last, "00" four nibbles, 16 bits of length less one, "1" uncompressed.
            let header = length << 3 | 1 << 19;
            out.extend_from_slice(&(header << lead).to_le_bytes()[..(20 + lead as usize).div_ceil(8)]);
            out.extend_from_slice(block);
            lead = 0;
        }
        // "1" last, "1" empty.
        out.push(3 << lead);
        out
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let pair = |value: &&str| (CONTENT_ENCODING, HeaderValue::from_str(value).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in values.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    fn decoded(encoding: &str, wire: Vec<u8>) -> Result<Bytes, Kind> {
        let mut headers = headers(&[encoding]);
        headers.insert(CONTENT_LENGTH, wire.len().into());
        decode(&headers, wire.into(), LIMIT).map_err(|failure| failure.kind)
    }

    fn refusal(encoding: &str, wire: Vec<u8>) -> String {
        decode(&headers(&[encoding]), wire.into(), LIMIT).unwrap_err().detail
    }

    #[test]
    fn every_encoding_is_undone() {
        for text in [&b"{\"a\":1}"[..], &b"0123456789".repeat(20_000), b""] {
            for (name, wire) in [
                ("gzip", gzip(text)),
                ("X-GZip", gzip(text)),
                ("deflate", zlib(text)),
                ("deflate", deflate(text)),
                ("br", brotli(text)),
                ("zstd", zstd(text)),
                ("identity, gzip", gzip(text)),
                ("gzip, br", brotli(&gzip(text))),
                ("deflate,zstd , gzip", gzip(&zstd(&zlib(text)))),
            ] {
                assert_eq!(decoded(name, wire).unwrap(), text, "{name}");
            }
        }
        let two = headers(&["gzip", "zstd"]);
        assert_eq!(decode(&two, zstd(&gzip(b"there")).into(), LIMIT).unwrap(), "there");
    }

    /// 2,291 bytes of JSON from the brotli encoder at level 11, with matches and words of its dictionary.
    const BROTLI_FILMS: &str = "1bf208009c077663c707bd36af13369a106a2db2b70533e9d2c89a45a7ab8f0e0ec9036aafc3f3cb03b0\
         1e7ef5c24c26b89bf160034e036b9887a72ae0cfe788b18598bbb4c43a9f43be8c4c4048444c42862c39f11134012111310919b2e4c4\
         47d8048444c42464c892131f51131012119390214baee4bb01";

    /// 3 MiB of spaces.
    const BROTLI_BOMB: &str = "9bffff2f002440e2b14072ef5f00";

    fn from_hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn what_a_real_encoder_made_of_a_text_is_undone() {
        let film = |n| format!("{{\"id\":\"tt{n:07}\",\"title\":\"The time of the information\"}}");
        let films: Vec<String> = (0..40).map(film).collect();
        let whole = from_hex(BROTLI_FILMS);
        assert_eq!(decoded("br", whole.clone()).unwrap(), format!("{{\"films\":[{}]}}", films.join(",")));
        for cut in 1..whole.len() {
            assert_eq!(decoded("br", whole[..cut].into()), Err(Kind::Decode), "{cut}");
        }
    }

    #[test]
    fn several_members_and_frames_are_one_body() {
        assert_eq!(decoded("gzip", [gzip(b"{\"a\":"), gzip(b"1}")].concat()).unwrap(), "{\"a\":1}");
        assert_eq!(decoded("zstd", [zstd(b"{\"a\":"), zstd(b"1}")].concat()).unwrap(), "{\"a\":1}");
    }

    #[test]
    fn zeros_after_the_end_are_padding() {
        for zeros in [1, 7, 512, 20_000] {
            let padded = |wire: Vec<u8>| [wire, vec![0; zeros]].concat();
            assert_eq!(decoded("gzip", padded(gzip(b"{}"))).unwrap(), "{}");
            assert_eq!(decoded("gzip", [padded(gzip(b"[1,")), gzip(b"2]")].concat()).unwrap(), "[1,2]");
            assert_eq!(decoded("gzip, gzip", padded(gzip(&padded(gzip(b"{}"))))).unwrap(), "{}");
            assert_eq!(decoded("deflate", padded(zlib(b"{}"))).unwrap(), "{}");
            assert_eq!(decoded("deflate", padded(deflate(b"{}"))).unwrap(), "{}");
        }
    }

    #[test]
    fn a_word_that_is_no_coding_is_ignored() {
        for word in
            ["utf-8", "UTF8", "none", "binary", "identity", "8bit", "application/json", "null", "\u{e9}"]
        {
            assert_eq!(decoded(word, b"{}".into()).unwrap(), "{}", "{word}");
            assert_eq!(decoded(&format!("{word}, gzip"), gzip(b"{}")).unwrap(), "{}", "{word}");
        }
        assert!(
            refusal("gzip", [gzip(b"{}"), b"\n \n".into()].concat()).ends_with("other bytes follow its end")
        );
        assert_eq!(decoded("gzip;q=1", gzip(b"{}")).unwrap(), "{}");
        assert_eq!(decode(&headers(&["utf-8", "gzip"]), gzip(b"{}").into(), LIMIT).unwrap(), "{}");
    }

    #[test]
    fn a_transfer_encoding_is_undone_or_refused() {
        let transferred = |values: &[&str], wire: Vec<u8>| {
            let mut headers = headers(&[]);
            for value in values {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_str(value).unwrap());
            }
            decode(&headers, wire.into(), LIMIT)
        };
        for (values, wire) in [
            (&["chunked"][..], b"{}".into()),
            (&[" Chunked "], b"{}".into()),
            (&["gzip, chunked"], gzip(b"{}")),
            (&["x-gzip", "chunked"], gzip(b"{}")),
            (&["deflate , gzip,chunked"], gzip(&zlib(b"{}"))),
        ] {
            assert_eq!(transferred(values, wire).unwrap(), "{}", "{values:?}");
        }
        for values in [
            &["chunked, identity"][..],
            &["identity"],
            &["xchunked"],
            &["chunked, chunked"],
            &["chunked, gzip"],
            &["gzip"],
            &["compress, chunked"],
            &["br, chunked"],
            &["utf-8, chunked"],
            &["chunked", "identity"],
            &["é"],
            &[""],
        ] {
            let failure = transferred(values, gzip(b"{}")).unwrap_err();
            assert_eq!((failure.kind, failure.worth_repeating), (Kind::Protocol, false), "{values:?}");
        }
        let mut both = headers(&["br"]);
        both.append(TRANSFER_ENCODING, HeaderValue::from_static("gzip, chunked"));
        assert_eq!(decode(&both, gzip(&brotli(b"{}")).into(), LIMIT).unwrap(), "{}");
    }

    #[test]
    fn no_encoding_and_no_body_pass_unchanged() {
        assert_eq!(decoded("identity", b"abc".into()).unwrap(), "abc");
        assert_eq!(decoded(" , ", b"abc".into()).unwrap(), "abc");
        assert_eq!(decoded("gzip", Vec::new()).unwrap(), "");
        assert_eq!(decode(&HeaderMap::new(), "abc".into(), LIMIT).unwrap(), "abc");
    }

    #[test]
    fn broken_cut_and_unknown_encodings_are_decode_failures() {
        let text: Vec<u8> =
            (0..10_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        type Encoder = fn(&[u8]) -> Vec<u8>;
        let encoders: [(&str, Encoder); 5] =
            [("gzip", gzip), ("deflate", zlib), ("deflate", deflate), ("br", brotli), ("zstd", zstd)];
        for (name, encoder) in encoders {
            let whole = encoder(&text);
            for cut in [1, 2, 5, whole.len() / 2, whole.len() - 1] {
                assert_eq!(decoded(name, whole[..cut].into()), Err(Kind::Decode), "{name} cut at {cut}");
            }
            assert_eq!(decoded(name, b"{\"plain\":1}".into()), Err(Kind::Decode), "{name}");
        }
        let whole = gzip(&b"0123456789".repeat(100));
        let mut broken = whole.clone();
        broken[12] ^= 0xff;
        for (encoding, wire) in [
            ("gzip", broken),
            ("gzip", [whole.clone(), b"and more".into()].concat()),
            ("gzip", [whole.clone(), b"\0\0and more".into()].concat()),
            ("gzip", [vec![0], whole.clone()].concat()),
            ("gzip", vec![0; 9]),
            ("gzip", [whole.clone(), whole[..whole.len() - 1].into()].concat()),
            ("deflate", [zlib(&text), b"and more".into()].concat()),
            ("deflate", [deflate(&text), b"\0and more".into()].concat()),
            ("br", [brotli(&text), b"and more".into()].concat()),
            ("br", [brotli(&text), vec![0; 2 * BUFFER]].concat()),
            ("br", [brotli(&text), brotli(&text)].concat()),
            ("zstd", [zstd(&text), b"and more".into()].concat()),
            ("compress", whole.clone()),
            ("X-Compress", whole.clone()),
            ("gzip, dcb", whole.clone()),
            ("gzip, gzip", whole.clone()),
            ("br, br, br, gzip", whole),
        ] {
            assert_eq!(decoded(encoding, wire), Err(Kind::Decode), "{encoding}");
        }
    }

    #[test]
    fn what_breaks_off_where_nothing_tells_its_length_may_be_whole_next_time() {
        let whole = gzip(b"{\"a\":1}");
        for cut in 1..whole.len() {
            let wire = Bytes::copy_from_slice(&whole[..cut]);
            let failure = decode(&headers(&["gzip"]), wire, LIMIT).unwrap_err();
            assert_eq!((failure.kind, failure.worth_repeating), (Kind::Reset, true), "{cut}");
        }
        let failure = decode(&headers(&["gzip"]), "{\"a\": \"as it is\"}".into(), LIMIT).unwrap_err();
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Decode, false));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let numbers = (0u32..).flat_map(|number| number.to_string().into_bytes());
        let mut text: Vec<u8> = numbers.take(LIMIT as usize).collect();
        assert_eq!(decoded("gzip", gzip(&text)).unwrap(), text);
        text.push(b' ');
        assert!(refusal("gzip", gzip(&text)).contains("max_answer"));
        // Cut at its end: whoever unpacked it all would find that out first.
        let mut bomb = gzip(&vec![b' '; 64 << 20]);
        bomb.truncate(bomb.len() - 4);
        assert!(refusal("gzip", bomb).contains("max_answer"));
    }

    #[test]
    fn a_few_bytes_do_not_become_megabytes() {
        let harmless = vec![b' '; 1 << 20];
        assert_eq!(decoded("zstd", zstd(&harmless)).unwrap().len(), 1 << 20);
        let bomb = zstd(&vec![b' '; 3 << 20]);
        assert!(bomb.len() < 1000, "{}", bomb.len());
        assert!(refusal("zstd", bomb).contains("more than 1000 times"));
        assert!(refusal("br", from_hex(BROTLI_BOMB)).contains("more than 1000 times"));
        let nested = gzip(&gzip(&vec![b' '; 3 << 20]));
        assert!(refusal("gzip, gzip", nested).contains("more than 1000 times"));
    }

    #[test]
    fn a_layer_in_between_is_bounded_too() {
        // A zstd frame that is to be skipped (RFC 8878, section 3.1.2) gives nothing, however long it is.
        let mut skipped = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 4].to_vec();
        skipped.resize(8 + (64 << 20), 0);
        assert!(refusal("zstd, gzip", gzip(&skipped)).contains("max_answer"));
    }

    #[test]
    fn windows_are_bounded() {
        let mut random = seeded();
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1000).collect();
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(24).unwrap();
        encoder.write_all(&noise).unwrap();
        assert_eq!(decoded("zstd", encoder.finish().unwrap()), Err(Kind::Decode));
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(23).unwrap();
        encoder.write_all(&noise).unwrap();
        assert_eq!(decoded("zstd", encoder.finish().unwrap()).unwrap(), noise);
        assert!(refusal("br", vec![0x11, 0x1e, 0, 0, 0, 0, 0]).contains("window"));
    }

    #[test]
    fn the_beginning_of_a_cut_body_is_had() {
        let text = b"0123456789".repeat(1000);
        let beginning =
            |name: &str, wire: &[u8]| decode_beginning(&headers(&[name]), Bytes::copy_from_slice(wire), 64);
        for (name, whole) in
            [("gzip", gzip(&text)), ("zstd", zstd(&text)), ("br", brotli(&text)), ("", text.clone())]
        {
            assert_eq!(beginning(name, &whole), text[..64], "{name}");
        }
        let mut random = seeded();
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1 << 17).collect();
        let whole = gzip(&noise);
        assert_eq!(beginning("gzip", &whole[..whole.len() / 2]), noise[..64]);
        assert_eq!(beginning("gzip", b"none"), "");
        assert_eq!(beginning("compress", b"none"), "");
    }
}
