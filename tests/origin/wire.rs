//! A TCP connection that can be cut in the middle, and that tells when it has written.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::received::Received;

/// Cuts the connection that it belongs to.
#[derive(Debug, Clone, Default)]
pub struct Scissors(Rc<Cell<bool>>);

impl Scissors {
    /// The peer sees a reset, and nothing that was not sent before.
    pub fn cut(&self) {
        self.0.set(true);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.get() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// When an answer was written; nothing before that.
#[derive(Debug, Clone, Default)]
pub struct Written(Rc<Cell<Option<Instant>>>);

impl Written {
    /// It is written now.
    pub fn now(&self) {
        self.0.set(Some(Instant::now()));
    }

    pub fn at(&self) -> Option<Instant> {
        self.0.get()
    }
}

/// The answers of the connection that it belongs to whose writing is to be noted.
#[derive(Debug, Clone, Default)]
pub struct Pen(Rc<RefCell<Vec<Written>>>);

impl Pen {
    /// Notes when what is answered next is written.
    pub fn note(&self, written: Written) {
        self.0.borrow_mut().push(written);
    }

    /// What was answered so far is handed to the system, unless that failed.
    fn wrote(&self, result: &io::Result<usize>) {
        if result.is_ok() {
            self.0.borrow_mut().drain(..).for_each(|written| written.now());
        }
    }
}

/// A TCP connection, what cuts it and who learns what it wrote.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    scissors: Scissors,
    pen: Pen,
    /// Learns when what is read was received; `None` where nobody wants to know.
    received: Option<Received>,
}

impl Wire {
    pub fn new(stream: TcpStream, scissors: Scissors, pen: Pen, received: Option<Received>) -> Wire {
        Wire { stream, scissors, pen, received }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.scissors.0.get() {
            // Linger 0 makes the close a reset (RST); where that fails, a plain close is cut enough.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.scissors.check()?;
        match &self.received {
            Some(received) => received.poll_read(&self.stream, context, buffer),
            None => Pin::new(&mut self.stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.scissors.check()?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.pen.wrote(&written);
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.scissors.check()?;
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices));
        self.pen.wrote(&written);
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.scissors.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
