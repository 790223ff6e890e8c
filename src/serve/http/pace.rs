//! A reader that is too slow.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Within this time a reader that is waited for takes so many bytes at least: what it reads is kept for it meanwhile, with the
/// memory of a whole generation where that has gone out of date.
pub(super) const WINDOW: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });
pub(super) const LEAST: usize = 16 << 10;

/// A stream that ends where its reader is too slow.
pub(super) struct Paced<S> {
    stream: S,
    /// Since the window began, while a write waits.
    written: usize,
    window: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub fn new(stream: S) -> Paced<S> {
        Paced { stream, written: 0, window: None }
    }

    /// That a write made way, or has to wait.
    fn note(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.written += bytes;
                if self.written >= LEAST {
                    (self.written, self.window) = (0, None);
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let window = self
                    .window
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + WINDOW)));
                match window.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.note(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn who_reads_too_slowly_is_left() {
        let (stream, mut reader) = tokio::io::duplex(1 << 10);
        let mut paced = Paced::new(stream);
        let read = tokio::spawn(async move {
            let mut piece = [0; 16];
            // Far from enough.
            while reader.read(&mut piece).await.is_ok_and(|bytes| bytes > 0) {
                tokio::time::sleep(WINDOW / 20).await;
            }
        });
        let error = paced.write_all(&vec![0; 4 * LEAST]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(paced);
        read.await.unwrap();
    }

    #[tokio::test]
    async fn who_reads_fast_enough_is_waited_for_however_long_it_takes() {
        let (stream, mut reader) = tokio::io::duplex(LEAST);
        let mut paced = Paced::new(stream);
        let read = tokio::spawn(async move {
            let mut piece = vec![0; LEAST];
            let mut all = 0;
            while let Ok(bytes @ 1..) = reader.read(&mut piece).await {
                all += bytes;
                tokio::time::sleep(WINDOW / 4).await;
            }
            all
        });
        let all = 8 * LEAST;
        paced.write_all(&vec![0; all]).await.unwrap();
        drop(paced);
        assert_eq!(read.await.unwrap(), all);
    }
}
