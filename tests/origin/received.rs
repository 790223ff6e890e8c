//! When the kernel received what is read. The origin may wait for a core before it reads, which would move requests
//! together that came evenly; the kernel's time is not moved by that.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

/// When the last bytes of a connection came.
#[derive(Debug, Clone, Default)]
pub struct Received(Rc<Cell<Option<SystemTime>>>);

impl Received {
    /// Asks the kernel for the times of this connection; `None` where it has none.
    pub fn of(stream: &TcpStream) -> Option<Received> {
        system::ask(stream).then(Received::default)
    }

    /// How long ago that was; nothing where it is not known.
    pub fn age(&self) -> Duration {
        self.0.get().and_then(|at| at.elapsed().ok()).unwrap_or_default()
    }

    /// Reads from the connection, as its own `poll_read`.
    pub fn poll_read(
        &self,
        stream: &TcpStream,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(stream.poll_read_ready(context))?;
            let room = buffer.initialize_unfilled();
            match stream.try_io(Interest::READABLE, || system::receive(stream, room)) {
                Ok((count, at)) => {
                    buffer.advance(count);
                    self.0.set(at);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd;
    use std::time::{Duration, SystemTime};

    use nix::cmsg_space;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns};
    use nix::sys::time::TimeSpec;
    use tokio::net::TcpStream;

    /// See `SO_TIMESTAMPNS` in the kernel's `Documentation/networking/timestamping.rst`; TCP has it since Linux 4.13.
    pub fn ask(stream: &TcpStream) -> bool {
        setsockopt(stream, ReceiveTimestampns, &true).is_ok()
    }

    /// Bytes received, and when the last of them came.
    pub fn receive(stream: &TcpStream, room: &mut [u8]) -> io::Result<(usize, Option<SystemTime>)> {
        let mut space = cmsg_space!(TimeSpec);
        let mut room = [IoSliceMut::new(room)];
        let received = recvmsg::<()>(stream.as_raw_fd(), &mut room, Some(&mut space), MsgFlags::empty())?;
        let at = received.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(at) => Some(SystemTime::UNIX_EPOCH + Duration::from(at)),
            _ => None,
        });
        Ok((received.bytes, at))
    }
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::time::SystemTime;

    use tokio::net::TcpStream;

    pub fn ask(_: &TcpStream) -> bool {
        false
    }

    pub fn receive(_: &TcpStream, _: &mut [u8]) -> io::Result<(usize, Option<SystemTime>)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream as Client};

    /// Reads what is there, at a time when the reader comes to it.
    fn read_after(pause: Duration) -> (Vec<u8>, Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let mut client =
                Client::connect(listener.local_addr().expect("an address")).expect("a connection");
            let (stream, _) = listener.accept().expect("a connection");
            stream.set_nonblocking(true).expect("a socket");
            let stream = TcpStream::from_std(stream).expect("a socket");
            let received = Received::of(&stream).expect("a kernel that tells");
            // The kernel begins to note times a little after the first socket of the machine asks for them.
            std::thread::sleep(Duration::from_millis(100));
            client.write_all(b"ask").expect("sent");
            std::thread::sleep(pause);
            let mut bytes = [0; 16];
            let mut buffer = ReadBuf::new(&mut bytes);
            std::future::poll_fn(|context| received.poll_read(&stream, context, &mut buffer))
                .await
                .expect("read");
            (buffer.filled().to_vec(), received.age())
        })
    }

    #[test]
    fn the_time_is_that_of_the_kernel_and_not_of_the_read() {
        let pause = Duration::from_millis(80);
        let (bytes, age) = read_after(pause);
        assert_eq!(bytes, b"ask");
        assert!((pause..pause * 10).contains(&age), "{age:?}");
    }
}
