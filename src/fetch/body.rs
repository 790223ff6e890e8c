//! The body of an answer: read within its limit, its encoding undone within the same limit.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap};

use super::classify;
use super::watch::Watch;
use crate::record::{Failure, Kind};

/// Bytes that are reserved before a body of unknown decoded size is decoded.
const FIRST_GUESS: usize = 64 * 1024;

/// Reads a body as it comes over the wire. Each piece is counted in `received` as it comes.
pub(super) async fn read(
    body: &mut Incoming,
    limit: u64,
    watch: &mut Watch<'_>,
    received: &mut u64,
) -> Result<Bytes, Failure> {
    if body.size_hint().lower() > limit {
        return Err(too_large(limit));
    }
    let mut whole = Whole::Nothing;
    let mut length = 0;
    while !body.is_end_stream() {
        let Some(frame) = watch.step(body.frame()).await? else { break };
        let Ok(piece) = frame.map_err(|error| classify::broken_body(&error))?.into_data() else { continue };
        *received += piece.len() as u64;
        length += piece.len() as u64;
        if length > limit {
            return Err(too_large(limit));
        }
        whole.push(piece, body.size_hint().lower());
    }
    Ok(whole.into_bytes())
}

/// A body in one piece is passed on as it is; further pieces are copied together.
enum Whole {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Whole {
    fn push(&mut self, piece: Bytes, expected: u64) {
        match self {
            Whole::Nothing => *self = Whole::One(piece),
            Whole::One(first) => {
                // The rest is known to be below the limit, and a server's promise costs no memory until kept.
                let capacity = first.len() + piece.len() + usize::try_from(expected).unwrap_or(0);
                let mut pieces = BytesMut::with_capacity(capacity);
                pieces.extend_from_slice(first);
                pieces.extend_from_slice(&piece);
                *self = Whole::Many(pieces);
            }
            Whole::Many(pieces) => pieces.extend_from_slice(&piece),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Whole::Nothing => Bytes::new(),
            Whole::One(piece) => piece,
            Whole::Many(pieces) => pieces.freeze(),
        }
    }
}

/// Undoes the content encoding; at most `limit` bytes come out.
pub(super) fn decode(headers: &HeaderMap, wire: Bytes, limit: u64) -> Result<Bytes, Failure> {
    let Some(encoding) = headers.get(CONTENT_ENCODING) else { return Ok(wire) };
    let encoding = encoding.to_str().unwrap_or("(not text)").trim();
    let is = |name: &str| encoding.eq_ignore_ascii_case(name);
    if wire.is_empty() || encoding.is_empty() || is("identity") {
        Ok(wire)
    } else if is("gzip") || is("x-gzip") {
        gunzip(&wire, limit)
    } else {
        let why = format!("content encoding {encoding:?} was not asked for and cannot be undone");
        Err(Failure::lasting(Kind::Decode, why))
    }
}

/// All members of a gzip stream (RFC 1952, section 2.2).
fn gunzip(wire: &[u8], limit: u64) -> Result<Bytes, Failure> {
    let mut decoded = Vec::with_capacity(FIRST_GUESS.min(wire.len().saturating_mul(8)));
    MultiGzDecoder::new(wire)
        .take(limit.saturating_add(1))
        .read_to_end(&mut decoded)
        .map_err(|error| Failure::lasting(Kind::Decode, format!("the body is not valid gzip: {error}")))?;
    if decoded.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(decoded.into())
}

fn too_large(limit: u64) -> Failure {
    Failure::lasting(Kind::TooLarge, format!("the body has more than the {limit} bytes that max_body allows"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use hyper::header::HeaderValue;

    use super::*;

    const LIMIT: u64 = 1 << 20;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(encoding: &str, wire: Vec<u8>) -> Result<Bytes, Kind> {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap())]);
        decode(&headers, wire.into(), LIMIT).map_err(|failure| failure.kind)
    }

    #[test]
    fn gzip_is_undone_all_members_of_it() {
        let two = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
        assert_eq!(decoded("gzip", two.clone()).unwrap(), "{\"a\":1}");
        assert_eq!(decoded("X-GZip", two).unwrap(), "{\"a\":1}");
    }

    #[test]
    fn no_encoding_and_no_body_pass_unchanged() {
        assert_eq!(decoded("identity", b"abc".into()).unwrap(), "abc");
        assert_eq!(decoded("gzip", Vec::new()).unwrap(), "");
        assert_eq!(decode(&HeaderMap::new(), "abc".into(), LIMIT).unwrap(), "abc");
    }

    #[test]
    fn broken_cut_and_unknown_encodings_are_decode_failures() {
        let whole = gzip(&b"0123456789".repeat(100));
        let mut broken = whole.clone();
        broken[12] ^= 0xff;
        for (encoding, wire) in [
            ("gzip", broken),
            ("gzip", whole[..whole.len() - 4].into()),
            ("gzip", b"{\"plain\":1}".into()),
            ("gzip", [whole.clone(), b"and more".into()].concat()),
            ("br", whole.clone()),
            ("gzip, gzip", whole),
        ] {
            assert_eq!(decoded(encoding, wire), Err(Kind::Decode), "{encoding}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let fits = vec![b' '; LIMIT as usize];
        assert_eq!(decoded("gzip", gzip(&fits)).unwrap().len() as u64, LIMIT);
        assert_eq!(decoded("gzip", gzip(&vec![b' '; LIMIT as usize + 1])), Err(Kind::TooLarge));
        // Cut at its end: whoever unpacked it all would find that out first.
        let mut bomb = gzip(&vec![b' '; 64 << 20]);
        bomb.truncate(bomb.len() - 4);
        assert_eq!(decoded("gzip", bomb), Err(Kind::TooLarge));
    }
}
