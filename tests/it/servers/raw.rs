//! A server that writes any bytes, whether they are HTTP or not.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a server speaks over.
pub trait Wire: Read + Write {
    /// Says that nothing more will come.
    fn close(&mut self) -> std::io::Result<()>;
}

impl Wire for TcpStream {
    fn close(&mut self) -> std::io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A server on a port of its own; it answers one request a connection, then closes it.
pub struct Raw {
    pub port: u16,
    asked: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Raw {
    /// Answers the path of each request with these bytes.
    pub fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Raw {
        Raw::serve_over(|stream| Box::new(stream), answer)
    }

    /// Answers the head of each request.
    pub fn serve_heads(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Raw {
        Raw::serve_conversations(|stream| Box::new(stream), answer)
    }

    /// Answers the path of each request by writing whatever for as long as anybody reads.
    pub fn serve_streams(
        answer: impl Fn(&str, &mut dyn Write) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Raw {
        let answer = move |head: &str, mut wire: &mut dyn Wire| {
            answer(head.split(' ').nth(1).unwrap_or_default(), &mut wire)
        };
        Raw::converse_with(|stream| Box::new(stream), answer)
    }

    /// Answers over what is made of each connection.
    pub fn serve_over(
        wire: impl Fn(TcpStream) -> Box<dyn Wire> + Send + Sync + 'static,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Raw {
        Raw::serve_conversations(wire, move |head| answer(head.split(' ').nth(1).unwrap_or_default()))
    }

    fn serve_conversations(
        wire: impl Fn(TcpStream) -> Box<dyn Wire> + Send + Sync + 'static,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Raw {
        Raw::converse_with(wire, move |head, wire| wire.write_all(&answer(head)))
    }

    fn converse_with(
        wire: impl Fn(TcpStream) -> Box<dyn Wire> + Send + Sync + 'static,
        answer: impl Fn(&str, &mut dyn Wire) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Raw {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, flag, shared) = (asked.clone(), ended.clone(), Arc::new((wire, answer)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                let (counter, shared) = (counter.clone(), shared.clone());
                std::thread::spawn(move || {
                    let (wire, answer) = &*shared;
                    // A client that hangs up is none of the server's business.
                    let _ = stream.and_then(|stream| converse(wire(stream), &counter, answer));
                });
            }
        });
        Raw { port, asked, ended }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Requests so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn converse(
    mut stream: Box<dyn Wire>,
    asked: &AtomicUsize,
    answer: &dyn Fn(&str, &mut dyn Wire) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            count => head.extend_from_slice(&piece[..count]),
        }
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let head = String::from_utf8_lossy(&head);
    answer(&head, &mut *stream)?;
    stream.close()?;
    // What the client still sends is read, so that closing is no reset.
    while stream.read(&mut piece)? > 0 {}
    Ok(())
}

/// A whole answer of HTTP/1.1.
pub fn http(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
