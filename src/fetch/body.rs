//! The body of an answer, read within its limit.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::watch::Watch;
use super::{classify, encoding};
use crate::record::Failure;

/// Reads a body as it comes over the wire. Each piece is counted in `received` as it comes.
pub(super) async fn read(
    body: &mut Incoming,
    limit: u64,
    watch: &mut Watch<'_>,
    received: &mut u64,
) -> Result<Bytes, Failure> {
    if body.size_hint().lower() > limit {
        return Err(encoding::too_large(limit));
    }
    let mut whole = Whole::Nothing;
    while let Some(piece) = next_piece(body, watch, received).await? {
        if whole.length() + piece.len() as u64 > limit {
            return Err(encoding::too_large(limit));
        }
        whole.push(piece, body.size_hint().lower());
    }
    Ok(whole.into_bytes())
}

/// Reads the beginning of a body that is not wanted for itself: what comes of it, up to `limit` bytes. Whether that
/// was all of it, and the connection can be used again, or why not.
pub(super) async fn read_beginning(
    body: &mut Incoming,
    limit: u64,
    watch: &mut Watch<'_>,
    received: &mut u64,
) -> (Bytes, Result<(), Failure>) {
    let mut beginning = Whole::Nothing;
    let ended = loop {
        let mut piece = match next_piece(body, watch, received).await {
            Ok(Some(piece)) => piece,
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        };
        let room = usize::try_from(limit - beginning.length()).unwrap_or(usize::MAX);
        let is_too_much = piece.len() > room;
        piece.truncate(room);
        beginning.push(piece, 0);
        if is_too_much {
            break Err(encoding::too_large(limit));
        }
    };
    (beginning.into_bytes(), ended)
}

async fn next_piece(
    body: &mut Incoming,
    watch: &mut Watch<'_>,
    received: &mut u64,
) -> Result<Option<Bytes>, Failure> {
    while !body.is_end_stream() {
        let Some(frame) = watch.step(body.frame()).await? else { break };
        let Ok(piece) = frame.map_err(|error| classify::broken_body(&error))?.into_data() else { continue };
        *received += piece.len() as u64;
        return Ok(Some(piece));
    }
    Ok(None)
}

/// A body in one piece is passed on as it is; further pieces are copied together.
enum Whole {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Whole {
    fn length(&self) -> u64 {
        match self {
            Whole::Nothing => 0,
            Whole::One(piece) => piece.len() as u64,
            Whole::Many(pieces) => pieces.len() as u64,
        }
    }

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
