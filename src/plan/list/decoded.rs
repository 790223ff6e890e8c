//! Text in another encoding than UTF-8, read as UTF-8.
//!
//! Nothing is replaced: bytes that are no character of the encoding are an [`Undecodable`] error, after all text
//! before them was given.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Bytes of a character at the most, so that a buffer of this size always takes one.
const CHARACTER: usize = 4;

/// Bytes that are no text of the encoding.
#[derive(Debug, thiserror::Error)]
#[error("not valid {0}")]
pub(super) struct Undecodable(pub &'static str);

/// UTF-8 made of `R`.
pub(super) struct Decoded<R> {
    inner: BufReader<R>,
    decoder: Decoder,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Malformed,
    Ended,
}

impl<R: Read> Decoded<R> {
    /// `inner` has no byte order mark any more.
    pub fn new(inner: R, encoding: &'static Encoding) -> Decoded<R> {
        let inner = BufReader::with_capacity(1 << 16, inner);
        Decoded { inner, decoder: encoding.new_decoder_without_bom_handling(), state: State::Open }
    }

    /// Decodes what is there into `out`; the bytes written.
    fn step(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.fill_buf()?;
        let is_last = bytes.is_empty();
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(bytes, out, is_last);
        self.inner.consume(read);
        self.state = match result {
            DecoderResult::Malformed(..) => State::Malformed,
            DecoderResult::InputEmpty if is_last => State::Ended,
            DecoderResult::InputEmpty | DecoderResult::OutputFull => State::Open,
        };
        Ok(written)
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.len() < CHARACTER {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        while self.state == State::Open {
            let written = self.step(out)?;
            if written > 0 {
                return Ok(written);
            }
        }
        match self.state {
            State::Malformed => Err(io::Error::other(Undecodable(self.decoder.encoding().name()))),
            State::Open | State::Ended => Ok(0),
        }
    }
}
