//! A proxy before the server that can cut a connection at its COMMIT: before the server has got it, or before its
//! answer has come back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Where the next connection that commits is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
pub enum Cut {
    /// Nowhere.
    Never,
    /// The server does not get the COMMIT.
    BeforeCommit,
    /// The server gets it, its answer does not come back.
    BeforeAnswer,
}

impl Cut {
    fn of(number: u8) -> Cut {
        [Cut::Never, Cut::BeforeCommit, Cut::BeforeAnswer][usize::from(number % 3)]
    }
}

/// A proxy that lasts as long as the test process.
pub struct Proxy {
    pub port: u16,
    next: Arc<AtomicU8>,
}

impl Proxy {
    /// Before the server on this port; `commit` is what its protocol makes of COMMIT.
    pub fn before(server: u16, commit: &'static [u8]) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let next = Arc::new(AtomicU8::new(Cut::Never as u8));
        let cut = Arc::clone(&next);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                connect(client, server, commit, &cut);
            }
        });
        Proxy { port, next }
    }

    /// The next COMMIT is cut so; later ones are not.
    pub fn cut_next(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }
}

/// Copies both ways on threads of their own.
fn connect(client: TcpStream, server: TcpStream, commit: &'static [u8], next: &Arc<AtomicU8>) {
    let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    // What the answers' thread learns: that the COMMIT has passed, and is not to be answered.
    let withheld = Arc::new(AtomicU8::new(Cut::Never as u8));
    let (next, told) = (Arc::clone(next), Arc::clone(&withheld));
    std::thread::spawn(move || forward(client, server, commit, &next, &told));
    std::thread::spawn(move || answer(from_server, to_client, &withheld));
}

fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    commit: &[u8],
    next: &AtomicU8,
    withheld: &AtomicU8,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let commits = buffer[..count].windows(commit.len()).any(|words| words == commit);
        let cut = if commits { Cut::of(next.swap(Cut::Never as u8, Ordering::SeqCst)) } else { Cut::Never };
        match cut {
            Cut::BeforeCommit => break,
            cut => withheld.store(cut as u8, Ordering::SeqCst),
        }
        if server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

fn answer(mut server: TcpStream, mut client: TcpStream, withheld: &AtomicU8) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        match Cut::of(withheld.load(Ordering::SeqCst)) {
            Cut::Never | Cut::BeforeCommit => {
                if client.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            Cut::BeforeAnswer => break,
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}
