//! What a hostile answer is: a name, who reads it, what comes over the wire, and what it has to end as.

use std::io::{self, Write};

/// An answer that the server gives to who asks for its name.
pub struct Case {
    /// Of letters, digits and `.-` only, since it is the id of a record and a part of a path.
    pub name: String,
    /// The endpoint that reads it.
    pub reader: &'static str,
    pub wire: Wire,
    pub end: End,
}

/// What comes over the wire.
pub enum Wire {
    /// These bytes, and the connection is closed.
    Bytes(Vec<u8>),
    /// What this makes of the path that was asked for: `/name`, or what a redirect made of it.
    Path(Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>),
    /// These bytes, then others again and again, with a pause after each, until nobody reads any more.
    Endless(Vec<u8>, Vec<u8>, std::time::Duration),
}

/// What an answer has to end as.
#[derive(Debug, PartialEq)]
pub enum End {
    /// With this value; `None` is null.
    Value(Option<String>),
    /// With a ledger line of this kind.
    Fails(&'static str),
}

pub fn is(value: &str) -> End {
    End::Value(Some(value.to_owned()))
}

pub fn null() -> End {
    End::Value(None)
}

pub fn fails(kind: &'static str) -> End {
    End::Fails(kind)
}

impl Case {
    /// An answer of any bytes.
    pub fn bytes(name: impl Into<String>, reader: &'static str, bytes: impl Into<Vec<u8>>, end: End) -> Case {
        Case { name: name.into(), reader, wire: Wire::Bytes(bytes.into()), end }
    }

    /// A success whose body is this; `headers` are whole lines.
    pub fn body(
        name: impl Into<String>,
        reader: &'static str,
        headers: &str,
        body: impl AsRef<[u8]>,
        end: End,
    ) -> Case {
        Case::bytes(name, reader, http("200 OK", headers, body), end)
    }

    /// Writes the answer for one who asks for `path`.
    pub fn answer(&self, path: &str, out: &mut dyn Write) -> io::Result<()> {
        match &self.wire {
            Wire::Bytes(bytes) => out.write_all(bytes),
            Wire::Path(answer) => out.write_all(&answer(path)),
            Wire::Endless(first, again, pause) => {
                out.write_all(first)?;
                loop {
                    out.write_all(again)?;
                    std::thread::sleep(*pause);
                }
            }
        }
    }
}

/// What every reader makes `yes` of.
pub const GOOD: &str = r#"{"v":"yes"}"#;

/// A whole answer of HTTP/1.1; `headers` are whole lines.
pub fn http(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    crate::servers::raw::http(status, headers, body)
}

/// An answer of one chunk.
pub fn chunked(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n{headers}\r\n");
    [head.as_bytes(), format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

/// An answer that ends where its connection does.
pub fn closed(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.0 200 OK\r\n{headers}\r\n").as_bytes(), body].concat()
}

/// A case for each byte after which an answer may be cut off, the first and the last among them.
pub fn cut(
    name: &str,
    reader: &'static str,
    lengths: std::ops::Range<usize>,
    answer: impl Fn(usize) -> Vec<u8>,
    end: impl Fn(usize) -> End,
) -> Vec<Case> {
    lengths.map(|at| Case::bytes(format!("{name}.cut-at-{at:03}"), reader, answer(at), end(at))).collect()
}
